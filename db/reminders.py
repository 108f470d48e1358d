"""Reminders: planned with a booking's row in hand, found when they are due, given once.

Lock order: booking, reminders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db import clock
from db.tables import reminders
from domain import reminders as rules
from domain.messages import ReminderKind
from domain.reminders import Reminder

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking

_R: Final = reminders.c


async def plan(tx: AsyncConnection, booking: Booking) -> dict[ReminderKind, Reminder]:
    """Plan a booking's reminders as it stands, and drop what it calls for no more.

    The caller holds the booking's lock. Again, it changes nothing.
    """
    known = await of_booking(tx, booking.id)
    planned = rules.plan(booking, known, at=await clock.now(tx))
    gone = [kind for kind in known if kind not in planned]
    if gone:
        mine = _R.booking_id == booking.id
        await tx.execute(delete(reminders).where(mine, _R.kind.in_(gone)))
    for kind, reminder in planned.items():
        if reminder != known.get(kind):
            await _keep(tx, reminder)
    return planned


async def of_booking(connection: AsyncConnection, booking_id: UUID) -> dict[ReminderKind, Reminder]:
    """What is planned of a booking, and what was given."""
    rows = await connection.execute(select(reminders).where(_R.booking_id == booking_id))
    return {one.kind: one for one in map(_reminder, rows)}


async def done(tx: AsyncConnection, reminder: Reminder, *, at: datetime) -> None:
    """Note that it was given, or that it was too late for it. The caller holds the booking's
    lock."""
    mine = (_R.booking_id == reminder.booking_id) & (_R.kind == reminder.kind)
    await tx.execute(update(reminders).where(mine).values(done_at=at))


async def due(tx: AsyncConnection, *, limit: int) -> list[Reminder]:
    """The reminders whose time has come, longest overdue first.

    Those that somebody has locked are being given and are left out.
    """
    rows = await tx.execute(
        select(reminders)
        .where(_R.done_at.is_(None), _R.due_at <= func.clock_timestamp())
        .order_by(_R.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_reminder(row) for row in rows]


async def _keep(tx: AsyncConnection, reminder: Reminder) -> None:
    when = {"due_at": reminder.due_at, "done_at": reminder.done_at}
    whose = {"booking_id": reminder.booking_id, "kind": reminder.kind}
    planned = insert(reminders).values(whose | when)
    await tx.execute(
        planned.on_conflict_do_update(index_elements=[_R.booking_id, _R.kind], set_=when)
    )


def _reminder(row: Row[Any]) -> Reminder:
    return Reminder(
        booking_id=row.booking_id,
        kind=ReminderKind(row.kind),
        due_at=row.due_at,
        done_at=row.done_at,
    )
