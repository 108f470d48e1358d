"""The devices that take somebody's push messages, through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from api import ids
from db.engine import Database
from db.tables import devices, users
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House
from tests.factories import count_rows

DEVICE = "id platform tokenEnd registeredAt"
REGISTER = f"""mutation($platform: Platform!, $token: String!) {{
  registerDevice(input: {{ platform: $platform, token: $token }}) {{
    __typename
    ... on RegisterDeviceSuccess {{ device {{ {DEVICE} }} }}
    ... on InvalidInput {{ errors {{ path message }} }}
  }}
}}"""
UNREGISTER = """mutation($id: ID, $token: String) {
  unregisterDevice(input: { deviceId: $id, token: $token }) {
    __typename
    ... on UnregisterDeviceSuccess { devices { tokenEnd } }
    ... on InvalidInput { errors { path } }
  }
}"""
MINE = f"{{ devices {{ {DEVICE} }} }}"
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on Device {{ {DEVICE} }} }} }}"
TOKEN = "fcm:" + "k" * 100 + "PHONE1"


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def register(
    home: House, name: str = "Carla", token: str = TOKEN, platform: str = "ANDROID"
) -> Any:
    return await home.act(name, REGISTER, token=token, platform=platform)


async def ends(home: House, name: str = "Carla") -> list[str]:
    return [one["tokenEnd"] for one in await home.act(name, MINE)]


async def test_a_device_is_registered_listed_and_given_up(home: House) -> None:
    made = (await register(home))["device"]
    assert (made["platform"], made["tokenEnd"]) == ("ANDROID", "ONE1")
    assert await home.act("Carla", MINE) == [made]
    assert await home.act("Carla", NODE, id=made["id"]) == made
    await register(home, token=f"{TOKEN}-2", platform="WEB")
    assert await ends(home) == ["E1-2", "ONE1"]
    for _ in range(2):
        gone = await home.act("Carla", UNREGISTER, token=TOKEN)
        assert gone == {
            "__typename": "UnregisterDeviceSuccess",
            "devices": [{"tokenEnd": "E1-2"}],
        }
    assert await home.act("Carla", NODE, id=made["id"]) is None


async def test_registering_again_is_the_same_device_seen_later(home: House) -> None:
    first = (await register(home))["device"]
    again = (await register(home, platform="IOS"))["device"]
    assert again == first | {"platform": "IOS", "registeredAt": again["registeredAt"]}
    seen = [datetime.fromisoformat(one["registeredAt"]) for one in (first, again)]
    assert seen[0] < seen[1]
    assert await count_rows(home.database, devices) == (1,)


async def test_a_device_is_of_whoever_signed_in_there_last(home: House) -> None:
    await register(home, "Carla")
    await register(home, "Chloe")
    assert (await ends(home, "Carla"), await ends(home, "Chloe")) == ([], ["ONE1"])


async def test_nobody_sees_or_gives_up_anothers_device(home: House) -> None:
    made = (await register(home, "Carla"))["device"]
    for stranger in ("Chloe", "Dora", "Adam", "Anna"):
        assert await ends(home, stranger) == []
        assert await home.act(stranger, NODE, id=made["id"]) is None
        for which in ({"id": made["id"]}, {"token": TOKEN}):
            answer = await home.act(stranger, UNREGISTER, **which)
            assert answer == {"__typename": "UnregisterDeviceSuccess", "devices": []}
    assert await ends(home) == ["ONE1"]


async def test_a_lost_device_is_given_up_by_its_id(home: House) -> None:
    lost = (await register(home))["device"]["id"]
    await register(home, token=f"{TOKEN}-2")
    for _ in range(2):
        answer = await home.act("Carla", UNREGISTER, id=lost)
        assert answer["devices"] == [{"tokenEnd": "E1-2"}]
    unknown = await home.act("Carla", UNREGISTER, id=ids.encode("Device", uuid4()))
    assert unknown["devices"] == [{"tokenEnd": "E1-2"}]


@pytest.mark.parametrize("which", [{}, {"id": "x", "token": TOKEN}, {"id": "nonsense"}])
async def test_which_device_is_meant_has_to_be_said_once(
    home: House, which: dict[str, str]
) -> None:
    await register(home)
    refused = await home.act("Carla", UNREGISTER, **which)
    assert refused == {"__typename": "InvalidInput", "errors": [{"path": ["deviceId"]}]}
    assert await ends(home) == ["ONE1"]


@pytest.mark.parametrize("token", ["", "x" * 4097, "a\x00b"])
async def test_what_can_be_no_token_is_refused(home: House, token: str) -> None:
    refused = await register(home, token=token)
    assert refused["__typename"] == "InvalidInput"
    assert [error["path"] for error in refused["errors"]] == [["token"]]
    assert await count_rows(home.database, devices) == (0,)


async def test_of_more_than_twenty_devices_those_seen_longest_ago_are_forgotten(
    home: House,
) -> None:
    for number in range(22):
        await register(home, token=f"{TOKEN}-{number:02}")
    assert await ends(home) == [f"1-{number:02}" for number in range(21, 1, -1)]


async def test_nobody_has_devices_who_is_not_signed_in(home: House) -> None:
    for document in (MINE, REGISTER, UNREGISTER):
        given = {"token": TOKEN, "platform": "WEB"} if document == REGISTER else {}
        answer = await home.ask(None, document, **given)
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}
    async with home.database.read() as connection:
        assert (await connection.execute(select(devices).join(users))).all() == []
