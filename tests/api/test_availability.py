"""Availability, time off and holidays through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from api import ids
from db.engine import Database
from gateways.settings import Settings
from tests.api.house import House, provider, running

DAY = timedelta(days=1)

UPDATE = """
mutation($input: UpdateAvailabilityInput!) { updateAvailability(input: $input) {
  __typename
  ... on UpdateAvailabilitySuccess {
    version
    provider { name timeZone availability { ...all } }
    conflicts { booking { id status } broken { rule limit } }
  }
  ... on VersionConflict { currentVersion }
  ... on Problem { code path }
  ... on InvalidInput { errors { path } }
} }
fragment all on Availability {
  timeZone dailyCap version
  weeklyHours { weekday opens closes }
  dateOverrides { day intervals { opens closes } }
  temporaryZones { firstDay lastDay timeZone }
}
"""
TAKE_OFF = """
mutation($input: RequestTimeOffInput!) { requestTimeOff(input: $input) {
  __typename
  ... on RequestTimeOffSuccess {
    timeOff { id startsAt endsAt reason cancelledAt }
    conflicts { booking { id } broken { rule } }
  }
  ... on Problem { code path }
} }
"""
CANCEL = """
mutation($id: ID!) { cancelTimeOff(input: { timeOffId: $id }) {
  __typename
  ... on CancelTimeOffSuccess { timeOff { id cancelledAt } }
  ... on Problem { code }
} }
"""
READ = """
query($id: ID!) { provider(id: $id) {
  availability { dailyCap version dateOverrides { day } } timeOff { id reason }
} }
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


async def change(house: House, name: str = "Callum", **said: Any) -> Any:
    return await house.act(name, UPDATE, input=said)


async def test_a_provider_says_when_they_work_and_reads_it_back(house: House) -> None:
    said: dict[str, Any] = {
        "weeklyHours": [
            {"weekday": 1, "opens": "09:00", "closes": "12:00"},
            {"weekday": 1, "opens": "13:00", "closes": "00:00"},
        ],
        "dateOverrides": [
            {"day": "2031-05-02", "intervals": []},
            {"day": "2031-05-01", "intervals": [{"opens": "10:00", "closes": "11:30"}]},
        ],
        "temporaryZones": [
            {"firstDay": "2031-06-01", "lastDay": "2031-06-07", "timeZone": "Asia/Kathmandu"}
        ],
        "timeZone": "Europe/Dublin",
        "dailyCap": 5,
        "expectedVersion": 1,
    }

    changed = await change(house, **said)

    assert changed == {
        "__typename": "UpdateAvailabilitySuccess",
        "version": 2,
        "conflicts": [],
        "provider": {
            "name": "Callum C.",
            "timeZone": "Europe/Dublin",
            "availability": {
                "timeZone": "Europe/Dublin",
                "dailyCap": 5,
                "version": 2,
                "weeklyHours": [
                    {"weekday": 1, "opens": "09:00:00", "closes": "12:00:00"},
                    {"weekday": 1, "opens": "13:00:00", "closes": "00:00:00"},
                ],
                "dateOverrides": [
                    {
                        "day": "2031-05-01",
                        "intervals": [{"opens": "10:00:00", "closes": "11:30:00"}],
                    },
                    {"day": "2031-05-02", "intervals": []},
                ],
                "temporaryZones": said["temporaryZones"],
            },
        },
    }
    usual = "query($id: ID!) { provider(id: $id) { workingHours { weekday opens } } }"
    assert await house.act("Carla", usual, id=provider("Callum")) == {
        "workingHours": [
            {"weekday": 1, "opens": "09:00:00"},
            {"weekday": 1, "opens": "13:00:00"},
        ]
    }


