"""A Redis client, the job queues on it, and a Redis server that a test may kill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis

from tests.redis_process import RedisProcess
from workers.queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the shared Redis server."""
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def jobs(redis: Redis, namespace: str) -> JobQueue:
    """The test's own job queues."""
    return JobQueue(redis, namespace)


@pytest.fixture
def own_redis() -> Iterator[RedisProcess]:
    """A Redis server of the test's own, not yet started."""
    server = RedisProcess()
    yield server
    server.kill()
