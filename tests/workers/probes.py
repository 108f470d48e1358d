"""What the tests of the workers look at and wait for."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select, text

from db import events as db_events
from db.ids import new_id
from db.tables import events
from domain.events import Event, EventType
from gateways.publisher import Publisher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable

    from redis.asyncio import Redis

    from db.engine import Database
    from domain.feed import FeedEntry
    from gateways.settings import Settings


class Recorder(Publisher):
    """A publisher that remembers what it has published."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        super().__init__(redis, namespace)
        self.published: list[FeedEntry] = []

    async def publish(self, entries: Iterable[FeedEntry]) -> None:
        listed = list(entries)
        await super().publish(listed)
        self.published.extend(listed)

    @property
    def seqs(self) -> list[int]:
        """The order in which the queue topic was told: each event of `request` once."""
        return [entry.seq for entry in self.published if entry.topic == "queue"]


async def request(database: Database, number: int = 1) -> list[UUID]:
    """Append that many BOOKING_REQUESTED, each in a transaction of its own; the bookings' ids."""
    ids = [new_id() for _ in range(number)]
    for id_ in ids:
        async with database.begin() as tx:
            event = Event(type=EventType.BOOKING_REQUESTED, subject={"booking": id_})
            await db_events.append(tx, [event])
    return ids


async def sequenced(database: Database) -> list[int | None]:
    """The places of all events, in the order of their writing."""
    async with database.read() as connection:
        return list(await connection.scalars(select(events.c.seq).order_by(events.c.position)))


async def unpublished(database: Database) -> int:
    """How many events are still to be delivered."""
    async with database.read() as connection:
        query = select(events.c.id).where(events.c.published_at.is_(None))
        return len((await connection.execute(query)).all())


async def everything_is_out(database: Database) -> bool:
    """Has every event been delivered?"""
    return await unpublished(database) == 0


async def holders(database: Database) -> list[str]:
    """The application names of the sessions that hold a relay lock in this database."""
    return [name for name, _ in await holding_sessions(database)]


async def holding_sessions(database: Database) -> list[tuple[str, int]]:
    """The sessions that hold a relay lock in this database: application name and process id."""
    query = text(
        "SELECT application_name, pid FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE locktype = 'advisory' AND granted AND datname = current_database() "
        "AND pg_locks.database = datid"
    )
    async with database.read() as connection:
        return [(row.application_name, row.pid) for row in await connection.execute(query)]


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process with these settings."""
    return {
        **os.environ,
        "CALLOUT_MODE": "development",
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "CALLOUT_REDIS_NAMESPACE": settings.redis_namespace,
        "CALLOUT_SECRET": settings.secret.get_secret_value(),
        **more,
    }


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds. Fails only by taking far too long."""
    async with asyncio.timeout(30):
        while not await holds():  # noqa: ASYNC110  # what is waited for happens in other processes
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(*coroutines: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """These run in the background meanwhile."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
