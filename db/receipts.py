"""A payment's receipt, as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import accounts, bookings, payment_rows, refund_rows, services
from domain.receipts import Receipt, standing

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection


async def of_payment(connection: AsyncConnection, payment_id: UUID) -> Receipt | None:
    """The receipt of a payment; None for one that did not come in, or that there is not."""
    found = await payment_rows.by_ids(connection, [payment_id])
    if not found or found[0].received is None or found[0].paid_at is None:
        return None
    payment = found[0]
    booking = await bookings.get(connection, payment.booking_id)
    service = await services.get(connection, booking.service_id)
    customers = await accounts.by_ids(connection, [payment.customer_id])
    given = await refund_rows.of_payments(connection, [payment_id])
    return Receipt(
        payment=payment,
        received=found[0].received,
        paid_at=found[0].paid_at,
        refunds=standing(given[payment_id]),
        customer=customers[payment.customer_id],
        service=service.name,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
    )
