"""A customer's favourite providers through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, update

from api import ids
from db.engine import Database
from db.tables import favourite_providers, providers
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House, provider, service
from tests.factories import NOW, add_customer, count_rows

LIKE = """
mutation($id: ID!) { favouriteProvider(input: { providerId: $id }) {
  __typename
  ... on FavouriteProviderSuccess { provider { id isFavourite } }
  ... on Problem { code }
} }
"""
UNLIKE = LIKE.replace("favouriteProvider", "unfavouriteProvider").replace(
    "FavouriteProviderSuccess", "UnfavouriteProviderSuccess"
)
MINE = "{ favouriteProviders { nodes { name isFavourite } totalCount } }"
ALL = "{ providers(trade: CLEANING) { nodes { name isFavourite } } }"


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def favourites(home: House, name: str = "Carla") -> list[str]:
    found = await home.act(name, MINE)
    assert found["totalCount"] == len(found["nodes"])
    assert all(one["isFavourite"] for one in found["nodes"])
    return [one["name"] for one in found["nodes"]]


async def test_favourites_are_chosen_listed_and_let_go(home: House) -> None:
    for name in ("Chloe", "Maya", "Chloe"):
        liked = await home.act("Carla", LIKE, id=provider(name))
        assert liked == {
            "__typename": "FavouriteProviderSuccess",
            "provider": {"id": provider(name), "isFavourite": True},
        }
    assert await favourites(home) == ["Maya M.", "Chloe C."]
    for _ in range(2):
        let_go = await home.act("Carla", UNLIKE, id=provider("Maya"))
        assert let_go == {
            "__typename": "UnfavouriteProviderSuccess",
            "provider": {"id": provider("Maya"), "isFavourite": False},
        }
    assert await favourites(home) == ["Chloe C."]


async def test_everyone_has_favourites_of_their_own(home: House) -> None:
    home.sign_in("Other", await add_customer(home.database))
    await home.act("Carla", LIKE, id=provider("Chloe"))
    await home.act("Other", LIKE, id=provider("Callum"))
    await home.act("Other", UNLIKE, id=provider("Chloe"))
    assert await favourites(home) == ["Chloe C."]
    assert await favourites(home, "Other") == ["Callum C."]
    shown = {one["name"]: one["isFavourite"] for one in (await home.act("Carla", ALL))["nodes"]}
    assert shown == {"Chloe C.": True, "Callum C.": False, "Chidi C.": False}
    booked = (await home.book(providerId=provider("Chloe")))["booking"]["id"]
    asked = "query($id: ID!) { booking(id: $id) { provider { isFavourite } } }"
    assert await home.act("Carla", asked, id=booked) == {"provider": {"isFavourite": True}}


async def test_a_list_of_providers_asks_once_which_are_favourites(home: House) -> None:
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = home.door.services.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await home.act("Carla", ALL)
    event.remove(engine, "before_cursor_execute", note)
    assert sum("favourite_providers" in one for one in statements) == 1


async def test_unknown_and_inactive_providers_answer_alike(home: House) -> None:
    await home.act("Carla", LIKE, id=provider("Chloe"))
    async with home.database.begin() as tx:
        await tx.execute(update(providers).values(suspended_at=NOW))
    for document in (LIKE, UNLIKE):
        for uid in (provider("Chloe"), provider("Maya"), ids.encode("Provider", uuid4())):
            refused = await home.act("Carla", document, id=uid)
            assert refused == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert await favourites(home) == []
    async with home.database.begin() as tx:
        await tx.execute(update(providers).values(suspended_at=None))
    assert await favourites(home) == ["Chloe C."]


@pytest.mark.parametrize("name", ["Chloe", "Dora", "Anna", "Adam"])
async def test_only_customers_have_favourites(home: House, name: str) -> None:
    shown = "query($id: ID!) { provider(id: $id) { isFavourite } }"
    for document in (LIKE, UNLIKE, MINE, shown):
        variables = {} if document is MINE else {"id": provider("Chloe")}
        answer = await home.ask(name, document, **variables)
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}
        assert "data" not in answer
    assert await count_rows(home.database, favourite_providers) == (0,)


@pytest.mark.parametrize("wrong", [service("home-clean"), "nonsense"])
async def test_an_id_of_something_else_is_wrong_input(home: House, wrong: str) -> None:
    for document in (LIKE, UNLIKE):
        assert (await home.act("Carla", document, id=wrong))["code"] == "INVALID_INPUT"
