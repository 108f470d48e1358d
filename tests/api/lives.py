"""What stands against a start, said again in the plainest way: by looking at the clock on the wall.

Drawn at random for tests of slots. Every time is a multiple of five minutes, so that looking at
the wall every five minutes sees all there is to see; nothing here is the product's own reckoning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

#: Wall times of a day: from, and to; 00:00 is the end of the day.
Stretch: TypeAlias = tuple[time, time]
Span: TypeAlias = tuple[datetime, datetime]

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
STEP: Final = 5 * MINUTE
#: How long it takes from the usual address to the far one.
WAY: Final = 30 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that a provider has, or that is wanted of one."""

    starts_at: datetime
    ends_at: datetime
    before: timedelta
    after: timedelta
    far: bool = False

    def overlaps(self, other: Job) -> bool:
        """Do they want the same time?"""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def is_too_near(self, other: Job) -> bool:
        """Do they overlap, or leave too little between them?"""
        earlier, later = sorted((self, other), key=lambda one: one.starts_at)
        way = WAY if earlier.far != later.far else timedelta()
        gap = max(earlier.after, later.before, way)
        return later.starts_at - earlier.ends_at < gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """When a provider works, and what they have to do already."""

    zone: ZoneInfo
    #: The same on every day of the week.
    hours: tuple[Stretch, ...]
    overrides: dict[date, tuple[Stretch, ...]]
    #: Some days in another zone.
    stay: tuple[date, date, ZoneInfo] | None
    holidays: frozenset[date]
    time_off: Span | None
    daily_cap: int
    jobs: tuple[Job, ...]

    def against(self, wanted: Job) -> set[str]:
        """The rules that forbid the provider to do it."""
        return {
            *self._closed(wanted),
            *self._off(wanted),
            *self._busy(wanted),
            *self._capped(wanted),
        }

    def _closed(self, wanted: Job) -> Iterator[str]:
        times = list(_steps(wanted.starts_at, wanted.ends_at))
        if all(self._works(at, self.holidays) for at in times):
            return
        worked = all(self._works(at, frozenset()) for at in times)
        first = self._day(wanted.starts_at)
        last = self._day(wanted.ends_at - datetime.resolution)
        if worked or any(first <= day <= last for day in self.holidays):
            yield "HOLIDAY"
        if not worked:
            yield "OUTSIDE_HOURS"

    def _off(self, wanted: Job) -> Iterator[str]:
        for starts_at, ends_at in [self.time_off] if self.time_off else []:
            if starts_at < wanted.ends_at and wanted.starts_at < ends_at:
                yield "TIME_OFF"

    def _busy(self, wanted: Job) -> Iterator[str]:
        if any(job.overlaps(wanted) for job in self.jobs):
            yield "SLOT_TAKEN"
        elif any(job.is_too_near(wanted) for job in self.jobs):
            yield "BUFFER"

    def _capped(self, wanted: Job) -> Iterator[str]:
        day = self._day(wanted.starts_at)
        if sum(self._day(job.starts_at) == day for job in self.jobs) >= self.daily_cap:
            yield "DAILY_CAP"

    def _works(self, at: datetime, holidays: frozenset[date]) -> bool:
        """What the clock on some wall of theirs says of an instant."""
        for zone in {self.zone, self._zone_of_stay()}:
            wall = at.astimezone(zone)
            day = wall.date()
            if self._zone_on(day) is zone and day not in holidays:
                stretches = self.overrides.get(day, self.hours)
                if any(_within(wall.time(), *stretch) for stretch in stretches):
                    return True
        return False

    def _zone_of_stay(self) -> ZoneInfo:
        return self.stay[2] if self.stay else self.zone

    def _zone_on(self, day: date) -> ZoneInfo:
        away = self.stay is not None and self.stay[0] <= day <= self.stay[1]
        return self._zone_of_stay() if away else self.zone

    def _day(self, at: datetime) -> date:
        """The day that an instant belongs to; a stay has its own days first."""
        there = at.astimezone(self._zone_of_stay()).date()
        if self._zone_on(there) is self._zone_of_stay():
            return there
        return at.astimezone(self.zone).date()


