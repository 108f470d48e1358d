"""How does a process tell its subscribers what happens, each thing once, in order, none missed?

One hub serves the process. However many subscribers a topic has, its channel is subscribed once.

The feed in the database is the truth and a message is a hint. A message that names its
predecessor, when that has been told, is passed on at once. After any other (one before it was
lost or is still to come, the connection was replaced, the text is garbage) the feed is asked, by
one query for all lines in doubt. Every few seconds it is asked about all lines in any case, so that
a silent loss, or a Redis that stays away, means lateness and never a hole.

A line is opened by subscribing first and looking up the position second: what happens in between
is past the position, heard of, and asked for. Nothing here holds a database connection, or a
transaction, while it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar
from weakref import WeakValueDictionary

import structlog
from broadcaster import BroadcastBackend

from api.live.delivery import Delivery, Reads, delivery
from api.live.line import Line
from api.live.subscription import ShuttingDown, Subscription
from db import feed
from db.engine import Database, is_retryable, is_unavailable
from domain.feed import FeedEntry, ResyncRequired
from gateways import tasks
from gateways.backoff import pauses
from gateways.live import RESYNC
from gateways.publisher import MalformedMessage, parse

if TYPE_CHECKING:
    from db.engine import Connection

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: How many feed entries are read at a time.
PAGE = 100


@dataclass(slots=True, kw_only=True)
class Page:
    """Some of what a subscriber missed, and whether that was the last of it."""

    deliveries: list[Delivery]
    is_last: bool


class Hub:
    """Tells the subscribers of this process what happens on their topics."""

    def __init__(
        self,
        backend: BroadcastBackend,
        database: Database,
        *,
        room: int = 256,
        check: float = 10.0,
        patience: float = 5.0,
    ) -> None:
        """Queue at most `room` deliveries per subscriber; ask the feed every `check` seconds, and
        give the database `patience` seconds to answer before it is asked again."""
        self._backend = backend
        self._database = database
        self._room = room
        self._check = check
        self._patience = patience
        self._is_closed = False
        self._lines: dict[tuple[str, ...], Line] = {}
        self._lines_of: dict[str, set[Line]] = {}
        self._subscriptions: set[Subscription] = set()
        self._in_doubt: set[Line] = set()
        self._doubt = asyncio.Event()
        self._reads: WeakValueDictionary[int, Reads] = WeakValueDictionary()
        self._tasks: list[asyncio.Task[NoReturn]] = []

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        await self._backend.connect()
        self._tasks = [
            asyncio.create_task(work(), name=f"live.{work.__name__}")
            for work in (self._listen, self._settle_doubts, self._check_all)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cut every stream, so that its subscriber goes elsewhere, and stop."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.interrupt(ShuttingDown())
        await tasks.end(*self._tasks)
        await self._backend.disconnect()

    def subscribe(self, topics: Sequence[str], *, after: int | None = None) -> Subscription:
        """What happens on `topics` from now on; first of all, what happened past `after`.

        To be entered with `async with`, which raises ResyncRequired when the feed no longer goes
        back to `after`.
        """
        return Subscription(self, topics, after=after, room=self._room)

    @property
    def subscribers(self) -> int:
        """How many subscriptions there are."""
        return len(self._subscriptions)

    @property
    def topics(self) -> frozenset[str]:
        """The topics somebody listens to."""
        return frozenset(self._lines_of)

    async def join(self, subscription: Subscription, topics: tuple[str, ...]) -> Line:
        """The open line of these topics; it stays open until as many have left as joined."""
        if self._is_closed:
            raise ShuttingDown
        line = self._lines.get(topics)
        if line is None:
            line = self._lines[topics] = Line(topics)
            for topic in topics:
                self._lines_of.setdefault(topic, set()).add(line)
        line.members += 1
        self._subscriptions.add(subscription)
        try:
            async with line.opening:
                if line.position is None:
                    await self._open(line)
        except BaseException:
            await self.leave(subscription, line)
            raise
        return line

    async def leave(self, subscription: Subscription, line: Line) -> None:
        """Give up a place on a line; the last one to leave frees its topics."""
        self._subscriptions.discard(subscription)
        line.members -= 1
        if line.members:
            return
        del self._lines[line.topics]
        self._in_doubt.discard(line)
        for topic in line.topics:
            self._lines_of[topic].discard(line)
        unheard = [topic for topic in line.topics if not self._lines_of[topic]]
        for topic in unheard:
            del self._lines_of[topic]
        for topic in unheard:
            # Somebody may have come back while the one before was being unsubscribed.
            if topic not in self._lines_of:
                await self._backend.unsubscribe(topic)

    async def require(self, after: int) -> None:
        """Raise ResyncRequired unless the feed still holds everything past `after`."""
        if after and not await self._read(lambda connection: feed.holds(connection, after)):
            raise ResyncRequired(after)

    async def page(self, topics: tuple[str, ...], *, after: int) -> Page:
        """The next deliveries past `after`, from the feed."""
        entries = await self._read(lambda c: feed.entries(c, topics, after, PAGE))
        once = {entry.seq: entry for entry in entries}
        return Page(
            deliveries=[self._delivery(entry) for entry in once.values()],
            is_last=len(entries) < PAGE,
        )

    async def _open(self, line: Line) -> None:
        for topic in line.topics:
            await self._backend.subscribe(topic)
        line.position = await self._read(feed.last_seq)
        if line in self._in_doubt:
            self._doubt.set()

    async def _listen(self) -> NoReturn:
        while True:
            event = await self._backend.next_published()
            lines = self._lines_of.get(event.channel)
            if lines:
                self._hear(tuple(lines), event.message)
            # Messages can come in faster than the loop turns; subscribers must get their turns.
            await asyncio.sleep(0)

    def _hear(self, lines: Iterable[Line], message: str) -> None:
        entry = _entry(message)
        for line in lines:
            if entry is None:
                self._ask(line)
            elif line.has_told(entry.seq):
                continue
            elif line.follows(entry):
                line.tell(self._delivery(entry), at_once=True)
            else:
                self._ask(line)

    def _ask(self, *lines: Line) -> None:
        self._in_doubt.update(line for line in lines if line.members)
        self._doubt.set()

    async def _check_all(self) -> NoReturn:
        while True:
            await asyncio.sleep(self._check)
            self._ask(*self._lines.values())

    async def _settle_doubts(self) -> NoReturn:
        waits = pauses()
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            try:
                await self._catch_up()
            except Exception:
                # A fault, and not the database being away, which `_read` sits out. The doubt stays.
                log.exception("live.catch_up_failed")
                await asyncio.sleep(next(waits))
                self._doubt.set()
            else:
                waits = pauses()

    async def _catch_up(self) -> None:
        # A line not open yet stays in doubt until it is.
        lines = {line for line in self._in_doubt if line.position is not None}
        if not lines:
            return
        self._in_doubt -= lines
        try:
            entries = await self._read(lambda c: feed.missed(c, _positions(lines), PAGE))
        except Exception:
            self._ask(*lines)
            raise
        if len(entries) == PAGE:
            self._ask(*lines)
        for entry in entries:
            told = [line for line in self._lines_of.get(entry.topic, ()) if line in lines]
            for line in told:
                if not line.has_told(entry.seq):
                    line.tell(self._delivery(entry), at_once=False)
            await asyncio.sleep(0)

    def _delivery(self, entry: FeedEntry) -> Delivery:
        reads = self._reads.get(entry.seq)
        if reads is None:
            reads = self._reads[entry.seq] = Reads()
        return delivery(entry, reads)

    async def _read(self, read: Callable[[Connection], Awaitable[T]]) -> T:
        """One short read, asked again for as long as the database is away."""
        for pause in pauses():
            try:
                async with asyncio.timeout(self._patience), self._database.read() as connection:
                    return await read(connection)
            except Exception as error:
                if not (is_unavailable(error) or is_retryable(error)):
                    raise
                log.warning("live.database_is_away", error=str(error))
            await asyncio.sleep(pause)
        raise AssertionError  # pauses() has no end


def _entry(message: str) -> FeedEntry | None:
    if message == RESYNC:
        return None
    try:
        return parse(message)
    except MalformedMessage:
        log.warning("live.malformed_message", size=len(message))
        return None


def _positions(lines: Iterable[Line]) -> dict[str, int]:
    """How far each topic has been told; where it is on several lines, how far on the last one."""
    positions: dict[str, int] = {}
    for line in lines:
        for topic in line.topics:
            told = line.position or 0
            positions[topic] = min(told, positions.get(topic, told))
    return positions
