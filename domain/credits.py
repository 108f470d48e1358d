"""What credit does a customer have with the house, and how did they come by it?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.events import Event, EventType
from domain.ledger import Account, Line, LineKind, Posting
from domain.money import MAX_MINOR, wrong_money
from domain.refusals import FieldError, InvalidInput, wrong_text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.money import Money


class CreditUse(StrEnum):
    """How credit came, or what became of it."""

    GRANTED = "GRANTED"
    SPENT = "SPENT"
    REFUNDED = "REFUNDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Credit that a member of staff gives to a customer."""

    id: UUID
    customer_id: UUID
    amount: Money
    reason: str
    granted_by: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """One change of a customer's credit."""

    id: UUID
    #: What the ledger says it came of, such as "payment:…".
    cause: str
    #: More credit, or less where it is negative.
    amount: Money
    #: The booking that it was spent on or given back for.
    booking_id: UUID | None
    #: Why staff gave it; None where they did not.
    reason: str | None
    at: datetime

    @property
    def use(self) -> CreditUse:
        """How it came, or what became of it."""
        return _USES[self.cause.partition(":")[0]]


_USES: Final = {
    "credit": CreditUse.GRANTED,
    "payment": CreditUse.SPENT,
    "refund": CreditUse.REFUNDED,
}


def check(grant: Grant) -> None:
    """Can it be given? Raises InvalidInput."""
    wrong = (
        *wrong_money("amount", grant.amount, 1),
        *wrong_text(("reason",), grant.reason, 1, 500),
    )
    if wrong:
        raise InvalidInput(*wrong)


def check_balance(balance_minor: int) -> None:
    """Can so much be kept? Raises InvalidInput."""
    if balance_minor > MAX_MINOR:
        message = f"With this there would be more than {MAX_MINOR}; give less."
        raise InvalidInput(FieldError(path=("amount", "amountMinor"), message=message))


def granted(grant: Grant) -> Event:
    """The event that says that a customer was given credit."""
    subject = {"credit_grant": grant.id, "customer": grant.customer_id}
    return Event(type=EventType.CREDIT_GRANTED, subject=subject)


def grant_posting(grant: Grant) -> Posting:
    """How a grant is booked: the house owes it."""
    amount = grant.amount.amount_minor
    return Posting(
        cause=f"credit:{grant.id}",
        currency=grant.amount.currency,
        lines=(
            Line(account=Account.PLATFORM, kind=LineKind.CREDIT, amount_minor=-amount),
            Line(
                account=Account.CREDIT,
                kind=LineKind.CREDIT,
                amount_minor=amount,
                customer_id=grant.customer_id,
            ),
        ),
    )
