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

from db import auto_assign, clock, holds, shifts, sweeps, waitlist_grants
from workers.jobs import alarm_key
from workers.metrics import SWEPT
from workers.queue import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from workers.jobs import Context

#: Rows taken by one sweep; the next one takes the rest.
_LIMIT: Final = 500
#: Looking for a slot for somebody who waits is a search of everyone near them.
_WAITERS: Final = 20

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


async def forgotten_work(ctx: Context) -> int:
    """Complete the work that was begun and never completed."""
    async with ctx.database.begin() as tx:
        found = await sweeps.bookings_forgotten(tx, limit=_LIMIT)
    await ctx.jobs.enqueue([_once("close_booking", booking_id) for booking_id in found])
    return len(found)


async def bookings_passed_by(ctx: Context) -> int:
    """End the bookings whose window is over without anybody who was to come."""
    async with ctx.database.begin() as tx:
        found = await sweeps.bookings_passed_by(tx, limit=_LIMIT)
    await ctx.jobs.enqueue([_once("end_booking", booking_id) for booking_id in found])
    return len(found)


async def work_to_start(ctx: Context) -> int:
    """Begin confirmed work whose window has come, where the house starts work by the clock."""
    if not ctx.house.auto_start:
        return 0
    async with ctx.database.begin() as tx:
        found = await sweeps.bookings_to_start(tx, limit=_LIMIT)
    await ctx.jobs.enqueue([_once("open_booking", booking_id) for booking_id in found])
    return len(found)


async def series_to_extend(ctx: Context) -> int:
    """Make the bookings of series that have come within sixty days."""
    async with ctx.database.begin() as tx:
        due = await sweeps.series_due(tx, limit=_LIMIT)
    calls = [
        Call(
            job="extend_series",
            arguments=(str(series_id),),
            queue="slow",
            key=alarm_key("extend_series", at, str(series_id)),
        )
        for series_id, at in due
    ]
    await ctx.jobs.enqueue(calls)
    return len(calls)


async def lapsed_holds(ctx: Context) -> int:
    """End the holds whose time has passed, grants among them."""
    async with ctx.database.begin() as tx:
        return len(await holds.expire(tx, limit=_LIMIT))


async def overlooked_waiters(ctx: Context) -> int:
    """Look again whether there is a slot for those in line whose turn to be looked for it is."""
    job = "look_for_slot"
    async with ctx.database.begin() as tx:
        found = await waitlist_grants.overlooked(tx, limit=_WAITERS)
    calls = [
        Call(job=job, arguments=(str(entry_id),), queue="critical", key=f"{job}:{entry_id}")
        for entry_id in found
    ]
    await ctx.jobs.enqueue(calls)
    return len(found)


async def unclaimed_bookings(ctx: Context) -> int:
    """Have what nobody has taken for too long given to somebody; all of it by one job a minute."""
    async with ctx.database.read() as connection:
        if not await auto_assign.is_due(connection):
            return 0
        at = await clock.now(connection)
    key = alarm_key("auto_assign", at.replace(second=0, microsecond=0))
    await ctx.jobs.enqueue([Call(job="auto_assign", arguments=(), queue="slow", key=key)])
    return 1


def _once(job: str, booking_id: UUID) -> Call:
    """A call about a booking to which this happens only once."""
    return Call(job=job, arguments=(str(booking_id),), queue="critical", key=f"{job}:{booking_id}")


#: Every sweep there is.
SWEEPS: Final = (
    Sweep(run=overdue_matching),
    Sweep(run=silent_providers),
    Sweep(run=forgotten_work, every=60.0),
    Sweep(run=bookings_passed_by, every=60.0),
    Sweep(run=work_to_start),
    Sweep(run=lapsed_holds),
    Sweep(run=overlooked_waiters, every=15.0),
    Sweep(run=series_to_extend, every=60.0),
    Sweep(run=unclaimed_bookings, every=60.0),
)


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
