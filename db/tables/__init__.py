"""Every table, by noun, on one metadata with named constraints."""

from db.tables.accounts import refresh_tokens, sessions, users
from db.tables.availability import date_overrides, holidays, temporary_zones, time_off
from db.tables.base import metadata
from db.tables.bookings import bookings, history, idempotency_keys
from db.tables.calendar_links import calendar_links
from db.tables.customers import favourite_providers, saved_addresses, vehicles
from db.tables.events import dead_letters, events, feed_entries
from db.tables.offers import job_offers
from db.tables.providers import provider_services, providers, shifts, working_hours
from db.tables.reservations import holds, reservations
from db.tables.reviews import reviews
from db.tables.series import series, series_occurrences
from db.tables.services import services
from db.tables.waitlist import waitlist_entries

__all__ = [
    "bookings",
    "calendar_links",
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
    "shifts",
    "temporary_zones",
    "time_off",
    "users",
    "vehicles",
    "waitlist_entries",
    "working_hours",
]
