"""Is a provider's availability read as it was said, and never half changed?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from db import availability
from db.engine import constraint
from db.ids import new_id
from db.tables import date_overrides, holidays, temporary_zones, time_off, working_hours
from db.tables import providers as providers_table
from domain.availability import DateOverride, TemporaryZone
from domain.hours import Interval, WeeklyHours, WeeklyInterval
from tests.db.racing import act
from tests.factories import add_provider, add_providers, add_service

if TYPE_CHECKING:
    from db.engine import Database
    from domain.availability import Availability
    from domain.people import Viewer

MONDAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def read(database: Database, *people: Viewer, **limits: datetime) -> list[Availability]:
    wanted = {"starts_at": NOON, "ends_at": NOON + 7 * DAY} | limits
    async with database.read() as connection:
        found = await availability.of_providers(
            connection, [one.user_id for one in people], **wanted
        )
    return [found[one.user_id] for one in people]


async def put(database: Database, table: Any, *rows: dict[str, Any]) -> None:
    async with database.begin() as tx:
        await tx.execute(insert(table), list(rows))


def an_override(provider: Viewer, day: date, hours: str | None = None) -> dict[str, Any]:
    opens, _, closes = (hours or "").partition("-")
    return {
        "id": new_id(),
        "provider_id": provider.user_id,
        "day": day,
        "opens": time.fromisoformat(opens) if opens else None,
        "closes": time.fromisoformat(closes) if closes else None,
    }


def a_stay(provider: Viewer, first: date, last: date, zone: str) -> dict[str, Any]:
    return {
        "provider_id": provider.user_id,
        "first_day": first,
        "last_day": last,
        "time_zone": zone,
    }


def a_leave(provider: Viewer, starts_at: datetime, **changes: Any) -> dict[str, Any]:
    facts = {
        "id": new_id(),
        "provider_id": provider.user_id,
        "starts_at": starts_at,
        "ends_at": starts_at + HOUR,
        "requested_at": NOON,
        "requested_by": provider.user_id,
        "cancelled_at": None,
    }
    return facts | changes


def a_holiday(day: date, country: str | None = None) -> dict[str, Any]:
    return {"id": new_id(), "day": day, "country": country, "name": "Closed"}


async def keep_hours(database: Database, provider: Viewer, *hours: tuple[int, str]) -> None:
    w = working_hours
    rows = [
        {
            "provider_id": provider.user_id,
            "weekday": weekday,
            "opens": time.fromisoformat(text.split("-")[0]),
            "closes": time.fromisoformat(text.split("-")[1]),
        }
        for weekday, text in hours
    ]
    async with database.begin() as tx:
        await tx.execute(delete(w).where(w.c.provider_id == provider.user_id))
        if rows:
            await tx.execute(insert(w), rows)


def weekly(weekday: int, opens: str, closes: str) -> WeeklyInterval:
    return WeeklyInterval(
        weekday=weekday, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
    )


class TestReading:
    async def test_nobody_takes_no_statement(self, database: Database) -> None:
        assert await read(database) == []

    async def test_leaves_an_unknown_provider_out(self, database: Database) -> None:
        async with database.read() as connection:
            found = await availability.of_providers(
                connection, [UUID(int=1)], starts_at=NOON, ends_at=NOON + HOUR
            )
        assert found == {}

    async def test_gives_the_usual_week_in_order_with_zone_and_cap(
        self, database: Database
    ) -> None:
        columns: dict[str, Any] = {"time_zone": "Asia/Kathmandu", "daily_cap": 5}
        provider = await add_provider(database, await add_service(database), **columns)
        await keep_hours(
            database, provider, (2, "13:30-00:00"), (2, "09:00-12:00"), (1, "08:00-08:00:30")
        )

        (found,) = await read(database, provider)

        assert found.zone is ZoneInfo("Asia/Kathmandu")
        assert found.daily_cap == 5
        assert found.hours == WeeklyHours(
            intervals=(
                weekly(1, "08:00", "08:00:30"),
                weekly(2, "09:00", "12:00"),
                weekly(2, "13:30", "00:00"),
            )
        )
        assert (found.overrides, found.zones, found.time_off) == ((), (), ())
        assert found.holidays == frozenset()

    async def test_gives_those_whose_weeks_are_alike_one_value(self, database: Database) -> None:
        one, other, idle = await add_providers(database, await add_service(database), count=3)
        await keep_hours(database, idle)

        found = await read(database, one, other, idle)

        assert found[0] is found[1]
        assert found[2].hours == WeeklyHours()

    async def test_gives_each_their_own_exceptions_near_the_time(self, database: Database) -> None:
        one, other = await add_providers(database, await add_service(database), count=2)
        await put(
            database,
            date_overrides,
            an_override(one, MONDAY, "13:00-17:00"),
            an_override(one, MONDAY, "08:00-12:00"),
            an_override(one, MONDAY + DAY),
            an_override(other, MONDAY, "10:00-00:00"),
        )
        await put(
            database,
            temporary_zones,
            a_stay(one, MONDAY + 3 * DAY, MONDAY + 4 * DAY, "Asia/Tokyo"),
            a_stay(one, MONDAY - 9 * DAY, MONDAY, "Europe/Rome"),
        )
        await put(database, time_off, a_leave(one, NOON + DAY), a_leave(one, NOON))

        found, others = await read(database, one, other)

        assert found.overrides == (
            DateOverride(
                day=MONDAY,
                intervals=(
                    Interval(opens=time(8), closes=time(12)),
                    Interval(opens=time(13), closes=time(17)),
                ),
            ),
            DateOverride(day=MONDAY + DAY),
        )
        assert found.zones == (
            TemporaryZone(first=MONDAY - 9 * DAY, last=MONDAY, zone=ZoneInfo("Europe/Rome")),
            TemporaryZone(
                first=MONDAY + 3 * DAY, last=MONDAY + 4 * DAY, zone=ZoneInfo("Asia/Tokyo")
            ),
        )
        assert found.time_off == ((NOON, NOON + HOUR), (NOON + DAY, NOON + DAY + HOUR))
        assert others.overrides == (
            DateOverride(day=MONDAY, intervals=(Interval(opens=time(10), closes=time()),)),
        )
        assert (others.zones, others.time_off) == ((), ())

    async def test_looks_two_days_past_either_end_and_no_further(self, database: Database) -> None:
        provider = await add_provider(database, await add_service(database))
        first, last = MONDAY - 2 * DAY, MONDAY + 9 * DAY
        await put(
            database,
            date_overrides,
            *(an_override(provider, day) for day in (first - DAY, first, last, last + DAY)),
        )
        await put(
            database,
            holidays,
            *(a_holiday(day) for day in (first - DAY, first, last, last + DAY)),
        )
        await put(
            database,
            temporary_zones,
            a_stay(provider, first - DAY, first - DAY, "Asia/Tokyo"),
            a_stay(provider, first, first, "Asia/Tokyo"),
            a_stay(provider, last, last, "Asia/Tokyo"),
            a_stay(provider, last + DAY, last + DAY, "Asia/Tokyo"),
        )
        begin, end = NOON - 2 * DAY, NOON + 9 * DAY
        await put(
            database,
            time_off,
            a_leave(provider, begin - HOUR),
            a_leave(provider, begin - HOUR / 2),
            a_leave(provider, end - HOUR / 2),
            a_leave(provider, end),
        )

        (found,) = await read(database, provider)

        assert [one.day for one in found.overrides] == [first, last]
        assert [one.first for one in found.zones] == [first, last]
        assert [start for start, _ in found.time_off] == [begin - HOUR / 2, end - HOUR / 2]
        assert found.holidays == {first, last}

    async def test_forgets_time_off_that_was_cancelled(self, database: Database) -> None:
        provider = await add_provider(database, await add_service(database))
        await put(database, time_off, a_leave(provider, NOON, cancelled_at=NOON))

        (found,) = await read(database, provider)

        assert found.time_off == ()

    async def test_counts_holidays_of_the_providers_country_and_of_everywhere(
        self, database: Database
    ) -> None:
        british, canadian, also_british = await add_providers(
            database, await add_service(database), count=3
        )
        p = providers_table
        moved = update(p).where(p.c.id == canadian.user_id).values(country="CA")
        await act(database, lambda tx: tx.execute(moved))
        await put(
            database,
            holidays,
            a_holiday(MONDAY),
            a_holiday(MONDAY, "GB"),
            a_holiday(MONDAY + DAY, "CA"),
        )

        found = await read(database, british, canadian, also_british)

        assert [one.holidays for one in found] == [{MONDAY}, {MONDAY, MONDAY + DAY}, {MONDAY}]
        assert found[0] is found[2]


class TestTheDatabaseRefuses:
    """What no code path may put there, whatever it checks."""

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (None, None),
            (None, "09:00-10:00"),
            ("09:00-10:00", None),
            ("09:00-12:00", "11:59-13:00"),
            ("09:00-00:00", "23:00-23:30"),
        ],
    )
    async def test_two_sets_of_hours_for_one_date(
        self, database: Database, first: str | None, second: str | None
    ) -> None:
        provider = await add_provider(database, await add_service(database))
        await put(database, date_overrides, an_override(provider, MONDAY, first))

        await self.refused(
            database,
            date_overrides,
            an_override(provider, MONDAY, second),
            by="ex_date_overrides_one_set_a_day",
        )

    async def test_but_not_hours_that_touch_nor_the_next_day_nor_another_provider(
        self, database: Database
    ) -> None:
        one, other = await add_providers(database, await add_service(database), count=2)
        await put(
            database,
            date_overrides,
            an_override(one, MONDAY, "09:00-12:00"),
            an_override(one, MONDAY, "12:00-00:00"),
            an_override(one, MONDAY + DAY),
            an_override(other, MONDAY),
        )

    async def test_two_zones_on_one_day(self, database: Database) -> None:
        one, other = await add_providers(database, await add_service(database), count=2)
        stay = a_stay(one, MONDAY, MONDAY + DAY, "Asia/Tokyo")
        await put(database, temporary_zones, stay, stay | {"provider_id": other.user_id})
        await put(database, temporary_zones, a_stay(one, MONDAY + 2 * DAY, MONDAY + 2 * DAY, "UTC"))

        await self.refused(
            database,
            temporary_zones,
            a_stay(one, MONDAY + DAY, MONDAY + DAY, "UTC"),
            by="ex_temporary_zones_one_at_a_time",
        )

    async def test_a_holiday_twice(self, database: Database) -> None:
        await put(database, holidays, a_holiday(MONDAY), a_holiday(MONDAY, "GB"))
        for country in (None, "GB"):
            await self.refused(
                database, holidays, a_holiday(MONDAY, country), by="uq_holidays_day_country"
            )

    @pytest.mark.parametrize("cap", [0, 51])
    async def test_a_daily_cap_out_of_range(self, database: Database, cap: int) -> None:
        provider = await add_provider(database, await add_service(database))
        p = providers_table
        changed = update(p).where(p.c.id == provider.user_id).values(daily_cap=cap)
        with pytest.raises(IntegrityError) as refused:
            await act(database, lambda tx: tx.execute(changed))
        assert constraint(refused.value) == "ck_providers_daily_cap"

    async def refused(
        self, database: Database, table: Any, row: dict[str, Any], *, by: str
    ) -> None:
        with pytest.raises(IntegrityError) as refused:
            await put(database, table, row)
        assert constraint(refused.value) == by
