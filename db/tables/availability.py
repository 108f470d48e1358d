"""What a provider's usual week does not say: other hours on a date, another zone for some days,
time off; and the days on which the house is closed."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from db.tables.base import Instant, metadata

#: What a row takes up of its day; a blocked day is taken up whole.
_WALL_TIMES = text(
    "tsrange(day + coalesce(opens, '00:00'),"
    " CASE WHEN coalesce(closes, '00:00') = '00:00'"
    " THEN day + '1 day'::interval ELSE day + closes END)"
)

#: Other hours than the usual ones on one local day, a row for each stretch of them. A row without
#: times blocks the day.
date_overrides = Table(
    "date_overrides",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("opens", Time),
    # A closing time of 00:00 means midnight at the end of the day.
    Column("closes", Time),
    CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="times"),
    CheckConstraint("closes > opens OR closes = '00:00'", name="order"),
    # A day is either blocked or has stretches that lie apart: one set of hours for each day.
    ExcludeConstraint(
        ("provider_id", "="),
        (_WALL_TIMES, "&&"),
        using="gist",
        name="ex_date_overrides_one_set_a_day",
    ),
    Index("ix_date_overrides_provider_id_day", "provider_id", "day"),
)

#: A provider keeps their hours by another zone's clock, first and last day included.
temporary_zones = Table(
    "temporary_zones",
    metadata,
    Column("provider_id", Uuid, ForeignKey("providers.id"), primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date, nullable=False),
    Column("time_zone", Text, nullable=False),
    CheckConstraint("last_day >= first_day", name="order"),
    ExcludeConstraint(
        ("provider_id", "="),
        (text("daterange(first_day, last_day, '[]')"), "&&"),
        using="gist",
        name="ex_temporary_zones_one_at_a_time",
    ),
)

time_off = Table(
    "time_off",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider_id", Uuid, ForeignKey("providers.id"), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    # For the provider and the house only.
    Column("reason", Text, nullable=False, server_default=""),
    Column("requested_at", Instant, nullable=False),
    Column("requested_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("cancelled_at", Instant),
    CheckConstraint("ends_at > starts_at", name="window"),
    Index(
        "ix_time_off_provider_id_ends_at",
        "provider_id",
        "ends_at",
        postgresql_where=text("cancelled_at IS NULL"),
    ),
    Index("ix_time_off_provider_id_id", "provider_id", "id"),
)

#: Local days on which the house is closed.
holidays = Table(
    "holidays",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("day", Date, nullable=False),
    # ISO 3166 alpha-2; without one, the house is closed everywhere.
    Column("country", Text),
    Column("name", Text, nullable=False),
    CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
    UniqueConstraint("day", "country", postgresql_nulls_not_distinct=True),
)
