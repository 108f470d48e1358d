"""Does the gateway give back once what is to be given back, whatever goes wrong on the way?"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from db import dead_letters, refund_rows, refunds
from db.tables import refunds as refunds_table
from domain.events import EventType
from domain.pages import PageRequest
from domain.refunds import LEASE, Refund, RefundCause, RefundStatus, Wish
from gateways.payments import GivenBack, StripePayments
from gateways.stripe_api import StripeApi
from tests import stripe_server
from tests.db.till import PRICE, House
from tests.factories import now, read_events
from tests.money import a_payment, gbp
from tests.outside import an_outside
from tests.stripe_server import SECRET_KEY, StripeServer
from workers.dead_letters import replay_dead_letter
from workers.jobs import Context
from workers.main import JOBS
from workers.queue import JobQueue
from workers.refunds import PATIENCE, retry_refund, send_refund
from workers.sweeps import SWEEPS, refunds_to_send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from db.engine import Database
    from domain.payments import Payment

SECOND = timedelta(seconds=1)
FIRST_PAGE = PageRequest(limit=9, after=None, before=None, backwards=False)


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    with stripe_server.running() as server:
        yield server


@pytest.fixture
async def gateway(stripe: StripeServer) -> AsyncIterator[StripePayments]:
    api = StripeApi(secret_key=SECRET_KEY, base=stripe.address, timeout=2.0)
    payments = StripePayments(api)
    yield payments
    await payments.close()


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).open()


@pytest.fixture
def ctx(house: House, jobs: JobQueue, gateway: StripePayments) -> Context:
    outside = an_outside(payments=gateway)
    return Context(database=house.database, jobs=jobs, queue="slow", outside=outside)


@pytest.fixture
async def refund(house: House, stripe: StripeServer, gateway: StripePayments) -> Refund:
    """40.00 of a hundred that were paid by card."""
    booking = await house.book()
    asked = await gateway.ask(a_payment(PRICE, booking_id=booking.id))
    stripe.pay(asked.gateway_id)
    await house.pay(booking, gateway="stripe", gateway_id=asked.gateway_id)
    return await some_back(house, booking, 4000)


async def some_back(house: House, booking: Any, minor: int) -> Refund:
    wish = Wish(amount=gbp(minor), payment_id=None, to=None, reason="Sorry.")
    giving = partial(refunds.give_by_hand, booking_id=booking.id, by=house.staff, wish=wish)
    (given,) = await house.do(giving)
    refund: Refund = given
    assert refund.cause is RefundCause.BY_HAND
    return refund


async def read(ctx: Context, refund: Refund) -> Refund:
    async with ctx.database.read() as connection:
        (found,) = await refund_rows.by_ids(connection, [refund.id])
    return found


async def make_due(ctx: Context) -> None:
    """Let the time of whatever waits come."""
    at = await now(ctx.database)
    waits = update(refunds_table).where(refunds_table.c.due_at.is_not(None))
    async with ctx.database.begin() as tx:
        await tx.execute(waits.values(due_at=at))


def given_back(stripe: StripeServer) -> list[tuple[int, str]]:
    """What Stripe has given back, and for which refund of ours."""
    return [(one["amount"], one["metadata"]["refund_id"]) for one in stripe.made("refunds")]


def keys(stripe: StripeServer) -> list[str | None]:
    return [call.idempotency_key for call in stripe.called("POST", "/v1/refunds")]


async def test_it_is_given_back_under_its_own_key_and_noted(
    ctx: Context, stripe: StripeServer, refund: Refund
) -> None:
    before = len(await read_events(ctx.database))

    await send_refund(ctx, str(refund.id))

    assert given_back(stripe) == [(4000, str(refund.id))]
    assert keys(stripe) == [str(refund.id)]
    done = await read(ctx, refund)
    assert (done.status, done.tries) == (RefundStatus.DONE, 1)
    assert done.gateway_id == stripe.made("refunds")[0]["id"]
    assert await read_events(ctx.database, after=before) == [EventType.REFUND_DONE]


async def test_told_many_times_it_is_given_back_once(
    ctx: Context, stripe: StripeServer, refund: Refund
) -> None:
    await asyncio.gather(*(send_refund(ctx, str(refund.id)) for _ in range(8)))
    await send_refund(ctx, str(refund.id))
    assert given_back(stripe) == [(4000, str(refund.id))]
    assert len(keys(stripe)) == 1


@pytest.mark.parametrize("fault", ["drop", "drop_after", "hang", "hang_after", "error", "busy"])
async def test_without_an_answer_it_is_asked_for_again_and_given_back_once(
    ctx: Context, stripe: StripeServer, refund: Refund, fault: stripe_server.Fault
) -> None:
    stripe.fail(fault, "/v1/refunds")

    await send_refund(ctx, str(refund.id))

    waits = await read(ctx, refund)
    assert (waits.status, waits.tries) == (RefundStatus.WAITING, 1)
    assert waits.failure
    [(call, due)] = await ctx.jobs.redis.zrange(ctx.jobs.name("slow"), 0, -1, withscores=True)
    assert f"send_refund:{refund.id}@".encode() in call
    assert waits.due_at is not None
    assert 0 <= due - waits.due_at.timestamp() * 1000 < 100
    # Called too early, it waits.
    await send_refund(ctx, str(refund.id))
    assert (await read(ctx, refund)).tries == 1

    await make_due(ctx)
    await send_refund(ctx, str(refund.id))
    assert given_back(stripe) == [(4000, str(refund.id))]
    assert (await read(ctx, refund)).status is RefundStatus.DONE
    assert set(keys(stripe)) == {str(refund.id)}


async def test_a_worker_that_died_between_call_and_note_has_cost_a_repetition(
    ctx: Context, stripe: StripeServer, refund: Refund
) -> None:
    async with ctx.database.begin() as tx:
        taken = await refunds.take(tx, refund.id)
    assert taken is not None
    await ctx.outside.payments.refund(*taken)

    # While it may still be alive, nobody else does it.
    await send_refund(ctx, str(refund.id))
    assert (await read(ctx, refund)).tries == 1
    await make_due(ctx)
    await send_refund(ctx, str(refund.id))

    assert given_back(stripe) == [(4000, str(refund.id))]
    assert (await read(ctx, refund)).status is RefundStatus.DONE


async def test_refused_for_good_it_rests_and_is_tried_anew_under_another_key(
    ctx: Context, stripe: StripeServer, refund: Refund
) -> None:
    stripe.fail("refuse", "/v1/refunds")
    before = len(await read_events(ctx.database))

    await send_refund(ctx, str(refund.id))

    failed = await read(ctx, refund)
    assert (failed.status, failed.tries) == (RefundStatus.FAILED, 1)
    assert "As told: refuse." in str(failed.failure)
    assert await read_events(ctx.database, after=before) == [EventType.REFUND_FAILED]
    await make_due(ctx)
    await send_refund(ctx, str(refund.id))
    assert given_back(stripe) == []

    async with ctx.database.begin() as tx:
        (letter,) = (await dead_letters.page(tx, FIRST_PAGE)).items
        await dead_letters.replay(tx, letter.id)
    await replay_dead_letter(ctx, str(letter.id))
    (call,) = await ctx.jobs.redis.zrange(ctx.jobs.name("slow"), 0, -1)
    assert call.endswith(f":replay:{letter.id}".encode())
    for _ in range(2):
        await retry_refund(ctx, *letter.arguments)
    assert given_back(stripe) == [(4000, str(refund.id))]
    assert keys(stripe) == [str(refund.id), f"{refund.id}:1"]
    assert (await read(ctx, refund)).status is RefundStatus.DONE


@pytest.mark.parametrize("back", ["failed", "canceled"])
async def test_made_and_failed_at_once_it_has_failed_and_is_done_anew_under_another_key(
    ctx: Context, stripe: StripeServer, refund: Refund, back: str
) -> None:
    stripe.fail_next_refund(back)
    before = len(await read_events(ctx.database))

    await send_refund(ctx, str(refund.id))

    failed = await read(ctx, refund)
    (made,) = stripe.made("refunds")
    assert (failed.status, failed.gateway_id) == (RefundStatus.FAILED, made["id"])
    assert failed.failure == ("lost_or_stolen_card" if back == "failed" else "canceled")
    assert await read_events(ctx.database, after=before) == [EventType.REFUND_FAILED]
    async with ctx.database.begin() as tx:
        (letter,) = (await dead_letters.page(tx, FIRST_PAGE)).items
        # The webhook that says so is no news.
        assert await refunds.reported(tx, made["id"], RefundStatus.FAILED)
    assert (letter.job, letter.arguments) == ("retry_refund", (str(refund.id),))
    assert (await read(ctx, refund)).refusals == 1

    await retry_refund(ctx, *letter.arguments)
    assert keys(stripe) == [str(refund.id), f"{refund.id}:1"]
    assert [one["status"] for one in stripe.made("refunds")] == [back, "succeeded"]
    assert (await read(ctx, refund)).status is RefundStatus.DONE


async def test_after_its_last_try_it_rests(
    ctx: Context, stripe: StripeServer, refund: Refund
) -> None:
    stripe.fail("error", "/v1/refunds", times=PATIENCE.tries)
    for tries in range(1, PATIENCE.tries + 1):
        assert (await read(ctx, refund)).status is RefundStatus.WAITING
        await make_due(ctx)
        await send_refund(ctx, str(refund.id))
        assert (await read(ctx, refund)).tries == tries
    assert (await read(ctx, refund)).status is RefundStatus.FAILED
    async with ctx.database.read() as connection:
        (letter,) = (await dead_letters.page(connection, FIRST_PAGE)).items
    assert (letter.tries, letter.job) == (PATIENCE.tries, "retry_refund")

    # It may have done it, for all that is known: so it is asked by the same key.
    await retry_refund(ctx, str(refund.id))
    assert given_back(stripe) == [(4000, str(refund.id))]
    assert set(keys(stripe)) == {str(refund.id)}


async def test_what_the_bank_sent_back_is_given_back_anew(
    ctx: Context, stripe: StripeServer, refund: Refund
) -> None:
    await send_refund(ctx, str(refund.id))
    (made,) = stripe.made("refunds")
    stripe.fail_refund(made["id"])
    async with ctx.database.begin() as tx:
        await refunds.reported(tx, made["id"], RefundStatus.FAILED, failure="closed card")

    await retry_refund(ctx, str(refund.id))

    assert [one["status"] for one in stripe.made("refunds")] == ["failed", "succeeded"]
    done = await read(ctx, refund)
    assert (done.status, done.gateway_id) == (
        RefundStatus.DONE,
        stripe.made("refunds")[1]["id"],
    )


async def test_while_the_gateway_is_asked_no_connection_is_held(
    house: House, jobs: JobQueue
) -> None:
    class Watching:
        name, is_open, settles_at_once = "development", True, True
        in_use: int | None = None

        async def refund(self, refund: Refund, payment: Payment) -> GivenBack:
            self.in_use = house.database.in_use
            assert payment.id == refund.payment_id
            return GivenBack(gateway_id=f"re_{refund.id}")

    watching = Watching()
    outside = an_outside(payments=watching)
    ctx = Context(database=house.database, jobs=jobs, queue="slow", outside=outside)
    booking = await house.book()
    await house.pay(booking)
    refund = await some_back(house, booking, 1)

    await send_refund(ctx, str(refund.id))

    assert watching.in_use == 0
    assert (await read(ctx, refund)).gateway_id == f"re_{refund.id}"


async def test_a_refund_that_nobody_was_told_of_is_found_when_its_time_has_passed(
    ctx: Context, refund: Refund
) -> None:
    for _ in range(2):
        assert await refunds_to_send(ctx) == 1
    assert refund.due_at is not None
    [call] = await ctx.jobs.redis.zrange(ctx.jobs.name("slow"), 0, -1)
    assert f"send_refund:{refund.id}@".encode() in call

    async with ctx.database.begin() as tx:
        assert await refunds.take(tx, refund.id) is not None
    assert await refunds_to_send(ctx) == 0
    # Whoever took it has died.
    over = update(refunds_table).values(due_at=refunds_table.c.due_at - LEASE - SECOND)
    async with ctx.database.begin() as tx:
        await tx.execute(over)
    assert await refunds_to_send(ctx) == 1
    assert len(await ctx.jobs.redis.zrange(ctx.jobs.name("slow"), 0, -1)) == 2


async def test_what_is_unknown_is_nothing_to_do(ctx: Context, stripe: StripeServer) -> None:
    await send_refund(ctx, "00000000-0000-7000-8000-000000000000")
    await retry_refund(ctx, "00000000-0000-7000-8000-000000000000")
    assert stripe.calls == []


def test_they_are_on_their_lists() -> None:
    assert {"send_refund", "retry_refund"} <= {job.name for job in JOBS["slow"]}
    assert refunds_to_send in {one.run for one in SWEEPS}
