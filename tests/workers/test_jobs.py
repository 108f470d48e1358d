"""Is a job done at least once, or seen not to be?"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest
from arq.connections import ArqRedis

from db import clock, dead_letters
from db.engine import Database
from db.ids import new_id
from domain.dead_letters import AlreadyReplayed
from domain.pages import PageRequest
from domain.refusals import NotFound
from gateways.publisher import Publisher
from tests.outside import an_outside
from tests.workers.probes import running, until
from workers.dead_letters import replay_dead_letter
from workers.jobs import Context, Job, alarm, arq_function
from workers.prompt import PromptWorker
from workers.queue import Call, JobQueue
from workers.relay import Relay
from workers.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.asyncio import Redis

    from domain.dead_letters import DeadLetter

SOON = RetryPolicy(tries=3, first=0.001, longest=0.001)


@pytest.fixture
def ctx(database: Database, jobs: JobQueue) -> Context:
    """What jobs work with."""
    return Context(database=database, jobs=jobs, queue="critical", outside=an_outside())


async def work_off(ctx: Context, *jobs: Job) -> None:
    """Run a worker until its queue is empty."""
    redis = ArqRedis(ctx.jobs.redis.connection_pool)
    await PromptWorker(
        [arq_function(job, ctx) for job in jobs],
        redis_pool=redis,
        queue_name=ctx.jobs.name(ctx.queue),
        handle_signals=False,
        keep_result=0,
        burst=True,
        job_deserializer=orjson.loads,
    ).async_run()


def a_call(job: str, *arguments: str, key: str = "call") -> Call:
    return Call(job=job, arguments=arguments, queue="critical", key=key)


async def letters(database: Database, *, waiting: bool = True) -> Sequence[DeadLetter]:
    async with database.read() as connection:
        page = await dead_letters.page(connection, PageRequest(limit=10), waiting=waiting)
        assert len(page.items) == await dead_letters.count(connection, waiting=waiting)
        return page.items


class Fickle:
    """A job that fails so many times, and then works."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.heard: list[str] = []

    def job(self) -> Job:
        async def fickle(_ctx: Context, word: str) -> None:
            self.heard.append(word)
            if len(self.heard) <= self.failures:
                message = f"failure {len(self.heard)}"
                raise RuntimeError(message)

        return Job(run=fickle, retry=SOON)


async def test_a_job_gets_its_arguments_and_leaves_the_queue(ctx: Context, namespace: str) -> None:
    fickle = Fickle(failures=0)
    await ctx.jobs.enqueue([a_call("fickle", "hello")])
    await work_off(ctx, fickle.job())

    assert fickle.heard == ["hello"]
    assert await ctx.jobs.redis.keys(f"*{namespace}*call*") == []


async def test_a_job_that_raises_is_tried_again(ctx: Context) -> None:
    fickle = Fickle(failures=2)
    await ctx.jobs.enqueue([a_call("fickle", "hello")])
    await work_off(ctx, fickle.job())

    assert fickle.heard == ["hello"] * 3
    assert await letters(ctx.database) == ()


async def test_a_job_that_takes_too_long_is_tried_again(ctx: Context) -> None:
    tries = 0

    async def dawdle(_ctx: Context) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await asyncio.Event().wait()

    await ctx.jobs.enqueue([a_call("dawdle")])
    await work_off(ctx, Job(run=dawdle, limit=0.05, retry=SOON))

    assert tries == 2


async def test_a_job_that_fails_every_time_rests_with_its_last_error(
    ctx: Context, namespace: str
) -> None:
    await ctx.jobs.enqueue([a_call("fickle", "hello")])
    await work_off(ctx, Fickle(failures=99).job())

    [letter] = await letters(ctx.database)
    assert (letter.job, letter.queue, letter.arguments) == ("fickle", "critical", ("hello",))
    assert letter.tries == 3
    assert letter.error.endswith("RuntimeError: failure 3\n")
    assert letter.is_waiting
    assert await ctx.jobs.redis.keys(f"*{namespace}*call*") == []


