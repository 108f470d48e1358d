"""What becomes of a booking that nobody pays for, and of its payment when that comes after all?

A provider's time is kept for an unpaid booking until a little after its start. Then it is called
off; a payment that was under way by then brings it back, as long as its provider is still free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.booking_steps import STEPS, Act, BookingStatus, WrongStatus, step
from domain.bookings import Booking, happened
from domain.events import EventType
from domain.offers import Outcome

if TYPE_CHECKING:
    from datetime import datetime, timedelta


def lapse(booking: Booking, *, patience: timedelta, at: datetime) -> Outcome:
    """Call off a booking that somebody was to come for and nobody has paid. It costs nothing.

    Who was found only after its start has still to be paid for: the patience begins then. Raises
    WrongStatus, also when it is too early.
    """
    if booking.provider_id is None or booking.status is not BookingStatus.PENDING:
        raise WrongStatus(Act.CANCEL, booking.status)
    if at < max(booking.starts_at, booking.assigned_at or booking.starts_at) + patience:
        raise WrongStatus(Act.CANCEL, booking.status)
    lapsed = step(
        booking,
        Act.CANCEL,
        cancelled_at=at,
        lapsed_at=at,
        cancel_reason="It was not paid in time.",
        fee_minor=0,
        match_due_at=None,
    )
    return Outcome(booking=lapsed, events=(happened(EventType.BOOKING_CANCELLED, lapsed),))


def may_be_restored(booking: Booking, *, at: datetime) -> bool:
    """Would a payment bring it back, if its provider is free?"""
    lapsed = booking.lapsed_at is not None and booking.provider_id is not None
    return lapsed and Act.RESTORE in STEPS[booking.status] and at < booking.ends_at


def restore(booking: Booking, *, at: datetime) -> Outcome:
    """Bring a booking back whose payment has come late: its provider has it again, and it is paid.

    Raises WrongStatus.
    """
    if not may_be_restored(booking, at=at):
        raise WrongStatus(Act.RESTORE, booking.status)
    restored = step(
        booking,
        Act.RESTORE,
        cancelled_at=None,
        lapsed_at=None,
        cancel_reason=None,
        fee_minor=None,
        paid_at=at,
    )
    told = (EventType.BOOKING_RESTORED, EventType.BOOKING_PAID)
    return Outcome(booking=restored, events=tuple(happened(type_, restored) for type_ in told))
