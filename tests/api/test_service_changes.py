"""Changing a service through the public door leaves the bookings that were made as they were."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, rules_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1)
UPDATE_SERVICE = """
mutation($input: UpdateServiceInput!) { updateService(input: $input) { __typename } }
"""
CANCEL = market.mutation("cancelBooking", "booking { status fee { amountMinor } }", "FeeChanged")
MOVE = market.mutation("rescheduleBooking", "booking { startsAt endsAt }", "RulesBroken")
KEPT = """query($id: ID!) { booking(id: $id) {
  status version startsAt endsAt price { amountMinor } needsTerms
  rules { noticeMinutes cancelFreeMinutes cancelPartPercent maxReschedules bufferAfterMinutes }
} }"""
CHANGED: Final[dict[str, Any]] = {
    "price": {"amountMinor": 9900, "currency": "GBP"},
    "durationMinutes": 60,
    "approval": "MANUAL",
    "terms": "New ones.",
    "active": False,
    "rules": {
        "noticeMinutes": 9000,
        "cancelFreeMinutes": 10_000,
        "cancelPartPercent": 90,
        "cancelWholePercent": 90,
        "maxReschedules": 0,
        "bufferAfterMinutes": 60,
    },
}


class TestAChangeOfAService:
    async def booked_then_changed(self, home: House) -> tuple[Market, Person, Person, Any]:
        shop = await market.opened(home, price_minor=4000)
        provider, ada = await shop.provider(), await shop.customer()
        booking = await shop.booked(ada, providerId=provider.id)
        before = await shop.act(ada, KEPT, id=booking["id"])
        made = await shop.act(
            "Adam", UPDATE_SERVICE, input={"serviceId": shop.service_id, **CHANGED}
        )
        assert made == {"__typename": "UpdateServiceSuccess"}
        assert await shop.act(ada, KEPT, id=booking["id"]) == before
        assert before["rules"] == {
            "noticeMinutes": 120,
            "cancelFreeMinutes": 1440,
            "cancelPartPercent": 50,
            "maxReschedules": 3,
            "bufferAfterMinutes": 15,
        }
        return shop, provider, ada, booking

    async def test_leaves_what_a_booking_costs_to_call_off(self, home: House) -> None:
        shop, _, ada, booking = await self.booked_then_changed(home)
        done = await shop.act(ada, CANCEL, input={"bookingId": booking["id"]})
        assert done["booking"] == {"status": "CANCELLED", "fee": {"amountMinor": 0}}

    async def test_leaves_how_a_booking_is_moved_and_how_long_it_is(self, home: House) -> None:
        shop, _, ada, booking = await self.booked_then_changed(home)
        to = shop.start + DAY
        done = await shop.act(
            ada, MOVE, input={"bookingId": booking["id"], "startsAt": to.isoformat()}
        )
        assert done["booking"] == {
            "startsAt": market.wire(to),
            "endsAt": market.wire(to + 2 * HOUR),
        }

    async def test_leaves_the_room_around_a_booking(self, home: House) -> None:
        shop, provider, _, _ = await self.booked_then_changed(home)
        rules = {"bufferAfterMinutes": 0, "bufferBeforeMinutes": 0, "noticeMinutes": 0}
        await shop.act(
            "Adam",
            UPDATE_SERVICE,
            input={"serviceId": shop.service_id, "active": True, "terms": "", "rules": rules},
        )
        ben = await shop.customer()
        end = shop.start + 2 * HOUR
        near = await shop.book(ben, providerId=provider.id, startsAt=end)
        assert rules_of(near) == ["BUFFER"]
        await shop.booked(ben, providerId=provider.id, startsAt=end + 15 * MINUTE)

    async def test_holds_for_bookings_from_then_on(self, home: House) -> None:
        shop, provider, _, _ = await self.booked_then_changed(home)
        ben = await shop.customer()
        there = {"providerId": provider.id, "startsAt": shop.start + 20 * HOUR}
        refused = await shop.book(ben, **there)
        assert (refused["__typename"], refused["code"]) == ("ServiceInactive", "SERVICE_INACTIVE")
        put_back = {"serviceId": shop.service_id, "active": True}
        await shop.act("Adam", UPDATE_SERVICE, input=put_back)
        assert rules_of(await shop.book(ben, **there)) == ["NOTICE_TOO_SHORT"]
        made = await shop.booked(ben, **there | {"startsAt": shop.start + 7 * DAY})
        assert made["status"] == "AWAITING_APPROVAL"
        kept = await shop.act(ben, KEPT, id=made["id"])
        assert (kept["price"], kept["needsTerms"]) == ({"amountMinor": 9900}, True)
        assert instant(kept["endsAt"]) - instant(kept["startsAt"]) == HOUR
