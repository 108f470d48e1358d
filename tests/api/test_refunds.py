"""Giving back through the public door: by hand, once, seen by whoever paid and the house."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from api import ids
from db.ids import new_id
from db.tables import refunds
from domain.booking_rules import BookingRules
from domain.money import Money
from domain.payment_events import Said
from tests import paying as gateway
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, Market, Person, uid_of
from tests.factories import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUM = "{ amountMinor currency }"
REFUND = f"id amount {SUM} cause to status reason doneAt booking {{ id }}"
GIVE = f"""mutation($input: RefundBookingInput!) {{ refundBooking(input: $input) {{
  __typename
  ... on RefundBookingSuccess {{
    booking {{ id refunds {{ id }} }} refunds {{ {REFUND} failedAt failure }}
  }}
  ... on RefundTooLarge {{ refundable {SUM} }}
  ... on InvalidInput {{ errors {{ path message }} }}
  ... on Problem {{ code message path }}
}} }}"""
SEEN = f"""query($id: ID!) {{ booking(id: $id) {{
  status refunds {{ {REFUND} }}
  payments {{ id purpose refunded {SUM} refunds {{ id }} }}
}} }}"""
STAFF_ONLY = "query($id: ID!) { booking(id: $id) { refunds { failure } } }"
NODE = "query($id: ID!) { node(id: $id) { id ... on Refund { reason } } }"
PAY = """mutation($id: ID!) { payBooking(input: { bookingId: $id }) {
  __typename ... on PayBookingSuccess { payment { id } }
} }"""
CANCEL = """mutation($id: ID!, $fee: Int!) {
  cancelBooking(input: { bookingId: $id, expectedFeeMinor: $fee }) { __typename }
}"""
START = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
COMPLETE = "mutation($id: ID!) { completeBooking(input: { bookingId: $id }) { __typename } }"
DAY = timedelta(days=1)


def gbp(minor: int) -> dict[str, Any]:
    return {"amountMinor": minor, "currency": "GBP"}


async def opened(home: House) -> Market:
    rules = BookingRules(notice_minutes=0)
    return await market.opened(home, price_minor=4051, rules=rules)


async def paid(shop: Market, ada: Person) -> Any:
    """A booking that a provider has and that is paid for, and its payment's id."""
    provider = await shop.provider()
    booking = await shop.booked(ada, providerId=provider.id)
    answer = await shop.act(ada, PAY, id=booking["id"])
    assert answer["__typename"] == "PayBookingSuccess"
    return booking | {"payment": answer["payment"]["id"], "who": provider}


async def give(shop: Market, who: Person | str, booking: Any, **said: Any) -> Any:
    asked = {"bookingId": booking["id"], "reason": "A late start.", **said}
    return await shop.act(who, GIVE, input=asked)


async def done(shop: Market, booking: Any) -> None:
    """The work is begun and done."""
    at = await now(shop.home.database)
    await shop.pass_time(booking, shop.start - at)
    for act in (START, COMPLETE):
        await shop.act(booking["who"], act, id=booking["id"])


async def count_refunds(shop: Market, booking: Any) -> int:
    about = refunds.c.booking_id == uid_of(booking)
    async with shop.home.database.read() as connection:
        return int(await connection.scalar(select(func.count()).where(about)) or 0)


