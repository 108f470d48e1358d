"""What do tests work with? Values with keyword overrides, and the same put into a database."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from db import booking_rules, clock, offers
from db import bookings as db_bookings
from db.ids import new_id
from db.services import service
from db.tables import bookings as bookings_table
from db.tables import (
    events,
    job_offers,
    provider_services,
    providers,
    reservations,
    services,
    users,
    working_hours,
)
from db.tables import shifts as shifts_table
from domain.booking_rules import BookingRules
from domain.bookings import Booking, BookingKind
from domain.events import EventType
from domain.holds import Hold
from domain.money import Money
from domain.offers import JobOffer, OfferState, Wave
from domain.people import Role, User, Viewer
from domain.places import Address, Point
from domain.providers import Provider
from domain.requests import BookingRequest
from domain.services import ApprovalPolicy, Service, ServiceMode, Trade
from domain.shifts import HEARTBEAT_FRESH, Shift
from domain.vehicles import Vehicle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.engine import Database

#: The moment at which the values here were made; the database has its own clock.
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CUSTOMER, PROVIDER, SERVICE, BOOKING, OFFER = (UUID(int=n) for n in range(1, 6))
WESTMINSTER = Point(latitude=51.5010, longitude=-0.1246)


def a_viewer(**changes: Any) -> Viewer:
    """The customer of `a_booking`."""
    facts: dict[str, Any] = {"user_id": CUSTOMER, "role": Role.CUSTOMER, "session_id": new_id()}
    return Viewer(**facts | changes)


def a_user(**changes: Any) -> User:
    """John Doe, who has a phone."""
    facts: dict[str, Any] = {
        "id": CUSTOMER,
        "email": "john@example.com",
        "role": Role.CUSTOMER,
        "given_name": "John",
        "family_name": "Doe",
        "phone": "+442079460000",
        "time_zone": "Europe/London",
        "created_at": NOW - timedelta(days=30),
    }
    return User(**facts | changes)


def a_provider(**changes: Any) -> Provider:
    """An approved cleaner in Westminster."""
    facts: dict[str, Any] = {
        "id": PROVIDER,
        "given_name": "Chloe",
        "family_name": "Cleaner",
        "trade": Trade.CLEANING,
        "about": "",
        "time_zone": "Europe/London",
        "country": "GB",
        "state_province": "",
        "city": "London",
        "postal_code": "SW1A 2JR",
        "point": WESTMINSTER,
        "radius_miles": 10.0,
        "years_experience": 5,
        "rating": None,
        "completed_jobs": 0,
        "approved_at": NOW - timedelta(days=10),
        "suspended_at": None,
    }
    return Provider(**facts | changes)


def a_service(**changes: Any) -> Service:
    """Two hours of cleaning for 40.50 GBP, booked without anybody's approval."""
    facts: dict[str, Any] = {
        "id": SERVICE,
        "code": "home-clean",
        "name": "Home clean",
        "description": "Two hours in your home.",
        "trade": Trade.CLEANING,
        "mode": ServiceMode.ON_SITE,
        "duration_minutes": 120,
        "price": Money(amount_minor=4050, currency="GBP"),
        "approval": ApprovalPolicy.INSTANT,
        "active": True,
    }
    return Service(**facts | changes)


def an_address(**changes: Any) -> Address:
    """Parliament Square, with coordinates."""
    facts: dict[str, Any] = {
        "line1": "1 Parliament Square",
        "city": "London",
        "postal_code": "SW1A 0AA",
        "country": "GB",
        "point": WESTMINSTER,
    }
    return Address(**facts | changes)


def a_request(**changes: Any) -> BookingRequest:
    """A clean the day after `NOW`, by whoever suits."""
    facts: dict[str, Any] = {
        "customer_id": CUSTOMER,
        "service_id": SERVICE,
        "kind": BookingKind.SCHEDULED,
        "starts_at": NOW + timedelta(days=1),
        "address": an_address(),
    }
    return BookingRequest(**facts | changes)


