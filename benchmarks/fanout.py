"""How long does one event take to reach every subscriber of its topic in one process?

    python -m benchmarks.fanout --subscribers 1000 --events 100

From just before the message is published on Redis until each subscriber has taken its delivery
from the hub: median and 99th percentile over all deliveries, and deliveries per second (the
subscribers over the time the last of them waited, median over the events). Also the memory of one
idle subscription. Prints a table and then JSON. Uses servers of its own, or with
CALLOUT_TEST_SERVICES=external the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import secrets
import statistics
import sys
import tracemalloc
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import uvloop
from redis.asyncio import Redis

from api.live import Hub, Subscription
from db import events, feed, outbox
from db.engine import Database
from db.ids import new_id
from domain.events import Event, EventType
from gateways.live import RedisLive
from gateways.publisher import Publisher
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.feed import FeedEntry

TOPIC = "queue"


@dataclass(kw_only=True)
class Crowd:
    """Subscribers of one topic, and when each took each delivery."""

    subscribers: int
    taken: list[float] = field(default_factory=list)
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, subscription: Subscription) -> None:
        """Take whatever comes."""
        async for _ in subscription:
            self.taken.append(perf_counter())
            if len(self.taken) == self.subscribers:
                self.complete.set()

    async def latencies(self, source: Source) -> list[float]:
        """How many seconds each subscriber waits for one new event."""
        entry = await source.record()
        self.taken.clear()
        self.complete.clear()
        began = perf_counter()
        await source.publisher.publish([entry])
        async with asyncio.timeout(60):
            await self.complete.wait()
        return [at - began for at in self.taken]


@dataclass(frozen=True, kw_only=True)
class Source:
    """Makes events, as the relay would."""

    database: Database
    held: outbox.Outbox
    publisher: Publisher

    async def record(self) -> FeedEntry:
        """A new event in the feed, told to nobody yet."""
        happened = Event(type=EventType.BOOKING_CANCELLED, subject={"booking": new_id()})
        async with self.database.read() as connection:
            before = await feed.last_seq(connection)
        async with self.database.begin() as tx:
            await events.append(tx, [happened])
        await self.held.sequence(1)
        async with self.database.read() as connection:
            (entry,) = await feed.entries(connection, [TOPIC], before, 1)
        return entry


async def idle_bytes(hub: Hub, subscribers: int) -> float:
    """What one more subscription that waits costs the hub."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hub.subscribe([TOPIC]))
        tracemalloc.start()
        kept = [hub.subscribe([TOPIC]) for _ in range(subscribers)]
        for subscription in kept:
            await subscription.__aenter__()
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        for subscription in kept:
            await subscription.__aexit__(None, None, None)
    return used / subscribers


async def measure(
    database: Database, redis_url: str, *, subscribers: int, number: int
) -> dict[str, float]:
    """The figures, once everyone has subscribed and the first event has gone by."""
    namespace = f"bench-{secrets.token_hex(4)}"
    live = RedisLive(redis_url, namespace=namespace)
    async with (
        Redis.from_url(redis_url) as redis,
        outbox.hold(database) as held,
        Hub(live, database) as hub,
        AsyncExitStack() as stack,
    ):
        idle = await idle_bytes(hub, subscribers)
        crowd = Crowd(subscribers=subscribers)
        publisher = Publisher(redis, namespace)
        source = Source(database=database, held=held, publisher=publisher)
        for _ in range(subscribers):
            subscription = await stack.enter_async_context(hub.subscribe([TOPIC]))
            task = asyncio.create_task(crowd.follow(subscription))
            stack.callback(task.cancel)
        await crowd.latencies(source)
        rounds = [await crowd.latencies(source) for _ in range(number)]
    waits = sorted(wait for waited in rounds for wait in waited)
    return {
        "p50_ms": 1000 * statistics.median(waits),
        "p99_ms": 1000 * waits[int(len(waits) * 0.99)],
        "max_ms": 1000 * waits[-1],
        "deliveries_per_second": statistics.median(subscribers / max(w) for w in rounds),
        "idle_subscription_bytes": idle,
    }


async def run(url: str, redis_url: str, *, subscribers: int, number: int) -> dict[str, float]:
    """Measure on a database of this run's own."""
    database = Database(servers.with_driver(url), pool=4, name="fanout")
    try:
        return await measure(database, redis_url, subscribers=subscribers, number=number)
    finally:
        await database.close()


async def on_a_copy(
    template: servers.Template, redis_url: str, *, subscribers: int, number: int
) -> dict[str, float]:
    """Measure on a fresh copy of a migrated database."""
    url = await template.clone()
    try:
        return await run(url, redis_url, subscribers=subscribers, number=number)
    finally:
        template.drop(url)


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.fanout", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=100)
    options = parser.parse_args(arguments)
    with (
        servers.running() as started,
        servers.migrated(started) as template,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        figures = runner.run(
            on_a_copy(
                template,
                started.redis_url,
                subscribers=options.subscribers,
                number=options.events,
            )
        )
    for name, value in figures.items():
        print(f"{name:>26} {value:>12,.2f}")  # noqa: T201  # a benchmark prints its result
    facts = {"python": platform.python_version(), "machine": platform.machine(), **vars(options)}
    print(json.dumps({"benchmark": "fanout", **facts, **figures}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
