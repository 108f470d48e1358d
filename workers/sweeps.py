"""What is overdue although its alarm never rang? Sweeps find it; jobs do it.

Any wake-up can be lost: Redis restarts empty, a worker dies between a commit and an alarm. The row
that says what is due is the truth, so looking at the rows now and then is the guarantee.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

from db import (
    auto_assign,
    clock,
    deliveries,
    gateway_events,
    holds,
    lapsing,
    paying,
    payouts,
    payroll,
    refunds,
    reminders,
    shifts,
    sweeps,
    telling,
    waitlist_grants,
)
from domain.payouts import PayCycle
from workers.jobs import alarm_key
from workers.metrics import SWEPT
from workers.notify import wake
from workers.queue import Call, Queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from datetime import date, datetime
    from uuid import UUID

    from workers.jobs import Context

#: Rows taken by one sweep; the next one takes the rest.
_LIMIT: Final = 500
#: What a gateway said is brought about by the job that hears of it, in less than this.
_HEEDED: Final = timedelta(seconds=15)
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
    await ctx.jobs.enqueue(_overdue("advance_matching", "critical", due))
    return len(due)


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


async def unsettled_payments(ctx: Context) -> int:
    """Bring about what the gateway said of payments and nobody has heeded."""
    async with ctx.database.read() as connection:
        found = await gateway_events.overlooked(connection, after=_HEEDED, limit=_LIMIT)
    await ctx.jobs.enqueue(_overdue("settle_payment", "critical", found))
    return len(found)


async def unpaid_bookings(ctx: Context) -> int:
    """Call off the bookings that were not paid in time."""
    async with ctx.database.begin() as tx:
        patience = ctx.house.payment_patience
        found = await lapsing.unpaid(tx, patience=patience, limit=_LIMIT)
    await ctx.jobs.enqueue([_once("lapse_booking", booking_id) for booking_id in found])
    return len(found)


async def payments_to_void(ctx: Context) -> int:
    """Call off what is still asked for bookings that will not be."""
    async with ctx.database.read() as connection:
        found = await paying.bookings_to_void(connection, limit=_LIMIT)
    await ctx.jobs.enqueue([_once("void_payments", uid, queue="slow") for uid in found])
    return len(found)


async def series_to_extend(ctx: Context) -> int:
    """Make the bookings of series that have come within sixty days."""
    async with ctx.database.begin() as tx:
        due = await sweeps.series_due(tx, limit=_LIMIT)
    await ctx.jobs.enqueue(_overdue("extend_series", "slow", due))
    return len(due)


async def lapsed_holds(ctx: Context) -> int:
    """End the holds whose time has passed, grants among them."""
    async with ctx.database.begin() as tx:
        return len(await holds.expire(tx, limit=_LIMIT))


async def overlooked_waiters(ctx: Context) -> int:
    """Look again whether there is a slot for those in line whose turn to be looked for it is."""
    async with ctx.database.begin() as tx:
        found = await waitlist_grants.overlooked(tx, limit=_WAITERS)
    await ctx.jobs.enqueue([_once("look_for_slot", entry_id) for entry_id in found])
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


async def untold_events(ctx: Context) -> int:
    """Tell of the events that nobody has been told of."""
    async with ctx.database.read() as connection:
        found = await telling.overlooked(connection, limit=_LIMIT)
        lately = _lately(await clock.now(connection))
    await ctx.jobs.enqueue(_overdue("notify", "slow", [(uid, lately) for uid in found]))
    return len(found)


async def deliveries_due(ctx: Context) -> int:
    """Have sent what is to be sent by now, on the channels on which something is."""
    async with ctx.database.read() as connection:
        channels = await deliveries.channels_due(connection)
        lately = _lately(await clock.now(connection))
    await wake(ctx, channels, since=lately)
    return len(channels)


async def reminders_due(ctx: Context) -> int:
    """Remind people of what is due."""
    async with ctx.database.begin() as tx:
        due = await reminders.due(tx, limit=_LIMIT)
    calls = [
        Call(
            job="remind",
            arguments=(str(one.booking_id), one.kind),
            queue="slow",
            key=alarm_key("remind", one.due_at, str(one.booking_id), one.kind),
        )
        for one in due
    ]
    await ctx.jobs.enqueue(calls)
    return len(calls)


async def refunds_to_send(ctx: Context) -> int:
    """Send the refunds whose time for it has passed."""
    job = "send_refund"
    async with ctx.database.read() as connection:
        due = await refunds.due(connection, limit=_LIMIT)
    calls = [
        Call(
            job=job,
            arguments=(str(refund_id),),
            queue="slow",
            key=alarm_key(job, at, str(refund_id)),
        )
        for refund_id, at in due
    ]
    await ctx.jobs.enqueue(calls)
    return len(calls)


async def payroll_due(ctx: Context) -> int:
    """Run the payrolls whose time has come, and those that nobody was there to run."""
    calls = []
    async with ctx.database.read() as connection:
        for cycle in PayCycle:
            missed = await payroll.missed(connection, cycle, house=ctx.house)
            calls += [_payroll(cycle, missed[-1])] if missed else []
    await ctx.jobs.enqueue(calls)
    return len(calls)


async def payouts_to_send(ctx: Context) -> int:
    """Send the payouts whose time for it has come."""
    async with ctx.database.begin() as tx:
        due = await payouts.due(tx, limit=_LIMIT)
    job = "send_payout"
    calls = [
        Call(
            job=job,
            arguments=(str(payout_id),),
            queue="slow",
            key=alarm_key(job, at, str(payout_id)),
        )
        for payout_id, at in due
    ]
    await ctx.jobs.enqueue(calls)
    return len(calls)


def _payroll(cycle: PayCycle, period: date) -> Call:
    """The call for all payrolls of a cycle up to this one."""
    job, arguments = "run_payroll", (cycle.value, period.isoformat())
    return Call(job=job, arguments=arguments, queue="slow", key=f"{job}:{':'.join(arguments)}")


def _lately(at: datetime) -> datetime:
    """The half minute that it is. Redis keeps the calls of a slow worker that died from all others
    for over a minute; with this in their keys its work waits half a minute at most."""
    return at.replace(second=at.second // 30 * 30, microsecond=0)


def _once(job: str, uid: UUID, *, queue: Queue = "critical") -> Call:
    """A call about something, of which there is one at a time."""
    return Call(job=job, arguments=(str(uid),), queue=queue, key=f"{job}:{uid}")


def _overdue(job: str, queue: Queue, due: Iterable[tuple[UUID, datetime]]) -> list[Call]:
    """A call for each row, the same one as the alarm makes that was set for when it falls due."""
    return [
        Call(job=job, arguments=(str(uid),), queue=queue, key=alarm_key(job, at, str(uid)))
        for uid, at in due
    ]


#: Every sweep there is.
SWEEPS: Final = (
    Sweep(run=overdue_matching),
    Sweep(run=silent_providers),
    Sweep(run=forgotten_work, every=60.0),
    Sweep(run=bookings_passed_by, every=60.0),
    Sweep(run=work_to_start),
    Sweep(run=lapsed_holds),
    Sweep(run=unsettled_payments, every=15.0),
    Sweep(run=unpaid_bookings, every=30.0),
    Sweep(run=payments_to_void, every=300.0),
    Sweep(run=refunds_to_send, every=15.0),
    Sweep(run=overlooked_waiters, every=15.0),
    Sweep(run=series_to_extend, every=60.0),
    Sweep(run=unclaimed_bookings, every=60.0),
    Sweep(run=payroll_due, every=60.0),
    Sweep(run=payouts_to_send, every=15.0),
    Sweep(run=untold_events, every=15.0),
    Sweep(run=reminders_due),
    Sweep(run=deliveries_due, every=2.0),
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
