"""How does a booking come to be paid? As with the development gateway, in one transaction; or by
what a gateway says of a payment that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from db import bookings, gateway_events, paying, payment_rows
from db.ids import new_id
from db.tables import refunds
from domain.money import Money
from domain.paying import PayAmount, Wish
from domain.payment_events import Report, Said
from domain.payments import Method, Payment, Purpose
from gateways.payments import DevelopmentGateway
from tests.factories import BOOKING, CUSTOMER, NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer


PAYMENT = UUID(int=41)


def to_pay(**changes: Any) -> Payment:
    """The whole price of `a_booking`, asked for by card and not paid yet."""
    facts: dict[str, Any] = {
        "id": PAYMENT,
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "purpose": Purpose.FULL,
        "method": Method.CARD,
        "gateway": "stripe",
        "amount": Money(amount_minor=4050, currency="GBP"),
        "created_at": NOW,
    }
    return Payment(**facts | changes)


async def pay(
    tx: AsyncConnection,
    *,
    booking_id: UUID,
    by: Viewer,
    amount: PayAmount = PayAmount.FULL,
    method: Method = Method.CARD,
) -> Booking:
    """Pay for a booking, at once."""
    gateway = DevelopmentGateway()
    wish = Wish(amount=amount, method=method, gateway=gateway.name)
    asked = await paying.ask(tx, booking_id=booking_id, by=by, wish=wish)
    if method is Method.CARD:
        intent = await gateway.ask(asked.payment)
        await paying.arrange(
            tx,
            asked.payment,
            gateway_id=intent.gateway_id,
            report=intent.report,
            settles_at_once=True,
        )
    return await bookings.get(tx, booking_id)


async def asked(database: Database, booking: Booking, by: Viewer, **wish: Any) -> Payment:
    """A card payment that was asked for, and that the gateway knows."""
    async with database.begin() as tx:
        ordered = await paying.ask(
            tx, booking_id=booking.id, by=by, wish=Wish(**{"gateway": "stripe"} | wish)
        )
        return await paying.arrange(
            tx,
            ordered.payment,
            gateway_id=f"pi_{ordered.payment.id}",
            report=None,
            settles_at_once=False,
        )


def said(payment: Payment, what: Said = Said.PAID, **changes: Any) -> Report:
    """A gateway's word on a payment: that it was paid, as it should be."""
    uid = new_id()
    facts: dict[str, Any] = {
        "gateway": payment.gateway,
        "id": f"evt_{uid}",
        "type": what.lower(),
        "said": what,
        "payment_id": payment.id,
        "gateway_id": payment.gateway_id,
        "occurred_at": datetime.now(UTC).replace(microsecond=0),
        "money": payment.amount if what is Said.PAID else None,
    }
    return Report(**facts | changes)


async def hear(database: Database, *reports: Report) -> None:
    """Let the gateway say this, to a webhook."""
    for report in reports:
        async with database.begin() as tx:
            await gateway_events.keep(tx, report)


async def settle(database: Database, payment: Payment) -> paying.Settled:
    """Bring about what was said, as the job does."""
    async with database.begin() as tx:
        return await paying.settle(tx, payment.id)


async def read_payment(database: Database, payment_id: UUID) -> Payment:
    """A payment as it stands in the database."""
    async with database.read() as connection:
        (found,) = await payment_rows.by_ids(connection, [payment_id])
    return found


async def read_refunds(database: Database, booking: Booking) -> Sequence[tuple[str, int]]:
    """What was given back for a booking: why, and how much."""
    r = refunds.c
    query = select(r.cause, r.amount_minor).where(r.booking_id == booking.id).order_by(r.id)
    async with database.read() as connection:
        return [(row.cause, row.amount_minor) for row in await connection.execute(query)]
