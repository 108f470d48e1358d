"""Is what staff give back at the gateway's own page booked like any other refund, and once?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from db import dead_letters, ledger, paying, refunds
from db import gateway_events as inbox
from db.engine import constraint
from db.ids import new_id
from db.tables import gateway_events
from db.tables import refunds as refunds_table
from domain.events import EventType
from domain.money import Money
from domain.pages import PageRequest
from domain.paying import Wish
from domain.payment_events import Said
from domain.payments import Method
from domain.refunds import Refund, RefundCause, RefundStatus
from tests import invariants
from tests.db.racing import race
from tests.db.till import PRICE, House, a_wish, by_hand, read
from tests.factories import read_events
from tests.money import books, gbp
from tests.paying import hear, read_payment, said, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.engine import Database
    from domain.bookings import Booking
    from domain.payment_events import Report
    from domain.payments import Payment

WAITING, DONE, FAILED = RefundStatus.WAITING, RefundStatus.DONE, RefundStatus.FAILED
FIRST_PAGE = PageRequest(limit=9, after=None, before=None, backwards=False)


@pytest.fixture
async def house(crowd: Database) -> House:
    return await House(crowd).open()


@pytest.fixture
async def booking(house: House) -> Booking:
    return await house.book()


@pytest.fixture
async def payment(house: House, booking: Booking) -> Payment:
    """A hundred, by card."""
    return await house.pay(booking)


def made(payment: Payment, minor: int = 1000, name: str = "re_1", **changes: Any) -> Report:
    """The gateway's word that so much goes back."""
    facts = {"refund": name, "money": gbp(minor)}
    return said(payment, Said.REFUND_MADE, **facts | changes)


def returned(payment: Payment, minor: int = 1000, name: str = "re_1", **changes: Any) -> Report:
    """The gateway's word that it came back."""
    facts = {"refund": name, "money": gbp(minor), "failure": "closed card"}
    return said(payment, Said.REFUND_FAILED, **facts | changes)


async def counted(house: House) -> Counter[EventType]:
    return Counter(await read_events(house.database))


async def unhandled(house: House) -> list[str]:
    async with house.database.read() as connection:
        g = gateway_events.c
        return list(await connection.scalars(select(g.said).where(g.handled_at.is_(None))))


async def take(house: House, refund: Refund) -> Refund:
    """A worker sends it."""
    found = await house.do(partial(refunds.take, refund_id=refund.id))
    assert found is not None
    taken: Refund = found[0]
    return taken


async def fail(house: House, refund: Refund, gateway_id: str | None = None) -> None:
    """The gateway will not do it."""
    told: dict[str, Any] = {"failure": "no", "refused": True, "gateway_id": gateway_id}
    await house.do(partial(refunds.give_up, taken=await take(house, refund), **told))


