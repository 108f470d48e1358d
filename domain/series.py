"""Which visits does a series of bookings consist of, and how is it changed?

A series is a standing order: a request, and a rule for when it is repeated, in wall times of one
zone. Bookings are made of it sixty days ahead; the job that does so keeps to what is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from domain.booking_rules import BookingRule, BrokenRule, RulesBroken
from domain.events import Event, EventType
from domain.local_times import NonexistentLocalTime, resolve_first, shown
from domain.refusals import FieldError, InvalidInput, Refusal, VersionConflict

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime
    from uuid import UUID

    from domain.house import HouseRules
    from domain.people import Viewer
    from domain.recurrence import Expand, Rule
    from domain.requests import BookingRequest

#: How far ahead bookings are made.
AHEAD: Final = timedelta(days=60)
#: So many occurrences are made in one transaction; the rest by the next.
AT_ONCE: Final = 100
#: No occurrence further ahead than this can be spoken of: a rule need not end.
FORESIGHT: Final = timedelta(days=731)
#: When to look again for an occurrence that the service's own rules do not let be booked yet.
LATER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlace:
    """Which occurrence of which series a booking is. Moving the booking leaves it as it is."""

    series_id: UUID
    #: The local start by the rule: naive, a wall time in the series' zone.
    original_start: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A standing order of one customer."""

    id: UUID
    #: What each occurrence asks for, without a time.
    asked: BookingRequest
    time_zone: str
    #: A naive wall time, like every start of a series.
    first_local_start: datetime
    rule: Rule
    version: int = 1
    created_at: datetime
    #: The last start that has been seen to, whatever became of it.
    done_until: datetime | None = None
    #: When the next one has to be seen to; None when there is none left.
    next_due_at: datetime | None = None
    ended_at: datetime | None = None
    #: The series that this one goes on from, where one was split.
    follows_id: UUID | None = None

    @property
    def customer_id(self) -> UUID:
        """Whose it is."""
        return self.asked.customer_id

    @property
    def zone(self) -> ZoneInfo:
        """Whose wall times its starts are."""
        return ZoneInfo(self.time_zone)

    @property
    def rrule(self) -> str:
        """Its rule in the words of RFC 5545."""
        return self.rule.text

    def is_visible_to(self, viewer: Viewer) -> bool:
        """May the viewer see it? Its customer and staff may."""
        return viewer.is_staff or viewer.user_id == self.customer_id

    def request(self, original_start: datetime, starts_at: datetime) -> BookingRequest:
        """What one occurrence asks for."""
        place = SeriesPlace(series_id=self.id, original_start=original_start)
        return replace(self.asked, starts_at=starts_at, series=place)

    def starts_at(self, original_start: datetime) -> datetime:
        """When an occurrence starts by the rule. A time that comes twice means its first coming.

        Raises NonexistentLocalTime.
        """
        return resolve_first(original_start, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a customer orders, or staff for them: a visit, and when it comes again."""

    asked: BookingRequest
    time_zone: str
    first_local_start: datetime
    rule: Rule
    #: Make what can be made, and report the rest, rather than nothing.
    allow_partial: bool = False


class SeriesEnded(Refusal):
    """Nothing more comes of the series."""

    def __init__(self) -> None:
        super().__init__("This series has ended; make a new one.")


class AlreadySkipped(Refusal):
    """The occurrence is skipped already."""

    def __init__(self) -> None:
        super().__init__("This occurrence is skipped already.")


class NotSkipped(Refusal):
    """The occurrence is not skipped, so it cannot be taken up again."""

    def __init__(self) -> None:
        super().__init__("This occurrence is not skipped.")


def check_version(series: Series, expected: int | None) -> None:
    """Is it the version that the client has seen? Raises VersionConflict."""
    if expected not in (None, series.version):
        raise VersionConflict(series.version)


def check_going_on(series: Series) -> None:
    """May it still be changed? Raises SeriesEnded."""
    if series.ended_at is not None:
        raise SeriesEnded


def draft(order: Order, *, series_id: UUID, expand: Expand, at: datetime) -> Series:
    """The series that an order makes. Raises InvalidInput."""
    zone = ZoneInfo(order.time_zone)
    check_start_time(order.first_local_start, zone, path="firstLocalStart", at=at)
    check_rule(order.rule, order.first_local_start, expand, path="rrule")
    return Series(
        id=series_id,
        asked=order.asked,
        time_zone=order.time_zone,
        first_local_start=order.first_local_start,
        rule=order.rule,
        created_at=at,
    )


def check_limit(house: HouseRules, going_on: int) -> None:
    """Has the customer as many series as one may have? Its bookings are not counted: a series is
    one standing order. Raises RulesBroken."""
    if going_on >= house.customer_limit:
        message = f"You have {going_on} series going on; {house.customer_limit} is the most."
        rule = BookingRule.CUSTOMER_LIMIT
        raise RulesBroken((BrokenRule(rule=rule, message=message, limit=house.customer_limit),))


def check_start_time(start: datetime, zone: ZoneInfo, *, path: str, at: datetime) -> None:
    """Does a wall time lie ahead, and within two years? Raises InvalidInput naming `path`."""
    if not shown(at, zone) < start <= shown(at + FORESIGHT, zone):
        message = "Give a time that lies ahead, by two years at most."
        raise InvalidInput(FieldError(path=(path,), message=message))


def check_rule(rule: Rule, first: datetime, expand: Expand, *, path: str) -> None:
    """Does the rule begin with its first start? Raises InvalidInput naming the field `path`."""
    begins = next(expand(rule, first), None)
    if begins != first:
        when = f"begins with {begins:%Y-%m-%dT%H:%M}" if begins else "never comes true from then on"
        message = f"The rule has to fall on {first:%Y-%m-%dT%H:%M}; it {when}."
        raise InvalidInput(FieldError(path=(path,), message=message))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The starts to see to now, and the first one after them."""

    starts: tuple[datetime, ...]
    next_start: datetime | None


def window(
    series: Series, expand: Expand, *, at: datetime, known: Container[datetime] = ()
) -> Window:
    """What is due of a series at `at`: all that has not been seen to and lies in the next sixty
    days, whenever it should have been. A long absence is caught up in several goes.

    `known` are starts that were seen to before their time: skipped or moved ahead.
    """
    horizon, seen = shown(at + AHEAD, series.zone), series.done_until
    left = (
        start
        for start in expand(series.rule, series.first_local_start)
        if (seen is None or start > seen) and start not in known
    )
    found = list(islice(left, AT_ONCE + 1))
    starts = tuple(start for start in found[:AT_ONCE] if start <= horizon)
    return Window(starts=starts, next_start=next(iter(found[len(starts) :]), None))


def due_at(series: Series, next_start: datetime | None) -> datetime | None:
    """When the next start comes within sixty days; None when there is none."""
    if next_start is None:
        return None
    try:
        return series.starts_at(next_start) - AHEAD
    except NonexistentLocalTime as skipped:
        return skipped.next_existing - AHEAD


def instant(series: Series, original_start: datetime) -> datetime | None:
    """When an occurrence starts by the rule; None for a wall time that does not exist."""
    try:
        return series.starts_at(original_start)
    except NonexistentLocalTime:
        return None


def is_start(series: Series, start: datetime, expand: Expand) -> bool:
    """Is this one of the starts of the series?"""
    for one in expand(series.rule, series.first_local_start):
        if one >= start:
            return one == start
    return False


def check_start(series: Series, start: datetime, expand: Expand) -> None:
    """Is this one of the starts of the series? Raises InvalidInput."""
    if not is_start(series, start, expand):
        message = "The series has no occurrence then; give an `originalStart` of it."
        raise InvalidInput(FieldError(path=("originalStart",), message=message))


def told(type_: EventType, series: Series) -> Event:
    """The event that says something about a series."""
    return Event(type=type_, subject={"series": series.id, "customer": series.customer_id})
