"""A process that sends one payout, for tests that kill it on the way.

python -m tests.workers.sending PAYOUT_ID    with Callout's own environment
"""

from __future__ import annotations

import asyncio
import sys

from redis.asyncio import Redis

from db.engine import Database
from gateways.outside import outside
from gateways.settings import Settings
from workers.jobs import Context
from workers.payouts import send_payout
from workers.queue import JobQueue


async def main(payout_id: str) -> None:
    """Send it, as a worker would."""
    settings = Settings()  # type: ignore[call-arg]  # from the environment
    database = Database(settings.sqlalchemy_url, name="sending")
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        called = outside(settings, redis)
        jobs = JobQueue(redis, settings.redis_namespace)
        ctx = Context(database=database, jobs=jobs, queue="slow", outside=called)
        await send_payout(ctx, payout_id)
        await called.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
