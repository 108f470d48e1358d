"""Is anybody working on a queue? Its workers keep a heartbeat in Redis, which lapses in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arq.constants import health_check_key_suffix
from redis.asyncio import Redis
from redis.exceptions import RedisError

from workers.queue import JobQueue, Queue

if TYPE_CHECKING:
    from gateways.settings import Settings


async def is_at_work(settings: Settings, queue: Queue) -> bool:
    """Did a worker of `queue` beat lately? No, if Redis is away: none could work then."""
    url = settings.redis_url.get_secret_value()
    async with Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as redis:
        name = JobQueue(redis, settings.redis_namespace).name(queue)
        try:
            return bool(await redis.exists(f"{name}{health_check_key_suffix}"))
        except (RedisError, OSError):
            return False
