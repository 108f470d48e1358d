"""Is a payout sent once, whoever dies, repeats or hears no answer on the way?"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from db import dead_letters, payouts
from db.engine import Database
from db.tables import payouts as payouts_table
from db.tables import providers
from domain.dead_letters import DeadLetter
from domain.events import EventType
from domain.pages import PageRequest
from domain.payouts import PayCycle, Payout, PayoutStatus
from gateways.failpoints import STATUS
from gateways.payouts import StripePayouts
from gateways.settings import DEVELOPMENT_SECRET, Settings
from gateways.stripe_api import StripeApi
from tests import stripe_server
from tests.earners import before, check, earn, pay, payouts_of, periods
from tests.factories import add_provider, add_service, read_events
from tests.outside import an_outside
from tests.stripe_server import SECRET_KEY, Fault, StripeServer
from workers.jobs import Context
from workers.main import JOBS
from workers.payouts import SENDING, retry_payout, send_payout
from workers.queue import JobQueue
from workers.sweeps import payouts_to_send

HOUR = timedelta(hours=1)


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with stripe_server.running() as server:
        yield server


@pytest.fixture
async def ctx(database: Database, jobs: JobQueue, stripe: StripeServer) -> AsyncIterator[Context]:
    """A slow worker's context, whose payouts go to the scripted Stripe."""
    api = StripeApi(secret_key=SECRET_KEY, base=stripe.address, timeout=1.0)
    yield Context(
        database=database, jobs=jobs, queue="slow", outside=an_outside(payouts=StripePayouts(api))
    )
    await api.close()


async def a_payout(database: Database, **columns: Any) -> Payout:
    service = await add_service(database)
    facts = {"payout_account": "acct_1"} | columns
    one = await add_provider(database, service, on_shift=False, **facts)
    (period,) = await periods(database, PayCycle.WEEKLY, count=1)
    await earn(database, one, 6000, at=before(PayCycle.WEEKLY, period))
    await pay(database)
    (made,) = await payouts_of(database, one)
    return made


async def read(database: Database, payout: Payout) -> Payout:
    async with database.read() as connection:
        (found,) = await payouts.by_ids(connection, [payout.id])
    return found


async def let_pass(database: Database, by: timedelta = HOUR) -> None:
    """Let time pass for whatever is due then."""
    async with database.begin() as tx:
        due_at = payouts_table.c.due_at
        await tx.execute(
            update(payouts_table).where(due_at.is_not(None)).values(due_at=due_at - by)
        )


async def letters(database: Database) -> list[DeadLetter]:
    async with database.read() as connection:
        return list((await dead_letters.page(connection, PageRequest(limit=10))).items)


async def queued(ctx: Context) -> list[str]:
    calls = await ctx.jobs.redis.zrange(ctx.jobs.name("slow"), 0, -1)
    return [call.decode() for call in calls]


async def test_sent_it_is_paid(ctx: Context, database: Database, stripe: StripeServer) -> None:
    payout = await a_payout(database)
    await send_payout(ctx, str(payout.id))
    done = await read(database, payout)
    (transfer,) = stripe.made("transfers")
    assert (done.status, done.gateway, done.gateway_id) == (
        *(PayoutStatus.PAID, "stripe"),
        transfer["id"],
    )
    # It was not asked for before it was sent for the first time.
    assert [call.method for call in stripe.calls] == ["POST"]
    await check(database)


async def test_jobs_that_repeat_and_meet_send_it_once(
    ctx: Context, database: Database, stripe: StripeServer
) -> None:
    payout = await a_payout(database)
    await asyncio.gather(*(send_payout(ctx, str(payout.id)) for _ in range(8)))
    await send_payout(ctx, str(payout.id))
    await send_payout(ctx, str(UUID(int=1)))
    assert (await read(database, payout)).status is PayoutStatus.PAID
    assert len(stripe.called("POST", "/v1/transfers")) == 1
    assert (await read_events(database)).count(EventType.PAYOUT_PAID) == 1
    await check(database)


@pytest.mark.parametrize("fault", ["drop_after", "hang_after", "drop", "error", "busy"])
async def test_when_the_answer_is_lost_it_is_asked_for_before_it_is_sent_again(
    ctx: Context, database: Database, stripe: StripeServer, fault: Fault
) -> None:
    payout = await a_payout(database)
    stripe.fail(fault, "/v1/transfers")
    await send_payout(ctx, str(payout.id))
    waits = await read(database, payout)
    assert (waits.status, waits.tries) == (PayoutStatus.WAITING, 1)
    assert waits.failure
    assert waits.due_at is not None
    # Its alarm is set, and until then nobody sends it.
    (alarm,) = await queued(ctx)
    assert f"send_payout:{payout.id}@" in alarm
    await send_payout(ctx, str(payout.id))
    assert (await read(database, payout)).tries == 1

    await let_pass(database)
    await send_payout(ctx, str(payout.id))

    assert (await read(database, payout)).status is PayoutStatus.PAID
    (transfer,) = stripe.made("transfers")
    assert (await read(database, payout)).gateway_id == transfer["id"]
    was_made = fault in {"drop_after", "hang_after"}
    assert [call.method for call in stripe.calls] == ["POST", "GET", *["POST"] * (not was_made)]
    assert {call.idempotency_key for call in stripe.called("POST", ".*")} == {str(payout.id)}
    await check(database)