def _within(wall: time, opens: time, closes: time) -> bool:
    return opens <= wall and (closes == time() or wall < closes)


def _steps(earliest: datetime, latest: datetime) -> Iterator[datetime]:
    while earliest < latest:
        yield earliest
        earliest += STEP


def is_on_grid(at: datetime, zone: ZoneInfo, every: int) -> bool:
    """Does the wall show whole intervals of so many minutes after midnight?"""
    wall = at.astimezone(zone)
    return (wall.hour * 60 + wall.minute) % every == 0


def grid(earliest: datetime, latest: datetime, zone: ZoneInfo, every: int) -> list[datetime]:
    """Every instant at which it does."""
    return [at for at in _steps(earliest, latest + STEP) if is_on_grid(at, zone, every)]


def most_at_once(jobs: Sequence[Job], wanted: Job) -> int:
    """How many of the jobs come together at one moment of another, at most."""
    times = _steps(wanted.starts_at, wanted.ends_at)
    return max(sum(job.starts_at <= at < job.ends_at for job in jobs) for at in times)


# The first example of all that is drawn is the plainest one, and there are few examples: so what is
# plainest here is a life with something of everything.
BUFFERS = st.sampled_from([15, 0, 45]).map(lambda minutes: minutes * MINUTE)
SELDOM = st.sampled_from([True, False, False])


@st.composite
def stretches(draw: st.DrawFn) -> tuple[Stretch, ...]:
    """The hours of a day: with a break, without one, or all of them."""
    opens, closes = draw(st.integers(0, 14)), 48 - draw(st.integers(0, 14))
    pause = draw(st.integers(15, 25))
    halves = draw(
        st.sampled_from(
            [
                (opens, pause, pause + draw(st.integers(1, 8)), closes),
                (opens, closes),
                (0, 48),
            ]
        )
    )
    times = [time(half % 48 // 2, half % 2 * 30) for half in halves]
    return tuple(zip(times[::2], times[1::2], strict=True))


@st.composite
def jobs(draw: st.DrawFn, earliest: datetime) -> tuple[Job, ...]:
    """Up to two jobs, one well after the other, near a window of a day."""
    made, at = [], earliest - HOUR
    for _ in range(draw(st.sampled_from([2, 1, 0]))):
        starts_at = at + (24 + draw(st.integers(-24, 96))) * STEP
        ends_at = starts_at + draw(st.integers(6, 30)) * STEP
        at = ends_at + HOUR
        made.append(
            Job(
                starts_at=starts_at,
                ends_at=ends_at,
                before=draw(BUFFERS),
                after=draw(BUFFERS),
                far=draw(st.booleans()),
            )
        )
    return tuple(made)


@st.composite
def lives(
    draw: st.DrawFn, zone: ZoneInfo, earliest: datetime, elsewhere: Sequence[ZoneInfo]
) -> Life:
    """A life around a window of a day that begins then, in a zone."""
    days = [(earliest + n * DAY).date() for n in (1, 0, 2, -1)]
    stay = None
    if draw(SELDOM):
        first, last = sorted(draw(st.tuples(st.sampled_from(days), st.sampled_from(days))))
        stay = first, last, draw(st.sampled_from(elsewhere))
    time_off = None
    if draw(SELDOM):
        starts_at = earliest + (100 + draw(st.integers(-150, 150))) * STEP
        time_off = starts_at, starts_at + draw(st.integers(10, 100)) * STEP
    overrides = {}
    if draw(SELDOM):
        day = draw(st.sampled_from(days))
        overrides[day] = draw(st.one_of(stretches(), st.just(())))
    holiday = draw(st.sampled_from(days[::-1])) if draw(SELDOM) else None
    return Life(
        zone=zone,
        hours=draw(stretches()),
        overrides=overrides,
        stay=stay,
        holidays=frozenset({holiday} if holiday else ()),
        time_off=time_off,
        daily_cap=draw(st.sampled_from([2, 3, 1])),
        jobs=draw(jobs(earliest)),
    )
