"""How much is to be paid, how is it asked for, and what does a payment bring about?"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.booking_rules import BookingRules
from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking
from domain.events import EventType
from domain.ledger import Account, Line, LineKind, Posting
from domain.money import Money
from domain.paying import (
    Asked,
    Effects,
    PayAmount,
    Wish,
    amount_due,
    ask,
    came_in,
    deposit,
    effects,
    is_open,
    told,
)
from domain.payments import Method, NothingToPay, Payment, PaymentUnavailable, Purpose
from domain.refusals import InvalidInput
from tests.factories import BOOKING, CUSTOMER, NOW, PROVIDER, a_booking
from tests.paying import PAYMENT, to_pay

LATER = NOW + timedelta(hours=1)
NEW = UUID(int=42)
CARD = Wish(gateway="stripe")
A_FIFTH = Wish(amount=PayAmount.DEPOSIT, gateway="stripe")
STAFFED: dict[str, Any] = {"provider_id": PROVIDER, "assigned_at": NOW, "match_due_at": None}
ENDED: tuple[dict[str, Any], ...] = (
    {"cancelled_at": NOW},
    {"declined_at": NOW, "needs_approval": True},
    {**STAFFED, "no_show_at": NOW},
)


def gbp(minor: int) -> Money:
    return Money(amount_minor=minor, currency="GBP")


def part_now(**changes: Any) -> Booking:
    """A booking of 40.50 that a fifth confirms."""
    return a_booking(rules=BookingRules(deposit_percent=20), **changes)


def paid(minor: int = 4050, **changes: Any) -> Payment:
    facts = {"amount": gbp(minor), "received": gbp(minor), "paid_at": NOW}
    return to_pay(**facts | changes)


def wrong(**changes: Any) -> Payment:
    return to_pay(**{"received": gbp(1), "paid_at": NOW, "mismatched_at": NOW} | changes)


def asking(booking: Booking, *payments: Payment, wish: Wish = CARD) -> Asked:
    return ask(booking, payments, wish, at=LATER, new_id=lambda: NEW)


class TestWhatIsDue:
    def test_is_the_price_less_what_came_in_for_the_work(self) -> None:
        assert amount_due(a_booking(), []) == gbp(4050)
        tip = paid(500, purpose=Purpose.TIP)
        booking = part_now(paid_at=NOW)
        assert amount_due(booking, [paid(810), tip, wrong(), to_pay()]) == gbp(3240)
        assert amount_due(booking, [paid(810), paid(3240)]) == gbp(0)

    def test_is_never_less_than_nothing_and_not_what_was_given_back(self) -> None:
        twice = [paid(), paid(refunded_minor=4050)]
        assert amount_due(a_booking(paid_at=NOW), twice) == gbp(0)
        assert amount_due(a_booking(paid_at=NOW), [paid(refunded_minor=50)]) == gbp(0)

    @pytest.mark.parametrize("ended", ENDED)
    def test_is_nothing_once_it_was_called_off(self, ended: dict[str, Any]) -> None:
        assert amount_due(a_booking(**ended), []) == gbp(0)

    def test_is_nothing_for_what_is_free_or_was_paid_before_there_were_payments(self) -> None:
        assert amount_due(a_booking(paid_at=NOW, price=gbp(0)), []) == gbp(0)
        assert amount_due(a_booking(paid_at=NOW), [to_pay()]) == gbp(0)

    def test_a_deposit_is_the_part_that_the_rules_say_rounded_half_up(self) -> None:
        assert deposit(a_booking()) is None
        assert deposit(part_now()) == gbp(810)
        assert deposit(part_now(price=gbp(1))) is None
        assert deposit(part_now(price=gbp(3))) == gbp(1)


class TestAsking:
    def test_asks_for_the_whole_price_of_its_customer(self) -> None:
        assert asking(a_booking()) == Asked(payment=to_pay(id=NEW, created_at=LATER))

    def test_asks_for_a_deposit_and_then_for_the_balance(self) -> None:
        first = asking(part_now(), wish=A_FIFTH).payment
        assert (first.purpose, first.amount) == (Purpose.DEPOSIT, gbp(810))
        done = {**STAFFED, "paid_at": NOW, "started_at": NOW, "completed_at": NOW}
        for facts in ({}, {"paid_at": NOW}, {**STAFFED, "paid_at": NOW}, done):
            rest = asking(part_now(**facts), paid(810, purpose=Purpose.DEPOSIT)).payment
            assert (rest.purpose, rest.amount) == (Purpose.BALANCE, gbp(3240))

    def test_asks_for_everything_where_everything_is_wanted(self) -> None:
        whole = asking(part_now()).payment
        assert (whole.purpose, whole.amount) == (Purpose.FULL, gbp(4050))

    def test_credit_is_taken_by_the_house(self) -> None:
        asked = asking(a_booking(), wish=Wish(method=Method.CREDITS, gateway="stripe")).payment
        assert (asked.method, asked.gateway) == (Method.CREDITS, "credits")

    def test_asks_again_for_what_was_not_paid(self) -> None:
        tip = to_pay(id=NEW, purpose=Purpose.TIP)
        asked = asking(a_booking(), to_pay(cancelled_at=NOW), tip, to_pay(gateway_id="pi_1"))
        assert asked == Asked(payment=to_pay(gateway_id="pi_1"), is_new=False)

    @pytest.mark.parametrize(
        ("booking", "wish"),
        [
            (part_now(), A_FIFTH),
            (a_booking(), Wish(method=Method.CREDITS)),
            (a_booking(), Wish(gateway="development")),
        ],
        ids=["another sum", "another way", "another gateway"],
    )
    def test_asks_anew_for_another_sum_or_by_another_way(
        self, booking: Booking, wish: Wish
    ) -> None:
        asked = asking(booking, to_pay(), wish=wish)
        assert (asked.payment.id, asked.is_new) == (NEW, True)
        assert asked.superseded == to_pay(cancelled_at=LATER)
        assert not is_open(asked.superseded)

    @pytest.mark.parametrize(
        "booking", [a_booking(paid_at=NOW), a_booking(paid_at=NOW, price=gbp(0))]
    )
    def test_asks_for_nothing_where_all_is_paid(self, booking: Booking) -> None:
        with pytest.raises(NothingToPay, match="nothing left to pay"):
            asking(booking)

    def test_asks_for_no_second_deposit(self) -> None:
        with pytest.raises(NothingToPay, match="balance"):
            asking(part_now(paid_at=NOW), paid(810), wish=A_FIFTH)

    def test_asks_for_no_deposit_where_there_is_none(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            asking(a_booking(), wish=A_FIFTH)
        (error,) = refused.value.errors
        assert error.path == ("amount",)

    @pytest.mark.parametrize("ended", ENDED)
    def test_asks_for_nothing_once_it_was_called_off(self, ended: dict[str, Any]) -> None:
        booking = a_booking(**ended)
        with pytest.raises(WrongStatus) as refused:
            asking(booking)
        assert (refused.value.act, refused.value.status) == (Act.PAY, booking.status)


class TestWhatCameInIsBooked:
    def booked(self, before: Payment, after: Payment, **facts: Any) -> list[Posting | None]:
        return list(came_in(before, after, a_booking(**facts)))

    def posting(self, cause: str, *lines: Line, currency: str = "GBP") -> Posting:
        return Posting(cause=cause, currency=currency, lines=lines, booking_id=BOOKING)

    def outside(self, minor: int) -> Line:
        return Line(account=Account.OUTSIDE, kind=LineKind.PAYMENT, amount_minor=minor)

    def test_as_held_for_the_work(self) -> None:
        held = Line(account=Account.HELD, kind=LineKind.PAYMENT, amount_minor=4050)
        expected = self.posting(f"payment:{PAYMENT}", self.outside(-4050), held)
        assert self.booked(to_pay(), paid()) == [expected]

    def test_as_taken_from_credit(self) -> None:
        by: dict[str, Any] = {"method": Method.CREDITS, "gateway": "credits"}
        taken = Line(
            account=Account.CREDIT,
            kind=LineKind.CREDIT,
            amount_minor=-4050,
            customer_id=CUSTOMER,
        )
        held = Line(account=Account.HELD, kind=LineKind.PAYMENT, amount_minor=4050)
        expected = self.posting(f"payment:{PAYMENT}", taken, held)
        assert self.booked(to_pay(**by), paid(**by)) == [expected]

    def test_as_the_providers_at_once_where_it_is_a_tip(self) -> None:
        tip = Line(
            account=Account.PROVIDER,
            kind=LineKind.TIP,
            amount_minor=500,
            provider_id=PROVIDER,
        )
        before = to_pay(purpose=Purpose.TIP, amount=gbp(500))
        expected = self.posting(f"payment:{PAYMENT}", self.outside(-500), tip)
        assert self.booked(before, paid(500, purpose=Purpose.TIP), **STAFFED) == [expected]

    def test_apart_in_its_own_currency_where_the_sum_is_wrong(self) -> None:
        apart = Line(account=Account.UNALLOCATED, kind=LineKind.PAYMENT, amount_minor=7)
        euros = Money(amount_minor=7, currency="EUR")
        posting = self.posting(f"payment:{PAYMENT}", self.outside(-7), apart, currency="EUR")
        assert self.booked(to_pay(), wrong(received=euros)) == [posting]

    def test_anew_once_the_right_sum_is_known(self) -> None:
        apart = Line(account=Account.UNALLOCATED, kind=LineKind.PAYMENT, amount_minor=-1)
        held = Line(account=Account.HELD, kind=LineKind.PAYMENT, amount_minor=4050)
        assert self.booked(wrong(), paid(mismatched_at=NOW)) == [
            self.posting(f"payment:{PAYMENT}:wrong", self.outside(1), apart),
            self.posting(f"payment:{PAYMENT}:right", self.outside(-4050), held),
            None,
        ]

    @pytest.mark.parametrize(
        ("purpose", "account", "kind"),
        [
            (Purpose.FULL, Account.HELD, LineKind.REFUND),
            (Purpose.TIP, Account.PROVIDER, LineKind.TIP),
        ],
    )
    def test_as_if_what_went_back_of_a_wrong_sum_had_gone_back_of_the_right_one(
        self, purpose: Purpose, account: Account, kind: LineKind
    ) -> None:
        before = wrong(refunded_minor=1, purpose=purpose)
        after = paid(mismatched_at=NOW, refunded_minor=1, purpose=purpose)
        *_, moved = self.booked(before, after)
        assert moved is not None
        assert moved.cause == f"payment:{PAYMENT}:refunded"
        assert [(one.account, one.kind, one.amount_minor) for one in moved.lines] == [
            (Account.UNALLOCATED, LineKind.REFUND, 1),
            (account, kind, -1),
        ]

    def test_once(self) -> None:
        assert self.booked(to_pay(), to_pay(failed_at=NOW)) == []
        assert self.booked(paid(), paid(failed_at=NOW)) == []


class TestItsEffect:
    def effect(
        self, booking: Booking, *payments: Payment, free: bool = False
    ) -> tuple[BookingStatus | None, Act | None, int]:
        """What the first of the payments does, which has just come in."""
        done = effects(booking, payments, payments[0], at=LATER, free=free)
        status = done.outcome.booking.status if done.outcome else None
        return status, done.act, done.excess_minor

    @pytest.mark.parametrize(
        ("facts", "status"),
        [
            ({}, BookingStatus.PAID),
            (STAFFED, BookingStatus.CONFIRMED),
            ({"needs_approval": True}, BookingStatus.AWAITING_APPROVAL),
        ],
    )
    def test_is_that_the_booking_is_paid(
        self, facts: dict[str, Any], status: BookingStatus
    ) -> None:
        assert self.effect(a_booking(**facts), paid()) == (status, Act.PAY, 0)
        assert self.effect(part_now(**facts), paid(810)) == (status, Act.PAY, 0)

    def test_is_nothing_where_too_little_has_come_in_yet(self) -> None:
        assert self.effect(a_booking(), paid(4049)) == (None, None, 0)
        assert self.effect(part_now(), paid(809)) == (None, None, 0)

    def test_is_nothing_but_the_money_where_it_is_paid_already(self) -> None:
        staffed = part_now(**STAFFED, paid_at=NOW)
        assert self.effect(staffed, paid(3240), paid(810)) == (None, None, 0)

    def test_is_that_what_is_too_much_goes_back_but_no_more_than_came(self) -> None:
        whole = a_booking(**STAFFED, paid_at=NOW)
        assert self.effect(whole, paid(), paid()) == (None, None, 4050)
        partly = part_now(**STAFFED, paid_at=NOW)
        assert self.effect(partly, paid(), paid(810)) == (None, None, 810)
        assert self.effect(partly, paid(3240), paid(), paid(810, refunded_minor=810)) == (
            None,
            None,
            3240,
        )

    def test_is_that_too_much_goes_back_but_for_what_has_gone_back_already(self) -> None:
        whole = a_booking(**STAFFED, paid_at=NOW)
        assert self.effect(whole, paid(refunded_minor=50), paid()) == (None, None, 4000)

    def test_is_that_what_had_lapsed_comes_back_if_its_provider_is_free(self) -> None:
        lapsed = a_booking(**STAFFED, cancelled_at=NOW, lapsed_at=NOW)
        back = (BookingStatus.CONFIRMED, Act.RESTORE, 0)
        assert self.effect(lapsed, paid(), free=True) == back
        assert self.effect(lapsed, paid(), free=False) == (None, None, 0)
        assert self.effect(lapsed, paid(4049), free=True) == (None, None, 0)
        over = a_booking(**STAFFED, cancelled_at=NOW, lapsed_at=NOW, ends_at=LATER)
        assert self.effect(over, paid(), free=True) == (None, None, 0)

    @pytest.mark.parametrize("ended", ENDED)
    def test_is_none_of_ours_once_it_was_called_off(self, ended: dict[str, Any]) -> None:
        assert self.effect(a_booking(**ended), paid(), free=True) == (None, None, 0)

    def test_of_a_tip_is_none(self) -> None:
        tip = paid(purpose=Purpose.TIP)
        assert effects(a_booking(), [tip], tip, at=LATER, free=True) == Effects()


class TestWhatIsTold:
    @pytest.mark.parametrize(
        ("before", "after", "types"),
        [
            (to_pay(), paid(), [EventType.PAYMENT_SUCCEEDED]),
            (to_pay(), paid(failed_at=NOW), [EventType.PAYMENT_SUCCEEDED]),
            (to_pay(), wrong(), [EventType.PAYMENT_MISMATCHED]),
            (wrong(), paid(mismatched_at=NOW), [EventType.PAYMENT_SUCCEEDED]),
            (paid(), paid(mismatched_at=NOW), [EventType.PAYMENT_MISMATCHED]),
            (to_pay(), to_pay(failed_at=NOW), [EventType.PAYMENT_FAILED]),
            (to_pay(failed_at=NOW), to_pay(failed_at=LATER), [EventType.PAYMENT_FAILED]),
            (to_pay(failed_at=NOW), to_pay(failed_at=NOW), []),
            (to_pay(), to_pay(cancelled_at=NOW), []),
            (paid(), paid(failed_at=NOW), []),
            (wrong(), wrong(), []),
        ],
    )
    def test_is_what_is_new(self, before: Payment, after: Payment, types: list[EventType]) -> None:
        events = list(told(before, after))
        assert [event.type for event in events] == types
        who = {"payment": PAYMENT, "booking": BOOKING, "customer": CUSTOMER}
        assert all(event.subject == who for event in events)


def test_without_a_gateway_it_is_said_that_nobody_can_pay() -> None:
    assert str(PaymentUnavailable()) == "This server has no way to take payments."
    assert str(PaymentUnavailable("Try again.")) == "Try again."
