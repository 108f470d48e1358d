"""How much is to be paid for a booking, how is it asked for, and what does it bring about?

Decided on the locked booking with all its payments. What becomes of the money of a booking that is
over is settlements' affair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from domain import lapsing, lifecycle
from domain.booking_steps import Act, WrongStatus
from domain.cancellations import part
from domain.events import Event, EventType
from domain.ledger import Account, Line, LineKind, posting
from domain.payments import Method, NothingToPay, Payment, PaymentStatus, Purpose
from domain.refunds import for_work
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.ledger import Posting
    from domain.money import Money
    from domain.offers import Outcome

#: Who "takes" what is paid by credit: the house itself.
CREDITS = "credits"


class PayAmount(StrEnum):
    """How much a customer wants to pay now."""

    #: All that is left to pay.
    FULL = "FULL"
    DEPOSIT = "DEPOSIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a customer wants to pay, and how."""

    amount: PayAmount = PayAmount.FULL
    method: Method = Method.CARD
    #: Who is to take a card payment.
    gateway: str = CREDITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The payment that a customer is to make now, and one that it stands in for."""

    payment: Payment
    is_new: bool = True
    superseded: Payment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a payment that came in does to its booking."""

    outcome: Outcome | None = None
    act: Act | None = None
    #: So much of it was more than was to pay, in minor units.
    excess_minor: int = 0


def deposit(booking: Booking) -> Money | None:
    """What confirms the booking, where less than the whole price does."""
    least = part(booking.price, booking.rules.deposit_percent)
    return least if least.amount_minor else None


def amount_due(booking: Booking, payments: Sequence[Payment]) -> Money:
    """What is still to be paid for the work. Nothing for one that was called off; what is given
    back of a payment is not due again."""
    paid = for_work(payments)
    settled = _is_called_off(booking) or (booking.paid_at is not None and not paid)
    left = 0 if settled else max(0, booking.price.amount_minor - _received(paid))
    return replace(booking.price, amount_minor=left)


def ask(
    booking: Booking,
    payments: Sequence[Payment],
    wish: Wish,
    *,
    at: datetime,
    new_id: Callable[[], UUID],
) -> Asked:
    """The payment that is to be made now. One that was asked for and not paid is asked for again;
    where another sum or way is wanted now, the new one stands in for it.

    Raises WrongStatus, NothingToPay, or InvalidInput where there is no deposit.
    """
    if _is_called_off(booking):
        raise WrongStatus(Act.PAY, booking.status)
    purpose, amount = _sum(booking, payments, wish.amount)
    gateway = wish.gateway if wish.method is Method.CARD else CREDITS
    new = Payment(
        id=new_id(),
        booking_id=booking.id,
        customer_id=booking.customer_id,
        purpose=purpose,
        method=wish.method,
        gateway=gateway,
        amount=amount,
        created_at=at,
    )
    open_ = next((one for one in payments if is_open(one) and not one.is_tip), None)
    if open_ is None:
        return Asked(payment=new)
    if _kind(open_) == _kind(new):
        return Asked(payment=open_, is_new=False)
    return Asked(payment=new, superseded=replace(open_, cancelled_at=at))


def is_open(payment: Payment) -> bool:
    """May it still be paid, for all we have heard and done?"""
    return payment.status is PaymentStatus.PENDING


def came_in(before: Payment, after: Payment, booking: Booking) -> Iterator[Posting | None]:
    """How what came in is booked: held for the work, or the provider's at once if it is a tip.

    A wrong sum is kept apart, and taken from there again once the right one is known; what went
    back of it meanwhile has then gone back of the right one.
    """
    if after.received is None or after.received == before.received:
        return
    cause = f"payment:{after.id}"
    if before.received is None:
        yield _booked(cause, after, after.received, booking)
        return
    yield _booked(f"{cause}:wrong", before, before.received, booking, undo=True)
    yield _booked(f"{cause}:right", after, after.received, booking)
    yield _moved(f"{cause}:refunded", before, after, booking)


