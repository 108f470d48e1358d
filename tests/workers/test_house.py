"""Do jobs work by the house's own rules?"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.booking_rules import BookingRules
from domain.house import HouseRules
from gateways.settings import Settings
from workers.jobs import Context, Job
from workers.main import work
from workers.queue import Call

if TYPE_CHECKING:
    from workers.queue import JobQueue


async def test_a_job_is_given_the_rules_that_the_settings_make(
    settings: Settings, jobs: JobQueue
) -> None:
    own = Settings.model_validate(dict(settings) | {"notice_minutes": 30, "hold_minutes": 5})
    given: list[HouseRules] = []
    stop = asyncio.Event()

    async def look(ctx: Context) -> None:
        given.append(ctx.house)
        stop.set()

    await jobs.enqueue([Call(job="look", arguments=(), queue="slow", key="look")])
    async with asyncio.timeout(20):
        await work(own, "slow", stop, jobs=[Job(run=look)])

    expected = HouseRules(service=BookingRules(notice_minutes=30), hold=timedelta(minutes=5))
    assert given == [expected]
