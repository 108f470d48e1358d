"""Credit through the public door: who gives it, who sees it, and what it was for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api import ids
from db.ids import new_id
from tests.api import market
from tests.api.house import House
from tests.api.market import Market, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUM = "{ amountMinor currency }"
GRANT = f"""mutation($input: GrantCreditsInput!) {{ grantCredits(input: $input) {{
  __typename
  ... on GrantCreditsSuccess {{ amount {SUM} credits {{ balances {SUM} }} }}
  ... on InvalidInput {{ errors {{ path }} }}
  ... on Problem {{ code message }}
}} }}"""
CREDITS = f"""query($whose: ID, $first: Int, $after: String) {{ credits(customerId: $whose) {{
  balances {SUM}
  lines(first: $first, after: $after) {{
    nodes {{ use amount {SUM} reason }} totalCount pageInfo {{ hasNextPage endCursor }}
  }}
}} }}"""
PAY = """mutation($id: ID!) { payBooking(input: { bookingId: $id, method: CREDITS }) {
  __typename ... on PayBookingSuccess { payment { status method } booking { paidAt } }
} }"""


def gbp(minor: int) -> dict[str, Any]:
    return {"amountMinor": minor, "currency": "GBP"}


async def grant(shop: Market, to: Person, minor: int, *, by: str = "Dora", **said: Any) -> Any:
    asked = {"customerId": to.id, "amount": gbp(minor), "reason": "A late start.", **said}
    return await shop.act(by, GRANT, input=asked)


async def test_what_the_house_gives_can_be_spent_and_is_listed(home: House) -> None:
    shop = await market.opened(home, price_minor=4050)
    ada = await shop.customer()
    assert await shop.act(ada, CREDITS) == {
        "balances": [],
        "lines": {
            "nodes": [],
            "totalCount": 0,
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        },
    }

    given = await grant(shop, ada, 5000)
    assert given == {
        "__typename": "GrantCreditsSuccess",
        "amount": gbp(5000),
        "credits": {"balances": [gbp(5000)]},
    }
    booking = await shop.booked(ada, providerId=(await shop.provider()).id)
    paid = await shop.act(ada, PAY, id=booking["id"])
    assert paid["payment"] == {"status": "PAID", "method": "CREDITS"}
    assert paid["booking"]["paidAt"] is not None

    first = await shop.act(ada, CREDITS, first=1)
    assert first["balances"] == [gbp(950)]
    assert first["lines"]["nodes"] == [{"use": "SPENT", "amount": gbp(-4050), "reason": None}]
    assert (first["lines"]["totalCount"], first["lines"]["pageInfo"]["hasNextPage"]) == (2, True)
    after = first["lines"]["pageInfo"]["endCursor"]
    rest = await shop.act("Dora", CREDITS, whose=ada.id, first=1, after=after)
    assert rest["lines"]["nodes"] == [
        {"use": "GRANTED", "amount": gbp(5000), "reason": "A late start."}
    ]
    assert rest["lines"]["pageInfo"]["hasNextPage"] is False


async def test_a_customer_sees_their_own_and_no_other(home: House) -> None:
    shop = await market.opened(home)
    ada, bea = await shop.customers(2)
    await grant(shop, ada, 5000)
    assert (await shop.act(bea, CREDITS))["balances"] == []
    assert (await shop.act(ada, CREDITS, whose=ada.id))["balances"] == [gbp(5000)]
    answers = [await home.ask(bea.name, CREDITS, whose=whose) for whose in (ada.id, unknown())]
    assert {str(one["errors"][0]["extensions"]["code"]) for one in answers} == {"NOT_FOUND"}
    assert answers[0]["errors"][0]["message"] == answers[1]["errors"][0]["message"]
    (error,) = (await home.ask("Dora", CREDITS))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def unknown() -> str:
    return ids.encode("User", new_id())


async def test_only_staff_give_and_only_to_customers(home: House) -> None:
    shop = await market.opened(home)
    ada, provider = await shop.customer(), await shop.provider()
    for who in (ada, provider):
        asked = {"customerId": ada.id, "amount": gbp(1), "reason": "Mine."}
        answer = await home.ask(who.name, GRANT, input=asked)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for whom in (unknown(), ids.encode("User", provider.uid)):
        assert (await grant(shop, ada, 1, customerId=whom))["code"] == "NOT_FOUND"
    assert (await shop.act(ada, CREDITS))["balances"] == []


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"amount": {"amountMinor": 0, "currency": "GBP"}}, ["amount", "amountMinor"]),
        ({"amount": {"amountMinor": 1, "currency": "pound"}}, ["amount", "currency"]),
        ({"reason": " "}, ["reason"]),
    ],
)
async def test_what_is_wrong_is_said(home: House, said: dict[str, Any], path: list[str]) -> None:
    shop = await market.opened(home)
    answer = await grant(shop, await shop.customer(), 1, **said)
    assert [error["path"] for error in answer["errors"]] == [path]


async def test_the_same_key_gives_once(home: House) -> None:
    shop = await market.opened(home)
    ada = await shop.customer()
    key = {"idempotencyKey": f"key {ada.id}"}
    answers = await asyncio.gather(*(grant(shop, ada, 500, **key) for _ in range(5)))
    assert {one["amount"]["amountMinor"] for one in answers} == {500}
    assert (await shop.act(ada, CREDITS))["balances"] == [gbp(500)]
    assert (await grant(shop, ada, 501, **key))["code"] == "IDEMPOTENCY_KEY_REUSED"
