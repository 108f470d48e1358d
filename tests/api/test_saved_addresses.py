"""A customer's addresses through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from api import ids
from db.engine import Database
from db.tables import saved_addresses
from gateways.settings import Settings
from tests.api import house
from tests.api.house import ADDRESS, House, provider
from tests.factories import add_customer, count_rows

SAVE = """
mutation($input: SaveAddressInput!) { saveAddress(input: $input) {
  __typename
  ... on SaveAddressSuccess { address {
    id label accessInstructions isDefault
    address { line1 city postalCode country point { latitude longitude } }
  } }
  ... on TooManyAddresses { limit }
  ... on Problem { code path }
  ... on InvalidInput { errors { path } }
} }
"""
DELETE = """
mutation($id: ID!) { deleteAddress(input: { id: $id }) {
  __typename ... on DeleteAddressSuccess { address { id } } ... on Problem { code } } }
"""
MINE = "{ addresses { nodes { label isDefault } totalCount } }"
NODE = "query($id: ID!) { node(id: $id) { id ... on SavedAddress { label } } }"


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def save(home: House, **asked: Any) -> Any:
    return await home.act("Carla", SAVE, input={"label": "Home", "address": ADDRESS} | asked)


async def test_an_address_is_saved_written_anew_and_deleted(home: House) -> None:
    saved = await save(home, label=" Home ", accessInstructions="Ring twice.")
    uid = saved["address"]["id"]
    assert saved == {
        "__typename": "SaveAddressSuccess",
        "address": {
            "id": uid,
            "label": "Home",
            "accessInstructions": "Ring twice.",
            "isDefault": False,
            "address": ADDRESS,
        },
    }
    moved = {key: value for key, value in ADDRESS.items() if key != "point"}
    changed = await save(home, id=uid, label="Office", address=moved)
    assert changed["address"] == {
        "id": uid,
        "label": "Office",
        "accessInstructions": "",
        "isDefault": False,
        "address": moved | {"point": None},
    }
    assert await home.act("Carla", NODE, id=uid) == {"id": uid, "label": "Office"}
    deleted = await home.act("Carla", DELETE, id=uid)
    assert deleted == {"__typename": "DeleteAddressSuccess", "address": {"id": uid}}
    assert (await home.act("Carla", DELETE, id=uid))["code"] == "NOT_FOUND"
    assert await home.act("Carla", MINE) == {"nodes": [], "totalCount": 0}


async def test_the_default_comes_first_and_there_is_one(home: House) -> None:
    for label in ("Home", "Work", "Parents"):
        await save(home, label=label, isDefault=label != "Parents")
    assert await home.act("Carla", MINE) == {
        "nodes": [
            {"label": "Work", "isDefault": True},
            {"label": "Parents", "isDefault": False},
            {"label": "Home", "isDefault": False},
        ],
        "totalCount": 3,
    }
    paged = """query($after: String) { addresses(first: 1, after: $after) {
      nodes { label } pageInfo { endCursor } } }"""
    seen, after = [], None
    for _ in range(3):
        page = await home.act("Carla", paged, after=after)
        seen += [one["label"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert seen == ["Work", "Parents", "Home"]


async def test_every_wrong_field_is_named_at_once_and_nothing_is_kept(home: House) -> None:
    wrong = ADDRESS | {"line1": "", "country": "Britain"}
    refused = await save(home, label=" ", accessInstructions="x" * 2001, address=wrong)
    assert refused["__typename"] == "InvalidInput"
    assert [error["path"] for error in refused["errors"]] == [
        ["label"],
        ["accessInstructions"],
        ["address", "line1"],
        ["address", "country"],
    ]
    off = await save(home, address=ADDRESS | {"point": {"latitude": 91, "longitude": 0}})
    assert off["errors"] == [{"path": ["address", "point", "latitude"]}]
    assert await count_rows(home.database, saved_addresses) == (0,)


async def test_more_than_fifty_are_too_many(home: House) -> None:
    for _ in range(50):
        assert (await save(home))["__typename"] == "SaveAddressSuccess"
    refused = await save(home)
    assert refused == {
        "__typename": "TooManyAddresses",
        "limit": 50,
        "code": "TOO_MANY",
        "path": None,
    }
    assert await count_rows(home.database, saved_addresses) == (50,)


async def test_another_customers_address_is_invisible_by_every_way_in(home: House) -> None:
    uid = (await save(home))["address"]["id"]
    home.sign_in("Stranger", await add_customer(home.database))
    for name in ("Stranger", "Chloe", "Dora", "Adam", "Anna"):
        for one in (uid, ids.encode("SavedAddress", uuid4())):
            assert await home.act(name, NODE, id=one) is None
    for one in (uid, ids.encode("SavedAddress", uuid4())):
        asked = {"id": one, "label": "Mine", "address": ADDRESS}
        assert (await home.act("Stranger", SAVE, input=asked))["__typename"] == "NotFound"
        assert (await home.act("Stranger", DELETE, id=one))["__typename"] == "NotFound"
    assert await home.act("Stranger", MINE) == {"nodes": [], "totalCount": 0}
    assert (await home.act("Carla", NODE, id=uid))["label"] == "Home"


@pytest.mark.parametrize("name", ["Chloe", "Dora", "Anna", "Adam"])
async def test_only_customers_keep_addresses(home: House, name: str) -> None:
    for document, variables in (
        (SAVE, {"input": {"label": "Home", "address": ADDRESS}}),
        (DELETE, {"id": ids.encode("SavedAddress", uuid4())}),
        (MINE, {}),
    ):
        answer = await home.ask(name, document, **variables)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await count_rows(home.database, saved_addresses) == (0,)


@pytest.mark.parametrize("wrong", [provider("Chloe"), "nonsense", ""])
async def test_an_id_of_something_else_is_wrong_input(home: House, wrong: str) -> None:
    assert (await save(home, id=wrong))["errors"] == [{"path": ["id"]}]
    assert (await home.act("Carla", DELETE, id=wrong))["code"] == "INVALID_INPUT"
    assert await count_rows(home.database, saved_addresses) == (0,)
