"""How many are looked at in a round, and who takes the place of somebody who says no?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import event

from db import candidates, matching, offers, shifts
from domain.bookings import BookingKind
from domain.house import HouseRules
from domain.matching import V2
from domain.offers import OfferState, Wave
from tests import invariants
from tests.db.racing import act, race
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_providers,
    add_service,
    now,
    read_booking,
    read_offers,
    shift_time,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer

MINUTE: Final = timedelta(minutes=1)
TARGETED: Final = timedelta(minutes=5)


def advancing(booking: Booking, **changes: Any) -> Any:
    return partial(matching.advance, booking_id=booking.id, house=HouseRules(**changes))


async def states(database: Database, booking: Booking) -> dict[UUID, OfferState]:
    found = await read_offers(database, booking.id)
    return {provider_id: offer.state for provider_id, offer in found.items()}


async def say_no(database: Database, booking: Booking, *providers: Viewer) -> None:
    found = await read_offers(database, booking.id)
    for one in providers:
        refuse = partial(offers.reject, offer_id=found[one.user_id].id, by=one.user_id, reason="")
        await act(database, refuse)


class TestHowManyAreLookedAt:
    @pytest.fixture(autouse=True)
    def pages(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
        """Four at first and then seven at a time: how many were asked for, after how many."""
        monkeypatch.setattr(matching, "_FEW", 4)
        monkeypatch.setattr(matching, "_EACH", 1)
        monkeypatch.setattr(candidates, "LIMIT", 7)
        seen: list[tuple[int, int]] = []
        search = candidates.eligible

        async def watched(*args: Any, **asked: Any) -> Any:
            seen.append((asked["limit"], asked["skip"]))
            found = await search(*args, **asked)
            assert len(found) <= asked["limit"]
            return found

        monkeypatch.setattr(candidates, "eligible", watched)
        return seen

    async def crowd_of(
        self, database: Database, *, busy: int, free: int, **changes: Any
    ) -> tuple[Booking, list[Viewer]]:
        """The better ones have work too near to it, which no index tells; the others are free."""
        service, customer = await add_service(database), await add_customer(database)
        better = await add_providers(database, service, count=busy, rating=4.9)
        others = await add_providers(database, service, count=free)
        booking = await add_booking(database, customer, service, **changes)
        at = await now(database)
        for one in better:
            await add_booking(
                database,
                customer,
                service,
                starts_at=booking.ends_at + MINUTE,
                provider_id=one.user_id,
                assigned_at=at,
                match_due_at=None,
            )
        return booking, others

    async def test_are_the_most_promising_few_where_they_are_enough(
        self, database: Database, pages: list[tuple[int, int]]
    ) -> None:
        booking, others = await self.crowd_of(database, busy=1, free=9)

        await act(database, advancing(booking))

        assert pages == [(4, 0)]
        found = await read_offers(database, booking.id)
        assert set(found) == {one.user_id for one in others[:3]}
        assert {offer.candidates for offer in found.values()} == {3}

    async def test_are_more_where_too_few_of_them_can_do_it(
        self, database: Database, pages: list[tuple[int, int]]
    ) -> None:
        booking, others = await self.crowd_of(database, busy=2, free=9)

        await act(database, advancing(booking))

        assert pages == [(4, 0), (7, 4)]
        found = await read_offers(database, booking.id)
        assert set(found) == {one.user_id for one in others[:3]}
        # All who were looked at and can do it.
        assert {offer.candidates for offer in found.values()} == {9}

    async def test_are_all_of_them_where_hardly_anybody_can(
        self, database: Database, pages: list[tuple[int, int]]
    ) -> None:
        booking, (other,) = await self.crowd_of(database, busy=12, free=1)

        await act(database, advancing(booking))

        assert pages == [(4, 0), (7, 4), (7, 11)]
        assert await states(database, booking) == {other.user_id: OfferState.OFFERED}

    async def test_are_as_many_as_there_may_be_for_a_policy_that_scores_their_records(
        self, database: Database, pages: list[tuple[int, int]]
    ) -> None:
        booking, _ = await self.crowd_of(database, busy=1, free=9)

        await act(database, advancing(booking, shadow=V2))

        assert pages == [(7, 0)]

    async def test_are_never_more_than_the_limit_at_once(
        self, database: Database, pages: list[tuple[int, int]]
    ) -> None:
        # A broadcast asks fifty.
        booking, others = await self.crowd_of(database, busy=1, free=9, wave=Wave.TARGETED, round=1)

        await act(database, advancing(booking))

        assert pages == [(7, 0), (7, 7)]
        assert set(await states(database, booking)) == {one.user_id for one in others}


class TestTheNextBest:
    async def test_takes_the_place_of_a_targeted_provider_who_says_no(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        first, second, third = await add_providers(database, service, count=3, rating=4.9)
        fourth = await add_provider(database, service, rating=4.0)
        await add_provider(database, service)
        booking = await add_booking(database, customer, service)
        ends_at = await act(database, advancing(booking))

        await say_no(database, booking, second)
        again_at = await act(database, advancing(booking))

        found = await read_offers(database, booking.id)
        assert {uid: (one.state, one.round) for uid, one in found.items()} == {
            first.user_id: (OfferState.OFFERED, 1),
            second.user_id: (OfferState.REJECTED, 1),
            third.user_id: (OfferState.OFFERED, 1),
            fourth.user_id: (OfferState.OFFERED, 2),
        }
        new = found[fourth.user_id]
        assert new.expires_at == new.offered_at + TARGETED
        kept = await read_booking(database, booking.id)
        assert (kept.wave, kept.round) == (Wave.TARGETED, 2)
        # When the first two have run out of time.
        assert again_at == kept.match_due_at == ends_at
        await invariants.check(database)

    async def test_takes_the_place_of_a_targeted_provider_who_goes_off_shift(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        first, second, third = await add_providers(database, service, count=3, rating=4.9)
        fourth = await add_provider(database, service)
        soon = {"kind": BookingKind.IMMEDIATE, "starts_at": await now(database) + 30 * MINUTE}
        booking = await add_booking(database, customer, service, **soon)
        ends_at = await act(database, advancing(booking))
        leave = partial(shifts.clock_out, provider_id=first.user_id, note=None)
        await act(database, leave)

        again_at = await act(database, advancing(booking))

        assert await states(database, booking) == {
            first.user_id: OfferState.RESCINDED,
            second.user_id: OfferState.OFFERED,
            third.user_id: OfferState.OFFERED,
            fourth.user_id: OfferState.OFFERED,
        }
        assert again_at == ends_at
        kept = await read_booking(database, booking.id)
        assert (kept.wave, kept.round, kept.match_due_at) == (Wave.TARGETED, 2, ends_at)
        await invariants.check(database)

    async def test_is_looked_for_in_vain_without_a_round_of_its_own(
        self, database: Database
    ) -> None:
        service, customer = await add_service(database), await add_customer(database)
        refuses, *_ = await add_providers(database, service, count=3)
        booking = await add_booking(database, customer, service)
        ends_at = await act(database, advancing(booking))
        await say_no(database, booking, refuses)

        assert await act(database, advancing(booking)) == ends_at
        kept = await read_booking(database, booking.id)
        assert (kept.wave, kept.round, kept.match_due_at) == (Wave.TARGETED, 1, ends_at)
        late = await add_provider(database, service)
        await act(database, advancing(booking))

        found = await read_offers(database, booking.id)
        assert found[late.user_id].round == 2

    async def test_does_not_take_the_place_of_one_who_is_silent(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        everybody = await add_providers(database, service, count=5)
        booking = await add_booking(database, customer, service)
        await act(database, advancing(booking))
        await say_no(database, booking, everybody[0])
        await shift_time(database, booking, MINUTE)
        await act(database, advancing(booking))
        await shift_time(database, booking, 4 * MINUTE)

        again_at = await act(database, advancing(booking))

        found = await read_offers(database, booking.id)
        assert [found[one.user_id].state for one in everybody[:4]] == [
            OfferState.REJECTED,
            OfferState.EXPIRED,
            OfferState.EXPIRED,
            OfferState.OFFERED,
        ]
        assert everybody[4].user_id not in found
        assert again_at == found[everybody[3].user_id].expires_at
        assert (await read_booking(database, booking.id)).wave is Wave.TARGETED

    async def test_is_everybody_near_when_all_three_have_said_no(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        everybody = await add_providers(database, service, count=5)
        booking = await add_booking(database, customer, service)
        await act(database, advancing(booking))
        await say_no(database, booking, *everybody[:3])

        await race(database, [advancing(booking)] * 5)

        found = await read_offers(database, booking.id)
        assert {uid for uid, one in found.items() if one.state is OfferState.OFFERED} == {
            one.user_id for one in everybody[3:]
        }
        kept = await read_booking(database, booking.id)
        assert (kept.wave, kept.round, kept.broadcasts) == (Wave.BROADCAST, 2, 1)
        await invariants.check(database)

    async def test_takes_the_place_of_one_who_goes_off_shift(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        everybody = await add_providers(database, service, count=5)
        booking = await add_booking(database, customer, service)
        await act(database, advancing(booking))
        await act(database, partial(shifts.clock_out, provider_id=everybody[0].user_id, note=None))

        again_at = await act(database, advancing(booking))

        found = await read_offers(database, booking.id)
        assert [found[one.user_id].state for one in everybody[:4]] == [
            OfferState.RESCINDED,
            *[OfferState.OFFERED] * 3,
        ]
        assert everybody[4].user_id not in found
        assert again_at == found[everybody[1].user_id].expires_at

    async def test_is_everybody_near_when_all_three_go_off_shift(self, database: Database) -> None:
        service, customer = await add_service(database), await add_customer(database)
        everybody = await add_providers(database, service, count=5)
        booking = await add_booking(database, customer, service)
        await act(database, advancing(booking))
        for one in everybody[:3]:
            await act(database, partial(shifts.clock_out, provider_id=one.user_id, note=None))

        await act(database, advancing(booking))

        found = await read_offers(database, booking.id)
        assert [found[one.user_id].state for one in everybody] == [
            *[OfferState.RESCINDED] * 3,
            *[OfferState.OFFERED] * 2,
        ]
        assert (await read_booking(database, booking.id)).wave is Wave.BROADCAST

        await shift_time(database, booking, 4 * MINUTE)
        await act(database, advancing(booking))

        # Scheduled work can be done by who is off shift now: after a while they are asked again.
        found = await read_offers(database, booking.id)
        assert {one.state for one in found.values()} == {OfferState.OFFERED}
        assert set(found) == {one.user_id for one in everybody}


async def test_a_first_round_locks_no_offers_and_a_later_one_does(database: Database) -> None:
    service, customer = await add_service(database), await add_customer(database)
    await add_providers(database, service, count=4)
    booking = await add_booking(database, customer, service)
    locked: list[str] = []

    def watch(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FROM job_offers" in statement and statement.rstrip().endswith("FOR UPDATE"):
            locked.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", watch)
    await act(database, advancing(booking))
    assert locked == []

    await shift_time(database, booking, TARGETED)
    await act(database, advancing(booking))
    assert len(locked) == 1