async def test_bookings_that_no_longer_fit_are_reported_first_and_kept(house: House) -> None:
    noon = noon_in(3)
    first = await booked(house, noon - timedelta(hours=2))
    second = await booked(house, noon + timedelta(hours=1))
    said: dict[str, Any] = {"dateOverrides": [{"day": noon.date().isoformat(), "intervals": []}]}

    dry = await change(house, **said, dryRun=True)
    assert (await house.act("Callum", READ, id=provider("Callum")))["availability"] == {
        "dailyCap": 50,
        "version": 1,
        "dateOverrides": [],
    }
    wet = await change(house, **said)

    conflicts = [
        {
            "booking": {"id": booking_id, "status": "CONFIRMED"},
            "broken": [{"rule": "OUTSIDE_HOURS", "limit": None}],
        }
        for booking_id in (first, second)
    ]
    assert (dry["version"], dry["conflicts"]) == (1, conflicts)
    assert (wet["version"], wet["conflicts"]) == (2, conflicts)
    status = "query($id: ID!) { booking(id: $id) { status provider { name } } }"
    assert await house.act("Carla", status, id=first) == {
        "status": "CONFIRMED",
        "provider": {"name": "Callum C."},
    }

    capped = await change(house, dateOverrides=[], dailyCap=1)
    assert capped["conflicts"] == [
        {
            "booking": {"id": second, "status": "CONFIRMED"},
            "broken": [{"rule": "DAILY_CAP", "limit": 1}],
        }
    ]


async def test_a_day_that_was_blocked_is_booked_no_more(house: House) -> None:
    noon = noon_in(3)
    await change(house, dateOverrides=[{"day": noon.date().isoformat(), "intervals": []}])

    refused = await house.book(startsAt=noon.isoformat(), providerId=provider("Callum"))

    assert refused["__typename"] == "RulesBroken"
    assert [one["rule"] for one in refused["broken"]] == ["OUTSIDE_HOURS"]


async def test_every_wrong_field_is_named_at_once_and_nothing_is_changed(house: House) -> None:
    before = await house.act("Callum", READ, id=provider("Callum"))

    refused = await change(
        house,
        weeklyHours=[
            {"weekday": 1, "opens": "09:00", "closes": "12:00"},
            {"weekday": 8, "opens": "09:00", "closes": "12:00"},
            {"weekday": 1, "opens": "11:00", "closes": "13:00"},
            {"weekday": 2, "opens": "11:00", "closes": "10:00"},
        ],
        dateOverrides=[{"day": "2031-05-01", "intervals": [{"opens": "10:00", "closes": "09:00"}]}],
        temporaryZones=[{"firstDay": "2031-06-02", "lastDay": "2031-06-01", "timeZone": "UTC"}],
        dailyCap=51,
    )

    assert refused == {
        "__typename": "InvalidInput",
        "code": "INVALID_INPUT",
        "path": ["weeklyHours", "1", "weekday"],
        "errors": [
            {"path": ["weeklyHours", "1", "weekday"]},
            {"path": ["weeklyHours", "3", "closes"]},
            {"path": ["weeklyHours", "2", "opens"]},
            {"path": ["dateOverrides", "0", "intervals", "0", "closes"]},
            {"path": ["temporaryZones", "0", "lastDay"]},
            {"path": ["dailyCap"]},
        ],
    }
    assert await house.act("Callum", READ, id=provider("Callum")) == before


async def test_a_version_that_was_overtaken_is_a_conflict(house: House) -> None:
    await change(house, dailyCap=4)

    assert await change(house, dailyCap=5, expectedVersion=1) == {
        "__typename": "VersionConflict",
        "currentVersion": 2,
        "code": "VERSION_CONFLICT",
        "path": ["expectedVersion"],
    }


async def test_staff_speak_for_any_provider_and_a_provider_for_themselves_only(
    house: House,
) -> None:
    changed = await change(house, "Dora", providerId=provider("Callum"), dailyCap=9)
    assert changed["provider"]["availability"]["dailyCap"] == 9

    for name, said, code in (
        ("Chidi", {"providerId": provider("Callum"), "dailyCap": 1}, "NOT_FOUND"),
        ("Dora", {"providerId": ids.encode("Provider", uuid4()), "dailyCap": 1}, "NOT_FOUND"),
        ("Dora", {"dailyCap": 1}, "INVALID_INPUT"),
    ):
        refused = await change(house, name, **said)
        assert refused["code"] == code
    for name in ("Carla", "Anna"):
        answer = await house.ask(name, UPDATE, input={"dailyCap": 1})
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    found = await house.act("Callum", READ, id=provider("Callum"))
    assert found["availability"]["dailyCap"] == 9


