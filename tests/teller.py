"""Events on live topics, delivered by hand: what the relay does, one step at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from db import events, outbox
from db.engine import Database
from db.feed import entries, last_seq
from db.outbox import Outbox
from domain.events import Event, EventType
from domain.feed import FeedEntry
from gateways.publisher import Publisher

BOOKING = UUID(int=1)
#: Topics of every event that `Teller.record` makes.
QUEUE, OF_BOOKING = "queue", f"booking:{BOOKING}"


class Teller:
    """Records events and publishes them, or does not."""

    def __init__(self, database: Database, held: Outbox, redis: Redis, namespace: str) -> None:
        """Made by `telling`."""
        self._database = database
        self._held = held
        self.redis = redis
        self.namespace = namespace
        self.publisher = Publisher(redis, namespace)

    async def record(self, count: int) -> list[FeedEntry]:
        """`count` new events in the feed, told to nobody: what they are on the topic `queue`."""
        happened = Event(type=EventType.BOOKING_CANCELLED, subject={"booking": BOOKING})
        async with self._database.begin() as tx:
            await events.append(tx, [happened] * count)
        async with self._database.read() as connection:
            before = await last_seq(connection)
        await self._held.sequence(count)
        async with self._database.read() as connection:
            return await entries(connection, [QUEUE], before, count)

    async def tell(self, count: int = 1) -> list[int]:
        """`count` new events, recorded and published; their places."""
        recorded = await self.record(count)
        # Like the relay, it goes on when Redis is away; unlike it, it never tells these again.
        with suppress(RedisError, OSError):
            await self.publisher.publish(recorded)
        return places(recorded)


def places(recorded: Sequence[FeedEntry]) -> list[int]:
    """Where they stand in delivery order."""
    return [entry.seq for entry in recorded]


@asynccontextmanager
async def telling(database: Database, redis_url: str, namespace: str) -> AsyncIterator[Teller]:
    """A teller that holds the outbox of a database."""
    async with outbox.hold(database) as held, Redis.from_url(redis_url) as redis:
        yield Teller(database, held, redis, namespace)
