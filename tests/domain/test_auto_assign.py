"""What is true of a booking that was given to somebody who was not asked?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.auto_assign import (
    MOST_AT_ONCE,
    MOST_NAMED,
    Assigned,
    AutoRun,
    check_named,
    give,
    is_due,
    may_be_given,
    report,
)
from domain.booking_steps import BookingStatus, WrongStatus
from domain.bookings import Booking
from domain.events import EventType
from domain.matching import Ranked, rank
from domain.matching.batch import Gain, Plan, Unassigned, Why
from domain.offers import OfferState, Outcome, Wave
from domain.people import Role
from domain.refusals import InvalidInput
from tests.domain.matching.factories import a_candidate, some_work
from tests.factories import BOOKING, NOW, OFFER, PROVIDER, a_booking, a_viewer, an_offer

MINUTE = timedelta(minutes=1)
OTHER, NEW = UUID(int=33), UUID(int=44)


def waiting(**changes: Any) -> Booking:
    facts: dict[str, Any] = {"wave": Wave.AUTO, "round": 4, "auto_due_at": NOW}
    return a_booking(**facts | changes)


def chosen(**changes: Any) -> Ranked:
    who = a_candidate(provider_id=PROVIDER, on_shift=True, rating=4.6, **changes)
    return rank(some_work(), [who], at=NOW)[0]


def given(booking: Booking, *offers: Any) -> Outcome:
    return give(booking, offers, chosen(), eligible=7, at=NOW, new_id=lambda: NEW)


def test_who_holds_no_offer_is_made_one_that_is_accepted() -> None:
    booking = waiting(unfilled_at=NOW, auto_tries=2)
    outcome = given(booking)
    assert outcome.booking == replace(
        booking,
        provider_id=PROVIDER,
        assigned_at=NOW,
        match_due_at=None,
        auto_due_at=None,
        unfilled_at=None,
        round=5,
        version=2,
    )
    assert outcome.booking.status is BookingStatus.PENDING
    assert outcome.offers == ()
    (offer,) = outcome.made
    assert (offer.id, offer.booking_id, offer.provider_id) == (NEW, BOOKING, PROVIDER)
    assert (offer.wave, offer.round, offer.state) == (Wave.AUTO, 5, OfferState.ACCEPTED)
    assert (offer.offered_at, offer.resolved_at, offer.expires_at) == (NOW, NOW, booking.starts_at)
    assert (offer.score, offer.policy, offer.candidates) == (90, "v1", 7)
    assert offer.breakdown == (("SHIFT", 50), ("LOCATION", 25), ("RATING", 15))
    assert offer.reasons == ("Available now", "Same country: CA", "Rated 4.60")
    assert [(event.type, event.subject["provider"]) for event in outcome.events] == [
        (EventType.OFFER_ACCEPTED, PROVIDER),
        (EventType.BOOKING_ASSIGNED, PROVIDER),
    ]
    assert outcome.events[0].subject["offer"] == NEW


def test_an_open_offer_that_they_hold_is_taken_for_them() -> None:
    held = an_offer(wave=Wave.BROADCAST, round=4)
    outcome = given(waiting(), held)
    assert outcome.made == ()
    assert outcome.offers == (held.resolve(OfferState.ACCEPTED, at=NOW),)
    assert outcome.booking.round == 4
    assert outcome.events[0].subject["offer"] == OFFER


def test_an_offer_of_theirs_that_is_over_is_not_taken_but_settled() -> None:
    over = an_offer(expires_at=NOW, offered_at=NOW - MINUTE)
    outcome = given(waiting(), over)
    assert outcome.offers == (over.resolve(OfferState.EXPIRED, at=NOW),)
    assert [offer.id for offer in outcome.made] == [NEW]


def test_all_rivals_are_told() -> None:
    rival = an_offer(id=UUID(int=9), provider_id=OTHER)
    refused = an_offer(
        id=UUID(int=10), provider_id=UUID(int=34), state=OfferState.REJECTED, resolved_at=NOW
    )
    outcome = given(waiting(), rival, an_offer(), refused)
    assert {offer.id: offer.state for offer in outcome.offers} == {
        OFFER: OfferState.ACCEPTED,
        rival.id: OfferState.RESCINDED,
    }
    assert [event.type for event in outcome.events] == [
        EventType.OFFER_ACCEPTED,
        EventType.BOOKING_ASSIGNED,
        EventType.OFFER_RESCINDED,
    ]


def test_what_is_over_is_given_to_nobody() -> None:
    with pytest.raises(WrongStatus):
        given(waiting(cancelled_at=NOW))


@pytest.mark.parametrize(
    ("changes", "may"),
    [
        ({}, True),
        ({"starts_at": NOW + MINUTE}, True),
        ({"starts_at": NOW}, False),
        ({"cancelled_at": NOW}, False),
        ({"provider_id": OTHER}, False),
        ({"needs_terms": True}, False),
        ({"auto_due_at": None, "wave": None}, True),
    ],
)
def test_what_waits_for_somebody_and_has_not_begun_may_be_given(
    changes: dict[str, Any], may: bool
) -> None:
    assert may_be_given(waiting(**changes), at=NOW) is may


@pytest.mark.parametrize(("due_at", "due"), [(NOW, True), (NOW + MINUTE, False), (None, False)])
def test_it_is_due_when_its_time_has_come(due_at: Any, due: bool) -> None:
    assert is_due(waiting(auto_due_at=due_at), at=NOW) is due


def test_at_most_fifty_are_named_at_a_time() -> None:
    check_named([BOOKING] * MOST_NAMED)
    with pytest.raises(InvalidInput) as refused:
        check_named([BOOKING] * (MOST_NAMED + 1))
    assert refused.value.errors[0].path == ("bookingIds",)


def test_a_report_says_what_was_done_beside_what_one_after_the_other_would_have() -> None:
    plan = Plan(assigned=(), unassigned=(), cost=3.0, greedy_assigned=1, greedy_cost=5.5)
    done = Assigned(
        booking=waiting(), provider_id=PROVIDER, reasons=(), distance_miles=1.0, cost=3.0
    )
    left = Unassigned(booking_id=BOOKING, why=Why.CHANGED)
    dora = a_viewer(role=Role.DISPATCHER)
    made = report(plan, [done], [left], waiting=2, run_id=NEW, by=dora, at=NOW)
    assert made.run == AutoRun(
        id=NEW,
        at=NOW,
        asked_by=dora.user_id,
        waiting=2,
        assigned=1,
        cost=3.0,
        greedy_assigned=1,
        greedy_cost=5.5,
    )
    assert (made.assigned, made.unassigned) == ((done,), (left,))
    assert made.run.gain == Gain(bookings=0, miles=2.5)
    assert report(plan, [], [], waiting=2, run_id=NEW, by=None, at=NOW).run.asked_by is None


@pytest.mark.parametrize(
    ("waiting_", "assigned", "whys", "another"),
    [
        (MOST_AT_ONCE, 1, [Why.CHANGED], True),
        (MOST_AT_ONCE - 1, 1, [Why.CHANGED], False),
        (MOST_AT_ONCE, 0, [Why.CHANGED, Why.NEEDED_ELSEWHERE], True),
        (MOST_AT_ONCE, 0, [Why.CHANGED, Why.CHANGED], False),
    ],
)
def test_another_run_follows_where_there_may_be_more_and_this_one_got_anywhere(
    waiting_: int, assigned: int, whys: list[Why], another: bool
) -> None:
    plan = Plan(assigned=(), unassigned=(), cost=0.0, greedy_assigned=0, greedy_cost=0.0)
    done = [
        Assigned(booking=waiting(), provider_id=PROVIDER, reasons=(), distance_miles=None, cost=0.0)
    ] * assigned
    left = [Unassigned(booking_id=BOOKING, why=why) for why in whys]
    made = report(plan, done, left, waiting=waiting_, run_id=NEW, by=None, at=NOW)
    assert made.calls_for_another is another
