"""Calendars: the bookings of a day, a week or a month, day by day in somebody's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias
from zoneinfo import ZoneInfo

import strawberry

from api import ids
from api.access import SIGNED_IN
from api.booking_kinds import BookingStatus
from api.bookings import Booking
from api.context import Context, Info
from api.enums import describe
from api.loading import Loader
from api.scalars import TimeZone
from api.views import view_of
from db import calendar
from domain import bookings
from domain import calendar as domain
from domain.refusals import FieldError, InvalidInput

#: A name for the type where a field is called `date`.
LocalDate: TypeAlias = date

MAX_BOOKINGS = 100

CalendarView = describe(
    domain.CalendarView,
    "How many days a calendar shows.",
    DAY="One day.",
    WEEK="Seven days, from Monday (ISO 8601).",
    MONTH="All days of a month.",
)


@strawberry.type(directives=[SIGNED_IN], description="How many bookings stand so.")
class BookingCount:
    """How many bookings stand so."""

    status: BookingStatus = strawberry.field(description="Where they stand.")
    count: int = strawberry.field(description="How many; at least 1.")


@strawberry.type(directives=[SIGNED_IN], description="The days that a calendar shows.")
@view_of(domain.Period)
class CalendarPeriod:
    """The days that a calendar shows."""

    view: domain.CalendarView = strawberry.field(description="A day, a week or a month.")
    time_zone: TimeZone = strawberry.field(description="The zone that the days are days of.")
    first_date: LocalDate = strawberry.field(description="The first day.")
    last_date: LocalDate = strawberry.field(description="The last day.")
    starts_at: datetime = strawberry.field(description="When the first day begins.")
    ends_at: datetime = strawberry.field(description="When the last day has ended.")


@strawberry.type(
    directives=[SIGNED_IN],
    description="One day, from its first instant to the next day's: 23 or 25 hours where the clock "
    "is changed. A booking over midnight is on both days.",
)
class CalendarDay:
    """One day of a calendar."""

    date: LocalDate = strawberry.field(description="Which day.")
    starts_at: datetime = strawberry.field(
        description="When it begins: midnight, or where the clock skips that, what comes next."
    )
    ends_at: datetime = strawberry.field(description="When the next day begins.")

    @strawberry.field(
        description="How many bookings touch the day, by status; none for a status without any.",
        graphql_type=list[BookingCount],
    )
    async def counts(self) -> Any:
        """All of the day's bookings, counted."""
        value: Any = self
        return await value.reader.counts.load(value.day)

    @strawberry.field(
        description="The bookings that touch the day, earliest first. `counts` tells of all of "
        "them, so that you know whether these are.",
        graphql_type=list[Booking],
    )
    async def bookings(
        self,
        first: Annotated[
            int, strawberry.argument(description=f"How many at most, up to {MAX_BOOKINGS}.")
        ] = 8,
    ) -> Any:
        """The day's first bookings."""
        value: Any = self
        return await value.reader.bookings.load((value.day, _size(first, MAX_BOOKINGS)))


@strawberry.type(directives=[SIGNED_IN], description="Bookings by day, as far as you may see them.")
class Calendar:
    """Bookings by day."""

    period: CalendarPeriod = strawberry.field(description="What it shows.")

    @strawberry.field(
        description="The days, in order. They are costed by `first`: say 1 for a day and 7 for a "
        "week to leave room for more of their bookings.",
        graphql_type=list[CalendarDay],
    )
    def days(
        self,
        first: Annotated[
            int, strawberry.argument(description=f"How many at most, up to {domain.MAX_DAYS}.")
        ] = domain.MAX_DAYS,
    ) -> Any:
        """The first days."""
        value: Any = self
        days = value.period.days[: _size(first, domain.MAX_DAYS)]
        return [ShownDay(day=day, reader=value.reader) for day in days]


@strawberry.type
class CalendarQueries:
    """Reading calendars."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="The bookings of a day, a week or a month, by day: your own, or for staff and "
        "analysts everyone's. What is not yours to see is not there.",
        graphql_type=Calendar,
    )
    async def calendar(
        self,
        info: Info,
        view: Annotated[domain.CalendarView, strawberry.argument(description="How many days.")],
        date: Annotated[
            LocalDate | None,
            strawberry.argument(description="A day of the period; today when left out."),
        ] = None,
        time_zone: Annotated[
            TimeZone | None,
            strawberry.argument(description="Whose days; your own zone's when left out."),
        ] = None,
        provider_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only this provider's work.")
        ] = None,
        customer_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only what this customer (a User's id) has booked."),
        ] = None,
        statuses: Annotated[
            list[BookingStatus] | None,
            strawberry.argument(description="Only bookings that stand so."),
        ] = None,
    ) -> Any:
        """A calendar."""
        context = info.context
        provider = ids.parse("Provider", provider_id, "providerId") if provider_id else None
        customer = ids.parse("User", customer_id, "customerId") if customer_id else None
        zone = ZoneInfo(time_zone or await _own_zone(context))
        scope = domain.scope(
            context.user,
            provider_id=provider,
            customer_id=customer,
            statuses=tuple(statuses) if statuses is not None else None,
        )
        return ShownCalendar(
            period=domain.period(view, date or datetime.now(zone).date(), zone),
            reader=Reader(context, scope),
        )


class Reader:
    """Reads what is on the days of one calendar; what several of them are asked for, at once."""

    def __init__(self, context: Context, scope: domain.Scope | None) -> None:
        self._context = context
        self._scope = scope
        self.counts = Loader(self._counts)
        self.bookings = Loader(self._bookings)

    async def _counts(self, days: list[domain.Day]) -> list[list[BookingCount]]:
        if self._scope is None:
            return [[] for _ in days]
        async with self._context.read() as connection:
            found = await calendar.counts_on(connection, days, within=self._scope)
        return [
            [
                BookingCount(status=status, count=found[day][status])
                for status in BookingStatus
                if status in found[day]
            ]
            for day in days
        ]

    async def _bookings(self, asked: list[tuple[domain.Day, int]]) -> list[list[bookings.Booking]]:
        if self._scope is None:
            return [[] for _ in asked]
        days = list(dict.fromkeys(day for day, _ in asked))
        most = max(first for _, first in asked)
        async with self._context.read() as connection:
            found = await calendar.bookings_on(connection, days, within=self._scope, limit=most)
        return [found[day][:first] for day, first in asked]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDay:
    """What stands for a CalendarDay: the day, and a way to read what is on it."""

    day: domain.Day
    reader: Reader

    @property
    def date(self) -> LocalDate:
        """Which day."""
        return self.day.date

    @property
    def starts_at(self) -> datetime:
        """When it begins."""
        return self.day.starts_at

    @property
    def ends_at(self) -> datetime:
        """When it ends."""
        return self.day.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCalendar:
    """What stands for a Calendar: its period, and a way to read what is on its days."""

    period: domain.Period
    reader: Reader


async def _own_zone(context: Context) -> str:
    viewer = await context.loaders.users.load(context.user.user_id)
    return viewer.time_zone if viewer else context.settings.business_time_zone


def _size(first: int, most: int) -> int:
    if not 1 <= first <= most:
        raise InvalidInput(FieldError(path=("first",), message=f"Must be from 1 to {most}."))
    return first
