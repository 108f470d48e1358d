"""When a booking is over, is what was held earned, kept or given back, to the penny?"""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.bookings import Booking, Party
from domain.ledger import Account, LineKind, Posting, Settled
from domain.payments import Purpose
from domain.refunds import RefundCause
from domain.settlements import Settlement, settle
from tests.factories import BOOKING, NOW, PROVIDER, a_booking
from tests.money import a_payment, gbp

HOUR = timedelta(hours=1)
OVER = NOW - timedelta(minutes=30)
FIRST, SECOND, THIRD = (UUID(int=n) for n in (11, 12, 13))


def staffed(**changes: Any) -> Booking:
    return a_booking(**{"provider_id": PROVIDER, "assigned_at": NOW, "paid_at": NOW} | changes)


def done(**changes: Any) -> Booking:
    return staffed(started_at=OVER, completed_at=OVER, **changes)


def called_off(fee: int | None, **changes: Any) -> Booking:
    return staffed(**{"cancelled_at": OVER, "fee_minor": fee} | changes)


def kept(settlement: Settlement) -> Counter[tuple[str, str]]:
    """What is kept, by account and kind."""
    if settlement.kept is None:
        return Counter()
    lines = settlement.kept.lines
    return Counter({(one.account.value, one.kind.value): one.amount_minor for one in lines})


def back(settlement: Settlement) -> list[tuple[UUID, int, RefundCause]]:
    return [(one.payment.id, one.amount_minor, why) for one, why in settlement.refunds]


@pytest.mark.parametrize(
    "going_on",
    [
        a_booking(),
        a_booking(needs_approval=True, paid_at=NOW),
        a_booking(paid_at=NOW),
        staffed(),
        staffed(started_at=NOW),
    ],
)
def test_what_goes_on_keeps_its_money_held(going_on: Booking) -> None:
    money = Settled(held=10000, earned=0)
    assert settle(going_on, [a_payment()], money) == Settlement()


def test_work_that_is_done_is_earned_and_shared() -> None:
    outcome = settle(done(), [a_payment(4051)], Settled(held=4051, earned=0))
    assert kept(outcome) == {
        ("HELD", "EARNING"): -4051,
        ("PROVIDER", "EARNING"): 3241,
        ("PLATFORM", "COMMISSION"): 810,
    }
    assert isinstance(outcome.kept, Posting)
    assert outcome.kept.cause == f"earning:{BOOKING}:0"
    assert outcome.kept.booking_id == BOOKING
    assert {one.provider_id for one in outcome.kept.lines if one.account == Account.PROVIDER} == {
        PROVIDER
    }
    assert outcome.refunds == ()


def test_what_is_paid_after_the_work_is_shared_with_what_was_before() -> None:
    # 3 pence at first, of which the provider has 2; of 5 they have 4.
    outcome = settle(done(), [], Settled(held=2, earned=3, settlements=1))
    assert kept(outcome) == {("HELD", "EARNING"): -2, ("PROVIDER", "EARNING"): 2}
    assert outcome.kept is not None
    assert outcome.kept.cause == f"earning:{BOOKING}:1"


@pytest.mark.parametrize(
    "over", [done(), called_off(0), called_off(None), staffed(no_show_at=OVER), called_off(2025)]
)
def test_with_nothing_held_there_is_nothing_to_do(over: Booking) -> None:
    assert settle(over, [a_payment()], Settled(held=0, earned=0)) == Settlement()


@pytest.mark.parametrize(
    ("held", "fee", "theirs", "ours", "returned"),
    [
        (10000, 0, 0, 0, 10000),
        (10000, 5000, 4000, 1000, 5000),
        (10000, 10000, 8000, 2000, 0),
        (10000, 1, 1, 0, 9999),
        (9999, 5000, 4000, 1000, 4999),
        # No more is kept than there is.
        (2000, 5000, 1600, 400, 0),
        (1, 5000, 1, 0, 0),
    ],
)
def test_of_what_is_called_off_the_fee_is_kept_and_the_rest_goes_back(
    held: int, fee: int, theirs: int, ours: int, returned: int
) -> None:
    outcome = settle(called_off(fee), [a_payment(held)], Settled(held=held, earned=0))
    want = {("HELD", "FEE"): -(held - returned)}
    want |= {("PROVIDER", "FEE"): theirs, ("PLATFORM", "FEE"): ours}
    assert kept(outcome) == {key: value for key, value in want.items() if value}
    expected = [(a_payment().id, returned, RefundCause.CANCELLED)] if returned else []
    assert back(outcome) == expected
    if outcome.kept:
        assert outcome.kept.cause == f"fee:{BOOKING}:0"


