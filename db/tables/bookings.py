"""Bookings, their history, and the keys of repeated requests."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.tables.base import Instant, metadata, one_of
from domain.booking_steps import BookingStatus
from domain.bookings import BookingKind, Party
from domain.history import Source
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
    # As the customer described it then; what they save under their name may change.
    Column("vehicle", JSONB(none_as_null=True)),
    Column("requested_brand", Text, nullable=False, server_default=""),
    # What the concern is about, as domain.keywords reads it.
    Column("keywords", ARRAY(Text), nullable=False, server_default="{}"),
    Column("preferred_provider_id", Uuid, ForeignKey("providers.id")),
    # Which occurrence of which series: a wall time in the series' zone.
    Column("series_id", Uuid, ForeignKey("series.id")),
    Column("original_start", DateTime(timezone=False)),
    Column("price_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    # The service's rules as they were when it was booked.
    Column("rules", JSONB, nullable=False, server_default="{}"),
    # What the service asked of a provider when it was booked.
    Column("requirements", JSONB, nullable=False, server_default="{}"),
    Column("needs_approval", Boolean, nullable=False),
    Column("needs_terms", Boolean, nullable=False, server_default=false()),
    # The facts that the status follows from.
    Column("requested_at", Instant, nullable=False),
    Column("approved_at", Instant),
    Column("terms_accepted_at", Instant),
    Column("paid_at", Instant),
    Column("assigned_at", Instant),
    Column("started_at", Instant),
    Column("completed_at", Instant),
    Column("cancelled_at", Instant),
    Column("declined_at", Instant),
    Column("no_show_at", Instant),
    Column("unfilled_at", Instant),
    # When it was called off because nobody had paid in time; a late payment may bring it back.
    Column("lapsed_at", Instant),
    # Computed by domain.bookings from the facts, written with them, kept for the indexes.
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("cancel_reason", Text),
    Column("fee_minor", Integer),
    Column("least_fee_percent", Integer, nullable=False, server_default="0"),
    Column("absent", Text),
    Column("evidence", Text),
    Column("reschedules", Integer, nullable=False, server_default="0"),
    Column("completion_notes", Text),
    Column("photo_urls", JSONB, nullable=False, server_default="[]"),
    Column("checklist", JSONB, nullable=False, server_default="[]"),
    Column("signed_by", Text),
    Column("signature_url", Text),
    # How late the provider has said they will be.
    Column("late_minutes", Integer),
    Column("late_reason", Text),
    Column("late_reported_at", Instant),
    # The matching job: which wave is open, how many were, and when to look again.
    Column("match_since", Instant),
    Column("wave", Text),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("rounds_before", Integer, nullable=False, server_default="0"),
    Column("broadcasts", Integer, nullable=False, server_default="0"),
    Column("match_due_at", Instant),
    # When to try the automatic assignment next, and how often it was tried.
    Column("auto_due_at", Instant),
    Column("auto_tries", Integer, nullable=False, server_default="0"),
    one_of("kind", BookingKind),
    one_of("status", BookingStatus),
    one_of("wave", Wave),
    one_of("absent", Party),
    CheckConstraint("ends_at > starts_at", name="window"),
    CheckConstraint("late_minutes > 0", name="late"),
    CheckConstraint("(late_minutes IS NULL) = (late_reported_at IS NULL)", name="lateness"),
    CheckConstraint("(signed_by IS NULL) = (signature_url IS NULL)", name="signature"),
    CheckConstraint("fee_minor BETWEEN 0 AND price_minor", name="fee"),
    CheckConstraint("least_fee_percent BETWEEN 0 AND 100", name="least_fee"),
    CheckConstraint("(series_id IS NULL) = (original_start IS NULL)", name="series"),
    CheckConstraint("price_minor >= 0", name="price"),
    CheckConstraint("lapsed_at IS NULL OR cancelled_at IS NOT NULL", name="lapsed"),
    CheckConstraint("(provider_id IS NULL) = (assigned_at IS NULL)", name="assignment"),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
    Index("ix_bookings_customer_id_id", "customer_id", "id"),
    Index("ix_bookings_provider_id_id", "provider_id", "id"),
    Index("ix_bookings_status_id", "status", "id"),
    Index("ix_bookings_service_id_starts_at", "service_id", "starts_at"),
    # An occurrence is booked once, whoever makes it and however often.
    Index(
        "uq_bookings_occurrence",
        "series_id",
        "original_start",
        unique=True,
        postgresql_where=text("series_id IS NOT NULL"),
    ),
    Index(
        "ix_bookings_match_due_at",
        "match_due_at",
        postgresql_where=text("match_due_at IS NOT NULL"),
    ),
    Index(
        "ix_bookings_auto_due_at",
        "auto_due_at",
        postgresql_where=text("auto_due_at IS NOT NULL"),
    ),
    Index(
        "ix_bookings_queue",
        "kind",
        "id",
        postgresql_where=text("provider_id IS NULL AND status IN ('PENDING', 'PAID')"),
    ),
    # What each provider has before them, in the same order.
    Index(
        "ix_bookings_mine",
        "provider_id",
        "kind",
        "id",
        postgresql_where=text(
            "provider_id IS NOT NULL AND status IN"
            " ('AWAITING_APPROVAL', 'PENDING', 'PAID', 'CONFIRMED', 'IN_PROGRESS')"
        ),
    ),
    # What touches a stretch of time: everyone's, and one provider's.
    Index(
        "ix_bookings_during",
        text("tstzrange(starts_at, ends_at)"),
        postgresql_using="gist",
    ),
    Index(
        "ix_bookings_provider_during",
        "provider_id",
        text("tstzrange(starts_at, ends_at)"),
        postgresql_using="gist",
        postgresql_where=text("provider_id IS NOT NULL"),
    ),
)

#: One row for each change of a booking: who, from what to what, why, through what.
history = Table(
    "booking_history",
    metadata,
    Column("booking_id", Uuid, ForeignKey("bookings.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor_id", Uuid, ForeignKey("users.id")),
    Column("source", Text, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("reason", Text),
    one_of("source", Source),
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
