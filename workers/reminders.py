"""How are people reminded of a booking? By a job that looks at it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from db import telling
from domain.messages import ReminderKind
from domain.refusals import NotFound
from workers.notify import wake

if TYPE_CHECKING:
    from workers.jobs import Context


async def remind(ctx: Context, booking_id: str, kind: str) -> None:
    """Remind people of a booking, if that is due still, and has not been done."""
    try:
        async with ctx.database.begin() as tx:
            channels = await telling.remind(tx, UUID(booking_id), ReminderKind(kind))
    except NotFound:
        # Deleted since.
        return
    await wake(ctx, channels)
