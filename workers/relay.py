"""How does what was committed reach everyone who should hear of it?

One relay is active at a time. It works in two phases, and a crash between any two steps only makes
it repeat the later one:

1. In the database: give new events their place in delivery order, write the feed (db/outbox.py).
2. In Redis: enqueue the jobs and publish the live messages of what is not yet delivered, in that
   order, then mark it delivered.

While Redis is away the first phase goes on; the second resumes, in order, when it is back.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, NoReturn

import structlog
from redis.exceptions import RedisError

from db import outbox
from db.engine import is_unavailable
from domain.audience import topics
from domain.feed import FeedEntry
from gateways.failpoints import failpoint
from workers.metrics import ACTIVE_RELAY, PUBLISHED, SEQUENCED
from workers.routing import calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.engine import Database
    from db.outbox import Outbox
    from domain.events import RecordedEvent
    from gateways.publisher import Publisher
    from workers.queue import JobQueue

log = structlog.get_logger(__name__)


class Relay:
    """Delivers events, or stands by until the relay that does is gone."""

    def __init__(
        self,
        database: Database,
        publisher: Publisher,
        jobs: JobQueue,
        *,
        poll: float = 1.0,
        batch: int = 500,
        backoff: float = 0.5,
    ) -> None:
        """Look for events every `poll` seconds even if nothing woke it; try again after a failure
        within `backoff` seconds; handle `batch` events at a time."""
        self._database = database
        self._publisher = publisher
        self._jobs = jobs
        self._poll = poll
        self._batch = batch
        self._backoff = backoff
        #: When to try Redis again; None while it answers.
        self._redis_retry_at: float | None = None

    async def run(self) -> NoReturn:
        """Deliver or stand by, until cancelled. Survives the loss of either server."""
        while True:
            try:
                async with outbox.hold(self._database, retry=self._backoff) as held:
                    await self._deliver(held)
            except Exception as error:
                # The lock is gone with its session, so another relay may be active already.
                if is_unavailable(error):
                    log.warning("relay.database_is_away", error=str(error))
                else:
                    log.exception("relay.lost")
            await asyncio.sleep(self._backoff * random.random())

    async def _deliver(self, held: Outbox) -> NoReturn:
        log.info("relay.active")
        self._publisher.forget()
        with ACTIVE_RELAY.track_inprogress():
            while True:
                sequenced = await held.sequence(self._batch)
                SEQUENCED.inc(sequenced)
                failpoint("relay.after_sequence")
                published = await self._publish(held)
                if max(sequenced, published) < self._batch:
                    await held.woken(self._pause())

    async def _publish(self, held: Outbox) -> int:
        if self._redis_retry_in() > 0:
            return 0
        # Read on the session that holds the lock: a relay that lost it publishes nothing more.
        waiting = await held.unpublished(self._batch)
        if not waiting or not await self._send(waiting):
            return 0
        failpoint("relay.after_publish")
        await held.mark_published(waiting)
        PUBLISHED.inc(len(waiting))
        return len(waiting)

    async def _send(self, waiting: list[RecordedEvent]) -> bool:
        try:
            await self._jobs.enqueue([call for event in waiting for call in calls(event)])
            await self._publisher.publish(entry for event in waiting for entry in _entries(event))
        except (RedisError, OSError) as error:
            if self._redis_retry_at is None:
                log.warning("relay.redis_is_away", error=str(error))
            self._redis_retry_at = time.monotonic() + self._backoff
            return False
        if self._redis_retry_at is not None:
            log.info("relay.redis_is_back")
            self._redis_retry_at = None
        return True

    def _redis_retry_in(self) -> float:
        return 0.0 if self._redis_retry_at is None else self._redis_retry_at - time.monotonic()

    def _pause(self) -> float:
        retry_in = self._redis_retry_in()
        return min(retry_in, self._poll) if retry_in > 0 else self._poll


def _entries(event: RecordedEvent) -> Iterator[FeedEntry]:
    for topic in topics(event):
        yield FeedEntry(
            topic=topic,
            seq=event.seq or 0,
            event_id=event.id,
            type=event.type,
            subject=event.subject,
            occurred_at=event.occurred_at,
        )
