"""What does calling off cost at every moment, and who pays it?"""

from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final
from uuid import UUID

import pytest

from domain import cancellations as rules
from domain.booking_rules import BookingRule, BookingRules, BrokenRule, RulesBroken
from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking, happened
from domain.cancellations import CancellationQuote, FeeChanged, cancel, part
from domain.events import EventType
from domain.money import Money
from domain.offers import JobOffer, OfferState, Outcome, about
from domain.people import Role, Viewer
from domain.refusals import InvalidInput, NotFound
from tests.factories import NOW, PROVIDER, a_booking, a_viewer, an_offer

STRANGER = UUID(int=99)
START: Final = a_booking().starts_at
#: The fee's two boundaries.
DAY_BEFORE, TWO_HOURS_BEFORE = START - timedelta(hours=24), START - timedelta(hours=2)
SECOND, INSTANT = timedelta(seconds=1), timedelta.resolution
EARLY: Final = DAY_BEFORE - timedelta(days=1)
TOO_LATE: Final = "It is too late to cancel this booking yourself; ask the house."


def gbp(minor: int) -> Money:
    return Money(amount_minor=minor, currency="GBP")


def staffed(**changes: Any) -> Booking:
    """Booked long ago, paid, and somebody has it: 40.50 GBP."""
    facts = {"paid_at": EARLY, "provider_id": PROVIDER, "assigned_at": EARLY}
    return a_booking(**facts | {"requested_at": EARLY, "match_due_at": None} | changes)


def ruled(**rules: Any) -> Booking:
    return staffed(rules=BookingRules(**rules))


def quoted(percent: int, fee: int, refund: int, changes_at: Any = None) -> CancellationQuote:
    return CancellationQuote(
        percent=percent, fee=gbp(fee), refund=gbp(refund), changes_at=changes_at
    )


def paid_for(booking: Booking) -> int:
    return booking.price.amount_minor if booking.paid_at else 0


def quote(booking: Booking, *, by: Viewer, at: datetime) -> CancellationQuote:
    """What it costs, when the whole price has been paid if anything has."""
    return rules.quote(booking, by=by, at=at, paid_minor=paid_for(booking))


def staff(role: Role = Role.DISPATCHER) -> Viewer:
    return a_viewer(user_id=STRANGER, role=role)


def call_off(
    booking: Booking,
    offers: list[JobOffer] | None = None,
    *,
    by: Viewer | None = None,
    reason: str = "Plans changed.",
    fee: int = 0,
    at: datetime = EARLY,
) -> Outcome:
    viewer = by or a_viewer()
    return cancel(
        booking,
        offers or [],
        by=viewer,
        reason=reason,
        expected_fee_minor=fee,
        paid_minor=paid_for(booking),
        at=at,
    )


