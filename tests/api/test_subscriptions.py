"""The live streams: what they begin with, what they carry, to whom, and how they resume."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from api import ids
from db.engine import Database
from db.tables import shifts
from gateways.settings import Settings
from tests.api import house
from tests.api.door import hear, say
from tests.api.house import ACCEPT, House, provider

FEED = (
    "subscription($after: String) { offerFeed(after: $after) { cursor type offer { id state } } }"
)
BOOKING = """subscription($id: ID!, $after: String) { bookingUpdated(id: $id, after: $after) {
  cursor type booking { status } } }"""
QUEUE = """subscription($trade: Trade) { queueChanged(trade: $trade) {
  type waiting booking { id } } }"""
PRESENCE = """subscription($area: String) { presenceChanged(area: $area) {
  presence provider { __typename name } } }"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def immediate(home: House) -> str:
    booked = await home.book(kind="IMMEDIATE", startsAt=None)
    uid: str = booked["booking"]["id"]
    return uid


async def test_a_rival_hears_at_once_that_its_offer_is_gone(home: House) -> None:
    await home.on_shift("Chloe", "Callum")
    async with home.follow("Chloe", FEED) as chloe, home.follow("Callum", FEED) as callum:
        await immediate(home)
        offer = (await chloe.next())["offer"]
        assert (await callum.next())["type"] == "OFFERED"
        await home.act("Chloe", ACCEPT, id=offer["id"])
        won, lost = await chloe.next(), await callum.next()
    assert (won["type"], won["offer"]["state"]) == ("ACCEPTED", "ACCEPTED")
    assert (lost["type"], lost["offer"]["state"]) == ("RESCINDED", "RESCINDED")


async def test_a_feed_opened_late_begins_with_the_open_offers(home: House) -> None:
    await home.on_shift("Chloe")
    async with home.follow("Chloe", FEED) as early:
        await immediate(home)
        first = await early.next()
    async with home.follow("Chloe", FEED) as late:
        assert await late.next() == first


async def test_a_cut_feed_resumes_after_its_cursor_with_each_event_once(home: House) -> None:
    await home.on_shift("Chloe", "Callum")
    async with home.follow("Callum", FEED) as feed:
        await immediate(home)
        seen = [await feed.next()]
    async with home.follow("Chloe", FEED) as chloe:
        await home.act("Chloe", ACCEPT, id=(await chloe.next())["offer"]["id"])
    async with home.follow("Callum", FEED, after=seen[-1]["cursor"]) as feed:
        seen.append(await feed.next())
        await home.act("Callum", "mutation { clockOut(input: {}) { __typename } }")
        await home.on_shift("Callum")
        await home.book()
        seen.append(await feed.next())
    assert [item["type"] for item in seen] == ["OFFERED", "RESCINDED", "OFFERED"]
    assert seen[0]["offer"]["id"] == seen[1]["offer"]["id"] != seen[2]["offer"]["id"]


async def test_a_malformed_cursor_is_wrong_input(home: House) -> None:
    async with home.door.conversation(home.tokens["Chloe"]) as socket:
        payload = {"query": FEED, "variables": {"after": "nonsense"}}
        await say(socket, id="1", type="subscribe", payload=payload)
        message = await hear(socket)
    assert message["type"] in {"error", "next"}
    payload = message["payload"]
    errors: Any = payload if message["type"] == "error" else payload["errors"]
    assert errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_customer_follows_a_booking_from_how_it_stands_to_its_end(home: House) -> None:
    await home.on_shift("Chloe")
    uid = await immediate(home)
    async with home.follow("Chloe", FEED) as feed:
        offer = (await feed.next())["offer"]["id"]
    async with home.follow("Carla", BOOKING, id=uid) as stream:
        items = [await stream.next()]
        await home.act("Chloe", ACCEPT, id=offer)
        items.append(await stream.next())
        for act in ("startBooking", "completeBooking"):
            document = (
                f"mutation($id: ID!) {{ {act}(input: {{ bookingId: $id }}) {{ __typename }} }}"
            )
            await home.act("Chloe", document, id=uid)
            items.append(await stream.next())
    assert [(item["type"], item["booking"]["status"]) for item in items] == [
        ("SNAPSHOT", "PAID"),
        ("ASSIGNED", "CONFIRMED"),
        ("STARTED", "IN_PROGRESS"),
        ("COMPLETED", "COMPLETED"),
    ]
    async with home.follow("Carla", BOOKING, id=uid, after=items[0]["cursor"]) as again:
        replayed = [(await again.next())["type"] for _ in range(3)]
    assert replayed == ["ASSIGNED", "STARTED", "COMPLETED"]


