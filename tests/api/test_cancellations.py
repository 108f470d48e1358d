"""Calling bookings off through the public door: what it costs, and that it costs it once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.booking_rules import BookingRules
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, Market, Person, instant, outcomes, rules_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONEY = "{ amountMinor currency }"
QUOTE = f"""query($id: ID!) {{ cancellationQuote(bookingId: $id) {{
  percent fee {MONEY} refund {MONEY} changesAt
}} }}"""
CANCEL = market.mutation(
    "cancelBooking",
    f"booking {{ {market.BOOKING} }}",
    *("FeeChanged", "RulesBroken", "WrongStatus", "VersionConflict", "InvalidInput"),
)
PAY = "mutation($id: ID!) { payBooking(input: { bookingId: $id }) { __typename } }"
DAY = timedelta(days=1)


async def opened(home: House, **rules: Any) -> Market:
    """A service of 40.51 that can be booked down to the last minute."""
    kept = BookingRules(**{"notice_minutes": 0, "slot_interval_minutes": 5} | rules)
    return await market.opened(home, price_minor=4051, rules=kept)


def soon(**ahead: float) -> datetime:
    """A start so far ahead, on the grid."""
    start = datetime.now(UTC) + timedelta(**ahead)
    return start.replace(minute=start.minute // 5 * 5, second=0, microsecond=0)


async def booked(shop: Market, ada: Person, start: datetime, *, paid: bool = True) -> Any:
    """A booking that a provider has, and that is paid for."""
    provider = await shop.provider()
    made = await shop.booked(ada, providerId=provider.id, startsAt=start)
    if paid:
        assert (await shop.act(ada, PAY, id=made["id"]))["__typename"] == "PayBookingSuccess"
    return await shop.read(made)


async def quote(shop: Market, who: Person | str, booking: Any) -> Any:
    return await shop.act(who, QUOTE, id=booking["id"])


async def cancel(shop: Market, who: Person | str, booking: Any, **said: Any) -> Any:
    return await shop.act(who, CANCEL, input={"bookingId": booking["id"], **said})


def gbp(minor: int) -> dict[str, Any]:
    return {"amountMinor": minor, "currency": "GBP"}


@pytest.mark.parametrize(
    ("ahead", "percent", "fee", "changes"),
    [
        (timedelta(days=2), 0, 0, timedelta(hours=24)),
        (timedelta(hours=23), 50, 2026, timedelta(hours=2)),
        (timedelta(hours=3), 50, 2026, timedelta(hours=2)),
        (timedelta(hours=1), 100, 4051, None),
    ],
)
async def test_the_fee_is_of_its_time_quoted_first_and_taken_as_quoted(
    home: House, ahead: timedelta, percent: int, fee: int, changes: timedelta | None
) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    start = soon(seconds=ahead.total_seconds())
    booking = await booked(shop, ada, start)
    assert await quote(shop, ada, booking) == {
        "percent": percent,
        "fee": gbp(fee),
        "refund": gbp(4051 - fee),
        "changesAt": changes and market.wire(start - changes),
    }
    done = await cancel(shop, ada, booking, expectedFeeMinor=fee, reason="Ill")
    after = done["booking"]
    assert (after["status"], after["cancelReason"]) == ("CANCELLED", "Ill")
    assert after["fee"] == {"amountMinor": fee}


async def test_who_has_not_paid_gets_nothing_back(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await booked(shop, ada, soon(hours=3), paid=False)
    quoted = await quote(shop, ada, booking)
    assert (quoted["fee"], quoted["refund"]) == (gbp(2026), gbp(0))


async def test_a_booking_that_nobody_has_costs_nothing_however_late(home: House) -> None:
    shop = await opened(home)
    await shop.provider()
    ada = await shop.customer()
    booking = await shop.booked(ada, startsAt=soon(hours=1))
    assert await quote(shop, ada, booking) == {
        "percent": 0,
        "fee": gbp(0),
        "refund": gbp(0),
        "changesAt": None,
    }
    assert (await cancel(shop, ada, booking))["booking"]["fee"] == {"amountMinor": 0}


async def test_calling_off_withdraws_the_offers_and_frees_the_time(home: House) -> None:
    shop = await opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    booking = await shop.booked(ada)
    offer = await shop.offer(provider)
    await cancel(shop, ada, booking)
    gone = await shop.act(provider, market.ACCEPT, id=offer["id"])
    assert gone == {"__typename": "OfferGone", "why": "BOOKING_CLOSED", "code": "OFFER_GONE"}
    direct = await shop.booked(ben, providerId=provider.id)
    assert (await shop.book(ada, providerId=provider.id))["__typename"] == "SlotTaken"
    await cancel(shop, ben, direct)
    await shop.booked(ada, providerId=provider.id)


async def test_another_fee_than_the_one_agreed_to_is_refused_with_the_quote(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    start = soon(hours=3)
    booking = await booked(shop, ada, start)
    for agreed in ({}, {"expectedFeeMinor": 0}, {"expectedFeeMinor": 4051}):
        refused = await cancel(shop, ada, booking, **agreed)
        assert (refused["code"], refused["path"]) == ("FEE_CHANGED", ["expectedFeeMinor"])
        assert refused["quote"] == {
            "percent": 50,
            "fee": {"amountMinor": 2026},
            "refund": {"amountMinor": 2025},
            "changesAt": market.wire(start - 2 * HOUR),
        }
    assert await shop.read(booking) == booking


async def test_a_fee_that_rises_while_the_customer_decides_is_not_taken_unseen(
    home: House,
) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await booked(shop, ada, soon(days=2))
    assert (await quote(shop, ada, booking))["fee"] == gbp(0)
    await shop.pass_time(booking, DAY)
    refused = await cancel(shop, ada, booking, expectedFeeMinor=0)
    assert (refused["code"], refused["quote"]["fee"]["amountMinor"]) == ("FEE_CHANGED", 2026)
    assert (await shop.read(booking))["status"] == "CONFIRMED"
    agreed = await cancel(shop, ada, booking, expectedFeeMinor=2026)
    assert agreed["booking"]["fee"] == {"amountMinor": 2026}


class TestCallingOffTwice:
    async def test_takes_the_fee_once_whatever_is_agreed_to_the_second_time(
        self, home: House
    ) -> None:
        shop = await opened(home)
        ada = await shop.customer()
        booking = await booked(shop, ada, soon(hours=3))
        once = (await cancel(shop, ada, booking, expectedFeeMinor=2026))["booking"]
        for agreed in (2026, 0, 4051):
            again = await cancel(shop, ada, booking, expectedFeeMinor=agreed)
            assert (again["__typename"], again["status"]) == ("WrongStatus", "CANCELLED")
        assert (await cancel(shop, "Dora", booking))["__typename"] == "WrongStatus"
        assert await shop.read(booking) == once
        assert (await shop.told(booking)).count("booking.cancelled") == 1

    async def test_at_once_is_calling_off_once(self, home: House) -> None:
        shop = await opened(home)
        ada = await shop.customer()
        booking = await booked(shop, ada, soon(hours=3))
        fees = [2026, 0, 2026, 4051, 2026, 2026, 0, 2026]
        asking = [cancel(shop, ada, booking, expectedFeeMinor=fee) for fee in fees]
        answers = await shop.at_once(booking, *asking, cancel(shop, "Dora", booking))
        after = await shop.read(booking)
        (won,) = (one["booking"] for one in answers if "booking" in one)
        assert won == after
        lost = outcomes([one for one in answers if "booking" not in one])
        assert lost.keys() <= {"WrongStatus", "FeeChanged"}
        assert after["version"] == booking["version"] + 1
        assert [line["act"] for line in after["history"]].count("CANCEL") == 1
        # Whoever came first, the house or the customer, its fee is the one that stands.
        by = after["history"][-1]["source"]
        assert after["fee"] == {"amountMinor": 0 if by == "STAFF" else 2026}
        assert (await shop.told(booking)).count("booking.cancelled") == 1

    async def test_leaves_nothing_to_be_quoted_or_refunded_again(self, home: House) -> None:
        shop = await opened(home)
        ada = await shop.customer()
        booking = await booked(shop, ada, soon(days=2))
        await cancel(shop, ada, booking)
        for who in (ada, "Dora"):
            name = who if isinstance(who, str) else who.name
            answer = await home.ask(name, QUOTE, id=booking["id"])
            assert answer["data"] is None
            (error,) = answer["errors"]
            assert (error["extensions"]["code"], error["extensions"]["problem"]) == (
                "REFUSED",
                "WRONG_STATUS",
            )
        paid = await shop.act(ada, PAY, id=booking["id"])
        assert paid == {"__typename": "WrongStatus"}

    async def test_with_an_old_version_is_a_conflict(self, home: House) -> None:
        shop = await opened(home)
        ada = await shop.customer()
        booking = await booked(shop, ada, soon(days=2))
        old = booking["version"] - 1
        refused = await cancel(shop, ada, booking, expectedVersion=old)
        assert refused["currentVersion"] == booking["version"]
        assert refused["path"] == ["expectedVersion"]
        assert await shop.read(booking) == booking
        done = await cancel(shop, ada, booking, expectedVersion=booking["version"])
        assert done["booking"]["status"] == "CANCELLED"


async def test_the_house_calls_off_for_nothing_at_any_time_and_says_why(home: House) -> None:
    shop = await opened(home, cancel_notice_minutes=600)
    ada = await shop.customer()
    booking = await booked(shop, ada, soon(hours=1))
    quoted = await quote(shop, "Dora", booking)
    assert (quoted["fee"], quoted["refund"]) == (gbp(0), gbp(4051))
    done = (await cancel(shop, "Dora", booking, reason="Snow"))["booking"]
    assert (done["fee"], done["cancelReason"]) == ({"amountMinor": 0}, "Snow")
    line = {"act": "CANCEL", "source": "STAFF", "before": "CONFIRMED", "after": "CANCELLED"}
    assert done["history"][-1] == line | {"reason": "Snow"}


async def test_from_the_lock_out_on_customers_cannot_call_off_and_are_told_until_when(
    home: House,
) -> None:
    shop = await opened(home, cancel_notice_minutes=180)
    ada = await shop.customer()
    start = soon(hours=2)
    booking = await booked(shop, ada, start)
    refused = await cancel(shop, ada, booking, expectedFeeMinor=2026)
    assert rules_of(refused) == ["CANCEL_TOO_LATE"]
    assert instant(refused["broken"][0]["latest"]) == start - 3 * HOUR
    answer = await home.ask(ada.name, QUOTE, id=booking["id"])
    assert answer["errors"][0]["extensions"]["problem"] == "RULES_BROKEN"
    assert await shop.read(booking) == booking


async def test_only_its_customer_and_staff_call_a_booking_off(home: House) -> None:
    shop = await opened(home)
    ada, ben = await shop.customers(2)
    provider = await shop.provider()
    booking = await shop.booked(ada, providerId=provider.id)
    refused = await cancel(shop, ben, booking)
    assert (refused["__typename"], refused["code"]) == ("NotFound", "NOT_FOUND")
    answer = await home.ask(ben.name, QUOTE, id=booking["id"])
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    answer = await home.ask(provider.name, CANCEL, input={"bookingId": booking["id"]})
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await shop.read(booking) == booking


async def test_too_long_a_reason_is_wrong_input_and_calls_nothing_off(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await booked(shop, ada, soon(days=2))
    refused = await cancel(shop, ada, booking, reason="x" * 501)
    assert [error["path"] for error in refused["errors"]] == [["reason"]]
    assert await shop.read(booking) == booking
