"""The inbox of the payment gateway: all that it said, kept once, and brought about once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from db import events, payment_rows
from db.tables import gateway_events, payments
from domain.events import EventType
from domain.money import Money
from domain.paying import about
from domain.payment_events import Report, Said

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.payments import Payment

_G: Final = gateway_events.c


async def keep(
    tx: AsyncConnection, report: Report, *, body: Any = None, announce: bool = True
) -> bool:
    """Keep what a gateway said, and have it brought about by a job. Was it new? What it said
    before, by the same id, changes nothing.

    With `announce` off the caller brings it about. What speaks of no payment of ours is kept for
    people to read.
    """
    payment = await _payment_of(tx, report)
    kept = insert(gateway_events).values(_columns(report, payment, body))
    new = await tx.execute(kept.on_conflict_do_nothing().returning(_G.id))
    if new.one_or_none() is None:
        return False
    if payment is not None and announce:
        await events.append(tx, [about(EventType.PAYMENT_REPORTED, payment)])
    return True


async def of_payment(tx: AsyncConnection, payment_id: UUID) -> list[Report]:
    """Everything that was ever said of a payment."""
    rows = await tx.execute(select(gateway_events).where(_G.payment_id == payment_id))
    return [_report(row) for row in rows]


async def handled(tx: AsyncConnection, reports: Sequence[Report], *, at: datetime) -> None:
    """Note that what these reports say has been brought about."""
    for gateway in {one.gateway for one in reports}:
        ids = [one.id for one in reports if one.gateway == gateway]
        these = (_G.gateway == gateway) & _G.id.in_(ids) & _G.handled_at.is_(None)
        await tx.execute(update(gateway_events).where(these).values(handled_at=at))


async def overlooked(
    connection: AsyncConnection, *, after: timedelta, limit: int
) -> list[tuple[UUID, datetime]]:
    """Payments of which something was said so long ago that has not been brought about, with since
    when, longest first."""
    since = func.min(_G.received_at)
    waiting = _G.handled_at.is_(None) & _G.payment_id.is_not(None)
    old = _G.received_at <= func.clock_timestamp() - after
    query = select(_G.payment_id, since.label("since")).where(waiting, old)
    rows = await connection.execute(query.group_by(_G.payment_id).order_by(since).limit(limit))
    return [(row.payment_id, row.since) for row in rows]


async def _payment_of(tx: AsyncConnection, report: Report) -> Payment | None:
    p = payments.c
    ours = (p.gateway == report.gateway) & (p.id == report.payment_id)
    theirs = (p.gateway == report.gateway) & (p.gateway_id == report.gateway_id)
    rows = await tx.execute(select(payments).where(ours | theirs).order_by(ours.desc()).limit(1))
    row = rows.one_or_none()
    return None if row is None else payment_rows.payment(row)


def _columns(report: Report, payment: Payment | None, body: Any) -> dict[str, Any]:
    return {
        "gateway": report.gateway,
        "id": report.id,
        "type": report.type,
        "payment_id": payment.id if payment else None,
        "body": body if body is not None else {},
        "said": report.said,
        "gateway_payment_id": report.gateway_id,
        "amount_minor": report.money.amount_minor if report.money else None,
        "currency": report.money.currency if report.money else None,
        "failure": report.failure,
        "gateway_refund_id": report.refund,
        "refund_id": report.refund_id,
        "occurred_at": report.occurred_at,
        "received_at": func.clock_timestamp(),
    }


def _report(row: Row[Any]) -> Report:
    sum_ = row.amount_minor
    return Report(
        gateway=row.gateway,
        id=row.id,
        type=row.type,
        said=Said(row.said) if row.said else None,
        payment_id=row.payment_id,
        gateway_id=row.gateway_payment_id,
        occurred_at=row.occurred_at,
        heard_at=row.received_at,
        money=None if sum_ is None else Money(amount_minor=sum_, currency=row.currency),
        failure=row.failure,
        refund=row.gateway_refund_id,
        refund_id=row.refund_id,
    )
