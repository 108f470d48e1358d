"""Dispatchers book and assign by hand, through the public door and under the same rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from db.tables import bookings
from domain.booking_rules import BookingRules
from tests.api import market
from tests.api.house import ADDRESS, House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, outcomes, rules_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASSIGN = market.mutation(
    "assignBooking",
    f"booking {{ {market.BOOKING} }}",
    *("SlotTaken", "RulesBroken", "ProviderNotEligible"),
    *("WrongStatus", "VersionConflict", "InvalidInput"),
)
CANCEL = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"
DAY = timedelta(days=1)


async def assign(shop: Market, booking: Any, to: Person, *, by: str = "Dora", **said: Any) -> Any:
    asked = {"bookingId": booking["id"], "providerId": to.id, **said}
    return await shop.act(by, ASSIGN, input=asked)


async def test_a_booking_is_given_to_a_provider_and_its_offers_are_withdrawn(home: House) -> None:
    shop = await market.opened(home)
    asked, given = await shop.provider(), await shop.provider()
    ada = await shop.customer()
    booking = await shop.booked(ada)
    offer = await shop.offer(asked)
    after = (await assign(shop, booking, given))["booking"]
    assert (after["status"], after["provider"]) == ("CONFIRMED", {"id": given.id})
    line = {"act": "ASSIGN", "source": "STAFF", "before": "PAID", "after": "CONFIRMED"}
    assert after["history"][-1] == line | {"reason": None}
    gone = await shop.act(asked, market.ACCEPT, id=offer["id"])
    assert gone == {"__typename": "OfferGone", "why": "TAKEN", "code": "OFFER_GONE"}
    assert await shop.offers(given) == []
    # Again changes nothing.
    assert (await assign(shop, booking, given))["booking"] == after


async def test_a_booking_is_taken_from_one_and_given_to_another(home: House) -> None:
    shop = await market.opened(home)
    first, second = await shop.provider(), await shop.provider()
    ada, ben = await shop.customers(2)
    booking = await shop.booked(ada)
    offered = await shop.offer(first)
    await shop.act(first, market.ACCEPT, id=offered["id"])
    after = (await assign(shop, booking, second))["booking"]
    assert after["provider"] == {"id": second.id}
    assert after["history"][-1]["act"] == "REASSIGN"
    again = await shop.act(first, market.ACCEPT, id=offered["id"])
    assert again["why"] == "TAKEN"
    assert (await shop.book(ben, providerId=second.id))["__typename"] == "SlotTaken"
    await shop.booked(ben, providerId=first.id)


async def test_time_that_is_taken_is_given_to_nobody_twice_whatever_the_reason(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, other = await shop.provider(), await shop.provider()
    ada, ben = await shop.customers(2)
    await shop.booked(ada, providerId=provider.id)
    booking = await shop.booked(ben)
    for said in ({}, {"overrideReason": "They insist"}):
        refused = await assign(shop, booking, provider, **said)
        assert refused["__typename"] == "SlotTaken"
        assert instant(refused["alternatives"][0]) == shop.start + 135 * MINUTE
    after = await shop.read(booking)
    assert (after["version"], after["provider"]) == (booking["version"], None)
    assert (await shop.accept(other))["__typename"] == "AcceptOfferSuccess"


async def test_rules_hold_for_dispatchers_until_they_say_why_not(home: House) -> None:
    shop = await market.opened(home)
    provider, _other = await shop.provider(daily_cap=1), await shop.provider()
    ada, ben = await shop.customers(2)
    await shop.booked(ada, providerId=provider.id, startsAt=shop.start.replace(hour=10))
    booking = await shop.booked(ben, startsAt=shop.start.replace(hour=12))
    refused = await assign(shop, booking, provider)
    assert rules_of(refused) == ["BUFFER", "DAILY_CAP"]
    reason = "They are next door"
    after = (await assign(shop, booking, provider, overrideReason=reason))["booking"]
    assert after["provider"] == {"id": provider.id}
    assert (after["history"][-1]["source"], after["history"][-1]["reason"]) == ("STAFF", reason)


async def test_who_does_not_do_the_service_gets_it_from_nobody(home: House) -> None:
    shop, elsewhere = await market.opened(home), await market.opened(home)
    await shop.provider()
    stranger = await elsewhere.provider()
    booking = await shop.booked(await shop.customer())
    refused = await assign(shop, booking, stranger, overrideReason="Please")
    assert refused["unmet"] == ["SERVICE"]
    assert (await shop.read(booking))["provider"] is None


async def test_only_bookings_that_are_open_and_not_changed_since_are_assigned(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada)
    refused = await assign(shop, booking, provider, expectedVersion=7)
    assert (refused["__typename"], refused["currentVersion"]) == ("VersionConflict", 1)
    answer = await home.ask(ada.name, ASSIGN, input={"bookingId": "x", "providerId": "y"})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    await shop.act(ada, CANCEL, id=booking["id"])
    refused = await assign(shop, booking, provider)
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "CANCELLED")


async def test_what_awaits_a_yes_is_assigned_only_after_it(home: House) -> None:
    shop = await market.opened(home, approval="MANUAL")
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada)
    refused = await assign(shop, booking, provider)
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "AWAITING_APPROVAL")


async def test_assigning_and_accepting_at_once_ends_with_one_provider(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    ada = await shop.customer()
    for n in range(4):
        booking = await shop.booked(ada, startsAt=shop.start + n * DAY)
        offer = await shop.offer(one)
        answers = await shop.at_once(
            booking,
            assign(shop, booking, other),
            shop.act(one, market.ACCEPT, id=offer["id"]),
        )
        after = await shop.read(booking)
        # The dispatcher has the last word, and may take it from who has just accepted.
        assert outcomes(answers)["AssignBookingSuccess"] == 1
        assert after["provider"] == {"id": other.id}
        acts = [line["act"] for line in after["history"]]
        accepted = answers[1]["__typename"] == "AcceptOfferSuccess"
        assert acts == (["REQUEST", "ASSIGN", "REASSIGN"] if accepted else ["REQUEST", "ASSIGN"])


class TestADispatchersOwnBooking:
    async def test_is_for_a_customer_whom_it_names(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        refused = await shop.book("Dora")
        assert [error["path"] for error in refused["errors"]] == [["customerId"]]
        made = await shop.booked("Dora", customerId=ada.id, providerId=provider.id)
        assert made["history"] == [
            {
                "act": "REQUEST",
                "source": "STAFF",
                "before": None,
                "after": "CONFIRMED",
                "reason": None,
            }
        ]
        mine = await shop.act(ada, market.READ, id=made["id"])
        assert mine["id"] == made["id"]

    async def test_sets_rules_aside_only_with_a_reason_that_the_history_keeps(
        self, home: House
    ) -> None:
        shop = await market.opened(home, rules=BookingRules(capacity=1))
        provider, ada = await shop.provider(), await shop.customer()
        await shop.booked(ada, providerId=provider.id)
        asked = {"customerId": ada.id, "providerId": provider.id}
        odd = shop.start + 2 * HOUR + 7 * MINUTE
        refused = await shop.book("Dora", startsAt=odd, **asked)
        assert rules_of(refused) == ["OFF_GRID", "BUFFER"]
        reason = "Agreed by phone"
        made = await shop.booked("Dora", startsAt=odd, overrideReason=reason, **asked)
        assert made["history"][0]["reason"] == reason
        crowded = await shop.provider()
        full = {"customerId": ada.id, "providerId": crowded.id}
        assert rules_of(await shop.book("Dora", **full)) == ["CAPACITY"]
        await shop.booked("Dora", overrideReason=reason, **full)

    async def test_never_doubles_time_nor_lies_in_the_past(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        await shop.booked(ada, providerId=provider.id)
        asked = {"customerId": ada.id, "providerId": provider.id, "overrideReason": "Please"}
        refused = await shop.book("Dora", **asked)
        assert rules_of(refused) == ["SLOT_TAKEN"]
        assert instant(refused["alternatives"][0]) == shop.start + 135 * MINUTE
        past = shop.start - 4 * DAY
        assert rules_of(await shop.book("Dora", startsAt=past, **asked)) == ["PAST"]
        assert await shop.rows(bookings) == 1

    async def test_is_not_counted_against_what_the_customer_may_have(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        starts = [shop.start + n * DAY for n in range(11)]
        for start in starts[:10]:
            await shop.booked(ada, providerId=provider.id, startsAt=start)
        refused = await shop.book(ada, providerId=provider.id, startsAt=starts[10])
        (broken,) = refused["broken"]
        assert (broken["rule"], broken["limit"]) == ("CUSTOMER_LIMIT", 10)
        await shop.booked("Dora", customerId=ada.id, providerId=provider.id, startsAt=starts[10])

    async def test_is_for_no_one_else_when_a_customer_tries(self, home: House) -> None:
        shop = await market.opened(home)
        await shop.provider()
        ada, ben = await shop.customers(2)
        asked = {"serviceId": shop.service_id, "kind": "SCHEDULED", "address": ADDRESS}
        refused = await shop.book(ada, customerId=ben.id, **asked)
        assert refused["__typename"] == "NotFound"
        assert await shop.rows(bookings) == 0
