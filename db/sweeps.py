"""What is due? Sweeps find it here; jobs do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db.tables import bookings

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
