"""Waiting for a slot through the public door, with a worker that grants what becomes free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from api import ids
from db.engine import Database
from db.tables import holds, providers, reservations, services, waitlist_entries
from domain.services import Service
from gateways.settings import Settings
from tests import invariants
from tests.api import house
from tests.api.house import ADDRESS, CREATE, House
from tests.factories import (
    add_customer,
    add_provider,
    add_service,
    count_rows,
    now,
)

ENTRY = """
  id state position leftAt earliest latest service { id } provider { id } address { line1 }
  grant { id startsAt endsAt expiresAt ending provider { id } }
"""
JOIN = f"""
mutation($input: JoinWaitlistInput!) {{ joinWaitlist(input: $input) {{
  __typename
  ... on JoinWaitlistSuccess {{ entry {{ {ENTRY} }} }}
  ... on AlreadyWaiting {{ entry {{ id state }} }}
  ... on ProviderNotEligible {{ unmet }}
  ... on Problem {{ code path }}
  ... on InvalidInput {{ errors {{ path }} }}
}} }}
"""
LEAVE = """
mutation($id: ID!) { leaveWaitlist(input: { entryId: $id }) {
  __typename
  ... on LeaveWaitlistSuccess { entry { id state position grant { ending } } }
  ... on Problem { code path }
} }
"""
RELEASE = "mutation($id: ID!) { releaseHold(input: { holdId: $id }) { __typename } }"
CANCEL = """
mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) {
  __typename ... on Problem { code message }
} }
"""
MOVE = """
mutation($id: ID!, $to: Instant!) {
  rescheduleBooking(input: { bookingId: $id, startsAt: $to, keepProvider: true }) {
    __typename ... on Problem { code message }
  }
}
"""
NODE = f"query($id: ID!) {{ node(id: $id) {{ id ... on WaitlistEntry {{ {ENTRY} }} }} }}"
LIST = """
query($serviceId: ID, $waiting: Boolean, $first: Int, $after: String) {
  waitlist(serviceId: $serviceId, waiting: $waiting, first: $first, after: $after) {
    nodes { id state position } totalCount pageInfo { endCursor }
  }
}
"""
UPDATES = "subscription { waitlistUpdated { cursor type entry { id state } } }"

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


class Line:
    """One service that one provider does, and people who want it at one hour in three days."""

    def __init__(self, home: House, service: Service, provider_id: UUID, start: datetime) -> None:
        self.home = home
        self.service = ids.encode("Service", service.id)
        self.provider_id = provider_id
        self.provider = ids.encode("Provider", provider_id)
        self.start = start

    async def sign_in(self, *names: str) -> None:
        for name in names:
            self.home.sign_in(name, await add_customer(self.home.database))

    async def join(self, name: str, **changes: Any) -> Any:
        asked = {
            "serviceId": self.service,
            "address": ADDRESS,
            "earliest": self.start.isoformat(),
            "latest": self.start.isoformat(),
        }
        return await self.home.act(name, JOIN, input=asked | changes)

    async def book(self, name: str, **changes: Any) -> Any:
        asked = {"serviceId": self.service, "kind": "SCHEDULED", "address": ADDRESS} | changes
        made = await self.home.act(name, CREATE, input=asked)
        assert made["__typename"] == "CreateBookingSuccess", made
        return made["booking"]["id"]

    async def book_slot(self, name: str) -> Any:
        return await self.book(name, startsAt=self.start.isoformat(), providerId=self.provider)

    async def cancel(self, name: str, booking: str) -> None:
        called_off = await self.home.act(name, CANCEL, id=booking)
        assert called_off["__typename"] == "CancelBookingSuccess", called_off

    async def entry(self, name: str, uid: str) -> Any:
        return await self.home.act(name, NODE, id=uid)

    async def granted(self, name: str, uid: str) -> Any:
        """What is granted, once it is."""
        async with asyncio.timeout(30):
            while True:
                found = await self.entry(name, uid)
                if found["state"] != "WAITING":
                    break
                await asyncio.sleep(0.02)
        assert found["state"] == "GRANTED", found
        return found["grant"]

    async def lapse(self, grant: Any) -> None:
        """Let a grant's time pass."""
        uid = ids.parse("Hold", grant["id"], "id")
        past = await now(self.home.database) - MINUTE
        async with self.home.database.begin() as tx:
            made = update(holds).where(holds.c.id == uid)
            await tx.execute(made.values(created_at=past - MINUTE, expires_at=past))
            kept = update(reservations).where(reservations.c.hold_id == uid)
            await tx.execute(kept.values(expires_at=past))