async def test_the_same_call_failing_again_rests_once_with_the_latest_error(
    ctx: Context,
) -> None:
    hopeless = Fickle(failures=99)
    for _ in range(2):
        await ctx.jobs.enqueue([a_call("fickle", "hello")])
        await work_off(ctx, hopeless.job())

    [letter] = await letters(ctx.database)
    assert letter.error.endswith("RuntimeError: failure 6\n")


async def test_a_job_that_cannot_be_laid_to_rest_is_tried_on(ctx: Context) -> None:
    away = Database("postgresql+asyncpg://postgres@127.0.0.1:1/nowhere")
    fickle = Fickle(failures=4)
    await ctx.jobs.enqueue([a_call("fickle", "hello")])
    await work_off(replace(ctx, database=away), fickle.job())
    await away.close()

    assert SOON.tries == 3
    assert fickle.heard == ["hello"] * 5


async def test_a_job_that_kills_every_worker_rests_without_another_try(ctx: Context) -> None:
    fickle = Fickle(failures=0)
    call = a_call("fickle", "hello")
    await ctx.jobs.redis.set(f"arq:retry:{ctx.jobs.id(call)}", 2 * SOON.tries)
    await ctx.jobs.enqueue([call])
    await work_off(ctx, fickle.job())

    assert fickle.heard == []
    [letter] = await letters(ctx.database)
    assert "WorkerDied: 6 tries ended without a result" in letter.error


class TestReplay:
    """A dead job is tried again when somebody says so, once."""

    async def test_runs_the_job_as_it_was_called(
        self, ctx: Context, redis: Redis, namespace: str
    ) -> None:
        fickle = Fickle(failures=3)
        await ctx.jobs.enqueue([a_call("fickle", "hello")])
        await work_off(ctx, fickle.job())
        [letter] = await letters(ctx.database)

        async with ctx.database.begin() as tx:
            replayed = await dead_letters.replay(tx, letter.id)
        assert not replayed.is_waiting
        relay = Relay(ctx.database, Publisher(redis, namespace), ctx.jobs)
        async with running(relay.run()):
            await until(lambda: self._is_in(ctx.jobs))
        await work_off(replace(ctx, queue="slow"), Job(run=replay_dead_letter))
        await work_off(ctx, fickle.job())

        assert fickle.heard == ["hello"] * 4
        assert await letters(ctx.database) == ()
        assert await letters(ctx.database, waiting=False) == (replayed,)

    async def test_is_refused_the_second_time_and_for_what_is_not_there(self, ctx: Context) -> None:
        await ctx.jobs.enqueue([a_call("fickle", "hello")])
        await work_off(ctx, Fickle(failures=3).job())
        [letter] = await letters(ctx.database)
        async with ctx.database.begin() as tx:
            await dead_letters.replay(tx, letter.id)
            with pytest.raises(AlreadyReplayed):
                await dead_letters.replay(tx, letter.id)
            with pytest.raises(NotFound):
                await dead_letters.replay(tx, new_id())

    async def _is_in(self, jobs: JobQueue) -> bool:
        return bool(await jobs.redis.zcard(jobs.name("slow")))


async def test_letters_are_listed_newest_first_a_page_at_a_time(ctx: Context) -> None:
    for n in range(3):
        await ctx.jobs.enqueue([a_call("fickle", str(n), key=f"call-{n}")])
        await work_off(ctx, Fickle(failures=3).job())

    async with ctx.database.read() as connection:
        first = await dead_letters.page(connection, PageRequest(limit=2))
        rest = await dead_letters.page(connection, PageRequest(limit=2, after=first.keys[-1]))

    assert [letter.arguments for letter in first.items] == [("2",), ("1",)]
    assert [letter.arguments for letter in rest.items] == [("0",)]
    assert (first.has_next, rest.has_next) == (True, False)


async def test_an_alarm_set_twice_rings_once_and_not_before_its_time(ctx: Context) -> None:
    async with ctx.database.read() as connection:
        at = await clock.now(connection) + timedelta(minutes=5)
    await alarm(ctx, "fickle", at, "hello")
    await alarm(ctx, "fickle", at, "hello")

    [(_, due_ms)] = await ctx.jobs.redis.zrange(ctx.jobs.name("critical"), 0, -1, withscores=True)
    assert due_ms > at.timestamp() * 1000
    assert due_ms < (at.timestamp() + 1) * 1000
