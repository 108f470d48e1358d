"""Moving bookings through the public door: who keeps the work, and when it is too late."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.booking_rules import BookingRules
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, outcomes, rules_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOVE = market.mutation(
    "rescheduleBooking",
    f"booking {{ {market.BOOKING} }}",
    *("SlotTaken", "RulesBroken", "NobodyFree", "ProviderNotEligible"),
    *("WrongStatus", "VersionConflict", "InvalidInput"),
)
DAY = timedelta(days=1)


async def move(shop: Market, who: Person | str, booking: Any, to: Any, **said: Any) -> Any:
    asked = {"bookingId": booking["id"], "startsAt": to, **said}
    return await shop.act(who, MOVE, input=market.plain(asked))


async def moved(shop: Market, who: Person | str, booking: Any, to: Any, **said: Any) -> Any:
    """The booking, which can be moved."""
    made = await move(shop, who, booking, to, **said)
    assert made["__typename"] == "RescheduleBookingSuccess", made
    return made["booking"]


def soon(**ahead: float) -> datetime:
    start = datetime.now(UTC) + timedelta(**ahead)
    return start.replace(minute=start.minute // 5 * 5, second=0, microsecond=0)


class TestAProviderWhoIsFreeThen:
    async def test_keeps_the_booking_and_gets_the_old_time_back(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        booking = await shop.booked(ada, providerId=provider.id)
        after = await moved(shop, ada, booking, shop.start + DAY)
        assert after["provider"] == {"id": provider.id}
        assert (instant(after["startsAt"]), instant(after["endsAt"])) == (
            shop.start + DAY,
            shop.start + DAY + 2 * HOUR,
        )
        assert (after["status"], after["reschedules"], after["version"]) == ("CONFIRMED", 1, 2)
        line = {"act": "RESCHEDULE", "source": "CUSTOMER", "reason": None}
        assert after["history"][-1] == line | {"before": "CONFIRMED", "after": "CONFIRMED"}
        await shop.booked(ben, providerId=provider.id)
        taken = await shop.book(ben, providerId=provider.id, startsAt=shop.start + DAY)
        assert taken["__typename"] == "SlotTaken"

    async def test_is_not_in_their_own_way(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(daily_cap=1), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        after = await moved(shop, ada, booking, shop.start + 15 * MINUTE, keepProvider=True)
        assert after["provider"] == {"id": provider.id}

    async def test_loses_the_offers_that_the_new_time_leaves_no_room_for(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        booking = await shop.booked(ada, providerId=provider.id)
        await shop.booked(ben, startsAt=shop.start + DAY)
        offer = await shop.offer(provider)
        await shop.provider()
        await moved(shop, "Dora", booking, shop.start + DAY)
        gone = await shop.act(provider, market.ACCEPT, id=offer["id"])
        assert gone == {"__typename": "OfferGone", "why": "RESCINDED", "code": "OFFER_GONE"}

    async def test_keeps_it_when_it_is_moved_to_where_it_is(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        assert await moved(shop, ada, booking, shop.start) == booking


class TestAProviderWhoIsNotFreeThen:
    async def test_loses_the_booking_to_others_to_whom_it_is_offered(self, home: House) -> None:
        shop = await market.opened(home)
        first, second = await shop.provider(), await shop.provider()
        ada, ben = await shop.customers(2)
        await shop.booked(ben, providerId=first.id, startsAt=shop.start + DAY)
        booking = await shop.booked(ada, providerId=first.id)
        after = await moved(shop, ada, booking, shop.start + DAY)
        assert (after["provider"], after["status"], after["reschedules"]) == (None, "PAID", 1)
        assert await shop.match(after) == [second.uid]
        won = await shop.accept(second)
        assert won["booking"]["provider"] == {"id": second.id}
        # The time of the old start is the first provider's own again.
        await shop.booked(ben, providerId=first.id)
        told = await shop.told(booking)
        assert told.index("booking.released") == told.index("booking.rescheduled") + 1

    async def test_keeps_it_where_it_is_when_the_customer_insists_on_them(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        first, _second = await shop.provider(), await shop.provider()
        ada, ben = await shop.customers(2)
        await shop.booked(ben, providerId=first.id, startsAt=shop.start + DAY)
        booking = await shop.booked(ada, providerId=first.id)
        refused = await move(shop, ada, booking, shop.start + DAY, keepProvider=True)
        assert refused["__typename"] == "SlotTaken"
        assert instant(refused["alternatives"][0]) == shop.start + DAY + 135 * MINUTE
        assert await shop.read(booking) == booking

    async def test_keeps_it_where_it_is_when_nobody_else_is_free_either(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        await shop.booked(ben, providerId=provider.id, startsAt=shop.start + DAY)
        booking = await shop.booked(ada, providerId=provider.id)
        refused = await move(shop, ada, booking, shop.start + DAY)
        assert refused["__typename"] == "NobodyFree"
        later = refused["waysOn"]["laterSlots"][0]["startsAt"]
        assert instant(later) == shop.start + DAY + 135 * MINUTE
        assert await shop.read(booking) == booking

    async def test_had_won_an_offer_and_may_win_another_after_the_next_move(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        first, second = await shop.provider(), await shop.provider()
        ada, ben = await shop.customers(2)
        await shop.booked(ben, providerId=second.id)
        booking = await shop.booked(ada)
        assert (await shop.accept(first))["booking"]["provider"] == {"id": first.id}
        await shop.booked(ben, providerId=first.id, startsAt=shop.start + DAY)
        await moved(shop, ada, booking, shop.start + DAY)
        assert (await shop.accept(second))["booking"]["provider"] == {"id": second.id}
        await shop.booked(ben, providerId=second.id, startsAt=shop.start + 2 * DAY)
        await moved(shop, ada, booking, shop.start + 2 * DAY)
        assert (await shop.accept(first))["booking"]["provider"] == {"id": first.id}


async def test_the_offers_of_the_old_time_are_withdrawn_and_new_ones_made(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada)
    old = await shop.offer(provider)
    await moved(shop, ada, booking, shop.start + DAY)
    gone = await shop.act(provider, market.ACCEPT, id=old["id"])
    assert gone["why"] == "RESCINDED"
    new = await shop.offer(provider)
    assert new["id"] != old["id"]
    assert instant(new["work"]["startsAt"]) == shop.start + DAY
    won = await shop.act(provider, market.ACCEPT, id=new["id"])
    assert won["booking"]["status"] == "CONFIRMED"


class TestMovingTooLateOrTooOften:
    async def test_is_refused_from_the_notice_on_with_the_last_moment(self, home: House) -> None:
        rules = BookingRules(
            notice_minutes=0, slot_interval_minutes=5, reschedule_notice_minutes=240
        )
        shop = await market.opened(home, rules=rules)
        provider, ada = await shop.provider(), await shop.customer()
        start = soon(hours=3)
        booking = await shop.booked(ada, providerId=provider.id, startsAt=start)
        refused = await move(shop, ada, booking, start + DAY)
        (broken,) = refused["broken"]
        assert broken["rule"] == "RESCHEDULE_TOO_LATE"
        assert instant(broken["latest"]) == start - 4 * HOUR
        assert await shop.read(booking) == booking
        # The house may.
        assert (await moved(shop, "Dora", booking, start + DAY))["reschedules"] == 1

    async def test_is_refused_from_the_limit_on_with_the_limit(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(max_reschedules=2))
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        for n in (1, 2):
            booking = await moved(shop, ada, booking, shop.start + n * DAY)
        refused = await move(shop, ada, booking, shop.start + 3 * DAY)
        (broken,) = refused["broken"]
        assert (broken["rule"], broken["limit"]) == ("RESCHEDULE_LIMIT", 2)
        assert await shop.read(booking) == booking

    async def test_is_told_together_with_all_else_that_is_wrong(self, home: House) -> None:
        rules = BookingRules(reschedule_notice_minutes=90 * 24 * 60, max_reschedules=0)
        shop = await market.opened(home, rules=rules)
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        refused = await move(shop, ada, booking, shop.start + 100 * DAY + MINUTE)
        assert rules_of(refused) == [
            *("RESCHEDULE_TOO_LATE", "RESCHEDULE_LIMIT"),
            *("TOO_FAR_AHEAD", "OFF_GRID"),
        ]


async def test_a_move_from_an_old_version_is_a_conflict_and_one_of_many_at_once_wins(
    home: House,
) -> None:
    shop = await market.opened(home, rules=BookingRules(max_reschedules=50))
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    asking = [
        move(shop, ada, booking, shop.start + n * DAY, expectedVersion=booking["version"])
        for n in range(1, 7)
    ]
    answers = await shop.at_once(booking, *asking)
    assert outcomes(answers) == {"RescheduleBookingSuccess": 1, "VersionConflict": 5}
    for refused in (one for one in answers if one["__typename"] == "VersionConflict"):
        assert (refused["currentVersion"], refused["path"]) == (2, ["expectedVersion"])
    after = await shop.read(booking)
    (won,) = (one["booking"] for one in answers if "booking" in one)
    assert after == won


async def test_the_house_sets_rules_aside_with_a_reason_but_never_time_that_is_taken(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, (ada, ben) = await shop.provider(daily_cap=1), await shop.customers(2)
    far = (shop.start + 120 * DAY).replace(hour=10, minute=7)
    booking = await shop.booked(ada, providerId=provider.id)
    assert rules_of(await move(shop, "Dora", booking, far, keepProvider=True)) == [
        "TOO_FAR_AHEAD",
        "OFF_GRID",
    ]
    after = await moved(shop, "Dora", booking, far, overrideReason="They move house")
    assert after["provider"] == {"id": provider.id}
    line = {"act": "RESCHEDULE", "source": "STAFF", "reason": "They move house"}
    assert after["history"][-1] == line | {"before": "CONFIRMED", "after": "CONFIRMED"}
    other = await shop.booked(ben, providerId=provider.id)
    refused = await move(
        shop, "Dora", other, far + HOUR, overrideReason="Please", keepProvider=True
    )
    assert rules_of(refused) == ["SLOT_TAKEN"]
    refused = await move(
        shop, "Dora", other, soon(hours=-1), overrideReason="Please", keepProvider=True
    )
    assert rules_of(refused) == ["PAST"]
    assert await shop.read(other) == other


async def test_a_customers_own_override_sets_nothing_aside(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    refused = await move(shop, ada, booking, shop.start + MINUTE, overrideReason="I may")
    assert rules_of(refused) == ["OFF_GRID"]
    assert await shop.read(booking) == booking


async def test_only_its_customer_and_staff_move_a_booking_that_is_not_over(home: House) -> None:
    shop = await market.opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    booking = await shop.booked(ada, providerId=provider.id)
    assert (await move(shop, ben, booking, shop.start + DAY))["__typename"] == "NotFound"
    answer = await home.ask(provider.name, MOVE, input={"bookingId": booking["id"]})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    nowhere = await shop.act(ada, MOVE, input={"bookingId": booking["id"]})
    assert [error["path"] for error in nowhere["errors"]] == [["startsAt"]]
    assert await shop.read(booking) == booking
    cancel = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"
    await shop.act(ada, cancel, id=booking["id"])
    refused = await move(shop, ada, booking, shop.start + DAY)
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "CANCELLED")


async def test_two_bookings_moved_to_one_time_at_once_do_not_meet_there(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    several = [
        await shop.booked(ada, providerId=provider.id, startsAt=shop.start + n * DAY)
        for n in range(4)
    ]
    there = shop.start + 5 * DAY
    answers = await asyncio.gather(
        *(move(shop, ada, one, there, keepProvider=True) for one in several)
    )
    assert outcomes(answers) == {"RescheduleBookingSuccess": 1, "SlotTaken": 3}
    starts = [(await shop.read(one))["startsAt"] for one in several]
    assert starts.count(market.wire(there)) == 1


@pytest.mark.parametrize("reason", ["", "\x00", "x" * 501])
async def test_rules_are_set_aside_only_for_a_reason_that_can_be_kept(
    home: House, reason: str
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    refused = await move(shop, "Dora", booking, shop.start + HOUR, overrideReason=reason)
    assert (refused["__typename"], refused["path"]) == ("InvalidInput", ["overrideReason"])
