"""Ending a booking because one of the two did not come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import bookings, clock, offers, providers
from domain import no_shows as rules
from domain.booking_steps import Act

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking, Party
    from domain.no_shows import Evidence
    from domain.people import Viewer


async def report(
    tx: AsyncConnection, *, booking_id: UUID, by: Viewer, absent: Party, evidence: Evidence
) -> Booking:
    """Note who did not come, with evidence, and free the provider's time.

    Raises NotFound, WrongStatus, TooEarly or InvalidInput.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    if booking.provider_id is not None:
        await providers.lock(tx, [booking.provider_id])
    at = await clock.now(tx)
    outcome = rules.report(booking, absent=absent, evidence=evidence, by=by, at=at)
    await offers.keep(
        tx,
        booking,
        outcome,
        at=at,
        act=Act.REPORT_NO_SHOW,
        actor=by.user_id,
        reason=f"{absent}: {evidence.note}"[:500],
    )
    return outcome.booking
