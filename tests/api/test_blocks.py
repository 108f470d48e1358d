"""Customers and providers who are not to meet, through the public door."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import event, update

from api import ids
from db.tables import provider_blocks
from db.tables import providers as providers_table
from tests.api.house import House, provider, service
from tests.api.market import HOUR, Person, opened
from tests.factories import NOW, count_rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

_BLOCK: Final = "block { provider { id } reason blockedAt byHouse }"
_PROBLEMS: Final = """
  ... on Problem { code message path }
  ... on InvalidInput { errors { path } }
"""
BLOCK: Final = f"""
mutation($input: BlockProviderInput!) {{ blockProvider(input: $input) {{
  __typename ... on BlockProviderSuccess {{ {_BLOCK} }} {_PROBLEMS}
}} }}"""
UNBLOCK: Final = f"""
mutation($input: UnblockProviderInput!) {{ unblockProvider(input: $input) {{
  __typename ... on UnblockProviderSuccess {{ {_BLOCK} }} {_PROBLEMS}
}} }}"""
LIST: Final = """query($customer: ID, $first: Int, $after: String) {
  blockedProviders(customerId: $customer, first: $first, after: $after) {
    nodes { provider { id } reason byHouse } totalCount pageInfo { endCursor hasNextPage }
  }
}"""


async def block(home: House, by: Person | str, whom: Person, **more: Any) -> Any:
    name = by if isinstance(by, str) else by.name
    return await home.act(name, BLOCK, input={"providerId": whom.id} | more)


async def unblock(home: House, by: Person | str, whom: Person, **more: Any) -> Any:
    name = by if isinstance(by, str) else by.name
    return await home.act(name, UNBLOCK, input={"providerId": whom.id} | more)


async def listed(home: House, by: Person | str, **asked: Any) -> list[Any]:
    name = by if isinstance(by, str) else by.name
    found = await home.act(name, LIST, **asked)
    assert found["totalCount"] == len(found["nodes"])
    nodes: list[Any] = found["nodes"]
    return nodes


async def test_a_customer_blocks_and_unblocks_for_themselves(home: House) -> None:
    market = await opened(home)
    customer, other = await market.customers(2)
    one, two = await market.provider(), await market.provider()

    made = await block(home, customer, one, reason=" Rude. ")
    assert made["block"].pop("blockedAt") is not None
    assert made == {
        "__typename": "BlockProviderSuccess",
        "block": {"provider": {"id": one.id}, "reason": "Rude.", "byHouse": False},
    }
    await block(home, customer, two, customerId=ids.encode("User", customer.uid))
    again = await block(home, customer, one, reason="Something else.")
    assert again["block"]["reason"] == "Rude."
    assert await listed(home, customer) == [
        {"provider": {"id": two.id}, "reason": "", "byHouse": False},
        {"provider": {"id": one.id}, "reason": "Rude.", "byHouse": False},
    ]
    assert await listed(home, other) == []
    first = await home.act(customer.name, LIST, first=1)
    assert first["pageInfo"]["hasNextPage"] is True
    rest = await home.act(customer.name, LIST, after=first["pageInfo"]["endCursor"])
    assert [node["provider"]["id"] for node in rest["nodes"]] == [one.id]

    gone = await unblock(home, customer, two)
    assert gone["__typename"] == "UnblockProviderSuccess"
    assert [node["provider"]["id"] for node in await listed(home, customer)] == [one.id]
    assert (await unblock(home, customer, two))["code"] == "NOT_FOUND"


async def test_who_is_blocked_is_neither_offered_the_work_nor_booked_for_it(home: House) -> None:
    market = await opened(home)
    customer, other = await market.customers(2)
    blocked, free = await market.provider(), await market.provider()
    before = await market.booked(customer)
    assert set(await market.match(before)) == {blocked.uid, free.uid}

    await block(home, customer, blocked)

    assert await market.offers(blocked) == []
    assert await market.match(before) == [free.uid]
    later = await market.booked(customer, startsAt=market.start + 5 * HOUR)
    assert await market.match(later) == [free.uid]
    refused = await market.book(customer, providerId=blocked.id)
    assert (refused["__typename"], refused["unmet"]) == ("ProviderNotEligible", ["NOT_BLOCKED"])
    elses = await market.booked(other, providerId=blocked.id)
    assert elses["provider"] == {"id": blocked.id}

    await unblock(home, customer, blocked)
    agreed = await market.booked(customer, providerId=blocked.id, startsAt=market.start + 10 * HOUR)
    assert agreed["provider"] == {"id": blocked.id}


async def test_what_the_house_blocks_stays_until_the_house_unblocks(home: House) -> None:
    market = await opened(home)
    customer, whom = await market.customer(), await market.provider()
    named = {"customerId": ids.encode("User", customer.uid)}

    made = await block(home, "Dora", whom, **named, reason="Threats.")

    assert (made["block"]["byHouse"], made["block"]["reason"]) == (True, "Threats.")
    assert await listed(home, customer) == [
        {"provider": {"id": whom.id}, "reason": None, "byHouse": True}
    ]
    assert await listed(home, "Adam", customer=named["customerId"]) == [
        {"provider": {"id": whom.id}, "reason": "Threats.", "byHouse": True}
    ]
    refused = await unblock(home, customer, whom)
    assert (refused["__typename"], refused["code"]) == ("BlockedByHouse", "BLOCKED_BY_HOUSE")
    assert (await unblock(home, "Adam", whom, **named))["__typename"] == "UnblockProviderSuccess"
    assert await listed(home, customer) == []


async def test_staff_say_whom_and_why_and_customers_mean_themselves(home: House) -> None:
    market = await opened(home)
    customer, other = await market.customers(2)
    whom = await market.provider()
    before = await count_rows(home.database, provider_blocks)
    named = {"customerId": ids.encode("User", customer.uid)}

    for by, more, path in (
        ("Dora", {"reason": "x"}, ["customerId"]),
        ("Dora", named, ["reason"]),
        ("Dora", named | {"reason": " "}, ["reason"]),
        ("Dora", {"customerId": whom.id, "reason": "x"}, ["customerId"]),
        (customer, {"reason": "x" * 501}, ["reason"]),
        (customer, {"reason": "nul\x00l"}, ["reason"]),
    ):
        refused = await block(home, by, whom, **more)
        assert (refused["code"], refused["errors"]) == ("INVALID_INPUT", [{"path": path}])
    for by, more in (
        (other, named),
        ("Dora", {"customerId": ids.encode("User", whom.uid), "reason": "x"}),
        ("Dora", {"customerId": ids.encode("User", uuid4()), "reason": "x"}),
    ):
        assert (await block(home, by, whom, **more))["code"] == "NOT_FOUND"
    assert (await unblock(home, other, whom, **named))["code"] == "NOT_FOUND"
    for name, asked in ((other.name, named["customerId"]), ("Dora", None)):
        answer = await home.ask(name, LIST, customer=asked)
        assert answer["errors"][0]["extensions"]["code"] in {"NOT_FOUND", "BAD_USER_INPUT"}
    assert await count_rows(home.database, provider_blocks) == before


async def test_unknown_inactive_and_wrong_ids(home: House) -> None:
    market = await opened(home)
    customer, gone = await market.customer(), await market.provider(suspended_at=NOW)
    unknown = ids.encode("Provider", uuid4())

    for uid in (gone.id, unknown):
        refused = await home.act(customer.name, BLOCK, input={"providerId": uid})
        assert (refused["code"], refused["path"]) == ("NOT_FOUND", None)
    for uid in (service("home-clean"), "nonsense"):
        for document in (BLOCK, UNBLOCK):
            refused = await home.act(customer.name, document, input={"providerId": uid})
            assert refused["errors"] == [{"path": ["providerId"]}]


async def test_who_has_left_stays_on_the_list_to_be_unblocked(home: House) -> None:
    market = await opened(home)
    customer, whom = await market.customer(), await market.provider()
    await block(home, customer, whom)
    async with home.database.begin() as tx:
        mine = update(providers_table).where(providers_table.c.id == whom.uid)
        await tx.execute(mine.values(suspended_at=NOW))

    assert [node["provider"]["id"] for node in await listed(home, customer)] == [whom.id]
    assert (await unblock(home, customer, whom))["block"]["provider"] == {"id": whom.id}


async def test_only_customers_and_staff_have_to_do_with_blocks(home: House) -> None:
    for name in ("Chloe", "Anna"):
        for document in (BLOCK, UNBLOCK):
            # It is the act that is refused, whatever is asked of its answer.
            act = f"{document.partition('__typename')[0]} __typename }} }}"
            answer = await home.ask(name, act, input={"providerId": provider("Maya")})
            assert {e["extensions"]["code"] for e in answer["errors"]} == {"FORBIDDEN"}
            assert "data" not in answer
        answer = await home.ask(name, LIST)
        assert {e["extensions"]["code"] for e in answer["errors"]} == {"FORBIDDEN"}


async def test_a_list_of_blocks_reads_its_providers_at_once(home: House) -> None:
    market = await opened(home)
    customer = await market.customer()
    for _ in range(3):
        await block(home, customer, await market.provider())
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = home.door.services.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await listed(home, customer)
    event.remove(engine, "before_cursor_execute", note)
    assert sum("FROM providers" in one for one in statements) == 1
