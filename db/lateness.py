"""Telling that a provider will be late, and reading what that puts in danger."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from db import bookings, clock, offers
from db.tables import bookings as bookings_table
from domain import lateness as rules
from domain.availability import MARGIN
from domain.booking_steps import UNFINISHED, Act

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.people import Viewer


async def report(
    tx: AsyncConnection, *, booking_id: UUID, by: Viewer, minutes: int, reason: str
) -> tuple[Booking, tuple[Booking, ...]]:
    """Note by how much the provider will be late; with it, their later work that is in danger.

    Raises NotFound, InvalidInput, WrongStatus or TooEarly.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    at = await clock.now(tx)
    outcome = rules.report(booking, minutes=minutes, reason=reason, by=by, at=at)
    await offers.keep(
        tx,
        booking,
        outcome,
        at=at,
        act=Act.REPORT_LATE,
        actor=by.user_id,
        reason=rules.said(minutes, reason),
    )
    # A warning only: nothing is decided by it, so nobody is locked for it.
    return outcome.booking, rules.endangered(outcome.booking, await _after(tx, outcome.booking))


async def _after(tx: AsyncConnection, late: Booking) -> list[Booking]:
    """What the provider has to do soon after a booking."""
    b = bookings_table.c
    latest = late.ends_at + timedelta(minutes=rules.MAX_MINUTES) + MARGIN
    query = (
        select(bookings_table)
        .where(b.provider_id == late.provider_id, b.status.in_(sorted(UNFINISHED)))
        .where(b.starts_at >= late.starts_at, b.starts_at < latest)
    )
    return [bookings.booking(row) for row in await tx.execute(query)]
