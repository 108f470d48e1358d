"""When can a provider be booked, and what stands against a given time?

Hours, overrides, holidays and zones are wall times; time off and work are instants. What is
answered here for one time is answered for a whole calendar of starts by slot_search.py, by the same
values; a property test holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from domain.booking_rules import (
    DEFAULT_TRAVEL_MPH,
    Advance,
    BookingRule,
    BookingRules,
    BrokenRule,
)
from domain.hours import (
    Hours,
    Interval,
    Span,
    WeeklyHours,
    clash,
    day_bounds,
    joined,
    open_spans,
    utc,
)
from domain.places import Point, miles_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID
    from zoneinfo import ZoneInfo

DEFAULT_DAILY_CAP: Final = 3

_DAY: Final = timedelta(days=1)
#: Work that begins this far from a time has nothing to say about it: it is not on the same local
#: day, be it one of 25 hours, and no buffer or way there reaches so far.
MARGIN: Final = timedelta(hours=26)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of provider time with the room it wants around it: a job, a hold, or one asked
    for. Without a point (nobody travels to a video call) no travel is reckoned."""

    starts_at: datetime
    ends_at: datetime
    before: timedelta = timedelta()
    after: timedelta = timedelta()
    point: Point | None = None
    #: How fast its provider gets there and away again, in statute miles an hour.
    travel_mph: int = DEFAULT_TRAVEL_MPH
    #: The booking it belongs to; None for a hold and for what is only asked for.
    booking_id: UUID | None = None
    #: Work that is done takes no time any more, but counts among the day's jobs.
    done: bool = False

    @property
    def span(self) -> Span:
        """From its start to its end, in UTC."""
        return utc(self.starts_at), utc(self.ends_at)

    def overlaps(self, other: Block) -> bool:
        """Do the two want the same instant?"""
        (start, end), (other_start, other_end) = self.span, other.span
        return start < other_end and other_start < end

    def is_too_near(self, other: Block) -> bool:
        """Do the two overlap, or leave less than the gap that one of them needs?"""
        if self.done or other.done:
            return False
        if utc(self.starts_at) < utc(other.starts_at):
            return utc(other.starts_at) - utc(self.ends_at) < gap(self, other)
        return utc(self.starts_at) - utc(other.ends_at) < gap(other, self)


def gap(earlier: Block, later: Block) -> timedelta:
    """The least time from the end of one job to the start of the next.

    One gap serves both: the larger of the two buffers, or the way between them if that is longer.
    """
    return max(earlier.after, later.before, travel(earlier, later))


