"""At which instants can a service be booked, who is free then, and what is in the way elsewhere?

A search has one grid of starts. What one provider could do is the set of those starts that nothing
stands against, as the bits of one integer (bits.py), so that a fortnight of a thousand providers is
a thousand numbers. What counts as standing against a start is said in booking_rules.py and
availability.py; here it is only said of all starts at once, and a property test holds the two
together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from domain.availability import Block, horizon, travel
from domain.bits import Tally, places, stretch, union
from domain.booking_rules import BookingRule, broken_by_start
from domain.hours import day_bounds, utc
from domain.slots import Slot
from domain.starts import Starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from domain.availability import Availability
    from domain.booking_rules import BookingRules
    from domain.hours import Span
    from domain.places import Point

#: Longer than anything is booked ahead.
_FOR_GOOD: Final = timedelta(days=1000)

#: A rule and the starts that it forbids, as bits.
_Bar: TypeAlias = tuple[BookingRule, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which starts are looked for, for which work, at which moment."""

    rules: BookingRules
    duration: timedelta
    #: The zone of the work: the grid is on its wall clock, and its days are those of the rules.
    zone: ZoneInfo
    #: The first and the last start to look at. Where they are one instant it is looked at as it
    #: is; otherwise those on the grid are.
    earliest: datetime
    latest: datetime
    #: The moment of asking.
    at: datetime
    #: Is the work wanted now, so that neither notice nor the grid is asked for?
    immediate: bool = False
    #: Where the work is, if somebody has to go there and it is known.
    point: Point | None = None

    def wanted(self, starts_at: datetime) -> Block:
        """The time of a provider that a start would take."""
        starts_at = utc(starts_at)
        return Block(
            starts_at=starts_at,
            ends_at=starts_at + self.duration,
            before=self.rules.buffer_before,
            after=self.rules.buffer_after,
            point=self.point,
            travel_mph=self.rules.travel_mph,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """One provider's time: when they work, and what of it is taken.

    Of what is taken there is all that starts on the days searched, work that is done as well, and
    what comes near them.
    """

    provider_id: UUID
    availability: Availability
    taken: Sequence[Block] = ()

    def without(self, booking_id: UUID) -> Diary:
        """The same, were it not for one booking."""
        others = [block for block in self.taken if block.booking_id != booking_id]
        return replace(self, taken=others)

    def until(self, last: date | None) -> Diary:
        """Their time up to the end of a local day, after which they may not do the work; None is no
        end."""
        if last is None:
            return self
        end = day_bounds(self.availability.zone, last)[1]
        off = (*self.availability.time_off, (end, end + _FOR_GOOD))
        return replace(self, availability=replace(self.availability, time_off=off))


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Every start of a search: who is free at it, and which can be booked."""

    search: Search
    diaries: Sequence[Diary]
    #: The windows of the service's bookings in the district, which its capacity limits.
    alike: Sequence[Span] = ()
    #: Bookings that wait for a provider: each will take one of those who are free then.
    waiting: Sequence[Block] = ()

    @cached_property
    def starts(self) -> Starts:
        """The starts that are looked at."""
        search = self.search
        return Starts(
            zone=search.zone,
            earliest=search.earliest,
            latest=search.latest,
            step=search.rules.interval,
        )

    @cached_property
    def free(self) -> dict[UUID, int]:
        """The starts at which each provider can be booked, as bits."""
        allowed = self.starts.every & ~union(bits for _, bits in self._bars_for_all())
        if not allowed:
            return {diary.provider_id: 0 for diary in self.diaries}
        return {
            diary.provider_id: allowed & ~union(bits for _, bits in self._bars(diary))
            for diary in self.diaries
        }

    @cached_property
    def open(self) -> int:
        """The starts at which somebody is free whom no waiting booking needs, as bits."""
        return self._supply.exceeds(self._demand)

    def slots(self, first: int) -> tuple[Slot, ...]:
        """The first starts that can be booked, whoever does the work."""
        found = islice(places(self.open), first)
        return tuple(self._slot(n, self._supply.at(n) - self._demand.at(n)) for n in found)

    def slots_of(self, provider_id: UUID, first: int) -> tuple[Slot, ...]:
        """The first starts at which this provider can be booked by name."""
        return tuple(self._slot(n, 1) for n in islice(places(self.free[provider_id]), first))

    def reasons(self) -> tuple[BookingRule, ...]:
        """Which rules are in the way, where nothing can be booked: those first that most often
        stand alone against a start, so that without them most could be booked."""
        if self.open:
            return ()
        alone, ever = Counter[BookingRule](), Counter[BookingRule]()
        for bars in self._bars_by_diary():
            once = more = 0
            for bits in bars.values():
                once, more = once | bits, more | once & bits
            for rule, bits in bars.items():
                alone[rule] += (bits & ~more).bit_count()
                ever[rule] += bits.bit_count()
        order = list(BookingRule)
        told = sorted(ever, key=lambda rule: (-alone[rule], -ever[rule], order.index(rule)))
        return tuple(rule for rule in told if ever[rule])

    def _bars_by_diary(self) -> Iterator[dict[BookingRule, int]]:
        """All that each rule forbids, for each provider; what the service forbids is for all."""
        for_all = _gathered(self._bars_for_all())
        if not self.diaries:
            yield for_all
        for diary in self.diaries:
            # Whoever is free nevertheless is needed by bookings that wait for a provider.
            needed = BookingRule.SLOT_TAKEN, self.free[diary.provider_id]
            yield _gathered([*for_all.items(), *self._bars(diary), needed])

    def _slot(self, place: int, provider_count: int) -> Slot:
        starts_at = self.starts.all[place]
        return Slot(
            starts_at=starts_at,
            ends_at=starts_at + self.search.duration,
            zone=self.search.zone,
            provider_count=provider_count,
        )

    @cached_property
    def _supply(self) -> Tally:
        supply = Tally()
        # Most keep the same hours and have nothing to do, so equal sets are counted together.
        for bits, times in Counter(self.free.values()).items():
            supply.add(bits, times)
        return supply

    @cached_property
    def _demand(self) -> Tally:
        demand = Tally()
        for block in self.waiting:
            demand.add(self._near(block))
        return demand

    # What stands against a start, whoever does the work

    def _bars_for_all(self) -> Iterator[_Bar]:
        low = 0
        for day in self.starts.days:
            yield from self._bars_on(day, low)
            low += len(day)
        if self.search.rules.capacity is not None:
            for full in _crowded(self.alike, self.search.rules.capacity):
                yield BookingRule.CAPACITY, self._overlapping(full)

    def _bars_on(self, day: Sequence[datetime], low: int) -> Iterator[_Bar]:
        # What broken_by_start has against a day it has against its beginning, its end or all of
        # it. So it is asked of both ends, and of each start only where they differ.
        broken = self._broken(day[0])
        if broken == self._broken(day[-1]):
            for rule in broken:
                yield rule, stretch(low, low + len(day))
            return
        for place, start in enumerate(day, low):
            for rule in self._broken(start):
                yield rule, 1 << place

    def _broken(self, starts_at: datetime) -> list[BookingRule]:
        search = self.search
        broken = broken_by_start(
            search.rules,
            starts_at=starts_at,
            immediate=search.immediate,
            zone=search.zone,
            at=search.at,
        )
        return [one.rule for one in broken]

    # What stands against a start with one provider

    def _bars(self, diary: Diary) -> Iterator[_Bar]:
        availability = diary.availability
        yield from self._same_hours(availability)
        for off in availability.time_off:
            yield BookingRule.TIME_OFF, self._overlapping(off)
        taken = near = 0
        for block in diary.taken:
            if not block.done:
                taken |= self._overlapping(block.span)
                near |= self._near(block)
        yield BookingRule.SLOT_TAKEN, taken
        yield BookingRule.BUFFER, near & ~taken
        yield BookingRule.DAILY_CAP, self._capped(diary)

    def _overlapping(self, span: Span) -> int:
        """The starts of work that would overlap a span."""
        return self.starts.between(span[0] - self.search.duration, span[1])

    def _near(self, block: Block) -> int:
        """The starts of work that would come too near to a block, or overlap it."""
        start, end = block.span
        wanted, way = self._wanted, travel(self._wanted, block)
        # As availability.gap has it, for either of the two as the earlier one.
        before = max(wanted.after, block.before, way)
        after = max(block.after, wanted.before, way)
        return self._overlapping((start - before, end + after))

    @cached_property
    def _wanted(self) -> Block:
        return self.search.wanted(self.search.earliest)

    def _same_hours(self, availability: Availability) -> tuple[_Bar, ...]:
        """What hours and days alone have against starts: looked up once for all who share them."""
        key = (
            # Weeks are long to compare, and read as one value for all who keep the same.
            id(availability.hours),
            availability.zone,
            availability.overrides,
            availability.zones,
            availability.holidays,
        )
        known = self._known_hours.get(key)
        if known is None:
            self._known_hours[key] = known = tuple(self._bars_of_hours(availability))
        return known

    @cached_property
    def _known_hours(self) -> dict[Any, tuple[_Bar, ...]]:
        return {}

    def _bars_of_hours(self, availability: Availability) -> Iterator[_Bar]:
        every, duration = self.starts.every, self.search.duration
        closed = every & ~self.starts.inside_hours(availability, duration)
        outside = closed
        if availability.holidays:
            worked = replace(availability, holidays=frozenset())
            outside = every & ~self.starts.inside_hours(worked, duration)
        yield BookingRule.OUTSIDE_HOURS, outside
        yield BookingRule.HOLIDAY, closed & ~outside
        last = horizon(availability, self.search.rules, at=self.search.at)
        if last is not None:
            yield BookingRule.TOO_FAR_AHEAD, every & ~self.starts.until(availability, last)

    def _capped(self, diary: Diary) -> int:
        """The starts on days that are full."""
        availability, taken = diary.availability, diary.taken
        if len(taken) < availability.daily_cap:
            return 0
        numbers = Counter(availability.local_day(block.starts_at) for block in taken)
        full = (day for day, number in numbers.items() if number >= availability.daily_cap)
        return union(self.starts.on(availability, day) for day in full)


def _crowded(spans: Iterable[Span], number: int) -> Iterator[Span]:
    """When as many of the spans as this, or more, come together."""
    # Who leaves makes room for who comes then.
    changes = sorted(change for start, end in spans for change in ((end, -1), (start, 1)))
    level, begun = 0, None
    for at, step in changes:
        before, level = level, level + step
        if before < number <= level:
            begun = at
        elif level < number <= before and begun is not None:
            yield begun, at


def _gathered(bars: Iterable[_Bar]) -> dict[BookingRule, int]:
    together: dict[BookingRule, int] = {}
    for rule, bits in bars:
        together[rule] = together.get(rule, 0) | bits
    return together
