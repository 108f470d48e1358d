"""Who may be thanked with how much, and when?"""

from typing import Any
from uuid import UUID

import pytest

from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.money import Money
from domain.paying import Asked
from domain.payments import Method, PaymentStatus, Purpose
from domain.refusals import InvalidInput
from domain.tips import NothingToThankFor, Wish, ask, most
from tests.factories import BOOKING, CUSTOMER, NOW, PROVIDER, a_booking
from tests.money import a_payment, gbp

NEW = UUID(int=41)


def done(**changes: Any) -> Booking:
    facts = {"provider_id": PROVIDER, "assigned_at": NOW, "paid_at": NOW, "completed_at": NOW}
    return a_booking(**facts | changes)


def a_wish(minor: int = 500, **changes: Any) -> Wish:
    facts: dict[str, Any] = {"amount": gbp(minor), "gateway": "stripe"}
    return Wish(**facts | changes)


def asked(wish: Wish, *payments: Any, booking: Booking | None = None) -> Asked:
    return ask(booking or done(), payments, wish, at=NOW, new_id=lambda: NEW)


def an_open_tip(minor: int = 500, **changes: Any) -> Any:
    usual = {"purpose": Purpose.TIP, "received": None, "paid_at": None, "gateway": "stripe"}
    return a_payment(minor, **usual | changes)


def test_a_tip_is_a_payment_like_any_other() -> None:
    outcome = asked(a_wish())
    tip = outcome.payment
    assert (tip.id, tip.booking_id, tip.customer_id) == (NEW, BOOKING, CUSTOMER)
    assert (tip.purpose, tip.method, tip.gateway) == (Purpose.TIP, Method.CARD, "stripe")
    assert (tip.amount, tip.status, tip.created_at) == (gbp(500), PaymentStatus.PENDING, NOW)
    assert (outcome.is_new, outcome.superseded) == (True, None)
    assert asked(a_wish(method=Method.CREDITS)).payment.gateway == "credits"


def test_one_that_waits_to_be_paid_is_asked_for_again() -> None:
    waits = an_open_tip()
    assert asked(a_wish(), waits) == Asked(payment=waits, is_new=False)


@pytest.mark.parametrize(
    "wish", [a_wish(501), a_wish(method=Method.CREDITS), a_wish(gateway="development")]
)
def test_another_stands_in_for_one_that_waits(wish: Wish) -> None:
    outcome = asked(wish, an_open_tip())
    assert outcome.payment.id == NEW
    assert outcome.is_new
    assert outcome.superseded is not None
    assert outcome.superseded.status is PaymentStatus.CANCELLED


def test_what_is_paid_called_off_or_for_the_work_is_no_tip_that_waits() -> None:
    paid = an_open_tip(received=gbp(500), paid_at=NOW)
    outcome = asked(a_wish(), paid, an_open_tip(cancelled_at=NOW), an_open_tip(purpose="BALANCE"))
    assert (outcome.payment.id, outcome.is_new, outcome.superseded) == (NEW, True, None)


@pytest.mark.parametrize(
    ("price", "limit"),
    [
        (gbp(4050), 10000),
        (gbp(10000), 10000),
        (gbp(10001), 10001),
        (gbp(0), 10000),
        (Money(amount_minor=0, currency="JPY"), 100),
        (Money(amount_minor=0, currency="KWD"), 100000),
    ],
)
def test_from_one_minor_unit_to_the_price_or_a_hundred(price: Money, limit: int) -> None:
    booking = done(price=price)
    assert most(booking) == Money(amount_minor=limit, currency=price.currency)
    for minor in (1, limit):
        sum_ = Money(amount_minor=minor, currency=price.currency)
        assert asked(a_wish(amount=sum_), booking=booking).payment.amount == sum_
    for minor in (-1, 0, limit + 1):
        sum_ = Money(amount_minor=minor, currency=price.currency)
        with pytest.raises(InvalidInput) as refused:
            asked(a_wish(amount=sum_), booking=booking)
        assert refused.value.errors[0].path == ("amount", "amountMinor")


def test_in_the_currency_of_the_price_only() -> None:
    with pytest.raises(InvalidInput, match="paid in GBP") as refused:
        asked(a_wish(amount=Money(amount_minor=5, currency="EUR")))
    assert refused.value.errors[0].path == ("amount", "currency")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"completed_at": None}, BookingStatus.CONFIRMED),
        ({"completed_at": None, "started_at": NOW}, BookingStatus.IN_PROGRESS),
        ({"completed_at": None, "cancelled_at": NOW}, BookingStatus.CANCELLED),
        ({"completed_at": None, "no_show_at": NOW}, BookingStatus.NO_SHOW),
    ],
)
def test_only_for_work_that_was_done(facts: dict[str, Any], status: BookingStatus) -> None:
    with pytest.raises(NothingToThankFor, match="not possible") as refused:
        asked(a_wish(), booking=done(**facts))
    assert refused.value.status is status
