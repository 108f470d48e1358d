"""However a booking ends, is its money where it belongs, to the penny and once?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert

from db import (
    cancellations,
    ledger,
    lifecycle,
    no_shows,
    payment_rows,
)
from db.ids import new_id
from db.tables import payments
from domain.booking_rules import BookingRules
from domain.booking_steps import BookingStatus
from domain.bookings import Booking, Party
from domain.events import EventType
from domain.no_shows import Evidence
from domain.payments import Method, Purpose
from domain.refunds import RefundCause, RefundStatus
from tests.db.racing import race
from tests.db.till import DAY, HOUR, PRICE, House, settle
from tests.factories import (
    now,
    read_booking,
    read_events,
)
from tests.money import a_payment, books, came_in, gbp, pay_in

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database


@pytest.fixture
async def house(crowd: Database) -> House:
    return await House(crowd).open()


WAITING = RefundStatus.WAITING


async def test_work_that_is_done_is_earned_by_provider_and_platform(house: House) -> None:
    booking = await house.book()
    await house.pay(booking)
    assert await books(house.database, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}

    await house.work(booking)

    earned = {"OUTSIDE": -PRICE, "PROVIDER": 8000, "PLATFORM": 2000}
    assert await books(house.database, booking.id) == earned
    for _ in range(2):
        await house.settle(booking)
    assert await books(house.database, booking.id) == earned
    assert await house.refunds(booking) == []


async def test_work_that_was_forgotten_is_earned_when_it_is_closed(house: House) -> None:
    booking = await house.book(ahead=-2 * DAY, started_at=await now(house.database) - 2 * DAY)
    await house.pay(booking)
    await house.do(lambda tx: lifecycle.close(tx, booking.id))
    assert await books(house.database, booking.id) == {
        "OUTSIDE": -PRICE,
        "PROVIDER": 8000,
        "PLATFORM": 2000,
    }


async def test_a_balance_that_is_paid_after_the_work_is_earned_at_once(house: House) -> None:
    rules = BookingRules(deposit_percent=30, provider_share_percent=65)
    booking = await house.book(rules=rules)
    await house.pay(booking, 3, purpose=Purpose.DEPOSIT)
    await house.work(booking)
    # Of 3 pence at 65 %: 1.95, which is 2; of 10: 6.5, which is 7.
    assert await books(house.database, booking.id) == {"OUTSIDE": -3, "PROVIDER": 2, "PLATFORM": 1}

    await house.pay(booking, 7, purpose=Purpose.BALANCE)

    assert await books(house.database, booking.id) == {
        "OUTSIDE": -10,
        "PROVIDER": 7,
        "PLATFORM": 3,
    }
    async with house.database.read() as connection:
        causes = {one.cause for one in await ledger.of_booking(connection, booking.id)}
    assert {f"earning:{booking.id}:{n}" for n in (0, 1)} <= causes


@pytest.mark.parametrize(
    ("ahead", "kept", "back"),
    [
        (7 * DAY, {}, 10000),
        (10 * HOUR, {"OUTSIDE": -5000, "PROVIDER": 4000, "PLATFORM": 1000}, 5000),
    ],
)
async def test_of_what_its_customer_calls_off_the_fee_is_kept(
    house: House, ahead: timedelta, kept: dict[str, int], back: int
) -> None:
    booking = await house.book(ahead=ahead, price=gbp(PRICE))
    await house.pay(booking)

    await house.cancel(booking)

    assert await house.given(booking) == [(back, RefundCause.CANCELLED, WAITING)]
    assert await books(house.database, booking.id) == kept
    for _ in range(2):
        await house.settle(booking)
    assert len(await house.refunds(booking)) == 1


async def test_no_fee_is_kept_that_was_not_paid_and_the_quote_says_so(house: House) -> None:
    booking = await house.book(ahead=10 * HOUR, price=gbp(PRICE))
    await house.pay(booking, 2000, purpose=Purpose.DEPOSIT)
    async with house.database.read() as connection:
        quoted = await cancellations.quote(connection, booking_id=booking.id, by=house.customer)
    assert (quoted.fee, quoted.refund) == (gbp(5000), gbp(0))

    await house.cancel(booking)

    assert await house.refunds(booking) == []
    assert await books(house.database, booking.id) == {
        "OUTSIDE": -2000,
        "PROVIDER": 1600,
        "PLATFORM": 400,
    }
    # What comes later owes the rest of the fee, and goes back otherwise.
    await house.pay(booking, 8000, purpose=Purpose.BALANCE)
    assert await house.given(booking) == [(5000, RefundCause.LATE_PAYMENT, WAITING)]
    assert await books(house.database, booking.id) == {
        "OUTSIDE": -5000,
        "PROVIDER": 4000,
        "PLATFORM": 1000,
    }


async def test_the_quote_says_what_comes_back_of_a_deposit_and_a_balance(house: House) -> None:
    booking = await house.book(ahead=10 * HOUR, price=gbp(PRICE))
    await house.pay(booking, 2000, purpose=Purpose.DEPOSIT)
    await house.pay(booking, 8000, purpose=Purpose.BALANCE)
    async with house.database.read() as connection:
        quoted = await cancellations.quote(connection, booking_id=booking.id, by=house.customer)
    assert quoted.refund == gbp(5000)

    await house.cancel(booking)

    # Of the newest payment first.
    assert [(r.amount, r.cause) for r in await house.refunds(booking)] == [
        (gbp(5000), RefundCause.CANCELLED)
    ]


async def test_what_the_house_calls_off_goes_back_whole_to_where_it_came_from(
    house: House,
) -> None:
    booking = await house.book(ahead=HOUR, price=gbp(PRICE))
    await house.grant(3000)
    by_credit = await house.pay(
        booking, 3000, purpose=Purpose.DEPOSIT, method=Method.CREDITS, gateway="credits"
    )
    by_card = await house.pay(booking, 7000, purpose=Purpose.BALANCE)

    await house.cancel(booking, by=house.staff)

    found = {r.payment_id: (r.amount, r.to, r.status) for r in await house.refunds(booking)}
    assert found == {
        by_card.id: (gbp(7000), Method.CARD, WAITING),
        by_credit.id: (gbp(3000), Method.CREDITS, RefundStatus.DONE),
    }
    assert await books(house.database, booking.id) == {}
    async with house.database.read() as connection:
        assert await ledger.credit(connection, house.customer.user_id) == [gbp(3000)]


@pytest.mark.parametrize(
    ("absent", "kept", "back"),
    [(Party.CUSTOMER, {"PROVIDER": 8000, "PLATFORM": 2000}, 0), (Party.PROVIDER, {}, PRICE)],
)
async def test_who_does_not_turn_up_pays_and_nobody_else(
    house: House, absent: Party, kept: dict[str, int], back: int
) -> None:
    booking = await house.book(ahead=-HOUR, price=gbp(PRICE))
    await house.pay(booking)
    seen = Evidence(note="Nobody there.")
    await house.do(
        lambda tx: no_shows.report(
            tx, booking_id=booking.id, by=house.staff, absent=absent, evidence=seen
        )
    )

    given = [(back, RefundCause.NO_SHOW, WAITING)] if back else []
    assert await house.given(booking) == given
    outside = {"OUTSIDE": -PRICE} if not back else {}
    assert await books(house.database, booking.id) == {**outside, **kept}


async def test_what_is_declined_goes_back(house: House) -> None:
    booking = await house.book(provider_id=None, assigned_at=None, needs_approval=True)
    await house.pay(booking)
    await house.do(
        lambda tx: lifecycle.decline(tx, booking_id=booking.id, by=house.staff, reason="Full.")
    )
    assert await house.given(booking) == [(PRICE, RefundCause.DECLINED, WAITING)]


@pytest.mark.parametrize(
    ("facts", "cause"),
    [({}, RefundCause.CANCELLED), ({"needs_approval": True}, RefundCause.DECLINED)],
)
async def test_what_nobody_came_for_goes_back(
    house: House, facts: dict[str, Any], cause: RefundCause
) -> None:
    booking = await house.book(ahead=-DAY, provider_id=None, assigned_at=None, **facts)
    await house.pay(booking)
    await house.do(lambda tx: lifecycle.pass_by(tx, booking.id))
    assert await house.given(booking) == [(PRICE, cause, WAITING)]
    assert await books(house.database, booking.id) == {}


async def test_money_that_comes_for_what_is_over_goes_back_once_for_each_payment(
    house: House,
) -> None:
    booking = await house.book()
    await house.cancel(booking)
    await house.pay(booking, 4000)
    await house.pay(booking, 6000)
    await house.settle(booking)
    late = RefundCause.LATE_PAYMENT
    assert await house.given(booking) == [(4000, late, WAITING), (6000, late, WAITING)]
    assert await books(house.database, booking.id) == {}


async def test_what_goes_on_keeps_its_money(house: House) -> None:
    booking = await house.book()
    await house.pay(booking)
    await house.settle(booking)
    assert await books(house.database, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}
    await house.do(lambda tx: lifecycle.start(tx, booking_id=booking.id, by=house.provider))
    await house.settle(booking)
    assert await books(house.database, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}


async def test_what_nobody_paid_for_costs_one_look_when_it_ends(house: House) -> None:
    booking = await house.book(paid_at=None)
    statements: list[str] = []
    engine = house.database.engine.sync_engine

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        if any(name in statement for name in ("payments", "ledger", "refunds")):
            statements.append(statement)

    await house.cancel(booking)
    over = await read_booking(house.database, booking.id)
    event.listen(engine, "before_cursor_execute", note)
    await house.settle(over)
    event.remove(engine, "before_cursor_execute", note)
    assert len(statements) == 1
    assert "FROM payments" in statements[0]


async def test_it_is_told_what_goes_back(house: House) -> None:
    booking = await house.book()
    payment = await house.pay(booking)
    before = len(await read_events(house.database))

    await house.cancel(booking)

    assert await read_events(house.database, after=before) == [
        EventType.BOOKING_CANCELLED,
        EventType.REFUND_CREATED,
    ]
    (refund,) = await house.refunds(booking)
    assert (refund.payment_id, refund.customer_id) == (payment.id, house.customer.user_id)
    assert (refund.reason, refund.asked_by, refund.to) == ("", None, Method.CARD)


async def test_a_payment_and_a_cancellation_at_once_end_with_the_money_back(
    house: House,
) -> None:
    for _ in range(5):
        booking = await house.book()
        at = await now(house.database)

        async def cancel(tx: AsyncConnection, booking: Booking = booking) -> None:
            await cancellations.cancel(tx, booking_id=booking.id, by=house.staff, reason="")

        paying = partial(pay_in, booking_id=booking.id, minor=PRICE, at=at)
        await race(house.database, [cancel, paying])

        assert (await read_booking(house.database, booking.id)).status is BookingStatus.CANCELLED
        assert [given[0] for given in await house.given(booking)] == [PRICE]
        assert await books(house.database, booking.id) == {}


async def test_settled_by_many_at_once_it_is_settled_once(house: House) -> None:
    booking = await house.book(ahead=10 * HOUR, price=gbp(PRICE))
    await house.cancel(booking)
    # Noted and booked, as if whoever did it had died before settling.
    at = await now(house.database)

    async def note(tx: AsyncConnection) -> None:
        whose = {"booking_id": booking.id, "customer_id": booking.customer_id}
        paid = a_payment(PRICE, id=new_id(), paid_at=at, **whose)
        await tx.execute(insert(payments).values(payment_rows.columns(paid)))
        await ledger.post(tx, [came_in(paid, booking)], at=at)

    await house.do(note)

    await race(house.database, [partial(settle, booking_id=booking.id)] * 10)
    assert [given[0] for given in await house.given(booking)] == [5000]
    assert await books(house.database, booking.id) == {
        "OUTSIDE": -5000,
        "PROVIDER": 4000,
        "PLATFORM": 1000,
    }
