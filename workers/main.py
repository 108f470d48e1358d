"""How does a worker process run, and how does it end?

A `critical` process does the urgent jobs and also hosts a relay (one of all of them is active, the
others stand by) and the sweeps; a `slow` one does the long jobs. Run two critical processes to have
a standby. A worker whose Redis drops ends with status 1 and leaves its restart to a supervisor; one
started while Redis is away waits for it, and its relay goes on giving events their order.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import orjson
import structlog
import uvloop
from arq.connections import ArqRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from db.engine import Database
from gateways import tasks
from gateways.outside import outside
from gateways.publisher import Publisher
from workers.auto_assign import auto_assign
from workers.dead_letters import replay_dead_letter
from workers.deliveries import deliver, redeliver
from workers.jobs import Context, Job, arq_function
from workers.lifecycle import close_booking, end_booking, open_booking
from workers.matching import advance_matching
from workers.notify import notify
from workers.payments import lapse_booking, look_for_refunds, settle_payment, void_payments
from workers.payouts import retry_payout, send_payout
from workers.payroll import run_payroll
from workers.prompt import PromptWorker
from workers.queue import JobQueue, Queue
from workers.refunds import retry_refund, send_refund
from workers.relay import Relay
from workers.reminders import remind
from workers.series import extend_series
from workers.sweeps import SWEEPS, keep_sweeping
from workers.waitlist import end_lapsed_holds, grant_waitlist, look_for_slot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence

    from gateways.settings import Settings

#: The jobs of each queue.
JOBS: Final[Mapping[Queue, Sequence[Job]]] = {
    "critical": (
        Job(run=advance_matching),
        Job(run=close_booking),
        Job(run=end_booking),
        Job(run=open_booking),
        Job(run=grant_waitlist),
        Job(run=look_for_slot),
        Job(run=end_lapsed_holds),
        Job(run=settle_payment),
        Job(run=lapse_booking),
    ),
    "slow": (
        Job(run=replay_dead_letter),
        Job(run=send_refund, limit=30.0),
        Job(run=retry_refund, limit=30.0),
        Job(run=notify),
        Job(run=deliver, limit=60.0),
        Job(run=redeliver),
        Job(run=remind),
        Job(run=extend_series, limit=30.0),
        Job(run=void_payments, limit=45.0),
        Job(run=look_for_refunds, limit=30.0),
        Job(run=auto_assign, limit=60.0),
        Job(run=run_payroll, limit=60.0),
        Job(run=send_payout, limit=45.0),
        Job(run=retry_payout),
    ),
}

#: Jobs at a time.
_SLOTS: Final = 50

#: Seconds that running jobs have to finish before they are handed back to the queue.
_DRAIN: Final = 8

log = structlog.get_logger(__name__)


class RedisDropped(Exception):
    """Redis went away from under a running worker."""


def run(settings: Settings, queue: Queue) -> None:
    """Work on `queue` until SIGTERM or SIGINT. Exits with status 1 when Redis drops."""
    try:
        uvloop.run(_until_signalled(settings, queue))
    except RedisDropped as error:
        log.exception("worker.redis_dropped", queue=queue)
        raise SystemExit(1) from error


async def _until_signalled(settings: Settings, queue: Queue) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await work(settings, queue, stop)


async def work(
    settings: Settings, queue: Queue, stop: asyncio.Event, *, jobs: Sequence[Job] | None = None
) -> None:
    """Work on `queue` until `stop` is set. Raises RedisDropped."""
    async with AsyncExitStack() as stack:
        database = Database(
            settings.sqlalchemy_url, pool=settings.database_pool, name=f"callout-worker-{queue}"
        )
        stack.push_async_callback(database.close)
        redis = await stack.enter_async_context(_redis(settings))
        arq_redis = await stack.enter_async_context(_arq_redis(settings))
        services = outside(settings, redis)
        stack.push_async_callback(services.close)
        context = Context(
            outside=services,
            database=database,
            jobs=JobQueue(redis, settings.redis_namespace),
            queue=queue,
            house=settings.house,
        )
        if queue == "critical":
            await stack.enter_async_context(_background(_delivery(context, settings)))
        if await _redis_answers(redis, stop):
            worker = _worker(context, arq_redis, JOBS[queue] if jobs is None else jobs)
            await _serve(worker, context, stop)


def _worker(context: Context, redis: ArqRedis, jobs: Sequence[Job]) -> PromptWorker:
    return PromptWorker(
        [arq_function(job, context) for job in jobs],
        redis_pool=redis,
        queue_name=context.jobs.name(context.queue),
        handle_signals=False,
        max_jobs=_SLOTS,
        queue_read_limit=4 * _SLOTS,
        keep_result=0,  # a kept result would block the id of its job
        health_check_interval=10,
        job_completion_wait=_DRAIN,
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        log_results=False,
    )


async def _serve(worker: PromptWorker, context: Context, stop: asyncio.Event) -> None:
    knocks = context.jobs.knocks(context.queue)
    working = asyncio.create_task(worker.async_run())
    listening = asyncio.create_task(worker.listen(context.jobs.redis, knocks))
    stopping = asyncio.create_task(stop.wait())
    log.info("worker.started", queue=context.queue)
    try:
        await asyncio.wait([working, listening, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            raise RedisDropped from _reason(working) or _reason(listening)
        await _drain(worker, working)
    finally:
        await tasks.end(working, listening, stopping)
        log.info("worker.stopped", queue=context.queue)


def _reason(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


async def _drain(worker: PromptWorker, working: asyncio.Task[None]) -> None:
    # arq takes no new job, waits for the running ones, hands back those that do not end in time.
    has_cancelled = asyncio.Event()
    worker.on_stop = lambda _: has_cancelled.set()
    worker.handle_sig_wait_for_completion(signal.SIGTERM)
    while not working.done():
        await asyncio.wait([working], timeout=tasks.INSIST)
        # arq cancels its loop once, and somewhere below it a cancellation can get lost. The loop
        # itself does not tell: for a moment it is cancelled whenever a wait of its own times out.
        if has_cancelled.is_set() and worker.main_task is not None:
            worker.main_task.cancel()
    with suppress(asyncio.CancelledError, RedisError, OSError):
        await worker.close()


def _delivery(context: Context, settings: Settings) -> list[Coroutine[None, None, None]]:
    publisher = Publisher(context.jobs.redis, settings.redis_namespace)
    relay = Relay(context.database, publisher, context.jobs)
    return [relay.run(), *(keep_sweeping(context, one) for one in SWEEPS)]


@asynccontextmanager
async def _background(coroutines: Sequence[Coroutine[None, None, None]]) -> AsyncIterator[None]:
    running = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        await tasks.end(*running)


async def _redis_answers(redis: Redis, stop: asyncio.Event) -> bool:
    while not stop.is_set():
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            log.warning("worker.waits_for_redis", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await stop.wait()
        else:
            return True
    return False


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[Redis]:
    # A frozen Redis must not freeze the relay: its first phase needs none.
    client = Redis.from_url(
        settings.redis_url.get_secret_value(), socket_connect_timeout=1, socket_timeout=2
    )
    async with client:
        yield client


@asynccontextmanager
async def _arq_redis(settings: Settings) -> AsyncIterator[ArqRedis]:
    client = ArqRedis.from_url(
        settings.redis_url.get_secret_value(), socket_connect_timeout=1, socket_timeout=5
    )
    client.job_serializer, client.job_deserializer = orjson.dumps, orjson.loads
    async with client:
        yield client
