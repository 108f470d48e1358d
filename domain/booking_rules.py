"""When may a service be booked? The rules are data of the service; here is what they say.

A booking keeps the rules it was made under, so that editing a service never alters it. Rules about
one provider's time are in availability.py; both answer with the same `BrokenRule`, so that all
broken rules of a request are reported together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.hours import day_bounds, is_on_grid, utc
from domain.refusals import FieldError, InvalidInput, Refusal, check_sizes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from domain.people import Viewer

_DAY_MINUTES: Final = 24 * 60
#: Those of the instants that there may be (api/scalars.py).
_YEARS: Final = range(1970, 9999)


#: City traffic, in statute miles an hour.
DEFAULT_TRAVEL_MPH: Final = 20
#: The reason for setting rules aside is written into the history.
MAX_REASON: Final = 500


class BookingRule(StrEnum):
    """A rule about when a booking may be made, moved or called off."""

    PAST = "PAST"
    SAME_DAY = "SAME_DAY"
    NOTICE_TOO_SHORT = "NOTICE_TOO_SHORT"
    TOO_FAR_AHEAD = "TOO_FAR_AHEAD"
    OFF_GRID = "OFF_GRID"
    OUTSIDE_HOURS = "OUTSIDE_HOURS"
    HOLIDAY = "HOLIDAY"
    TIME_OFF = "TIME_OFF"
    BUFFER = "BUFFER"
    DAILY_CAP = "DAILY_CAP"
    CAPACITY = "CAPACITY"
    CUSTOMER_LIMIT = "CUSTOMER_LIMIT"
    SLOT_TAKEN = "SLOT_TAKEN"
    NONEXISTENT_LOCAL_TIME = "NONEXISTENT_LOCAL_TIME"
    AMBIGUOUS_LOCAL_TIME = "AMBIGUOUS_LOCAL_TIME"
    RESCHEDULE_TOO_LATE = "RESCHEDULE_TOO_LATE"
    RESCHEDULE_LIMIT = "RESCHEDULE_LIMIT"
    CANCEL_TOO_LATE = "CANCEL_TOO_LATE"


#: What staff may set aside, giving a reason. Never the past, and never time that is taken.
WAIVABLE: Final = frozenset(BookingRule) - {
    BookingRule.PAST,
    BookingRule.SLOT_TAKEN,
    BookingRule.NONEXISTENT_LOCAL_TIME,
    BookingRule.AMBIGUOUS_LOCAL_TIME,
}


def override(reason: str | None, *, by: Viewer) -> str | None:
    """Why staff set rules aside; None when they keep to them, and for everybody else.

    Raises InvalidInput for a reason that says nothing or cannot be kept.
    """
    if reason is None or not by.is_staff:
        return None
    check_sizes(overrideReason=(reason, 1, MAX_REASON))
    return reason


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """One rule that a request breaks, and what would satisfy it."""

    rule: BookingRule
    message: str
    #: The first and the last start that satisfy this rule, where there is one; of what is too late
    #: to do, the last moment to do it.
    earliest: datetime | None = None
    latest: datetime | None = None
    #: The number that the rule allows, where it counts something.
    limit: int | None = None


class RulesBroken(Refusal):
    """The booking rules forbid this. Carries every broken rule, and starts that break none."""

    def __init__(
        self, broken: tuple[BrokenRule, ...], alternatives: tuple[datetime, ...] = ()
    ) -> None:
        super().__init__(" ".join(one.message for one in broken))
        self.broken = broken
        self.alternatives = alternatives


class SameDay(StrEnum):
    """May a service be booked for the day it is booked on?"""

    ALLOWED = "ALLOWED"
    UNTIL_CUTOFF = "UNTIL_CUTOFF"
    NEVER = "NEVER"


class Advance(StrEnum):
    """How the furthest day that can be booked is found."""

    DAYS = "DAYS"
    BOOKABLE_DAYS = "BOOKABLE_DAYS"
    DATES = "DATES"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRules:
    """Every number of a service's booking rules (rules.md, Booking rules and their codes).

    Raises InvalidInput, with fields named as on the wire, for numbers that make no sense.
    """

    same_day: SameDay = SameDay.ALLOWED
    #: Local time up to which today can be booked; with UNTIL_CUTOFF only.
    same_day_cutoff: time | None = None
    #: The least time between asking and the start. Not asked of IMMEDIATE bookings.
    notice_minutes: int = 120
    advance: Advance = Advance.DAYS
    #: How many days ahead: all days, or only those on which somebody works.
    advance_days: int = 90
    #: The first and the last day that can be booked; with DATES only.
    first_date: date | None = None
    last_date: date | None = None
    #: Starts lie whole intervals after local midnight. Not asked of IMMEDIATE bookings.
    slot_interval_minutes: int = 15
    #: Free time around the work. Between two jobs the larger one counts, not the sum.
    buffer_before_minutes: int = 15
    buffer_after_minutes: int = 15
    #: How fast a provider travels between two jobs, in statute miles an hour. Between jobs of two
    #: services the slower speed counts.
    travel_mph: int = DEFAULT_TRAVEL_MPH
    #: How many bookings of this service may overlap in one postal district; None is no limit.
    capacity: int | None = None
    #: A customer calls off for nothing until this long before the start, then pays the part …
    cancel_free_minutes: int = 24 * 60
    cancel_part_percent: int = 50
    #: … and from here on the whole.
    cancel_part_minutes: int = 2 * 60
    cancel_whole_percent: int = 100
    #: From this long before the start a customer cannot call off or move the booking themselves.
    cancel_notice_minutes: int = 0
    reschedule_notice_minutes: int = 120
    max_reschedules: int = 3
    #: The part of the price that confirms a booking; with 0 the whole price does.
    deposit_percent: int = 0
    #: What the provider has of the money, the platform having the rest (rules.md, Money).
    provider_share_percent: int = 80

    def __post_init__(self) -> None:
        wrong = tuple(_wrong(self))
        if wrong:
            raise InvalidInput(*wrong)

    @property
    def notice(self) -> timedelta:
        """The least time between asking and the start."""
        return timedelta(minutes=self.notice_minutes)

    @property
    def interval(self) -> timedelta:
        """The time between two starts on the grid."""
        return timedelta(minutes=self.slot_interval_minutes)

    @property
    def buffer_before(self) -> timedelta:
        """Free time before the work."""
        return timedelta(minutes=self.buffer_before_minutes)

    @property
    def buffer_after(self) -> timedelta:
        """Free time after the work."""
        return timedelta(minutes=self.buffer_after_minutes)


#: Fields with the least and the most they may be.
_RANGES: Final = {
    "notice_minutes": (0, 90 * _DAY_MINUTES),
    "advance_days": (1, 730),
    "slot_interval_minutes": (5, _DAY_MINUTES),
    "buffer_before_minutes": (0, 480),
    "buffer_after_minutes": (0, 480),
    "travel_mph": (1, 100),
    "capacity": (1, 10_000),
    "cancel_free_minutes": (0, 90 * _DAY_MINUTES),
    "cancel_part_percent": (0, 100),
    "cancel_part_minutes": (0, 90 * _DAY_MINUTES),
    "cancel_whole_percent": (0, 100),
    "cancel_notice_minutes": (0, 90 * _DAY_MINUTES),
    "reschedule_notice_minutes": (0, 90 * _DAY_MINUTES),
    "max_reschedules": (0, 100),
    "deposit_percent": (0, 99),
    "provider_share_percent": (0, 100),
}


def _wrong(rules: BookingRules) -> Iterator[FieldError]:
    for name, (least, most) in _RANGES.items():
        value = getattr(rules, name)
        if value is not None and not least <= value <= most:
            yield _error(name, f"Give {least} to {most}.")
    if rules.slot_interval_minutes % 5:
        yield _error("slot_interval_minutes", "Give a multiple of 5.")
    if (rules.same_day is SameDay.UNTIL_CUTOFF) != (rules.same_day_cutoff is not None):
        yield _error("same_day_cutoff", "Give a time with UNTIL_CUTOFF, and only then.")
    if rules.cancel_part_minutes > rules.cancel_free_minutes:
        yield _error("cancel_part_minutes", "Give at most cancelFreeMinutes.")
    if rules.cancel_part_percent > rules.cancel_whole_percent:
        yield _error("cancel_part_percent", "Give at most cancelWholePercent.")
    yield from _wrong_dates(rules)


def _wrong_dates(rules: BookingRules) -> Iterator[FieldError]:
    dates = {"first_date": rules.first_date, "last_date": rules.last_date}
    for name, day in dates.items():
        if (day is not None) != (rules.advance is Advance.DATES):
            yield _error(name, "Give a date with DATES, and only then.")
        elif day is not None and day.year not in _YEARS:
            yield _error(name, f"Give a day of the years {_YEARS[0]} to {_YEARS[-1]}.")
    if rules.first_date and rules.last_date and rules.first_date > rules.last_date:
        yield _error("last_date", "Give the first day or a later one.")


def _error(name: str, message: str) -> FieldError:
    head, *tail = name.split("_")
    return FieldError(path=("rules", head + "".join(map(str.capitalize, tail))), message=message)


def broken_by_start(
    rules: BookingRules, *, starts_at: datetime, immediate: bool, zone: ZoneInfo, at: datetime
) -> tuple[BrokenRule, ...]:
    """What the service's rules have against a start, asked for at `at`, in the work's own zone.

    A horizon of BOOKABLE_DAYS is a matter of each provider's days, so availability.py answers it.
    """
    starts_at, at = utc(starts_at), utc(at)
    broken = [
        *_past(rules, starts_at, at),
        *_same_day(rules, starts_at, zone, at),
        *_too_far(rules, starts_at, zone, at),
    ]
    if not immediate:
        broken += [*_short_notice(rules, starts_at, at), *_off_grid(rules, starts_at, zone)]
    return tuple(broken)


def _past(rules: BookingRules, starts_at: datetime, at: datetime) -> Iterator[BrokenRule]:
    if starts_at <= at:
        message = "The start is in the past; choose a later one."
        yield BrokenRule(rule=BookingRule.PAST, message=message, earliest=at + rules.notice)


def _same_day(
    rules: BookingRules, starts_at: datetime, zone: ZoneInfo, at: datetime
) -> Iterator[BrokenRule]:
    now = at.astimezone(zone)
    today = now.date()
    if starts_at.astimezone(zone).date() != today or rules.same_day is SameDay.ALLOWED:
        return
    if rules.same_day is SameDay.NEVER:
        message = "This service is not booked for the same day; choose a later one."
    elif rules.same_day_cutoff is not None and now.time() < rules.same_day_cutoff:
        return
    else:
        message = f"Today could be booked until {rules.same_day_cutoff:%H:%M}; choose a later day."
    tomorrow = day_bounds(zone, today)[1]
    yield BrokenRule(rule=BookingRule.SAME_DAY, message=message, earliest=tomorrow)


def _too_far(
    rules: BookingRules, starts_at: datetime, zone: ZoneInfo, at: datetime
) -> Iterator[BrokenRule]:
    day = starts_at.astimezone(zone).date()
    if rules.advance is Advance.DAYS and starts_at > (
        last := at + timedelta(days=rules.advance_days)
    ):
        message = f"The start is more than {rules.advance_days} days ahead; choose an earlier one."
        yield BrokenRule(
            rule=BookingRule.TOO_FAR_AHEAD, message=message, latest=last, limit=rules.advance_days
        )
    first, final = rules.first_date, rules.last_date
    if first and final and not first <= day <= final:
        yield BrokenRule(
            rule=BookingRule.TOO_FAR_AHEAD,
            message=f"Choose a day from {first} to {final}.",
            earliest=day_bounds(zone, first)[0],
            latest=day_bounds(zone, final)[1] - datetime.resolution,
        )


def _short_notice(rules: BookingRules, starts_at: datetime, at: datetime) -> Iterator[BrokenRule]:
    earliest = at + rules.notice
    # A start in the past is called that, and no more.
    if at < starts_at < earliest:
        message = f"Book at least {rules.notice_minutes} minutes ahead."
        yield BrokenRule(
            rule=BookingRule.NOTICE_TOO_SHORT,
            message=message,
            earliest=earliest,
            limit=rules.notice_minutes,
        )


def _off_grid(rules: BookingRules, starts_at: datetime, zone: ZoneInfo) -> Iterator[BrokenRule]:
    if not is_on_grid(zone, starts_at, rules.interval):
        every = rules.slot_interval_minutes
        message = f"Starts are every {every} minutes from midnight, local time."
        yield BrokenRule(rule=BookingRule.OFF_GRID, message=message, limit=every)


def over_capacity(rules: BookingRules, overlapping: int) -> tuple[BrokenRule, ...]:
    """Are as many bookings of the service as its capacity allows at this time and place already?"""
    if rules.capacity is None or overlapping < rules.capacity:
        return ()
    message = "This service is fully booked at this time in this area; choose another time."
    return (BrokenRule(rule=BookingRule.CAPACITY, message=message, limit=rules.capacity),)
