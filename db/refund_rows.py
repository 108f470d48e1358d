"""How is a refund kept in a row? For everybody who reads or locks refunds.

Lock order everywhere: booking, then its payments, then refunds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from db.tables import refunds
from domain.money import Money
from domain.payments import Method
from domain.refunds import Refund, RefundCause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

_R: Final = refunds.c


async def lock(tx: AsyncConnection, which: ColumnElement[bool]) -> Refund | None:
    """The refund that it is, locked; None if there is none."""
    row = (await tx.execute(select(refunds).where(which).with_for_update())).one_or_none()
    return None if row is None else refund(row)


async def add(tx: AsyncConnection, new: Refund) -> None:
    """Keep a new refund. The caller holds its booking's lock."""
    await tx.execute(insert(refunds).values(_columns(new)))


async def save(tx: AsyncConnection, changed: Refund) -> None:
    """Keep what became of a refund. The caller holds its lock."""
    await tx.execute(update(refunds).where(_R.id == changed.id).values(_columns(changed)))


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Refund]:
    """The refunds with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(refunds).where(_R.id.in_(ids)))
    return [refund(row) for row in rows]


async def of_payments(
    connection: AsyncConnection, payment_ids: Sequence[UUID]
) -> dict[UUID, list[Refund]]:
    """The refunds of each payment, oldest first."""
    return await _of(connection, _R.payment_id, payment_ids)


async def of_bookings(
    connection: AsyncConnection, booking_ids: Sequence[UUID]
) -> dict[UUID, list[Refund]]:
    """The refunds of each booking, oldest first."""
    return await _of(connection, _R.booking_id, booking_ids)


async def _of(
    connection: AsyncConnection, whose: ColumnElement[UUID], ids: Sequence[UUID]
) -> dict[UUID, list[Refund]]:
    query = select(refunds).where(whose.in_(ids)).order_by(_R.id)
    found: dict[UUID, list[Refund]] = {uid: [] for uid in ids}
    for row in await connection.execute(query.add_columns(whose.label("whose"))):
        found[row.whose].append(refund(row))
    return found


def refund(row: Row[Any]) -> Refund:
    """The refund in a row."""
    return Refund(
        **{name: getattr(row, name) for name in _PLAIN},
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
        cause=RefundCause(row.cause),
        to=Method(row.destination),
    )


#: Facts that a refund and its row call by the same name.
_PLAIN: Final = (
    *("id", "payment_id", "booking_id", "customer_id", "reason", "asked_by", "created_at"),
    *("gateway_id", "found_as", "excess_minor", "tries", "refusals", "due_at", "done_at"),
    *("failed_at", "failure"),
)


def _columns(value: Refund) -> dict[str, Any]:
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        "amount_minor": value.amount.amount_minor,
        "currency": value.amount.currency,
        "cause": value.cause,
        "destination": value.to,
        "status": value.status,
    }
