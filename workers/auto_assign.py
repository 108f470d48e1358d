"""Give what nobody has taken to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from db import auto_assign as db
from gateways.assignment import least_cost

if TYPE_CHECKING:
    from workers.jobs import Context

log = structlog.get_logger(__name__)


async def auto_assign(ctx: Context) -> None:
    """Give away all bookings that are due, as many at a time as can be weighed together."""
    while True:
        report = await db.run(ctx.database, solver=least_cost, house=ctx.house)
        log.info(
            "auto_assign.done",
            waiting=report.run.waiting,
            assigned=report.run.assigned,
            gained_bookings=report.run.gain.bookings,
            gained_miles=round(report.run.gain.miles, 1),
        )
        if not report.calls_for_another:
            return
