"""What is a message about, and what of it may its reader know, and is it so still?

All of it is decided anew, for this reader and this moment, whenever a message is written or shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from domain import privacy
from domain.booking_steps import BookingStatus
from domain.circumstances import UPCOMING
from domain.message_facts import MessageFacts
from domain.messages import Message
from domain.people import Role, Viewer
from domain.waitlist import WaitlistState

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from domain.bookings import Booking
    from domain.credits import Grant
    from domain.money import Money
    from domain.notifications import Notification
    from domain.offers import JobOffer
    from domain.payments import Payment
    from domain.payouts import Payout
    from domain.people import User
    from domain.providers import Provider
    from domain.refunds import Refund
    from domain.waitlist import WaitlistEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A visit of a series that could not be booked, and why."""

    starts_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When some work was to be done."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """All that a message may speak of, as it stands. What it is not about is None."""

    #: The name of the service.
    service: str | None = None
    booking: Booking | None = None
    customer: User | None = None
    #: Whom the message names as provider: who has the work, or whom it is told of.
    provider: Provider | None = None
    offer: JobOffer | None = None
    payment: Payment | None = None
    refund: Refund | None = None
    payout: Payout | None = None
    grant: Grant | None = None
    waiter: WaitlistEntry | None = None
    clash: Clash | None = None
    #: Of a booking: what is still to pay, what was given back, and what of its fee is the reader's.
    due: Money | None = None
    refunded: Money | None = None
    compensation: Money | None = None
    #: When the reader had the work, who has it no longer.
    had: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One message, as one person reads it now."""

    message: Message
    viewer: Viewer
    patience: timedelta
    at: datetime


#: How a message is addressed: nobody's session.
_NO_SESSION: Final = UUID(int=0)

_OFF: Final = frozenset({Message.BOOKING_CANCELLED, Message.BOOKING_DECLINED, Message.NO_SHOW})
#: What tells of work to come.
_AHEAD: Final = frozenset(
    {
        Message.BOOKING_REQUESTED,
        Message.BOOKING_APPROVED,
        Message.PROVIDER_ASSIGNED,
        Message.JOB_ASSIGNED,
        Message.BOOKING_CONFIRMED,
        Message.BOOKING_RESCHEDULED,
        Message.PREFERRED_LAPSED,
        Message.PROVIDER_LEFT,
        Message.PAYMENT_REMINDER,
        Message.BOOKING_REMINDER,
        Message.STARTING_SOON,
        Message.PROVIDER_LATE,
    }
)
#: What is of no use any more when the work should have begun.
_BEFORE_START: Final = frozenset({Message.BOOKING_REMINDER, Message.STARTING_SOON})


def write(
    notification: Notification,
    recipient: User,
    matter: Matter,
    *,
    patience: timedelta,
    at: datetime,
) -> MessageFacts:
    """The facts of a message to its recipient at `at`. An unpaid booking is called off when the
    house's `patience` after its start is at its end."""
    viewer = Viewer(user_id=recipient.id, role=recipient.role, session_id=_NO_SESSION)
    now = _Reading(message=notification.message, viewer=viewer, patience=patience, at=at)
    facts: dict[str, Any] = {"service": matter.service}
    if matter.offer is not None:
        facts |= _of_offer(matter)
    elif matter.booking is not None:
        facts |= _of_booking(matter.booking, matter, now)
    facts |= _of_money(matter, viewer) | _of_waiting(matter)
    return MessageFacts(
        message=notification.message,
        recipient=recipient,
        subject=notification.subject,
        moot=_is_moot(matter, now),
        **facts,
    )


def _is_moot(matter: Matter, now: _Reading) -> bool:
    """Does it speak of what is so no longer?"""
    if now.message is Message.OFFER:
        return matter.offer is None or not matter.offer.is_open(now.at)
    if now.message is Message.WAITLIST_GRANT:
        return matter.waiter is None or matter.waiter.state is not WaitlistState.GRANTED
    if now.message is Message.PAYMENT_FAILED:
        return matter.payment is None or matter.payment.received is not None
    if now.message not in _AHEAD:
        return False
    return matter.booking is None or not _lies_ahead(matter.booking, now)


def _lies_ahead(booking: Booking, now: _Reading) -> bool:
    """Is the work still to come, and the reader's?"""
    if now.viewer.role is Role.PROVIDER and now.viewer.user_id != booking.provider_id:
        return False
    if booking.status not in {*UPCOMING, BookingStatus.AWAITING_APPROVAL}:
        return False
    if now.message is Message.PAYMENT_REMINDER and booking.paid_at is not None:
        return False
    return now.at < (booking.starts_at if now.message in _BEFORE_START else booking.ends_at)


