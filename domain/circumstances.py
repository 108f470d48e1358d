"""What is so when an event is told of, whom does it concern, and can it wait?

Each condition here is a pure question about a booking, an offer or a payment as it stands by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.booking_steps import BookingStatus
from domain.events import EventType
from domain.payments import PaymentStatus
from domain.waitlist import WaitlistState

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.offers import JobOffer
    from domain.payments import Payment
    from domain.waitlist import WaitlistEntry

#: What happens to work that begins so soon is told in the night, too: nobody's night is longer.
SOON: Final = timedelta(hours=12)


class To(StrEnum):
    """Whom a message is for."""

    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"
    #: Who had the work before; the event names them as its provider.
    FORMER_PROVIDER = "FORMER_PROVIDER"
    #: Every dispatcher and admin.
    STAFF = "STAFF"


class Urgency(StrEnum):
    """When quiet hours do not hold a message back."""

    NEVER = "NEVER"
    #: The customer wants the work at once.
    WANTED_NOW = "WANTED_NOW"
    #: Wanted at once, or begins within twelve hours.
    SOON = "SOON"
    ALWAYS = "ALWAYS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is so at `at`, of what the subject names."""

    at: datetime
    #: Ids by name, as the event had them.
    subject: Mapping[str, UUID]
    booking: Booking | None = None
    offer: JobOffer | None = None
    payment: Payment | None = None
    waiter: WaitlistEntry | None = None
    #: Did the provider of the subject give the booking back themselves?
    gave_back: bool = False
    #: Did the payment of the subject bring the booking back, which had lapsed?
    brought_back: bool = False
    staff: tuple[UUID, ...] = ()


Condition: TypeAlias = Callable[[Circumstances], bool]


def recipients(to: To, so: Circumstances) -> tuple[UUID, ...]:
    """The people whom a message is for."""
    return _RECIPIENTS[to](so)


def _named(name: str) -> Callable[[Circumstances], tuple[UUID, ...]]:
    return lambda so: (so.subject[name],) if name in so.subject else ()


_RECIPIENTS: Final[Mapping[To, Callable[[Circumstances], tuple[UUID, ...]]]] = {
    To.CUSTOMER: _named("customer"),
    To.PROVIDER: _named("provider"),
    To.FORMER_PROVIDER: _named("provider"),
    To.STAFF: lambda so: so.staff,
}


def is_urgent(urgency: Urgency, so: Circumstances) -> bool:
    """Is a message to go out whatever the hour?"""
    if so.booking is None or urgency in {Urgency.NEVER, Urgency.ALWAYS}:
        return urgency is Urgency.ALWAYS
    begins_soon = urgency is Urgency.SOON and so.booking.starts_at <= so.at + SOON
    return so.booking.is_immediate or begins_soon


def always(_: Circumstances) -> bool:
    """Whatever has become of it."""
    return True


def _of_booking(holds: Callable[[Booking, Circumstances], bool]) -> Condition:
    return lambda so: so.booking is not None and holds(so.booking, so)


#: Nothing is said of work that was called off by then as if it were still to come.
_ENDED: Final = frozenset({BookingStatus.CANCELLED, BookingStatus.DECLINED, BookingStatus.NO_SHOW})
#: Nobody has begun yet.
UPCOMING: Final = frozenset({BookingStatus.PENDING, BookingStatus.PAID, BookingStatus.CONFIRMED})


def _goes_on(booking: Booking, so: Circumstances) -> bool:
    return booking.status not in _ENDED and so.at < booking.ends_at


def _is_theirs(booking: Booking, so: Circumstances) -> bool:
    """Does the provider whom the event names have it still, and does it go on?"""
    theirs = booking.provider_id is not None and booking.provider_id == so.subject.get("provider")
    return theirs and _goes_on(booking, so)


def _was_agreed(booking: Booking) -> bool:
    """Has the house said yes? Before that no provider has been told of it."""
    return not booking.needs_approval or booking.approved_at is not None


def settled_by(booking: Booking) -> EventType | None:
    """Which event gave a booking its provider, with the house's yes: the later of the two.

    None as long as it lacks one of them.
    """
    if booking.assigned_at is None or not _was_agreed(booking):
        return None
    late = booking.approved_at is not None and booking.approved_at > booking.assigned_at
    return EventType.BOOKING_APPROVED if late else EventType.BOOKING_ASSIGNED