class TestOneThatStaffMade:
    async def test_is_a_refund_like_any_other_but_for_its_cause(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        await hear(house.database, made(payment))
        settled = await settle(house.database, payment)

        (refund,) = await house.refunds(booking)
        assert (refund.amount, refund.cause, refund.to, refund.status) == (
            gbp(1000),
            RefundCause.AT_GATEWAY,
            Method.CARD,
            DONE,
        )
        assert (refund.gateway_id, refund.asked_by, refund.due_at) == ("re_1", None, None)
        assert (refund.payment_id, refund.customer_id) == (payment.id, house.customer.user_id)
        assert refund.done_at == refund.created_at
        assert settled.payment.refunded_minor == 1000
        assert settled.refunds_mismatched == 0
        assert await books(house.database, booking.id) == {"OUTSIDE": -9000, "HELD": 9000}
        found = await counted(house)
        assert found[EventType.REFUND_CREATED] == found[EventType.REFUND_DONE] == 1
        assert found[EventType.REFUND_MISMATCHED] == 0
        assert await unhandled(house) == []
        await invariants.check(house.database)

    async def test_after_the_work_is_taken_from_provider_and_platform(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        await house.work(booking)
        await hear(house.database, made(payment, 2500))
        await settle(house.database, payment)
        assert await books(house.database, booking.id) == {
            "OUTSIDE": -7500,
            "PROVIDER": 6000,
            "PLATFORM": 1500,
        }

    @pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
    async def test_counts_once_however_often_and_in_whatever_order_it_is_told_of(
        self, house: House, booking: Booking, payment: Payment, order: Sequence[int]
    ) -> None:
        log = [
            made(payment, id="evt_created"),
            made(payment, id="evt_updated"),
            said(payment, Said.REFUNDED, money=gbp(1000)),
            made(payment, 500, "re_2"),
        ]
        for _ in range(3):
            for n in order:
                await hear(house.database, log[n])
                await settle(house.database, payment)
        given = await house.refunds(booking)
        assert sorted(one.amount.amount_minor for one in given) == [500, 1000]
        assert await books(house.database, booking.id) == {"OUTSIDE": -8500, "HELD": 8500}
        assert await unhandled(house) == []

    async def test_counts_once_whoever_hears_and_settles_it_at_the_same_time(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        async def told(tx: Any, *, report: Report) -> None:
            await inbox.keep(tx, report)

        log = [made(payment, id=f"evt_{n}") for n in range(4)]
        changes: list[Any] = []
        for n in range(24):
            changes.append(partial(told, report=log[n % len(log)]))
            changes.append(partial(paying.settle, payment_id=payment.id))
        came = await race(house.database, changes)
        assert not [one for one in came if isinstance(one, Exception)]
        await settle(house.database, payment)
        assert [one.amount for one in await house.refunds(booking)] == [gbp(1000)]
        assert (await counted(house))[EventType.REFUND_DONE] == 1

    async def test_waits_until_its_payment_has_come_in(self, house: House) -> None:
        booking = await house.book(price=gbp(PRICE), paid_at=None)
        ask = partial(paying.ask, booking_id=booking.id, by=house.customer)
        wish = Wish(gateway="stripe")
        payment = (await house.do(partial(ask, wish=wish))).payment

        await hear(house.database, made(payment), returned(payment, 5, "re_2"))
        await settle(house.database, payment)
        assert await house.refunds(booking) == []
        assert sorted(await unhandled(house)) == [Said.REFUND_FAILED, Said.REFUND_MADE]

        await hear(house.database, said(payment))
        await settle(house.database, payment)
        given = {(one.amount.amount_minor, one.status) for one in await house.refunds(booking)}
        assert given == {(1000, DONE), (5, FAILED)}
        assert await unhandled(house) == []
        assert await books(house.database, booking.id) == {"OUTSIDE": -8995, "HELD": 8995}

    async def test_is_one_row_by_the_databases_word(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        await hear(house.database, made(payment))
        await settle(house.database, payment)
        # It is called otherwise by now, and found again.
        new_name = update(refunds_table).values(gateway_id="re_new")
        await house.do(lambda tx: tx.execute(new_name))
        (known,) = await house.refunds(booking)
        again = replace(known, id=new_id(), gateway_id="re_1")
        with pytest.raises(IntegrityError) as refused:
            await house.do(partial(refunds.note_found, found=again, payment=payment))
        assert constraint(refused.value) == "uq_refunds_found_as"


class TestOneThatWeAskedFor:
    @pytest.mark.parametrize("heard_first", [True, False])
    async def test_is_not_counted_twice_whichever_of_answer_and_webhook_is_first(
        self, house: House, booking: Booking, payment: Payment, heard_first: bool
    ) -> None:
        (refund,) = await by_hand(house, booking, a_wish(1000))
        taken = await take(house, refund)
        told = [made(payment, refund_id=refund.id), said(payment, Said.REFUNDED, money=gbp(1000))]
        note = partial(refunds.sent, taken=taken, gateway_id="re_1")

        if not heard_first:
            await house.do(note)
        await hear(house.database, *told)
        settled = await settle(house.database, payment)
        assert not settled.knows_of_more
        if heard_first:
            assert (await read(house, refund)).status is WAITING
            await house.do(note)
            await settle(house.database, payment)

        assert await house.given(booking) == [(1000, RefundCause.BY_HAND, DONE)]
        assert await books(house.database, booking.id) == {"OUTSIDE": -9000, "HELD": 9000}
        assert (await counted(house))[EventType.REFUND_DONE] == 1
        assert await unhandled(house) == []

    async def test_and_gave_up_without_an_answer_is_done_once_the_gateway_says_so(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        (refund,) = await by_hand(house, booking, a_wish(1000))
        silent: dict[str, Any] = {"failure": "busy", "refused": False}
        await house.do(partial(refunds.give_up, taken=await take(house, refund), **silent))

        await hear(house.database, made(payment, refund_id=refund.id))
        for _ in range(3):
            await settle(house.database, payment)

        done = await read(house, refund)
        assert (done.status, done.gateway_id, done.found_as) == (DONE, "re_1", None)
        assert await house.given(booking) == [(1000, RefundCause.BY_HAND, DONE)]
        assert (await counted(house))[EventType.REFUND_DONE] == 1

    async def test_and_failed_before_it_was_done_anew_leaves_nothing_waiting(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        (refund,) = await by_hand(house, booking, a_wish(1000))
        await house.do(partial(refunds.sent, taken=await take(house, refund), gateway_id="re_1"))
        await hear(house.database, returned(payment, refund_id=refund.id))
        await settle(house.database, payment)
        assert (await read(house, refund)).status is FAILED
        await house.do(partial(refunds.revive, refund_id=refund.id))
        await house.do(partial(refunds.sent, taken=await take(house, refund), gateway_id="re_2"))

        late = returned(payment, refund_id=refund.id)
        await hear(house.database, late, made(payment, refund_id=refund.id))
        await settle(house.database, payment)

        assert await house.given(booking) == [(1000, RefundCause.BY_HAND, DONE)]
        assert await unhandled(house) == []

    async def test_and_failed_at_once_is_not_done_by_what_was_said_of_it_before(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        (refund,) = await by_hand(house, booking, a_wish(1000))
        await fail(house, refund, gateway_id="re_1")
        await hear(house.database, made(payment, refund_id=refund.id))
        await settle(house.database, payment)
        assert (await read(house, refund)).status is FAILED


class TestOneThatStandsInForOurs:
    async def test_makes_it_done_and_is_no_refund_more(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        (refund,) = await by_hand(house, booking, a_wish(1000))
        await fail(house, refund)
        before = await books(house.database, booking.id)

        await hear(house.database, made(payment))
        for _ in range(3):
            await settle(house.database, payment)

        done = await read(house, refund)
        assert (done.status, done.found_as) == (DONE, "re_1")
        assert await house.given(booking) == [(1000, RefundCause.BY_HAND, DONE)]
        assert await books(house.database, booking.id) == before
        assert (await counted(house))[EventType.REFUND_DONE] == 1
        # What rests among the dead letters has nothing to send any more.
        await house.do(partial(refunds.revive, refund_id=refund.id))
        assert await house.do(partial(refunds.take, refund_id=refund.id)) is None

    async def test_is_known_for_good_also_when_it_comes_back_and_is_asked_for_anew(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        (refund,) = await by_hand(house, booking, a_wish(1000))
        await fail(house, refund)
        await hear(house.database, made(payment), returned(payment))
        await settle(house.database, payment)
        assert (await read(house, refund)).status is FAILED
        await house.do(partial(refunds.revive, refund_id=refund.id))
        await house.do(partial(refunds.sent, taken=await take(house, refund), gateway_id="re_2"))
        await hear(house.database, returned(payment))
        await settle(house.database, payment)
        assert await house.given(booking) == [(1000, RefundCause.BY_HAND, DONE)]


class TestOneThatTheBankSendsBack:
    @pytest.mark.parametrize("made_first", [True, False])
    async def test_has_failed_in_either_order_and_is_done_anew_as_ours_are(
        self, house: House, booking: Booking, payment: Payment, made_first: bool
    ) -> None:
        both = [made(payment), returned(payment)]
        for report in both if made_first else reversed(both):
            await hear(house.database, report)
            await settle(house.database, payment)

        (refund,) = await house.refunds(booking)
        assert (refund.status, refund.failure, refund.key) == (
            FAILED,
            "closed card",
            f"{refund.id}:1",
        )
        assert (await counted(house))[EventType.REFUND_FAILED] == 1
        async with house.database.read() as connection:
            (letter,) = (await dead_letters.page(connection, FIRST_PAGE)).items
        assert letter.arguments == (str(refund.id),)
        # It is booked all the same: the customer is still owed it.
        assert await books(house.database, booking.id) == {"OUTSIDE": -9000, "HELD": 9000}

        await house.do(partial(refunds.revive, refund_id=refund.id))
        await house.do(partial(refunds.sent, taken=await take(house, refund), gateway_id="re_2"))
        await settle(house.database, payment)
        assert await house.given(booking) == [(1000, RefundCause.AT_GATEWAY, DONE)]

    async def test_is_not_told_of_as_sent_when_that_is_known_at_once(
        self, house: House, payment: Payment
    ) -> None:
        await hear(house.database, made(payment), returned(payment))
        await settle(house.database, payment)
        found = await counted(house)
        assert (found[EventType.REFUND_DONE], found[EventType.REFUND_FAILED]) == (0, 1)


class TestMoreThanThereWas:
    async def test_is_kept_apart_and_told_of_once(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        # The gateway knows nothing of what went to the customer's credit.
        await by_hand(house, booking, a_wish(4000, to=Method.CREDITS))
        await hear(house.database, made(payment, PRICE))

        came = [await settle(house.database, payment) for _ in range(3)]

        assert [one.refunds_mismatched for one in came] == [1, 0, 0]
        *_, refund = await house.refunds(booking)
        assert (refund.amount, refund.excess, refund.status) == (gbp(PRICE), gbp(4000), DONE)
        assert (await read_payment(house.database, payment.id)).refunded_minor == PRICE
        assert await books(house.database, booking.id) == {"CREDIT": 4000, "UNALLOCATED": -4000}
        found = await counted(house)
        assert (found[EventType.REFUND_MISMATCHED], found[EventType.REFUND_DONE]) == (1, 2)
        await invariants.check(house.database)

    async def test_is_what_staff_gave_back_beside_what_the_house_did(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        await house.cancel(booking)
        await hear(house.database, made(payment, PRICE))
        assert (await settle(house.database, payment)).refunds_mismatched == 1
        assert await house.given(booking) == [
            (PRICE, RefundCause.CANCELLED, WAITING),
            (PRICE, RefundCause.AT_GATEWAY, DONE),
        ]
        assert await books(house.database, booking.id) == {"OUTSIDE": PRICE, "UNALLOCATED": -PRICE}
        await invariants.check(house.database)

    async def test_is_all_of_it_where_its_currency_is_another(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        dollars = Money(amount_minor=900, currency="USD")
        await hear(house.database, made(payment, money=dollars))
        assert (await settle(house.database, payment)).refunds_mismatched == 1
        (refund,) = await house.refunds(booking)
        assert (refund.amount, refund.excess) == (dollars, dollars)
        assert (await read_payment(house.database, payment.id)).refunded_minor == 0
        async with house.database.read() as connection:
            lines = await ledger.of_booking(connection, booking.id)
        abroad = {one.account.value: one.amount for one in lines if one.amount.currency == "USD"}
        assert abroad == {
            "OUTSIDE": dollars,
            "UNALLOCATED": Money(amount_minor=-900, currency="USD"),
        }
        await invariants.check(house.database)


class TestASumThatNoRefundExplains:
    async def test_stays_unhandled_until_the_gateway_has_named_them_all(
        self, house: House, booking: Booking, payment: Payment
    ) -> None:
        await hear(house.database, said(payment, Said.REFUNDED, money=gbp(1000)))
        for _ in range(2):
            assert (await settle(house.database, payment)).knows_of_more
        assert await unhandled(house) == [Said.REFUNDED]
        async with house.database.read() as connection:
            found = await inbox.overlooked(connection, after=timedelta(), limit=5)
        assert [uid for uid, _ in found] == [payment.id]

        await hear(house.database, made(payment))
        all_ = partial(paying.settle, payment_id=payment.id, all_is_told=True)
        assert not (await house.do(all_)).knows_of_more
        assert await house.given(booking) == [(1000, RefundCause.AT_GATEWAY, DONE)]
        assert await unhandled(house) == []

    async def test_is_let_be_when_the_gateway_has_no_more_to_name(
        self, house: House, payment: Payment
    ) -> None:
        await hear(house.database, said(payment, Said.REFUNDED, money=gbp(1000)))
        all_ = partial(paying.settle, payment_id=payment.id, all_is_told=True)
        assert (await house.do(all_)).knows_of_more
        assert await unhandled(house) == []
