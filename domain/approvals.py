"""Where does a provider stand with the house, and what may be decided of them next?

A provider gets work when the house has approved them and has not suspended them. Every legal step
is in one table; a missing pair is the error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.refusals import InvalidInput, Refusal, wrong_text

if TYPE_CHECKING:
    from datetime import datetime

    from domain.providers import Provider

MAX_REASON: Final = 500


class ProviderApproval(StrEnum):
    """Whether a provider may get work."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    SUSPENDED = "SUSPENDED"


class Decision(StrEnum):
    """What the house can decide of a provider."""

    APPROVE = "APPROVE"
    SUSPEND = "SUSPEND"
    REINSTATE = "REINSTATE"


#: Every legal step. Who is reinstated stands where they stood: somebody who was never approved
#: still waits for it.
STEPS: Final[dict[ProviderApproval, frozenset[Decision]]] = {
    ProviderApproval.PENDING: frozenset({Decision.APPROVE, Decision.SUSPEND}),
    ProviderApproval.APPROVED: frozenset({Decision.SUSPEND}),
    ProviderApproval.SUSPENDED: frozenset({Decision.REINSTATE}),
}


class WrongApproval(Refusal):
    """The provider stands where this cannot be decided. Carries where that is."""

    def __init__(self, decision: Decision, approval: ProviderApproval) -> None:
        super().__init__(f"{_PHRASE[decision]} is not possible while the provider is {approval}.")
        self.decision = decision
        self.approval = approval


_PHRASE: Final = {
    Decision.APPROVE: "Approving",
    Decision.SUSPEND: "Suspending",
    Decision.REINSTATE: "Reinstating",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a provider stands with the house, since when, and why."""

    approval: ProviderApproval
    approved_at: datetime | None
    suspended_at: datetime | None
    suspended_because: str | None


def standing(provider: Provider) -> Standing:
    """Where the provider stands, from the facts. The first line that holds decides."""
    if provider.suspended_at is not None:
        approval = ProviderApproval.SUSPENDED
    elif provider.approved_at is not None:
        approval = ProviderApproval.APPROVED
    else:
        approval = ProviderApproval.PENDING
    return Standing(
        approval=approval,
        approved_at=provider.approved_at,
        suspended_at=provider.suspended_at,
        suspended_because=provider.suspended_because,
    )


def approve(provider: Provider, *, at: datetime) -> Provider:
    """Let them get work, as soon as their profile allows. Raises WrongApproval."""
    _check(provider, Decision.APPROVE)
    return replace(provider, approved_at=at)


def suspend(provider: Provider, reason: str, *, at: datetime) -> Provider:
    """Let them get no work for now. Raises InvalidInput without a reason, or WrongApproval."""
    if wrong := wrong_text(("reason",), reason, 1, MAX_REASON):
        raise InvalidInput(*wrong)
    _check(provider, Decision.SUSPEND)
    return replace(provider, suspended_at=at, suspended_because=reason)


def reinstate(provider: Provider) -> Provider:
    """Let them stand where they stood. Raises WrongApproval."""
    _check(provider, Decision.REINSTATE)
    return replace(provider, suspended_at=None, suspended_because=None)


def _check(provider: Provider, decision: Decision) -> None:
    approval = standing(provider).approval
    if decision not in STEPS[approval]:
        raise WrongApproval(decision, approval)
