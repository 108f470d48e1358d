"""How do people hear of what happened? A job tells of each event; others send what it wrote."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from db import telling
from domain.refusals import NotFound
from workers.jobs import alarm_key
from workers.queue import Call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from domain.messages import Channel
    from workers.jobs import Context


async def notify(ctx: Context, event_id: str) -> None:
    """Tell of an event, and let reminders follow it. Told again, it changes nothing."""
    # Apart: planning holds the booking's lock, which nobody is to wait for longer than needed. Of a
    # booking that was deleted since there is nothing to plan.
    with suppress(NotFound):
        async with ctx.database.begin() as tx:
            await telling.plan(tx, UUID(event_id))
    async with ctx.database.begin() as tx:
        channels = await telling.tell(tx, UUID(event_id))
    await wake(ctx, channels)


async def wake(ctx: Context, channels: Iterable[Channel], *, since: datetime | None = None) -> None:
    """Have what is due on these channels sent. Only a wake-up: the rows say what is due.

    Those of one instant, `since`, or without any, collapse into one.
    """
    calls = []
    for channel in sorted(channels):
        key = f"deliver:{channel}" if since is None else alarm_key("deliver", since, channel)
        calls.append(Call(job="deliver", arguments=(channel,), queue="slow", key=key))
    await ctx.jobs.enqueue(calls)