class TestTheQuote:
    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (EARLY, quoted(0, 0, 4050, DAY_BEFORE)),
            (DAY_BEFORE - SECOND, quoted(0, 0, 4050, DAY_BEFORE)),
            (DAY_BEFORE - INSTANT, quoted(0, 0, 4050, DAY_BEFORE)),
            (DAY_BEFORE, quoted(50, 2025, 2025, TWO_HOURS_BEFORE)),
            (DAY_BEFORE + SECOND, quoted(50, 2025, 2025, TWO_HOURS_BEFORE)),
            (TWO_HOURS_BEFORE - SECOND, quoted(50, 2025, 2025, TWO_HOURS_BEFORE)),
            (TWO_HOURS_BEFORE, quoted(50, 2025, 2025, TWO_HOURS_BEFORE)),
            (TWO_HOURS_BEFORE + INSTANT, quoted(100, 4050, 0)),
            (TWO_HOURS_BEFORE + SECOND, quoted(100, 4050, 0)),
            (START, quoted(100, 4050, 0)),
        ],
    )
    def test_is_nothing_until_a_day_before_then_half_and_under_two_hours_all(
        self, at: datetime, expected: CancellationQuote
    ) -> None:
        assert quote(staffed(), by=a_viewer(), at=at) == expected

    @pytest.mark.parametrize(
        ("at", "fee"), [(EARLY, 0), (DAY_BEFORE, 2025), (TWO_HOURS_BEFORE + SECOND, 4050)]
    )
    def test_gives_nothing_back_that_was_not_paid(self, at: datetime, fee: int) -> None:
        unpaid = quote(staffed(paid_at=None), by=a_viewer(), at=at)
        assert (unpaid.fee, unpaid.refund) == (gbp(fee), gbp(0))

    @pytest.mark.parametrize(
        ("paid", "refund"), [(0, 0), (810, 0), (2025, 0), (2026, 1), (4049, 2024)]
    )
    def test_gives_back_what_is_left_of_a_part_that_was_paid(self, paid: int, refund: int) -> None:
        now = rules.quote(staffed(), by=a_viewer(), at=DAY_BEFORE, paid_minor=paid)
        assert (now.fee, now.refund) == (gbp(2025), gbp(refund))

    @pytest.mark.parametrize(
        ("price", "fee", "refund"),
        [
            (0, 0, 0),
            (1, 1, 0),
            (2, 1, 1),
            (3, 2, 1),
            (4051, 2026, 2025),
            (2**31 - 1, 2**30, 2**30 - 1),
        ],
    )
    def test_rounds_half_a_penny_up_and_loses_none(self, price: int, fee: int, refund: int) -> None:
        now = quote(staffed(price=gbp(price)), by=a_viewer(), at=DAY_BEFORE)
        assert (now.fee, now.refund) == (gbp(fee), gbp(refund))

    @pytest.mark.parametrize(
        ("at", "paid"),
        list(product([EARLY, DAY_BEFORE, START, START + timedelta(days=9)], [True, False])),
    )
    def test_is_nothing_however_late_as_long_as_nobody_has_the_work(
        self, at: datetime, paid: bool
    ) -> None:
        booking = a_booking(paid_at=EARLY if paid else None)
        assert quote(booking, by=a_viewer(), at=at) == quoted(0, 0, 4050 if paid else 0)

    @pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMIN])
    @pytest.mark.parametrize("at", [EARLY, DAY_BEFORE, START, START + timedelta(days=9)])
    def test_is_nothing_when_the_house_calls_it_off(self, role: Role, at: datetime) -> None:
        assert quote(staffed(), by=staff(role), at=at) == quoted(0, 0, 4050)

    @pytest.mark.parametrize("fact", ["started_at", "completed_at", "cancelled_at", "no_show_at"])
    @pytest.mark.parametrize("by", [a_viewer(), staff()])
    def test_of_what_has_begun_or_is_over_there_is_none(self, fact: str, by: Viewer) -> None:
        # Although it would be too late for the customer as well: where it stands comes first.
        with pytest.raises(WrongStatus, match="Cancelling is not possible") as refused:
            quote(staffed(**{fact: NOW}), by=by, at=START + SECOND)
        assert refused.value.act is Act.CANCEL

    @pytest.mark.parametrize(
        "viewer",
        [
            a_viewer(user_id=PROVIDER, role=Role.PROVIDER),
            a_viewer(user_id=STRANGER),
            staff(Role.ANALYST),
            staff(Role.SERVICE),
        ],
    )
    @pytest.mark.parametrize("facts", [{}, {"cancelled_at": NOW}])
    def test_is_for_the_customer_and_staff_and_there_is_no_such_booking_for_others(
        self, viewer: Viewer, facts: dict[str, Any]
    ) -> None:
        with pytest.raises(NotFound):
            quote(staffed(**facts), by=viewer, at=EARLY)


