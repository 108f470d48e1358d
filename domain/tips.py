"""How much may a customer give a provider beside the price, and when?

A tip is the provider's whole, from the moment it comes in. It is paid as everything else is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from domain.booking_steps import BookingStatus
from domain.paying import CREDITS, Asked, is_open
from domain.payments import Method, Payment, Purpose
from domain.refusals import FieldError, InvalidInput, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.money import Money

#: What anybody may give, in major units, for work that cost less.
_ALWAYS: Final = 100


class NothingToThankFor(Refusal):
    """Only work that was done is thanked for."""

    def __init__(self, status: BookingStatus) -> None:
        super().__init__(f"A tip is not possible while the booking is {status}.")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a customer wants to give, and how."""

    amount: Money
    method: Method = Method.CARD
    #: Who is to take a card payment.
    gateway: str = CREDITS


def most(booking: Booking) -> Money:
    """The most that may be given at a time: as much as the work cost, and 100.00 in any case."""
    usual = _ALWAYS * 10**booking.price.decimals
    return replace(booking.price, amount_minor=max(booking.price.amount_minor, usual))


def ask(
    booking: Booking,
    payments: Sequence[Payment],
    wish: Wish,
    *,
    at: datetime,
    new_id: Callable[[], UUID],
) -> Asked:
    """The tip that is to be paid now. One that was asked for and not paid is asked for again;
    where another sum or way is wanted now, the new one stands in for it.

    Raises NothingToThankFor or InvalidInput.
    """
    if booking.status is not BookingStatus.COMPLETED:
        raise NothingToThankFor(booking.status)
    _check(wish.amount, most(booking))
    new = Payment(
        id=new_id(),
        booking_id=booking.id,
        customer_id=booking.customer_id,
        purpose=Purpose.TIP,
        method=wish.method,
        gateway=wish.gateway if wish.method is Method.CARD else CREDITS,
        amount=wish.amount,
        created_at=at,
    )
    open_ = next((one for one in payments if is_open(one) and one.is_tip), None)
    if open_ is None:
        return Asked(payment=new)
    if _kind(open_) == _kind(new):
        return Asked(payment=open_, is_new=False)
    return Asked(payment=new, superseded=replace(open_, cancelled_at=at))


def _check(amount: Money, limit: Money) -> None:
    if amount.currency != limit.currency:
        message = f"The work was paid in {limit.currency}; give the tip in that."
        raise InvalidInput(FieldError(path=("amount", "currency"), message=message))
    if not 1 <= amount.amount_minor <= limit.amount_minor:
        message = f"Give 1 to {limit.amount_minor}."
        raise InvalidInput(FieldError(path=("amount", "amountMinor"), message=message))


def _kind(payment: Payment) -> tuple[Method, str, Money]:
    return payment.method, payment.gateway, payment.amount
