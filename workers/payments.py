"""Bring about what the payment gateway said; call off what nobody should pay, or has paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from db import lapsing, paying
from domain.bookings import WrongStatus
from domain.refusals import NotFound
from gateways.failpoints import failpoint
from workers.metrics import PAYMENTS_MISMATCHED

if TYPE_CHECKING:
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
    if settled.mismatched:
        PAYMENTS_MISMATCHED.inc()
        log.error("payment.mismatched", payment=payment_id, booking=str(settled.booking.id))
    if settled.refunded_elsewhere:
        log.warning("payment.refunded_elsewhere", payment=payment_id)


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


async def _called_off(ctx: Context, payment: Payment) -> bool:
    """Will nobody make it any more? A gateway that this house has no more takes nothing here."""
    gateway = ctx.outside.payments
    return payment.gateway != gateway.name or await gateway.cancel(payment)
