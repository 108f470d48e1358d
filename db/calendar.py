"""Calendars: which bookings touch each day, and how many in each status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from db.bookings import booking
from db.tables import bookings
from db.tables.base import Instant
from domain.booking_steps import BookingStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select, TableValuedAlias
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.calendar import Day, Scope


async def bookings_on(
    connection: AsyncConnection, days: Sequence[Day], *, within: Scope, limit: int
) -> dict[Day, list[Booking]]:
    """The first `limit` bookings that touch each day, by their start. A long one is on several."""
    spans = _spans(days)
    first = (
        _touching(select(bookings), spans, within)
        .order_by(bookings.c.starts_at, bookings.c.id)
        .limit(limit)
        .lateral()
    )
    query = (
        select(spans.c.number, *first.c)
        .select_from(spans.join(first, true()))
        .order_by(spans.c.number, first.c.starts_at, first.c.id)
    )
    found: dict[Day, list[Booking]] = {day: [] for day in days}
    for row in await connection.execute(query):
        found[days[row.number - 1]].append(booking(row))
    return found


async def counts_on(
    connection: AsyncConnection, days: Sequence[Day], *, within: Scope
) -> dict[Day, dict[BookingStatus, int]]:
    """How many bookings touch each day, by status; a status that none has is left out."""
    spans = _spans(days)
    status = bookings.c.status
    counted = (
        _touching(select(status, func.count().label("many")), spans, within)
        .group_by(status)
        .lateral()
    )
    query = select(spans.c.number, *counted.c).select_from(spans.join(counted, true()))
    found: dict[Day, dict[BookingStatus, int]] = {day: {} for day in days}
    for row in await connection.execute(query):
        found[days[row.number - 1]][BookingStatus(row.status)] = row.many
    return found


def _spans(days: Sequence[Day]) -> TableValuedAlias:
    starts = bindparam("day_starts", [day.starts_at for day in days], ARRAY(Instant))
    ends = bindparam("day_ends", [day.ends_at for day in days], ARRAY(Instant))
    rows = func.unnest(starts, ends)
    columns = column("starts_at", Instant), column("ends_at", Instant)
    return rows.table_valued(*columns, with_ordinality="number").render_derived("days")


def _touching(query: Select[Any], spans: TableValuedAlias, within: Scope) -> Select[Any]:
    b = bookings.c
    during = func.tstzrange(b.starts_at, b.ends_at)
    wanted: list[ColumnElement[bool]] = [
        during.op("&&")(func.tstzrange(spans.c.starts_at, spans.c.ends_at))
    ]
    if within.provider_id is not None:
        wanted.append(b.provider_id == within.provider_id)
    if within.customer_id is not None:
        wanted.append(b.customer_id == within.customer_id)
    if within.statuses is not None:
        wanted.append(b.status.in_(within.statuses))
    return query.where(*wanted).correlate(spans)
