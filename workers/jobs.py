"""How is a job run so that it is done at least once, or seen not to be?

arq runs a job again after a crash only: one that raises or times out is gone. So each job runs in
a wrapper that asks for another try with backoff and lays the job to rest after the last. A job is:
fetch by id, check again, call the same db function as the API. It may run twice, late or early.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from arq import Retry
from arq.worker import Function, func
from opentelemetry import trace

from db import dead_letters
from domain.house import DEFAULT as DEFAULT_HOUSE
from gateways.failpoints import failpoint
from workers.metrics import JOB_SECONDS, JOBS
from workers.queue import Call, JobQueue, Queue, milliseconds
from workers.retry import DEFAULT, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from db.engine import Database
    from domain.house import HouseRules
    from gateways.outside import Outside

#: Seconds for laying a job to rest.
_LAST_WORDS: Final = 3.0

#: arq ends a job this much after its limit, for good. By then the wrapper has long ended it (and
#: its connections, which takes a moment) and has asked for another try.
_GRACE: Final = 2 * _LAST_WORDS

log = structlog.get_logger(__name__)
tracer = trace.get_tracer(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a job has to work with."""

    database: Database
    jobs: JobQueue
    #: The queue that the job itself came from.
    queue: Queue
    outside: Outside
    house: HouseRules = DEFAULT_HOUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A function that can be called through a queue; its arguments are text."""

    run: Callable[..., Awaitable[None]]
    #: Seconds that one try may take.
    limit: float = 9.0
    retry: RetryPolicy = DEFAULT

    @property
    def name(self) -> str:
        """What it is called by."""
        return self.run.__name__


class WorkerDied(Exception):
    """The job was started again and again and never ended, well or badly."""


async def alarm(ctx: Context, job: str, at: datetime, *arguments: str) -> None:
    """Have `job` run at `at`. Only an alarm: the row says what is due, a sweep is the net."""
    key = alarm_key(job, at, *arguments)
    await ctx.jobs.enqueue([Call(job=job, arguments=arguments, queue=ctx.queue, key=key, at=at)])


def alarm_key(job: str, at: datetime, *arguments: str) -> str:
    """What makes a call the one that is due then: alarm and sweep make the same one."""
    return f"{job}:{':'.join(arguments)}@{milliseconds(at)}"


def arq_function(job: Job, context: Context) -> Function:
    """`job` as arq wants it."""

    async def run(ctx: dict[str, Any], *arguments: str) -> None:
        once = _Try(job=job, context=context, id=ctx["job_id"], number=ctx["job_try"])
        await once.run(arguments)

    # At its own limit arq would drop the job without a trace; only the wrapper's policy counts.
    return func(run, name=job.name, timeout=job.limit + _GRACE, max_tries=1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    """One try of one call."""

    job: Job
    context: Context
    id: str
    number: int

    async def run(self, arguments: tuple[str, ...]) -> None:
        facts: dict[str, str | int] = {"job": self.job.name, "call": self.id, "try": self.number}
        with (
            structlog.contextvars.bound_contextvars(**facts),
            tracer.start_as_current_span(f"job {self.job.name}", attributes=facts),
            JOB_SECONDS.labels(self.job.name).time(),
        ):
            try:
                await self._attempt(arguments)
            except Exception as error:  # noqa: BLE001  # whatever it was, it is retried or rests
                await self._fail(arguments, error)
            else:
                self._count("done")

    async def _attempt(self, arguments: tuple[str, ...]) -> None:
        if self.job.retry.is_endless(self.number):
            message = f"{self.number - 1} tries ended without a result"
            raise WorkerDied(message)
        failpoint("job.before")
        async with asyncio.timeout(self.job.limit):
            await self.job.run(self.context, *arguments)
        failpoint("job.after")

    async def _fail(self, arguments: tuple[str, ...], error: Exception) -> None:
        if self.job.retry.is_over(self.number) and await self._rest(arguments, error):
            return
        delay = self.job.retry.delay(self.number, jitter=random.random())
        log.warning("job.failed", again_in=delay, exc_info=error)
        self._count("retried")
        raise Retry(defer=delay) from error

    async def _rest(self, arguments: tuple[str, ...], error: Exception) -> bool:
        try:
            async with asyncio.timeout(_LAST_WORDS), self.context.database.begin() as tx:
                await dead_letters.rest(
                    tx,
                    call=self.id,
                    job=self.job.name,
                    queue=self.context.queue,
                    arguments=arguments,
                    error="".join(traceback.format_exception(error)),
                    tries=self.number,
                )
        except Exception:
            log.exception("job.could_not_rest")
            return False
        log.error("job.dead", exc_info=error)
        self._count("dead")
        return True

    def _count(self, outcome: str) -> None:
        JOBS.labels(self.job.name, outcome).inc()
