"""Bring a booking one step further on its way to a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from db import matching
from domain.refusals import NotFound
from workers.jobs import alarm

if TYPE_CHECKING:
    from workers.jobs import Context


async def advance_matching(ctx: Context, booking_id: str) -> None:
    """Do what is due for the booking now, and set the alarm for when to look again."""
    async with ctx.database.begin() as tx:
        try:
            again_at = await matching.advance(tx, UUID(booking_id), house=ctx.house)
        except NotFound:
            # Deleted since: there is nobody left to find a provider for.
            return
    if again_at is not None:
        await alarm(ctx, "advance_matching", again_at, booking_id)
