"""How does a booking go on: approved or declined, edited, paid, started, completed?

Each act is a decision on the locked booking: the facts it adds, and the events that tell of it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.booking_steps import OPEN_TO_OFFERS, Act, BookingStatus, WrongStatus, step
from domain.bookings import Booking, TermsNotAccepted, happened, search
from domain.events import EventType
from domain.keywords import extract
from domain.offers import Outcome
from domain.refusals import InvalidInput, NotFound, check_sizes, wrong_text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.work import Handover

#: Work that was begun and never completed counts as done this long after its window.
FORGOTTEN: Final = timedelta(hours=12)


def approve(booking: Booking, *, at: datetime) -> Outcome:
    """Let a booking that awaits approval go on; it is offered from now, if nobody has it yet."""
    approved = search(step(booking, Act.APPROVE, approved_at=at), at=at)
    return Outcome(booking=approved, events=(happened(EventType.BOOKING_APPROVED, approved),))


def decline(booking: Booking, *, reason: str, at: datetime) -> Outcome:
    """Turn down a booking that awaits approval. The customer reads the reason."""
    check_sizes(reason=(reason, 1, 500))
    declined = step(booking, Act.DECLINE, declined_at=at, cancel_reason=reason, match_due_at=None)
    return Outcome(booking=declined, events=(happened(EventType.BOOKING_DECLINED, declined),))


def pay(booking: Booking, *, at: datetime) -> Outcome:
    """Note that the booking is paid. Before or after somebody accepts: both end CONFIRMED.

    Raises WrongStatus, also when it is paid already.
    """
    if booking.paid_at is not None:
        # While it awaits approval its status does not show that it is paid; nobody pays twice.
        raise WrongStatus(Act.PAY, booking.status)
    paid = step(booking, Act.PAY, paid_at=at)
    return Outcome(booking=paid, events=(happened(EventType.BOOKING_PAID, paid),))


def start(booking: Booking, *, by: UUID, at: datetime) -> Outcome:
    """The provider begins. Truth is the start, not the clock.

    Raises NotFound, WrongStatus or TermsNotAccepted.
    """
    _check_provider(booking, by)
    started = step(booking, Act.START, started_at=at)
    if booking.lacks_terms:
        raise TermsNotAccepted
    return Outcome(booking=started, events=(happened(EventType.BOOKING_STARTED, started),))


def complete(booking: Booking, *, by: UUID, handover: Handover, at: datetime) -> Outcome:
    """The provider has done the work. Raises NotFound, InvalidInput or WrongStatus."""
    _check_provider(booking, by)
    if wrong := handover.wrong_fields():
        raise InvalidInput(*wrong)
    done = step(
        booking,
        Act.COMPLETE,
        completed_at=at,
        completion_notes=handover.notes,
        photo_urls=handover.photo_urls,
        checklist=handover.checklist,
        signed_by=handover.signed_by,
        signature_url=handover.signature_url,
    )
    return Outcome(booking=done, events=(happened(EventType.BOOKING_COMPLETED, done),))


def accept_terms(booking: Booking, *, at: datetime) -> Outcome:
    """Note that the customer accepts the service's terms; the work is offered from now.

    Accepting again changes nothing. Raises WrongStatus.
    """
    if not booking.lacks_terms:
        return Outcome(booking=booking)
    accepted = search(step(booking, Act.ACCEPT_TERMS, terms_accepted_at=at), at=at)
    told = (happened(EventType.BOOKING_TERMS_ACCEPTED, accepted),)
    return Outcome(booking=accepted, events=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a customer may say anew of a booking; None leaves it as it is."""

    access_instructions: str | None = None
    special_requirements: str | None = None
    concern: str | None = None


def edit(booking: Booking, details: Details) -> Outcome:
    """Change what is said about the work, and with its concern its keywords. What is said already
    changes nothing.

    Raises InvalidInput or WrongStatus.
    """
    said = {f.name: getattr(details, f.name) for f in fields(details)}
    changes = {name: text for name, text in said.items() if text is not None}
    wrong = [
        error
        for name, text in changes.items()
        for error in wrong_text((_wire(name),), text, 0, 2000)
    ]
    if wrong:
        raise InvalidInput(*wrong)
    if all(getattr(booking, name) == text for name, text in changes.items()):
        return Outcome(booking=booking)
    keywords = booking.keywords if details.concern is None else extract(details.concern)
    edited = step(booking, Act.EDIT, **changes, keywords=keywords)
    return Outcome(booking=edited, events=(happened(EventType.BOOKING_EDITED, edited),))


def _wire(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(map(str.capitalize, tail))


def close(booking: Booking, *, at: datetime) -> Outcome:
    """Complete work that its provider has begun and forgotten to complete. Raises WrongStatus."""
    if at < booking.ends_at + FORGOTTEN:
        raise WrongStatus(Act.COMPLETE, booking.status)
    done = step(booking, Act.COMPLETE, completed_at=at)
    return Outcome(booking=done, events=(happened(EventType.BOOKING_COMPLETED, done),))


def open_(booking: Booking, *, at: datetime) -> Outcome:
    """Begin confirmed work whose window has come, where the house starts work by the clock.

    Raises WrongStatus or TermsNotAccepted.
    """
    if at < booking.starts_at or booking.provider_id is None:
        raise WrongStatus(Act.START, booking.status)
    return start(booking, by=booking.provider_id, at=at)


def pass_by(booking: Booking, *, at: datetime) -> Outcome:
    """End a booking whose window is over and for which nobody was ever to come: the house has not
    said yes, or no provider was found. It costs nothing. Raises WrongStatus.
    """
    nobody_comes = booking.provider_id is None and booking.status in OPEN_TO_OFFERS
    if at >= booking.ends_at and booking.status is BookingStatus.AWAITING_APPROVAL:
        act, type_ = Act.DECLINE, EventType.BOOKING_DECLINED
        facts = {"declined_at": at, "cancel_reason": "Nobody approved it in time."}
    elif at >= booking.ends_at and nobody_comes:
        act, type_ = Act.CANCEL, EventType.BOOKING_CANCELLED
        facts = {"cancelled_at": at, "cancel_reason": "Nobody was found in time.", "fee_minor": 0}
    else:
        raise WrongStatus(Act.CANCEL, booking.status)
    ended = step(booking, act, match_due_at=None, **facts)
    return Outcome(booking=ended, events=(happened(type_, ended),))


def _check_provider(booking: Booking, by: UUID) -> None:
    if booking.provider_id != by:
        raise NotFound("Booking")
