"""A small market, and everything that people may do in it.

What an act is about is named by small numbers: so an act that was drawn at random can be read, and
done again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update

from db import (
    assignments,
    booking_rules,
    cancellations,
    holds,
    lateness,
    lifecycle,
    matching,
    moves,
    no_shows,
    offers,
    providers,
    requests,
    shifts,
    unavailability,
    waitlist,
    waitlist_grants,
    withdrawals,
)
from db.bookings import booking as booking_of
from db.ids import new_id
from db.tables import bookings as bookings_table
from db.tables import (
    history,
    job_offers,
    ledger_lines,
    ledger_postings,
    metadata,
    provider_services,
    reservations,
    time_off,
    waitlist_entries,
)
from db.tables import holds as holds_table
from db.tables import withdrawals as withdrawals_table
from domain.booking_rules import BookingRules
from domain.booking_steps import UNFINISHED, BookingStatus
from domain.bookings import Booking, BookingKind, Party
from domain.lifecycle import Details
from domain.no_shows import Evidence
from domain.offers import OfferState
from domain.places import Point
from domain.refusals import Refusal
from domain.services import ApprovalPolicy, Service
from domain.waitlist import Wish
from domain.work import Handover
from tests.factories import (
    a_request,
    add_customers,
    add_dispatcher,
    add_provider,
    add_service,
    an_address,
    now,
)
from tests.paying import pay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.people import Viewer
    from domain.requests import BookingRequest

    #: One change in a transaction of its own.
    Change: TypeAlias = Callable[[AsyncConnection], Awaitable[Any]]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

#: Starts, in hours from the next quarter. The work takes two: some overlap, some leave a gap of a
#: quarter, which is enough for neighbours only, some one of half an hour. The last is too soon.
STARTS: Final = (27, 27.5, 29.25, 29.5, 31.5, 31.75, 33.75, 75, 76, 4, 1)
#: Next door, nine minutes away, and half an hour away; the first two are one postal district.
PLACES: Final = (
    an_address(),
    an_address(point=Point(latitude=51.5100, longitude=-0.1900)),
    an_address(postal_code="E14 5AB", point=Point(latitude=51.5054, longitude=0.1000)),
)
CUSTOMERS, SERVICES, PROVIDERS = 5, 4, 4
#: Of those who may do the work, the second takes two jobs a day and the third has time off.
CAPPED, RESTING = 1, 2
DAILY_CAP: Final = 2
#: Of the services, the last can be had so many times at once in one district.
LIMITED, CAPACITY = 3, 2

#: All that moves when time passes.
_CHANGING: Final = (
    *(bookings_table, history, holds_table, reservations, job_offers, waitlist_entries, time_off),
    withdrawals_table,
)
_B: Final = bookings_table.c
_NOT_BEGUN: Final = (BookingStatus.PENDING, BookingStatus.CONFIRMED)
_LONG_AGO: Final = timedelta(days=50_000)


class Nothing(Exception):
    """There is nothing yet that the act could be about."""


@dataclass(frozen=True, kw_only=True)
class Market:
    """Who and what there is, and the acts. Each is looked up at once, and raises Nothing where
    there is nothing to do it to; what it answers does it."""

    database: Database
    customers: list[Viewer]
    services: list[Service]
    providers: list[Viewer]
    staff: Viewer

    # --- Asking ---

    async def book(self, *, how: str, provider: int, terms: bool, **asked: int) -> Change:
        """A customer books: openly, preferring somebody, a provider directly, or at once."""
        whom = self.providers[provider].user_id
        facts: dict[str, Any] = {"terms_accepted": terms}
        if how == "IMMEDIATE":
            facts |= {"kind": BookingKind.IMMEDIATE, "starts_at": None}
        elif how != "OPEN":
            facts["provider_id" if how == "DIRECT" else "preferred_provider_id"] = whom
        return await self._request(asked, by=self.customers[asked["customer"]], **facts)

    async def book_by_hand(self, *, provider: int, override: bool, **asked: int) -> Change:
        """Staff book a provider for a customer."""
        whom = self.providers[provider].user_id
        why = "As agreed." if override else None
        return await self._request(asked, by=self.staff, provider_id=whom, override_reason=why)

    async def hold(self, *, provider: int | None, **asked: int) -> Change:
        """A customer has a slot kept, of one provider or of whoever suits."""
        whom = None if provider is None else self.providers[provider].user_id
        return partial(holds.hold, asked=await self._asked(asked, provider_id=whom))

    async def book_hold(self, *, which: int, terms: bool) -> Change:
        """A customer books what is, or was, kept for them."""
        found = await self._recent(holds_table, which)
        customer = self._viewer(found.customer_id)
        facts = {"customer_id": customer.user_id, "service_id": found.service_id}
        asked = a_request(**facts, starts_at=None, hold_id=found.id, terms_accepted=terms)
        return partial(requests.request, asked=asked, by=customer)

    async def release(self, *, which: int) -> Change:
        """A hold is given back."""
        found = await self._recent(holds_table, which)
        return partial(holds.release, hold_id=found.id, by=self.staff)

    async def wait(self, **asked: int) -> Change:
        """A customer joins the waitlist."""
        wanted = await self._asked(asked)
        assert wanted.starts_at is not None
        wish = Wish(
            customer_id=wanted.customer_id,
            service_id=wanted.service_id,
            address=wanted.address,
            earliest=wanted.starts_at,
            latest=wanted.starts_at + 3 * HOUR,
        )
        return partial(waitlist.join, wish=wish)

    async def grant(self, *, which: int) -> Change:
        """What is free is kept for somebody who waits."""
        found = await self._recent(waitlist_entries, which)
        async with self.database.read() as connection:
            entry = await waitlist.get(connection, found.id)
            free = await waitlist_grants.opening(connection, entry)
        if free is None:
            raise Nothing
        return partial(waitlist_grants.grant, entry_id=entry.id, found=free)

    async def leave(self, *, which: int) -> Change:
        """Somebody leaves the waitlist."""
        found = await self._recent(waitlist_entries, which)
        return partial(waitlist.leave, entry_id=found.id, by=self.staff)

    # --- Finding somebody ---

    async def advance(self, *, which: int) -> Change:
        """Callout does what is due for a booking."""
        found = await self._booking(which, _B.match_due_at.is_not(None))
        return partial(matching.advance, booking_id=found.id)

    async def accept(self, *, which: int) -> Change:
        """A provider accepts what was offered to them, open or not."""
        found = await self._recent(job_offers, which, job_offers.c.state == OfferState.OFFERED)
        return partial(offers.accept, offer_id=found.id, by=found.provider_id)

    async def reject(self, *, which: int) -> Change:
        """A provider says no."""
        found = await self._recent(job_offers, which, job_offers.c.state == OfferState.OFFERED)
        return partial(offers.reject, offer_id=found.id, by=found.provider_id, reason="")

    async def assign(self, *, which: int, provider: int, override: bool) -> Change:
        """Staff give a booking to a provider, whoever had it."""
        found = await self._booking(which)
        return partial(
            assignments.assign,
            booking_id=found.id,
            provider_id=self.providers[provider].user_id,
            by=self.staff,
            override_reason="As agreed." if override else None,
        )

    async def clock(self, *, provider: int) -> Change:
        """A provider goes off shift, or on shift again."""
        whom = self.providers[provider].user_id
        async with self.database.read() as connection:
            on_shift = await shifts.open_shifts(connection, [whom])
        if on_shift:
            return partial(shifts.clock_out, provider_id=whom, note=None)
        return partial(shifts.clock_in, provider_id=whom, place="", note="")

    # --- Going on ---

    async def approve(self, *, which: int) -> Change:
        """Staff approve a booking."""
        found = await self._booking(which, _B.status == BookingStatus.AWAITING_APPROVAL)
        return partial(lifecycle.approve, booking_id=found.id, by=self.staff)

    async def decline(self, *, which: int) -> Change:
        """Staff decline a booking."""
        found = await self._booking(which, _B.status == BookingStatus.AWAITING_APPROVAL)
        return partial(lifecycle.decline, booking_id=found.id, by=self.staff, reason="No.")

    async def pay(self, *, which: int) -> Change:
        """A booking is paid."""
        found = await self._booking(which, _B.paid_at.is_(None))
        return partial(pay, booking_id=found.id, by=self._customer(found))

    async def accept_terms(self, *, which: int) -> Change:
        """A customer accepts the terms."""
        found = await self._booking(which, _B.needs_terms & _B.terms_accepted_at.is_(None))
        return partial(lifecycle.accept_terms, booking_id=found.id, by=self._customer(found))

    async def edit(self, *, which: int) -> Change:
        """A customer says something else of the work."""
        found = await self._booking(which)
        return partial(
            lifecycle.edit,
            booking_id=found.id,
            by=self._customer(found),
            details=Details(concern=f"Version {found.version}"),
            expected_version=None,
        )

    async def start(self, *, which: int) -> Change:
        """A provider begins; or a customer would, where nobody has the work."""
        found = await self._booking(which, _B.status == BookingStatus.CONFIRMED)
        return partial(lifecycle.start, booking_id=found.id, by=self._doer(found))

    async def complete(self, *, which: int) -> Change:
        """A provider has done the work."""
        found = await self._booking(which, _B.status == BookingStatus.IN_PROGRESS)
        by = self._doer(found)
        return partial(lifecycle.complete, booking_id=found.id, by=by, handover=Handover())

    async def hand_back(self, *, which: int) -> Change:
        """A provider gives a booking back; or a customer would, where nobody has the work."""
        found = await self._booking(which, _B.provider_id.is_not(None) & _B.status.in_(_NOT_BEGUN))
        by = self._doer(found)
        return partial(withdrawals.hand_back, booking_id=found.id, by=by, reason="My van.")

    async def report_unavailable(self, *, provider: int, start: int, hours: int) -> Change:
        """A provider cannot come for some hours; or from now on, which sends them home."""
        whom = self.providers[provider]
        starts_at = await self._start(start)
        if STARTS[start] <= 1:
            starts_at = await now(self.database)
        ends_at = starts_at + hours * HOUR
        return partial(
            unavailability.report, by=whom, starts_at=starts_at, ends_at=ends_at, reason="Ill."
        )

    async def report_late(self, *, which: int, minutes: int) -> Change:
        """A provider will be late, be it soon enough to say so or not."""
        soon = _B.provider_id.is_not(None) & (_B.starts_at < func.now() + 6 * HOUR)
        found = await self._booking(which, soon & _B.status.in_(_NOT_BEGUN))
        return partial(
            lateness.report,
            booking_id=found.id,
            by=self._doer(found),
            minutes=minutes,
            reason="",
        )

    async def report_no_show(self, *, which: int) -> Change:
        """Somebody has not come, staff say, be it long enough ago or not."""
        late = _B.provider_id.is_not(None) & (_B.starts_at < func.now())
        found = await self._booking(which, late & _B.status.in_(_NOT_BEGUN))
        return partial(
            no_shows.report,
            booking_id=found.id,
            by=self.staff,
            absent=Party.PROVIDER,
            evidence=Evidence(note="Nobody there."),
        )

    async def move(
        self, *, which: int, start: int, by_staff: bool, keep: bool, override: bool
    ) -> Change:
        """A booking is moved."""
        found = await self._booking(which)
        return partial(
            moves.reschedule,
            booking_id=found.id,
            by=self.staff if by_staff else self._customer(found),
            starts_at=await self._start(start),
            keep_provider=keep,
            override_reason="As agreed." if override else None,
        )

    async def cancel(self, *, which: int, by_staff: bool, agreed: bool) -> Change:
        """A booking is called off, for the fee that is quoted or for another one."""
        found = await self._booking(which)
        by = self.staff if by_staff else self._customer(found)
        fee = found.price.amount_minor
        try:
            async with self.database.read() as connection:
                quoted = await cancellations.quote(connection, booking_id=found.id, by=by)
        except Refusal:
            agreed = False
        else:
            fee = quoted.fee.amount_minor if agreed else quoted.fee.amount_minor + 1
        return partial(
            cancellations.cancel, booking_id=found.id, by=by, reason="", expected_fee_minor=fee
        )

    async def sweep(self) -> Change:
        """Callout tidies up the holds that are over."""
        return partial(holds.expire, limit=100)

    async def pass_time(self, *, hours: float) -> Change:
        """Time passes: everything that was or will be moves into the past."""

        async def shift(tx: AsyncConnection) -> None:
            # By way of a time when there is nothing: on the way, rows must not meet each other.
            for by in (_LONG_AGO, hours * HOUR - _LONG_AGO):
                for table in _CHANGING:
                    instants = [column for column in table.c if _is_instant(column)]
                    await tx.execute(update(table).values({c.name: c - by for c in instants}))

        return shift

    # --- What the numbers name ---

    async def _request(self, asked: dict[str, int], *, by: Viewer, **facts: Any) -> Change:
        return partial(requests.request, asked=await self._asked(asked, **facts), by=by)

    async def _asked(self, asked: dict[str, int], **facts: Any) -> BookingRequest:
        named: dict[str, Any] = {
            "customer_id": self.customers[asked["customer"]].user_id,
            "service_id": self.services[asked["service"]].id,
            "address": PLACES[asked["place"]],
            "starts_at": await self._start(asked["start"]),
        }
        return a_request(**named | facts)

    async def _start(self, start: int) -> datetime:
        return await _next_quarter(self.database) + STARTS[start] * HOUR

    async def _booking(self, which: int, suits: Any = None) -> Booking:
        """One of the bookings: those that suit come first, else those that are not over."""
        unfinished = _B.status.in_(sorted(UNFINISHED))
        return booking_of(
            await self._recent(bookings_table, which, unfinished if suits is None else suits)
        )

    async def _recent(self, table: Any, which: int, first: Any = None) -> Any:
        """One of the newest eight, the newest first. Raises Nothing."""
        newest = [table.c.id.desc()] if first is None else [first.desc(), table.c.id.desc()]
        async with self.database.read() as connection:
            found = (await connection.execute(select(table).order_by(*newest).limit(8))).all()
        if not found:
            raise Nothing
        return found[which % len(found)]

    def _customer(self, booking: Booking) -> Viewer:
        return self._viewer(booking.customer_id)

    def _doer(self, booking: Booking) -> Viewer:
        return self._viewer(booking.provider_id or booking.customer_id)

    def _viewer(self, user_id: UUID) -> Viewer:
        everyone = (*self.customers, *self.providers)
        return next(one for one in everyone if one.user_id == user_id)


async def _next_quarter(database: Database) -> datetime:
    """A start on the grid, whatever the minute of the hour a test is run in."""
    at = await now(database)
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + HOUR / 4


def _is_instant(column: Any) -> bool:
    return getattr(column.type, "timezone", False) and column.computed is None


async def opened(database: Database) -> Market:
    """A market in which nothing has happened yet; whatever was in the database is gone."""
    async with database.begin() as tx:
        # Nobody else may: the ledger is only ever added to.
        for kept in (ledger_lines, ledger_postings):
            await tx.execute(text(f"ALTER TABLE {kept.name} DISABLE TRIGGER USER"))
        for table in reversed(metadata.sorted_tables):
            await tx.execute(delete(table))
        for kept in (ledger_lines, ledger_postings):
            await tx.execute(text(f"ALTER TABLE {kept.name} ENABLE TRIGGER USER"))
    priced: dict[str, Any] = {"price_minor": 4050}
    limited = booking_rules.columns(BookingRules(capacity=CAPACITY))
    services = [
        await add_service(database),
        await add_service(database, **priced, approval=ApprovalPolicy.MANUAL),
        await add_service(database, **priced, terms="Keep the dog out."),
        await add_service(database, **priced, rules=limited),
    ]
    people = [
        await add_provider(database, services[0]),
        await add_provider(database, services[0], daily_cap=DAILY_CAP),
        await add_provider(database, services[0]),
        await add_provider(database, services[0], latitude=51.48, longitude=0.0, radius_miles=25.0),
    ]
    at = await _next_quarter(database)
    rest = {
        "id": new_id(),
        "provider_id": people[RESTING].user_id,
        "starts_at": at + 31 * HOUR,
        "ends_at": at + 33 * HOUR,
        "requested_at": at,
        "requested_by": people[RESTING].user_id,
    }
    async with database.begin() as tx:
        await providers.lock(tx, [one.user_id for one in people])
        await tx.execute(insert(time_off), rest)
        offered = [
            {"provider_id": one.user_id, "service_id": service.id}
            for one in people
            for service in services[1:]
        ]
        await tx.execute(insert(provider_services), offered)
    return Market(
        database=database,
        customers=await add_customers(database, count=CUSTOMERS),
        services=services,
        providers=people,
        staff=await add_dispatcher(database),
    )
