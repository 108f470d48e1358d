"""Providers, what they offer, when they work, and the shifts they have worked."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Time,
    Uuid,
    text,
)

from db.tables.base import Instant, metadata, one_of
from domain.services import Trade

providers = Table(
    "providers",
    metadata,
    # A provider is a person: the id is the user's.
    Column("id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("trade", Text, nullable=False),
    Column("about", Text, nullable=False, server_default=""),
    Column("time_zone", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("state_province", Text, nullable=False, server_default=""),
    Column("city", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("radius_miles", Numeric(5, 1, asdecimal=False), nullable=False),
    Column("years_experience", Integer, nullable=False, server_default="0"),
    # What their reviews add up to, and the rating that domain.reviews makes of it.
    Column("review_count", Integer, nullable=False, server_default="0"),
    Column("stars_sum", Integer, nullable=False, server_default="0"),
    Column("rating", Numeric(3, 2, asdecimal=False)),
    Column("completed_jobs", Integer, nullable=False, server_default="0"),
    Column("approved_at", Instant),
    Column("suspended_at", Instant),
    # At most so many jobs start on one local day.
    Column("daily_cap", Integer, nullable=False, server_default="3"),
    # Grows with every change of what is kept in availability.py and in working_hours.
    Column("availability_version", Integer, nullable=False, server_default="1"),
    one_of("trade", Trade),
    CheckConstraint("daily_cap BETWEEN 1 AND 50", name="daily_cap"),
    CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
    CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
    CheckConstraint("radius_miles > 0", name="radius"),
    CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    CheckConstraint("stars_sum BETWEEN review_count AND 5 * review_count", name="stars"),
    Index(
        "ix_providers_place",
        "latitude",
        "longitude",
        postgresql_where=text("approved_at IS NOT NULL AND suspended_at IS NULL"),
    ),
)

provider_services = Table(
    "provider_services",
    metadata,
    Column("service_id", Uuid, ForeignKey("services.id"), primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), primary_key=True),
    Index("ix_provider_services_provider_id", "provider_id"),
)

#: Weekly hours as local wall times in the provider's own zone; several rows make a split day.
working_hours = Table(
    "working_hours",
    metadata,
    Column("provider_id", Uuid, ForeignKey("providers.id"), primary_key=True),
    # ISO: Monday is 1, Sunday is 7.
    Column("weekday", SmallInteger, primary_key=True),
    Column("opens", Time, primary_key=True),
    # A closing time of 00:00 means midnight at the end of the day.
    Column("closes", Time, nullable=False),
    CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
    CheckConstraint("closes > opens OR closes = '00:00'", name="order"),
)

shifts = Table(
    "shifts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("heartbeat_at", Instant, nullable=False),
    # When listeners were told that the heartbeat went stale. Presence itself is never stored.
    Column("away_announced_at", Instant),
    Column("place", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    CheckConstraint("ended_at >= started_at", name="order"),
    # On shift when, and only when, an open shift exists; never two.
    Index("uq_shifts_open", "provider_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    Index("ix_shifts_heartbeat_at", "heartbeat_at", postgresql_where=text("ended_at IS NULL")),
    Index("ix_shifts_provider_id_started_at", "provider_id", "started_at"),
)
