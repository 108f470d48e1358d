"""Thanking a provider through the public door: for work that was done, wholly theirs, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from db.tables import ledger_lines, payments
from tests.api import market
from tests.api.house import House
from tests.api.market import Market, Person, uid_of
from tests.factories import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUM = "{ amountMinor currency }"
TIP = f"""mutation($input: TipProviderInput!) {{ tipProvider(input: $input) {{
  __typename
  ... on TipProviderSuccess {{
    booking {{ id }} payment {{ id purpose status method amount {SUM} }}
  }}
  ... on WrongStatus {{ status }}
  ... on NotEnoughCredit {{ balance {SUM} due {SUM} }}
  ... on InvalidInput {{ errors {{ path message }} }}
  ... on Problem {{ code message }}
}} }}"""
PAY = "mutation($id: ID!) { payBooking(input: { bookingId: $id }) { __typename } }"
START = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
COMPLETE = "mutation($id: ID!) { completeBooking(input: { bookingId: $id }) { __typename } }"
GRANT = """mutation($input: GrantCreditsInput!) {
  grantCredits(input: $input) { __typename }
}"""


def gbp(minor: int) -> dict[str, Any]:
    return {"amountMinor": minor, "currency": "GBP"}


async def opened(home: House) -> Market:
    return await market.opened(home, price_minor=4050)


async def done(shop: Market, ada: Person) -> Any:
    """Work that was paid for and done, and who did it."""
    provider = await shop.provider()
    booking = await shop.booked(ada, providerId=provider.id)
    await shop.act(ada, PAY, id=booking["id"])
    at = await now(shop.home.database)
    await shop.pass_time(booking, shop.start - at)
    for act in (START, COMPLETE):
        await shop.act(provider, act, id=booking["id"])
    return booking | {"who": provider}


async def tip(shop: Market, who: Person, booking: Any, minor: int = 500, **said: Any) -> Any:
    asked = {"bookingId": booking["id"], "amount": gbp(minor), **said}
    return await shop.act(who, TIP, input=asked)


async def tipped(shop: Market, booking: Any) -> int:
    """What the provider has of tips for a booking."""
    lines = ledger_lines.c
    theirs = (lines.booking_id == uid_of(booking)) & (lines.kind == "TIP")
    mine = theirs & (lines.provider_id == booking["who"].uid)
    async with shop.home.database.read() as connection:
        total = select(func.coalesce(func.sum(lines.amount_minor), 0)).where(mine)
        return int(await connection.scalar(total) or 0)


async def test_a_tip_is_paid_as_everything_is_and_wholly_the_providers(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await done(shop, ada)

    answer = await tip(shop, ada, booking)

    assert answer["__typename"] == "TipProviderSuccess", answer
    assert answer["booking"] == {"id": booking["id"]}
    uid = answer["payment"].pop("id")
    assert uid
    assert answer["payment"] == {
        "purpose": "TIP",
        "status": "PAID",
        "method": "CARD",
        "amount": gbp(500),
    }
    assert await tipped(shop, booking) == 500
    # Whoever wants to give more may.
    await tip(shop, ada, booking, 10000)
    assert await tipped(shop, booking) == 10500


async def test_with_credits_as_far_as_there_are_any(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await done(shop, ada)
    short = await tip(shop, ada, booking, 500, method="CREDITS")
    assert (short["code"], short["balance"], short["due"]) == (
        "NOT_ENOUGH_CREDIT",
        gbp(0),
        gbp(500),
    )
    asked = {"customerId": ada.id, "amount": gbp(500), "reason": "Sorry."}
    await shop.act("Dora", GRANT, input=asked)
    given = await tip(shop, ada, booking, 500, method="CREDITS")
    assert given["payment"]["status"] == "PAID"
    assert await tipped(shop, booking) == 500


async def test_the_same_key_tips_once_also_at_once(home: House) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await done(shop, ada)
    key: dict[str, Any] = {"idempotencyKey": f"key {booking['id']}"}
    answers = await asyncio.gather(*(tip(shop, ada, booking, **key) for _ in range(6)))
    assert len({one["payment"]["id"] for one in answers}) == 1
    assert await tipped(shop, booking) == 500
    assert (await tip(shop, ada, booking, 501, **key))["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_only_for_work_that_was_done_and_by_its_customer(home: House) -> None:
    shop = await opened(home)
    ada, bea = await shop.customers(2)
    provider = await shop.provider()
    booking = await shop.booked(ada, providerId=provider.id) | {"who": provider}
    early = await tip(shop, ada, booking)
    assert (early["code"], early["status"]) == ("WRONG_STATUS", "PENDING")

    booking = await done(shop, ada)
    assert (await tip(shop, bea, booking))["code"] == "NOT_FOUND"
    for who in (booking["who"].name, "Dora"):
        answer = await home.ask(who, TIP, input={"bookingId": booking["id"], "amount": gbp(1)})
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await tipped(shop, booking) == 0


@pytest.mark.parametrize(
    ("amount", "path"),
    [
        (gbp(0), ["amount", "amountMinor"]),
        (gbp(10001), ["amount", "amountMinor"]),
        ({"amountMinor": 1, "currency": "EUR"}, ["amount", "currency"]),
    ],
)
async def test_in_the_right_currency_and_within_reason(
    home: House, amount: dict[str, Any], path: list[str]
) -> None:
    shop = await opened(home)
    ada = await shop.customer()
    booking = await done(shop, ada)
    answer = await tip(shop, ada, booking, amount=amount)
    assert [error["path"] for error in answer["errors"]] == [path]
    async with home.database.read() as connection:
        p = payments.c
        mine = (p.booking_id == uid_of(booking)) & (p.purpose == "TIP")
        assert await connection.scalar(select(func.count()).where(mine)) == 0
