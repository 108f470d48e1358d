"""Is what was given back at the gateway itself told from what we asked for, and counted once?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.money import Money
from domain.payment_events import Report, Said
from domain.payments import Method
from domain.refunds import Refund, RefundCause, RefundStatus
from domain.refunds_elsewhere import (
    found,
    is_more_than_known,
    is_old_news,
    made_after_all,
    stood_in_for,
    unknown,
)
from tests.factories import BOOKING, CUSTOMER, NOW
from tests.money import PAYMENT, a_payment, gbp

REFUND, OTHER = UUID(int=61), UUID(int=62)
SECOND = timedelta(seconds=1)


def a_refund(minor: int = 1000, **changes: Any) -> Refund:
    """By hand, and done."""
    facts: dict[str, Any] = {
        "id": REFUND,
        "payment_id": PAYMENT,
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "amount": gbp(minor),
        "cause": RefundCause.BY_HAND,
        "to": Method.CARD,
        "created_at": NOW,
        "gateway_id": "re_ours",
        "done_at": NOW,
    }
    return Refund(**facts | changes)


def a_failed(minor: int = 1000, **changes: Any) -> Refund:
    return a_refund(minor, **{"gateway_id": None, "done_at": None, "failed_at": NOW} | changes)


def report(said: Said = Said.REFUND_MADE, **changes: Any) -> Report:
    facts: dict[str, Any] = {
        "gateway": "stripe",
        "id": "evt_1",
        "type": "whatever",
        "said": said,
        "occurred_at": NOW,
        "money": gbp(1000),
        "refund": "re_1",
    }
    return Report(**facts | changes)


class TestWhatIsUnknown:
    def test_is_what_neither_carries_our_id_nor_is_booked(self) -> None:
        ours = a_refund()
        theirs = a_refund(id=OTHER, gateway_id="re_new", found_as="re_theirs")
        told = [
            report(refund="re_2"),
            report(refund="re_1"),
            # Ours, and not noted yet; ours, by its name; found before, and asked for anew since.
            report(refund="re_early", refund_id=REFUND),
            report(refund="re_ours"),
            report(refund="re_new"),
            report(refund="re_theirs"),
            report(Said.REFUNDED, refund=None),
            report(Said.REFUND_FAILED, refund="re_unheard", money=None),
        ]
        assert unknown(told, [ours, theirs]) == ["re_2", "re_1"]

    def test_is_one_however_often_it_is_told_of(self) -> None:
        told = [report(), report(Said.REFUND_FAILED, id="evt_2"), report(id="evt_3")]
        assert unknown(told, []) == ["re_1"]

    def test_is_what_carries_the_id_of_nothing_that_we_know(self) -> None:
        assert unknown([report(refund_id=OTHER)], [a_refund()]) == ["re_1"]


class TestOneThatStandsIn:
    def test_is_for_the_oldest_of_ours_that_the_gateway_would_not_do(self) -> None:
        late = a_failed(id=OTHER, created_at=NOW + SECOND)
        assert stood_in_for(gbp(1000), [late, a_failed()]) == a_failed()

    @pytest.mark.parametrize(
        "one",
        [
            a_refund(),
            a_failed(999),
            a_failed(amount=Money(amount_minor=1000, currency="EUR")),
            a_failed(to=Method.CREDITS),
            a_failed(found_as="re_9"),
            a_failed(failed_at=None, due_at=NOW),
        ],
    )
    def test_is_for_no_other(self, one: Refund) -> None:
        assert stood_in_for(gbp(1000), [one]) is None

    def test_makes_it_done_for_good(self) -> None:
        done = a_failed(failure="no").stood_in_for("re_9", at=NOW)
        assert (done.status, done.gateway_id, done.found_as) == (
            RefundStatus.DONE,
            "re_9",
            "re_9",
        )
        assert (done.failed_at, done.failure) == (None, None)


class TestWhatIsFound:
    def found(self, money: Money, **changes: Any) -> Refund:
        payment = a_payment(5000, **changes)
        return found(payment, money, gateway_id="re_1", uid=REFUND, at=NOW)

    def test_is_a_refund_that_is_done(self) -> None:
        assert self.found(gbp(1000)) == a_refund(
            cause=RefundCause.AT_GATEWAY, gateway_id="re_1", found_as="re_1"
        )
        assert self.found(gbp(1000)).excess is None

    @pytest.mark.parametrize(
        ("money", "refunded", "covered"),
        [
            (gbp(5000), 0, 5000),
            (gbp(5001), 0, 5000),
            (gbp(3000), 4000, 1000),
            (gbp(1), 5000, 0),
            (Money(amount_minor=700, currency="USD"), 0, 0),
        ],
    )
    def test_takes_no_more_than_there_is_to_give_back(
        self, money: Money, refunded: int, covered: int
    ) -> None:
        one = self.found(money, refunded_minor=refunded)
        assert (one.amount, one.covered_minor) == (money, covered)
        excess = money.amount_minor - covered
        assert one.excess == (replace(money, amount_minor=excess) if excess else None)

    def test_takes_nothing_where_nothing_came_in(self) -> None:
        assert self.found(gbp(9), received=None, paid_at=None).covered_minor == 0


class TestWhatWasMadeAfterAll:
    def test_is_what_we_gave_up_without_an_answer(self) -> None:
        told = [report(refund_id=REFUND)]
        assert made_after_all(told, [a_failed()]) == {REFUND: "re_1"}
        assert made_after_all(told, [a_refund()]) == {}
        assert made_after_all(told, [a_failed(id=OTHER)]) == {}

    def test_is_not_what_came_back(self) -> None:
        told = [report(refund_id=REFUND)]
        assert made_after_all(told, [a_failed(gateway_id="re_1")]) == {}
        back = report(Said.REFUND_FAILED, id="evt_2", refund_id=REFUND)
        assert made_after_all([*told, back], [a_failed(gateway_id="re_2")]) == {}


def test_what_failed_before_it_was_done_anew_is_old_news() -> None:
    failed = report(Said.REFUND_FAILED, refund_id=REFUND)
    assert is_old_news(failed, [a_refund()])
    assert not is_old_news(failed, [a_refund(gateway_id="re_1")])
    assert not is_old_news(failed, [a_failed()])
    assert not is_old_news(replace(failed, refund_id=OTHER), [a_refund()])


class TestMoreThanIsKnown:
    def knows(self, minor: int, *known: Refund) -> bool:
        sums = [report(Said.REFUNDED, id=f"evt_{n}", refund=None, money=gbp(n)) for n in (1, minor)]
        return is_more_than_known([report(), *sums], known)

    def test_is_a_sum_that_no_refund_explains(self) -> None:
        assert self.knows(1000)
        assert self.knows(1001, a_refund())
        assert not self.knows(1000, a_refund())
        assert not is_more_than_known([], [])

    def test_counts_what_the_gateway_may_have_counted(self) -> None:
        assert not self.knows(1000, a_failed(gateway_id="re_1"))
        assert not self.knows(1000, a_failed(failed_at=None, due_at=NOW))
        # It was never made there, or went to the customer's credit.
        assert self.knows(1000, a_failed())
        assert self.knows(1000, a_refund(to=Method.CREDITS, gateway_id=None))
