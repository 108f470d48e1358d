"""When does somebody work, is a job inside those hours, and which starts are free?

Hours are wall times in a zone; everything else is an instant. An instant is in working hours when
the clock on the wall says so, which settles every odd day: an hour that is skipped is nobody's, an
hour that comes twice is worked twice. Only the zone's offset is asked of it; the arithmetic is done
in UTC, because two datetimes of one ZoneInfo subtract, compare and add as wall times.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

#: From one instant up to, and not including, another.
Span: TypeAlias = tuple[datetime, datetime]

_MIDNIGHT: Final = time()
_DAY: Final = timedelta(days=1)
#: No zone changes its offset and changes it back within this time.
_STRIDE: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyInterval:
    """A stretch of working time on one day of the week. Raises InvalidInput for an empty one."""

    #: ISO: Monday is 1, Sunday is 7.
    weekday: int
    opens: time
    #: 00:00 means midnight at the end of the day.
    closes: time

    def __post_init__(self) -> None:
        errors = []
        if not 1 <= self.weekday <= 7:
            errors.append(FieldError(path=("weekday",), message="Give 1 (Monday) to 7 (Sunday)."))
        if self.opens >= self.closes != _MIDNIGHT:
            message = "Close later than you open; 00:00 is the end of the day."
            errors.append(FieldError(path=("closes",), message=message))
        if errors:
            raise InvalidInput(*errors)

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Its wall times on a given day, naive. (The end may be the next day's midnight.)"""
        closing_day = day + _DAY if self.closes == _MIDNIGHT else day
        return datetime.combine(day, self.opens), datetime.combine(closing_day, self.closes)


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
    return instant.astimezone(UTC)


def covers(hours: WeeklyHours, zone: ZoneInfo, starts_at: datetime, ends_at: datetime) -> bool:
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


def free_starts(
    hours: WeeklyHours,
    zone: ZoneInfo,
    *,
    duration: timedelta,
    busy: Sequence[Span],
    buffer: timedelta,
    earliest: datetime,
    latest: datetime,
    step_minutes: int = 15,
    limit: int,
) -> list[datetime]:
    """The first `limit` instants from `earliest` to `latest` at which a job could start.

    Starts are on the grid of the wall clock, whole steps after local midnight, and are unique
    instants: 01:30 is listed twice in the night it comes twice. Work grows with the days searched.
    """
    first, end = utc(earliest), utc(latest) + duration
    taken = deque(_taken(busy, buffer))
    starts = (
        start
        for span in open_spans(hours, zone, first, end)
        for start in _fitting(zone, span, duration, taken, timedelta(minutes=step_minutes))
    )
    return list(islice(starts, limit))


def open_spans(
    hours: WeeklyHours, zone: ZoneInfo, starts_at: datetime, ends_at: datetime
) -> Iterator[Span]:
    """Working time between two UTC instants, in order, joined where it touches."""
    current: Span | None = None
    for start, end in _pieces(hours, zone, starts_at, ends_at):
        if current is None:
            current = start, end
        elif start <= current[1]:
            current = current[0], max(current[1], end)
        else:
            yield current
            current = start, end
    if current is not None:
        yield current


def _pieces(
    hours: WeeklyHours, zone: ZoneInfo, starts_at: datetime, ends_at: datetime
) -> Iterator[Span]:
    """Each interval of each day as instants, cut where the zone's offset changes."""
    if not hours.intervals:
        return
    for start, end, offset in _steady(zone, starts_at, ends_at):
        day, last = (start + offset).date(), (end + offset).date()
        while day <= last:
            for opens, closes in hours.on(day):
                piece_start = max(opens.replace(tzinfo=UTC) - offset, start)
                piece_end = min(closes.replace(tzinfo=UTC) - offset, end)
                if piece_start < piece_end:
                    yield piece_start, piece_end
            day += _DAY


def _fitting(
    zone: ZoneInfo, span: Span, duration: timedelta, taken: deque[Span], step: timedelta
) -> Iterator[datetime]:
    """The starts within one open span. Uses up `taken` as it passes it."""
    start = _next_on_grid(zone, span[0], step)
    while start + duration <= span[1]:
        while taken and taken[0][1] <= start:
            taken.popleft()
        if taken and taken[0][0] < start + duration:
            start = _next_on_grid(zone, taken[0][1], step)
        else:
            yield start
            start = _next_on_grid(zone, start + datetime.resolution, step)


def _taken(busy: Iterable[Span], buffer: timedelta) -> list[Span]:
    """Busy time with its buffers, in order and without overlaps."""
    joined: list[Span] = []
    for start, end in sorted((utc(start) - buffer, utc(end) + buffer) for start, end in busy):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


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
    return at.astimezone(zone).replace(tzinfo=UTC) - at
