"""The days on which the house is closed: kept, forgotten and listed."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from db import availability, bookings, clock
from db.ids import new_id
from db.tables import bookings as bookings_table
from db.tables import holidays
from db.tables import providers as providers_table
from domain import holidays as rules
from domain.booking_steps import UNFINISHED
from domain.holidays import Holiday, HolidayExists
from domain.refusals import NotFound

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking

_H = holidays.c
#: No local day begins or ends further than this from UTC's; the rest is for what leads up to it.
_AROUND: Final = timedelta(days=2)


async def add(
    tx: AsyncConnection, *, day: date, country: str | None, name: str
) -> tuple[Holiday, tuple[Booking, ...]]:
    """Close the house for a day; with it, the bookings that lie on it and stay as they are.

    Raises InvalidInput, or HolidayExists with the one there is.
    """
    asked = Holiday(id=new_id(), day=day, country=country, name=name)
    rules.check(asked)
    values = {"id": asked.id, "day": day, "country": country, "name": name}
    added = await tx.execute(
        insert(holidays).values(values).on_conflict_do_nothing().returning(_H.id)
    )
    if added.one_or_none() is None:
        raise HolidayExists(await _same(tx, day, country))
    return asked, await _closed_by(tx, asked)


async def remove(tx: AsyncConnection, *, holiday_id: UUID) -> Holiday:
    """Open the house again on a day. Raises NotFound."""
    gone = await tx.execute(delete(holidays).where(_H.id == holiday_id).returning(holidays))
    row = gone.one_or_none()
    if row is None:
        raise NotFound("Holiday")
    return holiday(row)


async def by_id(connection: AsyncConnection, holiday_id: UUID) -> Holiday | None:
    """One holiday, if there is one."""
    row = (await connection.execute(select(holidays).where(_H.id == holiday_id))).one_or_none()
    return holiday(row) if row else None


async def between(
    connection: AsyncConnection, first: date, last: date, *, country: str | None
) -> list[Holiday]:
    """The holidays from one day to another: all, or those that count in a country.

    Raises InvalidInput for too many days.
    """
    rules.check_list(first, last)
    query = select(holidays).where(_H.day.between(first, last))
    if country is not None:
        query = query.where(or_(_H.country.is_(None), _H.country == country))
    in_order = query.order_by(_H.day, _H.country.nulls_first())
    return [holiday(row) for row in await connection.execute(in_order)]


async def _same(tx: AsyncConnection, day: date, country: str | None) -> Holiday:
    there = select(holidays).where(_H.day == day, _H.country.is_not_distinct_from(country))
    return holiday((await tx.execute(there)).one())


async def _closed_by(tx: AsyncConnection, added: Holiday) -> tuple[Booking, ...]:
    """The bookings ahead that the holiday forbids. (No provider is locked for it: one that is being
    booked at this moment is not among them.)"""
    at = await clock.now(tx)
    begin = datetime.combine(added.day, time(), UTC)
    start, end = begin - _AROUND, begin + _AROUND
    b, p = bookings_table.c, providers_table.c
    query = (
        select(bookings_table)
        .join(providers_table, p.id == b.provider_id)
        .where(b.status.in_(sorted(UNFINISHED)), b.starts_at < end, b.ends_at > start)
        .order_by(b.starts_at, b.id)
    )
    if added.country is not None:
        query = query.where(p.country == added.country)
    work: defaultdict[UUID, list[Booking]] = defaultdict(list)
    for row in await tx.execute(query):
        work[row.provider_id].append(bookings.booking(row))
    kept = await availability.of_providers(tx, list(work), starts_at=start, ends_at=end)
    return tuple(
        booking
        for uid, theirs in work.items()
        for booking in rules.closed_by(added.day, kept[uid], theirs, at=at)
    )


def holiday(row: Row[Any]) -> Holiday:
    """The holiday in a row."""
    return Holiday(id=row.id, day=row.day, country=row.country, name=row.name)
