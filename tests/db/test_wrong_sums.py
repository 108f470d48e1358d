"""Does a sum that is put right late leave every penny where it is, when some of it went back?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from db import cancellations, refunds
from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.payment_events import Said
from domain.payments import Method, Payment, PaymentStatus
from domain.refunds import RefundCause
from domain.refunds import Wish as RefundWish
from tests import invariants
from tests.db.racing import act
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_provider,
    add_service,
    now,
    read_booking,
)
from tests.money import books, gbp
from tests.paying import asked, hear, pay, read_payment, read_refunds, said, settle

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer

PRICE = 4050


@pytest.fixture
async def customer(crowd: Database) -> Viewer:
    return await add_customer(crowd)


@pytest.fixture
async def booking(crowd: Database, customer: Viewer) -> Booking:
    """Staffed, unpaid, in two days."""
    service, at = await add_service(crowd), await now(crowd)
    provider = await add_provider(crowd, service)
    facts = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
    return await add_booking(crowd, customer, service, starts_at=at + timedelta(days=2), **facts)


class TestAWrongSumThatWentBackBeforeTheRightOneCame:
    """It went back of the right one, then; and nothing is less than nothing."""

    async def put_right(
        self,
        crowd: Database,
        payment: Payment,
        back: int,
        *,
        wrong: int = 405,
        to: Method | None = None,
    ) -> None:
        """A wrong sum came in, some of it was given back by staff, and then it was right."""
        await hear(crowd, said(payment, money=gbp(wrong)))
        await settle(crowd, payment)
        wish = RefundWish(amount=gbp(back), payment_id=payment.id, to=to, reason="Sorry.")
        give = partial(refunds.give_by_hand, booking_id=payment.booking_id, wish=wish)
        await act(crowd, partial(give, by=await add_dispatcher(crowd)))
        for _ in range(3):
            await hear(crowd, said(payment, id=f"evt_right_{payment.id}"))
            await settle(crowd, payment)
        await invariants.check(crowd)

    @pytest.mark.parametrize(("wrong", "back"), [(405, 1), (405, 405), (9000, PRICE)])
    async def test_all_of_it_or_a_part(
        self, crowd: Database, customer: Viewer, booking: Booking, wrong: int, back: int
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await self.put_right(crowd, payment, back, wrong=wrong)
        after = await read_payment(crowd, payment.id)
        assert (after.status, after.received) == (PaymentStatus.PAID, payment.amount)
        assert (after.refunded_minor, after.refundable_minor) == (back, PRICE - back)
        assert (await read_booking(crowd, booking.id)).status is BookingStatus.CONFIRMED
        left = {"OUTSIDE": back - PRICE, "HELD": PRICE - back}
        assert await books(crowd, booking.id) == {name: sum_ for name, sum_ in left.items() if sum_}

    async def test_to_the_customers_credit(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await self.put_right(crowd, payment, 405, to=Method.CREDITS)
        assert await books(crowd, booking.id) == {
            "OUTSIDE": -PRICE,
            "HELD": PRICE - 405,
            "CREDIT": 405,
        }

    async def test_at_the_gateways_own_page(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        wrong = said(payment, money=gbp(405))
        theirs = said(payment, Said.REFUND_MADE, refund="re_1", money=gbp(405))
        for report in (wrong, theirs, said(payment)):
            await hear(crowd, report)
            await settle(crowd, payment)
        assert (await read_payment(crowd, payment.id)).status is PaymentStatus.PAID
        assert await books(crowd, booking.id) == {"OUTSIDE": 405 - PRICE, "HELD": PRICE - 405}
        await invariants.check(crowd)

    async def test_after_the_booking_was_called_off(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        mine: dict[str, Any] = {"booking_id": booking.id, "by": customer}
        await act(crowd, partial(cancellations.cancel, **mine, reason=""))
        await self.put_right(crowd, payment, 405)
        assert await read_refunds(crowd, booking) == [
            (RefundCause.BY_HAND, 405),
            (RefundCause.LATE_PAYMENT, PRICE - 405),
        ]
        assert await books(crowd, booking.id) == {}

    async def test_after_another_payment_was_made_for_the_same(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await asked(crowd, booking, customer, gateway="development")
        await act(crowd, partial(pay, booking_id=booking.id, by=customer))
        await self.put_right(crowd, payment, 405)
        assert await read_refunds(crowd, booking) == [
            (RefundCause.BY_HAND, 405),
            (RefundCause.OVERPAID, PRICE - 405),
        ]
        assert await books(crowd, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}

    async def test_more_than_the_right_one_is_stays_apart_for_people_to_judge(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await self.put_right(crowd, payment, PRICE + 1, wrong=9000)
        after = await read_payment(crowd, payment.id)
        assert after.status is PaymentStatus.MISMATCHED
        left = 9000 - PRICE - 1
        assert await books(crowd, booking.id) == {"OUTSIDE": -left, "UNALLOCATED": left}
