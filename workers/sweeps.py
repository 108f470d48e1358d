"""What is overdue although its alarm never rang? Sweeps find it; jobs do it.

Any wake-up can be lost: Redis restarts empty, a worker dies between a commit and an alarm. The row
that says what is due is the truth, so looking at the rows now and then is the guarantee.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from db import shifts, sweeps
from workers.jobs import alarm_key
from workers.metrics import SWEPT
from workers.queue import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from workers.jobs import Context

#: Rows taken by one sweep; the next one takes the rest.
_LIMIT: Final = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One kind of overdue row and what is done about it. `run` says how many it found."""

    run: Callable[[Context], Awaitable[int]]
    every: float = 5.0

    @property
    def name(self) -> str:
        """What it is called in logs and metrics."""
        return self.run.__name__


async def overdue_matching(ctx: Context) -> int:
    """Advance the matching of bookings whose time for it has come."""
    async with ctx.database.begin() as tx:
        due = await sweeps.bookings_due(tx, limit=_LIMIT)
    calls = [
        Call(
            job="advance_matching",
            arguments=(str(booking_id),),
            queue="critical",
            key=alarm_key("advance_matching", at, str(booking_id)),
        )
        for booking_id, at in due
    ]
    await ctx.jobs.enqueue(calls)
    return len(calls)


async def silent_providers(ctx: Context) -> int:
    """Tell listeners of providers on shift whose heartbeat has gone stale."""
    async with ctx.database.begin() as tx:
        return await shifts.announce_away(tx, limit=_LIMIT)


#: Every sweep there is.
SWEEPS: Final = (Sweep(run=overdue_matching), Sweep(run=silent_providers))


async def sweep(ctx: Context, one: Sweep) -> None:
    """Run one sweep once."""
    found = await one.run(ctx)
    SWEPT.labels(one.name).inc(found)
    if found:
        log.info("sweep.found", sweep=one.name, rows=found)


async def keep_sweeping(ctx: Context, one: Sweep) -> NoReturn:
    """Run one sweep for ever, whatever becomes of each run. Processes drift apart on purpose."""
    while True:
        await asyncio.sleep(one.every * random.uniform(0.8, 1.2))
        try:
            await sweep(ctx, one)
        except Exception:
            log.exception("sweep.failed", sweep=one.name)
