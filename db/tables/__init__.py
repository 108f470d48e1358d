"""Every table, by noun, on one metadata with named constraints."""

from db.tables.accounts import refresh_tokens, sessions, users
from db.tables.availability import date_overrides, holidays, temporary_zones, time_off
from db.tables.base import metadata
from db.tables.bookings import bookings, history, idempotency_keys
from db.tables.calendar_links import calendar_links
from db.tables.customers import favourite_providers, saved_addresses, vehicles
from db.tables.events import dead_letters, events, feed_entries
from db.tables.offers import auto_runs, job_offers, shadow_choices, withdrawals
from db.tables.providers import (
    certifications,
    provider_blocks,
    provider_services,
    providers,
    shifts,
    working_hours,
)
from db.tables.reservations import holds, reservations
from db.tables.reviews import reviews
from db.tables.series import series, series_occurrences
from db.tables.services import services
from db.tables.waitlist import waitlist_entries

__all__ = [
    "auto_runs",
    "bookings",
    "calendar_links",
    "certifications",
    "date_overrides",
    "dead_letters",
    "events",
    "favourite_providers",
    "feed_entries",
    "history",
    "holds",
    "holidays",
    "idempotency_keys",
    "job_offers",
    "metadata",
    "provider_blocks",
    "provider_services",
    "providers",
    "refresh_tokens",
    "reservations",
    "reviews",
    "saved_addresses",
    "series",
    "series_occurrences",
    "services",
    "sessions",
    "shadow_choices",
    "shifts",
    "temporary_zones",
    "time_off",
    "users",
    "vehicles",
    "waitlist_entries",
    "withdrawals",
    "working_hours",
]
