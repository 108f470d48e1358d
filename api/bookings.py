"""Bookings, as their customer, their provider and the dispatchers see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import strawberry

from api import nodes
from api.access import SIGNED_IN, allow
from api.booking_kinds import BookingKind, BookingStatus, Party, QueuePriority
from api.booking_rules import BookingRules
from api.context import Context, Info
from api.history import HistoryEntry
from api.money import Money
from api.nodes import Node
from api.people import Contact
from api.places import Address
from api.providers import Provider
from api.reviews import Review
from api.scalars import LocalDateTime
from api.services import Service
from api.vehicles import Vehicle
from api.views import view_of
from api.work import ChecklistItem, Lateness, Signature
from domain import booking_rules, paying, privacy, queue, vehicles
from domain import bookings as domain
from domain.people import Role

if TYPE_CHECKING:
    from api.payments import Payment
    from api.refunds import Refund
    from api.series import BookingSeries


#: Whoever pays, and the house.
_PAYERS: Final = allow(Role.CUSTOMER, Role.DISPATCHER, Role.ANALYST, Role.ADMIN)
_PARTIES: Final = "for its customer, its provider and staff"


def _seen(view: Any, info: Info) -> domain.Booking:
    """What the viewer may read of the booking."""
    return privacy.seen_by(_value(view), info.context.user, at=datetime.now(UTC))


def _as_seen(name: str) -> Callable[[Any, Info], Any]:
    """What reads a fact of a booking that is not for everybody who may see it."""

    def read(self: Any, info: Info) -> Any:
        return getattr(_seen(self, info), name)

    return read


@strawberry.type(
    directives=[SIGNED_IN],
    description="A customer's request for one service in one time window at one place.",
)
@view_of(domain.Booking)
class Booking(Node):
    """A customer's request for one service."""

    kind: BookingKind = strawberry.field(description="Wanted now, or at a chosen time.")
    status: BookingStatus = strawberry.field(description="Where it stands.")
    starts_at: datetime = strawberry.field(description="When the window of work opens.")
    ends_at: datetime = strawberry.field(description="When it closes.")
    access_instructions: str = strawberry.field(
        resolver=_as_seen("access_instructions"),
        description="How to get in; empty where the address is closed to you.",
    )
    special_requirements: str = strawberry.field(
        resolver=_as_seen("special_requirements"),
        description="What to mind; empty where the address is closed to you.",
    )
    concern: str = strawberry.field(description="What is the matter, in the customer's words.")
    vehicle: vehicles.Vehicle | None = strawberry.field(
        resolver=_as_seen("vehicle"),
        graphql_type=Vehicle | None,
        description="The vehicle to be worked on, if there is one; without VIN and plate where the "
        "address is closed to you.",
    )
    requested_brand: str = strawberry.field(description="The brand the work is about, if any.")
    keywords: list[str] = strawberry.field(
        description="What the concern is about, by the names that `keywords` lists."
    )
    price: Money = strawberry.field(description="What it costs; fixed when it was made.")
    rules: booking_rules.BookingRules = strawberry.field(
        graphql_type=BookingRules,
        description="The service's rules as they were when it was made.",
    )
    needs_terms: bool = strawberry.field(description="Does the service have terms to accept?")
    terms_accepted_at: datetime | None = strawberry.field(
        description="When the customer accepted them; without it nobody is asked."
    )
    reschedules: int = strawberry.field(description="How often it was moved.")
    absent: Party | None = strawberry.field(description="Who did not turn up, if NO_SHOW.")
    no_show_at: datetime | None = strawberry.field(description="When that was reported.")
    version: int = strawberry.field(description="Counts its changes, from 1.")
    requested_at: datetime = strawberry.field(description="When it was made.")
    approved_at: datetime | None = strawberry.field(description="When it was approved.")
    paid_at: datetime | None = strawberry.field(description="When it was paid.")
    assigned_at: datetime | None = strawberry.field(description="When the provider got it.")
    started_at: datetime | None = strawberry.field(description="When the provider began.")
    completed_at: datetime | None = strawberry.field(description="When the work was done.")
    cancelled_at: datetime | None = strawberry.field(description="When it was called off.")
    declined_at: datetime | None = strawberry.field(description="When approval was declined.")
    unfilled_at: datetime | None = strawberry.field(
        description="Since when nobody was found to give it to; a dispatcher is needed. Providers "
        "are asked on until the search ends."
    )
    cancel_reason: str | None = strawberry.field(
        resolver=_as_seen("cancel_reason"),
        description=f"Why it was called off or declined; {_PARTIES}.",
    )
    completion_notes: str | None = strawberry.field(
        resolver=_as_seen("completion_notes"),
        description=f"What the provider noted; {_PARTIES}.",
    )
    photo_urls: list[str] = strawberry.field(
        resolver=_as_seen("photo_urls"),
        description="Photos of the work, or of what shows that somebody did not turn up; "
        f"{_PARTIES}.",
    )
    checklist: list[ChecklistItem] = strawberry.field(
        resolver=_as_seen("checklist"),
        description="What was to be done, and whether it was, as the provider completed it; "
        f"{_PARTIES}.",
    )
    lateness: Lateness | None = strawberry.field(
        resolver=_as_seen("lateness"),
        description="By how much its provider has said that they will be late, if they have; why "
        f"is {_PARTIES}.",
    )
    evidence: str | None = strawberry.field(
        resolver=_as_seen("evidence"),
        description=f"What was said about a no-show by whoever reported it; {_PARTIES}.",
    )
    signature: Signature | None = strawberry.field(
        resolver=_as_seen("signature"),
        description="Who signed for the work, if anybody did; null for a provider from 30 days "
        "after completion.",
    )

    @strawberry.field(description="How soon it wants somebody: the order of the queue.")
    def priority(self) -> QueuePriority:
        """The priority."""
        return queue.priority(_value(self))

    @strawberry.field(
        description="What calling it off, or not turning up, costs the customer; null before.",
        graphql_type=Money | None,
    )
    def fee(self) -> Any:
        """The fee, in the currency of the price."""
        value = _value(self)
        return (
            None if value.fee_minor is None else replace(value.price, amount_minor=value.fee_minor)
        )

    @strawberry.field(
        description="Who is asked first when the work is offered, if the customer said so; null "
        "for other providers.",
        graphql_type=Provider | None,
    )
    async def preferred_provider(self, info: Info) -> Any:
        """The preferred provider."""
        preferred = _seen(self, info).preferred_provider_id
        return await info.context.loaders.providers.load(preferred) if preferred else None

    @strawberry.field(
        description="The series it is an occurrence of, if it is one; for its customer and staff.",
        graphql_type=Annotated["BookingSeries", strawberry.lazy("api.series")] | None,
    )
    async def series(self, info: Info) -> Any:
        """The series."""
        place = _value(self).series
        found = await info.context.loaders.series.load(place.series_id) if place else None
        # It leads to all its other occurrences, whoever does their work.
        return found if found and found.is_visible_to(info.context.user) else None

    @strawberry.field(
        description="Which occurrence of its series: the local start by the rule, wherever it was "
        "moved since.",
        graphql_type=LocalDateTime | None,
    )
    def original_start(self) -> Any:
        """The occurrence's identity."""
        place = _value(self).series
        return place.original_start if place else None

    @strawberry.field(description="What was booked.", graphql_type=Service)
    async def service(self, info: Info) -> Any:
        """The service."""
        return await info.context.loaders.services.load(_value(self).service_id)

    @strawberry.field(
        description="Who does the work; null until somebody has it.", graphql_type=Provider | None
    )
    async def provider(self, info: Info) -> Any:
        """The provider."""
        provider_id = _value(self).provider_id
        return await info.context.loaders.providers.load(provider_id) if provider_id else None

    @strawberry.field(description="Who booked it.", graphql_type=Contact)
    async def customer(self, info: Info) -> Any:
        """The customer, as far as the viewer may know them."""
        value = _value(self)
        user = await info.context.loaders.users.load(value.customer_id)
        return user and privacy.contact(value, user, info.context.user, at=datetime.now(UTC))

    @strawberry.field(
        description="Where; null for a provider from 30 days after completion.",
        graphql_type=Address | None,
    )
    def address(self, info: Info) -> Any:
        """The place, if the viewer may know it."""
        return privacy.address(_value(self), info.context.user, at=datetime.now(UTC))

    @strawberry.field(
        description="What the customer said of the work; null until they have.",
        graphql_type=Review | None,
    )
    async def review(self, info: Info) -> Any:
        """The review."""
        return await info.context.loaders.reviews_of_booking.load(_value(self).id)

    @strawberry.field(
        description="What was given back of what was paid for it, oldest first.",
        graphql_type=list[Annotated["Refund", strawberry.lazy("api.refunds")]],
        directives=[_PAYERS],
    )
    async def refunds(self, info: Info) -> Any:
        """The refunds."""
        return await info.context.loaders.refunds_of_booking.load(_value(self).id)

    @strawberry.field(
        description="What confirms it, where less than the whole price does; null where it has to "
        "be paid in full.",
        graphql_type=Money | None,
    )
    def deposit(self) -> Any:
        """The deposit."""
        return paying.deposit(_value(self))

    @strawberry.field(
        description="What is still to be paid for it, tips apart; 0 once it was called off.",
        graphql_type=Money,
        directives=[_PAYERS],
    )
    async def amount_due(self, info: Info) -> Any:
        """What is left to pay."""
        value = _value(self)
        known = await info.context.loaders.payments_of_booking.load(value.id)
        return paying.amount_due(value, known or ())

    @strawberry.field(
        description="What was paid for it, or asked for, oldest first; tips among them.",
        graphql_type=list[Annotated["Payment", strawberry.lazy("api.payments")]],
        directives=[_PAYERS],
    )
    async def payments(self, info: Info) -> Any:
        """Its payments."""
        return await info.context.loaders.payments_of_booking.load(_value(self).id)

    @strawberry.field(description="Every change, oldest first.", graphql_type=list[HistoryEntry])
    async def history(self, info: Info) -> Any:
        """The history."""
        value = _value(self)
        entries = await info.context.loaders.histories.load(value.id)
        return privacy.history(value, entries or (), info.context.user)


def _value(view: Any) -> domain.Booking:
    """A view's self is the domain value that it shows."""
    value: domain.Booking = view
    return value


BookingId = Annotated[strawberry.ID, strawberry.argument(description="Which booking.")]


async def visible(context: Context, uid: UUID) -> domain.Booking | None:
    """The booking, if the viewer is a party to it, or an analyst."""
    found = await context.loaders.bookings.load(uid)
    return found if found and found.is_visible_to(context.user) else None


nodes.register("Booking", domain.Booking, visible)
