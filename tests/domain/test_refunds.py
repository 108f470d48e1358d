"""Which payments is a sum given back from, and out of whose pocket?"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.bookings import Booking
from domain.events import EventType
from domain.ledger import Settled
from domain.money import MAX_MINOR, Money
from domain.payments import Method, Payment, Purpose
from domain.refunds import (
    LEASE,
    Portion,
    Refund,
    RefundCause,
    RefundStatus,
    RefundTooLarge,
    Wish,
    about,
    divided,
    portions,
    refund_posting,
)
from domain.refusals import InvalidInput, NotFound
from tests.factories import BOOKING, CUSTOMER, NOW, PROVIDER, a_booking
from tests.money import PAYMENT, a_payment, gbp

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
REFUND = UUID(int=8)
DEPOSIT, BALANCE, TIP, WRONG, OPEN = (UUID(int=n) for n in range(11, 16))


def staffed(**changes: Any) -> Booking:
    return a_booking(provider_id=PROVIDER, assigned_at=NOW, paid_at=NOW, **changes)


def a_refund(minor: int = 1000, **changes: Any) -> Refund:
    facts: dict[str, Any] = {
        "id": REFUND,
        "payment_id": PAYMENT,
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "amount": gbp(minor),
        "cause": RefundCause.BY_HAND,
        "to": Method.CARD,
        "created_at": NOW,
        "due_at": NOW,
    }
    return Refund(**facts | changes)


def a_wish(minor: int | None = None, **changes: Any) -> Wish:
    amount = None if minor is None else gbp(minor)
    facts = {"amount": amount, "payment_id": None, "to": None, "reason": "Sorry."}
    return Wish(**facts | changes)


def all_kinds() -> list[Payment]:
    """Of the work: 30 with credits, then 70 by card. A tip of 5, 80 that should have been 90, and
    one that is still open."""
    return [
        a_payment(
            3000,
            id=DEPOSIT,
            purpose=Purpose.DEPOSIT,
            method=Method.CREDITS,
            paid_at=NOW - 3 * HOUR,
        ),
        a_payment(7000, id=BALANCE, purpose=Purpose.BALANCE, paid_at=NOW - 2 * HOUR),
        a_payment(500, id=TIP, purpose=Purpose.TIP, paid_at=NOW - HOUR),
        a_payment(9000, id=WRONG, received=Money(amount_minor=8000, currency="USD")),
        a_payment(9000, id=OPEN, received=None, paid_at=None),
    ]


def chosen(wish: Wish) -> list[tuple[UUID, int]]:
    found = portions(staffed(), all_kinds(), wish)
    return [(one.payment.id, one.amount_minor) for one in found]


class TestWhichPayments:
    @pytest.mark.parametrize(
        ("wish", "expected"),
        [
            (a_wish(), [(BALANCE, 7000), (DEPOSIT, 3000)]),
            (a_wish(10000), [(BALANCE, 7000), (DEPOSIT, 3000)]),
            (a_wish(7001), [(BALANCE, 7000), (DEPOSIT, 1)]),
            (a_wish(7000), [(BALANCE, 7000)]),
            (a_wish(1), [(BALANCE, 1)]),
            (a_wish(to=Method.CREDITS), [(BALANCE, 7000), (DEPOSIT, 3000)]),
            # What was paid with credits cannot go to a card.
            (a_wish(to=Method.CARD), [(BALANCE, 7000)]),
            (a_wish(2000, payment_id=DEPOSIT), [(DEPOSIT, 2000)]),
            (a_wish(payment_id=TIP), [(TIP, 500)]),
            (a_wish(payment_id=WRONG), [(WRONG, 8000)]),
            (
                a_wish(payment_id=WRONG, amount=Money(amount_minor=1, currency="USD")),
                [(WRONG, 1)],
            ),
        ],
    )
    def test_the_newest_for_the_work_or_the_one_that_is_named(
        self, wish: Wish, expected: list[tuple[UUID, int]]
    ) -> None:
        assert chosen(wish) == expected

    @pytest.mark.parametrize(
        ("wish", "most"),
        [
            (a_wish(10001), gbp(10000)),
            (a_wish(7001, to=Method.CARD), gbp(7000)),
            (a_wish(501, payment_id=TIP), gbp(500)),
            (a_wish(payment_id=OPEN), gbp(0)),
            (a_wish(1, payment_id=OPEN), gbp(0)),
        ],
    )
    def test_never_more_than_was_paid(self, wish: Wish, most: Money) -> None:
        with pytest.raises(RefundTooLarge, match="more than there is") as refused:
            chosen(wish)
        assert refused.value.refundable == most

    def test_what_was_given_back_is_not_there_to_give(self) -> None:
        paid = [a_payment(1000, refunded_minor=400)]
        (portion,) = portions(staffed(), paid, a_wish())
        assert portion.amount_minor == 600
        with pytest.raises(RefundTooLarge) as refused:
            portions(staffed(), paid, a_wish(601))
        assert refused.value.refundable == gbp(600)
        with pytest.raises(RefundTooLarge):
            portions(staffed(), [], a_wish())

    def test_not_one_of_another_booking(self) -> None:
        with pytest.raises(NotFound, match="Payment"):
            chosen(a_wish(payment_id=UUID(int=99)))

    @pytest.mark.parametrize(
        ("wish", "path"),
        [
            (a_wish(reason=""), ("reason",)),
            (a_wish(reason="x" * 501), ("reason",)),
            (a_wish(0), ("amount", "amountMinor")),
            (a_wish(MAX_MINOR + 1), ("amount", "amountMinor")),
            (a_wish(amount=Money(amount_minor=1, currency="???")), ("amount", "currency")),
            (a_wish(amount=Money(amount_minor=1, currency="USD")), ("amount", "currency")),
            (a_wish(1, payment_id=WRONG), ("amount", "currency")),
            (a_wish(payment_id=DEPOSIT, to=Method.CARD), ("to",)),
        ],
    )
    def test_a_wish_that_cannot_be_taken_says_what_is_wrong(
        self, wish: Wish, path: tuple[str, ...]
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            chosen(wish)
        assert [error.path for error in refused.value.errors] == [path]

    def test_a_sum_is_divided_over_the_newest_first_by_when_they_came_in(self) -> None:
        early = a_payment(10, id=UUID(int=22), paid_at=NOW - 2 * HOUR)
        late, beside = a_payment(20, id=UUID(int=21)), a_payment(30, id=UUID(int=23))
        none = a_payment(5, id=UUID(int=99), received=None, paid_at=None)
        found = divided([early, late, none, beside], 60)
        assert found == (
            Portion(payment=beside, amount_minor=30),
            Portion(payment=late, amount_minor=20),
            Portion(payment=early, amount_minor=10),
        )
        assert divided([early, late, beside], 99) == found
        assert divided([early, late, beside], 0) == ()


class TestWhosePocket:
    def booked(self, refund: Refund, payment: Payment, **money: int) -> dict[Any, int]:
        held = {"held": 0, "earned": 0} | money
        posting = refund_posting(refund, payment, staffed(), Settled(**held))
        assert posting is not None
        assert (posting.cause, posting.booking_id) == (f"refund:{REFUND}", BOOKING)
        assert posting.currency == refund.amount.currency
        for line in posting.lines:
            assert (line.provider_id == PROVIDER) == (line.account.value == "PROVIDER")
            assert (line.customer_id == CUSTOMER) == (line.account.value == "CREDIT")
        return {(one.account.value, one.kind.value): one.amount_minor for one in posting.lines}

    def test_what_is_held_goes_first(self) -> None:
        assert self.booked(a_refund(1000), a_payment(), held=10000) == {
            ("HELD", "REFUND"): -1000,
            ("OUTSIDE", "REFUND"): 1000,
        }

    def test_what_was_earned_is_taken_back_as_it_was_shared(self) -> None:
        assert self.booked(a_refund(1000), a_payment(), earned=10000) == {
            ("PROVIDER", "CLAWBACK"): -800,
            ("PLATFORM", "CLAWBACK"): -200,
            ("OUTSIDE", "REFUND"): 1000,
        }
        # Of 3 pence the provider has 2, of 2 still 2.
        assert self.booked(a_refund(1), a_payment(3), earned=3) == {
            ("PLATFORM", "CLAWBACK"): -1,
            ("OUTSIDE", "REFUND"): 1,
        }

    def test_first_the_one_and_then_the_other(self) -> None:
        assert self.booked(a_refund(1000), a_payment(), held=400, earned=9600) == {
            ("HELD", "REFUND"): -400,
            ("PROVIDER", "CLAWBACK"): -480,
            ("PLATFORM", "CLAWBACK"): -120,
            ("OUTSIDE", "REFUND"): 1000,
        }

    def test_to_credits_it_becomes_the_customers_credit(self) -> None:
        assert self.booked(a_refund(1000, to=Method.CREDITS), a_payment(), held=1000) == {
            ("HELD", "REFUND"): -1000,
            ("CREDIT", "CREDIT"): 1000,
        }

    def test_a_tip_comes_wholly_from_the_provider(self) -> None:
        tip = a_payment(1000, purpose=Purpose.TIP)
        assert self.booked(a_refund(1000), tip, held=5000, earned=5000) == {
            ("PROVIDER", "TIP"): -1000,
            ("OUTSIDE", "REFUND"): 1000,
        }

    @pytest.mark.parametrize("purpose", list(Purpose))
    def test_a_wrong_sum_comes_from_where_it_was_kept_apart(self, purpose: Purpose) -> None:
        wrong = a_payment(9000, received=Money(amount_minor=1000, currency="USD"), purpose=purpose)
        refund = a_refund(amount=Money(amount_minor=1000, currency="USD"))
        assert self.booked(refund, wrong, held=5000, earned=5000) == {
            ("UNALLOCATED", "REFUND"): -1000,
            ("OUTSIDE", "REFUND"): 1000,
        }

    def test_what_was_not_there_to_be_given_back_is_owed_by_nobody_yet(self) -> None:
        both = a_refund(1000, excess_minor=300)
        assert self.booked(both, a_payment(), held=10000) == {
            ("HELD", "REFUND"): -700,
            ("UNALLOCATED", "REFUND"): -300,
            ("OUTSIDE", "REFUND"): 1000,
        }
        usd = Money(amount_minor=1000, currency="USD")
        assert self.booked(a_refund(amount=usd, excess_minor=1000), a_payment(), held=10000) == {
            ("UNALLOCATED", "REFUND"): -1000,
            ("OUTSIDE", "REFUND"): 1000,
        }


class TestWhatBecomesOfIt:
    def test_it_is_due_when_its_time_has_come(self) -> None:
        assert a_refund().status is RefundStatus.WAITING
        assert a_refund().is_due(NOW)
        assert a_refund().is_due(NOW + SECOND)
        assert not a_refund().is_due(NOW - SECOND)

    def test_who_takes_it_has_it_for_a_while(self) -> None:
        taken = a_refund().taken(at=NOW)
        assert (taken.tries, taken.due_at, taken.status) == (1, NOW + LEASE, RefundStatus.WAITING)
        assert not taken.is_due(NOW + LEASE - SECOND)
        assert taken.is_due(NOW + LEASE)

    def test_done_is_done(self) -> None:
        done = a_refund(failure="busy").done("re_1", at=NOW)
        assert (done.status, done.gateway_id, done.failure) == (RefundStatus.DONE, "re_1", None)
        assert not done.is_due(NOW + HOUR)

    def test_put_off_it_waits_for_its_next_try(self) -> None:
        later = a_refund().put_off("busy", until=NOW + HOUR)
        assert (later.status, later.failure) == (RefundStatus.WAITING, "busy")
        assert not later.is_due(NOW)
        assert later.is_due(NOW + HOUR)

    def test_failed_it_rests_until_it_is_tried_anew(self) -> None:
        failed = a_refund(tries=12).failed("no", refused=False, at=NOW)
        assert (failed.status, failed.failed_at, failed.failure) == (
            RefundStatus.FAILED,
            NOW,
            "no",
        )
        assert not failed.is_due(NOW + HOUR)
        again = failed.again(at=NOW + HOUR)
        assert (again.status, again.tries) == (RefundStatus.WAITING, 0)
        assert again.is_due(NOW + HOUR)

    def test_it_is_asked_for_by_one_key_until_the_gateway_has_said_no(self) -> None:
        tried = a_refund().taken(at=NOW).put_off("busy", until=NOW)
        assert a_refund().key == tried.key == str(REFUND)
        silent = tried.failed("busy", refused=False, at=NOW).again(at=NOW)
        assert silent.key == str(REFUND)
        refused = silent.failed("no", refused=True, at=NOW).again(at=NOW)
        assert refused.key == f"{REFUND}:1"
        returned = refused.done("re_1", at=NOW).failed("closed card", refused=True, at=NOW)
        assert (returned.status, returned.done_at) == (RefundStatus.FAILED, None)
        assert returned.again(at=NOW).key == f"{REFUND}:2"

    def test_made_and_failed_at_once_it_keeps_its_name_there(self) -> None:
        failed = a_refund().failed("closed", refused=True, at=NOW, gateway_id="re_1")
        assert (failed.gateway_id, failed.key) == ("re_1", f"{REFUND}:1")
        assert failed.failed("no", refused=False, at=NOW).gateway_id == "re_1"

    def test_its_events_name_all_that_it_is_about(self) -> None:
        event = about(EventType.REFUND_CREATED, a_refund())
        assert event.type is EventType.REFUND_CREATED
        assert event.subject == {
            "refund": REFUND,
            "payment": PAYMENT,
            "booking": BOOKING,
            "customer": CUSTOMER,
        }
