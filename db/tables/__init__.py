"""Every table, by noun, on one metadata with named constraints."""

from db.tables.accounts import refresh_tokens, sessions, users
from db.tables.base import metadata
from db.tables.bookings import bookings, history, idempotency_keys, reservations
from db.tables.events import dead_letters, events, feed_entries
from db.tables.offers import job_offers
from db.tables.providers import provider_services, providers, shifts, working_hours
from db.tables.services import services

__all__ = [
    "bookings",
    "dead_letters",
    "events",
    "feed_entries",
    "history",
    "idempotency_keys",
    "job_offers",
    "metadata",
    "provider_services",
    "providers",
    "refresh_tokens",
    "reservations",
    "services",
    "sessions",
    "shifts",
    "users",
    "working_hours",
]
