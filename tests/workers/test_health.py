"""Does the heartbeat tell a queue with a worker from one without?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import SecretStr

from workers.health import is_at_work
from workers.main import work

if TYPE_CHECKING:
    from gateways.settings import Settings


async def test_a_queue_is_at_work_from_its_workers_start_to_its_end(settings: Settings) -> None:
    assert not await is_at_work(settings, "slow")
    stop = asyncio.Event()
    worker = asyncio.create_task(work(settings, "slow", stop))
    async with asyncio.timeout(20):
        while not await is_at_work(settings, "slow"):  # noqa: ASYNC110  # Redis has no event for it
            await asyncio.sleep(0.02)
    assert not await is_at_work(settings, "critical")
    stop.set()
    await worker
    assert not await is_at_work(settings, "slow")


async def test_a_worker_is_not_at_work_when_redis_is_away(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    assert not await is_at_work(nowhere, "slow")
