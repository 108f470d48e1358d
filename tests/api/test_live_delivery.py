"""One row for a thousand subscribers: read once, forgotten when it failed, never taken away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from api.live.delivery import Delivery, Reads, delivery
from domain.events import EventType
from domain.feed import FeedEntry, decode_cursor

ENTRY = FeedEntry(
    topic="queue",
    seq=7,
    event_id=UUID(int=7),
    type=EventType.BOOKING_CANCELLED,
    subject={"booking": UUID(int=1)},
    occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
)


class Rows:
    """A table that counts its readers and answers when it is let."""

    def __init__(self) -> None:
        self.reads = 0
        self.open = asyncio.Event()
        self.broken = False

    async def load(self, key: str) -> str:
        self.reads += 1
        await self.open.wait()
        if self.broken:
            raise ConnectionError(key)
        return f"row {key}"


def a_delivery() -> Delivery:
    return delivery(ENTRY, Reads())


def test_its_cursor_names_its_place() -> None:
    assert decode_cursor(a_delivery().cursor) == 7


async def test_a_thousand_subscribers_read_a_row_once() -> None:
    rows, told = Rows(), a_delivery()
    reading = [asyncio.create_task(told.read(rows.load, "a")) for _ in range(1000)]
    rows.open.set()

    assert await asyncio.gather(*reading) == ["row a"] * 1000
    assert await told.read(rows.load, "a") == "row a"
    assert rows.reads == 1


async def test_each_row_and_each_event_is_read_by_itself() -> None:
    rows, told = Rows(), a_delivery()
    rows.open.set()

    assert await told.read(rows.load, "a") == "row a"
    assert await told.read(rows.load, "b") == "row b"
    assert await a_delivery().read(rows.load, "a") == "row a"
    assert rows.reads == 3


async def test_a_failure_reaches_those_who_wait_and_is_forgotten() -> None:
    rows, told = Rows(), a_delivery()
    rows.broken = True
    reading = [asyncio.create_task(told.read(rows.load, "a")) for _ in range(3)]
    rows.open.set()
    outcomes = await asyncio.gather(*reading, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    assert rows.reads == 1

    rows.broken = False
    assert await told.read(rows.load, "a") == "row a"


async def test_a_subscriber_that_leaves_does_not_take_the_row_from_the_others() -> None:
    rows, told = Rows(), a_delivery()
    first = asyncio.create_task(told.read(rows.load, "a"))
    second = asyncio.create_task(told.read(rows.load, "a"))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    rows.open.set()

    assert await second == "row a"
    assert rows.reads == 1
