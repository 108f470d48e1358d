"""Giving a booking to a provider by hand, under the same rules as every other way.

Lock order: booking, providers by id, offers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from db import bookable, bookings, clock, offers, providers, services
from db.lifecycle import check_version
from domain import assignments as rules
from domain.booking_rules import override
from domain.booking_steps import Act

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.people import Viewer


async def assign(
    tx: AsyncConnection,
    *,
    booking_id: UUID,
    provider_id: UUID,
    by: Viewer,
    override_reason: str | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Give a booking to a provider, or to another one. To the same one again changes nothing.

    Raises NotFound, WrongStatus, VersionConflict, RulesBroken, SlotTaken or ProviderNotEligible.
    """
    override_reason = override(override_reason, by=by)
    booking = await bookings.lock_for(tx, booking_id, by)
    if booking.provider_id == provider_id:
        return booking
    check_version(booking, expected_version)
    wanted = replace(booking, provider_id=provider_id, assigned_at=booking.requested_at)
    both = [provider_id] if booking.provider_id is None else [provider_id, booking.provider_id]
    await providers.lock(tx, both)
    open_offers = await offers.lock_of(tx, booking_id)
    at = await clock.now(tx)
    outcome = rules.assign(booking, open_offers, provider_id=provider_id, at=at)
    service = await services.get(tx, booking.service_id)
    await bookable.check(
        tx, wanted, service, at=at, waived=override_reason is not None, agreed=True
    )
    act = Act.ASSIGN if booking.provider_id is None else Act.REASSIGN
    await offers.keep(
        tx, booking, outcome, at=at, act=act, actor=by.user_id, reason=override_reason
    )
    await offers.rescind_competing(tx, outcome.booking, at=at)
    return outcome.booking
