"""Dispatchers see the jobs that failed every time, and have them tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api import ids
from db import dead_letters
from db.engine import Database
from db.ids import new_id
from gateways.settings import Settings
from tests.api import house
from tests.api.house import House

LIST = "{ deadLetters { nodes { id job arguments error tries replayedAt } totalCount } }"
REPLAY = """mutation($id: ID!) { replayDeadLetter(input: { deadLetterId: $id }) {
  __typename ... on ReplayDeadLetterSuccess { deadLetter { job } } ... on Problem { code } } }"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def test_a_job_that_rests_is_listed_and_replayed_once(
    home: House, database: Database
) -> None:
    async with database.begin() as tx:
        await dead_letters.rest(
            tx,
            call="call",
            job="advance_matching",
            queue="critical",
            arguments=[str(new_id())],
            error="RuntimeError: no",
            tries=8,
        )
    listed = await home.act("Dora", LIST)
    assert listed["totalCount"] == 1
    (letter,) = listed["nodes"]
    assert (letter["job"], letter["tries"], letter["replayedAt"]) == ("advance_matching", 8, None)
    replayed = await home.act("Dora", REPLAY, id=letter["id"])
    assert replayed["deadLetter"] == {"job": "advance_matching"}
    again = await home.act("Adam", REPLAY, id=letter["id"])
    assert again == {"__typename": "AlreadyReplayed", "code": "ALREADY_REPLAYED"}
    assert (await home.act("Dora", LIST))["nodes"] == []
    node = "query($id: ID!) { node(id: $id) { __typename } }"
    assert await home.act("Dora", node, id=letter["id"]) == {"__typename": "DeadLetter"}
    assert await home.act("Carla", node, id=letter["id"]) is None


async def test_an_unknown_letter_is_not_found(home: House) -> None:
    unknown = await home.act("Dora", REPLAY, id=ids.encode("DeadLetter", new_id()))
    assert unknown == {"__typename": "NotFound", "code": "NOT_FOUND"}
