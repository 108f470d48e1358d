"""Providers, what they offer, when they work, and the shifts they have worked."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from db.tables.base import Box, Instant, metadata, one_of
from domain.payouts import PayCycle
from domain.providers import SpecialistTier
from domain.services import Trade

#: A box of degrees around the circle in which a provider works, for an index to search. Near the
#: poles every meridian passes through the circle; over the antimeridian the box goes past 180, and
#: whoever asks asks for both longitudes of a place.
_REACH = "degrees(radius_miles::float8 / 3958.7613) + 0.00001"
_HALF = (
    f"CASE WHEN abs(latitude) + {_REACH} >= 85 THEN 180"
    f" ELSE degrees(asin(sin(radians({_REACH})) / cos(radians(latitude)))) + 0.00001 END"
)
COVERAGE = (
    f"box(point(longitude - {_HALF}, latitude - ({_REACH})),"
    f" point(longitude + {_HALF}, latitude + ({_REACH})))"
)

providers = Table(
    "providers",
    metadata,
    # A provider is a person: the id is the user's.
    Column("id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("trade", Text, nullable=False),
    Column("about", Text, nullable=False, server_default=""),
    Column("photo_url", Text, nullable=False, server_default=""),
    Column("hourly_rate_minor", Integer),
    Column("hourly_rate_currency", Text),
    Column("tier", Text, nullable=False, server_default="GENERAL"),
    Column("brands", ARRAY(Text), nullable=False, server_default="{}"),
    Column("skills", ARRAY(Text), nullable=False, server_default="{}"),
    Column("keywords", ARRAY(Text), nullable=False, server_default="{}"),
    # How complete the profile is, as domain.profiles reckons it; written with every change of it.
    Column("profile_percent", Integer, nullable=False, server_default="0"),
    # Reckoned at least so complete: who was approved before profiles were reckoned keeps work.
    Column("profile_floor", Integer, nullable=False, server_default="0"),
    Column("time_zone", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("state_province", Text, nullable=False, server_default=""),
    Column("city", Text, nullable=False),
    Column("postal_code", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("radius_miles", Numeric(5, 1, asdecimal=False), nullable=False),
    Column("coverage", Box, Computed(COVERAGE, persisted=True)),
    Column("years_experience", Integer, nullable=False, server_default="0"),
    # What their reviews add up to, and the rating that domain.reviews makes of it.
    Column("review_count", Integer, nullable=False, server_default="0"),
    Column("stars_sum", Integer, nullable=False, server_default="0"),
    Column("rating", Numeric(3, 2, asdecimal=False)),
    Column("completed_jobs", Integer, nullable=False, server_default="0"),
    Column("approved_at", Instant),
    Column("suspended_at", Instant),
    Column("suspended_because", Text),
    # At most so many jobs start on one local day.
    Column("daily_cap", Integer, nullable=False, server_default="3"),
    # How often they are paid, and what the gateway calls the account that it pays into.
    Column("pay_cycle", Text, nullable=False, server_default="WEEKLY"),
    Column("payout_account", Text),
    # Grows with every change of what is kept in availability.py and in working_hours.
    Column("availability_version", Integer, nullable=False, server_default="1"),
    one_of("trade", Trade),
    one_of("tier", SpecialistTier),
    one_of("pay_cycle", PayCycle),
    CheckConstraint("profile_percent BETWEEN 0 AND 100", name="profile_percent"),
    CheckConstraint("profile_floor BETWEEN 0 AND 100", name="profile_floor"),
    CheckConstraint("hourly_rate_minor >= 0", name="hourly_rate"),
    CheckConstraint(
        "(hourly_rate_minor IS NULL) = (hourly_rate_currency IS NULL)", name="hourly_currency"
    ),
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
    # Those whose place is not known; the index below would be read whole for them.
    Index(
        "ix_providers_unplaced",
        "id",
        postgresql_where=text(
            "coverage IS NULL AND approved_at IS NOT NULL AND suspended_at IS NULL"
        ),
    ),
    Index(
        "ix_providers_coverage",
        "coverage",
        postgresql_using="gist",
        postgresql_where=text("approved_at IS NOT NULL AND suspended_at IS NULL"),
    ),
)

provider_services = Table(
    "provider_services",
    metadata,
    Column("service_id", Uuid, ForeignKey("services.id"), primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), primary_key=True),
    # With both, so that asking what one of many offers reads the index alone.
    Index("ix_provider_services_provider_id_service_id", "provider_id", "service_id"),
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

#: Papers that a provider has shown: a trade card, an insurance, a manufacturer's training.
certifications = Table(
    "certifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    # What a service asks for, such as "gas-safe".
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    # The last day on which it holds; without one it never runs out.
    Column("expires_on", Date),
    Column("added_at", Instant, nullable=False),
    Column("verified_at", Instant),
    Column("verified_by", Uuid, ForeignKey("users.id")),
    Column("removed_at", Instant),
    CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="verification"),
    Index("ix_certifications_provider_id_id", "provider_id", "id"),
    # The same paper is shown once.
    Index(
        "uq_certifications_number",
        "provider_id",
        "issuer",
        "number",
        unique=True,
        postgresql_where=text("removed_at IS NULL"),
    ),
)

#: Customers and providers who are not to meet again.
provider_blocks = Table(
    "provider_blocks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("customer_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("blocked_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("blocked_at", Instant, nullable=False),
    UniqueConstraint("customer_id", "provider_id"),
    Index("ix_provider_blocks_provider_id", "provider_id"),
    Index("ix_provider_blocks_customer_id_id", "customer_id", "id"),
)
