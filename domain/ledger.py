"""Where does each penny go? Into double-entry lines that are written once and never changed.

A posting is one thing that happened to money, as lines that sum to zero. A positive amount is owed
to the account, a negative one by it: what a customer pays is owed by the gateway, which has it, and
held for their booking until the work is done. (rules.md, Money)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.bookings import Party
from domain.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.money import Money


class Account(StrEnum):
    """Whose money a line is about."""

    #: The world outside: the payment gateway and the bank.
    OUTSIDE = "OUTSIDE"
    #: What a customer has paid for a booking that is not settled yet.
    HELD = "HELD"
    PROVIDER = "PROVIDER"
    PLATFORM = "PLATFORM"
    #: A customer's credit with the house.
    CREDIT = "CREDIT"
    #: What came in and belongs to nothing yet: a payment of a wrong amount.
    UNALLOCATED = "UNALLOCATED"


class LineKind(StrEnum):
    """What a line is for."""

    PAYMENT = "PAYMENT"
    EARNING = "EARNING"
    COMMISSION = "COMMISSION"
    TIP = "TIP"
    FEE = "FEE"
    REFUND = "REFUND"
    CLAWBACK = "CLAWBACK"
    CREDIT = "CREDIT"
    PAYOUT = "PAYOUT"


class Unbalanced(Exception):
    """The lines of a posting do not sum to zero. A fault of whoever made it."""


class NotEnoughCredit(Refusal):
    """The customer has less credit in this currency than is to be taken. Carries what they have,
    and what is to be taken."""

    def __init__(self, balance: Money, due: Money) -> None:
        super().__init__("There is not enough credit for this; pay by card.")
        self.balance = balance
        self.due = due


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One side of a posting."""

    account: Account
    kind: LineKind
    #: Owed to the account, in minor units of the posting's currency; negative: owed by it.
    amount_minor: int
    #: Whose account, where every person has one of their own.
    provider_id: UUID | None = None
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One thing that happened to money. `cause` names it: the same cause is posted once, ever."""

    cause: str
    currency: str
    lines: tuple[Line, ...]
    booking_id: UUID | None = None

    def __post_init__(self) -> None:
        if sum(line.amount_minor for line in self.lines):
            raise Unbalanced(self.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line as the ledger keeps it."""

    id: UUID
    cause: str
    account: Account
    kind: LineKind
    amount: Money
    booking_id: UUID | None
    provider_id: UUID | None
    customer_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a booking's money has become so far, in minor units, tips apart."""

    #: Paid and waiting for the work to be done.
    held: int
    #: Had by provider and platform together, for the work or as a fee, less what was taken back.
    earned: int
    #: Kept as a fee for calling it off or not turning up, whether or not it was taken back since.
    fees: int = 0
    #: How many postings have turned what was held into either.
    settlements: int = 0


def posting(
    cause: str, currency: str, lines: Iterable[Line], *, booking_id: UUID | None = None
) -> Posting | None:
    """A posting without its empty lines; None where nothing is left to say."""
    worth = tuple(line for line in lines if line.amount_minor)
    if not worth:
        return None
    return Posting(cause=cause, currency=currency, lines=worth, booking_id=booking_id)


def provider_share(total_minor: int, percent: int) -> int:
    """The provider's part of a sum, halves of a minor unit rounded up; the platform has the rest.

    Of a negative sum, which is taken back, the same part as was given.
    """
    if total_minor < 0:
        return -provider_share(-total_minor, percent)
    return (total_minor * percent + 50) // 100


def provider_percent(booking: Booking) -> int:
    """What part of a booking's money is its provider's: none without one, or with one who did not
    turn up."""
    failed = booking.provider_id is None or booking.absent is Party.PROVIDER
    return 0 if failed else booking.rules.provider_share_percent


def shared(before_minor: int, after_minor: int, percent: int) -> tuple[int, int]:
    """What provider and platform get (or give back) as a booking's earned total changes.

    Reckoned from the totals, so that a job that is paid, or refunded, in pieces is shared as it
    would have been at once, to the penny.
    """
    theirs = provider_share(after_minor, percent) - provider_share(before_minor, percent)
    return theirs, after_minor - before_minor - theirs
