"""Give money back: tell the gateway of a refund until it says yes, or has said no too often.

The refund's row says what is due; a job only brings it about. The gateway is asked with no
transaction open, and under the refund's key: so a worker that dies between the call and the note
costs a repetition, and no money.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from db import refunds
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.failpoints import failpoint
from workers.jobs import alarm
from workers.retry import RetryPolicy

if TYPE_CHECKING:
    from domain.refunds import Refund
    from workers.jobs import Context

#: About an hour: a gateway that is down is usually back by then.
PATIENCE: Final = RetryPolicy(tries=12, first=2.0, longest=900.0)

log = structlog.get_logger(__name__)


async def send_refund(ctx: Context, refund_id: str) -> None:
    """Tell the gateway of a refund whose time has come; of any other there is nothing to do."""
    async with ctx.database.begin() as tx:
        due = await refunds.take(tx, UUID(refund_id))
    if due is None:
        return
    refund, payment = due
    failpoint("refund.before_call")
    try:
        given = await ctx.outside.payments.refund(refund, payment)
    except GatewayRefused as error:
        await _give_up(ctx, refund, str(error), refused=True)
        return
    except GatewayUnavailable as error:
        await _try_again(ctx, refund, str(error))
        return
    failpoint("refund.after_call")
    if given.failure is not None:
        # It has been made, and goes nowhere.
        await _give_up(ctx, refund, given.failure, refused=True, gateway_id=given.gateway_id)
        return
    async with ctx.database.begin() as tx:
        await refunds.sent(tx, refund, given.gateway_id)
        failpoint("refund.before_commit")


async def retry_refund(ctx: Context, refund_id: str) -> None:
    """Send a refund anew which had been given up."""
    async with ctx.database.begin() as tx:
        await refunds.revive(tx, UUID(refund_id))
    await send_refund(ctx, refund_id)


async def _try_again(ctx: Context, refund: Refund, failure: str) -> None:
    if PATIENCE.is_over(refund.tries):
        await _give_up(ctx, refund, failure, refused=False)
        return
    wait = timedelta(seconds=PATIENCE.delay(refund.tries, jitter=random.random()))
    async with ctx.database.begin() as tx:
        due_at = await refunds.not_sent(tx, refund, failure, again_in=wait)
    log.warning("refund.put_off", refund=str(refund.id), error=failure)
    if due_at is not None:
        await alarm(ctx, "send_refund", due_at, str(refund.id))


async def _give_up(
    ctx: Context,
    refund: Refund,
    failure: str,
    *,
    refused: bool,
    gateway_id: str | None = None,
) -> None:
    async with ctx.database.begin() as tx:
        await refunds.give_up(tx, refund, failure, refused=refused, gateway_id=gateway_id)
    log.error("refund.given_up", refund=str(refund.id), error=failure)
