"""How does a process listen to live topics, and go on listening when Redis goes away and returns?

`RedisLive` is a backend for broadcaster's interface (`BroadcastBackend`), over Redis pub/sub. What
the stock backend lacks, it promises:

- `subscribe` returns once Redis has acknowledged it, so whatever is published from then on is
  heard. While Redis is away it returns without: the topic is noted, and a `RESYNC` follows.
- A lost connection is noticed, also one that is only silent (a ping goes unanswered), and replaced
  after a jittered pause. Every topic is subscribed again, and tells its listener `RESYNC`: messages
  may have been lost, ask the feed.
- What waits for the listener is bounded. When it falls behind, nothing more is read from the
  socket; should Redis cut us off for that, it is a lost connection like any other.
- Subscribing and unsubscribing need no lock: what is wanted is noted before anything is awaited,
  commands go out in that order on one connection, and a topic counts as heard only when the last
  SUBSCRIBE sent for it is acknowledged.

The hub (api/live) calls this backend itself and does not stand behind `broadcaster.Broadcast`:
that front keeps an unbounded queue for each subscriber, loses one of two first subscribers that
come together, and stops for ever, silently, at the first error. It still works with this backend,
RESYNC being one more message.

It speaks through a redis-py connection of its own, not through redis-py's `PubSub`, which
reconnects by itself and does not say so: precisely what a listener has to know.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, NoReturn

import structlog
from broadcaster import BroadcastBackend, Event
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

from gateways.backoff import pauses
from gateways.publisher import channel

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

log = structlog.get_logger(__name__)

#: The message that says: some may have been lost, ask the feed. (All others are JSON objects.)
RESYNC: Final = "RESYNC"


class _Topic:
    """How far the subscription of one topic has got."""

    __slots__ = ("acknowledged", "owed", "stale", "wanted")

    def __init__(self) -> None:
        self.wanted = False
        #: SUBSCRIBEs sent on the present connection and not yet acknowledged.
        self.owed = 0
        #: Did someone go on without the acknowledgement? Then it has to be told RESYNC.
        self.stale = False
        #: What those who wait for the acknowledgement wait on.
        self.acknowledged: asyncio.Future[None] | None = None

    def settle(self) -> None:
        """Let those who wait for the acknowledgement go on."""
        if self.acknowledged is not None:
            self.acknowledged.set_result(None)
            self.acknowledged = None


class RedisLive(BroadcastBackend):
    """Listens to the live topics of one installation."""

    def __init__(
        self,
        url: str,
        *,
        namespace: str,
        silence: float = 5.0,
        patience: float = 2.0,
        backlog: int = 1024,
    ) -> None:
        """Ping after `silence` seconds without a word, and give the connection up after as many
        again. Wait `patience` seconds for a connection or an acknowledgement. Keep at most
        `backlog` messages for the listener."""
        self._pool = ConnectionPool.from_url(url)
        # Whatever the address asks for: replies are read here as RESP 2 and bytes, and the time
        # limits are ours (with its own, redis-py would write from another task, out of order).
        self._pool.connection_kwargs.update(
            protocol=2, decode_responses=False, socket_timeout=None, health_check_interval=0
        )
        self._redis = Redis(connection_pool=self._pool)
        self._prefix = channel(namespace, "")
        self._silence = silence
        self._patience = patience
        self._heard: asyncio.Queue[Event] = asyncio.Queue(backlog)
        self._topics: dict[str, _Topic] = {}
        self._connection: AbstractConnection | None = None
        self._keeper: asyncio.Task[NoReturn] | None = None

    async def connect(self) -> None:
        """Begin to keep a connection. Returns at once, whether Redis is there or not."""
        self._keeper = asyncio.create_task(self._keep_connected(), name="live.redis")

    async def disconnect(self) -> None:
        """Stop listening."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        await self._pool.aclose()

    @property
    def is_connected(self) -> bool:
        """Is there a connection, as far as we know?"""
        return self._connection is not None

    @property
    def waiting(self) -> int:
        """How many messages wait for the listener."""
        return self._heard.qsize()

    async def subscribe(self, group: str) -> None:
        """Hear what is published on a topic from now on, or from a later RESYNC on."""
        topic = self._topics.setdefault(group, _Topic())
        if not topic.wanted:
            topic.wanted = True
            if self._connection is None:
                topic.stale = True
                return
            topic.owed += 1
            await self._send("SUBSCRIBE", group)
        if topic.owed:
            await self._acknowledged(topic)

    async def unsubscribe(self, group: str) -> None:
        """Hear nothing more on a topic."""
        topic = self._topics.get(group)
        if topic is None or not topic.wanted:
            return
        topic.wanted = False
        if not topic.owed:
            del self._topics[group]
        await self._send("UNSUBSCRIBE", group)

    async def publish(self, channel: str, message: Any) -> None:
        """Tell everyone who listens to a topic."""
        async with asyncio.timeout(self._patience):
            await self._redis.publish(self._prefix + channel, message)

    async def next_published(self) -> Event:
        """The next message, or RESYNC, on any topic."""
        return await self._heard.get()

    async def _acknowledged(self, topic: _Topic) -> None:
        if topic.acknowledged is None:
            topic.acknowledged = asyncio.get_running_loop().create_future()
        # Not wait_for: others wait on the same future, and it must outlive this waiter.
        done, _ = await asyncio.wait([topic.acknowledged], timeout=self._patience)
        if not done:
            topic.stale = True

    async def _send(self, command: str, *topics: str) -> None:
        connection = self._connection
        if connection is None or not connection.is_connected:
            return
        # A failure closes the connection; the keeper sees that and subscribes again to all.
        with contextlib.suppress(RedisError, OSError):
            await connection.send_command(
                command, *(self._prefix + topic for topic in topics), check_health=False
            )

    async def _keep_connected(self) -> NoReturn:
        clock = asyncio.get_running_loop().time
        waits = pauses()
        while True:
            connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py
            since = clock()
            try:
                await self._open(connection)
                await self._listen(connection)
            except (RedisError, OSError) as error:
                log.warning("live.redis_is_away", error=str(error))
            except Exception:
                log.exception("live.listener_failed")
            finally:
                self._lose()
                await connection.disconnect(nowait=True)
            if clock() - since > self._patience:
                waits = pauses()
            await asyncio.sleep(next(waits))

    async def _open(self, connection: AbstractConnection) -> None:
        async with asyncio.timeout(self._patience):
            await connection.connect()  # type: ignore[no-untyped-call]  # redis-py
        self._connection = connection
        log.info("live.connected", topics=len(self._topics))
        for topic in self._topics.values():
            topic.owed = 1
        if self._topics:
            # One command, so that no message comes between the first topic and the last.
            await self._send("SUBSCRIBE", *self._topics)

    def _lose(self) -> None:
        self._connection = None
        for topic in self._topics.values():
            topic.owed = 0
            topic.stale = True
            topic.settle()
        self._topics = {name: topic for name, topic in self._topics.items() if topic.wanted}

    async def _listen(self, connection: AbstractConnection) -> NoReturn:
        asked = False
        while True:
            reply = await connection.read_response(timeout=self._silence)
            if reply is not None:
                asked = False
                await self._take(reply)
            elif asked:
                message = f"Redis has been silent for {2 * self._silence:g} s."
                raise ConnectionLost(message)
            else:
                asked = True
                await connection.send_command("PING", check_health=False)

    async def _take(self, reply: Any) -> None:
        match reply:
            case [b"message", name, data]:
                text = data.decode(errors="replace")
                await self._heard.put(Event(self._topic_of(name), text))
            case [b"subscribe", name, _]:
                await self._acknowledge(self._topic_of(name))
            case _:  # an answer to UNSUBSCRIBE or PING, for which nobody waits
                pass

    async def _acknowledge(self, name: str) -> None:
        topic = self._topics.get(name)
        if topic is None or not topic.owed:
            return
        topic.owed -= 1
        if topic.owed:
            return
        topic.settle()
        if not topic.wanted:
            del self._topics[name]
        elif topic.stale:
            topic.stale = False
            await self._heard.put(Event(name, RESYNC))

    def _topic_of(self, name: bytes) -> str:
        return name.decode().removeprefix(self._prefix)
