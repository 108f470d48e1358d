"""Those who wait for a slot."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from db.tables.base import Instant, metadata

#: Neither granted a slot nor gone.
_IN_LINE = text("hold_id IS NULL AND left_at IS NULL")

waitlist_entries = Table(
    "waitlist_entries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("service_id", Uuid, ForeignKey("services.id"), nullable=False),
    Column("provider_id", Uuid, ForeignKey("providers.id")),
    Column("line1", Text, nullable=False),
    Column("line2", Text, nullable=False, server_default=""),
    Column("city", Text, nullable=False),
    Column("state_province", Text, nullable=False, server_default=""),
    Column("postal_code", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    # With the service it names the line.
    Column("area", Text, nullable=False),
    Column("earliest", Instant, nullable=False),
    Column("latest", Instant, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("left_at", Instant),
    # A slot is granted once: what became of it is written there.
    Column("hold_id", Uuid, ForeignKey("holds.id")),
    # When somebody last looked whether there is a slot.
    Column("looked_at", Instant),
    CheckConstraint("latest >= earliest", name="window"),
    UniqueConstraint("hold_id"),
    Index(
        "uq_waitlist_entries_in_line",
        "customer_id",
        "service_id",
        unique=True,
        postgresql_where=_IN_LINE,
    ),
    Index(
        "ix_waitlist_entries_line",
        "service_id",
        "area",
        "joined_at",
        "id",
        postgresql_where=_IN_LINE,
    ),
    Index("ix_waitlist_entries_looked_at", "looked_at", postgresql_where=_IN_LINE),
    Index("ix_waitlist_entries_customer_id_joined_at", "customer_id", "joined_at", "id"),
)
