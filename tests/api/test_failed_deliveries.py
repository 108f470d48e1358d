"""Dispatchers see the messages that could not be delivered, and have them tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from api import ids
from domain.messages import Channel
from tests.api import house
from tests.outside import an_outside
from tests.sending import mailer, standing, statuses, tell
from tests.smtp_server import smtp_server
from workers.dead_letters import replay_dead_letter
from workers.deliveries import deliver, redeliver
from workers.jobs import Context
from workers.queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.engine import Database
    from gateways.settings import Settings
    from tests.api.house import House

LIST = "{ deadLetters { nodes { id job arguments error tries } totalCount } }"
REPLAY = """mutation($id: ID!) { replayDeadLetter(input: { deadLetterId: $id }) {
  __typename ... on ReplayDeadLetterSuccess { deadLetter { job } } ... on Problem { code } } }"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened


async def test_a_refused_mail_is_listed_and_arrives_when_it_is_replayed(
    home: House, database: Database, redis_url: str, namespace: str
) -> None:
    told = await tell(database)
    delivery_id = str(told.deliveries[Channel.EMAIL])
    async with smtp_server() as server, Redis.from_url(redis_url) as redis:
        server.say("RCPT", "550 5.1.1 Unknown", times=1)
        outside = an_outside(mail=mailer(server))
        jobs = JobQueue(redis, namespace)
        ctx = Context(database=database, jobs=jobs, queue="slow", outside=outside)

        await deliver(ctx, "EMAIL")

        (letter,) = (await home.act("Dora", LIST))["nodes"]
        assert (letter["job"], letter["arguments"]) == ("redeliver", [delivery_id])
        assert (letter["error"], letter["tries"]) == ("EMAIL: 550 5.1.1 Unknown", 1)
        replayed = await home.act("Dora", REPLAY, id=letter["id"])
        assert replayed["deadLetter"] == {"job": "redeliver"}
        letter_id = ids.parse("DeadLetter", letter["id"])
        await replay_dead_letter(ctx, str(letter_id))
        await redeliver(ctx, *letter["arguments"])
        await deliver(ctx, "EMAIL")

        assert len(server.received) == 1
        await outside.close()
    assert statuses((await standing(database, told))[Channel.EMAIL]) == [("SENT", 1)]
    assert (await home.act("Dora", LIST))["totalCount"] == 0
