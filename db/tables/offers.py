"""Offers: one booking put to one provider in one round of matching; and what else was decided."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
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
    # A broadcast offer that nobody answers is put to its provider again.
    Column("reminders", Integer, nullable=False, server_default="0"),
    Column("reminded_at", Instant),
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

#: Who gave a booking back, or had it taken from them for being unavailable: not asked again.
withdrawals = Table(
    "withdrawals",
    metadata,
    Column("booking_id", Uuid, ForeignKey("bookings.id"), primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), primary_key=True),
    Column("reason", Text, nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
    Index("ix_withdrawals_provider_id", "provider_id"),
)

#: What another policy would have chosen beside the one in force; nothing acts on it.
shadow_choices = Table(
    "shadow_choices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("booking_id", Uuid, ForeignKey("bookings.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("wave", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("policy", Text, nullable=False),
    Column("live_policy", Text, nullable=False),
    # Best first, in both lists; the scores are those of the shadow's choice.
    Column("chosen", ARRAY(Uuid), nullable=False),
    Column("scores", ARRAY(Integer), nullable=False),
    Column("live_chosen", ARRAY(Uuid), nullable=False),
    Column("candidates", Integer, nullable=False),
    one_of("wave", Wave),
    UniqueConstraint("booking_id", "round", "policy"),
    Index("ix_shadow_choices_policy_at", "policy", "at"),
)

#: What each run of the automatic assignment did, beside what taking one booking after the other
#: would have done.
auto_runs = Table(
    "auto_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", Instant, nullable=False),
    # None when the clock asked for it.
    Column("asked_by", Uuid, ForeignKey("users.id")),
    Column("waiting", Integer, nullable=False),
    Column("assigned", Integer, nullable=False),
    Column("cost", Double, nullable=False),
    Column("greedy_assigned", Integer, nullable=False),
    Column("greedy_cost", Double, nullable=False),
    CheckConstraint("assigned BETWEEN 0 AND waiting", name="assigned"),
    Index("ix_auto_runs_at", "at"),
)
