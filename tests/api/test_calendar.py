"""Does a calendar show each viewer their bookings on the days of the zone they ask for?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from api import ids
from db.engine import Database
from db.seed import ACCOUNTS
from db.tables import services, users
from domain.bookings import Booking
from domain.people import Viewer
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House, provider, service
from tests.factories import a_service, a_viewer, add_booking

HOUR = timedelta(hours=1)
NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
CALENDAR = """
query($view: CalendarView!, $date: LocalDate, $zone: TimeZone, $provider: ID, $customer: ID,
      $statuses: [BookingStatus!], $days: Int = 31, $first: Int = 8) {
  calendar(view: $view, date: $date, timeZone: $zone, providerId: $provider, customerId: $customer,
           statuses: $statuses) {
    period { view timeZone firstDate lastDate startsAt endsAt }
    days(first: $days) {
      date startsAt endsAt counts { status count } bookings(first: $first) { id }
    }
  }
}
"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


def person(name: str) -> Viewer:
    (account,) = (one for one in ACCOUNTS if one.given_name == name)
    return a_viewer(user_id=account.id, role=account.role)


def customer_id(name: str) -> str:
    return ids.encode("User", person(name).user_id)


async def book(home: House, by: str, with_: str | None, starts_at: datetime, **facts: Any) -> str:
    """A two-hour clean; its global id."""
    assigned: dict[str, Any] = (
        {"provider_id": person(with_).user_id, "assigned_at": starts_at} if with_ else {}
    )
    async with home.database.read() as connection:
        clean = await connection.scalar(
            select(services.c.id).where(services.c.code == "home-clean")
        )
    made: Booking = await add_booking(
        home.database,
        person(by),
        a_service(id=clean),
        **{"starts_at": starts_at} | assigned | facts,
    )
    return ids.encode("Booking", made.id)


def on(calendar: Any) -> dict[str, list[str]]:
    """The bookings of each day that has any."""
    return {
        day["date"]: [one["id"] for one in day["bookings"]]
        for day in calendar["days"]
        if day["bookings"]
    }


@pytest.mark.parametrize(
    ("zone", "day", "starts_at", "ends_at"),
    [
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        ("Europe/London", "2027-03-28", "2027-03-28T00:00:00Z", "2027-03-28T23:00:00Z"),
        ("Europe/London", "2026-10-25", "2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z"),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"),
        ("Asia/Kathmandu", "2026-06-01", "2026-05-31T18:15:00Z", "2026-06-01T18:15:00Z"),
    ],
)
async def test_a_day_is_the_day_of_the_zone_however_long_its_clocks_make_it(
    home: House, zone: str, day: str, starts_at: str, ends_at: str
) -> None:
    first, last = datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at)
    await book(home, "Carla", None, first - 2 * HOUR)
    early = await book(home, "Carla", None, first)
    late = await book(home, "Carla", None, last - 2 * HOUR)
    await book(home, "Carla", None, last)
    shown = await home.act("Dora", CALENDAR, view="DAY", date=day, zone=zone)
    assert shown["period"] == {
        "view": "DAY",
        "timeZone": zone,
        "firstDate": day,
        "lastDate": day,
        "startsAt": starts_at,
        "endsAt": ends_at,
    }
    assert shown["days"] == [
        {
            "date": day,
            "startsAt": starts_at,
            "endsAt": ends_at,
            "counts": [{"status": "PENDING", "count": 2}],
            "bookings": [{"id": early}, {"id": late}],
        }
    ]


async def test_a_week_has_seven_days_from_monday_and_a_booking_over_midnight_is_on_two(
    home: House,
) -> None:
    over = await book(home, "Carla", None, datetime(2026, 6, 16, 22, 30, tzinfo=UTC))
    shown = await home.act("Dora", CALENDAR, view="WEEK", date="2026-06-17", zone="Europe/London")
    assert [day["date"] for day in shown["days"]] == [f"2026-06-{n}" for n in range(15, 22)]
    assert on(shown) == {"2026-06-16": [over], "2026-06-17": [over]}
    utc = await home.act("Dora", CALENDAR, view="WEEK", date="2026-06-17", zone="Etc/GMT+3")
    assert on(utc) == {"2026-06-16": [over]}


async def test_a_month_has_the_days_of_the_month(home: House) -> None:
    one = await book(home, "Carla", None, datetime(2026, 2, 28, 22, 30, tzinfo=UTC))
    shown = await home.act("Dora", CALENDAR, view="MONTH", date="2026-02-11", zone="UTC")
    assert (len(shown["days"]), on(shown)) == (28, {"2026-02-28": [one]})
    shown = await home.act("Dora", CALENDAR, view="MONTH", date="2026-03-31", zone="UTC")
    assert (len(shown["days"]), on(shown)) == (31, {"2026-03-01": [one]})


async def test_without_a_zone_and_a_date_it_is_today_where_the_viewer_lives(home: House) -> None:
    async with home.database.begin() as tx:
        dora = update(users).where(users.c.id == person("Dora").user_id)
        await tx.execute(dora.values(time_zone="Pacific/Kiritimati"))
    today = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()
    shown = await home.act("Dora", CALENDAR, view="DAY")
    # At midnight there the day may end between the question and this line.
    assert date.fromisoformat(shown["period"]["firstDate"]) in {today, today - timedelta(days=1)}
    assert shown["period"]["timeZone"] == "Pacific/Kiritimati"


