"""Is payroll run when it is due, and on return when nobody was there?"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from db.tables import payroll_runs
from domain.payouts import PayCycle
from tests.earners import before, check, earn, pay, payouts_of, periods
from tests.factories import add_provider, add_service
from tests.outside import an_outside
from workers.jobs import Context
from workers.payroll import run_payroll
from workers.sweeps import payroll_due

if TYPE_CHECKING:
    from db.engine import Database
    from workers.queue import JobQueue

WEEKLY, MONTHLY = PayCycle.WEEKLY, PayCycle.MONTHLY


@pytest.fixture
def ctx(database: Database, jobs: JobQueue) -> Context:
    """A slow worker's context."""
    return Context(database=database, jobs=jobs, queue="slow", outside=an_outside())


async def runs(database: Database) -> list[tuple[str, date]]:
    r = payroll_runs.c
    async with database.read() as connection:
        found = await connection.execute(select(r.cycle, r.period).order_by(r.id))
    return [(row.cycle, row.period) for row in found]


async def queued(ctx: Context) -> set[str]:
    calls = await ctx.jobs.redis.zrange(ctx.jobs.name("slow"), 0, -1)
    return {call.decode().partition(":")[2] for call in calls}


async def test_a_house_that_never_paid_runs_the_latest_of_each_cycle(
    ctx: Context, database: Database
) -> None:
    (week,), (month,) = [await periods(database, cycle, count=1) for cycle in PayCycle]
    assert [await payroll_due(ctx), await payroll_due(ctx)] == [2, 2]
    assert await queued(ctx) == {f"run_payroll:WEEKLY:{week}", f"run_payroll:MONTHLY:{month}"}
    await run_payroll(ctx, "WEEKLY", str(week))
    await run_payroll(ctx, "MONTHLY", str(month))
    assert await runs(database) == [("WEEKLY", week), ("MONTHLY", month)]
    assert await payroll_due(ctx) == 0


async def test_on_return_every_payroll_that_was_missed_is_run_in_order(
    ctx: Context, database: Database
) -> None:
    weeks = await periods(database, WEEKLY, count=4)
    one = await add_provider(database, await add_service(database), on_shift=False)
    await pay(database, WEEKLY, weeks[0])
    await pay(database, MONTHLY)
    for week, minor in zip(weeks[1:], (6000, 4000, 7000), strict=True):
        await earn(database, one, minor, at=before(WEEKLY, week))

    assert await payroll_due(ctx) == 1
    assert await queued(ctx) == {f"run_payroll:WEEKLY:{weeks[-1]}"}
    await run_payroll(ctx, "WEEKLY", str(weeks[-1]))

    assert [period for cycle, period in await runs(database) if cycle == "WEEKLY"] == weeks
    paid = [(p.period, p.amount.amount_minor) for p in await payouts_of(database, one)]
    assert paid == [(weeks[1], 6000), (weeks[3], 11000)]
    assert await payroll_due(ctx) == 0
    await check(database)


async def test_repeated_late_or_early_it_pays_nobody_twice(
    ctx: Context, database: Database
) -> None:
    weeks = await periods(database, WEEKLY, count=2)
    one = await add_provider(database, await add_service(database), on_shift=False)
    await earn(database, one, 6000, at=before(WEEKLY, weeks[0]))
    for week in (weeks[1], weeks[1], weeks[0], weeks[1]):
        await run_payroll(ctx, "WEEKLY", str(week))
    assert [p.period for p in await payouts_of(database, one)] == [weeks[1]]
    await check(database)
