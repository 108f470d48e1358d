"""May a booking be moved, and does the search for somebody begin anew where it has to?"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.booking_rules import BookingRule, BookingRules, BrokenRule
from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking, BookingKind, happened
from domain.events import EventType
from domain.moves import against_moving, move, moved
from domain.offers import JobOffer, OfferState, Outcome, Wave, about
from domain.people import Role, Viewer
from tests.factories import CUSTOMER, NOW, PROVIDER, a_booking, a_viewer, an_offer

LATER: Final = NOW + timedelta(minutes=1)
START: Final = a_booking().starts_at
THERE: Final = START + timedelta(days=3)
INSTANT: Final = timedelta.resolution
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
UNSTAFFED: Final[dict[str, Any]] = {"provider_id": None, "assigned_at": None}
#: What a move changes.
MOVED: Final[dict[str, Any]] = {
    "starts_at": THERE,
    "ends_at": THERE + timedelta(hours=2),
    "reschedules": 1,
    "version": 2,
}
#: A day before its start, moving what somebody has keeps the fee that was due.
MOVED_LATE: Final = {**MOVED, "least_fee_percent": 50}


def confirmed(**changes: Any) -> Booking:
    return a_booking(**{"paid_at": NOW, "match_due_at": None, **STAFFED} | changes)


def put_off(
    booking: Booking, *offers: JobOffer, keeps: bool = True, by: Viewer | None = None
) -> Outcome:
    by = by or a_viewer()
    return move(booking, offers, starts_at=THERE, keeps_provider=keeps, by=by, at=LATER)


class TestWhatTheRulesHaveAgainstIt:
    @pytest.mark.parametrize(
        "at",
        [
            START - timedelta(days=9),
            START - timedelta(hours=2, seconds=1),
            START - timedelta(hours=2),
        ],
    )
    def test_is_nothing_until_two_hours_before(self, at: datetime) -> None:
        assert against_moving(a_booking(reschedules=2), at=at) == ()

    @pytest.mark.parametrize(
        "at",
        [START - timedelta(hours=2) + INSTANT, START, START + timedelta(days=1)],
    )
    def test_is_that_it_is_too_late_from_then_on(self, at: datetime) -> None:
        assert against_moving(a_booking(), at=at) == (
            BrokenRule(
                rule=BookingRule.RESCHEDULE_TOO_LATE,
                message="It is too late to move this booking yourself; ask the house.",
                latest=START - timedelta(hours=2),
            ),
        )

    @pytest.mark.parametrize("reschedules", [3, 4])
    def test_is_that_it_was_moved_three_times(self, reschedules: int) -> None:
        assert against_moving(a_booking(reschedules=reschedules), at=NOW) == (
            BrokenRule(
                rule=BookingRule.RESCHEDULE_LIMIT,
                message="A booking is moved at most 3 times; cancel it and book anew.",
                limit=3,
            ),
        )

    def test_is_told_all_at_once(self) -> None:
        broken = against_moving(a_booking(reschedules=3), at=START)
        assert [one.rule for one in broken] == [
            BookingRule.RESCHEDULE_TOO_LATE,
            BookingRule.RESCHEDULE_LIMIT,
        ]

    def test_follows_the_rules_that_the_booking_was_made_under(self) -> None:
        rules = BookingRules(reschedule_notice_minutes=0, max_reschedules=0)
        never = a_booking(rules=rules)
        assert [one.rule for one in against_moving(never, at=START)] == [
            BookingRule.RESCHEDULE_LIMIT
        ]
        assert [one.latest for one in against_moving(never, at=START + INSTANT)] == [START, None]


@pytest.mark.parametrize("kind", BookingKind)
def test_a_booking_at_another_time_is_as_long_and_otherwise_the_same(kind: BookingKind) -> None:
    long = {"ends_at": START + timedelta(minutes=45), "kind": kind}
    assert moved(confirmed(**long), starts_at=THERE) == confirmed(
        starts_at=THERE, ends_at=THERE + timedelta(minutes=45), kind=BookingKind.SCHEDULED
    )


class TestMoving:
    def test_with_the_provider_changes_the_time_and_tells_of_it(self) -> None:
        outcome = put_off(confirmed())
        there = confirmed(**MOVED_LATE)
        assert outcome == Outcome(
            booking=there, events=(happened(EventType.BOOKING_RESCHEDULED, there),)
        )
        assert there.status is BookingStatus.CONFIRMED

    def test_with_the_provider_leaves_their_offer_won(self) -> None:
        won = an_offer(state=OfferState.ACCEPTED, resolved_at=NOW)
        assert put_off(confirmed(), won).offers == ()

    def test_counts_every_move(self) -> None:
        assert put_off(confirmed(reschedules=2)).booking.reschedules == 3

    def test_without_the_provider_lets_them_go_and_looks_for_another(self) -> None:
        searched = {"wave": Wave.TARGETED, "round": 2, "match_since": NOW}
        won = an_offer(state=OfferState.ACCEPTED, resolved_at=NOW)
        lost = an_offer(id=UUID(int=31), provider_id=UUID(int=31), state=OfferState.RESCINDED)

        outcome = put_off(confirmed(**searched), won, lost, keeps=False)

        there = confirmed(
            **MOVED_LATE,
            **UNSTAFFED,
            wave=None,
            round=2,
            rounds_before=2,
            match_since=LATER,
            match_due_at=LATER,
        )
        taken_back = an_offer(state=OfferState.RESCINDED, resolved_at=LATER)
        assert outcome == Outcome(
            booking=there,
            offers=(taken_back,),
            events=(
                happened(EventType.BOOKING_RESCHEDULED, there),
                happened(EventType.BOOKING_RELEASED, there, provider_id=PROVIDER),
                about(EventType.OFFER_RESCINDED, taken_back),
            ),
        )
        assert there.status is BookingStatus.PAID
        # Whoever goes is named, so that they hear of it; the move itself is nobody's.
        assert [event.subject.get("provider") for event in outcome.events[:2]] == [None, PROVIDER]
        assert {event.subject.get("customer") for event in outcome.events[:2]} == {CUSTOMER}

    @pytest.mark.parametrize("keeps", [True, False])
    def test_of_work_that_nobody_has_withdraws_its_offers_and_begins_the_search_anew(
        self, keeps: bool
    ) -> None:
        searching = {"wave": Wave.BROADCAST, "round": 4, "match_since": NOW, "unfilled_at": None}
        lapsed = an_offer(id=UUID(int=31), provider_id=UUID(int=31), expires_at=LATER)

        outcome = put_off(a_booking(**searching), an_offer(), lapsed, keeps=keeps)

        there = a_booking(
            **MOVED, wave=None, round=4, rounds_before=4, match_since=LATER, match_due_at=LATER
        )
        withdrawn = an_offer(state=OfferState.RESCINDED, resolved_at=LATER)
        expired = an_offer(
            id=UUID(int=31),
            provider_id=UUID(int=31),
            expires_at=LATER,
            state=OfferState.EXPIRED,
            resolved_at=LATER,
        )
        assert outcome == Outcome(
            booking=there,
            offers=(withdrawn, expired),
            events=(
                happened(EventType.BOOKING_RESCHEDULED, there),
                about(EventType.OFFER_RESCINDED, withdrawn),
                about(EventType.OFFER_EXPIRED, expired),
            ),
        )

    def test_gives_work_that_was_given_up_another_chance(self) -> None:
        given_up = a_booking(round=5, match_since=NOW, match_due_at=None, unfilled_at=NOW)
        there = put_off(given_up).booking
        assert there.unfilled_at is None
        assert (there.rounds_before, there.match_since, there.match_due_at) == (5, LATER, LATER)

    @pytest.mark.parametrize(
        "waiting", [{"needs_approval": True}, {"needs_terms": True}], ids=["approval", "terms"]
    )
    def test_searches_for_nobody_while_something_else_is_waited_for(
        self, waiting: dict[str, Any]
    ) -> None:
        booking = a_booking(**waiting, **STAFFED, match_due_at=None)
        there = put_off(booking, keeps=False).booking
        kept = MOVED if "needs_approval" in waiting else MOVED_LATE
        assert there == a_booking(**waiting, **kept, match_due_at=None)
        assert there.status is booking.status

    def test_of_immediate_work_makes_it_scheduled(self) -> None:
        there = put_off(confirmed(kind=BookingKind.IMMEDIATE)).booking
        assert there == confirmed(**MOVED_LATE)

    @pytest.mark.parametrize(
        "over", ["started_at", "completed_at", "cancelled_at", "declined_at", "no_show_at"]
    )
    @pytest.mark.parametrize("keeps", [True, False])
    def test_of_what_has_begun_or_is_over_is_refused(self, over: str, keeps: bool) -> None:
        with pytest.raises(WrongStatus, match="Moving is not possible") as refused:
            put_off(confirmed(**{over: NOW}), keeps=keeps)
        assert refused.value.act is Act.RESCHEDULE


class TestWhatItWouldHaveCostToCallItOff:
    """START is a day after NOW, and LATER an hour after it: within the hours that cost half."""

    def test_is_kept_when_the_customer_moves_it(self) -> None:
        assert put_off(confirmed()).booking.least_fee_percent == 50

    def test_is_never_made_less_by_moving_again(self) -> None:
        assert put_off(confirmed(least_fee_percent=100)).booking.least_fee_percent == 100

    def test_is_nothing_when_the_house_moves_it(self) -> None:
        house = a_viewer(role=Role.DISPATCHER)
        assert put_off(confirmed(), by=house).booking.least_fee_percent == 0

    def test_is_nothing_while_nobody_has_the_work(self) -> None:
        assert put_off(a_booking(), keeps=False).booking.least_fee_percent == 0
