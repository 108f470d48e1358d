"""Offers: one booking put to one provider in one round of matching."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.tables.base import Instant, metadata, one_of
from domain.offers import OfferState, Wave

job_offers = Table(
    "job_offers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("booking_id", Uuid, ForeignKey("bookings.id"), nullable=False),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("wave", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("offered_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Column("reject_reason", Text),
    # Why this provider: kept as it was decided, whatever the policy becomes.
    Column("score", Integer, nullable=False),
    Column("breakdown", JSONB, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("policy", Text, nullable=False),
    Column("candidates", Integer, nullable=False),
    one_of("wave", Wave),
    one_of("state", OfferState),
    CheckConstraint("expires_at > offered_at", name="expiry"),
    CheckConstraint("(state = 'OFFERED') = (resolved_at IS NULL)", name="resolution"),
    Index("uq_job_offers_round", "booking_id", "provider_id", "round", unique=True),
    Index(
        "uq_job_offers_open",
        "booking_id",
        "provider_id",
        unique=True,
        postgresql_where=text("state = 'OFFERED'"),
    ),
    # Exactly one winner, whatever the code above it does.
    Index(
        "uq_job_offers_winner",
        "booking_id",
        unique=True,
        postgresql_where=text("state = 'ACCEPTED'"),
    ),
    Index("ix_job_offers_provider_id_id", "provider_id", "id"),
    Index("ix_job_offers_expires_at", "expires_at", postgresql_where=text("state = 'OFFERED'")),
)
