"""Do the days of a calendar begin and end where they do on the wall, and who sees which?"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking_steps import BookingStatus
from domain.calendar import CalendarView, Scope, first_instant, period, scope
from domain.people import Role
from domain.refusals import InvalidInput
from tests.factories import CUSTOMER, PROVIDER, a_viewer

DAY, WEEK, MONTH = CalendarView.DAY, CalendarView.WEEK, CalendarView.MONTH
OTHER = UUID(int=99)
#: Zones that change their clocks at midnight, around it, by half hours, by a day, or never.
ODD = (
    *("Africa/Cairo", "America/New_York", "America/St_Johns", "America/Havana", "Asia/Kathmandu"),
    *("Atlantic/Azores", "Australia/Lord_Howe", "Europe/London", "Pacific/Apia", "UTC"),
)


@pytest.mark.parametrize(
    ("zone", "day", "starts_at", "hours"),
    [
        ("Europe/London", date(2027, 3, 28), "2027-03-28T00:00Z", 23),
        ("Europe/London", date(2026, 10, 25), "2026-10-24T23:00Z", 25),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00Z", 23),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00Z", 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), "2026-10-03T13:30Z", 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), "2026-04-04T13:00Z", 24.5),
        # There is no midnight: the day begins at 01:00.
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00Z", 23),
        # Midnight comes twice: the day begins with the first.
        ("Atlantic/Azores", date(2026, 10, 25), "2026-10-25T00:00Z", 25),
        ("Asia/Kathmandu", date(2026, 6, 1), "2026-05-31T18:15Z", 24),
        # The clock went from 23:30 to 00:30: the day began in the middle of its first hour.
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30Z", 23.5),
        # The zone moved across the date line and left the day out.
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00Z", 0),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00Z", 24),
    ],
)
def test_a_day_lasts_from_its_first_instant_to_the_next_days(
    zone: str, day: date, starts_at: str, hours: float
) -> None:
    start = first_instant(day, ZoneInfo(zone))
    assert start == datetime.fromisoformat(starts_at)
    assert start.tzinfo is UTC
    assert first_instant(day + timedelta(days=1), ZoneInfo(zone)) - start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("view", "first", "last", "days"),
    [
        (DAY, date(2026, 2, 18), date(2026, 2, 18), 1),
        (WEEK, date(2026, 2, 16), date(2026, 2, 22), 7),
        (MONTH, date(2026, 2, 1), date(2026, 2, 28), 28),
    ],
)
def test_a_period_is_the_day_the_iso_week_or_the_month_around_a_date(
    view: CalendarView, first: date, last: date, days: int
) -> None:
    shown = period(view, date(2026, 2, 18), ZoneInfo("Europe/London"))
    assert (shown.view, shown.time_zone) == (view, "Europe/London")
    assert (shown.first_date, shown.last_date, len(shown.days)) == (first, last, days)
    assert shown.starts_at == datetime(first.year, first.month, first.day, tzinfo=UTC)
    assert shown.ends_at == datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(1)


@pytest.mark.parametrize("on", [date(2026, 3, 30), date(2026, 4, 5)])
def test_a_week_begins_on_its_monday_also_when_that_is_in_another_month(on: date) -> None:
    assert period(WEEK, on, ZoneInfo("UTC")).first_date == date(2026, 3, 30)


@pytest.mark.parametrize(
    ("on", "days"), [(date(2024, 2, 29), 29), (date(2026, 4, 1), 30), (date(2026, 12, 31), 31)]
)
def test_a_month_has_the_days_of_the_month(on: date, days: int) -> None:
    shown = period(MONTH, on, ZoneInfo("Pacific/Apia"))
    assert [day.date.month for day in shown.days] == [on.month] * days


@pytest.mark.parametrize("on", [date(1969, 12, 31), date(9999, 1, 1), date(1, 1, 1), date.max])
@pytest.mark.parametrize("view", CalendarView)
def test_a_date_of_no_instant_is_refused(view: CalendarView, on: date) -> None:
    with pytest.raises(InvalidInput) as refused:
        period(view, on, ZoneInfo("Pacific/Kiritimati"))
    assert [error.path for error in refused.value.errors] == [("date",)]


@pytest.mark.parametrize("view", CalendarView)
@pytest.mark.parametrize("on", [date(1970, 1, 1), date(9998, 12, 31)])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
def test_the_first_and_the_last_year_have_calendars(
    view: CalendarView, on: date, zone: str
) -> None:
    shown = period(view, on, ZoneInfo(zone))
    assert shown.first_date <= on <= shown.last_date


@given(
    st.sampled_from(ODD),
    st.dates(min_value=date(1990, 1, 1), max_value=date(2037, 12, 1)),
    st.sampled_from(CalendarView),
)
def test_days_leave_no_instant_out_and_share_none(zone: str, on: date, view: CalendarView) -> None:
    shown = period(view, on, ZoneInfo(zone))
    assert shown.first_date <= on <= shown.last_date
    for day, following in zip(shown.days, shown.days[1:], strict=False):
        assert day.ends_at == following.starts_at
        assert following.date - day.date == timedelta(days=1)
    for day in shown.days:
        assert timedelta(0) <= day.ends_at - day.starts_at <= timedelta(hours=25)
        if day.starts_at < day.ends_at:
            assert day.starts_at.astimezone(ZoneInfo(zone)).date() == day.date
            before = day.starts_at - timedelta(microseconds=1)
            assert before.astimezone(ZoneInfo(zone)).date() < day.date


def test_customers_and_providers_see_their_own_whatever_else_they_name() -> None:
    customer, provider = a_viewer(), a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    assert scope(customer) == Scope(customer_id=CUSTOMER)
    assert scope(customer, customer_id=CUSTOMER, provider_id=PROVIDER) == Scope(
        customer_id=CUSTOMER, provider_id=PROVIDER
    )
    assert scope(provider) == Scope(provider_id=PROVIDER)
    assert scope(provider, provider_id=PROVIDER, customer_id=CUSTOMER) == Scope(
        customer_id=CUSTOMER, provider_id=PROVIDER
    )
    assert scope(customer, customer_id=OTHER) is None
    assert scope(provider, provider_id=OTHER) is None


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMIN, Role.ANALYST])
def test_staff_and_analysts_see_whom_they_ask_for(role: Role) -> None:
    viewer, statuses = a_viewer(role=role), (BookingStatus.PAID,)
    assert scope(viewer) == Scope()
    assert scope(viewer, provider_id=PROVIDER, customer_id=OTHER, statuses=statuses) == Scope(
        provider_id=PROVIDER, customer_id=OTHER, statuses=statuses
    )


def test_another_system_sees_nobodys() -> None:
    assert scope(a_viewer(role=Role.SERVICE)) is None
