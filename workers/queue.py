"""How does a job get to a worker? As a call in one of two arq queues, under an id of its own.

The id makes duplicates collapse: a call whose id is still in the queue, waiting or running, is not
enqueued again. arq's own enqueue costs three round trips a job; this one costs one a batch, writes
the same keys, and knocks, so that an idle worker looks at once and need not poll often.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import orjson
from arq.constants import expires_extra_ms, job_key_prefix
from arq.jobs import serialize_job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from redis.asyncio import Redis

#: Two queues, for two kinds of worker: after a crash a job waits for the longest timeout that any
#: job of its worker may have, so what is urgent never shares a worker with what is long.
Queue: TypeAlias = Literal["critical", "slow"]

_DAY_MS: Final = expires_extra_ms

#: A deferred job asks the database's clock whether its time has come. One that rang early on a
#: clock a little ahead would find nothing due and leave the work to the next sweep.
_MARGIN_MS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One job to do: which, with what, and not before when."""

    job: str
    arguments: tuple[str, ...]
    queue: Queue
    #: What makes it this call and no other.
    key: str
    at: datetime | None = None


def milliseconds(at: datetime) -> int:
    """An instant as arq counts time."""
    return int(at.timestamp() * 1000)


class JobQueue:
    """The queues of one installation."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self.redis = redis
        self._namespace = namespace

    def name(self, queue: Queue) -> str:
        """The Redis key of a queue."""
        return f"{self._namespace}:jobs:{queue}"

    def knocks(self, queue: Queue) -> str:
        """The channel on which a queue's workers hear that something has been put into it."""
        return f"{self._namespace}:knock:{queue}"

    def id(self, call: Call) -> str:
        """The id of a call. arq keeps its keys in one space, so the installation is part of it."""
        return f"{self._namespace}:{call.key}"

    async def enqueue(self, calls: Sequence[Call]) -> None:
        """Put all of them into their queues, in one round trip."""
        if not calls:
            return
        now_ms = time.time_ns() // 1_000_000
        async with self.redis.pipeline(transaction=False) as pipe:
            for call in calls:
                at_ms = now_ms if call.at is None else milliseconds(call.at) + _MARGIN_MS
                expires_ms = max(at_ms - now_ms, 0) + _DAY_MS
                body = serialize_job(
                    call.job, call.arguments, {}, None, now_ms, serializer=orjson.dumps
                )
                # The body first: a worker takes an id without one for an expired job.
                pipe.set(job_key_prefix + self.id(call), body, px=expires_ms, nx=True)
                pipe.zadd(self.name(call.queue), {self.id(call): at_ms}, nx=True)
            for queue in sorted({call.queue for call in calls}):
                pipe.publish(self.knocks(queue), b"")
            await pipe.execute()
