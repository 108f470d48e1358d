"""Is a caller's budget one budget, wherever it is spent, with Redis or without?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from api import principals
from api.errors import RateLimited
from api.principals import Buckets, Connections, TooManyConnections, network_of, principal_of
from gateways.settings import Settings
from tests.api.door import a_viewer
from tests.redis_process import RedisProcess

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


@pytest.fixture
def slow(settings: Settings) -> Settings:
    """A bucket that hardly refills while a test runs."""
    return settings.model_copy(update={"cost_bucket": 10_000, "cost_restored_per_second": 1})


async def test_what_is_drawn_is_gone_for_every_process(redis: Redis, slow: Settings) -> None:
    one, other = Buckets(redis, slow), Buckets(redis, slow)
    assert await one.draw("user:a", 4_000) == pytest.approx(6_000, abs=5)
    assert await other.draw("user:a", 4_000) == pytest.approx(2_000, abs=5)
    assert await other.draw("user:b", 4_000) == pytest.approx(6_000, abs=5)


async def test_an_overdraft_is_refused_says_when_and_takes_nothing(
    redis: Redis, slow: Settings
) -> None:
    buckets = Buckets(redis, slow)
    await buckets.draw("user:a", 9_000)
    with pytest.raises(RateLimited) as refused:
        await buckets.draw("user:a", 3_000)
    assert refused.value.retry_after == pytest.approx(2_000, abs=5)
    assert refused.value.remaining == pytest.approx(1_000, abs=5)
    assert await buckets.draw("user:a", 0) == pytest.approx(1_000, abs=5)


async def test_concurrent_draws_never_take_more_than_there_is(redis: Redis, slow: Settings) -> None:
    buckets = [Buckets(redis, slow) for _ in range(4)]
    results = await asyncio.gather(
        *(buckets[n % 4].draw("user:a", 1_000) for n in range(40)), return_exceptions=True
    )
    assert sum(isinstance(result, float) for result in results) == 10


async def test_the_bucket_refills_with_time_and_not_beyond_its_brim(
    redis: Redis, slow: Settings
) -> None:
    buckets = Buckets(redis, slow)
    await buckets.draw("user:a", 5_000)
    key = f"{slow.redis_namespace}:bucket:user:a"

    async def pass_seconds(seconds: float) -> None:
        at = float(await redis.hget(key, "at") or 0)  # type: ignore[misc]  # redis-py's union
        await redis.hset(key, "at", str(at - seconds))  # type: ignore[misc]  # redis-py's union

    await pass_seconds(1_000)
    assert await buckets.draw("user:a", 0) == pytest.approx(6_000, abs=5)
    await pass_seconds(1_000_000)
    assert await buckets.draw("user:a", 0) == 10_000
    assert 0 < await redis.ttl(key) <= 10_001


async def test_what_was_not_used_comes_back_with_the_next_draw(
    redis: Redis, slow: Settings
) -> None:
    buckets = Buckets(redis, slow)
    await buckets.draw("user:a", 5_000)
    buckets.give_back("user:a", 3_000)
    assert await buckets.draw("user:a", 0) == pytest.approx(8_000, abs=5)
    assert await buckets.draw("user:a", 0) == pytest.approx(8_000, abs=5)


async def test_without_redis_each_process_keeps_its_own_bucket(slow: Settings) -> None:
    async with Redis.from_url(NOWHERE, retry=Retry(NoBackoff(), 0)) as away:
        buckets = Buckets(away, slow)
        assert await buckets.draw("user:a", 6_000) == pytest.approx(4_000, abs=5)
        with pytest.raises(RateLimited):
            await buckets.draw("user:a", 6_000)
        buckets.give_back("user:a", 6_000)
        assert await buckets.draw("user:a", 6_000) == pytest.approx(4_000, abs=5)


async def test_redis_is_used_again_when_it_is_back(
    slow: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(principals, "_REDIS_PAUSE", 0)
    server = RedisProcess()
    server.start()
    async with Redis.from_url(server.url, retry=Retry(NoBackoff(), 1)) as redis:
        buckets = Buckets(redis, slow)
        try:
            assert await buckets.draw("user:a", 1_000) == pytest.approx(9_000, abs=5)
            server.kill()
            assert await buckets.draw("user:a", 4_000) == pytest.approx(6_000, abs=5)
            server.start()
            # A new server has forgotten: the bucket is full, which no process's own bucket is.
            assert await buckets.draw("user:a", 2_000) == pytest.approx(8_000, abs=5)
        finally:
            server.kill()


def test_a_caller_is_the_user_or_else_the_household() -> None:
    viewer = a_viewer(user_id=UUID(int=1))
    assert principal_of(viewer, "192.0.2.1") == "user:00000000-0000-0000-0000-000000000001"
    assert principal_of(None, "192.0.2.1") == "address:192.0.2.1"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") == "2001:db8:1:2::"
    assert network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("testclient") == "testclient"


def test_connections_are_counted_while_they_are_open(settings: Settings) -> None:
    connections = Connections(settings.model_copy(update={"sockets_per_principal": 2}))
    with connections.one_more("user:a"), connections.one_more("user:a"):
        with pytest.raises(TooManyConnections), connections.one_more("user:a"):
            pass
        with connections.one_more("user:b"):
            pass
    with connections.one_more("user:a"):
        pass
