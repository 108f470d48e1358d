"""What customers said of the work that was done for them."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, SmallInteger, Table, Text, Uuid

from db.tables.base import Instant, metadata

reviews = Table(
    "reviews",
    metadata,
    # A booking is reviewed once.
    Column("booking_id", Uuid, ForeignKey("bookings.id"), primary_key=True),
    # Shown to everyone, who need not learn the booking's.
    Column("id", Uuid, nullable=False, unique=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("stars", SmallInteger, nullable=False),
    Column("comment", Text, nullable=False, server_default=""),
    Column("given_at", Instant, nullable=False),
    CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
    Index("ix_reviews_provider_id_id", "provider_id", "id"),
)
