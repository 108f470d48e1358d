"""Calling off what nobody has paid for in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db import bookings, clock, offers, providers
from db.tables import bookings as bookings_table
from domain import lapsing as rules
from domain.booking_steps import Act, BookingStatus

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking


async def lapse(tx: AsyncConnection, booking_id: UUID, *, patience: timedelta) -> Booking:
    """Call off a booking that was not paid in time, and free its provider. Raises NotFound or
    WrongStatus."""
    booking = await bookings.lock(tx, booking_id)
    if booking.provider_id is not None:
        await providers.lock(tx, [booking.provider_id])
    at = await clock.now(tx)
    outcome = rules.lapse(booking, patience=patience, at=at)
    reason = outcome.booking.cancel_reason
    await offers.keep(tx, booking, outcome, at=at, act=Act.CANCEL, reason=reason)
    return outcome.booking


async def unpaid(tx: AsyncConnection, *, patience: timedelta, limit: int) -> list[UUID]:
    """The bookings that somebody was to come for and that were not paid in time, oldest first."""
    b = bookings_table.c
    staffed = (b.status == BookingStatus.PENDING) & b.provider_id.is_not(None)
    over = func.greatest(b.starts_at, b.assigned_at) <= func.clock_timestamp() - patience
    # An index knows of starts only.
    begun = b.starts_at <= func.clock_timestamp()
    rows = select(b.id).where(staffed, begun, over).order_by(b.starts_at).limit(limit)
    return list(await tx.scalars(rows.with_for_update(skip_locked=True)))