def test_a_fee_is_taken_once_also_of_money_that_comes_later() -> None:
    paid = a_payment(10000, paid_at=OVER + HOUR)
    partly = Settled(held=10000, earned=2000, fees=2000, settlements=1)
    outcome = settle(called_off(5000), [paid], partly)
    assert kept(outcome) == {
        ("HELD", "FEE"): -3000,
        ("PROVIDER", "FEE"): 2400,
        ("PLATFORM", "FEE"): 600,
    }
    assert back(outcome) == [(paid.id, 7000, RefundCause.LATE_PAYMENT)]

    # What staff have given back of a fee since is not taken again.
    whole = Settled(held=10000, earned=1000, fees=5000, settlements=2)
    again = settle(called_off(5000), [paid], whole)
    assert again.kept is None
    assert back(again) == [(paid.id, 10000, RefundCause.LATE_PAYMENT)]


@pytest.mark.parametrize(
    ("over", "cause"),
    [
        (called_off(0), RefundCause.CANCELLED),
        (a_booking(needs_approval=True, declined_at=OVER), RefundCause.DECLINED),
        (staffed(no_show_at=OVER, absent=Party.PROVIDER, fee_minor=0), RefundCause.NO_SHOW),
    ],
)
def test_it_says_why_money_goes_back(over: Booking, cause: RefundCause) -> None:
    money = Settled(held=10000, earned=0)
    before, at, after = OVER - HOUR, OVER, OVER + HOUR
    assert back(settle(over, [a_payment(paid_at=before)], money))[0][2] == cause
    assert back(settle(over, [a_payment(paid_at=at)], money))[0][2] == cause
    late = RefundCause.LATE_PAYMENT
    assert back(settle(over, [a_payment(paid_at=after)], money))[0][2] == late


def test_an_absent_provider_has_nothing_of_a_fee() -> None:
    over = staffed(no_show_at=OVER, absent=Party.PROVIDER, fee_minor=100)
    outcome = settle(over, [a_payment(100)], Settled(held=100, earned=0))
    assert kept(outcome) == {("HELD", "FEE"): -100, ("PLATFORM", "FEE"): 100}


def test_the_newest_payment_goes_back_first_and_tips_and_wrong_sums_do_not() -> None:
    payments = [
        a_payment(3000, id=FIRST, purpose=Purpose.DEPOSIT, paid_at=OVER - 3 * HOUR),
        a_payment(7000, id=SECOND, purpose=Purpose.BALANCE, paid_at=OVER - 2 * HOUR),
        a_payment(500, id=THIRD, purpose=Purpose.TIP, paid_at=OVER - HOUR),
        a_payment(9000, id=UUID(int=14), received=gbp(8000), paid_at=OVER - HOUR),
        a_payment(9000, id=UUID(int=15), received=None, paid_at=None),
    ]
    cause = RefundCause.CANCELLED
    some = settle(called_off(5000), payments, Settled(held=10000, earned=0))
    assert back(some) == [(SECOND, 5000, cause)]
    most = settle(called_off(1000), payments, Settled(held=10000, earned=0))
    assert back(most) == [(SECOND, 7000, cause), (FIRST, 2000, cause)]


def test_what_was_given_back_already_is_not_given_again() -> None:
    paid = a_payment(10000, refunded_minor=6000)
    outcome = settle(called_off(1000), [paid], Settled(held=4000, earned=0))
    assert kept(outcome)[("PROVIDER", "FEE")] == 800
    assert back(outcome) == [(paid.id, 3000, RefundCause.CANCELLED)]
    assert LineKind.FEE in {one.kind for one in outcome.kept.lines} if outcome.kept else False