class TestTheTiersOfAService:
    TIERS: Final[dict[str, Any]] = {
        "cancel_free_minutes": 60,
        "cancel_part_percent": 20,
        "cancel_part_minutes": 30,
        "cancel_whole_percent": 70,
    }

    @pytest.mark.parametrize(
        ("minutes", "percent", "fee", "changes"),
        [
            (61, 0, 0, 60),
            (60, 20, 810, 30),
            (30, 20, 810, 30),
            (29, 70, 2835, None),
            (0, 70, 2835, None),
        ],
    )
    def test_are_those_that_the_booking_was_made_under(
        self, minutes: int, percent: int, fee: int, changes: int | None
    ) -> None:
        at = START - timedelta(minutes=minutes)
        changes_at = None if changes is None else START - timedelta(minutes=changes)
        assert quote(ruled(**self.TIERS), by=a_viewer(), at=at) == quoted(
            percent, fee, 4050 - fee, changes_at
        )

    @pytest.mark.parametrize(
        ("rules", "early", "between"),
        [
            # The part costs nothing: the fee changes once, when the whole falls due.
            ({"cancel_part_percent": 0}, (0, TWO_HOURS_BEFORE), (0, TWO_HOURS_BEFORE)),
            # The part is the whole: nothing changes after it has fallen due.
            ({"cancel_part_percent": 100}, (0, DAY_BEFORE), (100, None)),
            ({"cancel_part_percent": 0, "cancel_whole_percent": 0}, (0, None), (0, None)),
        ],
    )
    def test_that_cost_the_same_are_told_as_one(
        self, rules: dict[str, int], early: Any, between: Any
    ) -> None:
        for at, expected in ((EARLY, early), (DAY_BEFORE, between)):
            now = quote(ruled(**rules), by=a_viewer(), at=at)
            assert (now.percent, now.changes_at) == expected

    def test_of_which_the_middle_one_has_no_length_still_fall_due_in_order(self) -> None:
        booking = ruled(cancel_free_minutes=120)
        before = quote(booking, by=a_viewer(), at=TWO_HOURS_BEFORE - INSTANT)
        after = quote(booking, by=a_viewer(), at=TWO_HOURS_BEFORE + INSTANT)
        assert (before.percent, before.changes_at) == (0, TWO_HOURS_BEFORE)
        assert (after.percent, after.changes_at) == (100, None)

    def test_may_forbid_calling_off_from_some_time_on(self) -> None:
        booking = ruled(cancel_notice_minutes=90)
        latest = START - timedelta(minutes=90)
        assert quote(booking, by=a_viewer(), at=latest).percent == 100
        for act in (quote, call_off):
            with pytest.raises(RulesBroken) as refused:
                act(booking, by=a_viewer(), at=latest + INSTANT)
            assert refused.value.broken == (
                BrokenRule(rule=BookingRule.CANCEL_TOO_LATE, message=TOO_LATE, latest=latest),
            )

    def test_let_nobody_call_off_after_the_start_by_default(self) -> None:
        assert quote(staffed(), by=a_viewer(), at=START).percent == 100
        with pytest.raises(RulesBroken) as refused:
            quote(staffed(), by=a_viewer(), at=START + INSTANT)
        assert [one.latest for one in refused.value.broken] == [START]

    def test_bind_neither_the_house_nor_the_customer_of_work_that_nobody_has(self) -> None:
        rules = BookingRules(cancel_notice_minutes=90 * 24 * 60)
        assert quote(staffed(rules=rules), by=staff(), at=START).percent == 0
        assert quote(a_booking(rules=rules), by=a_viewer(), at=START).percent == 0


