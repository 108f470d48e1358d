"""Is no more given back than was paid, and once?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from db import payment_rows, refund_rows, refunds
from db.engine import constraint
from db.ids import new_id
from db.tables import ledger_postings, payments
from db.tables import refunds as refunds_table
from domain.events import EventType
from domain.idempotency import IdempotencyKeyReused
from domain.money import Money
from domain.pages import PageRequest
from domain.payments import Method, Purpose
from domain.refunds import Refund, RefundCause, RefundStatus, RefundTooLarge, Wish
from domain.refusals import NotFound
from tests.db.racing import race, waiting
from tests.db.till import DAY, PRICE, House, a_wish, by_hand, giving, read
from tests.factories import add_dispatcher, count_rows, now, read_events
from tests.money import books, gbp

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.payments import Payment

AGAIN = timedelta(seconds=30)
FIRST_PAGE = PageRequest(limit=9, after=None, before=None, backwards=False)


@pytest.fixture
async def house(crowd: Database) -> House:
    return await House(crowd).open()


async def paid_back(house: House, payment: Payment) -> int:
    async with house.database.read() as connection:
        (now_,) = await payment_rows.by_ids(connection, [payment.id])
    return now_.refunded_minor


class TestByHand:
    async def test_what_is_held_is_given_back_and_told(self, house: House) -> None:
        booking = await house.book()
        payment = await house.pay(booking)
        before = len(await read_events(house.database))

        (refund,) = await by_hand(house, booking, a_wish(1000))

        assert (refund.amount, refund.to, refund.reason, refund.asked_by) == (
            gbp(1000),
            Method.CARD,
            "Sorry.",
            house.staff.user_id,
        )
        assert (refund.cause, refund.status) == (RefundCause.BY_HAND, RefundStatus.WAITING)
        assert refund.due_at == refund.created_at
        assert await read(house, refund) == refund
        assert await paid_back(house, payment) == 1000
        assert await books(house.database, booking.id) == {"OUTSIDE": -9000, "HELD": 9000}
        assert await read_events(house.database, after=before) == [EventType.REFUND_CREATED]

    async def test_after_the_work_provider_and_platform_give_their_parts(
        self, house: House
    ) -> None:
        booking = await house.book()
        await house.pay(booking)
        await house.work(booking)
        for minor in (1, 1, 1, 2500):
            await by_hand(house, booking, a_wish(minor))
        # Of 74.97 the provider has 59.976, which is 59.98.
        assert await books(house.database, booking.id) == {
            "OUTSIDE": -7497,
            "PROVIDER": 5998,
            "PLATFORM": 1499,
        }
        await by_hand(house, booking, a_wish())
        assert await books(house.database, booking.id) == {}

    async def test_a_fee_that_was_kept_can_be_given_back_and_is_not_taken_again(
        self, house: House
    ) -> None:
        booking = await house.book(ahead=timedelta(hours=10), price=gbp(PRICE))
        await house.pay(booking)
        await house.cancel(booking)
        await by_hand(house, booking, a_wish(5000))
        assert await books(house.database, booking.id) == {}

        await house.pay(booking, 700)
        assert await books(house.database, booking.id) == {}

    async def test_of_the_newest_payment_first_and_one_row_for_each(self, house: House) -> None:
        booking = await house.book()
        deposit = await house.pay(booking, 3000, purpose=Purpose.DEPOSIT)
        balance = await house.pay(booking, 7000, purpose=Purpose.BALANCE)

        given = await by_hand(house, booking, a_wish(8000))

        found = [(one.payment_id, one.amount) for one in given]
        assert found == [(balance.id, gbp(7000)), (deposit.id, gbp(1000))]
        assert {one.created_at for one in given} == {given[0].created_at}

    async def test_a_tip_comes_wholly_from_the_provider(self, house: House) -> None:
        booking = await house.book()
        await house.pay(booking)
        await house.work(booking)
        tip = await house.pay(booking, 500, purpose=Purpose.TIP)
        await by_hand(house, booking, a_wish(payment_id=tip.id))
        assert await books(house.database, booking.id) == {
            "OUTSIDE": -PRICE,
            "PROVIDER": 8000,
            "PLATFORM": 2000,
        }
        # And the money for the work is not a penny less to give back.
        await by_hand(house, booking, a_wish(PRICE))
        assert await books(house.database, booking.id) == {}

    async def test_a_wrong_sum_goes_back_in_its_own_currency(self, house: House) -> None:
        booking = await house.book()
        received = Money(amount_minor=9900, currency="USD")
        wrong = await house.pay(booking, received=received)
        assert await books(house.database, booking.id) == {"OUTSIDE": -9900, "UNALLOCATED": 9900}
        (refund,) = await by_hand(house, booking, a_wish(payment_id=wrong.id))
        assert refund.amount == received
        assert await books(house.database, booking.id) == {}

    async def test_to_credits_it_is_done_at_once(self, house: House) -> None:
        booking = await house.book()
        await house.pay(booking)
        before = len(await read_events(house.database))

        (refund,) = await by_hand(house, booking, a_wish(1000, to=Method.CREDITS))

        assert (refund.status, refund.due_at, refund.to) == (
            RefundStatus.DONE,
            None,
            Method.CREDITS,
        )
        assert await read_events(house.database, after=before) == [
            EventType.REFUND_CREATED,
            EventType.REFUND_DONE,
        ]
        assert await books(house.database, booking.id) == {
            "OUTSIDE": -PRICE,
            "HELD": 9000,
            "CREDIT": 1000,
        }

    @pytest.mark.parametrize("wish", [a_wish(PRICE + 1), a_wish(1, payment_id=new_id())])
    async def test_what_is_refused_leaves_no_trace(self, house: House, wish: Wish) -> None:
        booking = await house.book()
        payment = await house.pay(booking)
        with pytest.raises((RefundTooLarge, NotFound)):
            await by_hand(house, booking, wish)
        assert await paid_back(house, payment) == 0
        assert await count_rows(house.database, refunds_table, ledger_postings) == (0, 1)

    async def test_only_staff_give_by_hand(self, house: House) -> None:
        booking = await house.book()
        await house.pay(booking)
        stranger = await House(house.database).open()
        with pytest.raises(NotFound):
            await house.do(
                partial(
                    refunds.give_by_hand,
                    booking_id=booking.id,
                    by=stranger.customer,
                    wish=a_wish(),
                )
            )

    async def test_the_same_key_gives_nothing_twice(self, house: House) -> None:
        booking = await house.book()
        await house.pay(booking, 3000, purpose=Purpose.DEPOSIT)
        await house.pay(booking, 7000, purpose=Purpose.BALANCE)
        wish = a_wish(8000)
        first = await by_hand(house, booking, wish, "one")
        # Something else that was given in between is no answer to it.
        await by_hand(house, booking, a_wish(1))

        again = await by_hand(house, booking, wish, "one")

        assert [one.id for one in again] == [one.id for one in first]
        assert await count_rows(house.database, refunds_table) == (3,)
        with pytest.raises(IdempotencyKeyReused):
            await by_hand(house, booking, a_wish(1), "one")


class TestHowMuch:
    async def test_many_at_once_give_back_what_was_paid_and_no_more(self, house: House) -> None:
        booking = await house.book()
        payment = await house.pay(booking)

        came = await race(house.database, [giving(house, booking, a_wish(3000))] * 12)

        assert sum(isinstance(one, RefundTooLarge) for one in came) == 9
        assert {str(one.refundable) for one in came if isinstance(one, RefundTooLarge)} == {
            str(gbp(1000))
        }
        assert await paid_back(house, payment) == 9000
        assert await books(house.database, booking.id) == {"OUTSIDE": -1000, "HELD": 1000}

    async def test_a_refund_and_a_cancellation_at_once_give_back_what_was_paid(
        self, house: House
    ) -> None:
        for _ in range(5):
            booking = await house.book()
            payment = await house.pay(booking)
            cancel = partial(house.cancel, booking, by=house.staff)

            async def call_off(_: AsyncConnection, cancel: Any = cancel) -> None:
                await cancel()

            giving_ = giving(house, booking, a_wish(4000))
            await race(house.database, [giving_, call_off, giving_, giving_])

            assert await paid_back(house, payment) == PRICE
            assert await books(house.database, booking.id) == {}

    async def test_without_the_bookings_lock_the_row_itself_is_asked(self, house: House) -> None:
        booking = await house.book()
        payment = await house.pay(booking)

        async def give(tx: AsyncConnection, minor: int = 6000) -> Refund:
            at = await now(house.database)
            why = RefundCause.BY_HAND
            return await refunds.give(tx, payment, minor, cause=why, at=at)

        async with house.database.begin() as tx:
            await give(tx)
            late = await waiting(house.database, give)
        with pytest.raises(RefundTooLarge) as refused:
            await late
        assert refused.value.refundable == gbp(4000)

    @pytest.mark.parametrize("minor", [PRICE + 1, -1])
    async def test_the_database_refuses_more_than_was_paid(self, house: House, minor: int) -> None:
        payment = await house.pay(await house.book())
        more = update(payments).where(payments.c.id == payment.id).values(refunded_minor=minor)
        with pytest.raises(IntegrityError) as refused:
            await house.do(lambda tx: tx.execute(more))
        assert constraint(refused.value) == "ck_payments_refunded"

    async def test_the_database_refuses_to_give_back_what_never_came(self, house: House) -> None:
        booking = await house.book()
        paid = await house.pay(booking)
        open_ = replace(paid, id=new_id(), gateway_id="pi_open", received=None, paid_at=None)
        row = payment_rows.columns(open_) | {"refunded_minor": 1}
        with pytest.raises(IntegrityError) as refused:
            await house.do(lambda tx: tx.execute(insert(payments).values(row)))
        assert constraint(refused.value) == "ck_payments_refunded"

    @pytest.mark.parametrize(
        "cause",
        [one for one in RefundCause if one not in {RefundCause.BY_HAND, RefundCause.AT_GATEWAY}],
    )
    async def test_what_the_rules_give_back_they_give_once_for_each_payment(
        self, house: House, cause: RefundCause
    ) -> None:
        payment = await house.pay(await house.book())
        at = await now(house.database)

        async def give(tx: AsyncConnection) -> str | None:
            try:
                await refunds.give(tx, payment, 10, cause=cause, at=at)
            except IntegrityError as error:
                await tx.rollback()
                return constraint(error)
            return "given"

        came = await race(house.database, [give] * 6)
        assert sorted(came) == ["given"] + ["uq_refunds_cause"] * 5
        assert await paid_back(house, payment) == 10


async def test_refunds_are_listed_by_booking_and_by_payment_oldest_first(house: House) -> None:
    booking, other = [await house.book(ahead=n * DAY) for n in (1, 2)]
    payment, _ = await house.pay(booking), await house.pay(other)
    given = [(await by_hand(house, booking, a_wish(minor)))[0] for minor in (1, 2, 3)]
    await by_hand(house, other, a_wish(4))
    unknown: UUID = new_id()
    async with house.database.read() as connection:
        of_bookings = await refund_rows.of_bookings(connection, [booking.id, unknown])
        of_payments = await refund_rows.of_payments(connection, [payment.id, unknown])
    assert of_bookings == {booking.id: given, unknown: []}
    assert of_payments == {payment.id: given, unknown: []}


async def test_two_members_of_staff_have_keys_of_their_own(house: House) -> None:
    booking = await house.book()
    await house.pay(booking)
    wish = a_wish(1000)
    await by_hand(house, booking, wish, "one")
    house.staff = await add_dispatcher(house.database)
    await by_hand(house, booking, wish, "one")
    assert await count_rows(house.database, refunds_table) == (2,)