async def test_everybody_sees_theirs_and_nobody_elses(home: House) -> None:
    chloes = await book(home, "Carla", "Chloe", NOON)
    callums = await book(home, "Carla", "Callum", NOON + HOUR)
    others = await book(home, "Adam", "Callum", NOON + 4 * HOUR)
    open_ = await book(home, "Adam", None, NOON + 5 * HOUR)

    async def sees(name: str, **asked: Any) -> list[str]:
        shown = await home.act(
            name, CALENDAR, view="DAY", date="2026-06-17", zone="UTC", days=1, **asked
        )
        (day,) = shown["days"]
        assert sum(one["count"] for one in day["counts"]) == len(day["bookings"])
        return [one["id"] for one in day["bookings"]]

    carla, adam = customer_id("Carla"), customer_id("Adam")
    chloe, callum = provider("Chloe"), provider("Callum")
    for staff in ("Dora", "Anna"):
        assert await sees(staff) == [chloes, callums, others, open_]
        assert await sees(staff, provider=callum) == [callums, others]
        assert await sees(staff, customer=adam) == [others, open_]
        assert await sees(staff, customer=adam, provider=chloe) == []
        assert await sees(staff, statuses=["CONFIRMED"]) == []
    assert await sees("Carla") == await sees("Carla", customer=carla) == [chloes, callums]
    assert await sees("Carla", provider=callum) == [callums]
    assert await sees("Chloe") == await sees("Chloe", provider=chloe) == [chloes]
    assert await sees("Callum", customer=adam) == [others]
    # Somebody else's is as empty as that of nobody at all.
    nobody = ids.encode("User", uuid4())
    for asked in (adam, nobody):
        assert await sees("Carla", customer=asked) == []
        assert await sees("Carla", customer=asked, provider=callum) == []
    for asked in (callum, ids.encode("Provider", uuid4())):
        assert await sees("Chloe", provider=asked) == []
        assert await sees("Chloe", provider=asked, customer=carla) == []


async def test_a_full_day_shows_its_first_and_counts_them_all(home: House) -> None:
    made = [await book(home, "Carla", None, NOON + n * timedelta(minutes=5)) for n in range(10)]
    gone = await book(home, "Carla", None, NOON - HOUR, cancelled_at=NOON)
    facts = {"view": "DAY", "date": "2026-06-17", "zone": "UTC"}
    (day,) = (await home.act("Dora", CALENDAR, **facts))["days"]
    assert [one["id"] for one in day["bookings"]] == [gone, *made[:7]]
    assert day["counts"] == [
        {"status": "PENDING", "count": 10},
        {"status": "CANCELLED", "count": 1},
    ]
    (day,) = (await home.act("Dora", CALENDAR, **facts, days=1, first=100, statuses=["PENDING"]))[
        "days"
    ]
    assert [one["id"] for one in day["bookings"]] == made
    assert day["counts"] == [{"status": "PENDING", "count": 10}]


async def test_days_asked_for_in_several_ways_are_each_answered(home: House) -> None:
    made = [await book(home, "Carla", None, NOON + n * HOUR) for n in range(3)]
    document = """{ calendar(view: DAY, date: "2026-06-17", timeZone: "UTC") { days(first: 1) {
      one: bookings(first: 1) { id } two: bookings(first: 2) { id } } } }"""
    shown = await home.act("Dora", document)
    (day,) = shown["days"]
    assert [one["id"] for one in day["one"]] == made[:1]
    assert [one["id"] for one in day["two"]] == made[:2]


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"days": 0}, "first"),
        ({"days": 32, "first": 1}, "first"),
        ({"first": 0}, "first"),
        ({"days": 1, "first": 101}, "first"),
        ({"date": "9999-12-31"}, "date"),
        ({"date": "0001-01-01"}, "date"),
        ({"provider": service("home-clean")}, "providerId"),
        ({"customer": provider("Chloe")}, "customerId"),
    ],
)
async def test_what_no_calendar_can_be_made_of_is_refused_by_name(
    home: House, asked: dict[str, Any], path: str
) -> None:
    answer = await home.ask("Dora", CALENDAR, **{"view": "MONTH", "zone": "Asia/Tokyo"} | asked)
    (error,) = [one for one in answer["errors"] if "extensions" in one][:1]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert path in str(error)


async def test_nobody_reads_a_calendar_without_signing_in(home: House) -> None:
    answer = await home.ask(None, CALENDAR, view="DAY")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_months_calendar_costs_what_it_can_hold_and_stays_within_the_limit(
    home: House,
) -> None:
    for n in range(9):
        await book(home, "Carla", "Chloe", NOON + n * HOUR / 9, cancelled_at=NOON)
    document = """{ calendar(view: MONTH, date: "2026-06-17", timeZone: "UTC") {
      period { firstDate } days { counts { count }
        bookings { service { name } customer { name } } } } }"""
    answer = await home.ask("Dora", document)
    cost = answer["extensions"]["cost"]
    # The calendar, its period, 31 days; each with 5 counts, and 8 bookings with two parts each.
    assert cost["requested"] == 2 + 31 * (1 + 5 + 8 * 3)
    assert cost["actual"] <= cost["requested"]
    assert "errors" not in answer
    much = document.replace("bookings {", "bookings(first: 100) {")
    answer = await home.ask("Dora", much)
    assert answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX"
    one_day = much.replace("MONTH", "DAY").replace("days {", "days(first: 1) {")
    assert "errors" not in await home.ask("Dora", one_day)
