"""Holidays through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db.engine import Database
from gateways.settings import Settings
from tests.api.house import House, provider, running

DAY = timedelta(days=1)

ADD = """
mutation($input: AddHolidayInput!) { addHoliday(input: $input) {
  __typename
  ... on AddHolidaySuccess { holiday { id day country name } conflictCount }
  ... on HolidayExists { holiday { id } }
  ... on Problem { code path }
} }
"""
REMOVE = """
mutation($id: ID!) { removeHoliday(input: { holidayId: $id }) {
  __typename ... on RemoveHolidaySuccess { holiday { id day } } ... on Problem { code }
} }
"""
LIST = """
query($from: LocalDate!, $to: LocalDate!, $country: String) {
  holidays(from: $from, to: $to, country: $country) { id day country name }
}
"""


@pytest.fixture
async def house(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with running(settings, database) as house:
        yield house


def noon_in(days: int) -> datetime:
    """Noon UTC some days from now."""
    return (datetime.now(UTC) + days * DAY).replace(hour=12, minute=0, second=0, microsecond=0)


async def booked(house: House, starts_at: datetime, name: str = "Callum") -> str:
    """The id of a booking that the provider has to do."""
    made = await house.book(startsAt=starts_at.isoformat(), providerId=provider(name))
    assert made["__typename"] == "CreateBookingSuccess", made
    booking_id: str = made["booking"]["id"]
    return booking_id


class TestHolidays:
    async def test_close_the_house_for_everyone_and_are_seen_by_all(self, house: House) -> None:
        noon = noon_in(3)
        await booked(house, noon, "Callum")
        await booked(house, noon, "Chidi")
        await booked(house, noon + DAY, "Callum")
        day = noon.date()

        added = await self.add(house, day, country="GB", name=" Rest ")

        assert added == {
            "__typename": "AddHolidaySuccess",
            "holiday": {
                "id": added["holiday"]["id"],
                "day": day.isoformat(),
                "country": "GB",
                "name": "Rest",
            },
            "conflictCount": 2,
        }
        assert await self.listed(house, None, day, day) == [added["holiday"]]
        refused = await house.book(
            startsAt=(noon + timedelta(hours=3)).isoformat(), providerId=provider("Callum")
        )
        assert [one["rule"] for one in refused["broken"]] == ["HOLIDAY"]

        again = await self.add(house, day, country="GB", name="Other")
        assert again == {
            "__typename": "HolidayExists",
            "holiday": {"id": added["holiday"]["id"]},
            "code": "HOLIDAY_EXISTS",
            "path": ["day"],
        }
        removed = await house.act("Adam", REMOVE, id=added["holiday"]["id"])
        assert removed["holiday"] == {"id": added["holiday"]["id"], "day": day.isoformat()}
        gone = await house.act("Adam", REMOVE, id=added["holiday"]["id"])
        assert gone == {"__typename": "NotFound", "code": "NOT_FOUND"}
        assert await self.listed(house, None, day, day) == []

    async def test_are_listed_by_country(self, house: House) -> None:
        day = date(2031, 1, 1)
        everywhere = (await self.add(house, day, name="A"))["holiday"]
        await self.add(house, day, country="CA", name="B")
        node = "query($id: ID!) { node(id: $id) { ... on Holiday { name } } }"

        assert await self.listed(house, "Carla", day, day, country="GB") == [everywhere]
        assert [one["name"] for one in await self.listed(house, None, day, day)] == ["A", "B"]
        assert await house.act("Carla", node, id=everywhere["id"]) == {"name": "A"}

    async def test_are_kept_by_admins_alone(self, house: House) -> None:
        for name in ("Dora", "Callum", "Carla"):
            answer = await house.ask(name, ADD, input={"day": "2031-01-01", "name": "Mine"})
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        refused = await self.add(house, date(2031, 1, 1), country="gb", name="")
        assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["country"])
        assert await self.listed(house, None, date(2031, 1, 1), date(2031, 1, 1)) == []

    async def test_are_not_listed_for_ages(self, house: House) -> None:
        answer = await house.ask(None, LIST, **{"from": "2031-01-01", "to": "2033-01-01"})
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"

    async def add(self, house: House, day: date, **said: Any) -> Any:
        return await house.act("Adam", ADD, input={"day": day.isoformat()} | said)

    async def listed(
        self, house: House, name: str | None, first: date, last: date, **only: Any
    ) -> Any:
        limits = {"from": first.isoformat(), "to": last.isoformat()}
        return await house.act(name, LIST, **limits | only)
