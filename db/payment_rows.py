"""How is a payment kept in a row? For everybody who reads or locks payments.

Lock order everywhere: booking, then providers, then offers, then payments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from db.tables import payments
from domain.money import Money
from domain.payments import Method, Payment, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection


async def lock_of(tx: AsyncConnection, booking_id: UUID) -> list[Payment]:
    """Every payment of a booking, oldest first, locked. The caller holds the booking's lock."""
    query = select(payments).where(payments.c.booking_id == booking_id).order_by(payments.c.id)
    return [payment(row) for row in await tx.execute(query.with_for_update())]


async def of_bookings(
    connection: AsyncConnection, booking_ids: Sequence[UUID]
) -> dict[UUID, list[Payment]]:
    """The payments of each booking, oldest first."""
    p = payments.c
    query = select(payments).where(p.booking_id.in_(booking_ids)).order_by(p.id)
    found: dict[UUID, list[Payment]] = {uid: [] for uid in booking_ids}
    for row in await connection.execute(query):
        found[row.booking_id].append(payment(row))
    return found


async def add(tx: AsyncConnection, new: Payment) -> None:
    """Keep a new payment. The caller holds its booking's lock."""
    await tx.execute(insert(payments).values(columns(new)))


async def save(tx: AsyncConnection, changed: Payment) -> None:
    """Keep what became of a payment. The caller holds its booking's lock."""
    own = update(payments).where(payments.c.id == changed.id)
    await tx.execute(own.values(columns(changed)))


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Payment]:
    """The payments with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(payments).where(payments.c.id.in_(ids)))
    return [payment(row) for row in rows]


def payment(row: Row[Any]) -> Payment:
    """The payment in a row."""
    received = None
    if row.received_minor is not None:
        received = Money(amount_minor=row.received_minor, currency=row.received_currency)
    return Payment(
        **{name: getattr(row, name) for name in _PLAIN},
        purpose=Purpose(row.purpose),
        method=Method(row.method),
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
        received=received,
    )


def columns(value: Payment) -> dict[str, Any]:
    """The row of a payment."""
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        "purpose": value.purpose,
        "method": value.method,
        "status": value.status,
        "amount_minor": value.amount.amount_minor,
        "currency": value.amount.currency,
        "received_minor": value.received.amount_minor if value.received else None,
        "received_currency": value.received.currency if value.received else None,
    }


#: Facts that a payment and its row call by the same name.
_PLAIN: Final = (
    *("id", "booking_id", "customer_id", "gateway", "gateway_id", "created_at", "paid_at"),
    *("failed_at", "failure", "cancelled_at", "mismatched_at", "refunded_minor"),
)
