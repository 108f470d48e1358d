"""What the gateway says of refunds: which it made, which came back, and which were not our idea.

Lock order: booking, then its payments, then refunds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import payment_rows, refund_rows, refunds
from db.ids import new_id
from domain import refunds_elsewhere as rules
from domain.payment_events import Said
from domain.refunds import RefundStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.payment_events import Report
    from domain.refunds import Refund


async def take_in(
    tx: AsyncConnection, payment_id: UUID, reports: Sequence[Report], *, at: datetime
) -> list[Report]:
    """Bring about what all that was said of a payment says of its refunds, as far as it has not
    been. The reports that have to wait: they speak of a refund that we have not noted yet, because
    the gateway was quicker, or of a payment of which nothing is known to have come in.

    Again, in another order, it changes nothing. The caller holds the booking's lock.
    """
    if not any(one.refund for one in reports):
        return []
    waiting: list[Report] = []
    for gateway_id in rules.unknown(reports, await _known(tx, payment_id)):
        of_it = [one for one in reports if one.refund == gateway_id]
        if not await _book(tx, payment_id, of_it, at=at):
            waiting += of_it
    known = await _known(tx, payment_id)
    for refund_id, gateway_id in rules.made_after_all(reports, known).items():
        await refunds.note_made(tx, refund_id, gateway_id)
    for one in reports:
        if one.said is not Said.REFUND_FAILED or one.refund is None or one in waiting:
            continue
        failed, why = RefundStatus.FAILED, one.failure or ""
        if not await refunds.reported(tx, one.refund, failed, failure=why):
            waiting += [] if rules.is_old_news(one, known) else [one]
    return waiting


async def _book(
    tx: AsyncConnection, payment_id: UUID, told: Sequence[Report], *, at: datetime
) -> bool:
    """Book a refund that was not our idea, of which this was told. False while nothing has come in
    that could go back."""
    (payment,) = await payment_rows.by_ids(tx, [payment_id])
    gateway_id, amount = next((one.refund, one.money) for one in told if one.money is not None)
    if payment.received is None or gateway_id is None or amount is None:
        return False
    failed = rules.stood_in_for(amount, await _known(tx, payment_id))
    if failed is not None:
        await refunds.note_made(tx, failed.id, gateway_id, is_found=True)
        return True
    found = rules.found(payment, amount, gateway_id=gateway_id, uid=new_id(), at=at)
    came_back = any(one.said is Said.REFUND_FAILED for one in told)
    await refunds.note_found(tx, found, payment, came_back=came_back)
    return True


async def _known(tx: AsyncConnection, payment_id: UUID) -> list[Refund]:
    return (await refund_rows.of_payments(tx, [payment_id]))[payment_id]
