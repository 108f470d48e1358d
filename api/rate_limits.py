"""How often may one caller do one thing?

Counted in Redis, so that every process sees the same count; while Redis is away each process
counts for itself, since neither refusing everyone nor allowing everything would be right.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

from api.context import Info
from api.errors import RateLimited

log = structlog.get_logger(__name__)

#: A count that takes longer than this is not worth waiting for.
_PATIENCE: Final = 0.5
#: How long Redis is left alone after it failed, so that not every request waits for it in vain.
_REST: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many of one act in any window of this length."""

    act: str
    amount: int
    window: timedelta

    @property
    def item(self) -> RateLimitItemPerSecond:
        """The limit as the counting library writes it."""
        seconds = int(self.window.total_seconds())
        return RateLimitItemPerSecond(self.amount, seconds, namespace=self.act)


class RateLimits:
    """Counts acts and refuses those that are too many."""

    def __init__(self, redis_url: str, *, namespace: str, rest: float = _REST) -> None:
        """Count in the Redis at `redis_url`, under keys that begin with `namespace`.

        After it failed it is left alone for `rest` seconds.
        """
        self._rest = rest
        self._pool = ConnectionPool.from_url(
            redis_url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
        )
        storage = RedisStorage(
            redis_url,
            implementation="redispy",
            key_prefix=f"{namespace}:limits",
            connection_pool=cast("Any", self._pool),
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._rests_until = 0.0

    async def spend(self, limit: Limit, caller: str) -> None:
        """Count one act of this caller. Raises RateLimited, uncounted, when it is one too many."""
        # Hashed: a caller may be an e-mail address, which is nobody's business in Redis.
        key = hashlib.sha256(caller.encode(errors="surrogatepass")).hexdigest()
        wait = await self._wait(limit.item, key)
        if wait is not None:
            message = f"Too many tries: {limit.act} is allowed {limit.amount} times"
            raise RateLimited(f"{message} in {_period(limit.window)}.", retry_after=wait)

    async def close(self) -> None:
        """Let the connections go."""
        await self._pool.aclose()

    async def _wait(self, item: RateLimitItemPerSecond, key: str) -> float | None:
        """Seconds until there is room again; None where there was and this act took it."""
        now = asyncio.get_running_loop().time()
        if now >= self._rests_until:
            try:
                return await _take(self._shared, item, key)
            except (RedisError, OSError) as error:
                log.warning("rate_limits.redis_away", error=type(error).__name__)
                self._rests_until = asyncio.get_running_loop().time() + self._rest
        return await _take(self._own, item, key)


async def spend(info: Info, limit: Limit) -> None:
    """Count one act of the viewer. Raises RateLimited, uncounted, when it is one too many.

    A mutation that lost a race is run again and counts once: what has been counted is noted in
    its context by its place in the operation.
    """
    context, place = info.context, tuple(info.path.as_list())
    counted = context.notes.setdefault("counted", set())
    if place not in counted:
        await context.services.rate_limits.spend(limit, f"user:{context.user.user_id}")
        counted.add(place)


def _period(window: timedelta) -> str:
    """A window in words; it is so many minutes, or so many hours."""
    minutes = int(window.total_seconds()) // 60
    hours, odd = divmod(minutes, 60)
    if odd:
        return f"{minutes} minutes"
    return "an hour" if hours == 1 else f"{hours} hours"


async def _take(
    limiter: MovingWindowRateLimiter, item: RateLimitItemPerSecond, key: str
) -> float | None:
    if await limiter.hit(item, key):
        return None
    window = await limiter.get_window_stats(item, key)
    return max(0.0, window.reset_time - time.time())