class TestTimeOff:
    async def test_is_off_at_once_listed_and_cancelled(self, house: House) -> None:
        noon = noon_in(3)
        taken = await self.take(house, noon, noon + timedelta(hours=2), reason=" Dentist ")

        off = taken["timeOff"]
        assert off | {"id": ""} == {
            "id": "",
            "startsAt": f"{noon:%Y-%m-%dT%H:%M:%S}Z",
            "endsAt": f"{noon + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}Z",
            "reason": "Dentist",
            "cancelledAt": None,
        }
        found = await house.act("Callum", READ, id=provider("Callum"))
        assert found["timeOff"] == [{"id": off["id"], "reason": "Dentist"}]
        # Over the end of the job only.
        start = noon - timedelta(hours=1)
        refused = await house.book(startsAt=start.isoformat(), providerId=provider("Callum"))
        assert [one["rule"] for one in refused["broken"]] == ["TIME_OFF"]

        cancelled = await house.act("Callum", CANCEL, id=off["id"])
        assert cancelled["timeOff"]["id"] == off["id"]
        assert cancelled["timeOff"]["cancelledAt"] is not None
        assert await house.act("Callum", CANCEL, id=off["id"]) == cancelled
        found = await house.act("Callum", READ, id=provider("Callum"))
        assert found["timeOff"] == []
        await booked(house, start)

    async def test_reports_the_bookings_that_lie_in_it(self, house: House) -> None:
        noon = noon_in(3)
        booking_id = await booked(house, noon)

        taken = await self.take(house, noon + timedelta(hours=1), noon + timedelta(hours=5))

        assert taken["conflicts"] == [
            {"booking": {"id": booking_id}, "broken": [{"rule": "TIME_OFF"}]}
        ]

    async def test_wrongly_asked_for_is_refused_with_the_field(self, house: House) -> None:
        noon = noon_in(3)
        refused = await self.take(house, noon, noon)
        assert refused == {
            "__typename": "InvalidInput",
            "code": "INVALID_INPUT",
            "path": ["endsAt"],
        }
        for_another = await self.take(
            house, noon, noon + DAY, name="Chidi", providerId=provider("Callum")
        )
        assert for_another == {"__typename": "NotFound", "code": "NOT_FOUND", "path": None}

    async def test_is_seen_by_the_provider_and_staff_only(self, house: House) -> None:
        noon = noon_in(3)
        off = (await self.take(house, noon, noon + DAY, reason="Ill"))["timeOff"]
        node = "query($id: ID!) { node(id: $id) { id ... on TimeOff { reason } } }"
        plain = "query($id: ID!) { node(id: $id) { id } }"

        for name in ("Callum", "Dora", "Adam"):
            found = await house.act(name, READ, id=provider("Callum"))
            assert found["timeOff"] == [{"id": off["id"], "reason": "Ill"}]
            assert await house.act(name, node, id=off["id"]) == {"id": off["id"], "reason": "Ill"}
        assert await house.act("Chidi", READ, id=provider("Callum")) == {
            "availability": None,
            "timeOff": None,
        }
        assert await house.act("Chidi", node, id=off["id"]) is None
        assert (await house.act("Chidi", CANCEL, id=off["id"]))["code"] == "NOT_FOUND"
        for name in ("Carla", "Anna"):
            answer = await house.ask(name, READ, id=provider("Callum"))
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
            assert await house.act(name, plain, id=off["id"]) is None

    async def take(
        self,
        house: House,
        starts_at: datetime,
        ends_at: datetime,
        name: str = "Callum",
        **changes: Any,
    ) -> Any:
        times = {"startsAt": starts_at.isoformat(), "endsAt": ends_at.isoformat()}
        return await house.act(name, TAKE_OFF, input=times | changes)
