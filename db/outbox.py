"""Which events still have to be delivered, in which order, and by whom?

By the one relay that holds the advisory lock. It claims events by state (`seq IS NULL`), never by
following an id: ids are given out before the commits that make them visible, in another order, so
a reader who remembers the last id it saw skips rows. Everything here runs on the session that
holds the lock: when that session is gone, so is the right to deliver, and every call raises.
(SQLAlchemy never reconnects a connection that has begun; a fresh one would not have the lock.)
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, func, select, text, update

from db.tables import events
from db.wake import CHANNEL
from domain.audience import topics
from domain.events import Event, EventType, RecordedEvent
from domain.telling import TABLE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database

#: The advisory lock of the active relay ("callout" in ASCII). Locks are per database.
LOCK: Final = 0x63616C6C6F7574

#: The server ends the session of a relay that went silent, whether frozen or unreachable, and so
#: frees its lock. An active relay speaks at least once a second.
_LEASE: Final = {
    "idle_session_timeout": "10s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
}

_CLAIM: Final = (
    select(events.c.id, events.c.type, events.c.subject)
    .where(events.c.seq.is_(None))
    .order_by(events.c.position)
    .limit(bindparam("limit"))
)

# One statement, so all of it or nothing. That the event has no place yet is asked again on the row
# to be written: the unique constraint would stop a second relay, this keeps it from overwriting
# what it waited for. (Asked so that no plan reads the whole backlog from its index for each batch.)
_SEQUENCE: Final = text(
    """
    WITH head AS (
        SELECT coalesce(max(seq), 0) AS seq FROM events
    ), claimed AS (
        SELECT id, n FROM unnest(:ids) WITH ORDINALITY AS claimed(id, n)
    ), sequenced AS (
        UPDATE events SET seq = head.seq + claimed.n
        FROM claimed, head
        WHERE events.id = claimed.id AND coalesce(events.seq, 0) = 0
        RETURNING events.id, events.seq, events.type, events.subject, events.occurred_at
    ), untold AS (
        INSERT INTO untold_events (event_id)
        SELECT id FROM sequenced WHERE type = ANY(:told)
    )
    INSERT INTO feed_entries (topic, seq, event_id, type, subject, occurred_at)
    SELECT heard.topic, e.seq, e.id, e.type, e.subject, e.occurred_at
    FROM sequenced AS e JOIN unnest(:topics, :heard) AS heard(topic, event_id) ON e.id = event_id
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("topics", type_=ARRAY(Text)),
    bindparam("heard", type_=ARRAY(Uuid)),
    bindparam("told", type_=ARRAY(Text)),
)
#: The events that people are told of.
_TOLD: Final = sorted(TABLE)

_UNPUBLISHED: Final = (
    select(events.c.id, events.c.type, events.c.subject, events.c.occurred_at, events.c.seq)
    .where(events.c.published_at.is_(None), events.c.seq.is_not(None))
    .order_by(events.c.seq)
    .limit(bindparam("limit"))
)


class Outbox:
    """The outbox, in the hands of its one active relay."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._woken = asyncio.Event()

    async def sequence(self, limit: int) -> int:
        """Give up to `limit` new events their place in delivery order, write the feed, and note
        which of them people are to be told of.

        How many there were.
        """
        rows = (await self._connection.execute(_CLAIM, {"limit": limit})).all()
        if rows:
            heard = [(topic, row.id) for row in rows for topic in topics(_event(row))]
            await self._connection.execute(
                _SEQUENCE,
                {
                    "ids": [row.id for row in rows],
                    "topics": [topic for topic, _ in heard],
                    "heard": [event_id for _, event_id in heard],
                    "told": _TOLD,
                },
            )
        return len(rows)

    async def unpublished(self, limit: int) -> list[RecordedEvent]:
        """The next events to deliver, in order."""
        rows = await self._connection.execute(_UNPUBLISHED, {"limit": limit})
        return [_recorded(row) for row in rows]

    async def mark_published(self, delivered: Sequence[RecordedEvent]) -> None:
        """Note that these events, neighbours in delivery order, have been delivered."""
        await self._connection.execute(
            update(events)
            .where(events.c.seq.between(delivered[0].seq, delivered[-1].seq))
            .values(published_at=func.clock_timestamp())
        )

    async def woken(self, timeout: float) -> None:  # noqa: ASYNC109  # a poll, not a failure
        """Wait until a commit appended events, but no longer than `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    async def listen(self) -> None:
        """Begin to be woken, by commits and by the loss of the connection."""
        raw = await self._connection.get_raw_connection()
        driver: Any = raw.driver_connection
        driver.add_termination_listener(lambda _: self._woken.set())
        await driver.add_listener(CHANNEL, lambda *_: self._woken.set())


@asynccontextmanager
async def hold(database: Database, *, retry: float = 0.5) -> AsyncIterator[Outbox]:
    """The outbox, once no other relay has it. Asks for it every `retry` seconds until then.

    (Waiting inside pg_advisory_lock would keep a snapshot open and hold back every vacuum.)
    """
    async with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as session:
        try:
            await session.execute(select(*(func.set_config(*s, False) for s in _LEASE.items())))
            await _lock(session, retry)
            outbox = Outbox(session)
            await outbox.listen()
            yield outbox
        finally:
            # Never back into the pool: the lock ends with the session.
            await session.invalidate()


async def _lock(session: AsyncConnection, retry: float) -> None:
    while True:
        if await session.scalar(select(func.pg_try_advisory_lock(LOCK))):
            return
        await asyncio.sleep(retry)


def _event(row: Row[*tuple[Any, ...]]) -> Event:
    return Event(type=EventType(row.type), subject=_subject(row))


def _recorded(row: Row[*tuple[Any, ...]]) -> RecordedEvent:
    return RecordedEvent(
        id=row.id,
        type=EventType(row.type),
        subject=_subject(row),
        occurred_at=row.occurred_at,
        seq=row.seq,
    )


def _subject(row: Row[*tuple[Any, ...]]) -> dict[str, UUID]:
    return {name: UUID(value) for name, value in row.subject.items()}
