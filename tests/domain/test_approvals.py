"""Does a provider stand with the house as the table says, and is every other step refused?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from domain.approvals import (
    STEPS,
    Decision,
    ProviderApproval,
    Standing,
    WrongApproval,
    approve,
    reinstate,
    standing,
    suspend,
)
from domain.refusals import InvalidInput
from tests.factories import NOW, a_provider

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.providers import Provider

SUSPENDED: dict[str, Any] = {"suspended_at": NOW, "suspended_because": "Late."}
PROVIDERS = {
    ProviderApproval.PENDING: a_provider(approved_at=None),
    ProviderApproval.APPROVED: a_provider(),
    ProviderApproval.SUSPENDED: a_provider(**SUSPENDED),
}
DECISIONS: dict[Decision, Callable[[Provider], Provider]] = {
    Decision.APPROVE: partial(approve, at=NOW),
    Decision.SUSPEND: partial(suspend, reason="Late.", at=NOW),
    Decision.REINSTATE: reinstate,
}


@pytest.mark.parametrize("approval", ProviderApproval)
def test_a_provider_stands_as_the_facts_say(approval: ProviderApproval) -> None:
    provider = PROVIDERS[approval]

    assert standing(provider) == Standing(
        approval=approval,
        approved_at=provider.approved_at,
        suspended_at=provider.suspended_at,
        suspended_because=provider.suspended_because,
    )
    assert provider.is_active is (approval is ProviderApproval.APPROVED)


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("approval", ProviderApproval)
def test_every_step_is_the_tables(approval: ProviderApproval, decision: Decision) -> None:
    provider, decide = PROVIDERS[approval], DECISIONS[decision]
    if decision in STEPS[approval]:
        assert decide(provider) != provider
        return
    with pytest.raises(WrongApproval) as refused:
        decide(provider)
    assert (refused.value.decision, refused.value.approval) == (decision, approval)


def test_the_table_has_four_steps() -> None:
    assert {(approval, step) for approval, steps in STEPS.items() for step in steps} == {
        (ProviderApproval.PENDING, Decision.APPROVE),
        (ProviderApproval.PENDING, Decision.SUSPEND),
        (ProviderApproval.APPROVED, Decision.SUSPEND),
        (ProviderApproval.SUSPENDED, Decision.REINSTATE),
    }


def test_a_decision_changes_its_own_facts_only() -> None:
    waiting = a_provider(approved_at=None)

    assert approve(waiting, at=NOW) == a_provider(approved_at=NOW)
    assert suspend(a_provider(), "Late.", at=NOW) == a_provider(**SUSPENDED)


@pytest.mark.parametrize("approved_at", [None, NOW])
def test_who_is_reinstated_stands_where_they_stood(approved_at: Any) -> None:
    before = a_provider(approved_at=approved_at)

    assert reinstate(suspend(before, "Late.", at=NOW)) == before


@pytest.mark.parametrize("reason", ["", "x" * 501, "nul\x00l", "half\ud800"])
def test_a_suspension_has_a_reason(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        suspend(a_provider(), reason, at=NOW)
    assert [error.path for error in refused.value.errors] == [("reason",)]
