"""Giving a booking back through the public door, and what the customer and others hear of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, Market, Person, instant, outcomes
from tests.factories import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

HAND_BACK = market.mutation(
    "handBackBooking",
    "withdrawal { bookingId reason at booking { id } }",
    *("WrongStatus", "InvalidInput"),
)
START = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
BOOKING = """subscription($id: ID!) { bookingUpdated(id: $id) {
  type booking { status provider { id } } } }"""
FEED = "subscription { offerFeed { type offer { booking { id } } } }"


async def give_back(shop: Market, who: Person | str, booking: Any, **said: Any) -> Any:
    asked = {"bookingId": booking["id"], "reason": "My van broke down.", **said}
    return await shop.act(who, HAND_BACK, input=asked)


async def test_it_is_offered_to_others_at_once_and_the_customer_hears_of_it(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada)
    assert (await shop.accept(provider))["__typename"] == "AcceptOfferSuccess"
    other = await shop.provider()
    async with home.follow(ada.name, BOOKING, id=booking["id"]) as stream:
        assert (await stream.next())["type"] == "SNAPSHOT"
        answer = await give_back(shop, provider, booking)
        told = await stream.next()
    withdrawal = answer["withdrawal"]
    assert withdrawal["bookingId"] == booking["id"]
    assert withdrawal["reason"] == "My van broke down."
    # It is not theirs to see any more.
    assert withdrawal["booking"] is None
    assert told == {"type": "RELEASED", "booking": {"status": "PAID", "provider": None}}
    offer = await shop.offer(other)
    assert offer["work"]["startsAt"] == booking["startsAt"]
    assert await shop.offers(provider) == []
    after = await shop.read(booking)
    assert after["history"][-1] == {
        "act": "RELEASE",
        "source": "PROVIDER",
        "before": "CONFIRMED",
        "after": "PAID",
        "reason": "My van broke down.",
    }
    assert (after["fee"], after["status"]) == (None, "PAID")


async def test_somebody_else_takes_it_and_who_gave_it_back_cannot_touch_it_again(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    other = await shop.provider()
    first = await give_back(shop, provider, booking)
    assert (await shop.accept(other))["__typename"] == "AcceptOfferSuccess"

    assert await give_back(shop, provider, booking, reason="Another one") == first

    assert (await shop.read(booking))["provider"] == {"id": other.id}


async def test_a_preferred_provider_who_gives_it_back_is_not_preferred_again(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, preferredProviderId=provider.id)
    assert (await shop.accept(provider))["__typename"] == "AcceptOfferSuccess"
    other = await shop.provider()
    await give_back(shop, provider, booking)
    offer = await shop.offer(other)
    assert offer["wave"] == "TARGETED"
    assert await shop.offers(provider) == []


async def test_a_key_answers_the_same_and_other_input_with_it_is_refused(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    first = await give_back(shop, provider, booking, idempotencyKey="mine")
    assert await give_back(shop, provider, booking, idempotencyKey="mine") == first
    refused = await give_back(shop, provider, booking, idempotencyKey="mine", reason="Other")
    assert (refused["__typename"], refused["path"]) == ("IdempotencyKeyReused", ["idempotencyKey"])


async def test_it_is_too_late_once_the_window_has_begun(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    await shop.pass_time(booking, instant(booking["startsAt"]) - await now(home.database))
    before = await shop.read(booking)
    refused = await give_back(shop, provider, booking)
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "CONFIRMED")
    assert "ring the house" in refused["message"]
    assert await shop.read(booking) == before
    await shop.act(provider, START, id=booking["id"])
    refused = await give_back(shop, provider, booking)
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "IN_PROGRESS")


async def test_nobody_gives_back_what_is_not_theirs(home: House) -> None:
    shop = await market.opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    stranger = await shop.provider()
    booking = await shop.booked(ada, providerId=provider.id)
    assert (await give_back(shop, stranger, booking))["__typename"] == "NotFound"
    for who in (ada, ben):
        asked = {"bookingId": booking["id"], "reason": "x"}
        answer = await home.ask(who.name, HAND_BACK, input=asked)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    refused = await give_back(shop, provider, booking, reason=" ")
    assert [error["path"] for error in refused["errors"]] == [["reason"]]
    assert await shop.read(booking) == booking


async def test_giving_back_and_cancelling_at_once_ends_in_one_of_the_two(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    cancel = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"
    for number in range(3):
        booking = await shop.booked(
            ada, providerId=provider.id, startsAt=shop.start + number * 24 * HOUR
        )
        answers = await shop.at_once(
            booking,
            give_back(shop, provider, booking),
            shop.act(ada, cancel, id=booking["id"]),
        )
        assert outcomes(answers)["CancelBookingSuccess"] == 1
        after = await shop.read(booking)
        acts = [line["act"] for line in after["history"]]
        both = answers[0]["__typename"] == "HandBackBookingSuccess"
        assert acts == (["REQUEST", "RELEASE", "CANCEL"] if both else ["REQUEST", "CANCEL"])
        assert after["status"] == "CANCELLED"