def a_booking(**changes: Any) -> Booking:
    """PENDING, the day after `NOW`, two hours, not offered to anybody yet; matching is due."""
    starts_at = changes.get("starts_at", NOW + timedelta(days=1))
    facts: dict[str, Any] = {
        "id": BOOKING,
        "customer_id": CUSTOMER,
        "service_id": SERVICE,
        "kind": BookingKind.SCHEDULED,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=2),
        "address": an_address(),
        "price": Money(amount_minor=4050, currency="GBP"),
        "requested_at": NOW,
        "match_due_at": NOW,
    }
    return Booking(**facts | changes)


def an_offer(**changes: Any) -> JobOffer:
    """The booking put to the provider at `NOW`, open for five minutes."""
    facts: dict[str, Any] = {
        "id": OFFER,
        "booking_id": BOOKING,
        "provider_id": PROVIDER,
        "wave": Wave.TARGETED,
        "round": 1,
        "state": OfferState.OFFERED,
        "offered_at": NOW,
        "expires_at": NOW + timedelta(minutes=5),
        "score": 110,
        "breakdown": (("SHIFT", 50), ("LOCATION", 40), ("EXPERIENCE", 20)),
        "reasons": ("Available now",),
        "policy": "v1",
        "candidates": 3,
    }
    return JobOffer(**facts | changes)


def a_shift(**changes: Any) -> Shift:
    """The provider's open shift, an hour old, heard from at `NOW`."""
    facts: dict[str, Any] = {
        "id": UUID(int=6),
        "provider_id": PROVIDER,
        "started_at": NOW - timedelta(hours=1),
        "heartbeat_at": NOW,
    }
    return Shift(**facts | changes)


async def now(database: Database) -> datetime:
    """The database's clock."""
    async with database.read() as connection:
        return await clock.now(connection)


async def tomorrow(database: Database) -> datetime:
    """A day from the last full hour: a start that every service's rules allow."""
    at = await now(database)
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)


async def add_customer(database: Database, **columns: Any) -> Viewer:
    """Somebody to book."""
    user_id = await _add_user(database, role=Role.CUSTOMER, **columns)
    return a_viewer(user_id=user_id)


async def add_customers(database: Database, *, count: int) -> list[Viewer]:
    """Several people to book."""
    ids = [new_id() for _ in range(count)]
    async with database.begin() as tx:
        await tx.execute(insert(users), [_user_row(uid) for uid in ids])
    return [a_viewer(user_id=uid) for uid in ids]


async def add_account(database: Database, role: Role, **columns: Any) -> Viewer:
    """Somebody of that role who has signed up, and no more."""
    user_id = await _add_user(database, role=role, **columns)
    return a_viewer(user_id=user_id, role=role)


async def add_dispatcher(database: Database) -> Viewer:
    """Somebody of the house."""
    user_id = await _add_user(database, role=Role.DISPATCHER)
    return a_viewer(user_id=user_id, role=Role.DISPATCHER)


async def add_service(database: Database, **columns: Any) -> Service:
    """A service in the catalogue: two hours, nothing to pay."""
    row = {
        "id": new_id(),
        "code": f"service-{new_id()}",
        "name": "Home clean",
        "description": "Two hours in your home.",
        "trade": Trade.CLEANING,
        "mode": ServiceMode.ON_SITE,
        "duration_minutes": 120,
        "price_minor": 0,
        "currency": "GBP",
        "approval": ApprovalPolicy.INSTANT,
        "active": True,
        "rules": booking_rules.columns(BookingRules()),
    }
    async with database.begin() as tx:
        added = await tx.execute(insert(services).values(row | columns).returning(services))
        return service(added.one())


async def add_provider(
    database: Database, service: Service, *, on_shift: bool = True, **columns: Any
) -> Viewer:
    """A provider of the service in Westminster, approved, working at any hour of the week."""
    (one,) = await add_providers(database, service, count=1, on_shift=on_shift, **columns)
    return one


