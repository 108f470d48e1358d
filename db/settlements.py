"""Settling: what is held for a booking that is over is earned, kept as a fee, or given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import ledger, payment_rows, refunds
from domain import settlements as rules

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking


async def settle(tx: AsyncConnection, booking: Booking, *, at: datetime) -> None:
    """Bring about what becomes of a booking's money as it stands now. Again, it changes nothing.

    For whatever ends a booking, and for a payment of one that has ended or is done, after it was
    noted. What goes on is not touched. The caller holds the booking's lock, and its provider's and
    offers' where it needs them: the payments are locked here.
    """
    if not booking.is_final:
        return
    paid = await payment_rows.lock_of(tx, booking.id)
    if not paid:
        return
    outcome = rules.settle(booking, paid, await ledger.settled(tx, booking.id))
    await ledger.post(tx, [outcome.kept], at=at)
    for portion, cause in outcome.refunds:
        await refunds.give(tx, portion.payment, portion.amount_minor, cause=cause, at=at)
