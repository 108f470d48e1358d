"""When does somebody work, is a job inside those hours, and which starts are free?

Hours are wall times in a zone; everything else is an instant. An instant is in working hours when
the clock on the wall says so, which settles every odd day: an hour that is skipped is nobody's, an
hour that comes twice is worked twice. Only the zone's offset is asked of it; the arithmetic is done
in UTC, because two datetimes of one ZoneInfo subtract, compare and add as wall times.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

#: From one instant up to, and not including, another.
Span: TypeAlias = tuple[datetime, datetime]

_MIDNIGHT: Final = time()
_DAY: Final = timedelta(days=1)
#: No zone changes its offset and changes it back within this time.
_STRIDE: Final = timedelta(hours=12)


class Hours(Protocol):
    """Anything that says at which wall times somebody works on a day."""

    def on(self, day: date) -> list[tuple[datetime, datetime]]:
        """The wall times worked on a given day, naive, earliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of working time within a day. Raises InvalidInput for an empty one."""

    opens: time
    #: 00:00 means midnight at the end of the day.
    closes: time

    def __post_init__(self) -> None:
        if wrong := self._wrong():
            raise InvalidInput(*wrong)

    def _wrong(self) -> list[FieldError]:
        if self.opens >= self.closes != _MIDNIGHT:
            message = "Close later than you open; 00:00 is the end of the day."
            return [FieldError(path=("closes",), message=message)]
        return []

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Its wall times on a given day, naive. (The end may be the next day's midnight.)"""
        closing_day = day + _DAY if self.closes == _MIDNIGHT else day
        return datetime.combine(day, self.opens), datetime.combine(closing_day, self.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyInterval(Interval):
    """A stretch of working time on one day of the week. Raises InvalidInput for an empty one."""

    #: ISO: Monday is 1, Sunday is 7.
    weekday: int

    def _wrong(self) -> list[FieldError]:
        errors = Interval._wrong(self)  # a slotted dataclass loses the class that super() needs
        if not 1 <= self.weekday <= 7:
            message = "Give 1 (Monday) to 7 (Sunday)."
            errors.insert(0, FieldError(path=("weekday",), message=message))
        return errors


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHours:
    """A usual week: several intervals on one day make a split shift or a break."""

    intervals: tuple[WeeklyInterval, ...] = ()

    def on(self, day: date) -> list[tuple[datetime, datetime]]:
        """The wall times worked on a given day, earliest first."""
        weekday = day.isoweekday()
        return sorted(one.on(day) for one in self.intervals if one.weekday == weekday)


def utc(instant: datetime) -> datetime:
    """The same instant in UTC, where arithmetic is safe. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone, so it is not an instant.")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def covers(hours: Hours, zone: ZoneInfo, starts_at: datetime, ends_at: datetime) -> bool:
    """Is the whole of a job inside working hours? Intervals that touch are one stretch of work."""
    job = utc(starts_at), utc(ends_at)
    return next(open_spans(hours, zone, *job), None) == job


def clash(
    starts_at: datetime, ends_at: datetime, busy: Iterable[Span], *, buffer: timedelta = timedelta()
) -> Span | None:
    """The earliest busy span that a job overlaps or comes nearer to than `buffer`.

    One gap lies between two neighbours and serves both, so the job itself is not padded too.
    """
    from_, until = utc(starts_at) - buffer, utc(ends_at) + buffer
    return min((span for span in busy if span[0] < until and from_ < span[1]), default=None)


def most_at_once(spans: Iterable[Span], within: Span) -> int:
    """How many of the spans come together at one moment of another span, at most."""
    inside = [(max(start, within[0]), min(end, within[1])) for start, end in spans]
    changes = sorted(
        change
        for start, end in inside
        if start < end
        for change in ((end, -1), (start, 1))  # who leaves makes room for who comes then
    )
    return max(accumulate(step for _, step in changes), default=0)


def open_spans(
    hours: Hours, zone: ZoneInfo, starts_at: datetime, ends_at: datetime
) -> Iterator[Span]:
    """Working time between two UTC instants, in order, joined where it touches."""
    return joined(_pieces(hours, zone, starts_at, ends_at))


def joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans in the order of their starts, made one where they touch or overlap."""
    current: Span | None = None
    for start, end in spans:
        if current is None:
            current = start, end
        elif start <= current[1]:
            current = current[0], max(current[1], end)
        else:
            yield current
            current = start, end
    if current is not None:
        yield current


def day_bounds(zone: ZoneInfo, day: date) -> Span:
    """When a local day begins and ends: 23, 24 or 25 hours apart, or what the zone makes of it.

    Where midnight does not exist the day begins with the first instant that does.
    """
    return _day_begins(zone, day), _day_begins(zone, day + _DAY)


def is_on_grid(zone: ZoneInfo, at: datetime, step: timedelta) -> bool:
    """Is an instant whole steps after midnight on the wall clock?"""
    at = utc(at)
    return _next_on_grid(zone, at, step) == at


def grid(
    zone: ZoneInfo, *, earliest: datetime, latest: datetime, step: timedelta
) -> Iterator[datetime]:
    """Every instant from `earliest` to `latest` that is whole steps after midnight on the wall
    clock, in order: each once, also in the night in which the wall shows it twice."""
    at, end = _next_on_grid(zone, utc(earliest), step), utc(latest)
    while at <= end:
        yield at
        at = _next_on_grid(zone, at + datetime.resolution, step)


def _day_begins(zone: ZoneInfo, day: date) -> datetime:
    midnight = datetime.combine(day, _MIDNIGHT, tzinfo=UTC)
    # By the offset before a change and the one after it; the earlier that shows the day is right.
    guesses = {midnight - _offset(zone, midnight + side * _DAY) for side in (-1, 1)}
    for guess in sorted(guesses):
        if _shown(zone, guess) == midnight:
            return guess
    return _change(zone, min(guesses) - _STRIDE, max(guesses) + _STRIDE)


def _pieces(hours: Hours, zone: ZoneInfo, starts_at: datetime, ends_at: datetime) -> Iterator[Span]:
    """Each interval of each day as instants, cut where the zone's offset changes."""
    for start, end, offset in _steady(zone, starts_at, ends_at):
        day, last = (start + offset).date(), (end + offset).date()
        while day <= last:
            for opens, closes in hours.on(day):
                piece_start = max(opens.replace(tzinfo=UTC) - offset, start)
                piece_end = min(closes.replace(tzinfo=UTC) - offset, end)
                if piece_start < piece_end:
                    yield piece_start, piece_end
            day += _DAY


def _next_on_grid(zone: ZoneInfo, at: datetime, step: timedelta) -> datetime:
    """The first instant, not before `at`, that is whole steps after midnight on the wall clock."""
    offset = _offset(zone, at)
    wall = at + offset
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    steps = -((midnight - wall) // step)
    on_grid = min(midnight + steps * step, midnight + _DAY) - offset
    if _offset(zone, on_grid) == offset:
        return on_grid
    # The clock is changed before that time comes: look again from the change on.
    return _next_on_grid(zone, _change(zone, at, on_grid), step)


def _steady(
    zone: ZoneInfo, starts_at: datetime, ends_at: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Cut a span where the zone's offset changes; give each part with its offset."""
    start = at = starts_at
    offset = _offset(zone, at)
    while at < ends_at:
        at, before = min(at + _STRIDE, ends_at), at
        if _offset(zone, at) != offset:
            at = _change(zone, before, at)
            yield start, at, offset
            start, offset = at, _offset(zone, at)
    yield start, ends_at, offset


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """When the zone's offset changes between two instants. (It does so on a whole second.)"""
    was, base = _offset(zone, before), before.replace(microsecond=0)
    seconds = range(int((after - base).total_seconds()) + 1)
    return base + timedelta(
        seconds=bisect_left(
            seconds, x=True, key=lambda n: _offset(zone, base + timedelta(seconds=n)) != was
        )
    )


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return _shown(zone, at) - at


def _shown(zone: ZoneInfo, at: datetime) -> datetime:
    """What the wall clock shows, as if it were UTC."""
    return at.astimezone(zone).replace(tzinfo=UTC)
