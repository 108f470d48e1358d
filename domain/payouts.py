"""What is paid out to providers, and what has become of it?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.people import Role, whose
from domain.refusals import FieldError, InvalidInput, Refusal

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta
    from uuid import UUID

    from domain.money import Money
    from domain.people import Viewer

#: The most characters of what a gateway calls an account.
MAX_ACCOUNT: Final = 200


class PayCycle(StrEnum):
    """How often a provider is paid. Each is on one cycle."""

    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


class PayoutStatus(StrEnum):
    """Where a payout stands."""

    #: Decided, its lines are taken; the gateway has still to be told, or to answer.
    WAITING = "WAITING"
    PAID = "PAID"
    #: The gateway would not, every time; staff have to look, and can have it tried again.
    FAILED = "FAILED"


class PayoutNotFailed(Refusal):
    """Only what has failed is tried again by hand. Carries the payout as it stands."""

    def __init__(self, payout: Payout) -> None:
        super().__init__("This payout has not failed; there is nothing to try again.")
        self.payout = payout


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One sum for one provider and period."""

    id: UUID
    run_id: UUID
    provider_id: UUID
    cycle: PayCycle
    #: The local date on which the period's payroll was due.
    period: date
    amount: Money
    #: How many ledger lines it pays.
    lines: int
    created_at: datetime
    gateway: str | None = None
    gateway_id: str | None = None
    #: How often a gateway was told, ever; and how many of these were over when somebody last had
    #: it tried again.
    tries: int = 0
    tries_before: int = 0
    #: How often the gateway has said no for good.
    refusals: int = 0
    #: When to try (again); None when there is nothing left to try.
    due_at: datetime | None = None
    paid_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None

    @property
    def status(self) -> PayoutStatus:
        """Where it stands, from its facts."""
        if self.paid_at:
            return PayoutStatus.PAID
        return PayoutStatus.FAILED if self.failed_at else PayoutStatus.WAITING

    @property
    def key(self) -> str:
        """What it is paid once by, however often it is sent.

        A gateway gives the answer that it gave to a key again. One that said no, and so has paid
        nothing, is asked anew under another key; one that did not answer never is.
        """
        return f"{self.id}:{self.refusals}" if self.refusals else str(self.id)

    @property
    def tries_now(self) -> int:
        """How often it was sent since it was made, or since somebody had it tried again."""
        return self.tries - self.tries_before

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it the viewer's own, or is the viewer one who looks after the house's money?"""
        return viewer.is_staff or viewer.role is Role.ANALYST or viewer.user_id == self.provider_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PayrollRun:
    """One payroll: everybody on a cycle, for one period. There is one of each, ever."""

    id: UUID
    cycle: PayCycle
    period: date
    #: Lines written before this are paid.
    due_at: datetime
    started_at: datetime
    finished_at: datetime | None = None
    #: The member of staff who had it run; None where its time had come.
    asked_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutDetails:
    """How a provider is paid: how often, and into which of the gateway's accounts."""

    provider_id: UUID
    cycle: PayCycle
    account: str | None


def taken(payout: Payout, *, at: datetime, lease: timedelta) -> Payout | None:
    """The payout as whoever sends it now has it; None where it is not, or not yet, to be sent.

    It is due again when the lease is over, should they never be heard of again.
    """
    if payout.due_at is None or payout.due_at > at:
        return None
    return replace(payout, tries=payout.tries + 1, due_at=at + lease)


def is_sent_by(payout: Payout, tries: int) -> bool:
    """Is whoever took it for that try still the one who sends it?"""
    return payout.status is PayoutStatus.WAITING and payout.tries == tries


def paid(payout: Payout, *, gateway: str, gateway_id: str, at: datetime) -> Payout:
    """The payout, paid."""
    done = replace(payout, gateway=gateway, gateway_id=gateway_id, paid_at=at)
    return replace(done, due_at=None, failure=None)


def put_off(payout: Payout, *, failure: str, until: datetime) -> Payout:
    """The payout, to be sent again then."""
    return replace(payout, failure=failure, due_at=until)


def failed(payout: Payout, *, failure: str, refused: bool, at: datetime) -> Payout:
    """The payout, given up. `refused` says that the gateway said no for good."""
    refusals = payout.refusals + refused
    return replace(payout, failure=failure, failed_at=at, due_at=None, refusals=refusals)


def retried(payout: Payout, *, at: datetime) -> Payout:
    """The payout, to be sent again now. Raises PayoutNotFailed."""
    if payout.status is not PayoutStatus.FAILED:
        raise PayoutNotFailed(payout)
    return replace(payout, failed_at=None, due_at=at, tries_before=payout.tries)


def change_details(
    details: PayoutDetails, *, account: str | None, cycle: PayCycle | None, by: Viewer
) -> PayoutDetails:
    """How the provider is paid from now on; what is None stays as it is.

    The house decides how often it pays. Raises InvalidInput.
    """
    errors = []
    if cycle is not None and by.role is not Role.ADMIN:
        message = "How often you are paid is for the house to say; leave it out."
        errors.append(FieldError(path=("cycle",), message=message))
    if account is not None and not _is_account(account):
        message = f"Write 1 to {MAX_ACCOUNT} letters, digits and signs, without a space."
        errors.append(FieldError(path=("account",), message=message))
    if errors:
        raise InvalidInput(*errors)
    return replace(details, account=account or details.account, cycle=cycle or details.cycle)


def whose_details(viewer: Viewer, provider_id: UUID | None) -> UUID:
    """Whose details the viewer means: a provider their own, an admin anybody's.

    Raises NotFound for somebody else's, or InvalidInput where an admin does not say whose.
    """
    return whose(viewer, provider_id, open_to={Role.ADMIN})


def _is_account(text: str) -> bool:
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and 1 <= len(text) <= MAX_ACCOUNT
