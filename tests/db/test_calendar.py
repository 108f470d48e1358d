"""Are a day's bookings the ones that touch it, for whom they were asked, and all counted?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db import calendar
from db.engine import Database
from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.calendar import CalendarView, Day, Period, Scope, period
from domain.people import Viewer
from domain.services import Service
from tests.factories import add_booking, add_customer, add_provider, add_service

LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)
#: The Sunday on which London's clocks go back: it has 25 hours.
LONG = date(2026, 10, 25)


def shown(view: CalendarView, on: date, zone: ZoneInfo = LONDON) -> Period:
    return period(view, on, zone)


async def on_days(
    database: Database, days: tuple[Day, ...], limit: int = 100, **scope: Any
) -> list[list[Booking]]:
    async with database.read() as connection:
        found = await calendar.bookings_on(connection, days, within=Scope(**scope), limit=limit)
    assert list(found) == list(days)
    return list(found.values())


async def counted(
    database: Database, days: tuple[Day, ...], **scope: Any
) -> list[dict[BookingStatus, int]]:
    async with database.read() as connection:
        found = await calendar.counts_on(connection, days, within=Scope(**scope))
    return list(found.values())


class People:
    """A customer and what they book."""

    def __init__(self, database: Database, customer: Viewer, service: Service) -> None:
        self.database, self.customer, self.service = database, customer, service

    async def book(self, starts_at: datetime, hours: float, **changes: Any) -> Booking:
        ends_at = starts_at + hours * HOUR
        facts = {"starts_at": starts_at, "ends_at": ends_at, "assigned_at": None} | changes
        if facts.get("provider_id"):
            facts["assigned_at"] = starts_at
        return await add_booking(self.database, self.customer, self.service, **facts)


@pytest.fixture
async def people(database: Database) -> People:
    return People(database, await add_customer(database), await add_service(database))


async def test_a_booking_is_on_every_day_that_it_touches_and_on_no_other(people: People) -> None:
    week = shown(CalendarView.WEEK, LONG).days
    midnight = week[6].starts_at
    over = await people.book(midnight - HOUR, 2)
    until = await people.book(midnight - 2 * HOUR, 2)
    after = await people.book(midnight, 1)
    # 23:30 on the wall, an hour later than 24 hours after midnight less half an hour would be.
    late = await people.book(midnight + 24.5 * HOUR, 0.5)
    await people.book(midnight + 25 * HOUR, 1)
    days = await on_days(people.database, week)
    assert [len(day) for day in days] == [0, 0, 0, 0, 0, 2, 3]
    assert days[5] == [until, over]
    assert days[6] == [over, after, late]
    counts = await counted(people.database, week)
    assert counts == [*[{}] * 5, {BookingStatus.PENDING: 2}, {BookingStatus.PENDING: 3}]


async def test_a_booking_longer_than_days_is_on_all_of_them(people: People) -> None:
    week = shown(CalendarView.WEEK, LONG).days
    long = await people.book(week[0].starts_at - 100 * HOUR, 1000)
    assert await on_days(people.database, week) == [[long]] * 7


async def test_a_day_that_was_left_out_has_nothing_on_it(people: People) -> None:
    days = shown(CalendarView.DAY, date(2011, 12, 30), ZoneInfo("Pacific/Apia")).days
    await people.book(days[0].starts_at - HOUR, 2)
    assert await on_days(people.database, days) == [[]]
    assert await counted(people.database, days) == [{}]


async def test_the_first_of_a_day_are_shown_and_all_are_counted(people: People) -> None:
    (day,) = shown(CalendarView.DAY, LONG).days
    made = [await people.book(day.starts_at + n * HOUR, 1) for n in (4, 2, 3, 1)]
    await people.book(day.starts_at + 5 * HOUR, 1, cancelled_at=datetime.now(UTC))
    assert await on_days(people.database, (day,), limit=3) == [[made[3], made[1], made[2]]]
    assert await counted(people.database, (day,)) == [
        {BookingStatus.PENDING: 4, BookingStatus.CANCELLED: 1}
    ]


async def test_a_scope_leaves_out_whatever_is_not_in_it(people: People) -> None:
    database, service = people.database, people.service
    chloe, callum = [await add_provider(database, service) for _ in range(2)]
    other = People(database, await add_customer(database), service)
    days = shown(CalendarView.DAY, LONG).days
    at = days[0].starts_at
    hers = await people.book(at, 1, provider_id=chloe.user_id)
    his = await people.book(at, 1, provider_id=callum.user_id, paid_at=at)
    nobodys = await other.book(at, 1)
    carla = people.customer.user_id
    for scope, expected in (
        ({}, [hers, his, nobodys]),
        ({"provider_id": chloe.user_id}, [hers]),
        ({"provider_id": callum.user_id}, [his]),
        ({"customer_id": carla}, [hers, his]),
        ({"customer_id": other.customer.user_id}, [nobodys]),
        ({"customer_id": other.customer.user_id, "provider_id": chloe.user_id}, []),
        ({"statuses": (BookingStatus.CONFIRMED,)}, [his]),
        ({"statuses": (BookingStatus.PENDING,), "customer_id": carla}, [hers]),
        ({"statuses": ()}, []),
    ):
        assert await on_days(database, days, **scope) == [expected]
        (counts,) = await counted(database, days, **scope)
        assert sum(counts.values()) == len(expected)
