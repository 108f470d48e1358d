"""Links by which calendar programs read a provider's calendar."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table, Text, Uuid

from db.tables.base import Instant, metadata

calendar_links = Table(
    "calendar_links",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("name", Text, nullable=False),
    # All we keep of the address that was given out.
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("revoked_at", Instant),
    CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
    CheckConstraint("revoked_at >= created_at", name="order"),
    Index("ix_calendar_links_provider_id_id", "provider_id", "id"),
)
