"""When do providers work? Read for one or for thousands at a time, in two statements; where their
work is asked for too, by diaries.py.

Whoever changes any of this holds the provider's lock, so that a booking being made and a change of
hours always see each other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    Date,
    Text,
    Time,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from db.tables import (
    date_overrides,
    holidays,
    providers,
    temporary_zones,
    time_off,
    working_hours,
)
from db.tables.base import Instant
from domain.availability import Availability, DateOverride, TemporaryZone
from domain.availability_conflicts import KeptAvailability
from domain.hours import Interval, WeeklyHours, WeeklyInterval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement, CompoundSelect, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection
    from sqlalchemy.types import TypeEngine

    from domain.hours import Span

#: A local day begins up to a day from UTC's, and the days next to a time are looked at too.
_MARGIN: Final = timedelta(days=2)


async def of_providers(
    connection: AsyncConnection,
    provider_ids: Sequence[UUID],
    *,
    starts_at: datetime,
    ends_at: datetime,
) -> dict[UUID, Availability]:
    """When each of these providers works between two instants; an unknown one is left out.

    Exceptions to the usual week are those of this time and of two days around it: where days are
    counted from today on (BOOKABLE_DAYS), ask from today on.
    """
    if not provider_ids:
        return {}
    usual = await usual_weeks(connection, provider_ids)
    asked = around(provider_ids, (starts_at, ends_at))
    exceptions = Exceptions(await connection.execute(_EXCEPTIONS, asked))
    return {row.id: exceptions.put_on(row) for row in usual}


async def usual_weeks(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> Sequence[Row[Any]]:
    """The usual week of each of these providers, in rows for `Exceptions` to be put on."""
    found: Sequence[Row[Any]] = (
        await connection.execute(_USUAL, {"ids": list(provider_ids)})
    ).all()
    return found


def around(provider_ids: Sequence[UUID], span: Span) -> dict[str, Any]:
    """What the statements about exceptions have to be told: whose, and of what time."""
    start, end = span[0] - _MARGIN, span[1] + _MARGIN
    days = {"first": start.date(), "last": end.date()}
    return {"ids": list(provider_ids), "start": start, "end": end, **days}


def usual_week() -> tuple[ColumnElement[Any], ...]:
    """The usual week of a provider who is one of a few: columns for a query of providers."""
    h, p = working_hours.c, providers.c
    week = select(_lines(h)).where(h.provider_id == p.id).scalar_subquery().label("week")
    return p.time_zone, p.daily_cap, week


async def kept_by(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, KeptAvailability]:
    """All that each of these providers has said; an unknown one is left out.

    Of what the house has said (holidays, time off) there is nothing in it.
    """
    asked = {"ids": list(provider_ids)}
    usual = (await connection.execute(_USUAL.add_columns(_VERSION), asked)).all()
    ever = {"first": date.min, "last": date.max}
    said = Exceptions(await connection.execute(_SAID, asked | ever))
    return {
        row.id: KeptAvailability(
            provider_id=row.id, availability=said.put_on(row), version=row.availability_version
        )
        for row in usual
    }


def _is_asked(provider_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    # One array, not a parameter for each of thousands.
    return provider_id == any_(bindparam("ids", type_=ARRAY(Uuid)))


def _usual() -> Select[Any]:
    h, p = working_hours.c, providers.c
    weeks = (
        select(h.provider_id, _lines(h).label("week"))
        .where(_is_asked(h.provider_id))
        .group_by(h.provider_id)
        .subquery()
    )
    return (
        select(p.id, p.time_zone, p.country, p.daily_cap, weeks.c.week)
        .outerjoin_from(providers, weeks, weeks.c.provider_id == p.id)
        .where(_is_asked(p.id))
    )


def _lines(h: Any) -> ColumnElement[str]:
    line = func.concat_ws(" ", h.weekday, h.opens, h.closes)
    return func.string_agg(line, aggregate_order_by(literal("\n"), h.weekday, h.opens))


@lru_cache(maxsize=4096)
def _week(lines: str | None) -> WeeklyHours:
    # One value for all who keep the same hours: slots are searched among thousands of providers.
    parts = (line.split() for line in (lines or "").splitlines())
    return WeeklyHours(
        intervals=tuple(
            WeeklyInterval(
                weekday=int(weekday),
                opens=time.fromisoformat(opens),
                closes=time.fromisoformat(closes),
            )
            for weekday, opens, closes in parts
        )
    )


#: What the rows of every kind of exception have; each kind fills in its own.
_SHAPE: Final[dict[str, TypeEngine[Any] | type[TypeEngine[Any]]]] = {
    "provider_id": Uuid,
    "day": Date,
    "last_day": Date,
    "opens": Time,
    "closes": Time,
    "starts_at": Instant,
    "ends_at": Instant,
    "time_zone": Text,
    "country": Text,
}


def kind(name: str, **columns: ColumnElement[Any]) -> Select[Any]:
    """Rows of one kind, in the shape that all kinds share."""
    shape = (cast(columns.get(name, null()), type_).label(name) for name, type_ in _SHAPE.items())
    return select(literal(name).label("kind"), *shape)


def _said() -> tuple[Select[Any], ...]:
    """What the provider has said of single days."""
    o, z = date_overrides.c, temporary_zones.c
    return (
        kind(
            "override", provider_id=o.provider_id, day=o.day, opens=o.opens, closes=o.closes
        ).where(_is_asked(o.provider_id), o.day.between(_FIRST, _LAST)),
        kind(
            "zone",
            provider_id=z.provider_id,
            day=z.first_day,
            last_day=z.last_day,
            time_zone=z.time_zone,
        ).where(_is_asked(z.provider_id), z.first_day <= _LAST, z.last_day >= _FIRST),
    )


def _agreed() -> tuple[Select[Any], ...]:
    """What the house has said, or was told."""
    t, h = time_off.c, holidays.c
    start, end = bindparam("start", type_=Instant), bindparam("end", type_=Instant)
    return (
        kind("time off", provider_id=t.provider_id, starts_at=t.starts_at, ends_at=t.ends_at)
        .where(_is_asked(t.provider_id), t.cancelled_at.is_(None))
        .where(t.starts_at < end, t.ends_at > start),
        kind("holiday", day=h.day, country=h.country).where(h.day.between(_FIRST, _LAST)),
    )


def exceptions() -> tuple[Select[Any], ...]:
    """Every kind of exception to usual weeks, told by `around` whose and when."""
    return (*_said(), *_agreed())


def in_order(*kinds: Select[Any]) -> CompoundSelect[Any]:
    """Rows of several kinds, in the order in which they have to be put on."""
    return union_all(*kinds).order_by("day", "opens", "starts_at")


_FIRST: Final = bindparam("first", type_=Date)
_LAST: Final = bindparam("last", type_=Date)
_VERSION: Final = providers.c.availability_version
_USUAL: Final = _usual()
_SAID: Final = in_order(*_said())
_EXCEPTIONS: Final = in_order(*exceptions())


class Exceptions:
    """What differs from the usual weeks, by whom it concerns."""

    def __init__(self, rows: Iterable[Row[Any]]) -> None:
        self._overrides: dict[UUID, dict[date, tuple[Interval, ...]]] = {}
        self._zones: dict[UUID, list[TemporaryZone]] = {}
        self._time_off: dict[UUID, list[Span]] = {}
        self._holidays: dict[str | None, set[date]] = {}
        for row in rows:
            self._add(row)
        #: One value for all whose usual weeks are alike: they are thousands, and searched alike.
        self._alike: dict[tuple[str, str, int, str | None], Availability] = {}

    def _add(self, row: Row[Any]) -> None:
        match row.kind:
            case "override":
                days = self._overrides.setdefault(row.provider_id, {})
                days[row.day] = days.get(row.day, ()) + _intervals(row)
            case "zone":
                stay = TemporaryZone(first=row.day, last=row.last_day, zone=ZoneInfo(row.time_zone))
                self._zones.setdefault(row.provider_id, []).append(stay)
            case "time off":
                off = row.starts_at, row.ends_at
                self._time_off.setdefault(row.provider_id, []).append(off)
            case _:
                self._holidays.setdefault(row.country, set()).add(row.day)

    def put_on(self, row: Row[Any]) -> Availability:
        """A provider's usual week with what differs from it, from a row that has an `id`, a
        `country` and the columns of `usual_week`."""
        provider_id, key = row.id, (row.time_zone, row.country, row.daily_cap, row.week)
        usual = self._alike.get(key)
        if usual is None:
            usual = self._alike[key] = self._usual(*key)
        if not any(provider_id in kind for kind in (self._overrides, self._zones, self._time_off)):
            return usual
        days = self._overrides.get(provider_id, {})
        return replace(
            usual,
            overrides=tuple(DateOverride(day=day, intervals=days[day]) for day in days),
            zones=tuple(self._zones.get(provider_id, ())),
            time_off=tuple(self._time_off.get(provider_id, ())),
        )

    def _usual(self, zone: str, country: str, daily_cap: int, week: str | None) -> Availability:
        closed = self._holidays.get(None, set()) | self._holidays.get(country, set())
        return Availability(
            zone=ZoneInfo(zone),
            hours=_week(week),
            holidays=frozenset(closed),
            daily_cap=daily_cap,
        )


def _intervals(row: Row[Any]) -> tuple[Interval, ...]:
    # A row without times blocks the day.
    return () if row.opens is None else (Interval(opens=row.opens, closes=row.closes),)