async def add_providers(
    database: Database, service: Service, *, count: int, on_shift: bool = True, **columns: Any
) -> list[Viewer]:
    """Several providers of the service, all alike, in the order of their ids."""
    ids = [new_id() for _ in range(count)]
    rows = [_provider_row(uid, service) | columns for uid in ids]
    async with database.begin() as tx:
        await tx.execute(insert(users), [_user_row(uid, role=Role.PROVIDER) for uid in ids])
        await tx.execute(insert(providers), rows)
        offered = [{"provider_id": uid, "service_id": service.id} for uid in ids]
        await tx.execute(insert(provider_services), offered)
        await tx.execute(insert(working_hours), [day for uid in ids for day in _every_day(uid)])
        if on_shift:
            at = await clock.now(tx)
            await tx.execute(insert(shifts_table), [_shift_row(uid, at) for uid in ids])
    return [a_viewer(user_id=uid, role=Role.PROVIDER) for uid in ids]


async def fall_silent(database: Database, provider: Viewer) -> None:
    """Let the provider's last heartbeat be just too old."""
    s = shifts_table.c
    stale = await now(database) - HEARTBEAT_FRESH - timedelta(seconds=1)
    mine = update(shifts_table).where(s.provider_id == provider.user_id, s.ended_at.is_(None))
    async with database.begin() as tx:
        await tx.execute(mine.values(started_at=stale, heartbeat_at=stale))


async def add_booking(
    database: Database, customer: Viewer, service: Service, **changes: Any
) -> Booking:
    """A booking of the service, tomorrow unless said otherwise, as a request would make it."""
    at = await now(database)
    facts = {"starts_at": at + timedelta(days=1), "requested_at": at, "match_due_at": at}
    whose = {"id": new_id(), "customer_id": customer.user_id, "service_id": service.id}
    made = a_booking(**whose | facts | changes)
    async with database.begin() as tx:
        await db_bookings.add(tx, made, actor=customer.user_id)
    return made


async def add_offers(
    database: Database, booking: Booking, to: Sequence[Viewer], **changes: Any
) -> list[JobOffer]:
    """The booking offered to each of these providers, for five minutes from now."""
    at = await now(database)
    facts = {
        "booking_id": booking.id,
        "offered_at": at,
        "expires_at": at + timedelta(minutes=5),
        "candidates": len(to),
    }
    made = [
        an_offer(**{"id": new_id(), "provider_id": one.user_id} | facts | changes) for one in to
    ]
    async with database.begin() as tx:
        await offers.add(tx, made)
    return made


async def read_booking(database: Database, booking_id: UUID) -> Booking:
    """A booking as it stands in the database."""
    async with database.read() as connection:
        return await db_bookings.get(connection, booking_id)


async def read_offers(database: Database, booking_id: UUID) -> dict[UUID, JobOffer]:
    """Each provider's latest offer of a booking."""
    async with database.read() as connection:
        found = await offers.of_bookings(connection, [booking_id])
    return {offer.provider_id: offer for offer in found[booking_id]}


async def live_reservations(database: Database, booking_id: UUID) -> list[UUID]:
    """Whose time a booking takes."""
    r = reservations.c
    query = select(r.provider_id).where(r.booking_id == booking_id, r.released_at.is_(None))
    async with database.read() as connection:
        return list(await connection.scalars(query))


async def read_events(database: Database, *, after: int = 0) -> list[EventType]:
    """What has happened since there were `after` events, in order."""
    async with database.read() as connection:
        types = await connection.scalars(select(events.c.type).order_by(events.c.position))
        return [EventType(type_) for type_ in types][after:]


