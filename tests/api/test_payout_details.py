"""How providers are paid, asked for and changed through the public door."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import pytest

from api import ids
from tests.api import market
from tests.api.house import House
from tests.api.market import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ: Final = """query($provider: ID) { payoutDetails(providerId: $provider) {
  cycle account provider { id }
} }"""
CHANGE: Final = """mutation($input: UpdatePayoutDetailsInput!) {
  updatePayoutDetails(input: $input) {
    __typename
    ... on UpdatePayoutDetailsSuccess { payoutDetails { cycle account provider { id } } }
    ... on Problem { code path }
    ... on InvalidInput { errors { path } }
  }
}"""


async def change(home: House, who: Person | str, **asked: Any) -> Any:
    name = who if isinstance(who, str) else who.name
    return await home.act(name, CHANGE, input=asked)


async def test_a_provider_says_where_and_an_admin_how_often(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    assert await home.act(one.name, READ) == {
        "cycle": "WEEKLY",
        "account": None,
        "provider": {"id": one.id},
    }
    mine = await change(home, one, account="acct_1")
    assert mine["payoutDetails"] == {
        "cycle": "WEEKLY",
        "account": "acct_1",
        "provider": {"id": one.id},
    }
    theirs = await change(home, "Adam", providerId=one.id, cycle="MONTHLY")
    assert theirs["payoutDetails"]["cycle"] == "MONTHLY"
    assert await home.act("Adam", READ, provider=one.id) == {
        "cycle": "MONTHLY",
        "account": "acct_1",
        "provider": {"id": one.id},
    }
    assert (await home.act(other.name, READ))["account"] is None


async def test_what_is_not_theirs_to_say_is_refused(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    refused = await change(home, one, account="acct_1", cycle="MONTHLY")
    assert [error["path"] for error in refused["errors"]] == [["cycle"]]
    refused = await change(home, one, account="two words")
    assert [error["path"] for error in refused["errors"]] == [["account"]]
    assert (await change(home, one, providerId=other.id, account="a"))["code"] == "NOT_FOUND"
    assert (await change(home, "Adam", account="a"))["code"] == "INVALID_INPUT"
    unknown = ids.encode("Provider", UUID(int=1))
    assert (await change(home, "Adam", providerId=unknown, account="a"))["code"] == "NOT_FOUND"
    assert (await home.act(one.name, READ))["account"] is None


async def test_accounts_are_nobody_elses_business(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    for who, code in (("Dora", "FORBIDDEN"), ("Anna", "FORBIDDEN"), ("Carla", "FORBIDDEN")):
        answer = await home.ask(who, READ, provider=one.id)
        assert answer["errors"][0]["extensions"]["code"] == code
        answer = await home.ask(who, CHANGE, input={"providerId": one.id, "account": "a"})
        assert answer["errors"][0]["extensions"]["code"] == code
    answer = await home.ask(other.name, READ, provider=one.id)
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
