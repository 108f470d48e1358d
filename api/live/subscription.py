"""What does one subscriber hold, and what happens when it reads too slowly?

A subscription listens to its line, or reads the feed at its own pace. It starts with the feed when
it resumes from a cursor, and falls back on it when a catch-up tells more at once than fits in its
queue. In both cases it goes over to listening by the same step: listen first, then read once more,
then join the two.

Listening, it has a bounded queue. A subscriber that lets it fill up while events are coming in one
by one is too slow: it is closed, what it had not taken is dropped, and it may resume by cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from api.live.delivery import Delivery
    from api.live.hub import Hub
    from api.live.line import Line


class Interrupted(Exception):
    """The stream ended, but not for good: subscribe again after the last cursor."""


class SlowReader(Interrupted):
    """The subscriber did not take what its queue held while more kept coming."""

    def __init__(self) -> None:
        super().__init__("The stream was read too slowly. Resume after the last cursor.")


class ShuttingDown(Interrupted):
    """This process stops serving; another one will do."""

    def __init__(self) -> None:
        super().__init__("The server is going away. Resume after the last cursor.")


class Subscription:
    """The deliveries of some topics to one subscriber: `async with`, then `async for`."""

    __slots__ = (
        "_after", "_hub", "_interruption", "_is_listening", "_is_reading", "_line", "_newest",
        "_queue", "_room", "_waiting", "position", "topics",
    )  # fmt: skip

    def __init__(self, hub: Hub, topics: Sequence[str], *, after: int | None, room: int) -> None:
        """Made by `Hub.subscribe`. Holds at most `room` deliveries."""
        self.topics = tuple(sorted(set(topics)))
        #: Where it stands, once entered: just past what was taken last, or where it began.
        self.position = 0
        self._hub = hub
        self._after = after
        self._room = room
        self._line: Line | None = None
        self._is_listening = False
        self._is_reading = False
        #: The latest place that was queued, or handed out.
        self._newest = 0
        # A list, not a deque or a Queue: those cost a kilobyte each, and most stay empty.
        self._queue: list[Delivery] = []
        self._waiting: asyncio.Future[None] | None = None
        self._interruption: Interrupted | None = None

    async def __aenter__(self) -> Self:
        """Begin: whatever happens from now on, or happened past `after`, will be delivered."""
        if self._after is not None:
            await self._hub.require(self._after)
        self._line = await self._hub.join(self, self.topics)
        if self._after is None:
            self.position = self._line.position or 0
            self._listen()
        else:
            self.position = self._after
        self._newest = self.position
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End, and free the topics that nobody else listens to."""
        self._fall_back()
        self._queue.clear()
        if self._line is not None:
            line, self._line = self._line, None
            await self._hub.leave(self, line)

    @property
    def queued(self) -> int:
        """How many deliveries wait to be taken."""
        return len(self._queue)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Delivery:
        """The next delivery. Raises SlowReader or ShuttingDown when the stream was cut."""
        while not self._queue:
            if self._interruption is not None:
                raise self._interruption
            if self._is_listening:
                await self._arrival()
            else:
                await self._read_on()
        delivery = self._queue.pop(0)
        self.position = delivery.seq
        return delivery

    def hear(self, delivery: Delivery, *, at_once: bool) -> None:
        """Queue what the line tells. Never waits, whatever this subscriber does."""
        if delivery.seq <= self._newest:
            return
        if len(self._queue) < self._room:
            self._newest = delivery.seq
            self._queue.append(delivery)
            self._wake()
        elif at_once and not self._is_reading:
            self.interrupt(SlowReader())
        else:
            self._fall_back()

    def interrupt(self, interruption: Interrupted) -> None:
        """Cut the stream; what was not taken yet is dropped."""
        self._interruption = interruption
        self._fall_back()
        self._queue.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _arrival(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _listen(self) -> None:
        if self._line is not None:
            self._line.listeners.add(self)
            self._is_listening = True

    def _fall_back(self) -> None:
        if self._line is not None:
            self._line.listeners.discard(self)
        self._is_listening = False

    async def _read_on(self) -> None:
        after = self._newest
        # Listen, then read: whatever the reading is too early to see is told to us meanwhile.
        self._listen()
        self._is_reading = True
        try:
            page = await self._hub.page(self.topics, after=after)
        finally:
            self._is_reading = False
        if self._interruption is not None:
            return
        if page.is_last and self._is_listening:
            newest = page.deliveries[-1].seq if page.deliveries else after
            page.deliveries.extend(told for told in self._queue if told.seq > newest)
        else:
            self._fall_back()
        self._queue = page.deliveries
        self._newest = self._queue[-1].seq if self._queue else after