class TestCallingOff:
    @pytest.mark.parametrize(
        ("at", "fee"), [(EARLY, 0), (DAY_BEFORE, 2025), (TWO_HOURS_BEFORE + SECOND, 4050)]
    )
    def test_costs_what_was_quoted(self, at: datetime, fee: int) -> None:
        outcome = call_off(staffed(), fee=fee, at=at)
        cancelled = staffed(
            cancelled_at=at, cancel_reason="Plans changed.", fee_minor=fee, version=2
        )
        assert outcome == Outcome(
            booking=cancelled, events=(happened(EventType.BOOKING_CANCELLED, cancelled),)
        )
        assert cancelled.status is BookingStatus.CANCELLED
        assert not cancelled.takes_time

    @pytest.mark.parametrize(
        ("at", "fee", "agreed"),
        [
            (DAY_BEFORE, 2025, 0),
            (TWO_HOURS_BEFORE + SECOND, 4050, 2025),
            # Nor is anybody charged more than it costs because they would have paid it.
            (EARLY, 0, 2025),
        ],
    )
    def test_is_refused_for_another_fee_than_the_one_agreed_to(
        self, at: datetime, fee: int, agreed: int
    ) -> None:
        with pytest.raises(
            FeeChanged, match="The fee for cancelling is another one now"
        ) as refused:
            call_off(staffed(), fee=agreed, at=at)
        assert refused.value.quote == quote(staffed(), by=a_viewer(), at=at)
        assert refused.value.quote.fee == gbp(fee)

    def test_is_refused_when_somebody_accepted_since_it_was_quoted_for_nothing(self) -> None:
        unstaffed = a_booking(paid_at=EARLY)
        agreed = quote(unstaffed, by=a_viewer(), at=DAY_BEFORE).fee.amount_minor
        with pytest.raises(FeeChanged):
            call_off(staffed(), fee=agreed, at=DAY_BEFORE)

    @pytest.mark.parametrize("agreed", [0, 2025])
    def test_costs_nothing_when_the_house_does_it_whatever_fee_it_names(self, agreed: int) -> None:
        outcome = call_off(staffed(), by=staff(), fee=agreed, at=DAY_BEFORE)
        assert outcome.booking.fee_minor == 0

    def test_withdraws_the_open_offers_and_leaves_the_settled_ones(self) -> None:
        later = NOW + timedelta(minutes=1)
        offers = [
            an_offer(id=UUID(int=21)),
            an_offer(id=UUID(int=22), expires_at=later),
            an_offer(id=UUID(int=23), state=OfferState.REJECTED, resolved_at=NOW),
        ]
        outcome = call_off(a_booking(unfilled_at=None), offers, at=later)

        cancelled = a_booking(
            cancelled_at=later,
            cancel_reason="Plans changed.",
            fee_minor=0,
            match_due_at=None,
            version=2,
        )
        withdrawn = an_offer(id=UUID(int=21), state=OfferState.RESCINDED, resolved_at=later)
        expired = an_offer(
            id=UUID(int=22), expires_at=later, state=OfferState.EXPIRED, resolved_at=later
        )
        assert outcome == Outcome(
            booking=cancelled,
            offers=(withdrawn, expired),
            events=(
                happened(EventType.BOOKING_CANCELLED, cancelled),
                about(EventType.OFFER_RESCINDED, withdrawn),
                about(EventType.OFFER_EXPIRED, expired),
            ),
        )

    def test_leaves_the_offer_that_was_won_as_it_is(self) -> None:
        won = an_offer(state=OfferState.ACCEPTED, resolved_at=NOW)
        assert call_off(staffed(), [won]).offers == ()

    @pytest.mark.parametrize(
        "booking",
        [
            staffed(started_at=NOW),
            staffed(started_at=NOW, completed_at=NOW),
            a_booking(cancelled_at=NOW),
            a_booking(needs_approval=True, declined_at=NOW),
            staffed(no_show_at=NOW),
        ],
    )
    @pytest.mark.parametrize("by", [a_viewer(), staff()])
    def test_what_has_begun_or_is_over_is_refused_whatever_the_fee_and_the_hour(
        self, booking: Booking, by: Viewer
    ) -> None:
        with pytest.raises(WrongStatus, match="Cancelling is not possible") as refused:
            call_off(booking, by=by, fee=1, at=START + SECOND)
        assert refused.value.status is booking.status

    def test_needs_no_reason_but_takes_no_novel(self) -> None:
        assert call_off(staffed(), reason="").booking.cancel_reason == ""
        assert call_off(staffed(), reason="x" * 500).booking.cancel_reason == "x" * 500
        with pytest.raises(InvalidInput) as refused:
            call_off(staffed(), reason="x" * 501)
        assert [error.path for error in refused.value.errors] == [("reason",)]

    @pytest.mark.parametrize("user_id", [PROVIDER, STRANGER])
    def test_is_not_for_providers_or_strangers(self, user_id: UUID) -> None:
        with pytest.raises(NotFound):
            call_off(staffed(), by=a_viewer(user_id=user_id, role=Role.PROVIDER))


@pytest.mark.parametrize(
    ("minor", "percent", "expected"),
    [
        (4050, 0, 0),
        (4050, 100, 4050),
        (99, 1, 1),
        (49, 1, 0),
        (50, 1, 1),
        (1, 49, 0),
        (1, 50, 1),
        (3, 50, 2),
        (333, 33, 110),
        (0, 100, 0),
    ],
)
def test_a_part_of_a_sum_rounds_halves_up_and_keeps_its_currency(
    minor: int, percent: int, expected: int
) -> None:
    sum_ = Money(amount_minor=minor, currency="JPY")
    assert part(sum_, percent) == Money(amount_minor=expected, currency="JPY")


class TestAfterTheCustomerHasMovedIt:
    def test_the_fee_of_then_stays_the_least(self) -> None:
        moved = staffed(least_fee_percent=50)
        quoted = quote(moved, by=a_viewer(), at=START - timedelta(days=9))
        assert (quoted.percent, quoted.changes_at) == (50, START - timedelta(hours=2))

    def test_the_fee_still_rises_with_the_hour(self) -> None:
        moved = staffed(least_fee_percent=50)
        assert quote(moved, by=a_viewer(), at=START - timedelta(hours=1)).percent == 100

    def test_the_whole_stays_the_whole(self) -> None:
        moved = staffed(least_fee_percent=100)
        quoted = quote(moved, by=a_viewer(), at=START - timedelta(days=9))
        assert (quoted.percent, quoted.changes_at) == (100, None)


def test_what_waits_for_the_houses_yes_costs_nothing() -> None:
    waiting = staffed(needs_approval=True)
    assert quote(waiting, by=a_viewer(), at=START - timedelta(hours=1)).percent == 0
