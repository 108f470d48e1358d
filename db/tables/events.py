"""The outbox, the feed that streams resume from, and the jobs that could not be done."""

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.base import Instant, metadata

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Insertion order. Events about one row are written under that row's lock, so among them
    # it is also commit order; across rows it is not, which is why nobody follows it as a cursor.
    Column("position", BigInteger, Identity(always=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", JSONB, nullable=False),
    Column("occurred_at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("seq", BigInteger, unique=True),
    Column("published_at", Instant),
    Index("ix_events_unsequenced", "position", postgresql_where=text("seq IS NULL")),
    Index("ix_events_unpublished", "seq", postgresql_where=text("published_at IS NULL")),
)

feed_entries = Table(
    "feed_entries",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    # Without a foreign key: one statement writes event and entries, and checking it would cost a
    # quarter of the relay's rate.
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", JSONB, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Index("ix_feed_entries_seq", "seq"),
)

#: Events that people are still to be told of: written with their place in delivery order, deleted
#: when they have been told of. A lost wake-up is found here.
untold_events = Table(
    "untold_events",
    metadata,
    # Without a foreign key, for the same reason.
    Column("event_id", Uuid, primary_key=True),
    Column("since", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Index("ix_untold_events_since", "since"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    # The id of the call in its queue, so that the same call never rests twice at once.
    Column("call", Text, nullable=False),
    Column("job", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    Column("error", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False, server_default=text("now()")),
    Column("replayed_at", Instant),
    Index(
        "uq_dead_letters_waiting",
        "call",
        unique=True,
        postgresql_where=text("replayed_at IS NULL"),
    ),
)
