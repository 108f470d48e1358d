"""Is credit given for a reason, in sums that can be kept, and does the house owe it?"""

from typing import Any
from uuid import UUID

import pytest

from domain.credits import (
    CreditLine,
    CreditUse,
    Grant,
    check,
    check_balance,
    grant_posting,
    granted,
)
from domain.events import EventType
from domain.money import MAX_MINOR, Money
from domain.refusals import InvalidInput
from tests.factories import CUSTOMER, NOW
from tests.money import gbp

GRANT, STAFF = UUID(int=31), UUID(int=32)


def a_grant(minor: int = 500, **changes: Any) -> Grant:
    facts: dict[str, Any] = {
        "id": GRANT,
        "customer_id": CUSTOMER,
        "amount": gbp(minor),
        "reason": "A late start.",
        "granted_by": STAFF,
        "at": NOW,
    }
    return Grant(**facts | changes)


@pytest.mark.parametrize("minor", [1, 500, MAX_MINOR])
def test_any_sum_that_can_be_kept_may_be_given(minor: int) -> None:
    check(a_grant(minor))


@pytest.mark.parametrize(
    ("grant", "paths"),
    [
        (a_grant(0), [("amount", "amountMinor")]),
        (a_grant(-1), [("amount", "amountMinor")]),
        (a_grant(MAX_MINOR + 1), [("amount", "amountMinor")]),
        (a_grant(amount=Money(amount_minor=1, currency="XXX")), [("amount", "currency")]),
        (a_grant(reason=""), [("reason",)]),
        (a_grant(0, reason="x" * 501), [("amount", "amountMinor"), ("reason",)]),
    ],
)
def test_what_cannot_be_given_says_why(grant: Grant, paths: list[tuple[str, ...]]) -> None:
    with pytest.raises(InvalidInput) as refused:
        check(grant)
    assert [error.path for error in refused.value.errors] == paths


def test_no_more_is_kept_than_a_sum_can_be() -> None:
    check_balance(MAX_MINOR)
    with pytest.raises(InvalidInput, match="give less"):
        check_balance(MAX_MINOR + 1)


def test_whoever_is_given_credit_is_told_of_it() -> None:
    event = granted(a_grant())
    assert event.type is EventType.CREDIT_GRANTED
    assert event.subject == {"credit_grant": GRANT, "customer": CUSTOMER}


def test_the_house_owes_what_it_gives() -> None:
    posting = grant_posting(a_grant())
    assert (posting.cause, posting.currency, posting.booking_id) == (
        f"credit:{GRANT}",
        "GBP",
        None,
    )
    assert [(one.account.value, one.amount_minor, one.customer_id) for one in posting.lines] == [
        ("PLATFORM", -500, None),
        ("CREDIT", 500, CUSTOMER),
    ]


@pytest.mark.parametrize(
    ("cause", "use"),
    [
        ("credit:1", CreditUse.GRANTED),
        ("payment:1", CreditUse.SPENT),
        ("refund:1", CreditUse.REFUNDED),
    ],
)
def test_a_line_says_how_it_came_about(cause: str, use: CreditUse) -> None:
    line = CreditLine(id=GRANT, cause=cause, amount=gbp(-5), booking_id=None, reason=None, at=NOW)
    assert line.use is use
