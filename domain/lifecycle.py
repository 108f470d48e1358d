"""How does a booking go on: approved or declined, paid, started, completed, or cancelled?

Each act is a decision on the locked booking: the facts it adds, and the events that tell of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from domain.bookings import Act, Booking, WrongStatus, happened, step
from domain.events import EventType
from domain.offers import Outcome, rescind, settled
from domain.refusals import FieldError, InvalidInput, NotFound, check_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.offers import JobOffer

_PHOTO: Final = re.compile(r"https://[^\s\x00\ud800-\udfff]{1,490}")


def approve(booking: Booking, *, at: datetime) -> Outcome:
    """Let a booking that awaits approval go on; it is offered from now, if nobody has it yet."""
    due = at if booking.provider_id is None else None
    approved = step(booking, Act.APPROVE, approved_at=at, match_due_at=due)
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
    """The provider begins. Truth is the start, not the clock. Raises NotFound or WrongStatus."""
    _check_provider(booking, by)
    started = step(booking, Act.START, started_at=at)
    return Outcome(booking=started, events=(happened(EventType.BOOKING_STARTED, started),))


def complete(
    booking: Booking, *, by: UUID, notes: str, photo_urls: tuple[str, ...], at: datetime
) -> Outcome:
    """The provider has done the work. Raises NotFound or WrongStatus."""
    _check_provider(booking, by)
    check_sizes(notes=(notes, 0, 2000))
    if len(photo_urls) > 20 or not all(_PHOTO.fullmatch(url) for url in photo_urls):
        message = "Give at most 20 https addresses of up to 500 characters."
        raise InvalidInput(FieldError(path=("photoUrls",), message=message))
    done = step(
        booking, Act.COMPLETE, completed_at=at, completion_notes=notes, photo_urls=photo_urls
    )
    return Outcome(booking=done, events=(happened(EventType.BOOKING_COMPLETED, done),))


def cancel(booking: Booking, offers: Sequence[JobOffer], *, reason: str, at: datetime) -> Outcome:
    """Call the booking off and withdraw its offers. Raises WrongStatus."""
    check_sizes(reason=(reason, 0, 500))
    cancelled = step(booking, Act.CANCEL, cancelled_at=at, cancel_reason=reason, match_due_at=None)
    withdrawn = rescind(offers, at=at)
    told = (happened(EventType.BOOKING_CANCELLED, cancelled), *settled(withdrawn))
    return Outcome(booking=cancelled, offers=withdrawn, events=told)


def _check_provider(booking: Booking, by: UUID) -> None:
    if booking.provider_id != by:
        raise NotFound("Booking")
