"""Is what nobody has taken given to somebody within the minute, by one worker, whatever happens?"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from db import auto_assign as db
from db.engine import Database
from db.tables import auto_runs
from domain import auto_assign as rules
from domain.offers import Wave
from tests import invariants
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_service,
    count_rows,
    now,
    read_booking,
)
from tests.outside import an_outside
from workers import sweeps
from workers.auto_assign import auto_assign
from workers.jobs import Context
from workers.main import JOBS, work
from workers.sweeps import unclaimed_bookings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service
    from gateways.settings import Settings
    from workers.queue import JobQueue

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
async def crowd(settings: Settings) -> AsyncIterator[Database]:
    """The test's database, with connections for several jobs at once."""
    opened = Database(settings.sqlalchemy_url, pool=8, name="crowd")
    yield opened
    await opened.close()


@pytest.fixture
def ctx(crowd: Database, jobs: JobQueue) -> Context:
    """What sweeps and jobs work with."""
    return Context(database=crowd, jobs=jobs, queue="slow", outside=an_outside())


async def due(
    database: Database, customer: Viewer, service: Service, *, number: int = 1, **changes: Any
) -> list[Booking]:
    """So many bookings, three hours apart, that nobody has taken for long enough."""
    at = await now(database)
    facts: dict[str, Any] = {"wave": Wave.AUTO, "round": 3, "auto_due_at": at - HOUR}
    return [
        await add_booking(
            database,
            customer,
            service,
            **facts | {"starts_at": at + (24 + 3 * n) * HOUR} | changes,
        )
        for n in range(number)
    ]


async def queued(jobs: JobQueue) -> list[str]:
    calls = await jobs.redis.zrange(jobs.name("slow"), 0, -1)
    return [call.decode().partition(":")[2] for call in calls]


async def test_several_workers_make_one_call_a_minute(ctx: Context, crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await due(crowd, customer, service, number=3)

    found = [await unclaimed_bookings(ctx) for _ in range(3)]

    assert found == [1, 1, 1]
    # Unless the minute has just turned.
    calls = await queued(ctx.jobs)
    assert 1 <= len(calls) <= 2
    assert all(call.startswith("auto_assign:@") and call.endswith("0000") for call in calls)


async def test_without_anything_due_nothing_is_called(ctx: Context, crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    at = await now(crowd)
    await due(crowd, customer, service, auto_due_at=at + MINUTE)
    await due(crowd, customer, service, auto_due_at=None)
    await due(crowd, customer, service, starts_at=at)

    assert await unclaimed_bookings(ctx) == 0
    assert await queued(ctx.jobs) == []


async def test_the_sweep_runs_every_minute_and_the_job_is_the_slow_workers() -> None:
    (sweep,) = [one for one in sweeps.SWEEPS if one.run is unclaimed_bookings]
    assert sweep.every == 60.0
    assert auto_assign in {job.run for job in JOBS["slow"]}
    assert auto_assign not in {job.run for job in JOBS["critical"]}


async def test_a_worker_that_starts_late_catches_up(
    ctx: Context, crowd: Database, settings: Settings
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    made = await due(crowd, customer, service, number=3)
    await unclaimed_bookings(ctx)

    stop = asyncio.Event()
    worker = asyncio.create_task(work(settings, "slow", stop))
    try:
        async with asyncio.timeout(30):
            while (await count_rows(crowd, auto_runs)) == (0,):  # noqa: ASYNC110  # a worker does it
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await worker

    owners = {(await read_booking(crowd, one.id)).provider_id for one in made}
    assert owners == {provider.user_id}
    await invariants.check(crowd)


async def test_one_job_gives_away_all_that_is_due(
    ctx: Context, crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(rules, "MOST_AT_ONCE", 2)
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    made = await due(crowd, customer, service, number=5)

    await auto_assign(ctx)

    owners = {(await read_booking(crowd, one.id)).provider_id for one in made}
    assert owners == {provider.user_id}
    assert await count_rows(crowd, auto_runs) == (3,)
    await invariants.check(crowd)


async def test_what_nobody_can_do_does_not_keep_the_job_going(
    ctx: Context, crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(rules, "MOST_AT_ONCE", 2)
    service, customer = await add_service(crowd), await add_customer(crowd)
    made = await due(crowd, customer, service, number=4)

    await asyncio.wait_for(auto_assign(ctx), timeout=20)

    assert [(await read_booking(crowd, one.id)).auto_tries for one in made] == [1] * 4


async def test_two_jobs_at_once_give_each_booking_once(ctx: Context, crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    made = await due(crowd, customer, service, number=4)

    await asyncio.gather(auto_assign(ctx), auto_assign(ctx))

    after = [await read_booking(crowd, one.id) for one in made]
    assert {one.provider_id for one in after} == {provider.user_id}
    assert [one.version for one in after] == [2] * 4
    await invariants.check(crowd)
