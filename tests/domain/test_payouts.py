"""Who sends a payout, under which key, and what becomes of it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain import payouts
from domain.money import Money
from domain.payouts import PayCycle, Payout, PayoutDetails, PayoutNotFailed, PayoutStatus
from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from tests.factories import NOW, PROVIDER, a_viewer

LEASE, SECOND = timedelta(seconds=60), timedelta(seconds=1)
UID, OTHER = UUID(int=70), UUID(int=71)


def a_payout(**changes: Any) -> Payout:
    """Sixty pounds, to be sent now."""
    facts: dict[str, Any] = {
        "id": UID,
        "run_id": UUID(int=72),
        "provider_id": PROVIDER,
        "cycle": PayCycle.WEEKLY,
        "period": date(2026, 6, 1),
        "amount": Money(amount_minor=6000, currency="GBP"),
        "lines": 2,
        "created_at": NOW,
        "due_at": NOW,
    }
    return Payout(**facts | changes)


def test_who_takes_it_has_it_until_the_lease_is_over() -> None:
    made = a_payout()
    assert payouts.taken(made, at=NOW - SECOND, lease=LEASE) is None
    first = payouts.taken(made, at=NOW, lease=LEASE)
    assert first == replace(made, tries=1, due_at=NOW + LEASE)
    assert payouts.taken(first, at=NOW + LEASE - SECOND, lease=LEASE) is None
    second = payouts.taken(first, at=NOW + LEASE, lease=LEASE)
    assert second is not None
    assert second.tries == 2
    # Whoever had it before is not heard any more.
    assert payouts.is_sent_by(second, 2)
    assert not payouts.is_sent_by(second, 1)


def test_paid_it_is_done() -> None:
    sent = a_payout(tries=1, failure="No answer.")
    done = payouts.paid(sent, gateway="stripe", gateway_id="tr_1", at=NOW)
    assert (done.status, done.gateway, done.gateway_id) == (PayoutStatus.PAID, "stripe", "tr_1")
    assert (done.due_at, done.failure, done.paid_at) == (None, None, NOW)
    assert payouts.taken(done, at=NOW + LEASE, lease=LEASE) is None
    assert not payouts.is_sent_by(done, 1)


def test_put_off_it_is_sent_again_then() -> None:
    off = payouts.put_off(a_payout(tries=1), failure="No answer.", until=NOW + LEASE)
    assert (off.status, off.failure, off.due_at) == (
        PayoutStatus.WAITING,
        "No answer.",
        NOW + LEASE,
    )


def test_given_up_it_waits_for_somebody_who_has_it_tried_again() -> None:
    given_up = payouts.failed(a_payout(tries=3), failure="No answer.", refused=False, at=NOW)
    assert (given_up.status, given_up.due_at) == (PayoutStatus.FAILED, None)
    again = payouts.retried(given_up, at=NOW + LEASE)
    assert (again.status, again.due_at) == (PayoutStatus.WAITING, NOW + LEASE)
    # It is known to have been sent before, and has its tries again.
    assert (again.tries, again.tries_now) == (3, 0)


@pytest.mark.parametrize("changes", [{}, {"paid_at": NOW, "due_at": None}])
def test_only_what_has_failed_is_tried_again(changes: dict[str, Any]) -> None:
    payout = a_payout(**changes)
    with pytest.raises(PayoutNotFailed) as refused:
        payouts.retried(payout, at=NOW)
    assert refused.value.payout == payout


def test_its_key_changes_only_when_the_gateway_has_said_no_for_good() -> None:
    payout = a_payout(tries=1)
    assert payout.key == str(UID)
    silent = payouts.failed(payout, failure="No answer.", refused=False, at=NOW)
    assert payouts.retried(silent, at=NOW).key == str(UID)
    refused = payouts.failed(payout, failure="No account.", refused=True, at=NOW)
    assert payouts.retried(refused, at=NOW).key == f"{UID}:1"


def test_it_is_seen_by_its_provider_and_those_who_look_after_money() -> None:
    payout = a_payout()
    seeing = {role for role in Role if payout.is_visible_to(a_viewer(user_id=OTHER, role=role))}
    assert seeing == {Role.DISPATCHER, Role.ANALYST, Role.ADMIN}
    assert payout.is_visible_to(a_viewer(user_id=PROVIDER, role=Role.PROVIDER))


DETAILS = PayoutDetails(provider_id=PROVIDER, cycle=PayCycle.WEEKLY, account=None)
SELF, ADMIN = (a_viewer(user_id=PROVIDER, role=role) for role in (Role.PROVIDER, Role.ADMIN))


def test_providers_say_where_and_admins_how_often_too() -> None:
    mine = payouts.change_details(DETAILS, account="acct_1", cycle=None, by=SELF)
    assert mine == replace(DETAILS, account="acct_1")
    theirs = payouts.change_details(mine, account=None, cycle=PayCycle.MONTHLY, by=ADMIN)
    assert theirs == replace(DETAILS, account="acct_1", cycle=PayCycle.MONTHLY)
    with pytest.raises(InvalidInput) as refused:
        payouts.change_details(DETAILS, account="acct_1", cycle=PayCycle.MONTHLY, by=SELF)
    assert [error.path for error in refused.value.errors] == [("cycle",)]


@pytest.mark.parametrize("account", ["", " ", "acct 1", "acct_\n", "acct_é", "a" * 201])
def test_what_is_no_account_is_refused(account: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        payouts.change_details(DETAILS, account=account, cycle=PayCycle.WEEKLY, by=SELF)
    assert [error.path for error in refused.value.errors] == [("cycle",), ("account",)]
    longest = payouts.change_details(DETAILS, account="a" * 200, cycle=None, by=SELF)
    assert longest.account == "a" * 200


def test_a_providers_details_are_theirs_and_an_admins_to_name() -> None:
    assert payouts.whose_details(SELF, None) == PROVIDER
    assert payouts.whose_details(ADMIN, OTHER) == OTHER
    with pytest.raises(NotFound):
        payouts.whose_details(SELF, OTHER)
    with pytest.raises(InvalidInput):
        payouts.whose_details(ADMIN, None)