async def test_nobody_follows_a_booking_of_others(home: House) -> None:
    await home.on_shift("Chloe")
    uid = await immediate(home)
    answers = []
    for which in (uid, ids.encode("Booking", uuid4())):
        async with home.door.conversation(home.tokens["Maya"]) as socket:
            payload = {"query": BOOKING, "variables": {"id": which}}
            await say(socket, id="1", type="subscribe", payload=payload)
            message = await hear(socket)
        payload = message["payload"]
        answers.append(payload if message["type"] == "error" else payload["errors"])
    assert [answer[0]["extensions"]["code"] for answer in answers] == ["NOT_FOUND", "NOT_FOUND"]
    assert answers[0][0]["message"] == answers[1][0]["message"]


async def test_dispatchers_hear_what_enters_and_leaves_the_queue_of_their_trade(
    home: House,
) -> None:
    async with (
        home.follow("Dora", QUEUE, trade="CLEANING") as cleaning,
        home.follow("Adam", QUEUE, trade="MECHANICAL") as mechanical,
    ):
        uid = (await home.book())["booking"]["id"]
        assert await cleaning.next() == {
            "type": "REQUESTED",
            "waiting": True,
            "booking": {"id": uid},
        }
        await home.act(
            "Carla",
            "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }",
            id=uid,
        )
        assert await cleaning.next() == {
            "type": "CANCELLED",
            "waiting": False,
            "booking": {"id": uid},
        }
        other = await home.book(serviceId=house.service("diagnostic"))
        assert (await mechanical.next())["booking"]["id"] == other["booking"]["id"]


async def test_presence_tells_of_coming_falling_silent_and_being_heard_again(
    home: House,
) -> None:
    heartbeat = "mutation { heartbeat(input: {}) { __typename } }"
    async with (
        home.follow("Dora", PRESENCE) as everyone,
        home.follow("Adam", PRESENCE, area="e1") as nearby,
    ):
        await home.on_shift("Chloe")
        await home.on_shift("Chidi")
        async with home.database.begin() as tx:
            # Pretend that the phones have been silent for longer than they may be.
            silent = shifts.c.heartbeat_at - timedelta(minutes=2)
            await tx.execute(update(shifts).values(heartbeat_at=silent))
        items = [await everyone.next() for _ in range(2)]
        items += [await everyone.next() for _ in range(2)]
        await home.act("Chloe", heartbeat)
        items.append(await everyone.next())
        first = await nearby.next()
    assert [item["provider"]["name"] for item in items[:2]] == ["Chloe C.", "Chidi C."]
    assert {item["presence"] for item in items[2:4]} == {"AWAY"}
    assert items[4] == {
        "presence": "ONLINE",
        "provider": {"__typename": "Cleaner", "name": "Chloe C."},
    }
    assert first["provider"]["name"] == "Chidi C."


async def test_presence_is_of_the_trade_and_the_district_that_are_asked_for(home: House) -> None:
    document = """subscription($trade: Trade, $area: String) {
      presenceChanged(trade: $trade, area: $area) { presence provider { name } } }"""
    async with (
        home.follow("Dora", document, trade="MECHANICAL") as mechanics,
        home.follow("Adam", document, area=" e 1 ") as nearby,
    ):
        await home.on_shift("Chloe", "Marek", "Chidi")
        assert (await mechanics.next())["provider"]["name"] == "Marek M."
        assert (await nearby.next())["provider"]["name"] == "Chidi C."
        await home.act("Marek", "mutation { clockOut(input: {}) { __typename } }")
        off = await mechanics.next()
        assert off == {"presence": "OFFLINE", "provider": {"name": "Marek M."}}


