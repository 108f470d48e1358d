"""The provider time that bookings and holds take."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint

from db.tables.base import Instant, metadata, one_of
from domain.holds import HoldEnding

#: Slots kept for a customer until they expire.
holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("service_id", Uuid, ForeignKey("services.id"), nullable=False),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("line1", Text, nullable=False, server_default=""),
    Column("line2", Text, nullable=False, server_default=""),
    Column("city", Text, nullable=False),
    Column("state_province", Text, nullable=False, server_default=""),
    Column("postal_code", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("waitlist_entry_id", Uuid),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ending", Text),
    one_of("ending", HoldEnding),
    CheckConstraint("ends_at > starts_at", name="window"),
    CheckConstraint("expires_at > created_at", name="expiry"),
    CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ending_at"),
    # One for each customer and service; what the waitlist grants comes on top.
    Index(
        "uq_holds_open",
        "customer_id",
        "service_id",
        unique=True,
        postgresql_where=text("ended_at IS NULL AND waitlist_entry_id IS NULL"),
    ),
    Index(
        "uq_holds_grant",
        "waitlist_entry_id",
        unique=True,
        postgresql_where=text("ended_at IS NULL AND waitlist_entry_id IS NOT NULL"),
    ),
    Index("ix_holds_expires_at", "expires_at", postgresql_where=text("ended_at IS NULL")),
    Index("ix_holds_customer_id_id", "customer_id", "id"),
)

#: Provider time that is taken. Whoever takes it, and whatever for, takes it here, so that one
#: constraint forbids every overlap.
reservations = Table(
    "reservations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("booking_id", Uuid, ForeignKey("bookings.id")),
    Column("hold_id", Uuid, ForeignKey("holds.id")),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("during", TSTZRANGE, Computed("tstzrange(starts_at, ends_at)", persisted=True)),
    # What it wants around it, and where: for the gap to the next one.
    Column("before_minutes", Integer, nullable=False, server_default="0"),
    Column("after_minutes", Integer, nullable=False, server_default="0"),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("travel_mph", Integer, nullable=False, server_default="20"),
    # Of a hold: from then on it takes nothing, swept or not.
    Column("expires_at", Instant),
    Column("released_at", Instant),
    # Released because the work is done: it still counts among the day's jobs.
    Column("done", Boolean, nullable=False, server_default=false()),
    Column("live", Boolean, Computed("released_at IS NULL", persisted=True), nullable=False),
    CheckConstraint("ends_at > starts_at", name="window"),
    CheckConstraint("num_nonnulls(booking_id, hold_id) = 1", name="owner"),
    CheckConstraint("(hold_id IS NULL) = (expires_at IS NULL)", name="expiry"),
    ExcludeConstraint(
        ("provider_id", "="),
        ("during", "&&"),
        where=text("live"),
        using="gist",
        name="ex_reservations_no_double_booking",
    ),
    CheckConstraint("NOT done OR released_at IS NOT NULL", name="done"),
    Index("ix_reservations_done", "provider_id", "starts_at", postgresql_where=text("done")),
    Index("uq_reservations_live_booking", "booking_id", unique=True, postgresql_where=text("live")),
    Index("uq_reservations_live_hold", "hold_id", unique=True, postgresql_where=text("live")),
    Index(
        "ix_reservations_released",
        "provider_id",
        "released_at",
        postgresql_where=text("released_at IS NOT NULL"),
    ),
)
