"""A customer's vehicles through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from api import ids
from db.engine import Database
from db.tables import vehicles
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House, provider
from tests.factories import add_customer, count_rows

GOLF = {"year": 2015, "make": "Volkswagen", "model": "Golf"}
SAVE = """
mutation($input: SaveVehicleInput!) { saveVehicle(input: $input) {
  __typename
  ... on SaveVehicleSuccess { vehicle { id name vehicle { year make model vin plate } } }
  ... on TooManyVehicles { limit }
  ... on Problem { code path }
  ... on InvalidInput { errors { path } }
} }
"""
DELETE = """
mutation($id: ID!) { deleteVehicle(input: { id: $id }) {
  __typename ... on DeleteVehicleSuccess { vehicle { id } } ... on Problem { code } } }
"""
MINE = "{ vehicles { nodes { id name } totalCount } }"
NODE = "query($id: ID!) { node(id: $id) { id ... on SavedVehicle { name } } }"


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def save(home: House, **asked: Any) -> Any:
    return await home.act("Carla", SAVE, input={"vehicle": GOLF} | asked)


async def test_a_vehicle_is_saved_described_anew_listed_and_deleted(home: House) -> None:
    typed = GOLF | {"make": " Volkswagen ", "vin": "wvw-zzz1kz aw123456", "plate": "lb07 seo"}
    saved = await save(home, name=" The van ", vehicle=typed)
    uid = saved["vehicle"]["id"]
    assert saved == {
        "__typename": "SaveVehicleSuccess",
        "vehicle": {
            "id": uid,
            "name": "The van",
            "vehicle": GOLF | {"vin": "WVWZZZ1KZAW123456", "plate": "LB07SEO"},
        },
    }
    changed = await save(home, id=uid, vehicle=GOLF | {"year": 2020})
    assert changed["vehicle"] == {
        "id": uid,
        "name": "",
        "vehicle": GOLF | {"year": 2020, "vin": None, "plate": None},
    }
    assert await home.act("Carla", MINE) == {"nodes": [{"id": uid, "name": ""}], "totalCount": 1}
    assert await home.act("Carla", NODE, id=uid) == {"id": uid, "name": ""}
    deleted = await home.act("Carla", DELETE, id=uid)
    assert deleted == {"__typename": "DeleteVehicleSuccess", "vehicle": {"id": uid}}
    assert await home.act("Carla", DELETE, id=uid) == {
        "__typename": "NotFound",
        "code": "NOT_FOUND",
    }
    assert await home.act("Carla", MINE) == {"nodes": [], "totalCount": 0}


async def test_every_wrong_field_is_named_at_once_and_nothing_is_kept(home: House) -> None:
    wrong = {"year": 1899, "make": "", "model": " ", "vin": "123", "plate": "x" * 17}
    refused = await save(home, name="x" * 101, vehicle=wrong)
    assert refused["__typename"] == "InvalidInput"
    assert [error["path"] for error in refused["errors"]] == [
        ["name"],
        ["vehicle", "make"],
        ["vehicle", "model"],
        ["vehicle", "year"],
        ["vehicle", "vin"],
        ["vehicle", "plate"],
    ]
    assert await count_rows(home.database, vehicles) == (0,)


async def test_a_mistyped_american_vin_is_refused(home: House) -> None:
    assert (await save(home, vehicle=GOLF | {"vin": "1M8GDM9AXKP042788"}))["vehicle"]
    refused = await save(home, vehicle=GOLF | {"vin": "1M8GDM9AXKP042789"})
    assert refused["errors"] == [{"path": ["vehicle", "vin"]}]


async def test_more_than_fifty_are_too_many(home: House) -> None:
    for _ in range(50):
        assert (await save(home))["__typename"] == "SaveVehicleSuccess"
    refused = await save(home)
    assert refused == {
        "__typename": "TooManyVehicles",
        "limit": 50,
        "code": "TOO_MANY",
        "path": None,
    }
    assert await count_rows(home.database, vehicles) == (50,)


async def test_another_customers_vehicle_is_invisible_by_every_way_in(home: House) -> None:
    uid = (await save(home, name="The van"))["vehicle"]["id"]
    stranger = await add_customer(home.database)
    home.sign_in("Stranger", stranger)
    for name in ("Stranger", "Chloe", "Dora", "Adam", "Anna"):
        for one in (uid, ids.encode("SavedVehicle", uuid4())):
            assert await home.act(name, NODE, id=one) is None
    for one in (uid, ids.encode("SavedVehicle", uuid4())):
        saved = await home.act("Stranger", SAVE, input={"id": one, "vehicle": GOLF})
        assert saved["__typename"] == "NotFound"
        assert (await home.act("Stranger", DELETE, id=one))["__typename"] == "NotFound"
    assert await home.act("Stranger", MINE) == {"nodes": [], "totalCount": 0}
    assert (await home.act("Carla", NODE, id=uid))["name"] == "The van"


@pytest.mark.parametrize("name", ["Chloe", "Dora", "Anna", "Adam"])
async def test_only_customers_keep_vehicles(home: House, name: str) -> None:
    for document, variables in (
        (SAVE, {"input": {"vehicle": GOLF}}),
        (DELETE, {"id": ids.encode("SavedVehicle", uuid4())}),
        (MINE, {}),
    ):
        answer = await home.ask(name, document, **variables)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await count_rows(home.database, vehicles) == (0,)


@pytest.mark.parametrize("wrong", [provider("Chloe"), "nonsense", ""])
async def test_an_id_of_something_else_is_wrong_input(home: House, wrong: str) -> None:
    assert (await save(home, id=wrong))["errors"] == [{"path": ["id"]}]
    assert (await home.act("Carla", DELETE, id=wrong))["code"] == "INVALID_INPUT"
    assert await count_rows(home.database, vehicles) == (0,)


async def test_a_description_for_a_booking_is_checked_below_its_field(home: House) -> None:
    wrong = {"year": 9999, "make": "", "model": "Golf", "plate": " b ab 1 "}
    refused = await home.book(vehicle=wrong, concern="x" * 2001)
    assert [error["path"] for error in refused["errors"]] == [
        ["concern"],
        ["vehicle", "make"],
        ["vehicle", "year"],
    ]


async def test_a_booking_keeps_the_vehicle_that_was_described(home: House) -> None:
    golf = {"year": 2015, "make": " VW ", "model": "Golf", "plate": " b ab 1 "}
    uid = (await home.book(vehicle=golf))["booking"]["id"]
    document = "query($id: ID!) { booking(id: $id) { vehicle { year make model vin plate } } }"
    assert await home.act("Carla", document, id=uid) == {
        "vehicle": {"year": 2015, "make": "VW", "model": "Golf", "vin": None, "plate": "BAB1"}
    }
