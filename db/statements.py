"""Statements: the lines of a payout, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, func, select

from db import pages, payouts
from db.tables import bookings, ledger_lines, payout_lines, providers, services, users
from domain.ledger import LineKind
from domain.money import Money
from domain.statements import KindTotal, Statement, StatementLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_L, _PAID = ledger_lines.c, payout_lines.c
_OLDEST_FIRST: Final = pages.Order(columns=(_PAID.line_id,), parse=(UUID,))


async def page(
    connection: AsyncConnection, request: PageRequest, *, payout_id: UUID
) -> Page[StatementLine]:
    """A page of what a payout pays, oldest first."""
    return await pages.fetch(connection, _lines(payout_id), _OLDEST_FIRST, request, _line)


async def count(connection: AsyncConnection, *, payout_id: UUID) -> int:
    """How many lines a payout pays."""
    own = select(_PAID.line_id).where(_PAID.payout_id == payout_id)
    return await pages.count(connection, own)


async def totals(
    connection: AsyncConnection, payout_ids: Sequence[UUID]
) -> dict[UUID, list[KindTotal]]:
    """What the lines of each payout come to, by kind."""
    summed = func.sum(_L.amount_minor).cast(BigInteger).label("amount")
    rows = await connection.execute(
        select(_PAID.payout_id, _L.kind, _L.currency, summed, func.count().label("lines"))
        .join(ledger_lines, _L.id == _PAID.line_id)
        .where(_PAID.payout_id.in_(payout_ids))
        .group_by(_PAID.payout_id, _L.kind, _L.currency)
        .order_by(_L.kind)
    )
    found: dict[UUID, list[KindTotal]] = {uid: [] for uid in payout_ids}
    for row in rows:
        amount = Money(amount_minor=row.amount, currency=row.currency)
        total = KindTotal(kind=LineKind(row.kind), amount=amount, lines=row.lines)
        found[row.payout_id].append(total)
    return found


async def whole(connection: AsyncConnection, payout_id: UUID) -> Statement | None:
    """All that a payout pays; None where there is no such payout, or its provider's account is
    closed."""
    found = await payouts.by_ids(connection, [payout_id])
    if not found:
        return None
    whose = select(providers.c.time_zone).join(users, users.c.id == providers.c.id)
    theirs = providers.c.id == found[0].provider_id
    zone = await connection.scalar(whose.where(theirs, users.c.disabled_at.is_(None)))
    if zone is None:
        return None
    rows = await connection.execute(_lines(payout_id).order_by(_PAID.line_id))
    return Statement(
        payout=found[0],
        time_zone=zone,
        lines=tuple(_line(row) for row in rows),
    )


def _lines(payout_id: UUID) -> Select[Any]:
    return (
        select(_L.id, _L.kind, _L.amount_minor, _L.currency, _L.at, _L.booking_id)
        .add_columns(services.c.name.label("service"))
        .select_from(payout_lines)
        .join(ledger_lines, _L.id == _PAID.line_id)
        .outerjoin(bookings, bookings.c.id == _L.booking_id)
        .outerjoin(services, services.c.id == bookings.c.service_id)
        .where(_PAID.payout_id == payout_id)
    )


def _line(row: Row[Any]) -> StatementLine:
    return StatementLine(
        id=row.id,
        kind=LineKind(row.kind),
        amount=Money(amount_minor=row.amount_minor, currency=row.currency),
        at=row.at,
        booking_id=row.booking_id,
        service=row.service,
    )
