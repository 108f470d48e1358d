"""People, their sessions and the rotating refresh tokens of each session."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from db.tables.base import Instant, metadata, one_of
from domain.people import Role
from domain.sessions import Ending

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("phone", Text),
    Column("time_zone", Text, nullable=False),
    # How dates and sums are written to them, as a BCP 47 tag.
    Column("locale", Text, nullable=False, server_default="en-GB"),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("disabled_at", Instant),
    one_of("role", Role),
    CheckConstraint("email = lower(email)", name="email_lower"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("revoked_because", Text),
    one_of("revoked_because", Ending),
    CheckConstraint("expires_at > created_at", name="order"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_because IS NULL)", name="ending"),
)

#: One row for each refresh token ever given; a session is the family they belong to.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("issued_at", Instant, nullable=False, server_default=text("now()")),
    Column("used_at", Instant),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
    Index("ix_refresh_tokens_session_id", "session_id"),
    # A family goes on by one token only, whatever the code above it does.
    Index(
        "uq_refresh_tokens_unused",
        "session_id",
        unique=True,
        postgresql_where=text("used_at IS NULL"),
    ),
)
