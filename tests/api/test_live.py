"""The hub: does each subscriber hear each event once, in order, whatever happens in between?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from redis.asyncio import Redis

from api.live import Hub, Subscription
from db import feed
from db.engine import Database
from domain.events import EventType
from domain.feed import ResyncRequired
from gateways.live import RedisLive
from gateways.publisher import channel, message
from gateways.settings import Settings
from tests.teller import BOOKING, OF_BOOKING, QUEUE, Teller, places, telling

if TYPE_CHECKING:
    from db.engine import Connection

#: Longer than any test: the regular check must not be what delivers.
NEVER = 10_000.0


@pytest.fixture
async def hub_database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings.sqlalchemy_url, pool=2, name="hub")
    yield opened
    await opened.close()


@asynccontextmanager
async def a_hub(
    database: Database, url: str, namespace: str, *, check: float = NEVER, room: int = 256
) -> AsyncIterator[Hub]:
    live = RedisLive(url, namespace=namespace)
    async with Hub(live, database, check=check, room=room) as hub:
        yield hub


@pytest.fixture
async def hub(hub_database: Database, redis_url: str, namespace: str) -> AsyncIterator[Hub]:
    async with a_hub(hub_database, redis_url, namespace) as hub:
        yield hub


@pytest.fixture
async def teller(database: Database, redis_url: str, namespace: str) -> AsyncIterator[Teller]:
    async with telling(database, redis_url, namespace) as teller:
        yield teller


async def take(subscription: Subscription, count: int) -> list[int]:
    async with asyncio.timeout(30):
        return [(await anext(subscription)).seq for _ in range(count)]


async def listeners(redis: Redis, namespace: str) -> int:
    ((_, count),) = await redis.pubsub_numsub(channel(namespace, QUEUE))
    return int(count)


class TestSubscribing:
    async def test_a_topic_is_subscribed_once_however_many_come_first_together(
        self, hub: Hub, teller: Teller, namespace: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked_up = 0

        async def counted(connection: Connection) -> int:
            nonlocal looked_up
            looked_up += 1
            return await real(connection)

        real = feed.last_seq
        monkeypatch.setattr(feed, "last_seq", counted)
        subscriptions = [hub.subscribe([QUEUE]) for _ in range(50)]
        await asyncio.gather(*(subscription.__aenter__() for subscription in subscriptions))
        assert await listeners(teller.redis, namespace) == 1
        # A second look, past what the first subscriber has yet to hear, would rob it of that.
        assert looked_up == 1

        told = [seq for _ in range(5) for seq in await teller.tell()]

        assert [await take(subscription, 5) for subscription in subscriptions] == [told] * 50
        for subscription in subscriptions:
            await subscription.__aexit__(None, None, None)

    async def test_the_last_to_leave_frees_the_topic(
        self, hub: Hub, teller: Teller, namespace: str
    ) -> None:
        async with hub.subscribe([QUEUE]):
            async with hub.subscribe([QUEUE]):
                pass
            assert hub.topics == {QUEUE}
            assert await listeners(teller.redis, namespace) == 1
        assert hub.topics == frozenset()
        assert hub.subscribers == 0
        async with asyncio.timeout(10):
            while await listeners(teller.redis, namespace):  # noqa: ASYNC110  # Redis tells nobody
                await asyncio.sleep(0.005)

    async def test_a_first_subscriber_that_is_cancelled_leaves_the_others_be(
        self, hub: Hub, teller: Teller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reached, let_go = asyncio.Event(), asyncio.Event()

        async def held_back(connection: Connection) -> int:
            reached.set()
            await let_go.wait()
            return await real(connection)

        real = feed.last_seq
        monkeypatch.setattr(feed, "last_seq", held_back)
        first = asyncio.create_task(hub.subscribe([QUEUE]).__aenter__())
        await reached.wait()
        second = asyncio.create_task(hub.subscribe([QUEUE]).__aenter__())
        await asyncio.sleep(0)
        first.cancel()
        let_go.set()
        async with asyncio.timeout(10):
            subscription = await second
        told = await teller.tell()

        assert await take(subscription, 1) == told
        assert first.cancelled()
        assert hub.subscribers == 1
        await subscription.__aexit__(None, None, None)

    async def test_hears_what_is_told_between_subscribing_and_looking_up_the_position(
        self, hub: Hub, teller: Teller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[int] = []

        async def slowly(connection: Connection) -> int:
            position = await real(connection)
            told.extend(await teller.tell())
            return position

        real = feed.last_seq
        monkeypatch.setattr(feed, "last_seq", slowly)
        async with hub.subscribe([QUEUE]) as subscription:
            monkeypatch.undo()
            assert await take(subscription, 1) == told
            told = await teller.tell()
            assert await take(subscription, 1) == told

    async def test_what_it_heard_before_its_position_was_known_is_not_forgotten(
        self, hub: Hub, teller: Teller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[int] = []

        async def slowly(connection: Connection) -> int:
            position = await real(connection)
            told.extend(await teller.tell())
            # By then the hub has dealt with the message, for both.
            assert await take(other, 1) == told
            return position

        real = feed.last_seq
        async with hub.subscribe([QUEUE, OF_BOOKING]) as other:
            monkeypatch.setattr(feed, "last_seq", slowly)
            async with hub.subscribe([QUEUE]) as subscription:
                assert await take(subscription, 1) == told

    async def test_starts_from_now_without_a_cursor(self, hub: Hub, teller: Teller) -> None:
        await teller.tell(3)
        async with hub.subscribe([QUEUE]) as subscription:
            told = await teller.tell()
            assert await take(subscription, 1) == told

    async def test_carries_the_event_with_its_ids(self, hub: Hub, teller: Teller) -> None:
        async with hub.subscribe([OF_BOOKING]) as subscription:
            (entry,) = await teller.record(1)
            await teller.publisher.publish([replace(entry, topic=OF_BOOKING)])
            delivery = await anext(subscription)

        assert (delivery.seq, delivery.topic) == (entry.seq, OF_BOOKING)
        assert delivery.event.type is EventType.BOOKING_CANCELLED
        assert delivery.event.subject == {"booking": BOOKING}
        assert (delivery.event.id, delivery.event.seq) == (entry.event_id, entry.seq)
        assert delivery.event.occurred_at == entry.occurred_at

    async def test_its_position_is_where_to_resume_at_any_time(
        self, hub: Hub, teller: Teller
    ) -> None:
        (last,) = await teller.tell()
        async with hub.subscribe([QUEUE]) as subscription, hub.subscribe([QUEUE]) as other:
            assert subscription.position == last
            first, second = await teller.tell(2)
            assert await take(other, 2) == [first, second]
            # Queued is not taken.
            assert subscription.position == last
            assert await take(subscription, 1) == [first]
            assert subscription.position == first
        async with hub.subscribe([QUEUE], after=first) as resumed:
            assert resumed.position == first
            assert await take(resumed, 1) == [second]

    async def test_holds_no_connection_while_it_waits(
        self, hub: Hub, teller: Teller, hub_database: Database
    ) -> None:
        async with AsyncExitStack() as stack:
            waiting = [await stack.enter_async_context(hub.subscribe([QUEUE])) for _ in range(20)]
            arrivals = [asyncio.create_task(take(subscription, 1)) for subscription in waiting]
            await asyncio.sleep(0)
            assert hub_database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # pool
            told = await teller.tell()
            assert await asyncio.gather(*arrivals) == [told] * 20

    async def test_a_topic_set_is_told_in_one_order_and_each_event_once(
        self, hub: Hub, teller: Teller
    ) -> None:
        # Every event is on both topics; the messages of one topic come late, and backwards.
        async with hub.subscribe([QUEUE, OF_BOOKING]) as subscription:
            entries = await teller.record(20)
            await teller.publisher.publish(entries)
            others = [replace(entry, topic=OF_BOOKING) for entry in entries]
            await teller.publisher.publish(reversed(others))
            told = await teller.tell()

            assert await take(subscription, 21) == [*places(entries), *told]

    async def test_a_topic_set_trusts_no_message_about_one_of_its_topics(
        self, hub: Hub, teller: Teller
    ) -> None:
        # The second follows on its own topic; the first, on the other one, was lost.
        async with hub.subscribe([QUEUE, OF_BOOKING]) as subscription:
            first, second = await teller.record(2)
            told = message(replace(second, topic=OF_BOOKING, previous=0))
            await teller.redis.publish(channel(teller.namespace, OF_BOOKING), told)
            assert await take(subscription, 2) == [first.seq, second.seq]


class TestResuming:
    async def test_replays_what_was_missed_and_goes_on_live(self, hub: Hub, teller: Teller) -> None:
        start, *missed = await teller.tell(251)
        async with hub.subscribe([QUEUE], after=start) as subscription:
            assert await take(subscription, 250) == missed
            told = [seq for _ in range(3) for seq in await teller.tell()]
            assert await take(subscription, 3) == told

    async def test_a_cut_subscriber_hears_each_event_once_while_they_flow(
        self, hub: Hub, teller: Teller
    ) -> None:
        (start,) = await teller.tell()
        told: list[int] = []
        last: int | None = None

        async def flow() -> None:
            nonlocal last
            for _ in range(150):
                told.extend(await teller.tell(2))
            last = told[-1]

        seen = [start]
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(flow())
            while seen[-1] != last:
                # Taken off after a few, resumed after the last one it saw.
                async with hub.subscribe([QUEUE], after=seen[-1]) as subscription:
                    for _ in range(7):
                        seen.append((await anext(subscription)).seq)
                        if seen[-1] == last:
                            break

        assert seen == [start, *told]

    async def test_what_is_told_while_the_last_page_is_read_comes_after_it(
        self, hub: Hub, teller: Teller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start, *told = await teller.tell(3)

        async def slowly(*args: Any, **kwargs: Any) -> list[Any]:
            page = await real(*args, **kwargs)
            monkeypatch.undo()
            # Recorded after the page was read; heard by the others before it arrives.
            told.extend(await teller.tell(2))
            assert await take(other, 2) == told[-2:]
            return page

        real = feed.entries
        async with (
            hub.subscribe([QUEUE]) as other,
            hub.subscribe([QUEUE], after=start) as subscription,
        ):
            monkeypatch.setattr(feed, "entries", slowly)
            assert await take(subscription, 4) == told

    @pytest.mark.parametrize("ahead", [1, 2**62])
    async def test_refuses_a_place_that_the_feed_does_not_hold(
        self, hub: Hub, teller: Teller, ahead: int
    ) -> None:
        (last,) = await teller.tell()
        with pytest.raises(ResyncRequired) as refused:
            await hub.subscribe([QUEUE], after=last + ahead).__aenter__()
        assert refused.value.seq == last + ahead
        assert hub.topics == frozenset()

    async def test_zero_is_the_beginning_of_the_feed(self, hub: Hub, teller: Teller) -> None:
        told = await teller.tell(3)
        async with hub.subscribe([QUEUE], after=0) as subscription:
            assert await take(subscription, 3) == told


class TestTheWire:
    async def test_duplicates_and_disorder_change_nothing(self, hub: Hub, teller: Teller) -> None:
        async with hub.subscribe([QUEUE]) as subscription, hub.subscribe([QUEUE]) as other:
            entries = await teller.record(30)
            shuffled = [*entries[10:20], *entries[25:], *entries[:25], *reversed(entries)]
            for entry in shuffled:
                teller.publisher.forget()
                await teller.publisher.publish([entry])
            told = await teller.tell()

            assert await take(subscription, 31) == [*places(entries), *told]
            assert await take(other, 31) == [*places(entries), *told]

    async def test_a_replayed_chain_of_messages_is_told_once(
        self, hub: Hub, teller: Teller
    ) -> None:
        async with hub.subscribe([QUEUE]) as subscription:
            told = await teller.tell(1)
            entries = await teller.record(5)
            await teller.publisher.publish(entries)
            teller.publisher.forget()
            await teller.publisher.publish(entries)
            told += places(entries) + await teller.tell(1)

            assert await take(subscription, 7) == told

    async def test_an_old_message_does_not_take_a_topic_back(
        self, hub: Hub, teller: Teller
    ) -> None:
        async with hub.subscribe([QUEUE]) as subscription, hub.subscribe([OF_BOOKING]) as marker:
            entries = await teller.record(3)
            await teller.publisher.publish(entries)
            assert await take(subscription, 3) == places(entries)
            old = [replace(entry, previous=entry.seq - 1) for entry in entries]
            on_queue = channel(teller.namespace, QUEUE)
            await teller.redis.publish(on_queue, message(old[0]))
            # When this has been told, that one has been dealt with.
            await teller.publisher.publish([replace(entries[2], topic=OF_BOOKING)])
            assert await take(marker, 3) == places(entries)

            async with hub.subscribe([QUEUE]) as late:
                for entry in old[1:]:
                    await teller.redis.publish(on_queue, message(entry))
                told = await teller.tell()
                assert await take(late, 1) == told

    async def test_a_message_after_a_lost_one_brings_both(self, hub: Hub, teller: Teller) -> None:
        async with hub.subscribe([QUEUE]) as subscription:
            told = await teller.tell()
            assert await take(subscription, 1) == told
            lost, next_ = await teller.record(2)
            text = message(replace(next_, previous=lost.seq))
            await teller.redis.publish(channel(teller.namespace, QUEUE), text)
            assert await take(subscription, 2) == [lost.seq, next_.seq]

    @pytest.mark.parametrize(
        "garbage", ["", "null", "[]", "{", '{"seq": "x"}', "\x00", '{"subject": 3}']
    )
    async def test_garbage_makes_it_ask_the_feed(
        self, hub: Hub, teller: Teller, garbage: str
    ) -> None:
        async with hub.subscribe([QUEUE]) as subscription:
            entries = await teller.record(1)
            await teller.redis.publish(channel(teller.namespace, QUEUE), garbage)
            assert await take(subscription, 1) == places(entries)

    async def test_a_silently_lost_message_is_found_by_the_regular_check(
        self, hub_database: Database, teller: Teller, redis_url: str
    ) -> None:
        async with (
            a_hub(hub_database, redis_url, teller.namespace, check=0.05) as hub,
            hub.subscribe([QUEUE]) as subscription,
        ):
            entries = await teller.record(3)
            assert await take(subscription, 3) == places(entries)
