"""Telling through the public door that one cannot come: one act, and nothing is left behind."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from db import providers
from tests.api import market
from tests.api.house import ADDRESS, House
from tests.api.market import HOUR, Market, Person, instant, outcomes
from tests.factories import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1)
REPORT = market.mutation(
    "reportUnavailable",
    """provider { id presence } timeOff { startsAt endsAt reason }
    withdrawals { bookingId reason booking { id } } kept { id status }""",
    "InvalidInput",
)
START = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
SHIFTS = "{ shifts(first: 1) { nodes { endedAt } } }"


async def tell(
    shop: Market, who: Person | str, starts_at: datetime, ends_at: datetime, **said: Any
) -> Any:
    asked = {"startsAt": starts_at, "endsAt": ends_at, "reason": "A fever", **said}
    return await shop.act(who, REPORT, input=market.plain(asked))


async def test_all_that_lies_in_the_stretch_goes_to_others_in_one_act(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    starts = [shop.start + number * 3 * HOUR for number in range(3)]
    made = [await shop.booked(ada, providerId=provider.id, startsAt=one) for one in starts]
    asked_for = await shop.booked(ada, startsAt=shop.start + 9 * HOUR)
    await shop.offer(provider)
    other = await shop.provider()

    answer = await tell(shop, provider, starts[1], shop.start + 12 * HOUR)

    released = {one["bookingId"] for one in answer["withdrawals"]}
    assert released == {made[1]["id"], made[2]["id"]}
    assert [one["booking"] for one in answer["withdrawals"]] == [None, None]
    assert answer["kept"] == []
    assert answer["timeOff"]["reason"] == "A fever"
    assert answer["provider"] == {"id": provider.id, "presence": "ONLINE"}
    assert (await shop.read(made[0]))["provider"] == {"id": provider.id}
    assert [(await shop.read(one))["provider"] for one in made[1:]] == [None, None]
    assert await shop.offers(provider) == []
    for one in made[1:]:
        assert await shop.match(one) == [other.uid]
    # And what they had only been asked for is put to the other at once too.
    assert await shop.match(asked_for) == [other.uid]
    # Nobody reads why but they and the house.
    history = (await shop.act(ada, market.READ, id=made[1]["id"]))["history"]
    assert history[-1]["reason"] == "The provider is unavailable."
    refused = await shop.book(ada, providerId=provider.id, startsAt=starts[1])
    assert market.rules_of(refused) == ["TIME_OFF"]


async def test_who_is_ill_now_is_off_shift_and_what_they_are_in_the_middle_of_stays(
    home: House,
) -> None:
    shop = await market.opened(home)
    idle, busy = await shop.provider(), await shop.provider()
    ada = await shop.customer()
    at = await now(home.database)
    answer = await tell(shop, idle, at, at + DAY)
    assert answer["provider"]["presence"] == "OFFLINE"
    (shift,) = (await shop.act(idle, SHIFTS))["nodes"]
    assert shift["endedAt"] is not None

    booking = await shop.booked(ada, providerId=busy.id)
    await shop.pass_time(booking, instant(booking["startsAt"]) - at)
    await shop.act(busy, START, id=booking["id"])
    answer = await tell(shop, busy, at, at + DAY)
    assert answer["kept"] == [{"id": booking["id"], "status": "IN_PROGRESS"}]
    assert (answer["withdrawals"], answer["provider"]["presence"]) == ([], "BUSY")


async def test_staff_say_it_of_a_provider_and_see_what_was_released(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    refused = await tell(shop, "Dora", shop.start, shop.start + DAY)
    assert [error["path"] for error in refused["errors"]] == [["providerId"]]
    answer = await tell(shop, "Dora", shop.start, shop.start + DAY, providerId=provider.id)
    assert [one["booking"] for one in answer["withdrawals"]] == [{"id": booking["id"]}]
    assert (await shop.read(booking))["history"][-1]["source"] == "STAFF"


async def test_saying_it_twice_is_once_and_answers_the_same(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    first = await tell(shop, provider, shop.start, shop.start + DAY)
    told = await shop.told(booking)
    assert await tell(shop, provider, shop.start, shop.start + DAY) == first
    assert [one for one in await shop.told(booking) if one == "booking.released"] == [
        one for one in told if one == "booking.released"
    ]


async def test_what_cannot_be_said_changes_nothing(home: House) -> None:
    shop = await market.opened(home)
    provider, other, ada = await shop.provider(), await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    refused = await tell(shop, provider, shop.start, shop.start, reason="x" * 501)
    assert [error["path"] for error in refused["errors"]] == [["endsAt"], ["reason"]]
    refused = await tell(shop, other, shop.start, shop.start + DAY, providerId=provider.id)
    assert refused["__typename"] == "NotFound"
    asked = market.plain({"startsAt": shop.start, "endsAt": shop.start + DAY})
    answer = await home.ask(ada.name, REPORT, input=asked)
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await shop.read(booking) == booking


async def test_occurrences_of_a_series_are_released_like_all_others(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    create = """mutation($input: CreateBookingSeriesInput!) { createBookingSeries(input: $input) {
      ... on CreateBookingSeriesSuccess { report { booking { id } } }
      ... on Problem { message } } }"""
    asked = {
        "serviceId": shop.service_id,
        "address": ADDRESS,
        "providerId": provider.id,
        "firstLocalStart": shop.start.replace(tzinfo=None).isoformat(),
        "timeZone": "UTC",
        "rrule": "FREQ=DAILY;COUNT=3",
    }
    report = (await shop.act(ada, create, input=asked))["report"]
    made = [line["booking"] for line in report]
    answer = await tell(shop, provider, shop.start + DAY, shop.start + DAY + HOUR)
    assert [one["bookingId"] for one in answer["withdrawals"]] == [made[1]["id"]]
    whose = [(await shop.read(one))["provider"] for one in made]
    assert whose == [{"id": provider.id}, None, {"id": provider.id}]


async def test_accepting_and_falling_ill_at_once_leaves_them_nothing(home: House) -> None:
    shop = await market.opened(home)
    ada = await shop.customer()
    for number in range(3):
        provider = await shop.provider()
        booking = await shop.booked(ada, startsAt=shop.start + number * DAY)
        offer = await shop.offer(provider)
        starts_at = instant(booking["startsAt"])
        async with home.database.begin() as holder, home.database.read() as connection:
            await providers.lock(holder, [provider.uid])
            acts = [
                asyncio.create_task(act)
                for act in (
                    shop.act(provider, market.ACCEPT, id=offer["id"]),
                    tell(shop, provider, starts_at, starts_at + HOUR),
                )
            ]
            async with asyncio.timeout(10):
                while (await connection.scalar(market.WAITING) or 0) < len(acts):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        answers = await asyncio.gather(*acts)
        assert outcomes(answers)["ReportUnavailableSuccess"] == 1
        assert (await shop.read(booking))["provider"] is None
        assert provider.uid not in await shop.match(booking)
