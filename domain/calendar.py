"""Which days make up a calendar, from which instant to which, and whose bookings are on it?

A day begins at the first instant at which the calendar on the wall, in the zone asked for, shows
it, and ends where the next one begins: an instant lies on exactly one day, a day of a clock change
has 23 or 25 hours, and a day that a zone has left out has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from domain.local_times import NonexistentLocalTime, resolve_first
from domain.people import Role
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from domain.booking_steps import BookingStatus
    from domain.people import Viewer

_DAY: Final = timedelta(days=1)
#: The longest calendar there is: a month.
MAX_DAYS: Final = 31


class CalendarView(StrEnum):
    """How many days a calendar shows."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of a calendar, from its first instant up to the next day's."""

    date: date
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days that a calendar shows, in the zone they are days of."""

    view: CalendarView
    time_zone: str
    days: tuple[Day, ...]

    @property
    def first_date(self) -> date:
        """The first day."""
        return self.days[0].date

    @property
    def last_date(self) -> date:
        """The last day."""
        return self.days[-1].date

    @property
    def starts_at(self) -> datetime:
        """The first instant."""
        return self.days[0].starts_at

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return self.days[-1].ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose bookings a calendar shows, and how they stand; None stands for any."""

    provider_id: UUID | None = None
    customer_id: UUID | None = None
    statuses: tuple[BookingStatus, ...] | None = None


def period(view: CalendarView, on: date, zone: ZoneInfo) -> Period:
    """The day, the ISO week (from Monday) or the month that a date lies in.

    Raises InvalidInput for a date outside the years that an instant may lie in.
    """
    if not 1970 <= on.year <= 9998:
        message = "Give a date in the years from 1970 to 9998."
        raise InvalidInput(FieldError(path=("date",), message=message))
    first, after = _bounds(view, on)
    dates = [first + n * _DAY for n in range((after - first).days)]
    starts = [first_instant(one, zone) for one in (*dates, after)]
    days = [
        Day(date=one, starts_at=start, ends_at=end)
        for one, (start, end) in zip(dates, pairwise(starts), strict=True)
    ]
    return Period(view=view, time_zone=zone.key, days=tuple(days))


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC: midnight, or what comes first where there is none.

    Where midnight comes twice it is the earlier one.
    """
    try:
        return resolve_first(datetime.combine(day, time()), zone)
    except NonexistentLocalTime as skipped:
        return skipped.next_existing


def scope(
    viewer: Viewer,
    *,
    provider_id: UUID | None = None,
    customer_id: UUID | None = None,
    statuses: tuple[BookingStatus, ...] | None = None,
) -> Scope | None:
    """What of a calendar asked for the viewer may see; None for nothing.

    Staff and analysts see everyone's. Customers see what is theirs and providers what they do,
    whatever they ask for: somebody else's calendar is as empty as one of nobody.
    """
    if viewer.role is Role.CUSTOMER:
        if customer_id not in {None, viewer.user_id}:
            return None
        customer_id = viewer.user_id
    elif viewer.role is Role.PROVIDER:
        if provider_id not in {None, viewer.user_id}:
            return None
        provider_id = viewer.user_id
    elif not viewer.is_staff and viewer.role is not Role.ANALYST:
        return None
    return Scope(provider_id=provider_id, customer_id=customer_id, statuses=statuses)


def _bounds(view: CalendarView, on: date) -> tuple[date, date]:
    """The first date of a view and the one after its last."""
    if view is CalendarView.DAY:
        return on, on + _DAY
    if view is CalendarView.WEEK:
        monday = on - on.weekday() * _DAY
        return monday, monday + 7 * _DAY
    first = on.replace(day=1)
    return first, (first + 31 * _DAY).replace(day=1)
