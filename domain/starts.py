"""Which starts are there to choose from, and which of them lie on a day or in working time?

Sets of starts are bits (bits.py): the first start is place 0.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.availability import DEFAULT_DAILY_CAP
from domain.bits import stretch, union
from domain.hours import day_bounds, grid, utc

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from domain.availability import Availability, TemporaryZone
    from domain.hours import Span

_DAY: Final = timedelta(days=1)

_Key: TypeAlias = "tuple[ZoneInfo, tuple[TemporaryZone, ...], date]"


@dataclass(frozen=True, kw_only=True)
class Starts:
    """The starts from one instant to another on the grid of a zone's wall clock.

    Where the two are one instant it is taken as it is, on the grid or not.
    """

    zone: ZoneInfo
    earliest: datetime
    latest: datetime
    step: timedelta
    _known: dict[_Key, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def days(self) -> tuple[tuple[datetime, ...], ...]:
        """The starts in order, local day by local day; days that have none are left out."""
        first, last = utc(self.earliest), utc(self.latest)
        if first == last:
            return ((first,),)
        day, found = first.astimezone(self.zone).date(), []
        while day <= last.astimezone(self.zone).date():
            starts = _grid_of(self.zone, day, self.step)
            found.append(starts[bisect_left(starts, first) : bisect_right(starts, last)])
            day += _DAY
        return tuple(starts for starts in found if starts)

    @cached_property
    def all(self) -> tuple[datetime, ...]:
        """The starts in order."""
        return tuple(start for day in self.days for start in day)

    @cached_property
    def every(self) -> int:
        """All of them, as bits."""
        return stretch(0, len(self.all))

    def between(self, after: datetime, before: datetime) -> int:
        """The starts after the one instant and before the other."""
        return stretch(bisect_right(self.all, after), bisect_left(self.all, before))

    def inside_hours(self, availability: Availability, duration: timedelta) -> int:
        """The starts of work that lies in working time from beginning to end."""
        starts = self.all
        if not starts:
            return 0
        # Only what says when somebody works, so that all who work the same are one.
        hours = replace(availability, time_off=(), daily_cap=DEFAULT_DAILY_CAP)
        first, last = starts[0].date(), (starts[-1] + duration).date()
        return union(
            stretch(bisect_left(starts, start), bisect_right(starts, end - duration))
            for start, end in _worked(hours, first, last)
        )

    def until(self, availability: Availability, last: date) -> int:
        """The starts up to the end of a provider's day."""
        # A provider's days may begin a day before or after those of UTC.
        day, end = utc(self.earliest).date() - _DAY, utc(self.latest).date() + _DAY
        bits = 0
        while day <= min(last, end):
            bits |= self.on(availability, day)
            day += _DAY
        return bits

    def on(self, availability: Availability, day: date) -> int:
        """The starts on a provider's day, by the clock that counts for them then."""
        key = availability.zone, availability.zones, day
        bits = self._known.get(key)
        if bits is None:
            self._known[key] = bits = self._find_on(availability, day)
        return bits

    def _find_on(self, availability: Availability, day: date) -> int:
        zones = {availability.zone, *(stay.zone for stay in availability.zones)}
        bounds = [day_bounds(zone, day) for zone in zones]
        low = bisect_left(self.all, min(begins for begins, _ in bounds))
        high = bisect_left(self.all, max(ends for _, ends in bounds))
        if not availability.zones:
            return stretch(low, high)
        # Where one clock takes over from another days overlap, so each start is asked for its own.
        near = range(low, high)
        return union(1 << n for n in near if availability.local_day(self.all[n]) == day)


@lru_cache(maxsize=4096)
def _worked(hours: Availability, first: date, last: date) -> tuple[Span, ...]:
    """Working time from one day of UTC to another. (Most searches are about the same fortnight.)"""
    start, end = (datetime.combine(day, time(), UTC) for day in (first, last + _DAY))
    return tuple(hours.open_spans(start, end))


@lru_cache(maxsize=512)
def _grid_of(zone: ZoneInfo, day: date, step: timedelta) -> tuple[datetime, ...]:
    """The starts of one local day. (Every search asks for the same few weeks.)"""
    begins, ends = day_bounds(zone, day)
    last = ends - datetime.resolution
    return tuple(grid(zone, earliest=begins, latest=last, step=step))
