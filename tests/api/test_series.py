"""A customer's standing order through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from api import ids
from api.scalars import parse_local_date_time
from db.engine import Database
from db.tables import bookings, events, series, series_occurrences
from gateways.settings import Settings
from tests.api import house
from tests.api.house import ADDRESS, House, provider, service
from tests.factories import add_customer, count_rows
from tests.outside import an_outside
from tests.series import NOW, Clock, held_clock
from workers.jobs import Context
from workers.queue import JobQueue
from workers.series import extend_series

__all__ = ["held_clock"]

_PROBLEMS = """
  ... on Problem { code message path }
  ... on InvalidInput { errors { path message } }
  ... on SeriesConflicts { report { ...Line } }
"""
_LINE = """
fragment Line on OccurrenceReport {
  originalStart outcome startsAt booking { id startsAt status provider { name } }
  conflict { code message broken { rule earliest latest } alternatives }
}
"""
CREATE = f"""
mutation($input: CreateBookingSeriesInput!) {{ createBookingSeries(input: $input) {{
  __typename {_PROBLEMS}
  ... on CreateBookingSeriesSuccess {{
    series {{ id timeZone firstLocalStart rrule version nextDueAt service {{ code }}
      provider {{ name }} follows {{ id }} }}
    report {{ ...Line }}
  }}
}} }} {_LINE}
"""
UPDATE = f"""
mutation($input: UpdateSeriesInput!) {{ updateSeries(input: $input) {{
  __typename {_PROBLEMS}
  ... on VersionConflict {{ currentVersion }}
  ... on UpdateSeriesSuccess {{
    series {{ id firstLocalStart rrule version follows {{ id rrule }} }} report {{ ...Line }}
  }}
}} }} {_LINE}
"""
SKIP = """
mutation($input: SkipOccurrenceInput!) { skipOccurrence(input: $input) {
  __typename ... on Problem { code path } ... on SkipOccurrenceSuccess { series { version } }
} }
"""
UNSKIP = """
mutation($input: UnskipOccurrenceInput!) { unskipOccurrence(input: $input) {
  __typename ... on Problem { code path }
  ... on UnskipOccurrenceSuccess { series { version } report { outcome } }
} }
"""
END = """
mutation($input: EndSeriesInput!) { endSeries(input: $input) {
  __typename ... on Problem { code }
  ... on EndSeriesSuccess { series { endedAt nextDueAt } report { outcome booking { status } } }
} }
"""
READ = """
query($id: ID!) { bookingSeries(id: $id) { id rrule version
  occurrences(first: 50) { totalCount nodes {
    originalStart state moved booking { startsAt status } conflict { code broken { rule } }
  } }
} }
"""
MINE = "{ mySeries { totalCount nodes { id } } }"
NODE = "query($id: ID!) { node(id: $id) { id __typename } }"
MONDAYS = ["03-02", "03-09", "03-16", "03-23", "03-30", "04-06", "04-13", "04-20"]


@pytest.fixture
async def home(settings: Settings, database: Database, held_clock: Clock) -> AsyncIterator[House]:
    assert held_clock.at == NOW
    async with house.running(settings, database) as opened:
        yield opened


def asked(**changes: Any) -> dict[str, Any]:
    """A clean every Monday at nine in London by Chloe."""
    return {
        "serviceId": service("home-clean"),
        "providerId": provider("Chloe"),
        "timeZone": "Europe/London",
        "firstLocalStart": "2026-03-02T09:00",
        "rrule": "FREQ=WEEKLY;BYDAY=MO",
        "address": ADDRESS,
    } | changes


async def starts(home: House, series_id: str) -> list[str]:
    """When the bookings of a series start that stand."""
    found = await home.act("Carla", READ, id=series_id)
    return [
        node["booking"]["startsAt"]
        for node in found["occurrences"]["nodes"]
        if node["booking"] and node["booking"]["status"] == "CONFIRMED"
    ]


async def test_a_weekly_nine_stays_nine_when_clocks_change(home: House) -> None:
    made = await home.act("Carla", CREATE, input=asked())

    # London puts its clocks forward on 29 March 2026.
    instants = [f"2026-{day}T09:00:00Z" for day in MONDAYS[:4]]
    instants += [f"2026-{day}T08:00:00Z" for day in MONDAYS[4:]]
    assert [line["startsAt"] for line in made["report"]] == instants
    assert [line["booking"]["startsAt"] for line in made["report"]] == instants
    assert [line["originalStart"] for line in made["report"]] == [
        f"2026-{day}T09:00:00" for day in MONDAYS
    ]
    assert {line["outcome"] for line in made["report"]} == {"BOOKED"}
    assert made["series"] | {"id": ""} == {
        "id": "",
        "timeZone": "Europe/London",
        "firstLocalStart": "2026-03-02T09:00:00",
        "rrule": "FREQ=WEEKLY;BYDAY=MO",
        "version": 1,
        "nextDueAt": "2026-02-26T08:00:00Z",
        "service": {"code": "home-clean"},
        "provider": {"name": "Chloe C."},
        "follows": None,
    }


async def test_a_series_that_clashes_at_the_third_of_twenty_four_is_reported_and_not_half_made(
    home: House,
) -> None:
    taken = await home.book(providerId=provider("Chloe"), startsAt="2026-03-04T10:00:00Z")
    assert taken["__typename"] == "CreateBookingSuccess"
    tables = (bookings, series, series_occurrences, events)
    before = await count_rows(home.database, *tables)
    daily = asked(rrule="FREQ=DAILY;COUNT=24")
    # Chloe takes three jobs a day, so a day has room for the others.

    refused = await home.act("Carla", CREATE, input=daily)

    assert (refused["__typename"], refused["code"]) == ("SeriesConflicts", "SERIES_CONFLICTS")
    assert refused["message"].startswith("1 of 24 occurrences cannot be as asked")
    assert len(refused["report"]) == 24
    third = refused["report"][2]
    assert third == {
        "originalStart": "2026-03-04T09:00:00",
        "outcome": "CONFLICT",
        "startsAt": "2026-03-04T09:00:00Z",
        "booking": None,
        "conflict": {
            "code": "SLOT_TAKEN",
            "message": "The provider is not free at this time.",
            "broken": [],
            "alternatives": [
                "2026-03-04T12:15:00Z",
                "2026-03-04T12:30:00Z",
                "2026-03-04T12:45:00Z",
            ],
        },
    }
    assert all(line["conflict"] is None for line in refused["report"] if line is not third)
    assert all(line["booking"] is None for line in refused["report"])
    assert await count_rows(home.database, *tables) == before

    made = await home.act("Carla", CREATE, input=daily | {"allowPartial": True})
    assert [line["outcome"] for line in made["report"]] == [
        "BOOKED",
        "BOOKED",
        "CONFLICT",
        *["BOOKED"] * 21,
    ]
    assert made["report"][2]["conflict"] == third["conflict"]
    assert len(await starts(home, made["series"]["id"])) == 23


async def test_each_scope_changes_what_it_says(home: House) -> None:
    made = (await home.act("Carla", CREATE, input=asked(rrule="FREQ=WEEKLY;COUNT=8")))["series"]
    this = {"seriesId": made["id"], "scope": "THIS", "originalStart": "2026-03-09T09:00"}

    one = await home.act("Carla", UPDATE, input=this | {"newLocalStart": "2026-03-10T14:30"})
    assert one["__typename"] == "UpdateSeriesSuccess", one
    assert [(line["originalStart"], line["outcome"]) for line in one["report"]] == [
        ("2026-03-09T09:00:00", "MOVED")
    ]
    assert (await starts(home, made["id"]))[:3] == [
        "2026-03-02T09:00:00Z",
        "2026-03-10T14:30:00Z",
        "2026-03-16T09:00:00Z",
    ]

    tail = await home.act(
        "Carla",
        UPDATE,
        input={
            "seriesId": made["id"],
            "scope": "THIS_AND_FOLLOWING",
            "originalStart": "2026-03-30T09:00",
            "newLocalStart": "2026-03-31T11:00",
            "expectedVersion": 2,
        },
    )
    assert tail["series"]["follows"] == {"id": made["id"], "rrule": "FREQ=WEEKLY;COUNT=4"}
    assert tail["series"]["rrule"] == "FREQ=WEEKLY;COUNT=4"
    assert await starts(home, tail["series"]["id"]) == [
        f"2026-{day}T10:00:00Z" for day in ("03-31", "04-07", "04-14", "04-21")
    ]

    all_ = await home.act(
        "Carla",
        UPDATE,
        input={
            "seriesId": made["id"],
            "scope": "ALL",
            "originalStart": "2026-03-02T09:00",
            "newLocalStart": "2026-03-02T08:00",
            "providerId": provider("Callum"),
        },
    )
    assert [line["outcome"] for line in all_["report"]] == ["MOVED", "KEPT", "MOVED", "MOVED"]
    names = [line["booking"]["provider"]["name"] for line in all_["report"]]
    assert names == ["Callum C.", "Chloe C.", "Callum C.", "Callum C."]
    found = await home.act("Carla", READ, id=made["id"])
    assert [
        (node["originalStart"], node["booking"]["startsAt"], node["moved"])
        for node in found["occurrences"]["nodes"]
    ] == [
        ("2026-03-02T08:00:00", "2026-03-02T08:00:00Z", False),
        ("2026-03-09T08:00:00", "2026-03-10T14:30:00Z", True),
        ("2026-03-16T08:00:00", "2026-03-16T08:00:00Z", False),
        ("2026-03-23T08:00:00", "2026-03-23T08:00:00Z", False),
    ]

    late = await home.act("Carla", UPDATE, input=this | {"expectedVersion": 1})
    assert (late["__typename"], late["currentVersion"]) == ("VersionConflict", 4)


async def test_an_occurrence_is_skipped_and_taken_up_and_a_series_ended(home: House) -> None:
    made = (await home.act("Carla", CREATE, input=asked(rrule="FREQ=WEEKLY;COUNT=3")))["series"]
    second = {"seriesId": made["id"], "originalStart": "2026-03-09T09:00"}

    assert await home.act("Carla", SKIP, input=second) == {
        "__typename": "SkipOccurrenceSuccess",
        "series": {"version": 2},
    }
    again = {"__typename": "AlreadySkipped", "code": "ALREADY_SKIPPED", "path": ["originalStart"]}
    assert await home.act("Carla", SKIP, input=second) == again
    found = await home.act("Carla", READ, id=made["id"])
    assert [node["state"] for node in found["occurrences"]["nodes"]] == [
        "BOOKED",
        "SKIPPED",
        "BOOKED",
    ]
    assert await home.act("Carla", UNSKIP, input=second) == {
        "__typename": "UnskipOccurrenceSuccess",
        "series": {"version": 3},
        "report": [{"outcome": "BOOKED"}],
    }
    not_skipped = {"__typename": "NotSkipped", "code": "NOT_SKIPPED", "path": ["originalStart"]}
    assert await home.act("Carla", UNSKIP, input=second) == not_skipped
    assert len(await starts(home, made["id"])) == 3

    ended = await home.act("Carla", END, input={"seriesId": made["id"], "cancelUpcoming": True})
    assert ended["series"] == {"endedAt": "2026-02-23T12:00:00Z", "nextDueAt": None}
    assert ended["report"] == [{"outcome": "CALLED_OFF", "booking": {"status": "CANCELLED"}}] * 3
    over = await home.act("Carla", END, input={"seriesId": made["id"]})
    assert over == {"__typename": "SeriesEnded", "code": "SERIES_ENDED"}


async def test_the_job_makes_what_comes_and_a_conflict_shows(
    home: House, held_clock: Clock, redis_url: str, namespace: str
) -> None:
    made = (await home.act("Carla", CREATE, input=asked()))["series"]
    uid = ids.decode(made["id"])
    assert uid is not None
    held_clock.at = NOW + timedelta(days=3)
    # 27 April lies 60 days and 21 hours ahead of now, and can be booked by itself.
    await home.book(providerId=provider("Chloe"), startsAt="2026-04-27T09:00:00Z")
    held_clock.at = NOW + timedelta(days=11)

    async with Redis.from_url(redis_url) as redis:
        jobs = JobQueue(redis, namespace)
        ctx = Context(database=home.database, jobs=jobs, queue="slow", outside=an_outside())
        for _ in range(2):
            await extend_series(ctx, str(uid[1]))
        await extend_series(ctx, "00000000-0000-0000-0000-000000000000")

    found = await home.act("Carla", READ, id=made["id"])
    assert found["occurrences"]["totalCount"] == 10
    assert found["occurrences"]["nodes"][8:] == [
        {
            "originalStart": "2026-04-27T09:00:00",
            "state": "CONFLICT",
            "moved": False,
            "booking": None,
            "conflict": {"code": "SLOT_TAKEN", "broken": []},
        },
        {
            "originalStart": "2026-05-04T09:00:00",
            "state": "BOOKED",
            "moved": False,
            "booking": {"startsAt": "2026-05-04T08:00:00Z", "status": "CONFIRMED"},
            "conflict": None,
        },
    ]


async def test_a_series_is_its_customers_and_the_houses(home: House) -> None:
    made = (await home.act("Carla", CREATE, input=asked()))["series"]
    home.sign_in("Strange", await add_customer(home.database))

    assert (await home.act("Dora", READ, id=made["id"]))["id"] == made["id"]
    assert await home.act("Carla", NODE, id=made["id"]) == {
        "id": made["id"],
        "__typename": "BookingSeries",
    }
    assert await home.act("Carla", MINE) == {"totalCount": 1, "nodes": [{"id": made["id"]}]}
    for who in ("Strange", "Chloe"):
        assert await home.act(who, READ, id=made["id"]) is None
        assert await home.act(who, NODE, id=made["id"]) is None
    assert await home.act("Strange", MINE) == {"totalCount": 0, "nodes": []}
    for document in (UPDATE, SKIP, UNSKIP, END):
        about = {"seriesId": made["id"]}
        if document is UPDATE:
            about["scope"] = "ALL"
        elif document is not END:
            about["originalStart"] = "2026-03-09T09:00"
        refused = await home.act("Strange", document, input=about)
        assert (refused["__typename"], refused["code"]) == ("NotFound", "NOT_FOUND")
    provider_asks = await home.ask("Chloe", CREATE, input=asked())
    assert provider_asks["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_key_sent_again_answers_with_the_same_series(home: House) -> None:
    keyed = asked(idempotencyKey="mondays")

    first = await home.act("Carla", CREATE, input=keyed)
    assert await home.act("Carla", CREATE, input=keyed) == first
    other = await home.act("Carla", CREATE, input=keyed | {"rrule": "FREQ=DAILY"})

    assert other["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await count_rows(home.database, series, bookings) == (1, 8)


async def test_every_wrong_field_is_named(home: House) -> None:
    wrong = {
        ("rrule",): asked(rrule="FREQ=HOURLY"),
        ("firstLocalStart",): asked(firstLocalStart="2026-02-23T11:59"),
        ("concern",): asked(concern="x" * 2001),
        ("serviceId",): asked(serviceId=provider("Chloe")),
    }

    for path, input_ in wrong.items():
        refused = await home.act("Carla", CREATE, input=input_)
        assert refused["__typename"] == "InvalidInput"
        assert [tuple(error["path"]) for error in refused["errors"]] == [path]
    with_offset = await home.ask("Carla", CREATE, input=asked(firstLocalStart="2026-03-02T09:00Z"))
    assert "LocalDateTime has no offset" in with_offset["errors"][0]["message"]
    assert await count_rows(home.database, series, bookings) == (0, 0)


async def test_a_booking_at_a_wall_time_that_is_none_or_two_is_refused_with_the_instants(
    home: House, held_clock: Clock
) -> None:
    document = """
    mutation($input: CreateBookingInput!) { createBooking(input: $input) { __typename
      ... on CreateBookingSuccess { booking { startsAt } }
      ... on RulesBroken { broken { rule earliest latest } alternatives } } }
    """
    once = {"serviceId": service("home-clean"), "kind": "SCHEDULED", "address": ADDRESS}
    once |= {"timeZone": "America/New_York", "providerId": provider("Chloe")}

    skipped = await home.act("Carla", document, input=once | {"localStart": "2026-03-08T02:30"})
    assert skipped == {
        "__typename": "RulesBroken",
        "broken": [
            {
                "rule": "NONEXISTENT_LOCAL_TIME",
                "earliest": "2026-03-08T07:00:00Z",
                "latest": None,
            }
        ],
        "alternatives": ["2026-03-08T07:00:00Z"],
    }
    held_clock.at = NOW + timedelta(days=240)
    twice = await home.act("Carla", document, input=once | {"localStart": "2026-11-01T01:30"})
    assert twice == {
        "__typename": "RulesBroken",
        "broken": [
            {
                "rule": "AMBIGUOUS_LOCAL_TIME",
                "earliest": "2026-11-01T05:30:00Z",
                "latest": "2026-11-01T06:30:00Z",
            }
        ],
        "alternatives": ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"],
    }
    assert await count_rows(home.database, bookings) == (0,)
    plain = await home.act("Carla", document, input=once | {"localStart": "2026-11-01T03:00"})
    assert plain["booking"] == {"startsAt": "2026-11-01T08:00:00Z"}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2026-03-14T09:00Z", "no offset"),
        ("2026-03-14T09:00+00:00", "no offset"),
        ("2026-03-14T09:00:00.5", "no fraction"),
        ("2026-03-14", "no offset"),
        ("20260314T0900", "no offset"),
        ("2026-02-30T09:00", "a time that exists"),
        ("1969-12-31T09:00", "between the years 1970 and 9998"),
        (9, "is a text"),
    ],
)
def test_a_local_time_is_a_wall_time_and_nothing_else(text: Any, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        parse_local_date_time(text)


def test_a_local_time_may_leave_out_its_seconds() -> None:
    assert parse_local_date_time("2026-03-14T09:00").isoformat() == "2026-03-14T09:00:00"
    assert parse_local_date_time("2026-03-14T09:00:05").isoformat() == "2026-03-14T09:00:05"
