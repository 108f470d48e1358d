"""Live messages: what was sent is what is read, and each names the one before it on its topic."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.events import EventType
from domain.feed import FeedEntry
from gateways.live import RESYNC, RedisLive
from gateways.publisher import MalformedMessage, Publisher, channel, message, parse
from tests.redis_process import RedisProcess
from tests.waiting import until

ENTRY = FeedEntry(
    topic="queue",
    seq=7,
    event_id=UUID(int=7),
    type=EventType.BOOKING_CANCELLED,
    subject={"booking": UUID(int=1)},
    occurred_at=datetime(2026, 3, 1, 12, 30, 15, 250, tzinfo=UTC),
    previous=3,
)


def told(topic: str, *places: int) -> list[FeedEntry]:
    return [replace(ENTRY, topic=topic, seq=seq, previous=None) for seq in places]


async def test_a_message_is_read_as_it_was_sent() -> None:
    assert parse(message(ENTRY).decode()) == ENTRY
    assert parse(message(replace(ENTRY, previous=None)).decode()).previous is None


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "null",
        "3",
        "[]",
        "{}",
        message(ENTRY).decode()[:-1],
        message(ENTRY).decode().replace("booking.cancelled", "booking.sung_about"),
        message(ENTRY).decode().replace('"seq":7', '"seq":null'),
        message(ENTRY).decode().replace('"previous":3', '"previous":"x"'),
        message(ENTRY).decode().replace('"subject":{', '"subject":[{').replace("},", "}],"),
    ],
)
async def test_anything_else_is_refused(garbage: str) -> None:
    with pytest.raises(MalformedMessage):
        parse(garbage)


async def test_each_names_the_one_before_it_on_its_topic_once_it_knows(
    redis_url: str, namespace: str
) -> None:
    live = RedisLive(redis_url, namespace=namespace)
    await live.connect()
    try:
        await until(lambda: live.is_connected)
        for topic in ("queue", "presence"):
            await live.subscribe(topic)

        async def heard(count: int) -> list[tuple[str, int, int | None]]:
            entries = [parse((await live.next_published()).message) for _ in range(count)]
            return [(entry.topic, entry.seq, entry.previous) for entry in entries]

        async with Redis.from_url(redis_url) as redis:
            publisher = Publisher(redis, namespace)
            await publisher.publish([*told("queue", 1, 2), *told("presence", 3)])
            assert await heard(3) == [("queue", 1, None), ("queue", 2, 1), ("presence", 3, None)]
            await publisher.publish(told("queue", 5))
            assert await heard(1) == [("queue", 5, 2)]

            # The same again, because it could not be marked as done: nobody precedes himself.
            await publisher.publish(told("queue", 5))
            assert await heard(1) == [("queue", 5, None)]

            publisher.forget()
            await publisher.publish(told("queue", 8))
            assert await heard(1) == [("queue", 8, None)]
    finally:
        await live.disconnect()


async def test_after_a_failure_it_knows_of_no_predecessor() -> None:
    process = RedisProcess()
    process.start()
    live = RedisLive(process.url, namespace="test")
    await live.connect()
    try:
        await until(lambda: live.is_connected)
        await live.subscribe("queue")
        async with Redis.from_url(process.url) as redis:
            publisher = Publisher(redis, "test")
            await publisher.publish(told("queue", 1))
            assert parse((await live.next_published()).message).seq == 1
            process.kill()
            with pytest.raises(RedisError):
                await publisher.publish(told("queue", 2))
            process.start()
            assert (await live.next_published()).message == RESYNC
            # Whether the second was told is unknown, so this one may not name the first.
            await publisher.publish(told("queue", 3))
            assert parse((await live.next_published()).message).previous is None
    finally:
        await live.disconnect()
        process.kill()


def test_a_channel_is_named_by_installation_and_topic() -> None:
    assert channel("callout", "queue") == "callout:live:queue"
