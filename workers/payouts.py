"""Pay providers: send each payout to the gateway, once.

The row says when it is to be sent (again); taking it moves that on, so that two jobs never send it
at once, and one that dies gives it back by saying nothing.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from db import payouts
from domain.payouts import PayoutNotFailed
from domain.refusals import NotFound
from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.failpoints import failpoint
from workers.jobs import alarm
from workers.retry import RetryPolicy

if TYPE_CHECKING:
    from domain.payouts import Payout
    from gateways.payouts import PayoutGateway
    from workers.jobs import Context

#: Some two hours of patience: money that is late is better than money that somebody has to look at.
SENDING: Final = RetryPolicy(tries=10, first=15.0, longest=1800.0)

log = structlog.get_logger(__name__)


async def send_payout(ctx: Context, payout_id: str) -> None:
    """Send a payout, if it is to be sent now."""
    async with ctx.database.begin() as tx:
        try:
            taken = await payouts.take(tx, UUID(payout_id))
        except NotFound:
            # Of another database than the queue is.
            return
    if taken is None:
        return
    sent, account = taken
    gateway = ctx.outside.payouts
    if gateway is None:
        await _failed(ctx, sent, "This server has no way to pay anybody.")
        return
    try:
        gateway_id = await _paid_by(gateway, sent, account)
    except GatewayRefused as error:
        await _give_up(ctx, sent, str(error), refused=True)
    except GatewayUnavailable as error:
        await _failed(ctx, sent, str(error))
    else:
        async with ctx.database.begin() as tx:
            await payouts.note_paid(tx, sent, gateway=gateway.name, gateway_id=gateway_id)
            failpoint("payout.before_commit")


async def retry_payout(ctx: Context, payout_id: str) -> None:
    """Have a payout that failed sent again: what replaying its dead letter does."""
    async with ctx.database.begin() as tx:
        try:
            await payouts.retry(tx, UUID(payout_id))
        except PayoutNotFailed as error:
            log.info("payout.not_retried", payout=payout_id, status=error.payout.status)


async def _paid_by(gateway: PayoutGateway, sent: Payout, account: str | None) -> str:
    """What the gateway calls the payout, which it makes unless it has it already."""
    failpoint("payout.before_call")
    # Who sent it before may have died before noting the answer.
    found = await gateway.find(sent) if sent.tries > 1 else None
    gateway_id = found or await gateway.send(sent, account=account)
    failpoint("payout.after_call")
    return gateway_id


async def _failed(ctx: Context, sent: Payout, failure: str) -> None:
    if SENDING.is_over(sent.tries_now):
        await _give_up(ctx, sent, failure, refused=False)
        return
    delay = SENDING.delay(sent.tries_now, jitter=random.random())
    async with ctx.database.begin() as tx:
        after = timedelta(seconds=delay)
        again_at = await payouts.put_off(tx, sent, failure=failure, after=after)
    log.warning("payout.put_off", payout=str(sent.id), tries=sent.tries, failure=failure)
    if again_at is not None:
        await alarm(ctx, "send_payout", again_at, str(sent.id))


async def _give_up(ctx: Context, sent: Payout, failure: str, *, refused: bool) -> None:
    async with ctx.database.begin() as tx:
        await payouts.give_up(tx, sent, failure=failure, refused=refused)
    log.error("payout.failed", payout=str(sent.id), tries=sent.tries, failure=failure)
