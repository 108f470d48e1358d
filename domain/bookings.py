"""What is a booking? What was asked for, and the facts of what has become of it.

Where it stands follows from the facts (assigned, paid, started, cancelled …), so that accepting,
paying and cancelling may come in any order and always end in a legal state. What may be done to it
there is in booking_steps.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.availability import Block
from domain.booking_rules import BookingRules
from domain.booking_steps import FREES_TIME, OPEN_TO_OFFERS, UNFINISHED, BookingStatus
from domain.events import Event, EventType
from domain.people import Role
from domain.refusals import Refusal
from domain.services import Requirements
from domain.work import Lateness, Signature

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.money import Money
    from domain.offers import Wave
    from domain.people import Viewer
    from domain.places import Address
    from domain.series import SeriesPlace
    from domain.services import Trade
    from domain.vehicles import Vehicle
    from domain.work import ChecklistItem


class BookingKind(StrEnum):
    """When the customer wants the work."""

    IMMEDIATE = "IMMEDIATE"
    SCHEDULED = "SCHEDULED"


class Party(StrEnum):
    """One of the two who meet."""

    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"


#: A provider sees the customer's contact and address until this long after completion.
CONTACT_OPEN: Final = timedelta(days=30)


class TermsNotAccepted(Refusal):
    """The service has terms, and the customer has not accepted them yet."""

    def __init__(self) -> None:
        super().__init__("The customer has to accept the service's terms first.")


class SlotTaken(Refusal):
    """The provider's time is taken. Carries the nearest free starts."""

    def __init__(self, alternatives: tuple[datetime, ...] = ()) -> None:
        super().__init__("The provider is not free at this time.")
        self.alternatives = alternatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A customer's request for one service in one time window at one place."""

    id: UUID
    customer_id: UUID
    service_id: UUID
    provider_id: UUID | None = None
    kind: BookingKind
    starts_at: datetime
    ends_at: datetime
    address: Address
    access_instructions: str = ""
    special_requirements: str = ""
    concern: str = ""
    vehicle: Vehicle | None = None
    requested_brand: str = ""
    #: What the concern is about, by the names of domain.keywords.
    keywords: tuple[str, ...] = ()
    #: Asked first, before the best others, when the work is offered.
    preferred_provider_id: UUID | None = None
    series: SeriesPlace | None = None
    price: Money
    #: The service's rules as they were when it was booked.
    rules: BookingRules = field(default_factory=BookingRules)
    #: What the service asked of a provider when it was booked.
    requirements: Requirements = field(default_factory=Requirements)
    needs_approval: bool = False
    needs_terms: bool = False
    requested_at: datetime
    approved_at: datetime | None = None
    terms_accepted_at: datetime | None = None
    paid_at: datetime | None = None
    assigned_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    declined_at: datetime | None = None
    no_show_at: datetime | None = None
    unfilled_at: datetime | None = None
    #: When it was called off because nobody had paid in time; a late payment may bring it back.
    lapsed_at: datetime | None = None
    version: int = 1
    cancel_reason: str | None = None
    #: What calling it off, or not turning up, costs the customer, in minor units of the price.
    fee_minor: int | None = None
    #: What calling it off would have cost, in percent, when its customer last moved it. Moving a
    #: booking does not buy one out of that.
    least_fee_percent: int = 0
    absent: Party | None = None
    evidence: str | None = None
    reschedules: int = 0
    completion_notes: str | None = None
    photo_urls: tuple[str, ...] = ()
    checklist: tuple[ChecklistItem, ...] = ()
    #: Who signed for the work, and a picture of the signature.
    signed_by: str | None = None
    signature_url: str | None = None
    #: By how much the provider has said that they will be late, why, and when they said so.
    late_minutes: int | None = None
    late_reason: str | None = None
    late_reported_at: datetime | None = None
    #: The search for a provider: since when, which wave is open, how many were, when to look again.
    #: A search that begins anew keeps counting its rounds; `rounds_before` were the earlier ones.
    match_since: datetime | None = None
    wave: Wave | None = None
    round: int = 0
    rounds_before: int = 0
    #: How many of this search's waves were broadcasts: each reaches further.
    broadcasts: int = 0
    match_due_at: datetime | None = None
    #: The automatic assignment: when it is tried next, and how often this search has tried it.
    auto_due_at: datetime | None = None
    auto_tries: int = 0

    @property
    def status(self) -> BookingStatus:  # noqa: PLR0911  # one line for each status, in order
        """Where it stands, from its facts. The first line that holds decides."""
        if self.cancelled_at:
            return BookingStatus.CANCELLED
        if self.declined_at:
            return BookingStatus.DECLINED
        if self.no_show_at:
            return BookingStatus.NO_SHOW
        if self.completed_at:
            return BookingStatus.COMPLETED
        if self.started_at:
            return BookingStatus.IN_PROGRESS
        if self.needs_approval and not self.approved_at:
            return BookingStatus.AWAITING_APPROVAL
        if self.paid_at:
            return BookingStatus.CONFIRMED if self.provider_id else BookingStatus.PAID
        return BookingStatus.PENDING

    @property
    def is_final(self) -> bool:
        """Is it over? What brings one back begins it anew."""
        return self.status not in UNFINISHED

    @property
    def is_immediate(self) -> bool:
        """Is the work wanted now?"""
        return self.kind is BookingKind.IMMEDIATE

    @property
    def is_open_to_offers(self) -> bool:
        """May it be offered and accepted? Paid or not makes no difference."""
        return self.provider_id is None and self.status in OPEN_TO_OFFERS and not self.lacks_terms

    @property
    def lacks_terms(self) -> bool:
        """Does it wait for the customer to accept the service's terms?"""
        return self.needs_terms and self.terms_accepted_at is None

    @property
    def block(self) -> Block:
        """Its window, with the room it wants around it."""
        return Block(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            before=self.rules.buffer_before,
            after=self.rules.buffer_after,
            point=self.address.point,
            travel_mph=self.rules.travel_mph,
            booking_id=self.id,
        )

    @property
    def lateness(self) -> Lateness | None:
        """By how much its provider has said that they will be late, if they have."""
        if self.late_minutes is None or self.late_reported_at is None:
            return None
        return Lateness(
            minutes=self.late_minutes,
            reason=self.late_reason or "",
            reported_at=self.late_reported_at,
            expected_at=self.starts_at + timedelta(minutes=self.late_minutes),
        )

    @property
    def signature(self) -> Signature | None:
        """Who signed for the work, if anybody did."""
        if self.signed_by is None or self.signature_url is None:
            return None
        return Signature(name=self.signed_by, url=self.signature_url)

    @property
    def takes_time(self) -> bool:
        """Does it keep its provider from other work in its window?"""
        return self.provider_id is not None and self.status not in FREES_TIME

    def is_party(self, viewer: Viewer) -> bool:
        """Is the viewer its customer, its provider or staff?"""
        return viewer.is_staff or viewer.user_id in {self.customer_id, self.provider_id}

    def is_visible_to(self, viewer: Viewer) -> bool:
        """May the viewer see it? Its parties and staff may, and analysts."""
        return self.is_party(viewer) or viewer.role is Role.ANALYST

    def may_be_cancelled_by(self, viewer: Viewer) -> bool:
        """Is the viewer its customer, or staff? A provider cannot call a booking off."""
        return viewer.is_staff or viewer.user_id == self.customer_id

    def opens_contact_to(self, viewer: Viewer, *, at: datetime) -> bool:
        """May the viewer see full name, phone and address (rules.md, Privacy)?"""
        if viewer.is_staff or viewer.user_id == self.customer_id:
            return True
        closed = self.completed_at and at > self.completed_at + CONTACT_OPEN
        called_off = self.cancelled_at or self.declined_at or self.no_show_at
        return viewer.user_id == self.provider_id and not closed and not called_off


def search(booking: Booking, *, at: datetime) -> Booking:
    """The booking with a new search for a provider, due at once if it is open to offers; without
    any search if it is not."""
    anew = replace(
        booking,
        wave=None,
        rounds_before=booking.round,
        broadcasts=0,
        match_since=None,
        match_due_at=None,
        auto_due_at=None,
        auto_tries=0,
        unfilled_at=None,
    )
    return replace(anew, match_since=at, match_due_at=at) if anew.is_open_to_offers else anew


def happened(type_: EventType, booking: Booking, *, provider_id: UUID | None = None) -> Event:
    """The event that says something about a booking, and about its provider (or a former one)."""
    subject = {"booking": booking.id, "customer": booking.customer_id}
    if provider := provider_id or booking.provider_id:
        subject["provider"] = provider
    return Event(type=type_, subject=subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFilter:
    """Which bookings a list is about; None stands for any."""

    statuses: tuple[BookingStatus, ...] | None = None
    kind: BookingKind | None = None
    trade: Trade | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
