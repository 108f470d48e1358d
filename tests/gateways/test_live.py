"""The live backend on a real Redis: acknowledged, reconnecting, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from broadcaster import Broadcast, Event
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from gateways.live import RESYNC, RedisLive
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.redis_process import RedisProcess
from tests.waiting import until


@pytest.fixture
def redis_process() -> Iterator[RedisProcess]:
    process = RedisProcess()
    process.start()
    yield process
    process.kill()


@pytest.fixture
async def proxy(redis_process: RedisProcess) -> AsyncIterator[FaultProxy]:
    async with fault_proxy(redis_process.port) as proxy:
        yield proxy


@asynccontextmanager
async def listening(url: str, **options: Any) -> AsyncIterator[RedisLive]:
    live = RedisLive(url, namespace="test", **options)
    await live.connect()
    try:
        yield live
    finally:
        await live.disconnect()


async def connected(live: RedisLive) -> None:
    await until(lambda: live.is_connected)


async def disconnected(live: RedisLive) -> None:
    await until(lambda: not live.is_connected)


async def heard(live: RedisLive) -> tuple[str, str]:
    async with asyncio.timeout(10):
        event = await live.next_published()
    return event.channel, event.message


async def publish(process: RedisProcess, topic: str, *messages: str | bytes) -> None:
    async with Redis.from_url(process.url) as redis:
        for message in messages:
            await redis.publish(f"test:live:{topic}", message)


def through(proxy: FaultProxy) -> str:
    return f"redis://127.0.0.1:{proxy.port}/0"


async def test_hears_a_topic_by_its_name_and_nothing_of_other_installations(
    redis_process: RedisProcess,
) -> None:
    async with listening(redis_process.url) as live, Redis.from_url(redis_process.url) as redis:
        await connected(live)
        await live.subscribe("queue")
        await redis.publish("other:live:queue", "theirs")
        await live.publish("queue", "ours")

        assert await heard(live) == ("queue", "ours")


async def test_subscribe_returns_only_when_redis_has_acknowledged(
    proxy: FaultProxy, redis_process: RedisProcess
) -> None:
    async with listening(through(proxy), patience=60) as live:
        await connected(live)
        proxy.withhold_replies()
        first = asyncio.create_task(live.subscribe("queue"))
        second = asyncio.create_task(live.subscribe("queue"))
        await until(lambda: b"SUBSCRIBE" in proxy.requests)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not first.done()
        assert not second.done()

        proxy.release_replies()
        await asyncio.gather(first, second)
        await publish(redis_process, "queue", "hello")

        # Acknowledged in time, so nothing can have been missed: no RESYNC.
        assert await heard(live) == ("queue", "hello")
        assert proxy.requests.count(b"SUBSCRIBE") == 1


async def test_subscribe_gives_up_on_the_acknowledgement_and_a_resync_follows(
    proxy: FaultProxy,
) -> None:
    async with listening(through(proxy), patience=0.5) as live:
        await connected(live)
        proxy.withhold_replies()
        await live.subscribe("queue")
        proxy.release_replies()

        assert await heard(live) == ("queue", RESYNC)


async def test_subscribe_returns_while_redis_is_away_and_a_resync_follows() -> None:
    process = RedisProcess()
    async with listening(process.url) as live:
        async with asyncio.timeout(10):
            await live.subscribe("queue")
        process.start()
        try:
            assert await heard(live) == ("queue", RESYNC)
            await publish(process, "queue", "hello")
            assert await heard(live) == ("queue", "hello")
        finally:
            process.kill()


async def test_a_subscriber_waiting_for_its_acknowledgement_goes_on_when_redis_dies(
    redis_process: RedisProcess, proxy: FaultProxy
) -> None:
    async with listening(through(proxy), patience=600) as live:
        await connected(live)
        proxy.withhold_replies()
        waiting = asyncio.create_task(live.subscribe("queue"))
        await until(lambda: b"SUBSCRIBE" in proxy.requests)
        redis_process.kill()
        proxy.release_replies()
        async with asyncio.timeout(20):
            await waiting


async def test_resubscribes_every_topic_after_redis_was_killed_and_tells_each_to_resync(
    redis_process: RedisProcess,
) -> None:
    topics = {f"booking:{number}" for number in range(50)}
    async with listening(redis_process.url) as live:
        await connected(live)
        for topic in topics:
            await live.subscribe(topic)
        redis_process.kill()
        await disconnected(live)
        redis_process.start()

        told = [await heard(live) for _ in topics]
        assert sorted(told) == sorted((topic, RESYNC) for topic in topics)
        await publish(redis_process, "booking:7", "hello")
        assert await heard(live) == ("booking:7", "hello")


async def test_notices_a_connection_that_is_open_but_dead(proxy: FaultProxy) -> None:
    async with listening(through(proxy), silence=0.2) as live:
        await connected(live)
        await live.subscribe("queue")
        proxy.go_silent()

        assert await heard(live) == ("queue", RESYNC)
        assert proxy.connections == 2


async def test_stays_on_a_quiet_connection_that_answers_pings(proxy: FaultProxy) -> None:
    async with listening(through(proxy), silence=0.05) as live:
        await connected(live)
        await live.subscribe("queue")
        await until(lambda: proxy.requests.count(b"PING") >= 5)
        await live.publish("queue", "still here")

        assert await heard(live) == ("queue", "still here")


async def test_ends_up_subscribed_however_often_the_last_leaves_and_the_first_returns(
    redis_process: RedisProcess,
) -> None:
    async with listening(redis_process.url) as live:
        await connected(live)
        returning = []
        for _ in range(20):
            returning.append(asyncio.create_task(live.subscribe("queue")))
            await asyncio.sleep(0)
            await live.unsubscribe("queue")
        await live.subscribe("queue")
        # Acknowledged by Redis for the last time, not for one of the first.
        await publish(redis_process, "queue", "hello")
        assert await heard(live) == ("queue", "hello")
        await asyncio.gather(*returning)


async def test_the_acknowledgement_of_an_earlier_subscription_does_not_count(
    proxy: FaultProxy, redis_process: RedisProcess
) -> None:
    async with listening(through(proxy), patience=600) as live:
        await connected(live)
        proxy.withhold_replies()
        first = asyncio.create_task(live.subscribe("queue"))
        with SyncRedis(port=redis_process.port) as redis:
            await until(lambda: redis.pubsub_channels() == [b"test:live:queue"])
        proxy.withhold_requests()
        await live.unsubscribe("queue")
        again = asyncio.create_task(live.subscribe("queue"))
        await publish(redis_process, "queue", "to the first subscription")
        proxy.release_replies()
        assert await heard(live) == ("queue", "to the first subscription")
        # The first acknowledgement came before that; time enough for whom it might have woken.
        for _ in range(20):
            await asyncio.sleep(0)
        assert not again.done()

        proxy.release_requests()
        async with asyncio.timeout(20):
            await asyncio.gather(first, again)
        await publish(redis_process, "queue", "to the second")
        assert await heard(live) == ("queue", "to the second")


async def test_unsubscribing_frees_the_channel(redis_process: RedisProcess) -> None:
    with SyncRedis(port=redis_process.port) as redis:
        async with listening(redis_process.url) as live:
            await connected(live)
            await live.subscribe("queue")
            assert redis.pubsub_numsub("test:live:queue") == [(b"test:live:queue", 1)]
            await live.unsubscribe("queue")
            await until(lambda: redis.pubsub_channels() == [])


async def test_keeps_no_more_than_its_backlog_and_loses_nothing(
    redis_process: RedisProcess,
) -> None:
    async with listening(redis_process.url, backlog=10) as live:
        await connected(live)
        await live.subscribe("queue")
        await publish(redis_process, "queue", *(str(number) for number in range(1000)))
        assert live.waiting <= 10

        assert [await heard(live) for _ in range(1000)] == [("queue", str(n)) for n in range(1000)]


async def test_bytes_that_are_no_text_stop_nothing(redis_process: RedisProcess) -> None:
    async with listening(redis_process.url) as live:
        await connected(live)
        await live.subscribe("queue")
        await publish(redis_process, "queue", b"\xff\xfe", "hello")

        assert await heard(live) == ("queue", "\ufffd\ufffd")
        assert await heard(live) == ("queue", "hello")


async def test_serves_broadcasters_own_front(redis_process: RedisProcess) -> None:
    live = RedisLive(redis_process.url, namespace="test")
    async with Broadcast(backend=live) as broadcast:
        await connected(live)
        async with broadcast.subscribe("queue") as subscriber:
            await broadcast.publish("queue", "hello")
            async with asyncio.timeout(10):
                assert await subscriber.get() == Event("queue", "hello")


async def test_settings_in_the_address_do_not_change_how_replies_are_read(
    redis_process: RedisProcess,
) -> None:
    url = f"{redis_process.url}?decode_responses=true&protocol=3"
    async with listening(url) as live:
        await connected(live)
        await live.subscribe("queue")
        await publish(redis_process, "queue", "hello")

        assert await heard(live) == ("queue", "hello")