def _of_offer(matter: Matter) -> dict[str, Any]:
    booking, customer, provider = matter.booking, matter.customer, matter.provider
    if matter.offer is None or booking is None or customer is None or provider is None:
        return {}
    work = privacy.offered_work(booking, customer, provider)
    return {
        "starts_at": work.starts_at,
        "ends_at": work.ends_at,
        "area": work.area,
        "distance_miles": work.distance_miles,
        "customer": work.customer_name,
        "amount": work.price,
        "until": matter.offer.expires_at,
    }


def _of_booking(booking: Booking, matter: Matter, now: _Reading) -> dict[str, Any]:
    viewer, message, at = now.viewer, now.message, now.at
    on_site = booking.requirements.on_site
    window = matter.had or booking
    facts: dict[str, Any] = {
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "address": privacy.address(booking, viewer, at=at) if on_site else None,
        "area": booking.address.outward_code if on_site else None,
        "amount": booking.price,
        "reason": _reason(message, privacy.seen_by(booking, viewer, at=at)),
    }
    if viewer.user_id != booking.customer_id and matter.customer is not None:
        facts["customer"] = privacy.contact(booking, matter.customer, viewer, at=at).name
    if viewer.role is not Role.PROVIDER and matter.provider is not None:
        facts["provider"] = matter.provider.name
    if viewer.user_id == booking.customer_id:
        facts |= _of_customer(booking, matter, now)
    if message is Message.JOB_CANCELLED:
        facts["fee"] = matter.compensation
    if message is Message.PROVIDER_LATE:
        facts["late_minutes"] = booking.late_minutes
    if message is Message.COMPLETED:
        facts["at"] = booking.completed_at
    return facts


def _reason(message: Message, seen: Booking) -> str | None:
    """Why it happened, in the words of whoever did it, as the reader may read them."""
    if message is Message.PROVIDER_LATE:
        return seen.late_reason
    if message is Message.NO_SHOW:
        return seen.evidence
    called_off = {Message.BOOKING_CANCELLED, Message.BOOKING_DECLINED, Message.JOB_CANCELLED}
    return seen.cancel_reason if message in called_off else None


def _of_customer(booking: Booking, matter: Matter, now: _Reading) -> dict[str, Any]:
    """What is between its customer and the house only."""
    facts: dict[str, Any] = {}
    if now.message in _OFF:
        facts["refund"] = matter.refunded
        if booking.fee_minor:
            facts["fee"] = replace(booking.price, amount_minor=booking.fee_minor)
    elif matter.due is not None and not matter.due.is_zero:
        facts["due"] = matter.due
        if booking.paid_at is None:
            facts["until"] = booking.starts_at + now.patience
    return facts


def _of_money(matter: Matter, viewer: Viewer) -> dict[str, Any]:
    """The sum that the message is about, and what became of it."""
    if matter.payout is not None:
        payout = matter.payout
        return {
            "amount": payout.amount,
            "period": payout.period,
            "lines": payout.lines,
            "at": payout.paid_at or payout.failed_at,
            "reason": payout.failure,
        }
    if matter.refund is not None:
        refund = matter.refund
        return {
            "refund": refund.amount,
            "excess": refund.excess if viewer.is_staff else None,
            "at": refund.done_at or refund.failed_at,
            "reason": refund.failure if viewer.is_staff else refund.reason or None,
        }
    if matter.payment is not None:
        return _of_payment(matter.payment)
    if matter.grant is not None:
        grant = matter.grant
        return {"amount": grant.amount, "at": grant.at, "reason": grant.reason}
    return {}


def _of_payment(payment: Payment) -> dict[str, Any]:
    facts: dict[str, Any]
    if payment.received is None:
        facts = {"amount": payment.amount, "due": payment.amount}
        return facts | {"at": payment.failed_at, "reason": payment.failure}
    facts = {"amount": payment.received, "at": payment.paid_at}
    # Taken for something else: beside it, what was asked for.
    return facts if payment.received == payment.amount else facts | {"due": payment.amount}


def _of_waiting(matter: Matter) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if matter.clash is not None:
        facts |= {"starts_at": matter.clash.starts_at, "reason": matter.clash.why}
    if matter.waiter is not None and matter.waiter.grant is not None:
        grant = matter.waiter.grant
        facts |= {
            "starts_at": grant.starts_at,
            "ends_at": grant.ends_at,
            "address": matter.waiter.address,
            "area": matter.waiter.address.outward_code,
            "provider": matter.provider.name if matter.provider else None,
            "until": grant.expires_at,
        }
    return facts