async def test_presence_tells_of_beginning_and_ending_work(home: House) -> None:
    await home.on_shift("Chloe")
    uid = (await home.book(providerId=provider("Chloe")))["booking"]["id"]
    async with home.follow("Dora", PRESENCE) as stream:
        seen = []
        for act in ("startBooking", "completeBooking"):
            document = (
                f"mutation($id: ID!) {{ {act}(input: {{ bookingId: $id }}) {{ __typename }} }}"
            )
            await home.act("Chloe", document, id=uid)
            seen.append((await stream.next())["presence"])
    assert seen == ["BUSY", "ONLINE"]


async def test_beginning_work_ends_the_offers_of_work_that_is_wanted_now(home: House) -> None:
    await home.on_shift("Chloe")
    uid = (await home.book(providerId=provider("Chloe")))["booking"]["id"]
    start = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
    async with home.follow("Chloe", FEED) as feed:
        await immediate(home)
        offered = await feed.next()
        assert await home.act("Chloe", start, id=uid) == {"__typename": "StartBookingSuccess"}
        gone = await feed.next()
    assert (offered["type"], gone["type"]) == ("OFFERED", "RESCINDED")
    assert gone["offer"] == {"id": offered["offer"]["id"], "state": "RESCINDED"}


async def test_a_shift_is_opened_once_and_ends_with_its_offers(home: House) -> None:
    clock_in = (
        "mutation { clockIn(input: {}) { __typename ... on AlreadyOnShift { shift { id } } } }"
    )
    clock_out = 'mutation { clockOut(input: { note: "Done" }) { __typename } }'
    assert await home.act("Chloe", clock_out) == {"__typename": "NotOnShift"}
    await home.on_shift("Chloe")
    again = await home.act("Chloe", clock_in)
    log = await home.act("Chloe", "{ shifts { nodes { id endedAt note } totalCount } }")
    assert again == {"__typename": "AlreadyOnShift", "shift": {"id": log["nodes"][0]["id"]}}
    async with home.follow("Chloe", FEED) as feed:
        await immediate(home)
        assert (await feed.next())["type"] == "OFFERED"
        assert await home.act("Chloe", clock_out) == {"__typename": "ClockOutSuccess"}
        assert (await feed.next())["type"] == "RESCINDED"
    log = await home.act("Chloe", "{ shifts { nodes { endedAt note } totalCount } }")
    assert log["nodes"][0]["note"] == "Done"
    assert log["nodes"][0]["endedAt"] is not None
    assert log["totalCount"] == 1


async def test_nobody_clocks_out_in_the_middle_of_a_job(home: House) -> None:
    await home.on_shift("Chloe")
    uid = (await home.book(providerId=provider("Chloe")))["booking"]["id"]
    start = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
    await home.act("Chloe", start, id=uid)
    document = """mutation { clockOut(input: {}) {
      __typename ... on WorkInProgress { booking { id } } } }"""
    assert await home.act("Chloe", document) == {
        "__typename": "WorkInProgress",
        "booking": {"id": uid},
    }


async def test_a_rejected_offer_is_not_made_again_and_the_next_wave_opens(home: House) -> None:
    await home.on_shift("Chloe")
    reject = """mutation($id: ID!) { rejectOffer(input: { offerId: $id, reason: "Too far" }) {
      __typename ... on RejectOfferSuccess { offer { state rejectReason } } } }"""
    async with home.follow("Chloe", FEED) as feed:
        await immediate(home)
        offer = (await feed.next())["offer"]["id"]
        rejected = {"state": "REJECTED", "rejectReason": "Too far"}
        for _ in range(2):
            assert (await home.act("Chloe", reject, id=offer))["offer"] == rejected
        assert (await feed.next())["type"] == "REJECTED"
        assert (await home.act("Chloe", ACCEPT, id=offer))["why"] == "REJECTED"
        await home.on_shift("Callum")
    async with home.follow("Callum", FEED) as feed:
        async with home.database.begin() as tx:
            # The next step is due in minutes; bring it forward, and let the sweep find it.
            await tx.exec_driver_sql("UPDATE bookings SET match_due_at = now()")
        made = await feed.next()
    assert made["type"] == "OFFERED"
    offers = await home.act("Chloe", "{ jobOffers { nodes { state wave } totalCount } }")
    assert offers == {"nodes": [{"state": "REJECTED", "wave": "TARGETED"}], "totalCount": 1}