def travel(here: Block, there: Block) -> timedelta:
    """How long the way from one job to the other takes, in whole minutes at the slower of their
    speeds; nothing where either place is not known."""
    if here.point is None or there.point is None:
        return timedelta()
    mph = min(here.travel_mph, there.travel_mph)
    return timedelta(minutes=math.ceil(miles_between(here.point, there.point) / mph * 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class DateOverride:
    """Other hours than the usual ones on one local day. None at all: the day is blocked."""

    day: date
    intervals: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryZone:
    """A provider keeps their hours by another zone's clock for some days, first and last included.
    Such stretches never overlap."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def time_zone(self) -> str:
        """The zone's IANA name."""
        return self.zone.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Everything a provider has said, and the house has said for them, about when they work."""

    zone: ZoneInfo
    hours: WeeklyHours
    overrides: tuple[DateOverride, ...] = ()
    #: In the order of their days.
    zones: tuple[TemporaryZone, ...] = ()
    time_off: tuple[Span, ...] = ()
    #: Local days on which the house is closed where this provider works.
    holidays: frozenset[date] = frozenset()
    #: At most so many jobs start on one local day.
    daily_cap: int = DEFAULT_DAILY_CAP

    def on(self, day: date) -> list[tuple[datetime, datetime]]:
        """The wall times worked on a day, earliest first, holidays left aside."""
        for override in self.overrides:
            if override.day == day:
                return sorted(interval.on(day) for interval in override.intervals)
        return self.hours.on(day)

    def zone_on(self, day: date) -> ZoneInfo:
        """The zone whose clock counts on a day."""
        for stay in self.zones:
            if stay.first <= day <= stay.last:
                return stay.zone
        return self.zone

    def local_day(self, at: datetime) -> date:
        """The day an instant belongs to, by the clock that counts then.

        Where one zone's last day runs into another's first, the temporary zone's day is meant.
        """
        for stay in self.zones:
            day = at.astimezone(stay.zone).date()
            if stay.first <= day <= stay.last:
                return day
        return at.astimezone(self.zone).date()

    def open_spans(self, starts_at: datetime, ends_at: datetime) -> Iterator[Span]:
        """Working time between two instants, in order; a holiday is none."""
        return _spans(self, _Open(self), utc(starts_at), utc(ends_at))

    def works_on(self, day: date) -> bool:
        """Is there any working time on a local day?"""
        return day not in self.holidays and bool(self.on(day))


@dataclass(frozen=True, slots=True)
class _Open:
    """Hours without the holidays."""

    availability: Availability

    def on(self, day: date) -> list[tuple[datetime, datetime]]:
        if day in self.availability.holidays:
            return []
        return self.availability.on(day)


def _spans(
    availability: Availability, hours: Hours, starts_at: datetime, ends_at: datetime
) -> Iterator[Span]:
    if not availability.zones:
        return open_spans(hours, availability.zone, starts_at, ends_at)
    pieces = (
        span
        for zone, (start, end) in _stays(availability, starts_at, ends_at)
        for span in open_spans(hours, zone, max(start, starts_at), min(end, ends_at))
    )
    return joined(sorted(pieces))


def _stays(
    availability: Availability, starts_at: datetime, ends_at: datetime
) -> Iterator[tuple[ZoneInfo, Span]]:
    """The zones that count between two instants, each with the instants of its days."""
    day, last = (starts_at - 2 * _DAY).date(), (ends_at + 2 * _DAY).date()
    while day <= last:
        zone, first = availability.zone_on(day), day
        while day <= last and availability.zone_on(day) is zone:
            day += _DAY
        start, end = day_bounds(zone, first)[0], day_bounds(zone, day)[0]
        if start < ends_at and starts_at < end:
            yield zone, (start, end)


def is_inside_hours(availability: Availability, wanted: Block) -> bool:
    """Is the whole of it in working time?"""
    return next(availability.open_spans(*wanted.span), None) == wanted.span


def obstacles(
    availability: Availability,
    taken: Sequence[Block],
    wanted: Block,
    *,
    rules: BookingRules,
    at: datetime,
) -> tuple[BrokenRule, ...]:
    """All that stands against giving this time of a provider to a job, in a fixed order.

    `taken` holds the provider's work and holds on the days that the time touches, and a day more
    on either side; the job itself is not among them.
    """
    return (
        *_closed(availability, wanted),
        *_off(availability, wanted),
        *_in_the_way(taken, wanted),
        *_capped(availability, taken, wanted),
        *_beyond(availability, wanted, rules, at),
    )


def unavailable(
    availability: Availability, taken: Sequence[Block], wanted: Block
) -> tuple[BrokenRule, ...]:
    """What the provider's own availability has against a time: hours, holidays, time off and the
    daily cap. `taken` is the work that counts towards the cap; the job itself is not among it."""
    return (
        *_closed(availability, wanted),
        *_off(availability, wanted),
        *_capped(availability, taken, wanted),
    )


def _closed(availability: Availability, wanted: Block) -> Iterator[BrokenRule]:
    if is_inside_hours(availability, wanted):
        return
    # Judged without the holidays, so that a holiday alone is not also called a day without hours.
    worked = next(_spans(availability, availability, *wanted.span), None) == wanted.span
    if worked or _touches_holiday(availability, wanted):
        message = "The house is closed on this day; choose another."
        yield BrokenRule(rule=BookingRule.HOLIDAY, message=message)
    if not worked:
        message = "The whole visit has to lie in the provider's working hours."
        yield BrokenRule(rule=BookingRule.OUTSIDE_HOURS, message=message)


def _touches_holiday(availability: Availability, wanted: Block) -> bool:
    start, end = wanted.span
    first = availability.local_day(start)
    last = availability.local_day(end - datetime.resolution)
    return any(first <= day <= last for day in availability.holidays)


def _off(availability: Availability, wanted: Block) -> Iterator[BrokenRule]:
    if clash(*wanted.span, availability.time_off):
        message = "The provider has time off then; choose another time or another provider."
        yield BrokenRule(rule=BookingRule.TIME_OFF, message=message)


def _in_the_way(taken: Sequence[Block], wanted: Block) -> Iterator[BrokenRule]:
    near = [block for block in taken if block.is_too_near(wanted)]
    if any(block.overlaps(wanted) for block in near):
        message = "The provider's time is taken; choose another time or another provider."
        yield BrokenRule(rule=BookingRule.SLOT_TAKEN, message=message)
    elif near:
        message = "Too near to the provider's other work: buffers and the way there take time."
        yield BrokenRule(rule=BookingRule.BUFFER, message=message)


def _capped(
    availability: Availability, taken: Sequence[Block], wanted: Block
) -> Iterator[BrokenRule]:
    day = availability.local_day(wanted.starts_at)
    same_day = sum(availability.local_day(block.starts_at) == day for block in taken)
    if same_day >= availability.daily_cap:
        message = "The provider takes no more work on this day; choose another."
        yield BrokenRule(rule=BookingRule.DAILY_CAP, message=message, limit=availability.daily_cap)


def _beyond(
    availability: Availability, wanted: Block, rules: BookingRules, at: datetime
) -> Iterator[BrokenRule]:
    last = horizon(availability, rules, at=at)
    if last is not None and availability.local_day(wanted.starts_at) > last:
        message = f"Only the next {rules.advance_days} working days can be booked."
        yield BrokenRule(rule=BookingRule.TOO_FAR_AHEAD, message=message, limit=rules.advance_days)


def horizon(availability: Availability, rules: BookingRules, *, at: datetime) -> date | None:
    """The last day that can be booked when only working days count, today being the first.

    None where the rules count otherwise. Somebody who hardly ever works is looked at for as many
    calendar days as bookings may ever be ahead (two years).
    """
    if rules.advance is not Advance.BOOKABLE_DAYS:
        return None
    today = availability.local_day(utc(at))
    days = (today + n * _DAY for n in range(731))
    bookable = islice((d for d in days if availability.works_on(d)), rules.advance_days)
    last = today
    for day in bookable:
        last = day
    return last