async def shift_time(database: Database, booking: Booking, by: timedelta) -> None:
    """Let `by` pass for a booking: everything that was or will be moves into the past."""
    b, o = bookings_table.c, job_offers.c
    window, search = (b.starts_at, b.ends_at), (b.match_since, b.match_due_at, b.auto_due_at)
    moved = {c.name: c - by for c in (*window, b.requested_at, *search)}
    times = (o.offered_at, o.expires_at, o.resolved_at, o.reminded_at)
    offered = {c.name: c - by for c in times}
    async with database.begin() as tx:
        await tx.execute(update(bookings_table).where(b.id == booking.id).values(moved))
        await tx.execute(update(job_offers).where(o.booking_id == booking.id).values(offered))


async def count_rows(database: Database, *tables: Any) -> tuple[int, ...]:
    """How many rows each table has: what a refused act must leave as it was."""
    async with database.read() as connection:
        counts = [await connection.scalar(select(func.count()).select_from(t)) for t in tables]
    return tuple(int(count or 0) for count in counts)


async def _add_user(database: Database, **columns: Any) -> UUID:
    row = _user_row(new_id(), **columns)
    async with database.begin() as tx:
        await tx.execute(insert(users), row)
    user_id: UUID = row["id"]
    return user_id


def _user_row(user_id: UUID, **columns: Any) -> dict[str, Any]:
    row = {
        "id": user_id,
        "email": f"{user_id}@example.com",
        "password_hash": "none",
        "role": Role.CUSTOMER,
        "given_name": "John",
        "family_name": "Doe",
        "time_zone": "Europe/London",
    }
    return row | columns


def _provider_row(provider_id: UUID, service: Service) -> dict[str, Any]:
    return {
        "id": provider_id,
        "trade": service.trade,
        "time_zone": "Europe/London",
        "country": "GB",
        "city": "London",
        "postal_code": "SW1A 2JR",
        "latitude": WESTMINSTER.latitude,
        "longitude": WESTMINSTER.longitude,
        "radius_miles": 10.0,
        "approved_at": NOW - timedelta(days=10),
        # Complete enough for offers, and for no points, whatever else they say.
        "profile_percent": 80,
        "profile_floor": 80,
        # Enough that only the tests about it meet it.
        "daily_cap": 50,
    }


def _every_day(provider_id: UUID) -> list[dict[str, Any]]:
    hours = {"provider_id": provider_id, "opens": time(), "closes": time()}
    return [hours | {"weekday": day} for day in range(1, 8)]


def _shift_row(provider_id: UUID, at: datetime) -> dict[str, Any]:
    return {"id": new_id(), "provider_id": provider_id, "started_at": at, "heartbeat_at": at}


def a_vehicle(**changes: Any) -> Vehicle:
    """A Golf of 2015 with German plates and a German VIN, which has no check digit."""
    facts: dict[str, Any] = {
        "year": 2015,
        "make": "Volkswagen",
        "model": "Golf",
        "vin": "WVWZZZ1KZAW123456",
        "plate": "BAB1234",
    }
    return Vehicle(**facts | changes)


async def add_completed(
    database: Database, customer: Viewer, service: Service, provider: Viewer, **changes: Any
) -> Booking:
    """A booking whose work the provider has done, an hour ago."""
    at = await now(database) - timedelta(hours=1)
    done = ("requested_at", "paid_at", "assigned_at", "started_at", "completed_at", "starts_at")
    facts = dict.fromkeys(done, at) | {"provider_id": provider.user_id, "match_due_at": None}
    return await add_booking(database, customer, service, **facts | changes)


def a_hold(**changes: Any) -> Hold:
    """The provider's time of `a_booking`, kept for its customer for ten minutes from `NOW`."""
    facts: dict[str, Any] = {
        "id": UUID(int=7),
        "customer_id": CUSTOMER,
        "service_id": SERVICE,
        "provider_id": PROVIDER,
        "starts_at": NOW + timedelta(days=1),
        "ends_at": NOW + timedelta(days=1, hours=2),
        "address": an_address(),
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
    }
    return Hold(**facts | changes)
