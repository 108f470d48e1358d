"""Where does a booking stand, and what may happen to it next?

A booking keeps facts (assigned, paid, started, cancelled …); its status follows from them, so that
accepting, paying and cancelling may come in any order and always end in a legal state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from domain.availability import Block
from domain.booking_rules import BookingRules
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


class BookingStatus(StrEnum):
    """Where a booking stands. Computed from its facts, in one place."""

    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    PENDING = "PENDING"
    PAID = "PAID"
    CONFIRMED = "CONFIRMED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    DECLINED = "DECLINED"
    NO_SHOW = "NO_SHOW"


class Act(StrEnum):
    """What can be done to a booking."""

    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    ASSIGN = "ASSIGN"
    PAY = "PAY"
    ACCEPT_TERMS = "ACCEPT_TERMS"
    EDIT = "EDIT"
    REASSIGN = "REASSIGN"
    RELEASE = "RELEASE"
    RESCHEDULE = "RESCHEDULE"
    REPORT_LATE = "REPORT_LATE"
    START = "START"
    COMPLETE = "COMPLETE"
    CANCEL = "CANCEL"
    REPORT_NO_SHOW = "REPORT_NO_SHOW"
    RESTORE = "RESTORE"


class Party(StrEnum):
    """One of the two who meet."""

    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"


#: Every legal step. A missing pair is an error; nothing else compares statuses.
STEPS: Final[dict[BookingStatus, dict[Act, frozenset[BookingStatus]]]] = {
    BookingStatus.AWAITING_APPROVAL: {
        Act.APPROVE: frozenset(
            {BookingStatus.PENDING, BookingStatus.PAID, BookingStatus.CONFIRMED}
        ),
        Act.DECLINE: frozenset({BookingStatus.DECLINED}),
        Act.PAY: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.EDIT: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.REASSIGN: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.RELEASE: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.RESCHEDULE: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
    },
    BookingStatus.PENDING: {
        Act.ASSIGN: frozenset({BookingStatus.PENDING}),
        Act.REASSIGN: frozenset({BookingStatus.PENDING}),
        Act.RELEASE: frozenset({BookingStatus.PENDING}),
        Act.PAY: frozenset({BookingStatus.PAID, BookingStatus.CONFIRMED}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.PENDING}),
        Act.EDIT: frozenset({BookingStatus.PENDING}),
        Act.RESCHEDULE: frozenset({BookingStatus.PENDING}),
        Act.REPORT_LATE: frozenset({BookingStatus.PENDING}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
        Act.REPORT_NO_SHOW: frozenset({BookingStatus.NO_SHOW}),
    },
    BookingStatus.PAID: {
        Act.ASSIGN: frozenset({BookingStatus.CONFIRMED}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.PAID}),
        Act.EDIT: frozenset({BookingStatus.PAID}),
        Act.RESCHEDULE: frozenset({BookingStatus.PAID}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
    },
    BookingStatus.CONFIRMED: {
        Act.REASSIGN: frozenset({BookingStatus.CONFIRMED}),
        Act.RELEASE: frozenset({BookingStatus.PAID}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.CONFIRMED}),
        Act.EDIT: frozenset({BookingStatus.CONFIRMED}),
        Act.RESCHEDULE: frozenset({BookingStatus.CONFIRMED, BookingStatus.PAID}),
        Act.REPORT_LATE: frozenset({BookingStatus.CONFIRMED}),
        Act.START: frozenset({BookingStatus.IN_PROGRESS}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
        Act.REPORT_NO_SHOW: frozenset({BookingStatus.NO_SHOW}),
    },
    BookingStatus.IN_PROGRESS: {
        Act.COMPLETE: frozenset({BookingStatus.COMPLETED}),
        # Begun by the clock, or at a door that nobody opened.
        Act.REPORT_NO_SHOW: frozenset({BookingStatus.NO_SHOW}),
    },
    BookingStatus.COMPLETED: {},
    # Called off for want of a payment, which has come after all.
    BookingStatus.CANCELLED: {Act.RESTORE: frozenset({BookingStatus.CONFIRMED})},
    BookingStatus.DECLINED: {},
    BookingStatus.NO_SHOW: {},
}

#: Where a booking without a provider waits for one.
OPEN_TO_OFFERS: Final = frozenset(status for status, acts in STEPS.items() if Act.ASSIGN in acts)

#: Where something can still become of a booking: it counts against what a customer may have ahead
#: of them, and against what its service can take at one time. One that may be brought back is over
#: until it is.
UNFINISHED: Final = frozenset(s for s, acts in STEPS.items() if acts.keys() - {Act.RESTORE})

#: A provider sees the customer's contact and address until this long after completion.
CONTACT_OPEN: Final = timedelta(days=30)


class WrongStatus(Refusal):
    """The booking stands where this act is not possible."""

    def __init__(self, act: Act, status: BookingStatus, message: str | None = None) -> None:
        usual = f"{_PHRASE[act]} is not possible while the booking is {status}."
        super().__init__(message or usual)
        self.act = act
        self.status = status


class TermsNotAccepted(Refusal):
    """The service has terms, and the customer has not accepted them yet."""

    def __init__(self) -> None:
        super().__init__("The customer has to accept the service's terms first.")


class SlotTaken(Refusal):
    """The provider's time is taken. Carries the nearest free starts."""

    def __init__(self, alternatives: tuple[datetime, ...] = ()) -> None:
        super().__init__("The provider is not free at this time.")
        self.alternatives = alternatives


_PHRASE: Final = {
    Act.APPROVE: "Approving",
    Act.DECLINE: "Declining",
    Act.ASSIGN: "Assigning a provider",
    Act.PAY: "Paying",
    Act.ACCEPT_TERMS: "Accepting terms",
    Act.EDIT: "Changing the details",
    Act.REASSIGN: "Giving it to another provider",
    Act.RELEASE: "Releasing the provider",
    Act.RESCHEDULE: "Moving",
    Act.REPORT_LATE: "Reporting a delay",
    Act.START: "Starting",
    Act.COMPLETE: "Completing",
    Act.CANCEL: "Cancelling",
    Act.REPORT_NO_SHOW: "Reporting a no-show",
    Act.RESTORE: "Bringing it back",
}


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
        return self.provider_id is not None and self.status not in _FREES_TIME

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


#: A job that is done early gives the rest of its window back at once.
_FREES_TIME: Final = frozenset(
    {
        BookingStatus.COMPLETED,
        BookingStatus.CANCELLED,
        BookingStatus.DECLINED,
        BookingStatus.NO_SHOW,
    }
)


def step(booking: Booking, act: Act, **facts: Any) -> Booking:
    """The booking after `act` made `facts` true. Raises WrongStatus when the table forbids it."""
    legal = STEPS[booking.status].get(act)
    if legal is None:
        raise WrongStatus(act, booking.status)
    after = replace(booking, version=booking.version + 1, **facts)
    if after.status not in legal:
        raise WrongStatus(act, booking.status)
    # What is not open to offers any more is given to nobody either.
    return after if after.is_open_to_offers else replace(after, auto_due_at=None)


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
