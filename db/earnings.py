"""Earnings: what a provider's lines come to, by their own dates, and where the money is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, cast, func, select

from db import bookings, providers
from db.tables import bookings as bookings_table
from db.tables import ledger_lines, payable_lines, payouts
from domain import earnings as rules
from domain.booking_steps import UNFINISHED
from domain.earnings import DayLine, Earnings, Whereabouts
from domain.hours import day_bounds
from domain.ledger import Account, LineKind, provider_percent, provider_share
from domain.money import Money
from domain.payouts import PayoutStatus

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.earnings import EarningsBy

_L = ledger_lines.c


async def of_provider(
    connection: AsyncConnection, provider_id: UUID, *, first: date, last: date, by: EarningsBy
) -> Earnings:
    """What a provider earned from one of their days to another. Raises InvalidInput or NotFound."""
    rules.check_days(first, last)
    zone = (await providers.get(connection, provider_id)).time_zone
    lines = await _lines(connection, provider_id, first, last, zone=zone)
    where = await _whereabouts(connection, provider_id)
    told = rules.told(lines, where, first=first, last=last, by=by)
    return Earnings(provider_id=provider_id, time_zone=zone, currencies=told)


async def _lines(
    connection: AsyncConnection, provider_id: UUID, first: date, last: date, *, zone: str
) -> list[DayLine]:
    """A provider's lines, payouts apart, summed up by day."""
    begins, _ = day_bounds(ZoneInfo(zone), first)
    _, ends = day_bounds(ZoneInfo(zone), last)
    day = cast(func.timezone(zone, _L.at), Date).label("day")
    summed = func.sum(_L.amount_minor).cast(BigInteger).label("amount")
    rows = await connection.execute(
        select(day, _L.kind, _L.currency, summed)
        .where(_L.account == Account.PROVIDER, _L.provider_id == provider_id)
        .where(_L.kind != LineKind.PAYOUT, _L.at >= begins, _L.at < ends)
        .group_by(day, _L.kind, _L.currency)
    )
    return [
        DayLine(
            day=row.day,
            kind=LineKind(row.kind),
            amount=Money(amount_minor=row.amount, currency=row.currency),
        )
        for row in rows
    ]


async def _whereabouts(connection: AsyncConnection, provider_id: UUID) -> dict[str, Whereabouts]:
    pending = await _pending(connection, provider_id)
    p, o = payouts.c, payable_lines.c
    mine = select(p.currency, func.sum(p.amount_minor).cast(BigInteger))
    sent = mine.where(p.provider_id == provider_id).group_by(p.currency)
    waiting = select(o.currency, func.sum(o.amount_minor).cast(BigInteger))
    sums = {
        "payable": waiting.where(o.provider_id == provider_id).group_by(o.currency),
        "in_payout": sent.where(p.status != PayoutStatus.PAID),
        "paid": sent.where(p.status == PayoutStatus.PAID),
    }
    found = {"pending": pending}
    found |= {name: await _by_currency(connection, query) for name, query in sums.items()}
    currencies = {currency for sums_ in found.values() for currency in sums_}
    return {
        currency: Whereabouts(**{name: sums_.get(currency, 0) for name, sums_ in found.items()})
        for currency in currencies
    }


async def _by_currency(connection: AsyncConnection, query: Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in await connection.execute(query)}


async def _pending(connection: AsyncConnection, provider_id: UUID) -> dict[str, int]:
    """A provider's share of what is held for the work that they have and have not done yet."""
    b = bookings_table.c
    held = func.sum(_L.amount_minor).cast(BigInteger).label("held")
    theirs = (b.provider_id == provider_id) & b.status.in_(sorted(UNFINISHED))
    rows = await connection.execute(
        select(b.id, held)
        .join(ledger_lines, _L.booking_id == b.id)
        .where(theirs, _L.account == Account.HELD)
        .group_by(b.id)
    )
    amounts = {row.id: row.held for row in rows}
    found: dict[str, int] = {}
    for booking in await bookings.by_ids(connection, list(amounts)):
        share = provider_share(amounts[booking.id], provider_percent(booking))
        currency = booking.price.currency
        found[currency] = found.get(currency, 0) + share
    return found