def effects(
    booking: Booking, payments: Sequence[Payment], payment: Payment, *, at: datetime, free: bool
) -> Effects:
    """What a payment that has just come in, right as it should be, does to its booking: it is paid
    with what confirms it; one that had lapsed comes back if its provider is `free`. `payments` are
    all of the booking's, this one among them."""
    if payment.is_tip:
        return Effects()
    received = _received(for_work(payments))
    enough = received >= (deposit(booking) or booking.price).amount_minor
    # Some of it may have gone back already, when its sum was not known to be right.
    excess = min(payment.refundable_minor, max(0, received - booking.price.amount_minor))
    if _is_called_off(booking):
        if not (free and enough and lapsing.may_be_restored(booking, at=at)):
            return Effects()
        outcome, act = lapsing.restore(booking, at=at), Act.RESTORE
    elif enough and booking.paid_at is None:
        outcome, act = lifecycle.pay(booking, at=at), Act.PAY
    else:
        return Effects(excess_minor=excess)
    return Effects(outcome=outcome, act=act, excess_minor=excess)


def told(before: Payment, after: Payment) -> Iterator[Event]:
    """The events that tell of what has become of a payment. Each is told once."""
    paid = after.status is PaymentStatus.PAID
    if paid and before.status is not PaymentStatus.PAID:
        yield about(EventType.PAYMENT_SUCCEEDED, after)
    if after.mismatched_at and not before.mismatched_at:
        yield about(EventType.PAYMENT_MISMATCHED, after)
    if is_open(after) and after.failed_at != before.failed_at:
        yield about(EventType.PAYMENT_FAILED, after)


def about(type_: EventType, payment: Payment) -> Event:
    """The event that says something about a payment."""
    subject = {"payment": payment.id, "booking": payment.booking_id}
    return Event(type=type_, subject=subject | {"customer": payment.customer_id})


def _sum(booking: Booking, payments: Sequence[Payment], wanted: PayAmount) -> tuple[Purpose, Money]:
    due, least, paid = amount_due(booking, payments), deposit(booking), for_work(payments)
    if due.is_zero:
        raise NothingToPay
    if wanted is PayAmount.FULL:
        return (Purpose.BALANCE if paid else Purpose.FULL), due
    if least is None:
        message = "This booking has no deposit; pay it in full."
        raise InvalidInput(FieldError(path=("amount",), message=message))
    if paid:
        raise NothingToPay("The deposit is paid; what is left is the balance.")
    return Purpose.DEPOSIT, least


def _kind(payment: Payment) -> tuple[Purpose, Method, str, Money]:
    return payment.purpose, payment.method, payment.gateway, payment.amount


def _received(payments: Sequence[Payment]) -> int:
    return sum(one.received.amount_minor for one in payments if one.received is not None)


def _booked(
    cause: str, payment: Payment, money: Money, booking: Booking, *, undo: bool = False
) -> Posting | None:
    sign = -1 if undo else 1
    source, target = _from(payment), _to(payment, booking)
    lines = (
        replace(source, amount_minor=-sign * money.amount_minor),
        replace(target, amount_minor=sign * money.amount_minor),
    )
    return posting(cause, money.currency, lines, booking_id=booking.id)


def _moved(cause: str, before: Payment, after: Payment, booking: Booking) -> Posting | None:
    """What had gone back out of where `before` was kept, taken out of where `after` is."""
    kind = LineKind.TIP if after.is_tip else LineKind.REFUND
    lines = (
        replace(_to(before, booking), kind=LineKind.REFUND, amount_minor=before.refunded_minor),
        replace(_to(after, booking), kind=kind, amount_minor=-before.refunded_minor),
    )
    return posting(cause, after.amount.currency, lines, booking_id=booking.id)


def _from(payment: Payment) -> Line:
    if payment.method is Method.CREDITS:
        kind, whose = LineKind.CREDIT, payment.customer_id
        return Line(account=Account.CREDIT, kind=kind, amount_minor=0, customer_id=whose)
    return Line(account=Account.OUTSIDE, kind=LineKind.PAYMENT, amount_minor=0)


def _to(payment: Payment, booking: Booking) -> Line:
    if payment.status is PaymentStatus.MISMATCHED:
        return Line(account=Account.UNALLOCATED, kind=LineKind.PAYMENT, amount_minor=0)
    if payment.is_tip:
        kind, whose = LineKind.TIP, booking.provider_id
        return Line(account=Account.PROVIDER, kind=kind, amount_minor=0, provider_id=whose)
    return Line(account=Account.HELD, kind=LineKind.PAYMENT, amount_minor=0)


def _is_called_off(booking: Booking) -> bool:
    return bool(booking.cancelled_at or booking.declined_at or booking.no_show_at)
