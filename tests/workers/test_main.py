"""How does a worker process run, and how does it end?"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from gateways import tasks
from gateways.failpoints import STATUS
from tests import waiting
from tests.workers.probes import environment, everything_is_out, holders, request, sequenced, until
from workers import main, prompt
from workers.health import is_at_work
from workers.jobs import Context, Job
from workers.prompt import PromptWorker
from workers.queue import Call, JobQueue

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from db.engine import Database
    from gateways.settings import Settings
    from tests.redis_process import RedisProcess

WORKER = """
from gateways.settings import Settings
from workers.main import run

run(Settings(), "critical")
"""

# arq itself closes its pool by the old name.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")


@asynccontextmanager
async def worker(settings: Settings, **more: str) -> AsyncIterator[Process]:
    """A critical worker process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, env=environment(settings, **more)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def is_delivering(database: Database) -> bool:
    return await holders(database) == ["callout-worker-critical"]


async def is_idle(jobs: JobQueue) -> bool:
    return not await jobs.redis.zcard(jobs.name("critical"))


async def test_a_worker_told_to_stop_frees_the_relay_lock_and_ends_well(
    settings: Settings, database: Database
) -> None:
    async with worker(settings) as process:
        await until(lambda: is_delivering(database))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), timeout=20) == 0
    assert await holders(database) == []


async def test_a_worker_started_without_redis_gives_events_their_order_and_ends_when_redis_drops(
    settings: Settings, database: Database, own_redis: RedisProcess, namespace: str
) -> None:
    mine = settings.model_copy(update={"redis_url": SecretStr(own_redis.url)})
    await request(database, 3)
    async with worker(mine) as process:
        await until(lambda: _is_sequenced(database, 3))
        await asyncio.to_thread(own_redis.start)
        async with Redis.from_url(own_redis.url) as redis:
            # The jobs find no such bookings, and are done.
            await until(lambda: everything_is_out(database))
            await until(lambda: is_idle(JobQueue(redis, namespace)))
            await until(lambda: is_at_work(mine, "critical"))
        own_redis.kill()
        assert await asyncio.wait_for(process.wait(), timeout=20) == 1


#: Looks at its queue that a worker has while it waits for its last job.
_LOOKS = 300


async def _is_sequenced(database: Database, number: int) -> bool:
    return await sequenced(database) == list(range(1, number + 1))


@pytest.mark.parametrize("point", ["job.before", "job.after"])
async def test_a_job_whose_worker_crashed_is_done_by_the_next(
    point: str, settings: Settings, database: Database, jobs: JobQueue
) -> None:
    await request(database)
    async with worker(settings, CALLOUT_FAILPOINTS=point) as process:
        assert await asyncio.wait_for(process.wait(), timeout=20) == STATUS
    [call] = await jobs.redis.zrange(jobs.name("critical"), 0, -1)
    # The time that a dead worker's jobs are kept for it, passed.
    assert await jobs.redis.delete(b"arq:in-progress:" + call) == 1

    async with worker(settings):
        await until(lambda: is_idle(jobs))


class TestStopping:
    """A running job is finished, or handed back."""

    async def test_waits_for_a_running_job(self, settings: Settings, jobs: JobQueue) -> None:
        begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slow(_ctx: Context) -> None:
            begun.set()
            await may_end.wait()
            ended.set()

        async with self._stopping(settings, jobs, Job(run=slow), begun) as stopped:
            may_end.set()
            await asyncio.wait_for(stopped, timeout=20)
        assert ended.is_set()
        assert await is_idle(jobs)

    async def test_waits_though_it_goes_on_looking_at_its_queue(
        self, settings: Settings, jobs: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # So often that an insistence falls into the moment in which such a look times out.
        monkeypatch.setattr(tasks, "INSIST", 0.0005)
        monkeypatch.setattr(prompt, "_IDLE", 0.0005)
        begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        looks, look = 0, PromptWorker._poll_iteration

        async def counted(self: PromptWorker) -> None:
            nonlocal looks
            looks += 1
            await look(self)

        async def slow(_ctx: Context) -> None:
            begun.set()
            await may_end.wait()
            ended.set()

        monkeypatch.setattr(PromptWorker, "_poll_iteration", counted)
        async with self._stopping(settings, jobs, Job(run=slow), begun) as stopped:
            enough = looks + _LOOKS
            await waiting.until(lambda: looks >= enough or stopped.done())
            may_end.set()
            await asyncio.wait_for(stopped, timeout=20)
        assert ended.is_set()

    async def test_hands_back_a_job_that_does_not_end(
        self, settings: Settings, jobs: JobQueue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(main, "_DRAIN", 0.05)
        begun = asyncio.Event()

        async def endless(_ctx: Context) -> None:
            begun.set()
            await asyncio.Event().wait()

        async with self._stopping(settings, jobs, Job(run=endless), begun) as stopped:
            await asyncio.wait_for(stopped, timeout=20)
        [call] = await jobs.redis.zrange(jobs.name("critical"), 0, -1)
        assert await jobs.redis.exists(b"arq:in-progress:" + call) == 0
        assert await jobs.redis.exists(b"arq:job:" + call) == 1

    @asynccontextmanager
    async def _stopping(
        self, settings: Settings, jobs: JobQueue, job: Job, begun: asyncio.Event
    ) -> AsyncIterator[asyncio.Task[None]]:
        """A worker in this process that is told to stop while the job runs."""
        stop = asyncio.Event()
        call = Call(job=job.name, arguments=(), queue="critical", key="call")
        await jobs.enqueue([call])
        stopped = asyncio.create_task(main.work(settings, "critical", stop, jobs=[job]))
        await asyncio.wait_for(begun.wait(), timeout=20)
        stop.set()
        yield stopped


async def test_a_worker_ends_though_a_cancellation_on_the_way_got_lost(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, polled, lost = asyncio.Event(), asyncio.Event(), asyncio.Event()
    poll = PromptWorker._poll_iteration

    async def losing(self: PromptWorker) -> None:
        polled.set()
        try:
            await poll(self)
        except asyncio.CancelledError:
            if lost.is_set():
                raise
            lost.set()

    monkeypatch.setattr(PromptWorker, "_poll_iteration", losing)
    working = asyncio.create_task(main.work(settings, "critical", stop))
    async with asyncio.timeout(20):
        await polled.wait()
        stop.set()
        await working
    assert lost.is_set()
