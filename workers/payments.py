"""Bring about what the payment gateway said; call off what nobody should pay, or has paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from db import gateway_events, lapsing, paying, payment_rows
from domain.booking_steps import WrongStatus
from domain.refusals import NotFound
from gateways.failpoints import failpoint
from workers.metrics import PAYMENTS_MISMATCHED, REFUNDS_MISMATCHED
from workers.queue import Call

if TYPE_CHECKING:
    from db.paying import Settled
    from domain.payments import Payment
    from workers.jobs import Context

log = structlog.get_logger(__name__)


async def settle_payment(ctx: Context, payment_id: str) -> None:
    """Bring about what was said of a payment, as far as it has not been."""
    async with ctx.database.begin() as tx:
        try:
            settled = await paying.settle(tx, UUID(payment_id))
        except NotFound:
            # Of another database than the queue is.
            return
        failpoint("payment.before_commit")
    failpoint("payment.after_commit")
    _tell(settled)
    if settled.knows_of_more:
        await ctx.jobs.enqueue([_looking(payment_id)])


async def look_for_refunds(ctx: Context, payment_id: str) -> None:
    """Ask the gateway what it has given back of a payment, and book what nobody told us of."""
    async with ctx.database.read() as connection:
        found = await payment_rows.by_ids(connection, [UUID(payment_id)])
    gateway = ctx.outside.payments
    for payment in found:
        # A gateway that this house has no more cannot be asked.
        told = await gateway.refunds(payment) if payment.gateway == gateway.name else []
        async with ctx.database.begin() as tx:
            for report in told:
                await gateway_events.keep(tx, report, announce=False)
            settled = await paying.settle(tx, payment.id, all_is_told=True)
        _tell(settled)
        if settled.knows_of_more:
            log.error("payment.refunds_unknown", payment=payment_id)


async def void_payments(ctx: Context, booking_id: str) -> None:
    """Call off what is still asked for a booking that will not be."""
    async with ctx.database.read() as connection:
        try:
            open_ones = await paying.to_void(connection, UUID(booking_id))
        except NotFound:
            return
    for payment in open_ones:
        failpoint("void.before_call")
        if not await _called_off(ctx, payment):
            # It is being paid at this moment, and given back when it comes in.
            log.info("payment.not_voided", payment=str(payment.id))
            continue
        failpoint("void.after_call")
        async with ctx.database.begin() as tx:
            await paying.void(tx, payment)


async def lapse_booking(ctx: Context, booking_id: str) -> None:
    """Call off a booking that was not paid in time, unless it has been since."""
    async with ctx.database.begin() as tx:
        try:
            await lapsing.lapse(tx, UUID(booking_id), patience=ctx.house.payment_patience)
        except (NotFound, WrongStatus):
            return


def _tell(settled: Settled) -> None:
    """Say what staff have to look at."""
    about = {"payment": str(settled.payment.id), "booking": str(settled.booking.id)}
    if settled.mismatched:
        PAYMENTS_MISMATCHED.inc()
        log.error("payment.mismatched", **about)
    if settled.refunds_mismatched:
        REFUNDS_MISMATCHED.inc(settled.refunds_mismatched)
        log.error("refund.mismatched", **about)


def _looking(payment_id: str) -> Call:
    """The job that asks the gateway; those that wait for it meanwhile are one."""
    job = look_for_refunds.__name__
    return Call(job=job, arguments=(payment_id,), queue="slow", key=f"{job}:{payment_id}")


async def _called_off(ctx: Context, payment: Payment) -> bool:
    """Will nobody make it any more? A gateway that this house has no more takes nothing here."""
    gateway = ctx.outside.payments
    return payment.gateway != gateway.name or await gateway.cancel(payment)
