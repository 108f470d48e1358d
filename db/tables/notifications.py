"""What people are told, on which channels, what they want to hear, and when they are reminded."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Time,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from db.tables.base import Instant, metadata, one_of
from domain.messages import (
    Category,
    Channel,
    DeliveryStatus,
    Message,
    Platform,
    ReminderKind,
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("recipient_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("message", Text, nullable=False),
    # What it is told for, such as "event:…"; nobody is told the same for the same cause twice.
    Column("cause", Text, nullable=False),
    # Ids, and nothing else, of what it is about; who reads it reads the rows again.
    Column("subject", JSONB, nullable=False),
    # Is it in the list that people read in the app?
    Column("listed", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("read_at", Instant),
    one_of("message", Message),
    UniqueConstraint("recipient_id", "message", "cause"),
    Index("ix_notifications_listed", "recipient_id", "id", postgresql_where=text("listed")),
    Index(
        "ix_notifications_unread",
        "recipient_id",
        "id",
        postgresql_where=text("listed AND read_at IS NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column(
        "notification_id", Uuid, ForeignKey("notifications.id", ondelete="CASCADE"), nullable=False
    ),
    Column("channel", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="WAITING"),
    # Not before this: the end of somebody's night, or of a pause after a failure. Whoever takes it
    # up moves it on by a lease, so that it is tried again if they are never heard of again.
    Column("due_at", Instant, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    # May it disturb its recipient's night, also when it is tried again?
    Column("urgent", Boolean, nullable=False, server_default=text("false")),
    Column("sent_at", Instant),
    Column("failed_at", Instant),
    Column("error", Text),
    # What the service that took it calls it.
    Column("remote_id", Text),
    one_of("channel", Channel),
    one_of("status", DeliveryStatus),
    CheckConstraint("(sent_at IS NOT NULL) = (status = 'SENT')", name="sent"),
    CheckConstraint("(failed_at IS NOT NULL) = (status = 'FAILED')", name="failed"),
    UniqueConstraint("notification_id", "channel"),
    Index(
        "ix_deliveries_due_at",
        "channel",
        "due_at",
        postgresql_where=text("status = 'WAITING'"),
    ),
    Index("ix_deliveries_failed_at", "failed_at", postgresql_where=text("status = 'FAILED'")),
)

#: What somebody wants otherwise than is usual.
notification_preferences = Table(
    "notification_preferences",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("category", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("wanted", Boolean, nullable=False),
    one_of("category", Category),
    one_of("channel", Channel),
)

#: When nobody is to be disturbed but for what is urgent, on their own clock. May span midnight.
quiet_hours = Table(
    "quiet_hours",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("starts", Time, nullable=False),
    Column("ends", Time, nullable=False),
    CheckConstraint("starts <> ends", name="length"),
)

#: The phones and browsers that take push messages.
devices = Table(
    "devices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("platform", Text, nullable=False),
    Column("token", Text, nullable=False, unique=True),
    Column("registered_at", Instant, nullable=False),
    one_of("platform", Platform),
    CheckConstraint("length(token) BETWEEN 1 AND 4096", name="token"),
    Index("ix_devices_user_id", "user_id"),
)

#: When somebody is to be reminded of a booking: planned anew whenever it moves.
reminders = Table(
    "reminders",
    metadata,
    Column("booking_id", Uuid, ForeignKey("bookings.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("due_at", Instant, nullable=False),
    # When it was given, for this due time.
    Column("done_at", Instant),
    one_of("kind", ReminderKind),
    Index("ix_reminders_due_at", "due_at", postgresql_where=text("done_at IS NULL")),
)
