"""How does a request become a booking? Locked, judged by every rule at once, and kept.

Lock order: customer, hold, those who count the same time, provider. The clock is read after them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import bookable, bookings, clock, events, holds, idempotency, offers, providers, services
from db.ids import new_id
from domain.bookings import happened
from domain.events import EventType
from domain.holds import HoldEnding
from domain.house import DEFAULT, HouseRules
from domain.refusals import NotFound
from domain.requests import draft

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.holds import Hold
    from domain.idempotency import Key
    from domain.people import Viewer
    from domain.requests import BookingRequest


async def request(
    tx: AsyncConnection,
    asked: BookingRequest,
    *,
    by: Viewer,
    house: HouseRules = DEFAULT,
    key: Key | None = None,
) -> Booking:
    """Make the booking that is asked for; with a provider or a hold, take that provider's time.

    The same key and body answer with the booking that was made first. Raises NotFound for an
    unknown service, provider, customer or hold, RulesBroken, SlotTaken, ProviderNotEligible,
    NobodyFree, HoldExpired, ServiceInactive, InvalidInput or IdempotencyKeyReused.
    """
    booking_id = new_id()
    if key is not None:
        first = await idempotency.claim(tx, key, user_id=by.user_id, result_id=booking_id)
        if first != booking_id:
            return await bookings.get(tx, first)
    if not by.is_staff and asked.customer_id != by.user_id:
        raise NotFound("Customer")
    await bookable.lock_customer(tx, asked.customer_id)
    service = await services.get(tx, asked.service_id)
    if asked.preferred_provider_id is not None:
        await providers.get(tx, asked.preferred_provider_id)
    held = await _held(tx, asked)
    if held is not None:
        asked = asked.with_hold(held)
    # What is asked for is looked at before anybody is kept waiting, and dated after.
    wanted = draft(asked, service, booking_id=booking_id, at=await clock.now(tx))
    await bookable.queue_up(tx, wanted)
    if wanted.provider_id is not None:
        await providers.lock(tx, [wanted.provider_id])
    at = await clock.now(tx)
    booking = draft(asked, service, booking_id=booking_id, at=at)
    if held is not None:
        await holds.end(tx, held, HoldEnding.BOOKED, at=at)
    waived = by.is_staff and asked.override_reason is not None
    counted = not by.is_staff and asked.series is None
    await bookable.check(
        tx,
        booking,
        service,
        at=at,
        house=house,
        waived=waived,
        counted=counted,
        # What a hold keeps was judged when it was made; notice that has passed since is no matter.
        agreed=held is not None and held.is_for(asked.address),
    )
    await bookings.add(tx, booking, actor=by.user_id, reason=asked.override_reason)
    told = [happened(EventType.BOOKING_REQUESTED, booking)]
    if booking.provider_id is not None:
        told.append(happened(EventType.BOOKING_ASSIGNED, booking))
    await events.append(tx, told)
    await offers.rescind_competing(tx, booking, at=at)
    return booking


async def _held(tx: AsyncConnection, asked: BookingRequest) -> Hold | None:
    hold_id: UUID | None = asked.hold_id
    if hold_id is None:
        return None
    return await holds.use(tx, hold_id, customer_id=asked.customer_id)
