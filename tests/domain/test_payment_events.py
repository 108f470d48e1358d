"""Is where a payment stands the same, in whatever order and however often a gateway tells of it?"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from domain.money import Money
from domain.payment_events import Report, Said, fold
from domain.payments import Payment, PaymentStatus
from tests.factories import NOW
from tests.paying import to_pay

SECOND = timedelta(seconds=1)
RIGHT = Money(amount_minor=4050, currency="GBP")
WRONG = Money(amount_minor=405, currency="GBP")


def report(said: Said | None, second: int, **changes: Any) -> Report:
    facts: dict[str, Any] = {
        "gateway": "stripe",
        "id": f"evt_{second}",
        "type": "whatever",
        "said": said,
        "occurred_at": NOW + second * SECOND,
        "heard_at": NOW + (second + 10) * SECOND,
        "money": RIGHT if said is Said.PAID else None,
    }
    return Report(**facts | changes)


def heard(second: int) -> datetime:
    return NOW + (second + 10) * SECOND


def in_turn(payment: Payment, *reports: Report) -> Payment:
    """The payment after it was folded each time that one more report was there."""
    for n in range(1, len(reports) + 1):
        payment = fold(payment, reports[:n])
    return payment


LOG = (
    report(Said.PROCESSING, 1),
    report(Said.FAILED, 2, failure="Your card was declined."),
    report(Said.FAILED, 3, failure="Your card has expired."),
    report(Said.PAID, 4, gateway_id="pi_1"),
    report(Said.REFUNDED, 5, money=Money(amount_minor=50, currency="GBP")),
    report(None, 6),
)


@pytest.mark.parametrize("order", list(permutations(range(len(LOG)))), ids=str)
def test_every_order_of_a_payments_log_ends_alike(order: tuple[int, ...]) -> None:
    one_by_one = in_turn(to_pay(gateway_id=None), *(LOG[n] for n in order))
    assert one_by_one == fold(to_pay(gateway_id=None), LOG * 3)
    assert one_by_one == to_pay(
        received=RIGHT,
        paid_at=heard(4),
        gateway_id="pi_1",
        failed_at=NOW + 3 * SECOND,
        failure="Your card has expired.",
    )


class TestWhatCameIn:
    def test_stays_whatever_is_said_afterwards(self) -> None:
        paid = in_turn(to_pay(), report(Said.PAID, 1), report(Said.CANCELLED, 2))
        assert paid.status is PaymentStatus.PAID
        assert paid.cancelled_at == heard(2)
        late = fold(to_pay(), [report(Said.CANCELLED, 1), report(Said.PAID, 2)])
        assert late.status is PaymentStatus.PAID

    def test_is_a_mismatch_where_the_sum_is_another(self) -> None:
        folded = fold(to_pay(), [report(Said.PAID, 1, money=WRONG)])
        assert folded == to_pay(received=WRONG, paid_at=heard(1), mismatched_at=heard(1))
        assert folded.status is PaymentStatus.MISMATCHED

    def test_is_a_mismatch_where_the_currency_is_another(self) -> None:
        euros = replace(RIGHT, currency="EUR")
        folded = fold(to_pay(), [report(Said.PAID, 1, money=euros)])
        assert (folded.status, folded.received) == (PaymentStatus.MISMATCHED, euros)

    @pytest.mark.parametrize("right_first", [True, False])
    def test_is_the_right_sum_whenever_it_is_told_and_the_wrong_one_is_remembered(
        self, right_first: bool
    ) -> None:
        both = [report(Said.PAID, 2), report(Said.PAID, 1, money=WRONG)]
        folded = in_turn(to_pay(), *(both if right_first else reversed(both)))
        assert folded == to_pay(received=RIGHT, paid_at=heard(2), mismatched_at=heard(1))

    @pytest.mark.parametrize(
        ("wrong", "refunded", "counts"),
        [
            (WRONG, 1, True),
            (WRONG, 405, True),
            (replace(RIGHT, amount_minor=9000), 4050, True),
            # More went back than it is, or in another currency.
            (replace(RIGHT, amount_minor=9000), 4051, False),
            (replace(RIGHT, currency="EUR"), 1, False),
            (replace(RIGHT, currency="EUR"), 0, True),
        ],
    )
    def test_is_the_right_sum_as_far_as_what_went_back_of_the_wrong_one_fits_into_it(
        self, wrong: Money, refunded: int, counts: bool
    ) -> None:
        before = to_pay(received=wrong, paid_at=NOW, mismatched_at=NOW, refunded_minor=refunded)
        after = fold(before, [report(Said.PAID, 1, money=wrong), report(Said.PAID, 2)])
        put_right = replace(before, received=RIGHT, paid_at=heard(2))
        assert after == (put_right if counts else before)

    def test_of_two_wrong_sums_is_the_first(self) -> None:
        more = replace(WRONG, amount_minor=406)
        both = [report(Said.PAID, 2, money=more), report(Said.PAID, 1, money=WRONG)]
        folded = fold(to_pay(), both)
        assert folded.received == WRONG
        assert fold(folded, both) == folded


def test_what_was_asked_for_and_not_yet_answered_stays_as_it_is() -> None:
    assert fold(to_pay(), []) == to_pay()
    assert fold(to_pay(), [report(Said.PROCESSING, 1)]) == to_pay()
    assert to_pay().status is PaymentStatus.PENDING


def test_what_the_gateway_calls_off_is_called_off_since_we_first_heard_of_it() -> None:
    twice = [report(Said.CANCELLED, 2), report(Said.CANCELLED, 1)]
    folded = fold(to_pay(), twice)
    assert (folded.status, folded.cancelled_at) == (PaymentStatus.CANCELLED, heard(1))
    ours = to_pay(cancelled_at=NOW)
    assert fold(ours, twice) == ours