def confirmed_by(booking: Booking) -> EventType | None:
    """Which event made a booking CONFIRMED: the last of assigned, paid and approved.

    None as long as it lacks one of them.
    """
    settled = settled_by(booking)
    if settled is None or booking.assigned_at is None or booking.paid_at is None:
        return None
    both = max(booking.assigned_at, booking.approved_at or booking.assigned_at)
    return EventType.BOOKING_PAID if booking.paid_at > both else settled


def confirms(event: EventType) -> Condition:
    """Is it this event that made the booking CONFIRMED?"""

    def holds(booking: Booking, so: Circumstances) -> bool:
        return confirmed_by(booking) is event and _is_theirs(booking, so)

    return _of_booking(holds)


def staffs(event: EventType) -> Condition:
    """Is it this event that gave the booking its provider?"""

    def holds(booking: Booking, so: Circumstances) -> bool:
        return settled_by(booking) is event and _is_theirs(booking, so)

    return _of_booking(holds)


def only_staffs(event: EventType) -> Condition:
    """Did this event give the booking its provider, and does it lack something yet?"""

    def holds(booking: Booking, _: Circumstances) -> bool:
        return confirmed_by(booking) is not event

    return _both(staffs(event), _of_booking(holds))


def _both(one: Condition, other: Condition) -> Condition:
    return lambda so: one(so) and other(so)


@_of_booking
def is_requested(booking: Booking, so: Circumstances) -> bool:
    """Was it asked for without a provider, or does it wait for the house? Else it was assigned in
    the same act, which says more. Of a series its customer has a report of all its visits."""
    waits = booking.needs_approval or booking.assigned_at != booking.requested_at
    return waits and booking.series is None and _goes_on(booking, so)


@_of_booking
def is_approved_for_anyone(booking: Booking, so: Circumstances) -> bool:
    """Did the house say yes before there was a provider?"""
    first = _was_agreed(booking) and settled_by(booking) is not EventType.BOOKING_APPROVED
    return first and _goes_on(booking, so)


def is_confirmed_by_payment(so: Circumstances) -> bool:
    """Is it this payment that made work CONFIRMED which its provider had already? Work that it
    brought back they are told of as theirs again."""
    return confirms(EventType.BOOKING_PAID)(so) and not so.brought_back


@_of_booking
def is_restored(booking: Booking, so: Circumstances) -> bool:
    """Is it theirs again?"""
    return _is_theirs(booking, so)


@_of_booking
def is_moved(booking: Booking, so: Circumstances) -> bool:
    """Does it go on, at another time?"""
    return _goes_on(booking, so)


@_of_booking
def is_moved_and_theirs(booking: Booking, so: Circumstances) -> bool:
    """Does the provider who had it at the old time have it at the new one?"""
    return _was_agreed(booking) and _is_theirs(booking, so)


@_of_booking
def was_taken_from_them(booking: Booking, so: Circumstances) -> bool:
    """Has somebody else taken it from its provider? Whoever gave it back knows."""
    theirs = booking.provider_id == so.subject.get("provider")
    return _was_agreed(booking) and not theirs and not so.gave_back


@_of_booking
def lacks_provider(booking: Booking, so: Circumstances) -> bool:
    """Does it go on without anybody to come?"""
    return _was_agreed(booking) and booking.provider_id is None and _goes_on(booking, so)


@_of_booking
def is_unfilled(booking: Booking, so: Circumstances) -> bool:
    """Was nobody found, and is there still nobody?"""
    unfilled = booking.unfilled_at is not None and booking.provider_id is None
    return unfilled and _goes_on(booking, so)


@_of_booking
def is_cancelled(booking: Booking, _: Circumstances) -> bool:
    """Has it been called off, and not been restored since?"""
    return booking.status is BookingStatus.CANCELLED


@_of_booking
def is_cancelled_and_was_agreed(booking: Booking, so: Circumstances) -> bool:
    """Has work been called off that its provider had been told of?"""
    return _was_agreed(booking) and is_cancelled(so)


@_of_booking
def is_late(booking: Booking, _: Circumstances) -> bool:
    """Is somebody still waiting for a provider who said that they will be late?"""
    return booking.late_minutes is not None and booking.status in UPCOMING


def can_be_taken(so: Circumstances) -> bool:
    """Is the offer open?"""
    return so.offer is not None and so.offer.is_open(so.at)


def can_be_paid_again(so: Circumstances) -> bool:
    """Did the last attempt fail, and is it still to be paid?"""
    payment = so.payment
    if payment is None or payment.failed_at is None:
        return False
    return payment.status is PaymentStatus.PENDING


def is_kept(so: Circumstances) -> bool:
    """Is the slot still kept for who waited?"""
    return so.waiter is not None and so.waiter.state is WaitlistState.GRANTED