@pytest.fixture
async def line(home: House) -> Line:
    service = await add_service(home.database)
    provider = await add_provider(home.database, service)
    soon = (await now(home.database) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    made = Line(home, service, provider.user_id, soon)
    await made.sign_in("Ada", "Ben", "Cleo", "Dan")
    return made


async def test_what_is_freed_is_kept_for_the_first_in_line_then_for_the_next(line: Line) -> None:
    booked = await line.book_slot("Ada")
    entries = {name: (await line.join(name))["entry"]["id"] for name in ("Ben", "Cleo", "Dan")}
    places = {name: (await line.entry(name, uid))["position"] for name, uid in entries.items()}
    assert places == {"Ben": 1, "Cleo": 2, "Dan": 3}

    await line.cancel("Ada", booked)
    first = await line.granted("Ben", entries["Ben"])
    assert datetime.fromisoformat(first["startsAt"]) == line.start
    assert first["provider"] == {"id": line.provider}
    until = datetime.fromisoformat(first["expiresAt"]) - await now(line.home.database)
    assert 48 * HOUR - 5 * MINUTE < until <= 48 * HOUR
    assert (await line.entry("Ben", entries["Ben"]))["position"] is None
    assert (await line.entry("Cleo", entries["Cleo"]))["position"] == 1

    # It is kept: nobody else can have it.
    asked = {
        "serviceId": line.service,
        "kind": "SCHEDULED",
        "address": ADDRESS,
        "startsAt": line.start.isoformat(),
        "providerId": line.provider,
    }
    assert (await line.home.act("Ada", CREATE, input=asked))["__typename"] == "SlotTaken"
    assert (await line.home.act("Cleo", CREATE, input=asked))["__typename"] == "SlotTaken"
    assert (await line.home.act("Cleo", CREATE, input=asked | {"holdId": first["id"]}))[
        "__typename"
    ] == "NotFound"

    await line.lapse(first)
    second = await line.granted("Cleo", entries["Cleo"])
    assert (await line.entry("Ben", entries["Ben"]))["state"] == "LAPSED"
    assert (second["startsAt"], second["provider"]) == (first["startsAt"], first["provider"])
    late = await line.home.act("Ben", CREATE, input=asked | {"holdId": first["id"]})
    assert late["__typename"] == "HoldExpired"

    won = await line.book("Cleo", holdId=second["id"])
    taken = await line.entry("Cleo", entries["Cleo"])
    assert (taken["state"], taken["grant"]["ending"]) == ("TAKEN", "BOOKED")
    assert (await line.entry("Dan", entries["Dan"]))["state"] == "WAITING"

    await line.cancel("Cleo", won)
    third = await line.granted("Dan", entries["Dan"])
    assert third["startsAt"] == first["startsAt"]
    assert (await line.entry("Cleo", entries["Cleo"]))["state"] == "TAKEN"
    assert await count_rows(line.home.database, holds) == (3,)
    await invariants.check(line.home.database)


async def test_who_leaves_or_gives_the_slot_back_lets_the_next_have_it(line: Line) -> None:
    booked = await line.book_slot("Ada")
    entries = {name: (await line.join(name))["entry"]["id"] for name in ("Ben", "Cleo", "Dan")}
    await line.cancel("Ada", booked)
    await line.granted("Ben", entries["Ben"])

    left = await line.home.act("Ben", LEAVE, id=entries["Ben"])
    assert left["entry"] == {
        "id": entries["Ben"],
        "state": "LEFT",
        "position": None,
        "grant": {"ending": "RELEASED"},
    }
    assert await line.home.act("Ben", LEAVE, id=entries["Ben"]) == left

    second = await line.granted("Cleo", entries["Cleo"])
    await line.home.act("Cleo", RELEASE, id=second["id"])
    await line.granted("Dan", entries["Dan"])
    assert (await line.entry("Cleo", entries["Cleo"]))["state"] == "LAPSED"
    # At the end of the line one may begin again.
    again = await line.join("Cleo")
    assert (again["entry"]["state"], again["entry"]["position"]) == ("WAITING", 1)


async def test_who_moves_their_booking_leaves_its_old_time_to_who_waits(line: Line) -> None:
    booked = await line.book_slot("Ada")
    entry = (await line.join("Ben"))["entry"]["id"]

    moved = await line.home.act("Ada", MOVE, id=booked, to=(line.start + 5 * HOUR).isoformat())

    assert moved["__typename"] == "RescheduleBookingSuccess", moved
    grant = await line.granted("Ben", entry)
    assert datetime.fromisoformat(grant["startsAt"]) == line.start


async def test_a_slot_that_is_free_is_granted_on_joining(line: Line) -> None:
    wanted = {"latest": (line.start + 9 * HOUR).isoformat()}
    first = (await line.join("Ada", **wanted))["entry"]["id"]
    grant = await line.granted("Ada", first)
    second = (await line.join("Ben", **wanted))["entry"]["id"]
    other = await line.granted("Ben", second)

    assert datetime.fromisoformat(grant["startsAt"]) == line.start
    # Two hours of work, and a quarter of an hour to get from the one to the other.
    assert datetime.fromisoformat(other["startsAt"]) == line.start + 2.25 * HOUR


async def test_who_waits_for_somebody_else_or_another_time_is_passed_by(line: Line) -> None:
    other = await add_provider(line.home.database, await add_service(line.home.database))
    booked = await line.book_slot("Ada")
    later = (line.start + timedelta(days=200)).isoformat()
    passed_by = (await line.join("Ben", earliest=later, latest=later))["entry"]
    refused = await line.join("Dan", providerId=ids.encode("Provider", other.user_id))
    assert (refused["__typename"], refused["unmet"]) == ("ProviderNotEligible", ["SERVICE"])
    named = (await line.join("Cleo", providerId=line.provider))["entry"]
    assert (named["provider"], named["position"]) == ({"id": line.provider}, 2)

    await line.cancel("Ada", booked)

    await line.granted("Cleo", named["id"])
    assert (await line.entry("Ben", passed_by["id"]))["state"] == "WAITING"


async def test_one_waits_once_for_a_service_and_may_ask_again_safely(line: Line) -> None:
    await line.book_slot("Ada")
    first = await line.join("Ben", idempotencyKey="k")
    assert first == {
        "__typename": "JoinWaitlistSuccess",
        "entry": {
            "id": first["entry"]["id"],
            "state": "WAITING",
            "position": 1,
            "leftAt": None,
            "earliest": line.start.isoformat().replace("+00:00", "Z"),
            "latest": line.start.isoformat().replace("+00:00", "Z"),
            "service": {"id": line.service},
            "provider": None,
            "address": {"line1": "10 Downing Street"},
            "grant": None,
        },
    }

    assert await line.join("Ben", idempotencyKey="k") == first
    assert (await line.join("Ben", idempotencyKey="k", providerId=line.provider))[
        "code"
    ] == "IDEMPOTENCY_KEY_REUSED"
    again = await line.join("Ben", idempotencyKey="another")
    assert again == {
        "__typename": "AlreadyWaiting",
        "code": "ALREADY_WAITING",
        "path": ["serviceId"],
        "entry": {"id": first["entry"]["id"], "state": "WAITING"},
    }
    assert await count_rows(line.home.database, waitlist_entries) == (1,)


async def test_a_refused_wish_leaves_no_trace(line: Line) -> None:
    wrong = await line.join(
        "Ben", address=ADDRESS | {"city": ""}, latest=(line.start - HOUR).isoformat()
    )
    assert wrong["errors"] == [{"path": ["address", "city"]}, {"path": ["latest"]}]
    nobody = ids.encode("Provider", uuid4())
    assert (await line.join("Ben", providerId=nobody))["code"] == "NOT_FOUND"
    assert (await line.join("Ben", serviceId=ids.encode("Service", uuid4())))["code"] == "NOT_FOUND"
    assert (await line.join("Ben", serviceId=line.provider))["errors"] == [{"path": ["serviceId"]}]
    async with line.home.database.begin() as tx:
        await tx.execute(update(providers).values(latitude=53.0))
    assert (await line.join("Ben", providerId=line.provider))["unmet"] == ["RADIUS"]
    async with line.home.database.begin() as tx:
        await tx.execute(update(services).values(active=False))
    assert (await line.join("Ben"))["code"] == "SERVICE_INACTIVE"
    assert await count_rows(line.home.database, waitlist_entries) == (0,)


async def test_customers_see_their_own_places_and_staff_see_the_line(line: Line) -> None:
    await line.book_slot("Ada")
    uids = {name: (await line.join(name))["entry"]["id"] for name in ("Ben", "Cleo", "Dan")}
    await line.home.act("Cleo", LEAVE, id=uids["Cleo"])

    assert await line.home.act("Ben", LIST) == {
        "nodes": [{"id": uids["Ben"], "state": "WAITING", "position": 1}],
        "totalCount": 1,
        "pageInfo": {"endCursor": (await line.home.act("Ben", LIST))["pageInfo"]["endCursor"]},
    }
    whole = await line.home.act("Dora", LIST, serviceId=line.service)
    assert [(one["id"], one["position"]) for one in whole["nodes"]] == [
        (uids["Ben"], 1),
        (uids["Cleo"], None),
        (uids["Dan"], 2),
    ]
    for waiting, names in ((True, ["Ben", "Dan"]), (False, ["Cleo"])):
        found = await line.home.act("Dora", LIST, waiting=waiting)
        assert [one["id"] for one in found["nodes"]] == [uids[name] for name in names]
        assert found["totalCount"] == len(names)
    other = ids.encode("Service", (await add_service(line.home.database)).id)
    assert (await line.home.act("Dora", LIST, serviceId=other))["nodes"] == []

    seen, after = [], None
    for _ in range(3):
        page = await line.home.act("Adam", LIST, first=1, after=after)
        seen += [one["id"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == [uids["Ben"], uids["Cleo"], uids["Dan"]]


async def test_anothers_place_is_invisible_by_every_way_in(line: Line) -> None:
    await line.book_slot("Ada")
    uid = (await line.join("Ben"))["entry"]["id"]
    for name in ("Ada", "Chloe", "Anna"):
        for one in (uid, ids.encode("WaitlistEntry", uuid4())):
            assert await line.home.act(name, NODE, id=one) is None
    for one in (uid, ids.encode("WaitlistEntry", uuid4())):
        refused = await line.home.act("Ada", LEAVE, id=one)
        assert refused == {"__typename": "NotFound", "code": "NOT_FOUND", "path": None}
    assert (await line.entry("Ben", uid))["state"] == "WAITING"
    assert (await line.entry("Dora", uid))["state"] == "WAITING"
    given_up = await line.home.act("Dora", LEAVE, id=uid)
    assert given_up["entry"]["state"] == "LEFT"


async def test_providers_and_analysts_do_not_wait(line: Line) -> None:
    asked = {
        "serviceId": line.service,
        "address": ADDRESS,
        "earliest": line.start.isoformat(),
        "latest": line.start.isoformat(),
    }
    for name in ("Chloe", "Anna", "Dora"):
        answer = await line.home.ask(name, JOIN, input=asked)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    for name in ("Chloe", "Anna"):
        answer = await line.home.ask(name, LIST)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await count_rows(line.home.database, waitlist_entries) == (0,)


async def test_who_waits_hears_what_happens_and_nobody_else_does(line: Line) -> None:
    booked = await line.book_slot("Ada")
    async with line.home.follow("Ben", UPDATES) as stream:
        uid = (await line.join("Ben"))["entry"]["id"]
        joined = await stream.next()
        assert (joined["type"], joined["entry"]["id"]) == ("JOINED", uid)
        other = (await line.join("Cleo"))["entry"]["id"]
        await line.cancel("Ada", booked)
        told = await stream.next()
        assert (told["type"], told["entry"]) == ("GRANTED", {"id": uid, "state": "GRANTED"})
        await line.lapse(await line.granted("Ben", uid))
        assert [(one := await stream.next())["type"], one["entry"]["state"]] == ["LAPSED", "LAPSED"]
    async with line.home.follow("Cleo", UPDATES) as stream:
        grant = await line.granted("Cleo", other)
        await line.book("Cleo", holdId=grant["id"])
        while (told := await stream.next())["type"] != "TAKEN":
            assert told["type"] == "GRANTED"
        assert told["entry"] == {"id": other, "state": "TAKEN"}
