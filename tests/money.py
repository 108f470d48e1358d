"""What do tests of money work with? Payments that came in, and the books as they should be."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert

from db import bookings as db_bookings
from db import ledger, payment_rows, settlements
from db.ids import new_id
from db.tables import payments
from domain.ledger import Account, Entry, Line, LineKind, posting
from domain.money import Money
from domain.payments import Method, Payment, PaymentStatus, Purpose
from tests.factories import BOOKING, CUSTOMER, NOW

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.bookings import Booking

PAYMENT = UUID(int=7)


def gbp(minor: int) -> Money:
    """So many pence."""
    return Money(amount_minor=minor, currency="GBP")


def a_payment(minor: int = 10000, **changes: Any) -> Payment:
    """A card payment for `a_booking` that came in an hour ago."""
    facts: dict[str, Any] = {
        "id": PAYMENT,
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "purpose": Purpose.FULL,
        "method": Method.CARD,
        "gateway": "development",
        "amount": gbp(minor),
        "created_at": NOW - timedelta(hours=2),
        "received": gbp(minor),
        "paid_at": NOW - timedelta(hours=1),
    }
    return Payment(**facts | changes)


def came_in(payment: Payment, booking: Booking) -> Any:
    """How a payment that came in is booked."""
    received = payment.received
    assert received is not None
    minor = received.amount_minor
    source = Line(account=Account.OUTSIDE, kind=LineKind.PAYMENT, amount_minor=-minor)
    if payment.method is Method.CREDITS:
        source = Line(
            account=Account.CREDIT,
            kind=LineKind.CREDIT,
            amount_minor=-minor,
            customer_id=payment.customer_id,
        )
    held = Line(account=Account.HELD, kind=LineKind.PAYMENT, amount_minor=minor)
    if payment.status is PaymentStatus.MISMATCHED:
        held = Line(account=Account.UNALLOCATED, kind=LineKind.PAYMENT, amount_minor=minor)
    elif payment.purpose is Purpose.TIP:
        held = Line(
            account=Account.PROVIDER,
            kind=LineKind.TIP,
            amount_minor=minor,
            provider_id=booking.provider_id,
        )
    return posting(
        f"payment:{payment.id}", received.currency, (source, held), booking_id=booking.id
    )


async def pay_in(
    tx: AsyncConnection, *, booking_id: UUID, minor: int, at: datetime, **changes: Any
) -> Payment:
    """A payment for a booking, come in now and settled if the booking is over."""
    booking = await db_bookings.lock(tx, booking_id)
    facts = {"id": new_id(), "booking_id": booking_id, "customer_id": booking.customer_id}
    times = {"created_at": at, "paid_at": at}
    paid = a_payment(minor, **facts | times | {"gateway_id": f"pi_{new_id()}"} | changes)
    await tx.execute(insert(payments).values(payment_rows.columns(paid)))
    await ledger.post(tx, [came_in(paid, booking)], at=at)
    await settlements.settle(tx, booking, at=at)
    return paid


def sums(entries: Iterable[Entry]) -> dict[str, int]:
    """What each account has by these lines, in minor units; accounts with nothing are left out."""
    totals: Counter[str] = Counter()
    for one in entries:
        totals[one.account.value] += one.amount.amount_minor
    return {account: total for account, total in totals.items() if total}


async def books(database: Database, booking_id: UUID) -> dict[str, int]:
    """What each account has of a booking."""
    async with database.read() as connection:
        return sums(await ledger.of_booking(connection, booking_id))
