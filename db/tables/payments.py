"""Payments, what the gateway has said of them, and refunds."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
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
from domain.payment_events import Said
from domain.payments import Method, PaymentStatus, Purpose
from domain.refunds import RefundCause, RefundStatus

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("booking_id", Uuid, ForeignKey("bookings.id"), nullable=False),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("gateway_id", Text),
    # Computed by domain.payments from the facts, written with them, kept for the indexes.
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("received_minor", Integer),
    Column("received_currency", Text),
    Column("paid_at", Instant),
    Column("failed_at", Instant),
    Column("failure", Text),
    Column("cancelled_at", Instant),
    Column("mismatched_at", Instant),
    Column("refunded_minor", Integer, nullable=False, server_default="0"),
    one_of("purpose", Purpose),
    one_of("method", Method),
    one_of("status", PaymentStatus),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("(received_minor IS NULL) = (received_currency IS NULL)", name="received"),
    CheckConstraint("(received_minor IS NULL) = (paid_at IS NULL)", name="paid"),
    # Nobody gets back more than they paid.
    CheckConstraint("refunded_minor BETWEEN 0 AND coalesce(received_minor, 0)", name="refunded"),
    Index("uq_payments_gateway_id", "gateway", "gateway_id", unique=True),
    # One sum is asked for at a time: for the work, and as a tip.
    Index(
        "uq_payments_open",
        "booking_id",
        unique=True,
        postgresql_where=text("status = 'PENDING' AND purpose <> 'TIP'"),
    ),
    Index(
        "uq_payments_open_tip",
        "booking_id",
        unique=True,
        postgresql_where=text("status = 'PENDING' AND purpose = 'TIP'"),
    ),
    Index("ix_payments_booking_id_id", "booking_id", "id"),
    Index("ix_payments_customer_id_id", "customer_id", "id"),
)

#: The inbox of the payment gateway's webhooks: everything it said, once, in its own words.
gateway_events = Table(
    "gateway_events",
    metadata,
    Column("gateway", Text, primary_key=True),
    # What the gateway calls the event. It repeats itself; the key does not.
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("payment_id", Uuid, ForeignKey("payments.id")),
    Column("body", JSONB, nullable=False),
    # What of it matters here, in our words; of most events nothing does.
    Column("said", Text),
    Column("gateway_payment_id", Text),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    Column("failure", Text),
    Column("gateway_refund_id", Text),
    # Which refund of ours it is, by the gateway's word.
    Column("refund_id", Uuid),
    # By the gateway's clock, and by ours.
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    # When its effects were brought about; what speaks of nothing we know has none.
    Column("handled_at", Instant),
    one_of("said", Said),
    CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="sum"),
    Index("ix_gateway_events_payment_id", "payment_id"),
    Index(
        "ix_gateway_events_unhandled",
        "received_at",
        postgresql_where=text("handled_at IS NULL AND payment_id IS NOT NULL"),
    ),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("payment_id", Uuid, ForeignKey("payments.id"), nullable=False),
    Column("booking_id", Uuid, ForeignKey("bookings.id"), nullable=False),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("amount_minor", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("destination", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("asked_by", Uuid, ForeignKey("users.id")),
    # Computed by domain.refunds from the facts, written with them, kept for the indexes.
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("gateway_id", Text),
    # What the gateway calls what was given back there without us, for good.
    Column("found_as", Text),
    # So much of it was more than there was to give back.
    Column("excess_minor", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("refusals", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant),
    Column("done_at", Instant),
    Column("failed_at", Instant),
    Column("failure", Text),
    one_of("cause", RefundCause),
    one_of("destination", Method),
    one_of("status", RefundStatus),
    CheckConstraint("amount_minor > 0", name="amount"),
    CheckConstraint("(due_at IS NOT NULL) = (status = 'WAITING')", name="due"),
    CheckConstraint("excess_minor BETWEEN 0 AND amount_minor", name="excess"),
    CheckConstraint("cause <> 'AT_GATEWAY' OR found_as IS NOT NULL", name="found"),
    # What Callout gives back by its rules it gives back once.
    Index(
        "uq_refunds_cause",
        "payment_id",
        "cause",
        unique=True,
        postgresql_where=text("cause NOT IN ('BY_HAND', 'AT_GATEWAY')"),
    ),
    Index("uq_refunds_gateway_id", "gateway_id", unique=True),
    Index("uq_refunds_found_as", "found_as", unique=True),
    Index("ix_refunds_payment_id", "payment_id"),
    Index("ix_refunds_booking_id_id", "booking_id", "id"),
    Index("ix_refunds_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)
