"""Is nobody offered what they can no longer do, whatever happens while matching runs?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from db import matching, providers, requests, shifts
from domain.bookings import BookingKind
from domain.offers import OfferState
from tests import invariants
from tests.db.racing import act, race, waiting
from tests.factories import (
    a_request,
    add_booking,
    add_customer,
    add_provider,
    add_providers,
    add_service,
    now,
    read_offers,
    shift_time,
    tomorrow,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

TARGETED = timedelta(minutes=5)
#: One mile north, in degrees.
MILE = 1 / 69.0934


def advancing(booking: Booking) -> Any:
    return partial(matching.advance, booking_id=booking.id)


async def states(database: Database, booking: Booking) -> dict[UUID, OfferState]:
    found = await read_offers(database, booking.id)
    return {provider_id: offer.state for provider_id, offer in found.items()}


async def add_immediate(database: Database, customer: Viewer, service: Service) -> Booking:
    at = await now(database)
    return await add_booking(
        database,
        customer,
        service,
        kind=BookingKind.IMMEDIATE,
        starts_at=at + timedelta(minutes=30),
    )


async def test_who_clocks_out_while_matching_chooses_them_is_not_asked(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    leaving, staying = await add_providers(crowd, service, count=2)
    booking = await add_immediate(crowd, customer, service)

    async with crowd.begin() as tx:
        await shifts.clock_out(tx, provider_id=leaving.user_id, note=None)
        # Matching has read that they are on shift, and waits to hold them still.
        task = await waiting(crowd, advancing(booking))
    await task

    assert await states(crowd, booking) == {staying.user_id: OfferState.OFFERED}
    await invariants.check(crowd)


async def test_who_clocks_out_while_being_asked_has_the_offer_withdrawn(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_immediate(crowd, customer, service)
    clock_out = partial(shifts.clock_out, provider_id=provider.user_id, note=None)

    async with crowd.begin() as tx:
        await matching.advance(tx, booking.id)
        task = await waiting(crowd, clock_out)
    await task

    assert await states(crowd, booking) == {provider.user_id: OfferState.RESCINDED}
    await invariants.check(crowd)


async def test_who_is_booked_while_matching_chooses_them_is_not_asked(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service, starts_at=await tomorrow(crowd))
    direct = a_request(
        customer_id=customer.user_id,
        service_id=service.id,
        provider_id=provider.user_id,
        starts_at=booking.starts_at,
    )

    async with crowd.begin() as tx:
        await requests.request(tx, direct, by=customer)
        task = await waiting(crowd, advancing(booking))
    await task

    assert await states(crowd, booking) == {}
    await invariants.check(crowd)


async def test_clocking_out_as_the_offer_lapses_does_not_deadlock_with_the_next_wave(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, advancing(booking))
    await shift_time(crowd, booking, TARGETED)

    # The next wave expires their offer and wants to ask them again; they hold their own row, and
    # have yet to come to their offers.
    async with crowd.begin() as tx:
        await providers.lock(tx, [provider.user_id])
        task = await waiting(crowd, advancing(booking))
        await shifts.clock_out(tx, provider_id=provider.user_id, note=None)
    await task

    (offer,) = (await read_offers(crowd, booking.id)).values()
    assert (offer.state, offer.round) == (OfferState.OFFERED, 2)
    await invariants.check(crowd)


async def test_matching_and_clocking_out_at_once_leave_no_offer_to_who_is_off_shift(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    for _ in range(10):
        three = await add_providers(crowd, service, count=3)
        booking = await add_immediate(crowd, customer, service)
        leaving = [partial(shifts.clock_out, provider_id=one.user_id, note=None) for one in three]

        await race(crowd, [leaving[0], advancing(booking), *leaving[1:]])

        await invariants.check(crowd)
        assert OfferState.OFFERED not in (await states(crowd, booking)).values()
