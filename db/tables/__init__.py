"""Every table, by noun, on one metadata with named constraints."""

from db.tables.accounts import refresh_tokens, sessions, users
from db.tables.availability import date_overrides, holidays, temporary_zones, time_off
from db.tables.base import metadata
from db.tables.bookings import bookings, history, idempotency_keys
from db.tables.calendar_links import calendar_links
from db.tables.customers import favourite_providers, saved_addresses, vehicles
from db.tables.events import dead_letters, events, feed_entries, untold_events
from db.tables.ledger import credit_balances, credit_grants, ledger_lines, ledger_postings
from db.tables.notifications import (
    deliveries,
    devices,
    notification_preferences,
    notifications,
    quiet_hours,
    reminders,
)
from db.tables.offers import auto_runs, job_offers, shadow_choices, withdrawals
from db.tables.payments import gateway_events, payments, refunds
from db.tables.payouts import payable_lines, payout_lines, payouts, payroll_runs
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
    "credit_balances",
    "credit_grants",
    "date_overrides",
    "dead_letters",
    "deliveries",
    "devices",
    "events",
    "favourite_providers",
    "feed_entries",
    "gateway_events",
    "history",
    "holds",
    "holidays",
    "idempotency_keys",
    "job_offers",
    "ledger_lines",
    "ledger_postings",
    "metadata",
    "notification_preferences",
    "notifications",
    "payable_lines",
    "payments",
    "payout_lines",
    "payouts",
    "payroll_runs",
    "provider_blocks",
    "provider_services",
    "providers",
    "quiet_hours",
    "refresh_tokens",
    "refunds",
    "reminders",
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
    "untold_events",
    "users",
    "vehicles",
    "waitlist_entries",
    "withdrawals",
    "working_hours",
]
