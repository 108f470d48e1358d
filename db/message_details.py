"""What has to be reckoned or looked for before a message can speak of it?

The sums of a booking, the time at which somebody had work whom it was taken from, and the visits of
a series that could not be booked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from db import occurrences, payment_rows, refund_rows
from db.tables import ledger_lines, reservations, series_occurrences
from domain.ledger import Account, LineKind
from domain.matters import Clash, Window
from domain.occurrences import OccurrenceState
from domain.paying import amount_due
from domain.series import instant

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.money import Money
    from domain.refunds import Refund
    from domain.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Of a booking: what is still to pay, what was given back, what its provider got of its fee."""

    due: Money
    refunded: Money | None
    compensation: Money | None


async def sums(connection: AsyncConnection, about: Collection[Booking]) -> dict[UUID, Sums]:
    """The sums of each of these bookings."""
    if not about:
        return {}
    ids = [booking.id for booking in about]
    paid = await payment_rows.of_bookings(connection, ids)
    given_back = await refund_rows.of_bookings(connection, ids)
    compensations = await _compensations(connection, ids)
    return {
        booking.id: Sums(
            due=amount_due(booking, paid[booking.id]),
            refunded=_sum(booking, _in_its_currency(booking, given_back[booking.id])),
            compensation=_sum(booking, compensations.get(booking.id, [])),
        )
        for booking in about
    }


async def windows(
    connection: AsyncConnection, lost: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Window]:
    """When these providers had these bookings, for pairs of booking and provider, of whom they were
    taken: the booking may have moved since, or because of that."""
    if not lost:
        return {}
    r = reservations.c
    last = (
        select(r.booking_id, r.provider_id, r.starts_at, r.ends_at)
        .ext(distinct_on(r.booking_id, r.provider_id))
        .where(tuple_(r.booking_id, r.provider_id).in_(sorted(lost)), r.released_at.is_not(None))
        .order_by(r.booking_id, r.provider_id, r.released_at.desc(), r.id.desc())
    )
    return {
        (row.booking_id, row.provider_id): Window(starts_at=row.starts_at, ends_at=row.ends_at)
        for row in await connection.execute(last)
    }


async def clashes(connection: AsyncConnection, about: Collection[Series]) -> dict[UUID, Clash]:
    """The first visit of each series that could not be booked when it was seen to last."""
    if not about:
        return {}
    by_id = {one.id: one for one in about}
    o = series_occurrences.c
    first = (
        select(series_occurrences)
        .ext(distinct_on(o.series_id))
        .where(o.series_id.in_(list(by_id)), o.state == OccurrenceState.CONFLICT)
        .order_by(o.series_id, o.noted_at.desc(), o.original_start)
    )
    found = [occurrences.occurrence(row) for row in await connection.execute(first)]
    return {
        one.series_id: Clash(
            starts_at=instant(by_id[one.series_id], one.original_start), why=one.conflict.message
        )
        for one in found
        if one.conflict is not None
    }


def _in_its_currency(booking: Booking, given_back: Sequence[Refund]) -> list[int]:
    amounts = [one.amount for one in given_back]
    return [one.amount_minor for one in amounts if one.currency == booking.price.currency]


def _sum(booking: Booking, amounts: Sequence[int]) -> Money | None:
    """In the booking's currency; None for no sums."""
    return replace(booking.price, amount_minor=sum(amounts)) if amounts else None


async def _compensations(
    connection: AsyncConnection, booking_ids: Sequence[UUID]
) -> dict[UUID, list[int]]:
    line = ledger_lines.c
    fees = (line.account == Account.PROVIDER) & (line.kind == LineKind.FEE)
    got = select(line.booking_id, func.sum(line.amount_minor).label("minor"))
    of_these = got.where(fees, line.booking_id.in_(booking_ids)).group_by(line.booking_id)
    return {row.booking_id: [int(row.minor)] for row in await connection.execute(of_these)}
