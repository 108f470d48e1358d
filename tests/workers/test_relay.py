"""Does everything committed reach its listeners and its jobs, in order, whatever dies meanwhile?"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import orjson
import pytest
from redis.asyncio import Redis
from sqlalchemy import text, update

from db.engine import Database
from db.tables import events
from gateways.failpoints import STATUS
from tests.workers.probes import (
    Recorder,
    environment,
    everything_is_out,
    holders,
    holding_sessions,
    request,
    running,
    sequenced,
    unpublished,
    until,
)
from workers.queue import JobQueue
from workers.relay import Relay

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

    from gateways.settings import Settings
    from tests.redis_process import RedisProcess

#: A relay in a process of its own, by the settings in the environment.
RELAY = """
import asyncio
from redis.asyncio import Redis
from db.engine import Database
from gateways.publisher import Publisher
from gateways.settings import Settings
from workers.queue import JobQueue
from workers.relay import Relay

async def main():
    settings = Settings()
    redis = Redis.from_url(settings.redis_url.get_secret_value())
    namespace = settings.redis_namespace
    database = Database(settings.sqlalchemy_url)
    await Relay(database, Publisher(redis, namespace), JobQueue(redis, namespace)).run()

asyncio.run(main())
"""


@pytest.fixture
def recorder(redis: Redis, namespace: str) -> Recorder:
    return Recorder(redis, namespace)


async def queued(jobs: JobQueue) -> list[tuple[str, float]]:
    """The ids of the calls in the critical queue, and when they are due."""
    rows = await jobs.redis.zrange(jobs.name("critical"), 0, -1, withscores=True)
    return [(id_.decode(), score) for id_, score in rows]


async def test_a_committed_event_is_told_live_fed_and_turned_into_its_job(
    database: Database, redis: Redis, jobs: JobQueue, recorder: Recorder, namespace: str
) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as live:
        await live.psubscribe(f"{namespace}:live:*")
        async with running(Relay(database, recorder, jobs).run()):
            [booking] = await request(database)
            heard = [await _next(live), await _next(live)]
            await until(lambda: everything_is_out(database))

    assert [message["topic"] for message in heard] == [f"booking:{booking}", "queue"]
    assert heard[0] == {
        "seq": 1,
        "topic": f"booking:{booking}",
        "event_id": str(recorder.published[0].event_id),
        "type": "booking.requested",
        "subject": {"booking": str(booking)},
        "occurred_at": recorder.published[0].occurred_at.isoformat(),
        "previous": None,
    }
    [(call, _)] = await queued(jobs)
    assert call == f"{namespace}:{recorder.published[0].event_id}:advance_matching"
    body = orjson.loads(await redis.get(f"arq:job:{call}"))
    assert (body["f"], body["a"]) == ("advance_matching", [str(booking)])
    await redis.delete(f"arq:job:{call}")


async def _next(live: PubSub) -> dict[str, object]:
    while True:  # the server's word that we are subscribed comes as a None
        if message := await live.get_message(timeout=30):
            parsed: dict[str, object] = orjson.loads(message["data"])
            return parsed


async def test_an_event_that_nothing_woke_for_is_found_by_the_poll(
    settings: Settings, database: Database, jobs: JobQueue, recorder: Recorder
) -> None:
    silent = Database(settings.sqlalchemy_url)
    await silent._waker.close()
    silent._waker.poke = lambda: None  # type: ignore[method-assign]  # every wake-up gets lost
    async with running(Relay(database, recorder, jobs, poll=0.05).run()):
        await until(lambda: _is_held(database))
        await request(silent)
        await until(lambda: everything_is_out(database))
    await silent.close()


async def _is_held(database: Database) -> bool:
    return len(await holders(database)) == 1


async def test_an_event_published_twice_is_one_call(
    database: Database, jobs: JobQueue, recorder: Recorder
) -> None:
    await request(database)
    async with running(Relay(database, recorder, jobs, poll=0.05).run()):
        await until(lambda: everything_is_out(database))
        once = await queued(jobs)
        async with database.begin() as tx:
            await tx.execute(update(events).values(published_at=None))
        await until(lambda: everything_is_out(database))

    assert recorder.seqs == [1, 1]
    assert await queued(jobs) == once
    assert len(once) == 1


class TestTwoRelays:
    """One is active; the other takes over when the first is gone."""

    async def test_deliver_each_event_once_and_survive_the_killing_of_the_active_one(
        self, settings: Settings, database: Database, jobs: JobQueue, recorder: Recorder
    ) -> None:
        async with AsyncExitStack() as stack:
            for name in ("one", "other"):
                mine = Database(settings.sqlalchemy_url, name=name)
                stack.push_async_callback(mine.close)
                relay = Relay(mine, recorder, jobs, backoff=0.1)
                await stack.enter_async_context(running(relay.run()))
            await until(lambda: _is_held(database))
            await asyncio.gather(*(request(database, 25) for _ in range(4)))
            await until(lambda: everything_is_out(database))
            assert recorder.seqs == list(range(1, 101))

            [active] = await holders(database)
            await self._kill(database, active)
            await request(database, 10)
            await until(lambda: everything_is_out(database))
            assert len(await holders(database)) == 1

        assert sorted(set(recorder.seqs)) == list(range(1, 111))
        assert sorted(seq or 0 for seq in await sequenced(database)) == list(range(1, 111))

    async def test_the_standby_takes_over_while_the_first_is_still_frozen_out(
        self, settings: Settings, database: Database, jobs: JobQueue, recorder: Recorder
    ) -> None:
        first, second = (Database(settings.sqlalchemy_url, name=name) for name in ("1st", "2nd"))
        # The first comes back only after a minute, the second asks all the time.
        slow = Relay(first, recorder, jobs, backoff=60)
        async with running(slow.run()):
            await until(lambda: _is_held(database))
            async with running(Relay(second, recorder, jobs, backoff=0.05).run()):
                await self._kill(database, "1st")
                await until(lambda: self._is_held_by(database, "2nd"))
                await request(database, 3)
                await until(lambda: everything_is_out(database))
        assert recorder.seqs == [1, 2, 3]
        await first.close()
        await second.close()

    async def _is_held_by(self, database: Database, name: str) -> bool:
        return await holders(database) == [name]

    async def _kill(self, database: Database, name: str) -> None:
        query = text(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_locks "
            "JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
            "AND datname = current_database() AND application_name = :name"
        )
        async with database.read() as connection:
            assert await connection.scalar(query, {"name": name}) == 1


@pytest.mark.parametrize("point", ["relay.after_sequence", "relay.after_publish"])
async def test_a_crash_between_two_steps_loses_nothing_and_moves_nothing(
    point: str, settings: Settings, database: Database, jobs: JobQueue, recorder: Recorder
) -> None:
    await request(database, 5)
    crashed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RELAY, env=environment(settings, CALLOUT_FAILPOINTS=point)
    )
    assert await crashed.wait() == STATUS
    assert await sequenced(database) == [1, 2, 3, 4, 5]
    assert await unpublished(database) == 5

    async with running(Relay(database, recorder, jobs).run()):
        await request(database)
        await until(lambda: everything_is_out(database))

    assert await sequenced(database) == [1, 2, 3, 4, 5, 6]
    assert recorder.seqs == [1, 2, 3, 4, 5, 6]
    assert len(await queued(jobs)) == 6


async def test_while_redis_is_away_order_is_given_and_delivery_resumes_in_order(
    database: Database, own_redis: RedisProcess, namespace: str
) -> None:
    await asyncio.to_thread(own_redis.start)
    async with Redis.from_url(own_redis.url, socket_timeout=2) as redis:
        recorder, jobs = Recorder(redis, namespace), JobQueue(redis, namespace)
        async with running(Relay(database, recorder, jobs, batch=7, backoff=0.05).run()):
            await request(database, 3)
            await until(lambda: everything_is_out(database))
            held_by = await holding_sessions(database)
            own_redis.kill()
            await request(database, 40)
            await until(lambda: _all_in_order(database, 43))
            assert await unpublished(database) == 40
            # It minds its own half meanwhile, and does not let go of the outbox.
            assert await holding_sessions(database) == held_by
            await asyncio.to_thread(own_redis.start)
            await until(lambda: everything_is_out(database))

        assert recorder.seqs == list(range(1, 44))
        assert len(await queued(jobs)) >= 40


async def _all_in_order(database: Database, number: int) -> bool:
    return await sequenced(database) == list(range(1, number + 1))
