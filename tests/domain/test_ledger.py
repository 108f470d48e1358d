"""Do postings balance, and is every sum shared to the penny?"""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.booking_rules import BookingRules
from domain.bookings import Party
from domain.ledger import (
    Account,
    Line,
    LineKind,
    NotEnoughCredit,
    Posting,
    Unbalanced,
    posting,
    provider_percent,
    provider_share,
    shared,
)
from domain.money import Money
from tests.factories import NOW, PROVIDER, a_booking

MINOR = st.integers(min_value=0, max_value=2**40)
PERCENT = st.integers(min_value=0, max_value=100)


def line(minor: int, account: Account = Account.HELD) -> Line:
    return Line(account=account, kind=LineKind.PAYMENT, amount_minor=minor)


@pytest.mark.parametrize(
    ("total", "percent", "share"),
    [
        (10000, 80, 8000),
        (4050, 80, 3240),
        (1, 80, 1),
        (2, 80, 2),
        (3, 80, 2),
        (0, 80, 0),
        # Halves of a penny, which go to the provider.
        (5, 50, 3),
        (1, 50, 1),
        (625, 10, 63),
        (624, 10, 62),
        (12345, 80, 9876),
        (12345, 0, 0),
        (12345, 100, 12345),
        # What is taken back is the part that was given.
        (-5, 50, -3),
        (-1, 50, -1),
        (-4050, 80, -3240),
        (2**62, 80, 3689348814741910323),
    ],
)
def test_the_providers_part_is_rounded_half_up(total: int, percent: int, share: int) -> None:
    assert provider_share(total, percent) == share


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 10000, (8000, 2000)),
        (0, 3, (2, 1)),
        (3, 5, (2, 0)),
        (10000, 0, (-8000, -2000)),
        (10000, 9999, (-1, 0)),
        (9999, 9998, (-1, 0)),
        (9998, 9997, (0, -1)),
        (7, 7, (0, 0)),
    ],
)
def test_a_change_is_shared_by_the_totals_before_and_after(
    before: int, after: int, expected: tuple[int, int]
) -> None:
    assert shared(before, after, 80) == expected


@given(totals=st.lists(MINOR, min_size=1, max_size=8), percent=PERCENT)
def test_in_however_many_pieces_money_comes_and_goes_it_is_shared_as_at_once(
    totals: list[int], percent: int
) -> None:
    steps = list(zip([0, *totals], totals, strict=False))
    parts = [shared(before, after, percent) for before, after in steps]
    theirs, ours = (sum(part[n] for part in parts) for n in (0, 1))
    assert theirs == (totals[-1] * percent + 50) // 100
    assert theirs + ours == totals[-1]


@given(before=MINOR, more=MINOR, percent=PERCENT)
def test_nobody_gives_anything_back_when_more_is_earned(
    before: int, more: int, percent: int
) -> None:
    theirs, ours = shared(before, before + more, percent)
    assert theirs >= 0
    assert ours >= 0


def test_a_posting_that_does_not_balance_cannot_be_made() -> None:
    with pytest.raises(Unbalanced, match="payment:1"):
        Posting(cause="payment:1", currency="GBP", lines=(line(-100), line(99)))


def test_a_posting_leaves_out_its_empty_lines_and_is_none_without_any_other() -> None:
    kept = posting("x:1", "GBP", [line(-100), line(0, Account.PLATFORM), line(100)])
    assert kept is not None
    assert [one.amount_minor for one in kept.lines] == [-100, 100]
    assert posting("x:1", "GBP", [line(0), line(0)], booking_id=UUID(int=4)) is None
    assert posting("x:1", "GBP", []) is None


def test_the_providers_part_is_the_bookings_own_and_none_for_who_did_not_come() -> None:
    rules = BookingRules(provider_share_percent=65)
    staffed = {"provider_id": PROVIDER, "assigned_at": NOW, "rules": rules}
    assert provider_percent(a_booking(**staffed)) == 65
    assert provider_percent(a_booking(**staffed, absent=Party.CUSTOMER)) == 65
    assert provider_percent(a_booking(**staffed, absent=Party.PROVIDER)) == 0
    assert provider_percent(a_booking(rules=rules)) == 0


def test_who_has_too_little_credit_is_told_how_much_there_is() -> None:
    refusal = NotEnoughCredit(
        Money(amount_minor=5, currency="GBP"), Money(amount_minor=6, currency="GBP")
    )
    assert refusal.balance == Money(amount_minor=5, currency="GBP")
    assert refusal.due == Money(amount_minor=6, currency="GBP")
    assert str(refusal) == "There is not enough credit for this; pay by card."
