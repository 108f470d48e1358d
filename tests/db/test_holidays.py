"""Is a holiday kept once, and is what lies on it found?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from db import holidays
from db.tables import holidays as table
from domain.holidays import HolidayExists
from domain.refusals import InvalidInput, NotFound
from tests.db.racing import act, race
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_service,
    count_rows,
    now,
    read_booking,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking

NEW_YEAR = date(2030, 1, 1)
DAY = timedelta(days=1)


def adding(day: date = NEW_YEAR, country: str | None = None, name: str = "Rest") -> Any:
    return partial(holidays.add, day=day, country=country, name=name)


async def listed(
    database: Database, country: str | None = None, *, days: int = 10
) -> list[tuple[date, str | None]]:
    async with database.read() as connection:
        found = await holidays.between(connection, NEW_YEAR, NEW_YEAR + days * DAY, country=country)
    return [(one.day, one.country) for one in found]


async def booked(
    database: Database, starts_at: datetime, *, country: str = "GB", zone: str = "Europe/London"
) -> Booking:
    """Two hours of work for a provider of that country, who works at any hour."""
    service, at = await add_service(database), await now(database)
    provider = await add_provider(database, service, country=country, time_zone=zone)
    facts = {"provider_id": provider.user_id, "assigned_at": at, "paid_at": at}
    times = {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=2)}
    customer = await add_customer(database)
    return await add_booking(database, customer, service, **facts | times, match_due_at=None)


async def test_a_holiday_is_one_once_in_a_country_and_once_everywhere(crowd: Database) -> None:
    outcomes = await race(crowd, [adding(), adding(), adding(country="GB"), adding(country="GB")])

    refused = [one for one in outcomes if isinstance(one, HolidayExists)]
    made = [one[0] for one in outcomes if not isinstance(one, HolidayExists)]
    assert {one.holiday for one in refused} == set(made)
    assert {one.country for one in made} == {None, "GB"}
    assert await count_rows(crowd, table) == (2,)
    async with crowd.read() as connection:
        assert await holidays.by_id(connection, made[0].id) == made[0]
        assert await holidays.by_id(connection, uuid4()) is None


async def test_a_wrong_holiday_leaves_no_trace(database: Database) -> None:
    with pytest.raises(InvalidInput):
        await act(database, adding(name=""))
    assert await count_rows(database, table) == (0,)


async def test_a_holiday_is_removed_once(database: Database) -> None:
    added, _ = await act(database, adding(country="CA"))
    removing = partial(holidays.remove, holiday_id=added.id)

    assert await act(database, removing) == added
    assert await count_rows(database, table) == (0,)
    with pytest.raises(NotFound):
        await act(database, removing)


async def test_those_that_count_in_a_country_are_listed_in_order(database: Database) -> None:
    for day, country in ((5, "GB"), (1, "CA"), (1, "GB"), (1, None), (10, None), (11, "GB")):
        await act(database, adding(NEW_YEAR + day * DAY, country))

    def on(number: int, country: str | None) -> tuple[date, str | None]:
        return NEW_YEAR + number * DAY, country

    assert await listed(database, "GB") == [on(1, None), on(1, "GB"), on(5, "GB"), on(10, None)]
    assert await listed(database, "FR") == [on(1, None), on(10, None)]
    assert await listed(database) == [
        on(1, None),
        on(1, "CA"),
        on(1, "GB"),
        on(5, "GB"),
        on(10, None),
    ]
    with pytest.raises(InvalidInput):
        await listed(database, days=-1)


async def test_what_lies_on_a_holiday_is_found_by_each_providers_own_clock(
    database: Database,
) -> None:
    midnight = datetime.combine(NEW_YEAR, time(), UTC)
    inside = await booked(database, midnight + timedelta(hours=10))
    reaching_in = await booked(database, midnight - timedelta(hours=1))
    await booked(database, midnight - timedelta(hours=2))
    await booked(database, midnight + DAY)
    # Still the last day of the year in Vancouver, and the first in Tokyo.
    await booked(database, midnight + timedelta(hours=1), zone="America/Vancouver")
    in_tokyo = await booked(database, midnight - timedelta(hours=10), zone="Asia/Tokyo")
    abroad = await booked(database, midnight + timedelta(hours=10), country="CA")

    added, found = await act(database, adding(country="GB"))
    assert {one.id for one in found} == {inside.id, reaching_in.id, in_tokyo.id}

    await act(database, partial(holidays.remove, holiday_id=added.id))
    _, found = await act(database, adding())
    assert {one.id for one in found} == {inside.id, reaching_in.id, in_tokyo.id, abroad.id}
    assert await read_booking(database, inside.id) == inside


async def test_what_is_over_is_not_found(database: Database) -> None:
    over = await booked(database, await now(database) - timedelta(hours=3))

    _, found = await act(database, adding(over.starts_at.date()))

    assert found == ()
