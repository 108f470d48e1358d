"""Bookings, their history, the provider time they take, and the keys of repeated requests."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint

from db.tables.base import Instant, metadata, one_of
from domain.bookings import BookingKind, BookingStatus
from domain.offers import Wave

bookings = Table(
    "bookings",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("service_id", Uuid, ForeignKey("services.id"), nullable=False),
    Column("provider_id", Uuid, ForeignKey("providers.id")),
    Column("kind", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("line1", Text, nullable=False),
    Column("line2", Text, nullable=False, server_default=""),
    Column("city", Text, nullable=False),
    Column("state_province", Text, nullable=False, server_default=""),
    Column("postal_code", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("access_instructions", Text, nullable=False, server_default=""),
    Column("special_requirements", Text, nullable=False, server_default=""),
    Column("concern", Text, nullable=False, server_default=""),
    Column("price_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("needs_approval", Boolean, nullable=False),
    # The facts that the status follows from.
    Column("requested_at", Instant, nullable=False),
    Column("approved_at", Instant),
    Column("paid_at", Instant),
    Column("assigned_at", Instant),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("cancelled_at", Instant),
    Column("declined_at", Instant),
    Column("no_show_at", Instant),
    Column("unfilled_at", Instant),
    # Computed by domain.bookings from the facts, written with them, kept for the indexes.
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("cancel_reason", Text),
    Column("completion_notes", Text),
    Column("photo_urls", JSONB, nullable=False, server_default="[]"),
    # The matching job: which wave is open, how many were, and when to look again.
    Column("wave", Text),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("match_due_at", Instant),
    one_of("kind", BookingKind),
    one_of("status", BookingStatus),
    one_of("wave", Wave),
    CheckConstraint("ends_at > starts_at", name="window"),
    CheckConstraint("price_minor >= 0", name="price"),
    CheckConstraint("(provider_id IS NULL) = (assigned_at IS NULL)", name="assignment"),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
    Index("ix_bookings_customer_id_id", "customer_id", "id"),
    Index("ix_bookings_provider_id_id", "provider_id", "id"),
    Index("ix_bookings_status_id", "status", "id"),
    Index(
        "ix_bookings_match_due_at",
        "match_due_at",
        postgresql_where=text("match_due_at IS NOT NULL"),
    ),
    Index(
        "ix_bookings_queue",
        "kind",
        "id",
        postgresql_where=text("provider_id IS NULL AND status IN ('PENDING', 'PAID')"),
    ),
)

#: Provider time that is taken. Whoever takes it, and whatever for, takes it here, so that one
#: constraint forbids every overlap.
reservations = Table(
    "reservations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("booking_id", Uuid, ForeignKey("bookings.id"), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("during", TSTZRANGE, Computed("tstzrange(starts_at, ends_at)", persisted=True)),
    Column("released_at", Instant),
    Column("live", Boolean, Computed("released_at IS NULL", persisted=True), nullable=False),
    CheckConstraint("ends_at > starts_at", name="window"),
    ExcludeConstraint(
        ("provider_id", "="),
        ("during", "&&"),
        where=text("live"),
        using="gist",
        name="ex_reservations_no_double_booking",
    ),
    Index("uq_reservations_live_booking", "booking_id", unique=True, postgresql_where=text("live")),
)

#: One row for each change of a booking: who, from what to what, why, through what.
history = Table(
    "booking_history",
    metadata,
    Column("booking_id", Uuid, ForeignKey("bookings.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor_id", Uuid, ForeignKey("users.id")),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("reason", Text),
    one_of("before", BookingStatus),
    one_of("after", BookingStatus),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("act", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", LargeBinary, nullable=False),
    Column("result_id", Uuid, nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.now()),
    CheckConstraint("length(key) BETWEEN 1 AND 200", name="key"),
)
