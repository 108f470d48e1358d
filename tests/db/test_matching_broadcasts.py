"""Are the silent asked again, and is work that nobody takes given away in time?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from db import auto_assign, matching, offers
from domain.bookings import BookingKind
from domain.events import EventType
from domain.house import HouseRules
from domain.offers import OfferState, Wave
from domain.waves import WaveRules
from gateways.assignment import least_cost
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
    read_events,
    read_offers,
    shift_time,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.services import Service

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
AGAIN: Final = timedelta(minutes=4)


def advancing(booking: Booking, **changes: Any) -> Any:
    return partial(matching.advance, booking_id=booking.id, house=HouseRules(**changes))


async def broadcast(
    database: Database, service: Service, *, count: int = 1, **changes: Any
) -> Booking:
    """Work of which a broadcast has just asked so many."""
    customer = await add_customer(database)
    await add_providers(database, service, count=count)
    facts = {"wave": Wave.TARGETED, "round": 1} | changes
    booking = await add_booking(database, customer, service, **facts)
    await act(database, advancing(booking))
    kept = await read_booking(database, booking.id)
    assert (kept.wave, kept.round, kept.broadcasts) == (Wave.BROADCAST, 2, 1)
    return kept


class TestReminders:
    async def test_go_to_the_silent_at_each_broadcast(self, database: Database) -> None:
        booking = await broadcast(database, await add_service(database))
        (offer,) = (await read_offers(database, booking.id)).values()
        for times in (1, 2):
            await shift_time(database, booking, AGAIN)
            before = len(await read_events(database))

            await act(database, advancing(booking))

            (again,) = (await read_offers(database, booking.id)).values()
            kept = await read_booking(database, booking.id)
            assert (again.id, again.reminders, again.state) == (offer.id, times, OfferState.OFFERED)
            assert again.reminded_at is not None
            assert kept.match_due_at == again.reminded_at + AGAIN
            assert kept.broadcasts == 1 + times
            assert await read_events(database, after=before) == [EventType.OFFER_REMINDED]

            # Early, late or twice: once.
            await race(database, [advancing(booking)] * 3)
            assert (await read_offers(database, booking.id))[again.provider_id] == again

    async def test_do_not_go_to_who_has_answered_or_is_asked_just_now(
        self, database: Database
    ) -> None:
        service = await add_service(database)
        booking = await broadcast(database, service, count=2)
        silent, refuses = (await read_offers(database, booking.id)).values()
        refuse = partial(offers.reject, offer_id=refuses.id, by=refuses.provider_id, reason="")
        await act(database, refuse)
        await shift_time(database, booking, AGAIN)
        new = await add_provider(database, service)
        before = len(await read_events(database))

        await act(database, advancing(booking))

        found = await read_offers(database, booking.id)
        reminders = {uid: (offer.reminders, offer.state) for uid, offer in found.items()}
        assert reminders == {
            silent.provider_id: (1, OfferState.OFFERED),
            refuses.provider_id: (0, OfferState.REJECTED),
            new.user_id: (0, OfferState.OFFERED),
        }
        told = await read_events(database, after=before)
        assert told == [EventType.OFFER_OFFERED, EventType.OFFER_REMINDED]


class TestTheAutomaticAssignment:
    @pytest.mark.parametrize(
        ("kind", "after"),
        [(BookingKind.SCHEDULED, 2 * HOUR), (BookingKind.IMMEDIATE, 15 * MINUTE)],
    )
    async def test_begins_beside_the_broadcasts_when_nobody_has_taken_it(
        self, database: Database, kind: BookingKind, after: timedelta
    ) -> None:
        booking = await broadcast(database, await add_service(database), kind=kind)
        await shift_time(database, booking, after - MINUTE)
        due_at = await act(database, advancing(booking))
        early = await read_booking(database, booking.id)
        assert (early.wave, early.auto_due_at) == (Wave.BROADCAST, None)
        # Looked at in time, and not four minutes later.
        assert due_at == early.match_due_at == early.requested_at + after
        await shift_time(database, booking, MINUTE)

        await race(database, [advancing(booking)] * 5)

        kept = await read_booking(database, booking.id)
        assert (kept.wave, kept.auto_tries, kept.unfilled_at) == (Wave.AUTO, 0, None)
        assert kept.auto_due_at is not None
        assert kept.match_due_at == kept.auto_due_at + AGAIN
        assert kept.broadcasts == 3
        await invariants.check(database)

    async def test_begins_in_a_targeted_wave_that_refusals_have_kept_alive(
        self, database: Database
    ) -> None:
        service = await add_service(database)
        await add_providers(database, service, count=12)
        kind = BookingKind.IMMEDIATE
        booking = await add_booking(database, await add_customer(database), service, kind=kind)
        await act(database, advancing(booking))
        for _ in range(3):
            # Each of the three has thought for almost five minutes, and then says no.
            await shift_time(database, booking, AGAIN + MINUTE / 2)
            for one in (await read_offers(database, booking.id)).values():
                if one.state is OfferState.OFFERED:
                    refuse = partial(offers.reject, offer_id=one.id, by=one.provider_id, reason="")
                    await act(database, refuse)
                    due_at = await act(database, advancing(booking))
        before = await read_booking(database, booking.id)
        assert (before.wave, before.auto_due_at) == (Wave.TARGETED, None)
        # Three were asked just now, in the fourteenth minute, and have five.
        assert due_at == before.match_due_at == before.requested_at + 15 * MINUTE
        await shift_time(database, booking, MINUTE + MINUTE / 2)

        await race(database, [advancing(booking)] * 5)

        begun = await read_booking(database, booking.id)
        assert (begun.wave, begun.broadcasts) == (Wave.AUTO, 0)
        assert begun.auto_due_at is not None
        report = await auto_assign.run(database, solver=least_cost)
        (given,) = report.assigned
        kept = await read_booking(database, booking.id)
        assert (given.booking.id, kept.provider_id) == (booking.id, given.provider_id)
        states = {one.state for one in (await read_offers(database, booking.id)).values()}
        assert OfferState.OFFERED not in states
        await invariants.check(database)

    async def test_begins_as_the_house_has_set_it(self, database: Database) -> None:
        booking = await broadcast(database, await add_service(database))
        await shift_time(database, booking, HOUR)

        await act(database, advancing(booking, waves=WaveRules(auto_after=2 * HOUR)))
        assert (await read_booking(database, booking.id)).auto_due_at is None

        await act(database, advancing(booking, waves=WaveRules(auto_after=HOUR)))
        # Nothing else was due.
        kept = await read_booking(database, booking.id)
        assert (kept.wave, kept.broadcasts) == (Wave.AUTO, 2)
        assert kept.auto_due_at is not None

    async def test_goes_on_when_the_next_broadcast_is_due(self, database: Database) -> None:
        at = await now(database)
        booking = await broadcast(database, await add_service(database))
        await shift_time(database, booking, 2 * HOUR)
        await act(database, advancing(booking))
        begun = await read_booking(database, booking.id)
        await shift_time(database, booking, AGAIN)

        await act(database, advancing(booking))

        kept = await read_booking(database, booking.id)
        assert (kept.wave, kept.broadcasts) == (Wave.AUTO, begun.broadcasts + 1)
        assert begun.auto_due_at is not None
        assert kept.auto_due_at == begun.auto_due_at - AGAIN
        assert at < begun.auto_due_at
