"""Standing orders, and what became of each of their occurrences."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.base import Instant, metadata, one_of
from domain.occurrences import OccurrenceState

#: A wall time in the zone of its series.
_Wall = DateTime(timezone=False)

series = Table(
    "series",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("service_id", Uuid, ForeignKey("services.id"), nullable=False),
    Column("provider_id", Uuid, ForeignKey("providers.id")),
    Column("preferred_provider_id", Uuid, ForeignKey("providers.id")),
    # What else each occurrence asks for: the address and what is said about the work.
    Column("asked", JSONB, nullable=False),
    Column("zone", Text, nullable=False),
    Column("first_local_start", _Wall, nullable=False),
    Column("rrule", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("done_until", _Wall),
    Column("next_due_at", Instant),
    Column("ended_at", Instant),
    Column("follows_id", Uuid, ForeignKey("series.id")),
    CheckConstraint("ended_at IS NULL OR next_due_at IS NULL", name="ended"),
    Index("ix_series_customer_id_id", "customer_id", "id"),
    Index("ix_series_next_due_at", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
)

#: One row for each occurrence that has been seen to: none is seen to twice.
series_occurrences = Table(
    "series_occurrences",
    metadata,
    Column("series_id", Uuid, ForeignKey("series.id"), primary_key=True),
    Column("original_start", _Wall, primary_key=True),
    Column("state", Text, nullable=False),
    Column("booking_id", Uuid, ForeignKey("bookings.id"), unique=True),
    Column("conflict", JSONB(none_as_null=True)),
    Column("noted_at", Instant, nullable=False),
    one_of("state", OccurrenceState),
    CheckConstraint("(state = 'CONFLICT') = (conflict IS NOT NULL)", name="conflict"),
    CheckConstraint("state <> 'BOOKED' OR booking_id IS NOT NULL", name="booking"),
)
