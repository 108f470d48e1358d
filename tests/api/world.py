"""A small world in which everybody has something that others must not learn.

How it begins is in worldmaking.py, and who may learn what of it in planted.py. No worker runs here,
and time passes by moving rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, insert, select, update

from api import ids
from api.nodes import MAX_NODES
from db import lateness, lifecycle, offers, tables
from db.engine import Database
from db.ids import new_id
from domain.bookings import Booking
from domain.money import Money
from domain.offers import JobOffer
from domain.people import Viewer
from domain.services import Service
from domain.work import ChecklistItem, Handover
from tests.factories import (
    add_booking,
    an_address,
    now,
)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FREE: Final = Money(amount_minor=0, currency="GBP")
#: Which table the nodes of each kind are in.
TABLES: Final = {
    "AutoRun": tables.auto_runs,
    "Booking": tables.bookings,
    "BookingSeries": tables.series,
    "CalendarLink": tables.calendar_links,
    "Certification": tables.certifications,
    "DeadLetter": tables.dead_letters,
    "Device": tables.devices,
    "Hold": tables.holds,
    "Holiday": tables.holidays,
    "JobOffer": tables.job_offers,
    "Notification": tables.notifications,
    "Payment": tables.payments,
    "Payout": tables.payouts,
    "PayrollRun": tables.payroll_runs,
    "Provider": tables.providers,
    "Refund": tables.refunds,
    "Review": tables.reviews,
    "SavedAddress": tables.saved_addresses,
    "SavedVehicle": tables.vehicles,
    "Service": tables.services,
    "Shift": tables.shifts,
    "TimeOff": tables.time_off,
    "User": tables.users,
    "WaitlistEntry": tables.waitlist_entries,
}


@dataclass(kw_only=True)
class World:
    """Who is in it, and what there is between them."""

    database: Database
    #: The database's clock as the world was made.
    at: datetime
    #: Everybody by name; nobody is signed in as "nobody".
    viewers: dict[str, Viewer | None] = field(default_factory=lambda: {"nobody": None})
    services: dict[str, Service] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    #: The offers of the customer's booking, by their providers' names.
    offers: dict[str, JobOffer] = field(default_factory=dict)
    series_id: UUID = field(default_factory=new_id)
    hold_id: UUID = field(default_factory=new_id)
    #: Payments, refunds, payouts and payrolls, by names of their own.
    money: dict[str, UUID] = field(default_factory=dict)
    #: What each has been told, oldest first.
    news: dict[str, list[UUID]] = field(default_factory=dict)

    def who(self, name: str) -> Viewer:
        """Somebody who is signed in."""
        viewer = self.viewers[name]
        assert viewer is not None
        return viewer

    def uid(self, name: str) -> UUID:
        """The id of somebody who is signed in."""
        return self.who(name).user_id

    async def keep(self, table: Table, **row: Any) -> None:
        """Put a row into the database."""
        async with self.database.begin() as tx:
            await tx.execute(insert(table), row)

    async def change(self, table: Table, uid: UUID, **columns: Any) -> None:
        """Change a row."""
        async with self.database.begin() as tx:
            await tx.execute(update(table).where(table.c.id == uid).values(columns))

    async def book(
        self, name: str, whose: str, street: str, *, service: str = "repair", **facts: Any
    ) -> Booking:
        """A paid booking, in London."""
        usual = {"price": FREE, "paid_at": self.at, "match_due_at": None}
        place = facts.pop("address", None) or an_address(line1=street)
        starts_at = self.at + facts.pop("ahead")
        if "provider_id" in facts:
            usual["assigned_at"] = self.at
        self.bookings[name] = await add_booking(
            self.database,
            self.who(whose),
            self.services[service],
            **usual | {"starts_at": starts_at, "address": place} | facts,
        )
        return self.bookings[name]

    async def everything(self) -> list[str]:
        """The global id of all that has one."""
        found: list[str] = []
        async with self.database.read() as connection:
            for kind, table in TABLES.items():
                uids = await connection.scalars(select(table.c.id).order_by(table.c.id))
                found += [ids.encode(kind, uid) for uid in uids]
        return found

    # What becomes of the customer's booking.

    async def win(self) -> None:
        """One says no, the other takes the work and will be late."""
        booking, winner = self.bookings["main"], self.who("winner")
        async with self.database.begin() as tx:
            no, asked = "Reject: my knee again", self.offers["offered"]
            await offers.reject(tx, offer_id=asked.id, by=asked.provider_id, reason=no)
        async with self.database.begin() as tx:
            won = self.offers["winner"]
            await offers.accept(tx, offer_id=won.id, by=won.provider_id)
        async with self.database.begin() as tx:
            why = "Late: school run"
            await lateness.report(tx, booking_id=booking.id, by=winner, minutes=9, reason=why)

    async def complete(self, *, days_ago: int) -> None:
        """The work was done so many days ago, and judged."""
        booking, winner = self.bookings["main"], self.who("winner")
        handover = Handover(
            notes="Notes: seal was torn",
            photo_urls=("https://photos.example/hob-after",),
            checklist=(ChecklistItem(label="Checklist: vent", done=True),),
            signed_by="Septimus Vane",
            signature_url="https://photos.example/vane-sign",
        )
        async with self.database.begin() as tx:
            await lifecycle.start(tx, booking_id=booking.id, by=winner)
            await lifecycle.complete(tx, booking_id=booking.id, by=winner, handover=handover)
        await self.let_pass(days_ago=days_ago)
        await self.keep(
            tables.reviews,
            id=new_id(),
            booking_id=booking.id,
            provider_id=winner.user_id,
            customer_id=booking.customer_id,
            stars=4,
            comment="It hums no more.",
            given_at=self.at,
        )

    async def let_pass(self, *, days_ago: int) -> None:
        """Let the work have been done so many days ago."""
        done = await now(self.database) - days_ago * DAY
        await self.change(
            tables.bookings, self.bookings["main"].id, completed_at=done, started_at=done - HOUR
        )


def arguments(world: World, everything: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Every way in which the root fields are to be asked, by everybody alike."""
    people = {name: f'"{ids.encode("User", v.user_id)}"' for name, v in world.viewers.items() if v}
    doers = {
        name: f'"{ids.encode("Provider", world.uid(name))}"'
        for name in ("winner", "offered", "former", "rival")
    }
    work = {name: f'"{ids.encode("Booking", one.id)}"' for name, one in world.bookings.items()}
    services = {n: f'"{ids.encode("Service", one.id)}"' for n, one in world.services.items()}
    since, until = (f'"{(world.at + n * DAY).isoformat()}"' for n in (-7, 8))
    day = f'"{(world.at + 2 * HOUR).date()}"'
    late = f'"{(world.at + 99 * DAY).date()}"'
    first_day = f'"{(world.at - 99 * DAY).date()}"'
    place = 'place: { postalCode: "SW1A 1AA", country: "GB" }'
    repair, winner = services["repair"], doers["winner"]
    pairs = [
        f"(bookingId: {work[booking]}, providerId: {doers[who]})"
        for booking, who in (
            ("main", "winner"),
            ("main", "offered"),
            ("back", "former"),
            ("open", "winner"),
        )
    ]
    quoted = [f'"{one}"' for one in everything]
    listed = [", ".join(quoted[n : n + MAX_NODES]) for n in range(0, len(quoted), MAX_NODES)]
    days = f"from: {first_day}, to: {day}, by: MONTH"
    return {
        "availableProviders": [
            f"(serviceId: {repair}, {place})",
            f"(serviceId: {services['check']}, {place}, startsAt: {since})",
        ],
        "availableSlots": [f"(serviceId: {repair}, {place}, first: 3)"],
        "blockedProviders": ["", f"(customerId: {people['customer']})"],
        "booking": [f"(id: {work['main']})"],
        "bookingSeries": [f'(id: "{ids.encode("BookingSeries", world.series_id)}")'],
        "bookingUpdated": [f"(id: {one})" for one in work.values()],
        "calendar": [
            f"(view: WEEK, date: {day})",
            f"(view: DAY, date: {day}, providerId: {winner})",
            f"(view: DAY, date: {day}, customerId: {people['customer']})",
        ],
        "calendarLinks": ["", f"(providerId: {winner})"],
        "cancellationQuote": [f"(bookingId: {work['main']})", f"(bookingId: {work['back']})"],
        "credits": ["", f"(customerId: {people['other']})"],
        "earnings": [f"({days})", f"({days}, providerId: {winner})"],
        "comparePolicies": [f'(policy: "v2", from: {since}, to: {until})'],
        "explainMatch": pairs,
        "holidays": [f"(from: {day}, to: {late})"],
        "node": [f"(id: {people['customer']})"],
        "nodes": [f"(ids: [{some}])" for some in listed],
        "notifications": ["(first: 100)", "(unreadOnly: true)"],
        "payoutDetails": ["", f"(providerId: {winner})"],
        "payouts": ["", f"(providerId: {winner})"],
        "provider": [f"(id: {doers['former']})"],
        "queue": ["", "(scope: MINE)"],
        "reviews": [f"(providerId: {winner})"],
        "service": [f"(id: {repair})"],
        "shadowChoices": [f"(bookingId: {work['main']})"],
        "shiftStatistics": [
            f"(from: {since}, to: {until})",
            f"(from: {since}, to: {until}, providerId: {winner})",
        ],
        "whyNoOffers": ["", *(f"(providerId: {doers[who]})" for who in ("winner", "former"))],
        "whyNobody": [f"(bookingId: {one})" for one in (work["main"], work["open"])],
    }
