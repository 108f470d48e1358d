"""Telling through the public door that one will be late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, wire
from tests.factories import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATENESS = "version lateness { minutes reason reportedAt expectedAt }"
REPORT = market.mutation(
    "reportRunningLate",
    f"booking {{ {LATENESS} history {{ act source reason }} }} endangered {{ id }}",
    *("TooEarly", "WrongStatus", "InvalidInput"),
)
READ = f"query($id: ID!) {{ booking(id: $id) {{ {LATENESS} }} }}"
FOLLOW = """subscription($id: ID!) { bookingUpdated(id: $id) {
  type booking { lateness { minutes } } } }"""
START = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"


async def due(shop: Market, ada: Person, provider: Person, *, ahead: timedelta) -> Any:
    """A booking whose start is so far ahead."""
    booking = await shop.booked(ada, providerId=provider.id)
    away = instant(booking["startsAt"]) - await now(shop.home.database)
    await shop.pass_time(booking, away - ahead)
    return await shop.read(booking)


async def tell(shop: Market, who: Person | str, booking: Any, **said: Any) -> Any:
    asked = {"bookingId": booking["id"], "minutes": 20, "reason": "Rain", **said}
    return await shop.act(who, REPORT, input=asked)


async def test_the_customer_hears_and_reads_by_how_much_and_why(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ahead=HOUR)
    async with home.follow(ada.name, FOLLOW, id=booking["id"]) as stream:
        assert (await stream.next())["booking"]["lateness"] is None
        answer = await tell(shop, provider, booking)
        told = await stream.next()
    assert told == {"type": "RUNNING_LATE", "booking": {"lateness": {"minutes": 20}}}
    late = (await shop.act(ada, READ, id=booking["id"]))["lateness"]
    assert late == answer["booking"]["lateness"]
    assert (late["minutes"], late["reason"]) == (20, "Rain")
    assert late["expectedAt"] == wire(instant(booking["startsAt"]) + 20 * MINUTE)
    assert answer["booking"]["history"][-1] == {
        "act": "REPORT_LATE",
        "source": "PROVIDER",
        "reason": "20 min: Rain",
    }
    assert answer["endangered"] == []


async def test_what_was_said_last_counts_and_staff_may_say_it_for_them(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ahead=HOUR)
    first = (await tell(shop, provider, booking))["booking"]
    again = (await tell(shop, provider, booking))["booking"]
    assert again["version"] == first["version"] == booking["version"] + 1
    last = (await tell(shop, "Dora", booking, minutes=90, reason=None))["booking"]
    assert (last["lateness"]["minutes"], last["lateness"]["reason"]) == (90, "")
    assert last["version"] == booking["version"] + 2
    assert last["history"][-1]["source"] == "STAFF"


async def test_later_work_that_is_in_danger_is_told_and_stays(home: House) -> None:
    shop = await market.opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    first = await shop.booked(ada, providerId=provider.id)
    later = shop.start + 2 * HOUR + 15 * MINUTE
    second = await shop.booked(ben, providerId=provider.id, startsAt=later)
    passed = shop.start - await now(home.database) - HOUR
    for one in (first, second):
        await shop.pass_time(one, passed)
    second = await shop.read(second)
    answer = await tell(shop, provider, first, minutes=1)
    assert [one["id"] for one in answer["endangered"]] == [second["id"]]
    assert await shop.read(second) == second


async def test_it_is_said_from_six_hours_before_until_the_work_begins(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ahead=7 * HOUR)
    refused = await tell(shop, provider, booking)
    assert (refused["__typename"], refused["code"]) == ("TooEarly", "TOO_EARLY")
    assert refused["possibleFrom"] == wire(instant(booking["startsAt"]) - 6 * HOUR)
    assert await shop.read(booking) == booking
    await shop.pass_time(booking, 7 * HOUR + 5 * MINUTE)
    assert "booking" in await tell(shop, provider, booking)
    await shop.act(provider, START, id=booking["id"])
    refused = await tell(shop, provider, booking, minutes=30)
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "IN_PROGRESS")


async def test_every_wrong_field_is_named_and_nothing_is_noted(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ahead=HOUR)
    refused = await tell(shop, provider, booking, minutes=241, reason="x" * 501)
    assert [error["path"] for error in refused["errors"]] == [["reason"], ["minutes"]]
    assert await shop.read(booking) == booking


async def test_it_is_nobody_elses_to_say(home: House) -> None:
    shop = await market.opened(home)
    provider, stranger, ada = await shop.provider(), await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ahead=HOUR)
    assert (await tell(shop, stranger, booking))["__typename"] == "NotFound"
    answer = await home.ask(ada.name, REPORT, input={"bookingId": booking["id"], "minutes": 5})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await shop.read(booking) == booking


async def test_a_new_time_or_provider_is_not_late(home: House) -> None:
    shop = await market.opened(home)
    provider, other, ada = await shop.provider(), await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ahead=HOUR)
    await tell(shop, provider, booking)
    assign = """mutation($input: AssignBookingInput!) { assignBooking(input: $input) {
      __typename ... on AssignBookingSuccess { booking { lateness { minutes } } } } }"""
    given = await shop.act(
        "Dora", assign, input={"bookingId": booking["id"], "providerId": other.id}
    )
    assert given == {"__typename": "AssignBookingSuccess", "booking": {"lateness": None}}
