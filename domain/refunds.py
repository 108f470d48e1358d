"""What is given back, why, and where to?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.events import Event, EventType
from domain.ledger import Account, Line, LineKind, posting, provider_percent, shared
from domain.money import Money, wrong_money
from domain.payments import Method, PaymentStatus, Purpose
from domain.refusals import FieldError, InvalidInput, NotFound, Refusal, wrong_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.ledger import Posting, Settled
    from domain.payments import Payment

#: How long a refund belongs to the worker that is telling the gateway of it.
LEASE: Final = timedelta(seconds=60)


class RefundCause(StrEnum):
    """Why money is given back. All but BY_HAND and AT_GATEWAY happen once for each payment."""

    CANCELLED = "CANCELLED"
    DECLINED = "DECLINED"
    NO_SHOW = "NO_SHOW"
    #: Paid for a booking that had ended by then.
    LATE_PAYMENT = "LATE_PAYMENT"
    #: Paid more than was still to pay.
    OVERPAID = "OVERPAID"
    BY_HAND = "BY_HAND"
    #: Staff gave it back at the payment gateway's own page, without Callout.
    AT_GATEWAY = "AT_GATEWAY"


class RefundStatus(StrEnum):
    """Where a refund stands."""

    #: Decided and booked; the gateway has still to be told, or to answer.
    WAITING = "WAITING"
    DONE = "DONE"
    #: The gateway would not, every time; staff have to look.
    FAILED = "FAILED"


class RefundTooLarge(Refusal):
    """More than was paid is not given back. Carries what still can be."""

    def __init__(self, refundable: Money) -> None:
        super().__init__("That is more than there is to give back.")
        self.refundable = refundable


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """One sum that is given back of one payment."""

    id: UUID
    payment_id: UUID
    booking_id: UUID
    customer_id: UUID
    amount: Money
    cause: RefundCause
    #: Back to the card, or to the customer's credit with the house.
    to: Method
    reason: str = ""
    #: The member of staff who gave it; None where Callout did by its rules.
    asked_by: UUID | None = None
    created_at: datetime
    gateway_id: str | None = None
    #: What the gateway calls what somebody gave back there, if it was found to be this. It stays,
    #: also when this is asked for anew and called otherwise.
    found_as: str | None = None
    #: How much of it was more than there was to give back, in minor units.
    excess_minor: int = 0
    tries: int = 0
    #: How often the gateway has said no to it for good, or sent it back.
    refusals: int = 0
    #: When to try (again); None when there is nothing left to try.
    due_at: datetime | None = None
    done_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None

    @property
    def status(self) -> RefundStatus:
        """Where it stands, from its facts."""
        if self.done_at:
            return RefundStatus.DONE
        return RefundStatus.FAILED if self.failed_at else RefundStatus.WAITING

    @property
    def covered_minor(self) -> int:
        """How much of it comes out of what came in, in minor units."""
        return self.amount.amount_minor - self.excess_minor

    @property
    def excess(self) -> Money | None:
        """How much of it was more than there was to give back; None if nothing was."""
        return replace(self.amount, amount_minor=self.excess_minor) if self.excess_minor else None

    @property
    def key(self) -> str:
        """What the gateway knows it by: it does it once for each key, however often it is asked.

        It also gives the answer that it gave to a key again. So one that it said no to, and has
        not done, is asked for anew by another key; one that it gave no answer to never is.
        """
        return f"{self.id}:{self.refusals}" if self.refusals else str(self.id)

    def is_due(self, at: datetime) -> bool:
        """Is it time to tell the gateway (again)?"""
        return self.due_at is not None and self.due_at <= at

    def taken(self, *, at: datetime) -> Refund:
        """It, while a worker tells the gateway: nobody else does, until that has taken too long."""
        return replace(self, tries=self.tries + 1, due_at=at + LEASE)

    def done(self, gateway_id: str | None, *, at: datetime) -> Refund:
        """It, given back."""
        return replace(self, gateway_id=gateway_id, done_at=at, due_at=None, failure=None)

    def put_off(self, failure: str, *, until: datetime) -> Refund:
        """It, to be tried again."""
        return replace(self, failure=failure, due_at=until)

    def stood_in_for(self, gateway_id: str, *, at: datetime) -> Refund:
        """It, given back by somebody at the gateway's own page, when it had failed."""
        return replace(self.done(gateway_id, at=at), failed_at=None, found_as=gateway_id)

    def failed(
        self, failure: str, *, refused: bool, at: datetime, gateway_id: str | None = None
    ) -> Refund:
        """It, given up: staff have to look. `refused` when the gateway has said that it was not
        done, or sent back by the card's bank; `gateway_id` is what it calls it, if it is named."""
        refusals, known_as = self.refusals + refused, gateway_id or self.gateway_id
        ended = replace(self, failed_at=at, done_at=None, due_at=None, gateway_id=known_as)
        return replace(ended, failure=failure, refusals=refusals)

    def again(self, *, at: datetime) -> Refund:
        """It, to be tried anew after it had failed."""
        return replace(self, failed_at=None, tries=0, due_at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """So much of one payment."""

    payment: Payment
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a member of staff wants to give back."""

    #: None for all that can be.
    amount: Money | None
    #: Of this payment only; None for what was paid for the work, newest first.
    payment_id: UUID | None
    #: None for back where it came from.
    to: Method | None
    reason: str

    def wrong_fields(self) -> Iterator[FieldError]:
        """Every field that cannot be taken, with its remedy."""
        yield from wrong_text(("reason",), self.reason, 1, 500)
        if self.amount is not None:
            yield from wrong_money("amount", self.amount, 1)


def divided(payments: Iterable[Payment], amount_minor: int) -> tuple[Portion, ...]:
    """A sum as portions of payments, of the newest first. What is more than all of them is left."""
    portions = []
    for payment in sorted(payments, key=_when_paid, reverse=True):
        portion = min(payment.refundable_minor, amount_minor)
        if portion > 0:
            portions.append(Portion(payment=payment, amount_minor=portion))
            amount_minor -= portion
    return tuple(portions)


def for_work(payments: Iterable[Payment]) -> list[Payment]:
    """Those of the payments that came in, as they should, for the work itself."""
    return [one for one in payments if _is_for_work(one)]


def portions(booking: Booking, payments: Sequence[Payment], wish: Wish) -> tuple[Portion, ...]:
    """Which payments a wish is met from, and by how much of each.

    Raises InvalidInput, NotFound for a payment of another booking, or RefundTooLarge.
    """
    if wrong := tuple(wish.wrong_fields()):
        raise InvalidInput(*wrong)
    chosen = _chosen(payments, wish)
    received = [one.received for one in chosen if one.received is not None]
    currency = received[0].currency if received else booking.price.currency
    if wish.amount is not None and wish.amount.currency != currency:
        message = f"It was paid in {currency}; it is given back in that."
        raise InvalidInput(FieldError(path=("amount", "currency"), message=message))
    most = sum(one.refundable_minor for one in chosen)
    amount = most if wish.amount is None else wish.amount.amount_minor
    if not 0 < amount <= most:
        raise RefundTooLarge(Money(amount_minor=most, currency=currency))
    return divided(chosen, amount)


def refund_posting(
    refund: Refund, payment: Payment, booking: Booking, money: Settled
) -> Posting | None:
    """How a refund is booked: out of what is held for the booking, then out of what its provider
    and the platform have had of it.

    A tip comes back from the provider, who had all of it, and a payment of a wrong amount from
    where it was kept apart. What went back without there being any is owed by nobody yet.
    """
    amount = refund.amount.amount_minor
    back = Line(account=Account.OUTSIDE, kind=LineKind.REFUND, amount_minor=amount)
    excess = _line(Account.UNALLOCATED, LineKind.REFUND, -refund.excess_minor)
    if refund.to is Method.CREDITS:
        back = Line(
            account=Account.CREDIT,
            kind=LineKind.CREDIT,
            amount_minor=amount,
            customer_id=refund.customer_id,
        )
    return posting(
        f"refund:{refund.id}",
        refund.amount.currency,
        (*_sources(refund.covered_minor, payment, booking, money), excess, back),
        booking_id=booking.id,
    )


def about(type_: EventType, refund: Refund) -> Event:
    """The event that says something about a refund."""
    return Event(
        type=type_,
        subject={
            "refund": refund.id,
            "payment": refund.payment_id,
            "booking": refund.booking_id,
            "customer": refund.customer_id,
        },
    )


def _sources(amount: int, payment: Payment, booking: Booking, money: Settled) -> tuple[Line, ...]:
    if payment.status is PaymentStatus.MISMATCHED:
        return (_line(Account.UNALLOCATED, LineKind.REFUND, -amount),)
    if payment.purpose is Purpose.TIP:
        return (_line(Account.PROVIDER, LineKind.TIP, -amount, booking.provider_id),)
    held = min(amount, money.held)
    left = money.earned - (amount - held)
    theirs, ours = shared(money.earned, left, provider_percent(booking))
    return (
        _line(Account.HELD, LineKind.REFUND, -held),
        _line(Account.PROVIDER, LineKind.CLAWBACK, theirs, booking.provider_id),
        _line(Account.PLATFORM, LineKind.CLAWBACK, ours),
    )


def _line(account: Account, kind: LineKind, amount: int, provider: UUID | None = None) -> Line:
    return Line(account=account, kind=kind, amount_minor=amount, provider_id=provider)


def _chosen(payments: Sequence[Payment], wish: Wish) -> list[Payment]:
    if wish.payment_id is None:
        return [one for one in for_work(payments) if _can_go(one, wish.to)]
    named = [one for one in payments if one.id == wish.payment_id]
    if not named:
        raise NotFound("Payment")
    if not _can_go(named[0], wish.to):
        message = "It was paid with credits; there is no card that it could go back to."
        raise InvalidInput(FieldError(path=("to",), message=message))
    return named


def _can_go(payment: Payment, to: Method | None) -> bool:
    return to is not Method.CARD or payment.method is Method.CARD


def _is_for_work(payment: Payment) -> bool:
    return payment.status is PaymentStatus.PAID and payment.purpose is not Purpose.TIP


def _when_paid(payment: Payment) -> tuple[bool, datetime, UUID]:
    # One that is not paid has nothing to give, wherever it comes.
    return payment.paid_at is not None, payment.paid_at or payment.created_at, payment.id
