"""Is what nobody has taken given to whom it suits best, and is everybody told?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from db import auto_assign, auto_runs, bookings
from db.ids import new_id
from db.tables import auto_runs as runs_table
from db.tables import bookings as bookings_table
from db.tables import (
    certifications,
    events,
    history,
    job_offers,
    provider_blocks,
    provider_services,
)
from domain.auto_assign import Report
from domain.booking_steps import BookingStatus
from domain.bookings import BookingKind
from domain.events import EventType
from domain.history import Source
from domain.matching import HardRule
from domain.matching.batch import Gain, Why
from domain.offers import OfferState, Wave
from domain.pages import PageRequest
from domain.refusals import InvalidInput, NotFound
from gateways.assignment import least_cost
from tests import invariants
from tests.factories import (
    WESTMINSTER,
    add_booking,
    add_customer,
    add_dispatcher,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    an_address,
    count_rows,
    fall_silent,
    live_reservations,
    now,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: One mile north, in degrees.
MILE: Final = 1 / 69.0934
HOME: Final = 51.5010


async def run(database: Database, **asked: Any) -> Report:
    return await auto_assign.run(database, solver=least_cost, **asked)


async def add_due(
    database: Database, customer: Viewer, service: Service, **changes: Any
) -> Booking:
    """A booking that nobody has taken for long enough."""
    at = await now(database)
    facts: dict[str, Any] = {
        "wave": Wave.AUTO,
        "round": 4,
        "broadcasts": 3,
        "match_since": at - 3 * HOUR,
        "match_due_at": at + MINUTE,
        "auto_due_at": at - MINUTE,
    }
    return await add_booking(database, customer, service, **facts | changes)


async def near(database: Database, service: Service, miles: float, **columns: Any) -> Viewer:
    """Somebody so far away who would come that far."""
    place = {"latitude": HOME + miles * MILE, "radius_miles": 50.0}
    return await add_provider(database, service, **place | columns)


def given(report: Report) -> dict[UUID, UUID]:
    return {one.booking.id: one.provider_id for one in report.assigned}


async def test_it_is_given_to_the_best_with_an_offer_that_tells_them(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    best = await near(crowd, service, 14, rating=4.9, completed_jobs=60)
    await near(crowd, service, 1, rating=4.8)
    booking = await add_due(crowd, customer, service)
    before = len(await read_events(crowd))

    report = await run(crowd)

    (told,) = report.assigned
    assert (told.provider_id, told.booking.id) == (best.user_id, booking.id)
    assert told.distance_miles == pytest.approx(14, abs=0.01)
    assert told.cost == pytest.approx(14 + 0.5, abs=0.01)
    assert told.reasons == ("Available now", "Local match: SW1A", "Rated 4.90", "60 jobs completed")
    after = await read_booking(crowd, booking.id)
    assert after == told.booking
    assert (after.provider_id, after.status) == (best.user_id, BookingStatus.PENDING)
    assert (after.round, after.match_due_at, after.auto_due_at) == (5, None, None)
    (offer,) = (await read_offers(crowd, booking.id)).values()
    assert (offer.provider_id, offer.wave, offer.state) == (
        best.user_id,
        Wave.AUTO,
        OfferState.ACCEPTED,
    )
    assert (offer.round, offer.score, offer.policy, offer.candidates) == (5, 117, "v1", 2)
    assert offer.expires_at == booking.starts_at
    assert offer.offered_at == offer.resolved_at == after.assigned_at
    assert offer.reasons == told.reasons
    assert await live_reservations(crowd, booking.id) == [best.user_id]
    assert await read_events(crowd, after=before) == [
        EventType.OFFER_ACCEPTED,
        EventType.BOOKING_ASSIGNED,
    ]
    async with crowd.read() as connection:
        entries = (await bookings.histories(connection, [booking.id]))[booking.id]
    assert (entries[-1].act, entries[-1].source, entries[-1].version) == (
        "ASSIGN",
        Source.CALLOUT,
        2,
    )
    await invariants.check(crowd)


async def test_an_open_offer_is_taken_for_its_provider_and_rivals_hear_of_it(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    best, rival = await add_provider(crowd, service, rating=5), await add_provider(crowd, service)
    booking = await add_due(crowd, customer, service)
    said = {"wave": Wave.BROADCAST, "round": 4, "reasons": ("As it was told then",)}
    made = await add_offers(crowd, booking, [best, rival], **said)
    before = len(await read_events(crowd))

    report = await run(crowd)

    assert given(report) == {booking.id: best.user_id}
    assert [one.reasons for one in report.assigned] == [("As it was told then",)]
    found = await read_offers(crowd, booking.id)
    assert [one.reasons for one in found.values()] == [("As it was told then",)] * 2
    assert {uid: (one.id, one.state) for uid, one in found.items()} == {
        best.user_id: (made[0].id, OfferState.ACCEPTED),
        rival.user_id: (made[1].id, OfferState.RESCINDED),
    }
    assert (await read_booking(crowd, booking.id)).round == 4
    assert await read_events(crowd, after=before) == [
        EventType.OFFER_ACCEPTED,
        EventType.BOOKING_ASSIGNED,
        EventType.OFFER_RESCINDED,
    ]
    await invariants.check(crowd)


async def test_all_that_changed_of_each_is_kept_where_they_change_differently(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    asked, unasked = await near(crowd, service, 1), await near(crowd, service, 2)
    north = an_address(point=replace(WESTMINSTER, latitude=HOME + 2 * MILE))
    taken = await add_due(crowd, customer, service)
    made = await add_due(crowd, customer, service, address=north)
    await add_offers(crowd, taken, [asked], wave=Wave.BROADCAST, round=4)

    report = await run(crowd)

    assert given(report) == {taken.id: asked.user_id, made.id: unasked.user_id}
    for one in report.assigned:
        assert await read_booking(crowd, one.booking.id) == one.booking
    await invariants.check(crowd)


async def test_what_it_leaves_no_time_for_is_withdrawn_and_the_rest_stays(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_due(crowd, customer, service)
    offered = {}
    for later in (HOUR, 2 * HOUR + 14 * MINUTE, 2 * HOUR + 15 * MINUTE, DAY):
        start = booking.starts_at + later
        other = await add_booking(crowd, customer, service, starts_at=start)
        (offered[later],) = await add_offers(crowd, other, [provider])

    await run(crowd)

    states = [
        (await read_offers(crowd, one.booking_id))[provider.user_id].state
        for one in offered.values()
    ]
    assert states == [OfferState.RESCINDED] * 2 + [OfferState.OFFERED] * 2
    await invariants.check(crowd)


async def test_the_batch_gives_more_than_one_after_the_other_and_says_so(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    everywhere = await near(crowd, service, 0, rating=5)
    one_side = await near(crowd, service, -12, rating=3)
    here = await add_due(crowd, customer, service)
    there = await add_due(
        crowd,
        customer,
        service,
        address=an_address(point=replace(WESTMINSTER, latitude=HOME + 12 * MILE)),
    )

    report = await run(crowd)

    assert given(report) == {here.id: one_side.user_id, there.id: everywhere.user_id}
    assert (report.run.waiting, report.run.assigned, report.run.greedy_assigned) == (2, 2, 1)
    assert report.run.gain.bookings == 1
    async with crowd.read() as connection:
        page = await auto_runs.page(connection, PageRequest(limit=5))
        assert await auto_runs.count(connection) == 1
        assert await auto_runs.by_ids(connection, [report.run.id, new_id()]) == [report.run]
    assert page.items == (report.run,)
    assert report.run.asked_by is None
    await invariants.check(crowd)


async def test_nobody_is_given_more_than_they_take_or_have_time_for(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    first = (await now(crowd) + 2 * DAY).replace(hour=9, minute=0, second=0, microsecond=0)
    await add_providers(crowd, service, count=3, daily_cap=2)
    for n in range(9):
        # At nine, ten and a quarter past noon, each three times: for who does the first there is
        # no time for the second.
        await add_due(crowd, customer, service, starts_at=first + (0, 1, 3.25)[n % 3] * HOUR)

    report = await run(crowd)

    assert (report.run.waiting, report.run.assigned) == (9, 6)
    assert [one.why for one in report.unassigned] == [Why.NEEDED_ELSEWHERE] * 3
    for one in report.unassigned:
        left = await read_booking(crowd, one.booking_id)
        assert (left.auto_tries, left.provider_id) == (1, None)
    await invariants.check(crowd)


@pytest.mark.parametrize(
    ("tries", "unfilled"), [(0, False), (3, False), (4, True)], ids=["first", "fourth", "fifth"]
)
async def test_what_nobody_can_do_is_tried_again_and_after_the_fifth_time_told(
    crowd: Database, tries: int, unfilled: bool
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await near(crowd, service, 16)
    booking = await add_due(crowd, customer, service, auto_tries=tries)
    before = len(await read_events(crowd))

    report = await run(crowd)

    assert [one.why for one in report.unassigned] == [Why.NOBODY_ELIGIBLE]
    after = await read_booking(crowd, booking.id)
    assert after.auto_tries == tries + 1
    assert (after.unfilled_at is not None) is unfilled
    assert (after.auto_due_at is None) is unfilled
    told = await read_events(crowd, after=before)
    assert told == ([EventType.BOOKING_UNFILLED] if unfilled else [])
    # It is not due again at once.
    assert (await run(crowd)).run.waiting == 0
    assert await read_booking(crowd, booking.id) == after
    await invariants.check(crowd)


async def test_nothing_waiting_leaves_no_trace(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_provider(crowd, service)
    later = await add_due(crowd, customer, service, auto_due_at=await now(crowd) + MINUTE)

    report = await run(crowd)

    assert (report.assigned, report.unassigned, report.run.waiting) == ((), (), 0)
    assert await count_rows(crowd, runs_table) == (0,)
    assert await read_booking(crowd, later.id) == later


class TestWhoIsNotGivenIt:
    async def give_one(self, database: Database, unfit: Viewer, booking: Booking) -> Report:
        """Only the unfit one is there."""
        report = await run(database)
        assert given(report) == {}, unfit
        # Nobody was planned for it, rather than found out under the locks.
        assert [one.why for one in report.unassigned] == [Why.NOBODY_ELIGIBLE]
        assert (await read_booking(database, booking.id)).provider_id is None
        await invariants.check(database)
        return report

    async def test_who_has_rejected_it(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        unfit = await add_provider(crowd, service)
        booking = await add_due(crowd, customer, service)
        at = await now(crowd)
        await add_offers(crowd, booking, [unfit], state=OfferState.REJECTED, resolved_at=at)
        await self.give_one(crowd, unfit, booking)

    async def test_whom_the_customer_is_not_to_meet(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        unfit = await add_provider(crowd, service)
        booking = await add_due(crowd, customer, service)
        row = {"id": new_id(), "customer_id": customer.user_id, "provider_id": unfit.user_id}
        async with crowd.begin() as tx:
            by = {"blocked_by": customer.user_id, "blocked_at": await now(crowd)}
            await tx.execute(insert(provider_blocks).values(row | by))
        await self.give_one(crowd, unfit, booking)

    async def test_who_lacks_a_certification_or_whose_runs_out_before(
        self, crowd: Database
    ) -> None:
        service = await add_service(crowd, required_certifications=["gas-safe"])
        customer = await add_customer(crowd)
        unfit = await add_provider(crowd, service)
        needs = service.requirements
        booking = await add_due(crowd, customer, service, requirements=needs)
        await self.give_one(crowd, unfit, booking)
        at = await now(crowd)
        paper = {
            "id": new_id(),
            "provider_id": unfit.user_id,
            "code": "gas-safe",
            "name": "Gas Safe",
            "number": "1",
            "issuer": "Gas Safe Register",
            "added_at": at,
            "verified_at": at,
            "verified_by": unfit.user_id,
            "expires_on": booking.starts_at.date() - DAY,
        }
        async with crowd.begin() as tx:
            await tx.execute(insert(certifications).values(paper))
            await tx.execute(update(bookings_table).values(auto_due_at=at))
        await self.give_one(crowd, unfit, booking)
        async with crowd.begin() as tx:
            await tx.execute(update(certifications).values(expires_on=None))
            await tx.execute(update(bookings_table).values(auto_due_at=at))
        assert given(await run(crowd)) == {booking.id: unfit.user_id}

    async def test_who_is_not_there_for_what_is_wanted_now(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        silent = await add_provider(crowd, service)
        await add_provider(crowd, service, on_shift=False)
        await fall_silent(crowd, silent)
        start = await now(crowd) + 30 * MINUTE
        booking = await add_due(
            crowd, customer, service, kind=BookingKind.IMMEDIATE, starts_at=start
        )
        await self.give_one(crowd, silent, booking)

    async def test_who_offers_the_service_no_more_though_they_hold_an_offer(
        self, crowd: Database
    ) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        unfit = await add_provider(crowd, service)
        booking = await add_due(crowd, customer, service)
        await add_offers(crowd, booking, [unfit])
        async with crowd.begin() as tx:
            await tx.execute(provider_services.delete())
        await self.give_one(crowd, unfit, booking)


async def test_who_has_no_coordinates_is_thought_of_too(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    nowhere = await add_provider(crowd, service, latitude=None, longitude=None)
    booking = await add_due(crowd, customer, service)
    assert given(await run(crowd)) == {booking.id: nowhere.user_id}


async def test_work_without_coordinates_and_work_that_asks_for_more_is_given_too(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    knows = await add_provider(crowd, service, brands=["BMW"], rating=3)
    other = await add_provider(crowd, service, rating=5)
    start = await now(crowd) + DAY
    branded = await add_due(crowd, customer, service, requested_brand="bmw", starts_at=start)
    nowhere = await add_due(
        crowd, customer, service, address=an_address(point=None), starts_at=start
    )
    assert given(await run(crowd)) == {branded.id: knows.user_id, nowhere.id: other.user_id}


class TestAskedByADispatcher:
    async def test_names_what_is_to_be_given_and_stands_in_its_history(
        self, crowd: Database
    ) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        dora = await add_dispatcher(crowd)
        provider = await add_provider(crowd, service)
        named = await add_booking(crowd, customer, service)
        due = await add_due(crowd, customer, service)

        report = await run(crowd, by=dora, booking_ids=[named.id])

        assert given(report) == {named.id: provider.user_id}
        async with crowd.read() as connection:
            entries = (await bookings.histories(connection, [named.id]))[named.id]
        assert (entries[-1].act, entries[-1].source) == ("ASSIGN", Source.STAFF)
        assert entries[-1].actor_id == dora.user_id
        assert report.run.asked_by == dora.user_id
        assert await read_booking(crowd, due.id) == due

    async def test_counts_no_try_against_what_was_not_due(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        dora = await add_dispatcher(crowd)
        booking = await add_booking(crowd, customer, service)
        report = await run(crowd, by=dora, booking_ids=[booking.id])
        assert [(one.why, one.broken) for one in report.unassigned] == [(Why.NOBODY_ELIGIBLE, ())]
        assert await read_booking(crowd, booking.id) == booking

    async def test_is_told_which_rules_rule_out_the_nearest(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        dora = await add_dispatcher(crowd)
        await near(crowd, service, 16)
        await add_provider(crowd, service, approved_at=None)
        booking = await add_booking(crowd, customer, service)
        report = await run(crowd, by=dora, booking_ids=[booking.id])
        (left,) = report.unassigned
        assert left.broken == ((HardRule.APPROVED, 1), (HardRule.RADIUS, 1))

    async def test_is_told_what_is_not_open(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        dora, provider = await add_dispatcher(crowd), await add_provider(crowd, service)
        at = await now(crowd)
        mine = {"provider_id": provider.user_id, "assigned_at": at}
        taken = await add_booking(crowd, customer, service, **mine)
        begun = await add_booking(crowd, customer, service, starts_at=at - MINUTE)

        report = await run(crowd, by=dora, booking_ids=[taken.id, begun.id])

        assert {one.booking_id: one.why for one in report.unassigned} == {
            taken.id: Why.NOT_OPEN,
            begun.id: Why.NOT_OPEN,
        }
        assert report.run.waiting == 0
        assert await count_rows(crowd, runs_table) == (0,)

    async def test_names_only_what_there_is_and_not_too_much(self, crowd: Database) -> None:
        with pytest.raises(NotFound):
            await run(crowd, booking_ids=[new_id()])
        with pytest.raises(InvalidInput):
            await run(crowd, booking_ids=[new_id() for _ in range(51)])
        assert (await run(crowd, booking_ids=[])).run.waiting == 0

    async def test_gets_those_that_are_due_longest_and_the_clock_gets_all(
        self, crowd: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auto_assign, "MOST_NAMED", 1)
        service, customer = await add_service(crowd), await add_customer(crowd)
        at = await now(crowd)
        await add_due(crowd, customer, service)
        longest = await add_due(crowd, customer, service, auto_due_at=at - 2 * MINUTE)
        dora = await add_dispatcher(crowd)

        asked = await run(crowd, by=dora, dry_run=True)

        assert [one.booking_id for one in asked.unassigned] == [longest.id]
        assert (await run(crowd, dry_run=True)).run.waiting == 2

    async def test_may_look_without_touching(self, crowd: Database) -> None:
        service, customer = await add_service(crowd), await add_customer(crowd)
        provider = await add_provider(crowd, service, rating=4.9)
        booking = await add_due(crowd, customer, service)
        tables = (job_offers, events, history, runs_table)
        before = await count_rows(crowd, *tables)

        dry = await run(crowd, dry_run=True)

        (told,) = dry.assigned
        assert (told.provider_id, told.booking) == (provider.user_id, booking)
        assert told.reasons == ("Available now", "Local match: SW1A", "Rated 4.90")
        assert await count_rows(crowd, *tables) == before
        assert await read_booking(crowd, booking.id) == booking
        assert given(await run(crowd)) == given(dry)


async def test_the_gain_of_a_booking_alone_is_nothing(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_provider(crowd, service)
    await add_due(crowd, customer, service)
    assert (await run(crowd)).run.gain == Gain(bookings=0, miles=0.0)


async def test_more_than_one_transaction_takes_is_given_in_several(
    crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_assign, "CHUNK", 2)
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    start = await now(crowd) + DAY
    made = [
        await add_due(crowd, customer, service, starts_at=start + n * 3 * HOUR) for n in range(5)
    ]
    report = await run(crowd)
    assert given(report) == {one.id: provider.user_id for one in made}
    await invariants.check(crowd)
