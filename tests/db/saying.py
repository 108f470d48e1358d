"""How do tests say when a provider works, and look at what came of it?"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from db import availability, availability_changes, time_off
from domain.availability_changes import (
    Said,
    SaidOverride,
)
from domain.availability_conflicts import Conflict, KeptAvailability
from domain.booking_rules import BookingRule
from domain.bookings import Booking
from tests.factories import (
    add_booking,
    add_customer,
    add_service,
    now,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def noon_in(database: Database, days: int) -> datetime:
    """Noon UTC some days from now."""
    return (await now(database) + days * DAY).replace(hour=12, minute=0, second=0, microsecond=0)


def changing(provider: Viewer, said: Said, **options: Any) -> Any:
    return partial(availability_changes.change, said=said, by=provider, **options)


def blocking(day: date) -> Said:
    return Said(date_overrides=(SaidOverride(day=day),))


def taking_off(provider: Viewer, starts_at: datetime, ends_at: datetime, **options: Any) -> Any:
    facts: dict[str, Any] = {
        "by": provider,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "reason": "Dentist",
    }
    return partial(time_off.request, **facts | options)


async def booked(
    database: Database, provider: Viewer, starts_at: datetime, **changes: Any
) -> Booking:
    """Work that the provider has to do, two hours long."""
    at = await now(database)
    customer, service = await add_customer(database), await add_service(database)
    facts = {"provider_id": provider.user_id, "assigned_at": at, "paid_at": at}
    times = {"starts_at": starts_at, "ends_at": starts_at + 2 * HOUR, "match_due_at": None}
    return await add_booking(database, customer, service, **facts | times | changes)


async def kept(database: Database, provider: Viewer) -> KeptAvailability:
    async with database.read() as connection:
        return (await availability.kept_by(connection, [provider.user_id]))[provider.user_id]


def shown(found: tuple[Conflict, ...]) -> list[tuple[UUID, list[BookingRule]]]:
    return [(one.booking.id, [broken.rule for broken in one.broken]) for one in found]
