"""What does a subscriber get for an event, and how do a thousand of them read its row once?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from domain.events import RecordedEvent
from domain.feed import FeedEntry, encode_cursor

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: Reads one row by its key, on a connection of its own.
Loader = Callable[[K], Awaitable[V]]


class Reads:
    """The rows read for one event in this process, each once, for whoever asks while it lives."""

    __slots__ = ("__weakref__", "_reading")

    def __init__(self) -> None:
        self._reading: dict[tuple[Any, Hashable], asyncio.Future[Any]] = {}

    async def read(self, loader: Loader[K, V], key: K) -> V:
        """What `loader` answers for `key`: asked once, and again only after it has failed."""
        reading = self._reading.get((loader, key))
        if reading is None or _failed(reading):
            reading = asyncio.ensure_future(loader(key))
            reading.add_done_callback(_failed)
            self._reading[loader, key] = reading
        # Shielded: a subscriber that leaves must not take the row from all the others.
        return cast("V", await asyncio.shield(reading))


def _failed(reading: asyncio.Future[Any]) -> bool:
    # Asking for the exception also tells asyncio that somebody has seen it.
    return reading.done() and (reading.cancelled() or reading.exception() is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event on a topic: ids only. Whoever passes it on re-reads the row and re-checks the right.

    Every subscriber of the topic in this process gets the same one.
    """

    seq: int
    topic: str
    event: RecordedEvent
    reads: Reads = field(repr=False, compare=False)

    @property
    def cursor(self) -> str:
        """Where to resume: everything after this delivery."""
        return encode_cursor(self.seq)

    async def read(self, loader: Loader[K, V], key: K) -> V:
        """The row that `loader` reads for `key`, as of this event or later.

        It is read once per event and process, however many subscribers ask. They share it if they
        pass an equal `loader`: a function or a bound method, not a fresh lambda.
        """
        return await self.reads.read(loader, key)


def delivery(entry: FeedEntry, reads: Reads) -> Delivery:
    """The delivery of a feed entry."""
    return Delivery(
        seq=entry.seq,
        topic=entry.topic,
        event=RecordedEvent(
            id=entry.event_id,
            type=entry.type,
            subject=entry.subject,
            occurred_at=entry.occurred_at,
            seq=entry.seq,
        ),
        reads=reads,
    )
