"""Sockets are cut and Redis dies: does each subscriber see every event exactly once?"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from callout.client import Client, Hung, Socket, Stream
from db.engine import Database
from db.tables import events
from gateways import failpoints
from gateways.settings import Settings
from tests import factories
from tests.installation import Installation, installation
from tests.journeys.documents import BOOK, BOOKING, QUEUE, a_wish
from tests.redis_process import RedisProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """A Redis of the test's own."""
    server = RedisProcess()
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def callout(
    settings: Settings, tmp_path: Path, redis: RedisProcess
) -> AsyncIterator[Installation]:
    """An installation on that Redis."""
    own = {"redis_url": redis.url}
    changed = Settings.model_validate(settings.model_dump() | own)
    async with installation(changed, tmp_path) as made:
        yield made


@dataclass(slots=True, kw_only=True)
class Subscriber:
    """Somebody who follows the queue and remembers."""

    client: Client
    stack: AsyncExitStack
    cursor: str
    heard: list[str] = field(default_factory=list)
    _socket: Socket | None = None
    _stream: Stream | None = None

    async def connect(self) -> None:
        """Subscribe after the last item."""
        self._socket = await self.stack.enter_async_context(self.client.socket())
        self._stream = await self._socket.subscribe(QUEUE, after=self.cursor)

    def cut(self) -> None:
        """Lose the connection."""
        assert self._socket is not None
        self._socket.cut()

    async def hear_until(self, booking: str) -> None:
        """Take items up to the one about this booking."""
        assert self._stream is not None
        async with asyncio.timeout(60):
            while booking not in self.heard:
                item = (await self._stream.next()).data["queueChanged"]
                self.heard.append(item["booking"]["id"])
                self.cursor = item["cursor"]

    async def hear_the_end(self) -> None:
        """Take items until the connection is found lost."""
        assert self._stream is not None
        async with asyncio.timeout(60):
            with suppress(Hung):
                while True:
                    await self._stream.next()


async def test_through_a_redis_restart_and_a_cut_socket_nothing_is_missed_or_doubled(
    callout: Installation, database: Database, redis: RedisProcess
) -> None:
    callout.api().start()
    worker = callout.worker()
    worker.start()
    service = await factories.add_service(database)
    dispatcher = await factories.add_dispatcher(database)
    customer = await callout.client(database, await factories.add_customer(database))
    # One for each booking: what nobody could take would not be booked.
    await factories.add_providers(database, service, count=10)
    wish = await a_wish(database, service)
    await callout.answers(200)

    async def book() -> str:
        made = (await customer.ask(BOOK, input=wish))["createBooking"]
        assert made["__typename"] == "CreateBookingSuccess", made
        return str(made["booking"]["id"])

    async with AsyncExitStack() as stack:
        start = await _a_cursor(customer, await book(), database, stack)
        staff = await callout.client(database, dispatcher)
        patient, cut = (Subscriber(client=staff, stack=stack, cursor=start) for _ in range(2))
        for subscriber in (patient, cut):
            await subscriber.connect()

        booked = [await book(), await book()]
        for subscriber in (patient, cut):
            await subscriber.hear_until(booked[-1])
        cut.cut()
        redis.kill()
        # Without Redis acts are committed all the same.
        booked += [await book(), await book()]
        # A worker leaves when it loses Redis, and somebody starts it again.
        await worker.ended()
        redis.start()
        # That one dies too, having told what had piled up but not noted that it has. The next one
        # tells it again.
        worker.start(CALLOUT_FAILPOINTS="relay.after_publish")
        assert await worker.ended() == failpoints.STATUS
        worker.start()
        booked += [await book(), await book()]

        await patient.hear_until(booked[-1])
        await cut.hear_the_end()
        # All of it has been told by now, so what the cut one hears it hears from the feed.
        await cut.connect()
        await cut.hear_until(booked[-1])
        assert patient.heard == cut.heard == booked


async def _a_cursor(
    customer: Client, booking: str, database: Database, stack: AsyncExitStack
) -> str:
    """The place just after all that has been told of this booking."""
    async with asyncio.timeout(60):
        while not await _all_told(database):  # noqa: ASYNC110  # another process tells
            await asyncio.sleep(0.01)
        socket = await stack.enter_async_context(customer.socket())
        stream = await socket.subscribe(BOOKING, id=booking)
        item = (await stream.next()).data["bookingUpdated"]
    assert item["type"] == "SNAPSHOT"
    return str(item["cursor"])


async def _all_told(database: Database) -> bool:
    async with database.read() as connection:
        untold = select(func.count()).where(events.c.published_at.is_(None))
        return not await connection.scalar(untold)
