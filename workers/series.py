"""Make the bookings of a series that have come within sixty days."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from db import series_bookings
from domain.refusals import NotFound
from gateways.recurrence import expand

if TYPE_CHECKING:
    from workers.jobs import Context


async def extend_series(ctx: Context, series_id: str) -> None:
    """See to what is due of the series, and no more; what is left after a long absence is due
    again at once, and found by the next sweep."""
    async with ctx.database.begin() as tx:
        try:
            await series_bookings.extend(tx, UUID(series_id), expand=expand, house=ctx.house)
        except NotFound:
            # Deleted since, and its customer with it.
            return
