"""Nobody was there when payroll was due: is everybody paid when somebody is, and once?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from db.engine import Database
from db.tables import payouts, payroll_runs
from domain.house import DEFAULT
from domain.payouts import PayCycle
from gateways.settings import Settings
from tests import invariants, stripe_server
from tests.earners import before, earn, earners, pay, periods
from tests.installation import installation
from tests.outside import an_outside
from tests.waiting import comes_to
from workers.jobs import Context
from workers.queue import Call, JobQueue
from workers.sweeps import payroll_due

#: A busy machine needs its time to start the processes.
pytestmark = pytest.mark.timeout(300)

WEEKLY = PayCycle.WEEKLY
LEAST = DEFAULT.least_payout_minor
#: How often the payroll is called for at once, beside the sweeps.
CALLS = 4


async def test_a_house_that_was_away_for_two_mondays_pays_for_each_when_it_is_back_and_once(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    worked, missed, latest = await periods(database, WEEKLY, count=3)
    (busy,) = await earners(database, payout_account="acct_busy")
    (slack,) = await earners(database, payout_account="acct_slack")
    await pay(database, WEEKLY, worked)
    for period, minor in ((missed, LEAST + 1), (latest, LEAST + 2)):
        await earn(database, busy, minor, at=before(WEEKLY, period))
        # Too little for a payout, and then just enough.
        await earn(database, slack, LEAST // 2, at=before(WEEKLY, period))

    with stripe_server.running() as stripe:
        made = installation(settings, tmp_path, outside=stripe.environment)
        async with made as house, a_context(settings, database) as ctx:
            # What two critical workers see at once, and what else may come of a worker that died.
            await asyncio.gather(payroll_due(ctx), payroll_due(ctx))
            await ctx.jobs.enqueue([again(latest, number) for number in range(CALLS)])
            for queue in ("critical", "critical", "slow", "slow"):
                house.worker(queue).start()

            await comes_to(lambda: paid(database), Counter({"PAID": 3}))
            await comes_to(lambda: ctx.jobs.redis.zcard(ctx.jobs.name("slow")), 0)
            assert await payroll_due(ctx) == 0

    assert Counter((one["destination"], one["amount"]) for one in stripe.made("transfers")) == {
        ("acct_busy", LEAST + 1): 1,
        ("acct_busy", LEAST + 2): 1,
        ("acct_slack", 2 * (LEAST // 2)): 1,
    }
    assert await runs(database) == [worked, missed, latest]
    await invariants.check(database)


@asynccontextmanager
async def a_context(settings: Settings, database: Database) -> AsyncIterator[Context]:
    """What a sweep has to work with."""
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        jobs = JobQueue(redis, settings.redis_namespace)
        yield Context(database=database, jobs=jobs, queue="critical", outside=an_outside())


def again(period: date, number: int) -> Call:
    """Another call for the payroll of a week."""
    arguments = (WEEKLY.value, period.isoformat())
    return Call(job="run_payroll", arguments=arguments, queue="slow", key=f"again:{number}")


async def paid(database: Database) -> Counter[str]:
    """How many payouts stand where."""
    async with database.read() as connection:
        return Counter(await connection.scalars(select(payouts.c.status)))


async def runs(database: Database) -> list[date]:
    """The weeks whose payroll was run to its end."""
    r = payroll_runs.c
    weekly = select(r.period).where(r.cycle == WEEKLY, r.finished_at.is_not(None))
    async with database.read() as connection:
        return list(await connection.scalars(weekly.order_by(r.period)))
