"""How do messages leave, a thousand as well as one, with nobody waiting for them?

A drainer for each channel takes up what is due, sends so many at a time, and notes what came of
them, until there is nothing left. A channel that hangs holds up its own drainer and no other.

The rows say what is due, and a sweep looks at them, so every wake-up may be lost. What was sent is
noted after it was sent: a worker that dies between the two leaves a message that is sent again.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from db import deliveries, devices
from db.deliveries import Tried
from domain.deliveries import LEASE, Postponed, Unavailable
from domain.messages import Channel, DeliveryStatus
from domain.refusals import NotFound
from gateways.failpoints import failpoint
from workers.carriers import PATIENCE, Answer, Parcel, carry
from workers.metrics import DELIVERIES
from workers.notify import wake
from workers.parcels import pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain.deliveries import Delivery, Outcome
    from workers.jobs import Context

#: How many are sent on a channel at a time.
AT_ONCE: Final[Mapping[Channel, int]] = {Channel.EMAIL: 20, Channel.SMS: 10, Channel.PUSH: 20}

#: How many are taken up at a time.
_BATCH: Final = 100
#: Seconds after which a drainer takes up no more. The next sweep sends another for what is left.
_SHIFT: Final = 20.0
#: Seconds between looks for what else is due while carriers take their time.
_LOOK: Final = 0.2
#: Seconds that what is being sent has to end in when its drainer is told to.
_LAST_WORDS: Final = 1.0
#: Seconds after which it is too late to begin with something: its lease might pass meanwhile.
_STALE: Final = LEASE.total_seconds() - PATIENCE - 5

log = structlog.get_logger(__name__)


async def deliver(ctx: Context, channel: str) -> None:
    """Send what is due on a channel."""
    await _Drainer(ctx, Channel(channel)).run()


async def redeliver(ctx: Context, delivery_id: str) -> None:
    """Try a delivery again that had failed. Any other stays as it is."""
    async with ctx.database.begin() as tx:
        try:
            delivery = await deliveries.redeliver(tx, UUID(delivery_id))
        except NotFound:
            # Archived since, with what it was about.
            return
    await wake(ctx, [delivery.channel])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """A delivery, and what came of it."""

    delivery: Delivery
    answer: Answer


class _Drainer:
    """Sends what is due on one channel."""

    def __init__(self, ctx: Context, channel: Channel) -> None:
        self._ctx = ctx
        self._channel = channel
        self._at_once = AT_ONCE[channel]
        self._slots = asyncio.Semaphore(self._at_once)
        #: What was taken up, and of that what is being sent; what came of it, until it is noted.
        self._open: set[asyncio.Task[_Done]] = set()
        self._begun: set[asyncio.Task[_Done]] = set()
        self._done: list[_Done] = []
        #: How many tries in a row met a carrier that did not answer.
        self._unanswered = 0
        self._is_over = False
        self._counts: Counter[str] = Counter()

    async def run(self) -> None:
        """Send until nothing is due, the carrier is away, or it has been long enough."""
        now = asyncio.get_running_loop().time
        ends_at = now() + _SHIFT
        try:
            while True:
                self._is_over = self._is_over or now() >= ends_at
                if not self._is_over and len(self._open) < self._at_once:
                    await self._take()
                if not self._open:
                    return
                done, self._open = await asyncio.wait(
                    self._open, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED
                )
                await self._note(task.result() for task in done)
        finally:
            await self._stop()
            if self._counts:
                log.info("deliveries.done", channel=self._channel.value, **self._counts)

    async def _take(self) -> None:
        """Take up what is due, and begin with as much of it as may be sent at a time."""
        stale_at = asyncio.get_running_loop().time() + _STALE
        async with self._ctx.database.begin() as tx:
            claimed = await deliveries.claim(tx, self._channel, limit=_BATCH)
        if not claimed:
            return
        failpoint("delivery.after_claim")
        ctx = self._ctx
        for delivery, packed in await pack(ctx.database, claimed, house=ctx.house):
            if isinstance(packed, Parcel):
                self._open.add(asyncio.create_task(self._send(packed, stale_at)))
            else:
                self._done.append(_Done(delivery=delivery, answer=Answer(outcome=packed)))
        await self._note(())

    async def _send(self, parcel: Parcel, stale_at: float) -> _Done:
        async with self._slots:
            if self._is_over or asyncio.get_running_loop().time() >= stale_at:
                return _Done(delivery=parcel.delivery, answer=_handed_back(parcel.delivery))
            task = asyncio.current_task()
            assert task is not None
            self._begun.add(task)
            try:
                answer = await carry(self._ctx.outside, parcel)
            finally:
                self._begun.discard(task)
            failpoint("delivery.after_send")
            self._listen(answer)
            return _Done(delivery=parcel.delivery, answer=answer)

    def _listen(self, answer: Answer) -> None:
        """Spare a carrier that is away, and the tries of all that it would not answer either."""
        is_away = isinstance(answer.outcome, Unavailable)
        self._unanswered = self._unanswered + 1 if is_away else 0
        if self._unanswered >= self._at_once:
            self._is_over = True

    async def _note(self, done: Iterable[_Done]) -> None:
        # Kept until it is written: whoever is told to end while this waits notes it again.
        self._done += done
        if not self._done:
            return
        tried = [
            Tried(claimed=one.delivery, outcome=one.answer.outcome, jitter=random.random())
            for one in self._done
        ]
        gone = [token for one in self._done for token in one.answer.gone]
        async with self._ctx.database.begin() as tx:
            settled = await deliveries.settle(tx, tried)
            if gone:
                await devices.gone(tx, gone)
        self._done.clear()
        outcomes = {one.claimed.id: one.outcome for one in tried}
        for delivery in settled:
            self._count(delivery, outcomes[delivery.id])

    def _count(self, settled: Delivery, said: Outcome) -> None:
        outcome = settled.status.lower()
        if settled.status is DeliveryStatus.WAITING:
            outcome = "retried" if isinstance(said, Unavailable) else "postponed"
        self._counts[outcome] += 1
        DELIVERIES.labels(self._channel, outcome).inc()
        if settled.status is DeliveryStatus.FAILED:
            log.error("delivery.failed", delivery=str(settled.id), error=settled.error)

    async def _stop(self) -> None:
        """End what is being sent, hand back what was not begun, and note all that is known."""
        self._is_over = True
        if self._begun:
            await asyncio.wait(self._begun, timeout=_LAST_WORDS)
        for task in tuple(self._begun):
            # Whether it was sent nobody knows. It is due again when its lease has passed.
            task.cancel()
        ended = await asyncio.gather(*self._open, return_exceptions=True)
        self._open = set()
        await self._note(one for one in ended if isinstance(one, _Done))


def _handed_back(delivery: Delivery) -> Answer:
    """It was not tried, and is due as it was when it was taken up."""
    return Answer(outcome=Postponed(until=delivery.due_at - LEASE))
