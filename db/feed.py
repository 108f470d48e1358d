"""What did a stream miss? The relay writes the feed (db/outbox.py); streams read on from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, cast, column, func, select, true

from db.tables import events, feed_entries
from domain.events import EventType
from domain.feed import FeedEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection


# An event that only a newer version knows of means nothing to this one, and must not stop it.
_KNOWN: Final = feed_entries.c.type.in_(list(EventType))


async def entries(
    connection: AsyncConnection, topics: Sequence[str], after: int, limit: int
) -> list[FeedEntry]:
    """The first `limit` entries on `topics` past `after`, in delivery order."""
    rows = await connection.execute(
        select(feed_entries)
        .where(feed_entries.c.topic.in_(topics), feed_entries.c.seq > after, _KNOWN)
        .order_by(feed_entries.c.seq, feed_entries.c.topic)
        .limit(limit)
    )
    return [_entry(row) for row in rows]


async def missed(
    connection: AsyncConnection, positions: Mapping[str, int], limit: int
) -> list[FeedEntry]:
    """The first `limit` entries, in delivery order, past each topic's own position."""
    told = (
        func.unnest(
            cast(list(positions), ARRAY(Text)), cast(list(positions.values()), ARRAY(BigInteger))
        )
        .table_valued(column("topic", Text), column("position", BigInteger))
        .render_derived()
    )
    # Lateral, so that each topic reads its own few newest rows by the key whatever the planner
    # believes of thousands of topics.
    newer = (
        select(feed_entries)
        .where(feed_entries.c.topic == told.c.topic, feed_entries.c.seq > told.c.position, _KNOWN)
        .order_by(feed_entries.c.seq)
        .limit(limit)
        .lateral()
    )
    rows = await connection.execute(
        select(newer)
        .select_from(told.join(newer, true()))
        .order_by(newer.c.seq, newer.c.topic)
        .limit(limit)
    )
    return [_entry(row) for row in rows]


async def holds(connection: AsyncConnection, seq: int) -> bool:
    """Is everything that followed this place still in the feed, which loses the oldest first?

    Not past a place that was never reached: such a cursor is from another life of the database.
    """
    last = await last_seq(connection)
    if seq >= last:
        return seq == last
    # The place itself may be that of an event that no topic told.
    older = select(feed_entries.c.seq).where(feed_entries.c.seq <= seq)
    return bool(await connection.scalar(select(older.exists())))


async def last_before(connection: AsyncConnection, topic: str, at: datetime) -> int:
    """The place of the last entry on `topic` from before an instant; 0 when there is none."""
    f = feed_entries.c
    earlier = select(func.max(f.seq)).where(f.topic == topic, f.occurred_at < at)
    return await connection.scalar(earlier) or 0


async def last_seq(connection: AsyncConnection) -> int:
    """The place of the latest event in delivery order; 0 before the first."""
    return await connection.scalar(select(func.max(events.c.seq))) or 0


def _entry(row: Row[Any]) -> FeedEntry:
    return FeedEntry(
        topic=row.topic,
        seq=row.seq,
        event_id=row.event_id,
        type=EventType(row.type),
        subject={name: UUID(value) for name, value in row.subject.items()},
        occurred_at=row.occurred_at,
    )
