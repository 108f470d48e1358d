"""How does a job start within a millisecond or two of being enqueued?

arq polls: often is expensive when idle, seldom is late. This worker polls seldom and listens: every
enqueue knocks on its queue's channel, and every job that ends makes room to look again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NoReturn

from arq import Worker

if TYPE_CHECKING:
    from redis.asyncio import Redis

#: Seconds between looks at a queue on which nobody knocks: how late a deferred job may start.
_IDLE: Final = 0.1


class PromptWorker(Worker):
    """An arq worker that looks at its queue when there is something to see."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As arq's; `poll_delay` is ours to say."""
        super().__init__(*args, poll_delay=0, **kwargs)
        self._knocked = asyncio.Event()

    async def listen(self, redis: Redis, channel: str) -> NoReturn:
        """Look at once whenever something knocks on `channel`. Ends by an error, if it does."""
        async with redis.pubsub(ignore_subscribe_messages=True) as knocks:
            await knocks.subscribe(channel)
            while True:
                if await knocks.get_message(timeout=1):
                    self._knocked.set()

    async def _poll_iteration(self) -> None:
        self._knocked.clear()
        await super()._poll_iteration()
        try:
            async with asyncio.timeout(_IDLE):
                await self._knocked.wait()
        except TimeoutError:
            return

    def _release_sem_dec_counter_on_complete(self) -> None:
        super()._release_sem_dec_counter_on_complete()
        self._knocked.set()