async def test_staff_give_a_part_back_and_its_customer_sees_it(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await paid(shop, ada)

    answer = await give(shop, "Dora", booking, amount=gbp(1000))

    assert answer["__typename"] == "RefundBookingSuccess", answer
    (refund,) = answer["refunds"]
    assert refund["id"].startswith(ids.encode("Refund", new_id())[:8])
    assert answer["booking"] == {"id": booking["id"], "refunds": [{"id": refund["id"]}]}
    shown = {
        "id": refund["id"],
        "amount": gbp(1000),
        "cause": "BY_HAND",
        "to": "CARD",
        "status": "WAITING",
        "reason": "A late start.",
        "doneAt": None,
        "booking": {"id": booking["id"]},
    }
    assert refund == {**shown, "failedAt": None, "failure": None}
    for who in (ada, "Dora"):
        seen = await shop.act(who, SEEN, id=booking["id"])
        assert seen["refunds"] == [shown]
        assert seen["payments"] == [
            {
                "id": booking["payment"],
                "purpose": "FULL",
                "refunded": gbp(1000),
                "refunds": [{"id": refund["id"]}],
            }
        ]
        assert await shop.act(who, NODE, id=refund["id"]) == {
            "id": refund["id"],
            "reason": "A late start.",
        }


async def test_what_staff_gave_back_at_the_gateway_is_seen_like_any_other(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await paid(shop, ada)
    payment = await gateway.read_payment(
        home.database, ids.parse("Payment", booking["payment"], "id")
    )
    report = gateway.said(
        payment,
        Said.REFUND_MADE,
        refund="re_there",
        money=Money(amount_minor=4051 + 9, currency="GBP"),
    )
    await gateway.hear(home.database, report)
    await gateway.settle(home.database, payment)

    seen = await shop.act(ada, SEEN, id=booking["id"])
    (refund,) = seen["refunds"]
    assert refund.pop("doneAt")
    assert refund == {
        "id": refund["id"],
        "amount": gbp(4060),
        "cause": "AT_GATEWAY",
        "to": "CARD",
        "status": "DONE",
        "reason": "",
        "booking": {"id": booking["id"]},
    }
    assert seen["payments"][0]["refunded"] == gbp(4051)
    assert (await give(shop, "Dora", booking, amount=gbp(1)))["refundable"] == gbp(0)
    excess = "query($id: ID!) { booking(id: $id) { refunds { excess { amountMinor currency } } } }"
    (shown,) = (await shop.act("Dora", excess, id=booking["id"]))["refunds"]
    assert shown == {"excess": gbp(9)}
    answer = await home.ask(ada.name, excess, id=booking["id"])
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_nobody_else_sees_it_or_gives(home: House) -> None:
    shop = await opened(home)
    ada, bea = await shop.customers(2)
    booking = await paid(shop, ada)
    (refund,) = (await give(shop, "Dora", booking))["refunds"]

    assert await shop.act(bea, NODE, id=refund["id"]) is None
    for who, document in (
        (booking["who"], SEEN),
        (ada, STAFF_ONLY),
        (booking["who"], STAFF_ONLY),
    ):
        answer = await home.ask(who.name, document, id=booking["id"])
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", answer
    for other in (ada, bea, booking["who"]):
        asked = {"bookingId": booking["id"], "reason": "Please."}
        answer = await home.ask(other.name, GIVE, input=asked)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await count_refunds(shop, booking) == 1


async def test_all_of_it_after_the_work_and_then_no_more(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await paid(shop, ada)
    await done(shop, booking)

    assert (await give(shop, "Dora", booking, amount=gbp(4052)))["refundable"] == gbp(4051)
    (refund,) = (await give(shop, "Dora", booking))["refunds"]
    assert refund["amount"] == gbp(4051)
    for said in ({}, {"amount": gbp(1)}, {"paymentId": booking["payment"]}):
        answer = await give(shop, "Dora", booking, **said)
        assert (answer["__typename"], answer["code"], answer["path"]) == (
            "RefundTooLarge",
            "REFUND_TOO_LARGE",
            ["amount"],
        )
        assert answer["refundable"] == gbp(0)
    assert await count_refunds(shop, booking) == 1


async def test_a_cancellation_gives_back_what_was_quoted(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await paid(shop, ada)
    at = await now(home.database)
    await shop.pass_time(booking, shop.start - at - 5 * HOUR)
    answer = await shop.act(ada, CANCEL, id=booking["id"], fee=2026)
    assert answer["__typename"] == "CancelBookingSuccess"

    seen = await shop.act(ada, SEEN, id=booking["id"])
    assert [(one["amount"], one["cause"], one["reason"]) for one in seen["refunds"]] == [
        (gbp(2025), "CANCELLED", "")
    ]
    # The fee as well, as the house pleases.
    (refund,) = (await give(shop, "Dora", booking))["refunds"]
    assert refund["amount"] == gbp(2026)


async def test_to_credits_it_can_be_spent_at_once(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await paid(shop, ada)
    (refund,) = (await give(shop, "Dora", booking, to="CREDITS"))["refunds"]
    assert (refund["to"], refund["status"]) == ("CREDITS", "DONE")
    assert refund["doneAt"] is not None
    theirs = await shop.act(ada, f"{{ credits {{ balances {SUM} }} }}")
    assert theirs == {"balances": [gbp(4051)]}


async def test_the_same_key_gives_once_also_at_once(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await paid(shop, ada)
    once = {"amount": gbp(1000), "idempotencyKey": f"key {booking['id']}"}

    answers = await asyncio.gather(*(give(shop, "Dora", booking, **once) for _ in range(6)))

    assert len({one["refunds"][0]["id"] for one in answers}) == 1
    assert await count_refunds(shop, booking) == 1
    other = await give(shop, "Dora", booking, **once | {"amount": gbp(999)})
    assert other["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_without_a_key_many_at_once_give_no_more_than_was_paid(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await paid(shop, ada)
    giving = [give(shop, "Dora", booking, amount=gbp(2000)) for _ in range(5)]
    answers = await shop.at_once(booking, *giving)
    kinds = [one["__typename"] for one in answers]
    assert kinds.count("RefundBookingSuccess") == 2
    assert kinds.count("RefundTooLarge") == 3
    seen = await shop.act(ada, SEEN, id=booking["id"])
    assert seen["payments"][0]["refunded"] == gbp(4000)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"reason": " "}, ["reason"]),
        ({"amount": {"amountMinor": 0, "currency": "GBP"}}, ["amount", "amountMinor"]),
        ({"amount": {"amountMinor": 1, "currency": "EUR"}}, ["amount", "currency"]),
        ({"paymentId": ids.encode("Booking", new_id())}, ["paymentId"]),
        ({"idempotencyKey": ""}, ["idempotencyKey"]),
    ],
)
async def test_what_is_wrong_is_said(home: House, said: dict[str, Any], path: list[str]) -> None:
    shop = await opened(home)
    booking = await paid(shop, await shop.customer())
    answer = await give(shop, "Dora", booking, **said)
    assert answer["__typename"] == "InvalidInput", answer
    assert [error["path"] for error in answer["errors"]] == [path]
    assert await count_refunds(shop, booking) == 0


async def test_what_nobody_knows_is_not_found(home: House) -> None:
    shop = await opened(home)
    booking = await paid(shop, await shop.customer())
    for said in (
        {"bookingId": ids.encode("Booking", new_id())},
        {"paymentId": ids.encode("Payment", new_id())},
    ):
        assert (await give(shop, "Dora", booking, **said))["code"] == "NOT_FOUND"
