"""Is nothing left of a provider's work while they cannot come, whoever acts meanwhile?"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text

from db import (
    bookings,
    holds,
    lifecycle,
    offers,
    providers,
    requests,
    shifts,
    time_off,
    unavailability,
)
from db.tables import bookings as bookings_table
from db.tables import events, history, job_offers, reservations
from db.tables import shifts as shifts_table
from db.tables import time_off as time_off_table
from db.tables import withdrawals as withdrawals_table
from domain.booking_steps import BookingStatus
from domain.events import EventType
from domain.history import Source
from domain.holds import HoldEnding
from domain.offers import Gone, OfferGone, OfferState
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.shifts import Presence
from domain.unavailability import Unavailability
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.db.saying import booked, noon_in
from tests.factories import (
    a_request,
    add_booking,
    add_customer,
    add_customers,
    add_dispatcher,
    add_offers,
    add_provider,
    add_service,
    count_rows,
    live_reservations,
    now,
    read_booking,
    read_events,
    read_offers,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
TRACES = (
    *(bookings_table, events, history, job_offers, reservations),
    *(shifts_table, time_off_table, withdrawals_table),
)


@pytest.fixture
async def service(crowd: Database) -> Service:
    return await add_service(crowd)


@pytest.fixture
async def provider(crowd: Database, service: Service) -> Viewer:
    return await add_provider(crowd, service)


def telling(by: Viewer, starts_at: datetime, ends_at: datetime, **changes: Any) -> Any:
    facts: dict[str, Any] = {"starts_at": starts_at, "ends_at": ends_at, "reason": "A fever"}
    return partial(unavailability.report, by=by, **facts | changes)


async def theirs_between(
    database: Database, provider: Viewer, starts_at: datetime, ends_at: datetime
) -> list[UUID]:
    """What a provider has to do in a stretch."""
    async with database.read() as connection:
        rows = await connection.execute(
            select(bookings_table).where(bookings_table.c.provider_id == provider.user_id)
        )
        theirs = [bookings.booking(row) for row in rows]
    return [
        one.id
        for one in theirs
        if one.takes_time and one.starts_at < ends_at and starts_at < one.ends_at
    ]


async def presence(database: Database, provider: Viewer) -> Presence:
    async with database.read() as connection:
        return (await shifts.presence_of(connection, [provider.user_id]))[provider.user_id]


async def test_all_their_work_in_the_stretch_is_offered_to_others_in_one_act(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    noon = await noon_in(crowd, 2)
    ends_inside = await booked(crowd, provider, noon - HOUR)
    inside = await booked(crowd, provider, noon + 4 * HOUR, paid_at=None)
    before_it = await booked(crowd, provider, noon - 3 * HOUR)
    after_it = await booked(crowd, provider, noon + 8 * HOUR)
    offered = await add_booking(
        crowd, await add_customer(crowd), service, starts_at=noon + 6 * HOUR
    )
    elsewhere = await add_booking(
        crowd, await add_customer(crowd), service, starts_at=noon + 3 * DAY
    )
    for one in (offered, elsewhere):
        await add_offers(crowd, one, [provider])
    seen = len(await read_events(crowd))

    done = await act(crowd, telling(provider, noon, noon + 8 * HOUR))

    assert {one.booking_id for one in done.withdrawals} == {ends_inside.id, inside.id}
    assert {one.reason for one in done.withdrawals} == {"A fever"}
    assert done.kept == ()
    statuses = [(await read_booking(crowd, one.id)) for one in (ends_inside, inside)]
    assert [(one.status, one.provider_id) for one in statuses] == [
        (BookingStatus.PAID, None),
        (BookingStatus.PENDING, None),
    ]
    assert all(one.match_due_at == done.time_off.requested_at for one in statuses)
    assert [await live_reservations(crowd, one.id) for one in (ends_inside, inside)] == [[], []]
    for untouched in (before_it, after_it):
        assert await read_booking(crowd, untouched.id) == untouched
    states = [
        (await read_offers(crowd, one.id))[provider.user_id].state for one in (offered, elsewhere)
    ]
    assert states == [OfferState.RESCINDED, OfferState.OFFERED]
    assert await read_events(crowd, after=seen) == [
        EventType.BOOKING_RELEASED,
        EventType.BOOKING_RELEASED,
        EventType.OFFER_RESCINDED,
        EventType.SEARCH_PLACE_FREED,
        EventType.PROVIDER_AVAILABILITY_CHANGED,
    ]
    # It does not begin yet: they stay on shift.
    assert await presence(crowd, provider) is Presence.ONLINE
    await invariants.check(crowd)


async def test_why_is_not_for_customers_to_read(crowd: Database, provider: Viewer) -> None:
    noon, staff = await noon_in(crowd, 2), await add_dispatcher(crowd)
    made = [await booked(crowd, provider, noon), await booked(crowd, provider, noon + DAY)]

    own = await act(crowd, telling(provider, noon, noon + HOUR))
    by_staff = telling(staff, noon + DAY, noon + DAY + HOUR, provider_id=provider.user_id)
    done = await act(crowd, by_staff)

    assert (own.time_off.reason, done.time_off.requested_by) == ("A fever", staff.user_id)
    async with crowd.read() as connection:
        lines = await bookings.histories(connection, [one.id for one in made])
    words = "The provider is unavailable."
    assert [(lines[one.id][-1].source, lines[one.id][-1].reason) for one in made] == [
        (Source.PROVIDER, words),
        (Source.STAFF, words),
    ]


async def test_who_is_ill_from_now_on_is_off_shift_without_any_offer(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    at = await now(crowd)
    elsewhere = await add_booking(crowd, await add_customer(crowd), service, starts_at=at + 3 * DAY)
    await add_offers(crowd, elsewhere, [provider])
    due = await booked(crowd, provider, at - MINUTE)

    done = await act(crowd, telling(provider, at - MINUTE, at + DAY))

    assert await presence(crowd, provider) is Presence.OFFLINE
    assert (await read_offers(crowd, elsewhere.id))[provider.user_id].state is OfferState.RESCINDED
    # Also what should have begun: its customer hears at once that nobody comes.
    assert [one.booking_id for one in done.withdrawals] == [due.id]
    await invariants.check(crowd)


async def test_work_in_the_middle_of_which_they_are_stays_theirs_and_is_told(
    crowd: Database, provider: Viewer
) -> None:
    at = await now(crowd)
    begun = await booked(crowd, provider, at - MINUTE)
    await act(crowd, partial(lifecycle.start, booking_id=begun.id, by=provider))
    ahead = await booked(crowd, provider, at + 5 * HOUR)

    done = await act(crowd, telling(provider, at, at + DAY))

    assert [one.id for one in done.kept] == [begun.id]
    assert [one.booking_id for one in done.withdrawals] == [ahead.id]
    assert (await read_booking(crowd, begun.id)).provider_id == provider.user_id
    assert await presence(crowd, provider) is Presence.BUSY
    await invariants.check(crowd)


async def test_holds_of_their_time_end_and_cannot_be_booked(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    noon = await noon_in(crowd, 2)
    customers = await add_customers(crowd, count=2)
    asked = [
        a_request(
            customer_id=customer.user_id,
            service_id=service.id,
            provider_id=provider.user_id,
            starts_at=noon + number * DAY,
        )
        for number, customer in enumerate(customers)
    ]
    kept = [await act(crowd, partial(holds.hold, asked=one)) for one in asked]

    await act(crowd, telling(provider, noon, noon + HOUR))

    async with crowd.read() as connection:
        found = {one.id: one for one in await holds.by_ids(connection, [one.id for one in kept])}
    assert [found[one.id].ending for one in kept] == [HoldEnding.RELEASED, None]
    await invariants.check(crowd)


async def test_saying_the_same_twice_is_once_and_answers_the_same(
    crowd: Database, provider: Viewer
) -> None:
    at = await now(crowd)
    await booked(crowd, provider, at + 5 * HOUR)
    tell = telling(provider, at, at + DAY)
    first = await act(crowd, tell)
    before = await count_rows(crowd, *TRACES)

    assert await race(crowd, [tell] * 4) == [first] * 4

    assert len(first.withdrawals) == 1
    assert await count_rows(crowd, *TRACES) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": timedelta()},
        {"ends_at": -HOUR},
        {"ends_at": 367 * DAY},
        {"reason": "x" * 501},
        {"reason": "nu\x00ll"},
    ],
)
async def test_what_cannot_be_leaves_no_trace(
    crowd: Database, provider: Viewer, wrong: dict[str, Any]
) -> None:
    at = await now(crowd)
    await booked(crowd, provider, at + 5 * HOUR)
    before = await count_rows(crowd, *TRACES)
    changed = dict(wrong)
    if "ends_at" in changed:
        changed["ends_at"] = at + changed["ends_at"]
    with pytest.raises(InvalidInput):
        await act(crowd, telling(provider, at, **{"ends_at": at + DAY} | changed))
    assert await count_rows(crowd, *TRACES) == before


async def test_nobody_says_it_of_others_but_staff_who_say_of_whom(
    crowd: Database, service: Service, provider: Viewer
) -> None:
    at, other = await now(crowd), await add_provider(crowd, service)
    before = await count_rows(crowd, *TRACES)
    with pytest.raises(NotFound):
        await act(crowd, telling(other, at, at + DAY, provider_id=provider.user_id))
    staff = await add_dispatcher(crowd)
    with pytest.raises(InvalidInput):
        await act(crowd, telling(staff, at, at + DAY))
    with pytest.raises(NotFound):
        await act(crowd, telling(staff, at, at + DAY, provider_id=staff.user_id))
    assert await count_rows(crowd, *TRACES) == before


class TestMeetingOthers:
    """The stretch is taken, or the work is, and never both."""

    async def test_an_acceptance_that_comes_while_it_waits_is_taken_back(
        self, crowd: Database, service: Service, provider: Viewer
    ) -> None:
        noon = await noon_in(crowd, 2)
        known = await booked(crowd, provider, noon)
        booking, offer_id = await self.offered(crowd, service, provider, noon + 3 * HOUR)

        async with crowd.begin() as tx:
            await offers.accept(tx, offer_id=offer_id, by=provider.user_id)
            task = await waiting(crowd, telling(provider, noon, noon + DAY))
        done = await task

        assert {one.booking_id for one in done.withdrawals} == {known.id, booking.id}
        await self.assert_nothing_left(crowd, provider, noon)

    async def test_an_acceptance_that_waits_for_it_is_refused(
        self, crowd: Database, service: Service, provider: Viewer
    ) -> None:
        noon = await noon_in(crowd, 2)
        _, offer_id = await self.offered(crowd, service, provider, noon)

        async with crowd.begin() as tx:
            await telling(provider, noon, noon + DAY)(tx)
            accept = partial(offers.accept, offer_id=offer_id, by=provider.user_id)
            task = await waiting(crowd, accept)
        with pytest.raises(OfferGone) as refused:
            await task

        assert refused.value.why is Gone.RESCINDED
        await self.assert_nothing_left(crowd, provider, noon)

    async def test_a_booking_that_is_wanted_by_another_meanwhile_is_no_deadlock(
        self, crowd: Database, provider: Viewer
    ) -> None:
        """The other has the booking and wants the provider; we have neither before both."""
        noon = await noon_in(crowd, 2)
        first = await booked(crowd, provider, noon)
        second = await booked(crowd, provider, noon + 30 * DAY)
        async with crowd.begin() as tx:
            await bookings.lock(tx, first.id)
            task = await waiting(crowd, telling(provider, noon, noon + DAY))
            await providers.lock(tx, [provider.user_id])
            await self.move_here(tx, second, noon + 4 * HOUR)
        done = await task

        assert {one.booking_id for one in done.withdrawals} == {first.id, second.id}
        await self.assert_nothing_left(crowd, provider, noon)

    async def test_in_any_order_with_real_connections_nothing_is_left(
        self, crowd: Database, service: Service, provider: Viewer
    ) -> None:
        noon = await noon_in(crowd, 2)
        made = [
            await self.offered(crowd, service, provider, noon + number * 3 * HOUR)
            for number in range(6)
        ]
        customer = await add_customer(crowd)
        direct = a_request(
            customer_id=customer.user_id,
            service_id=service.id,
            provider_id=provider.user_id,
            starts_at=noon + 20 * HOUR,
        )
        accepts = [
            partial(offers.accept, offer_id=offer_id, by=provider.user_id) for _, offer_id in made
        ]
        tell = telling(provider, noon, noon + DAY)

        outcomes = await race(
            crowd,
            [
                *accepts[:3],
                tell,
                partial(requests.request, asked=direct, by=customer),
                tell,
                *accepts[3:],
            ],
        )

        assert sum(isinstance(one, Unavailability) for one in outcomes) == 2
        accepted = [one for one in outcomes[:3] if not isinstance(one, Refusal)]
        *_, last = (one for one in outcomes if isinstance(one, Unavailability))
        given_back = {one.booking_id for one in last.withdrawals}
        assert {one.id for one in accepted} <= given_back
        await self.assert_nothing_left(crowd, provider, noon)

    async def test_takes_every_lock_in_order(self, crowd: Database, provider: Viewer) -> None:
        """While it waits for a booking it has not got the provider."""
        noon = await noon_in(crowd, 2)
        booking = await booked(crowd, provider, noon)
        async with crowd.begin() as tx:
            await bookings.lock(tx, booking.id)
            task = await waiting(crowd, telling(provider, noon, noon + DAY))
            await tx.execute(
                text("SELECT id FROM providers WHERE id = :id FOR UPDATE NOWAIT"),
                {"id": provider.user_id},
            )
        assert len((await task).withdrawals) == 1

    async def offered(
        self, database: Database, service: Service, provider: Viewer, starts_at: datetime
    ) -> tuple[Booking, UUID]:
        customer = await add_customer(database)
        booking = await add_booking(database, customer, service, starts_at=starts_at)
        (offer,) = await add_offers(database, booking, [provider])
        return booking, offer.id

    async def move_here(self, tx: Any, booking: Booking, starts_at: datetime) -> None:
        """Let work be in the stretch that was not, by who has the provider's lock."""
        moved = {"starts_at": starts_at, "ends_at": starts_at + 2 * HOUR}
        for table, key in (
            (bookings_table, bookings_table.c.id),
            (reservations, reservations.c.booking_id),
        ):
            await tx.execute(table.update().where(key == booking.id).values(moved))

    async def assert_nothing_left(
        self, database: Database, provider: Viewer, noon: datetime
    ) -> None:
        assert await theirs_between(database, provider, noon, noon + DAY) == []
        async with database.read() as connection:
            off = (await time_off.ahead_of(connection, [provider.user_id]))[provider.user_id]
        assert [one.span for one in off] == [(noon, noon + DAY)]
        await invariants.check(database)
