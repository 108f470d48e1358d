"""Does a receipt add up, and has a thing a short name of its own?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.money import Money
from domain.payments import Method
from domain.receipts import Receipt, standing
from domain.references import reference
from domain.refunds import Refund, RefundCause
from tests.factories import BOOKING, CUSTOMER, NOW, a_user
from tests.money import PAYMENT, a_payment, gbp


def a_refund(minor: int, **changes: Any) -> Refund:
    """A refund by hand that was sent."""
    facts: dict[str, Any] = {
        "id": UUID(int=minor),
        "payment_id": PAYMENT,
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "amount": gbp(minor),
        "cause": RefundCause.BY_HAND,
        "to": Method.CARD,
        "created_at": NOW,
        "done_at": NOW,
    }
    return Refund(**facts | changes)


def test_what_is_left_is_what_came_in_less_what_went_back() -> None:
    sent, under_way = a_refund(1000), a_refund(250, done_at=None, due_at=NOW)
    failed = a_refund(500, done_at=None, failed_at=NOW)
    # More than there was: it is not taken from what is left.
    sent = a_refund(1700, excess_minor=700)
    refunds = standing([sent, failed, under_way])
    assert refunds == (sent, under_way)
    receipt = Receipt(
        payment=a_payment(4050),
        received=gbp(4050),
        paid_at=NOW,
        refunds=refunds,
        customer=a_user(),
        service="Home clean",
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=2),
    )
    assert receipt.left == gbp(2800)


def test_a_reference_is_the_part_of_an_id_that_differs_most() -> None:
    assert reference(UUID("018f3c1a-7c00-7000-8000-00009f3a12bc")) == "9F3A-12BC"


def test_a_sum_has_the_decimals_of_its_currency() -> None:
    decimals = {
        currency: Money(amount_minor=1, currency=currency).decimals
        for currency in ("GBP", "HUF", "JPY", "UGX", "KWD")
    }
    assert decimals == {"GBP": 2, "HUF": 2, "JPY": 0, "UGX": 0, "KWD": 3}
