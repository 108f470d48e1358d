"""Is a payment asked for once, and brought about once, whatever the gateway says of it and when?"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from db import cancellations, ledger, lifecycle, paying
from db import gateway_events as inbox
from db.ids import new_id
from db.tables import gateway_events, ledger_lines, ledger_postings, payments, refunds
from domain.booking_rules import BookingRules
from domain.booking_steps import BookingStatus, WrongStatus
from domain.bookings import Booking
from domain.events import EventType
from domain.idempotency import IdempotencyKeyReused, key
from domain.ledger import Account, Line, LineKind, NotEnoughCredit, Posting
from domain.money import Money
from domain.paying import PayAmount, Wish
from domain.payment_events import Said
from domain.payments import Method, NothingToPay, Payment, PaymentStatus, Purpose
from domain.refunds import RefundCause
from domain.refusals import NotFound
from domain.work import Handover
from tests import invariants
from tests.db.racing import act, race
from tests.factories import (
    add_booking,
    add_customer,
    add_dispatcher,
    add_provider,
    add_service,
    count_rows,
    now,
    read_booking,
    read_events,
)
from tests.money import books, gbp
from tests.paying import asked, hear, pay, read_payment, read_refunds, said, settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from db.engine import Database
    from domain.payment_events import Report
    from domain.people import Viewer
    from domain.services import Service

PRICE = 4050
TRACES = (payments, gateway_events, ledger_postings, ledger_lines, refunds)
CARD = Wish(gateway="stripe")


@pytest.fixture
async def service(crowd: Database) -> Service:
    return await add_service(crowd)


@pytest.fixture
async def customer(crowd: Database) -> Viewer:
    return await add_customer(crowd)


@pytest.fixture
async def provider(crowd: Database, service: Service) -> Viewer:
    return await add_provider(crowd, service)


@pytest.fixture
async def booking(crowd: Database, customer: Viewer, service: Service, provider: Viewer) -> Booking:
    """Staffed, unpaid, in two days."""
    at = await now(crowd)
    facts = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
    return await add_booking(crowd, customer, service, starts_at=at + timedelta(days=2), **facts)


async def grant(crowd: Database, customer: Viewer, minor: int) -> None:
    """Credit from the house."""
    lines = (
        Line(account=Account.PLATFORM, kind=LineKind.CREDIT, amount_minor=-minor),
        Line(
            account=Account.CREDIT,
            kind=LineKind.CREDIT,
            amount_minor=minor,
            customer_id=customer.user_id,
        ),
    )
    async with crowd.begin() as tx:
        given = Posting(cause=f"credit:{new_id()}", currency="GBP", lines=lines)
        await ledger.post(tx, [given], at=await now(crowd))


async def all_payments(crowd: Database) -> list[PaymentStatus]:
    async with crowd.read() as connection:
        query = select(payments.c.status).order_by(payments.c.id)
        return [PaymentStatus(status) for status in await connection.scalars(query)]


class TestAsking:
    async def test_again_is_answered_with_the_same_payment(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        first = await asked(crowd, booking, customer)
        assert await asked(crowd, booking, customer) == first
        assert (first.amount, first.purpose) == (gbp(PRICE), Purpose.FULL)
        assert await all_payments(crowd) == [PaymentStatus.PENDING]

    async def test_by_many_at_once_makes_one_payment(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        ask = partial(paying.ask, booking_id=booking.id, by=customer, wish=CARD)
        came = await race(crowd, [ask] * 20)
        assert len({one.payment.id for one in came}) == 1
        assert [one.is_new for one in came].count(True) == 1

    async def test_for_another_sum_withdraws_the_first(
        self, crowd: Database, customer: Viewer, service: Service
    ) -> None:
        rules = BookingRules(deposit_percent=20)
        booking = await add_booking(crowd, customer, service, rules=rules)
        whole = await asked(crowd, booking, customer)
        part = await asked(crowd, booking, customer, amount=PayAmount.DEPOSIT)
        assert (part.amount, part.purpose) == (gbp(810), Purpose.DEPOSIT)
        assert (await read_payment(crowd, whole.id)).status is PaymentStatus.CANCELLED

    async def test_for_somebody_elses_booking_is_refused_without_a_trace(
        self, crowd: Database, booking: Booking, provider: Viewer
    ) -> None:
        for stranger in (await add_customer(crowd), await add_dispatcher(crowd), provider):
            with pytest.raises(NotFound):
                await act(
                    crowd,
                    partial(paying.ask, booking_id=booking.id, by=stranger, wish=CARD),
                )
        assert await count_rows(crowd, *TRACES) == (0,) * len(TRACES)

    async def test_with_a_key_answers_the_same_even_when_it_is_paid(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        mine = key("payBooking", "k", 1)
        ask = partial(paying.ask, booking_id=booking.id, by=customer, wish=CARD)
        first = (await act(crowd, partial(ask, key=mine))).payment
        await act(crowd, partial(pay, booking_id=booking.id, by=customer))
        again = await act(crowd, partial(ask, key=mine))
        assert (again.payment.id, again.is_new) == (first.id, False)
        with pytest.raises(IdempotencyKeyReused):
            await act(crowd, partial(ask, key=key("payBooking", "k", 2)))
        with pytest.raises(NothingToPay):
            await act(crowd, ask)


class TestByCredit:
    async def test_is_paid_at_once_and_held_for_the_work(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        await grant(crowd, customer, 5000)
        after = await act(
            crowd,
            partial(pay, booking_id=booking.id, by=customer, method=Method.CREDITS),
        )
        assert after.status is BookingStatus.CONFIRMED
        assert await books(crowd, booking.id) == {"CREDIT": -PRICE, "HELD": PRICE}
        async with crowd.read() as connection:
            assert await ledger.credit(connection, customer.user_id) == [gbp(5000 - PRICE)]

    async def test_that_is_not_enough_leaves_no_trace(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        await grant(crowd, customer, PRICE - 1)
        open_ = await asked(crowd, booking, customer)
        before = await count_rows(crowd, *TRACES)
        with pytest.raises(NotEnoughCredit) as refused:
            await act(
                crowd,
                partial(pay, booking_id=booking.id, by=customer, method=Method.CREDITS),
            )
        assert (refused.value.balance, refused.value.due) == (gbp(PRICE - 1), gbp(PRICE))
        assert await count_rows(crowd, *TRACES) == before
        assert await read_payment(crowd, open_.id) == open_
        assert await read_booking(crowd, booking.id) == booking

    async def test_pays_two_bookings_at_once_only_as_far_as_it_goes(
        self, crowd: Database, customer: Viewer, service: Service
    ) -> None:
        await grant(crowd, customer, PRICE)
        both = [await add_booking(crowd, customer, service) for _ in range(2)]
        came = await race(
            crowd,
            [partial(pay, booking_id=one.id, by=customer, method=Method.CREDITS) for one in both],
        )
        assert sorted(type(one).__name__ for one in came) == ["Booking", "NotEnoughCredit"]


def a_log(payment: Payment) -> list[Report]:
    """Everything that a gateway says of a payment that was refused once, then paid."""
    at = payment.created_at
    kinds = (Said.PROCESSING, Said.FAILED, Said.PROCESSING, Said.PAID)
    return [
        said(payment, kind, occurred_at=at + n * timedelta(seconds=1))
        for n, kind in enumerate(kinds)
    ]


async def check_paid_once(crowd: Database, payment: Payment) -> None:
    after = await read_payment(crowd, payment.id)
    assert (after.status, after.received) == (PaymentStatus.PAID, payment.amount)
    assert after.failed_at == payment.created_at + timedelta(seconds=1)
    booking = await read_booking(crowd, payment.booking_id)
    assert (booking.status, booking.version) == (BookingStatus.CONFIRMED, 2)
    assert await books(crowd, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}
    counted = Counter(await read_events(crowd))
    assert counted[EventType.PAYMENT_SUCCEEDED] == counted[EventType.BOOKING_PAID] == 1
    assert await read_refunds(crowd, booking) == []


class TestTheLogOfAPayment:
    @pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
    async def test_told_twice_in_any_order_ends_alike_and_has_its_effects_once(
        self, crowd: Database, customer: Viewer, booking: Booking, order: Sequence[int]
    ) -> None:
        await self.check_told(crowd, await asked(crowd, booking, customer), (*order, *order))

    async def test_replayed_ten_times_and_shuffled_ends_alike_and_has_its_effects_once(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        shuffled = random.Random(20261122).sample(range(4), k=40, counts=[10] * 4)
        await self.check_told(crowd, await asked(crowd, booking, customer), shuffled)

    async def check_told(self, crowd: Database, payment: Payment, order: Iterable[int]) -> None:
        log = a_log(payment)
        for n in order:
            await hear(crowd, log[n])
            await settle(crowd, payment)
        await check_paid_once(crowd, payment)
        assert (await count_rows(crowd, gateway_events)) == (len(log),)
        async with crowd.read() as connection:
            left = select(gateway_events).where(gateway_events.c.handled_at.is_(None))
            assert list(await connection.execute(left)) == []

    async def test_told_and_settled_by_many_at_once_has_its_effects_once(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        log = a_log(payment)

        async def told(tx: Any, *, report: Report) -> None:
            await inbox.keep(tx, report)

        changes: list[Any] = []
        for n in range(40):
            changes.append(partial(told, report=log[n % len(log)]))
            changes.append(partial(paying.settle, payment_id=payment.id))
        await race(crowd, changes)
        await settle(crowd, payment)
        await check_paid_once(crowd, payment)
        await invariants.check(crowd)

    async def test_speaks_of_the_payment_by_our_id_or_by_the_gateways(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await hear(crowd, said(payment, payment_id=None))
        assert (await settle(crowd, payment)).payment.status is PaymentStatus.PAID

    async def test_is_kept_where_it_speaks_of_nothing_we_know(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        before = len(await read_events(crowd))
        foreign: dict[str, Any] = {"gateway_id": "pi_foreign"}
        await hear(
            crowd,
            said(payment, payment_id=new_id(), **foreign),
            said(payment, gateway="development", **foreign),
            said(payment, payment_id=None, gateway_id=None),
        )
        assert await count_rows(crowd, gateway_events) == (3,)
        assert len(await read_events(crowd)) == before
        assert (await settle(crowd, payment)).payment == payment


class TestAWrongSum:
    async def test_is_kept_apart_and_told_of_once(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        wrong = said(payment, money=gbp(405))
        for expected in (True, False):
            await hear(crowd, wrong)
            assert (await settle(crowd, payment)).mismatched is expected
        after = await read_payment(crowd, payment.id)
        assert (after.status, after.received) == (PaymentStatus.MISMATCHED, gbp(405))
        assert await read_booking(crowd, booking.id) == booking
        assert await books(crowd, booking.id) == {"OUTSIDE": -405, "UNALLOCATED": 405}
        counted = Counter(await read_events(crowd))
        assert counted[EventType.PAYMENT_MISMATCHED] == 1
        assert counted[EventType.PAYMENT_SUCCEEDED] == 0

    async def test_in_another_currency_is_wrong_too(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        euros = Money(amount_minor=PRICE, currency="EUR")
        await hear(crowd, said(payment, money=euros))
        assert (await settle(crowd, payment)).mismatched
        assert (await read_booking(crowd, booking.id)).paid_at is None
        async with crowd.read() as connection:
            lines = await ledger.of_booking(connection, booking.id)
        assert {line.amount.currency for line in lines} == {"EUR"}

    @pytest.mark.parametrize("wrong_first", [True, False])
    async def test_beside_the_right_one_ends_paid_and_remembered_in_either_order(
        self, crowd: Database, customer: Viewer, booking: Booking, wrong_first: bool
    ) -> None:
        payment = await asked(crowd, booking, customer)
        both = [said(payment, money=gbp(405)), said(payment)]
        for _ in range(3):
            for report in both if wrong_first else reversed(both):
                await hear(crowd, report)
                await settle(crowd, payment)
        after = await read_payment(crowd, payment.id)
        assert (after.status, after.received) == (PaymentStatus.PAID, payment.amount)
        assert after.mismatched_at is not None
        assert (await read_booking(crowd, booking.id)).status is BookingStatus.CONFIRMED
        assert await books(crowd, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}
        counted = Counter(await read_events(crowd))
        assert counted[EventType.PAYMENT_MISMATCHED] == counted[EventType.PAYMENT_SUCCEEDED] == 1


class TestADeposit:
    @pytest.fixture
    async def booking(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> Booking:
        at = await now(crowd)
        facts = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
        rules = BookingRules(deposit_percent=20)
        return await add_booking(crowd, customer, service, rules=rules, **facts)

    async def test_confirms_and_the_balance_is_paid_before_or_after_the_work(
        self, crowd: Database, customer: Viewer, provider: Viewer, booking: Booking
    ) -> None:
        deposit = partial(pay, booking_id=booking.id, by=customer, amount=PayAmount.DEPOSIT)
        assert (await act(crowd, deposit)).status is BookingStatus.CONFIRMED
        with pytest.raises(NothingToPay):
            await act(crowd, deposit)
        mine: dict[str, Any] = {"booking_id": booking.id, "by": provider}
        await act(crowd, partial(lifecycle.start, **mine))
        await act(crowd, partial(lifecycle.complete, **mine, handover=Handover()))
        assert await books(crowd, booking.id) == {
            "OUTSIDE": -810,
            "PROVIDER": 648,
            "PLATFORM": 162,
        }
        # What comes when the work is done is earned at once.
        after = await act(crowd, partial(pay, booking_id=booking.id, by=customer))
        assert after.status is BookingStatus.COMPLETED
        assert await books(crowd, booking.id) == {
            "OUTSIDE": -PRICE,
            "PROVIDER": 3240,
            "PLATFORM": 810,
        }
        with pytest.raises(NothingToPay):
            await act(crowd, partial(pay, booking_id=booking.id, by=customer))


class TestTooMuch:
    async def test_goes_back_once(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        first = await asked(crowd, booking, customer)
        second = await asked(crowd, booking, customer, gateway="development")
        for _ in range(3):
            for payment in (first, second):
                await hear(crowd, said(payment, id=f"evt_{payment.id}"))
                await settle(crowd, payment)
        assert await read_refunds(crowd, booking) == [(RefundCause.OVERPAID, PRICE)]
        # Paid all the same, although it was called off before.
        assert await all_payments(crowd) == [PaymentStatus.PAID] * 2
        assert (await read_payment(crowd, second.id)).refunded_minor == PRICE
        assert (await read_booking(crowd, booking.id)).version == 2
        assert await books(crowd, booking.id) == {"OUTSIDE": -PRICE, "HELD": PRICE}


class TestALatePayment:
    async def cancel(self, crowd: Database, customer: Viewer, booking: Booking) -> None:
        await act(
            crowd,
            partial(cancellations.cancel, booking_id=booking.id, by=customer, reason=""),
        )

    async def test_of_what_was_called_off_goes_back_once(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await self.cancel(crowd, customer, booking)
        before = await read_booking(crowd, booking.id)
        late = [said(payment, id="evt_1"), said(payment, id="evt_2")]
        for _ in range(5):
            await hear(crowd, *late)
            await settle(crowd, payment)
        assert await read_booking(crowd, booking.id) == before
        assert await read_refunds(crowd, booking) == [(RefundCause.LATE_PAYMENT, PRICE)]
        assert await books(crowd, booking.id) == {}
        await invariants.check(crowd)

    async def test_goes_back_once_whoever_settles_it_at_the_same_time(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await hear(crowd, said(payment))
        mine: dict[str, Any] = {"booking_id": booking.id, "by": customer}
        came = await race(
            crowd,
            [
                partial(cancellations.cancel, **mine, reason=""),
                *[partial(paying.settle, payment_id=payment.id)] * 20,
            ],
        )
        assert not [one for one in came if isinstance(one, Exception)]
        ((_, minor),) = await read_refunds(crowd, booking)
        assert minor == PRICE
        assert (await read_booking(crowd, booking.id)).status is BookingStatus.CANCELLED
        assert await books(crowd, booking.id) == {}

    async def test_goes_back_less_the_fee_that_was_agreed_to(
        self, crowd: Database, customer: Viewer, service: Service, provider: Viewer
    ) -> None:
        at = await now(crowd)
        facts = {"provider_id": provider.user_id, "assigned_at": at, "match_due_at": None}
        soon = at + timedelta(hours=3)
        booking = await add_booking(crowd, customer, service, starts_at=soon, **facts)
        payment = await asked(crowd, booking, customer)
        fee: dict[str, Any] = {"expected_fee_minor": 2025}
        mine: dict[str, Any] = {"booking_id": booking.id, "by": customer, "reason": ""}
        await act(crowd, partial(cancellations.cancel, **mine, **fee))
        await hear(crowd, said(payment))
        await settle(crowd, payment)
        assert await read_refunds(crowd, booking) == [(RefundCause.LATE_PAYMENT, 2025)]
        assert await books(crowd, booking.id) == {
            "OUTSIDE": -2025,
            "PROVIDER": 1620,
            "PLATFORM": 405,
        }


async def test_a_booking_that_was_called_off_is_not_to_be_paid(
    crowd: Database, customer: Viewer, booking: Booking
) -> None:
    mine: dict[str, Any] = {"booking_id": booking.id, "by": customer}
    await act(crowd, partial(cancellations.cancel, **mine, reason=""))
    before = await count_rows(crowd, *TRACES)
    with pytest.raises(WrongStatus):
        await act(crowd, partial(paying.ask, **mine, wish=CARD))
    assert await count_rows(crowd, *TRACES) == before


class TestARefundThatTheBankSendsBack:
    async def test_waits_in_the_inbox_until_we_know_of_it(
        self, crowd: Database, customer: Viewer, booking: Booking
    ) -> None:
        payment = await asked(crowd, booking, customer)
        await hear(crowd, said(payment))
        await hear(crowd, said(payment, Said.REFUND_FAILED, refund="re_1", failure="Closed."))
        await settle(crowd, payment)
        async with crowd.read() as connection:
            g = gateway_events.c
            left = await connection.scalars(select(g.said).where(g.handled_at.is_(None)))
            assert list(left) == [Said.REFUND_FAILED]
            found = await inbox.overlooked(connection, after=timedelta(), limit=5)
        assert [uid for uid, _ in found] == [payment.id]


async def test_what_was_said_before_we_knew_its_name_is_put_right(
    crowd: Database, customer: Viewer, booking: Booking
) -> None:
    """The gateway made the payment, and we died before noting what it calls it."""
    ask = partial(paying.ask, booking_id=booking.id, by=customer, wish=CARD)
    payment = (await act(crowd, ask)).payment
    assert payment.gateway_id is None
    await hear(crowd, replace(said(payment), gateway_id="pi_9"))
    assert (await settle(crowd, payment)).payment.gateway_id == "pi_9"


async def test_a_payment_that_is_not_there_is_not_settled(crowd: Database) -> None:
    with pytest.raises(NotFound):
        await act(crowd, partial(paying.settle, payment_id=new_id()))