@pytest.mark.parametrize(
    ("failpoint", "called"),
    [("payout.before_call", 0), ("payout.after_call", 1), ("payout.before_commit", 1)],
)
async def test_a_worker_that_dies_on_the_way_leaves_one_payout(
    ctx: Context,
    settings: Settings,
    database: Database,
    stripe: StripeServer,
    *,
    failpoint: str,
    called: int,
) -> None:
    payout = await a_payout(database)
    environment = stripe.environment | {
        "CALLOUT_FAILPOINTS": failpoint,
        "CALLOUT_MODE": "development",
        "CALLOUT_SECRET": DEVELOPMENT_SECRET,
        "CALLOUT_REDIS_NAMESPACE": settings.redis_namespace,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.workers.sending", str(payout.id)),
        env={**os.environ, **environment},
    )
    assert await process.wait() == STATUS
    assert len(stripe.made("transfers")) == called
    left = await read(database, payout)
    assert (left.status, left.tries) == (PayoutStatus.WAITING, 1)

    # Nobody may send it while whoever died might be alive.
    await send_payout(ctx, str(payout.id))
    assert (await read(database, payout)).status is PayoutStatus.WAITING
    await let_pass(database, payouts.LEASE)
    assert await payouts_to_send(ctx) == 1
    await send_payout(ctx, str(payout.id))

    assert (await read(database, payout)).status is PayoutStatus.PAID
    assert len(stripe.made("transfers")) == 1
    await check(database)


async def test_after_the_last_try_it_rests_and_replaying_it_sends_it_again(
    ctx: Context, database: Database, stripe: StripeServer
) -> None:
    payout = await a_payout(database)
    stripe.fail("drop", "/v1/transfers", times=SENDING.tries)
    for _ in range(SENDING.tries):
        assert await letters(database) == []
        await send_payout(ctx, str(payout.id))
        await let_pass(database)
    failed = await read(database, payout)
    assert (failed.status, failed.tries) == (PayoutStatus.FAILED, SENDING.tries)
    (letter,) = await letters(database)
    assert (letter.job, letter.arguments) == ("retry_payout", (str(payout.id),))
    assert (await read_events(database)).count(EventType.PAYOUT_FAILED) == 1
    assert await payouts_to_send(ctx) == 0

    # What replaying the letter does.
    job = next(job for job in JOBS["slow"] if job.name == letter.job)
    await job.run(ctx, *letter.arguments)
    await send_payout(ctx, str(payout.id))

    assert (await read(database, payout)).status is PayoutStatus.PAID
    assert await letters(database) == []
    # It never said no, so it was never asked under another key.
    assert {call.idempotency_key for call in stripe.called("POST", ".*")} == {str(payout.id)}
    # Replayed once more, it changes nothing.
    await retry_payout(ctx, str(payout.id))
    assert (await read(database, payout)).status is PayoutStatus.PAID
    await check(database)


async def test_what_is_refused_is_given_up_at_once_and_mended_sent_under_a_new_key(
    ctx: Context, database: Database, stripe: StripeServer
) -> None:
    payout = await a_payout(database)
    stripe.fail("refuse", "/v1/transfers")
    await send_payout(ctx, str(payout.id))
    failed = await read(database, payout)
    assert (failed.status, failed.tries, failed.refusals) == (PayoutStatus.FAILED, 1, 1)
    assert failed.failure == "As told: refuse."
    async with database.begin() as tx:
        await tx.execute(update(providers).values(payout_account="acct_2"))
    await retry_payout(ctx, str(payout.id))
    await send_payout(ctx, str(payout.id))
    assert (await read(database, payout)).status is PayoutStatus.PAID
    (transfer,) = stripe.made("transfers")
    assert transfer["destination"] == "acct_2"
    keys = [call.idempotency_key for call in stripe.called("POST", ".*")]
    assert keys == [str(payout.id), f"{payout.id}:1"]
    await check(database)


async def test_without_an_account_it_is_given_up_without_a_call(
    ctx: Context, database: Database, stripe: StripeServer
) -> None:
    payout = await a_payout(database, payout_account=None)
    await send_payout(ctx, str(payout.id))
    failed = await read(database, payout)
    assert (failed.status, failed.failure) == (
        PayoutStatus.FAILED,
        "The provider has no account to pay into.",
    )
    assert stripe.calls == []


async def test_where_there_is_no_gateway_it_waits_for_one(
    database: Database, jobs: JobQueue
) -> None:
    payout = await a_payout(database)
    ctx = Context(database=database, jobs=jobs, queue="slow", outside=an_outside(payouts=None))
    await send_payout(ctx, str(payout.id))
    waits = await read(database, payout)
    assert (waits.status, waits.failure) == (
        PayoutStatus.WAITING,
        "This server has no way to pay anybody.",
    )


async def test_what_is_due_is_found_and_found_twice_it_is_one_call(
    ctx: Context, database: Database
) -> None:
    payout = await a_payout(database)
    assert [await payouts_to_send(ctx), await payouts_to_send(ctx)] == [1, 1]
    (call,) = await queued(ctx)
    assert f"send_payout:{payout.id}@" in call


def test_a_try_is_over_before_another_one_may_begin() -> None:
    job = next(job for job in JOBS["slow"] if job.name == "send_payout")
    assert timedelta(seconds=job.limit) < payouts.LEASE
