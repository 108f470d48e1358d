"""What is due? Sweeps find it here; jobs do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db.tables import bookings, series
from domain.booking_steps import OPEN_TO_OFFERS, BookingStatus
from domain.lifecycle import FORGOTTEN

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection


async def bookings_due(tx: AsyncConnection, *, limit: int) -> list[tuple[UUID, datetime]]:
    """The bookings whose matching has come due, with when it did, longest overdue first.

    Those that somebody has locked are being worked on and are left out.
    """
    due = bookings.c.match_due_at
    rows = await tx.execute(
        select(bookings.c.id, due)
        .where(due <= func.clock_timestamp())
        .order_by(due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [(row.id, row.match_due_at) for row in rows]


async def bookings_forgotten(tx: AsyncConnection, *, limit: int) -> list[UUID]:
    """The bookings that were begun and not completed long after their window, oldest first."""
    b = bookings.c
    begun = b.status == BookingStatus.IN_PROGRESS
    over = b.ends_at <= func.clock_timestamp() - FORGOTTEN
    rows = select(b.id).where(begun, over).order_by(b.ends_at).limit(limit)
    return list(await tx.scalars(rows.with_for_update(skip_locked=True)))


async def bookings_passed_by(tx: AsyncConnection, *, limit: int) -> list[UUID]:
    """The bookings whose window is over without anybody who was to come, oldest first."""
    b = bookings.c
    waiting = b.status == BookingStatus.AWAITING_APPROVAL
    unstaffed = b.provider_id.is_(None) & b.status.in_(sorted(OPEN_TO_OFFERS))
    over = b.ends_at <= func.clock_timestamp()
    rows = select(b.id).where(waiting | unstaffed, over).order_by(b.ends_at).limit(limit)
    return list(await tx.scalars(rows.with_for_update(skip_locked=True)))


async def bookings_to_start(tx: AsyncConnection, *, limit: int) -> list[UUID]:
    """The confirmed bookings whose window has come, oldest first."""
    b = bookings.c
    confirmed = b.status == BookingStatus.CONFIRMED
    agreed = ~b.needs_terms | b.terms_accepted_at.is_not(None)
    come = b.starts_at <= func.clock_timestamp()
    rows = select(b.id).where(confirmed, agreed, come).order_by(b.starts_at).limit(limit)
    return list(await tx.scalars(rows.with_for_update(skip_locked=True)))


async def series_due(tx: AsyncConnection, *, limit: int) -> list[tuple[UUID, datetime]]:
    """The series with bookings to be made, with since when, longest overdue first."""
    due = series.c.next_due_at
    rows = await tx.execute(
        select(series.c.id, due)
        .where(due <= func.clock_timestamp())
        .order_by(due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [(row.id, row.next_due_at) for row in rows]
