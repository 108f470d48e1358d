"""The hub among failures: Redis killed, PostgreSQL cut off, readers that do not read."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg
import pytest
from sqlalchemy import make_url, text

from api.live import Hub, Interrupted, ShuttingDown, SlowReader, Subscription
from callout.embedded import free_port
from db.engine import Database
from gateways.live import RedisLive
from gateways.settings import Settings
from tests.fault_proxy import fault_proxy
from tests.redis_process import RedisProcess
from tests.teller import QUEUE, Teller, places, telling
from tests.waiting import until

#: Longer than any test: the regular check must not be what delivers.
NEVER = 10_000.0


@pytest.fixture
def redis_process() -> Iterator[RedisProcess]:
    process = RedisProcess()
    process.start()
    yield process
    process.kill()


@pytest.fixture
async def hub_database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings.sqlalchemy_url, pool=2, name="hub")
    yield opened
    await opened.close()


@asynccontextmanager
async def a_hub(database: Database, url: str, *, room: int = 256) -> AsyncIterator[Hub]:
    live = RedisLive(url, namespace="test")
    async with Hub(live, database, check=NEVER, room=room) as hub:
        # Unless Redis is away, which is not waited for.
        with suppress(TimeoutError):
            await until(lambda: live.is_connected, seconds=0.5)
        yield hub


@pytest.fixture
async def hub(hub_database: Database, redis_process: RedisProcess) -> AsyncIterator[Hub]:
    async with a_hub(hub_database, redis_process.url) as hub:
        yield hub


@pytest.fixture
async def teller(database: Database, redis_process: RedisProcess) -> AsyncIterator[Teller]:
    async with telling(database, redis_process.url, "test") as teller:
        yield teller


async def take(subscription: Subscription, count: int) -> list[int]:
    async with asyncio.timeout(30):
        return [(await anext(subscription)).seq for _ in range(count)]


class TestRedisAway:
    async def test_every_subscriber_lives_through_a_kill_and_hears_each_event_once(
        self, hub: Hub, teller: Teller, redis_process: RedisProcess
    ) -> None:
        told: list[int] = []
        async with AsyncExitStack() as stack:
            subscriptions = [
                await stack.enter_async_context(hub.subscribe([QUEUE])) for _ in range(10)
            ]
            seen: list[list[int]] = [[] for _ in subscriptions]

            async def follow(subscription: Subscription, into: list[int]) -> None:
                while True:
                    into += await take(subscription, 1)

            following = [
                asyncio.create_task(follow(*pair)) for pair in zip(subscriptions, seen, strict=True)
            ]
            for round_ in range(60):
                told.extend(await teller.tell(3))
                if round_ == 20:
                    redis_process.kill()
                if round_ == 40:
                    await asyncio.to_thread(redis_process.start)
            # The last of them may have been lost with the rest: nothing comes after it.
            await until(lambda: all(into[-1:] == told[-1:] for into in seen))
            for task in following:
                task.cancel()

        assert seen == [told] * 10

    async def test_what_is_lost_while_nothing_follows_is_caught_up_on_reconnection(
        self, hub: Hub, teller: Teller, redis_process: RedisProcess
    ) -> None:
        async with hub.subscribe([QUEUE]) as subscription:
            first = await teller.tell()
            assert await take(subscription, 1) == first
            redis_process.kill()
            lost = await teller.tell(3)
            await asyncio.to_thread(redis_process.start)

            assert await take(subscription, 3) == lost

    async def test_one_may_subscribe_while_redis_is_away(
        self, hub_database: Database, database: Database
    ) -> None:
        process = RedisProcess()
        async with (
            telling(database, process.url, "test") as teller,
            a_hub(hub_database, process.url) as hub,
            hub.subscribe([QUEUE]) as subscription,
        ):
            lost = await teller.tell(2)
            await asyncio.to_thread(process.start)
            try:
                assert await take(subscription, 2) == lost
                told = await teller.tell()
                assert await take(subscription, 1) == told
            finally:
                process.kill()


class TestPostgresAway:
    async def test_a_catch_up_whose_connection_is_cut_is_done_again(
        self, hub: Hub, teller: Teller, database: Database, database_url: str
    ) -> None:
        admin = await asyncpg.connect(database_url)
        async with hub.subscribe([QUEUE]) as subscription:
            entries = await teller.record(3)
            async with database.begin() as tx:
                await tx.execute(text("LOCK TABLE feed_entries"))
                # Garbage makes the hub ask the feed; the lock keeps its question waiting.
                await teller.redis.publish("test:live:queue", "?")
                cut = 0
                async with asyncio.timeout(20):
                    while not cut:
                        cut = len(
                            await admin.fetch(
                                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                "WHERE application_name = 'hub' AND wait_event_type = 'Lock' "
                                "AND datname = current_database()"
                            )
                        )
            assert await take(subscription, 3) == places(entries)
        await admin.close()

    async def test_a_replay_whose_connection_is_cut_is_done_again(
        self, hub: Hub, teller: Teller, database_url: str
    ) -> None:
        start, *missed = await teller.tell(4)
        admin = await asyncpg.connect(database_url)
        async with hub.subscribe([QUEUE], after=start) as subscription:
            # The pooled connection it is about to use is dead.
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'hub' AND datname = current_database()"
            )
            assert await take(subscription, 3) == missed
        await admin.close()

    async def test_a_database_that_refuses_connections_is_waited_for(
        self, settings: Settings, redis_process: RedisProcess, teller: Teller
    ) -> None:
        url, port = make_url(settings.sqlalchemy_url), free_port()
        elsewhere = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        away = Database(elsewhere, pool=2, name="hub")
        async with a_hub(away, redis_process.url) as hub:
            joining = asyncio.create_task(hub.subscribe([QUEUE], after=0).__aenter__())
            told = await teller.tell(2)
            async with fault_proxy(url.port or 5432, at=port) as proxy, asyncio.timeout(20):
                subscription = await joining
                assert await take(subscription, 2) == told
                assert proxy.connections
                await subscription.__aexit__(None, None, None)
                await away.close()


class TestReaders:
    async def test_a_slow_reader_is_cut_and_the_others_hear_everything(
        self, hub_database: Database, redis_process: RedisProcess, teller: Teller
    ) -> None:
        async with (
            a_hub(hub_database, redis_process.url, room=8) as hub,
            hub.subscribe([QUEUE]) as slow,
            hub.subscribe([QUEUE]) as quick,
        ):
            first = await teller.tell()
            # Lets the hub know what the next message follows, so that all are told one by one.
            assert await take(quick, 1) == first
            heard = []
            for _ in range(20):
                await teller.tell()
                heard += await take(quick, 1)

            with pytest.raises(SlowReader):
                await anext(slow)
            with pytest.raises(Interrupted):
                await anext(slow)
            async with hub.subscribe([QUEUE], after=first[0]) as resumed:
                assert await take(resumed, 20) == heard

    async def test_a_burst_of_messages_does_not_cut_a_reader_that_keeps_up(
        self, hub_database: Database, redis_process: RedisProcess, teller: Teller
    ) -> None:
        async with (
            a_hub(hub_database, redis_process.url, room=8) as hub,
            hub.subscribe([QUEUE]) as subscription,
        ):
            told = await teller.tell()
            assert await take(subscription, 1) == told
            keeping_up = asyncio.create_task(take(subscription, 200))
            told = await teller.tell(200)
            assert await keeping_up == told

    async def test_a_catch_up_larger_than_the_queue_cuts_nobody(
        self, hub_database: Database, redis_process: RedisProcess, teller: Teller
    ) -> None:
        async with (
            a_hub(hub_database, redis_process.url, room=8) as hub,
            hub.subscribe([QUEUE]) as late,
            hub.subscribe([QUEUE]) as prompt,
        ):
            told = places(await teller.record(250)) + await teller.tell()
            assert await take(prompt, 251) == told
            # It was told more than it had room for, all at once, and reads on from the feed.
            assert late.queued == 8
            assert await take(late, 251) == told

            told = await teller.tell(3)
            assert await take(late, 3) == told

    async def test_a_reader_that_takes_nothing_holds_no_more_than_its_queue(
        self, hub_database: Database, redis_process: RedisProcess, teller: Teller
    ) -> None:
        async with (
            a_hub(hub_database, redis_process.url, room=8) as hub,
            hub.subscribe([QUEUE]) as idle,
            hub.subscribe([QUEUE]) as quick,
        ):
            for _ in range(30):
                told = await teller.tell()
                assert await take(quick, 1) == told
                assert idle.queued <= 8
            # What was cut holds nothing.
            assert idle.queued == 0

    async def test_an_idle_subscriber_is_small(self, hub: Hub) -> None:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(hub.subscribe([QUEUE]))
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            kept = [hub.subscribe([QUEUE]) for _ in range(1000)]
            for subscription in kept:
                await subscription.__aenter__()
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            for subscription in kept:
                await subscription.__aexit__(None, None, None)
        assert (after - before) / len(kept) < 1024

    async def test_shutting_down_cuts_every_stream(
        self, hub_database: Database, redis_process: RedisProcess
    ) -> None:
        async with AsyncExitStack() as stack:
            async with a_hub(hub_database, redis_process.url) as hub:
                waiting = [
                    asyncio.create_task(
                        anext(await stack.enter_async_context(hub.subscribe([QUEUE])))
                    )
                    for _ in range(3)
                ]
            done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome) for outcome in done] == [ShuttingDown] * 3
        with pytest.raises(ShuttingDown):
            await hub.subscribe([QUEUE]).__aenter__()
