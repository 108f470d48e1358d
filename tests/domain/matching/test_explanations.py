"""Why this provider, and why not that one, in every state of a search."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.matching import V1, V2, HardRule, Policy, rank, score, verdicts
from domain.matching.explanations import NextRound, closed, explain, next_round, seeks
from domain.offers import JobOffer, OfferState, Wave
from domain.places import Point
from domain.waves import Call, due
from tests.domain.matching.factories import NOW, SERVICE, TORONTO, a_candidate, some_work
from tests.factories import a_booking, an_offer

if TYPE_CHECKING:
    from domain.matching import Candidate
    from domain.matching.explanations import Explanation

WORK = some_work()
START = WORK.block.starts_at
#: Five who may do it, best first, and one who works elsewhere.
BEST, SECOND, THIRD, FOURTH, LAST = (
    a_candidate(provider_id=UUID(int=n), completed_jobs=jobs)
    for n, jobs in ((11, 50), (12, 20), (13, 20), (14, 0), (15, 0))
)
ELSEWHERE = a_candidate(provider_id=UUID(int=16), service_ids=frozenset())
EVERYBODY = (LAST, BEST, ELSEWHERE, THIRD, SECOND, FOURTH)


def the_booking(**changes: Any) -> Booking:
    """The work, asked for just now; matching is due."""
    facts = {"service_id": SERVICE, "requested_at": NOW, "match_due_at": NOW, "starts_at": START}
    return a_booking(**facts | {"id": WORK.booking_id} | changes)


def of(who: Candidate, offers: tuple[JobOffer, ...] = (), **changes: Any) -> Explanation:
    return explain(the_booking(**changes), offers, who.provider_id, EVERYBODY, work=WORK, at=NOW)


def put_to(who: Candidate, **changes: Any) -> JobOffer:
    facts = {"provider_id": who.provider_id, "booking_id": WORK.booking_id}
    return an_offer(
        **facts | {"offered_at": NOW, "expires_at": NOW + timedelta(minutes=5)} | changes
    )


def test_it_says_what_the_rules_the_score_and_the_order_say() -> None:
    found = of(THIRD)

    assert found.verdicts == verdicts(WORK, THIRD, at=NOW)
    assert found.score == score(WORK, THIRD, at=NOW)
    able = [one for one in EVERYBODY if one is not ELSEWHERE]
    order = [one.candidate for one in rank(WORK, able, at=NOW)]
    assert order == [BEST, SECOND, THIRD, FOURTH, LAST]
    assert (found.is_eligible, found.rank, found.eligible) == (True, 3, 5)
    assert found.distance_miles == 0.0
    assert found.answer == "Eligible, place 3 of 5; the next round asks this provider."


def test_who_is_not_eligible_has_a_score_and_no_place() -> None:
    found = of(ELSEWHERE)

    assert (found.is_eligible, found.rank, found.asked_next) == (False, None, False)
    assert [one.rule for one in found.verdicts if not one.passed] == [HardRule.SERVICE]
    assert len(found.verdicts) == len(HardRule)
    assert found.score == score(WORK, ELSEWHERE, at=NOW)
    assert found.answer == "Not eligible: SERVICE (does not offer the service)."


def test_the_policy_in_force_scores_and_orders() -> None:
    def by(policy: Policy) -> Explanation:
        who = BEST.provider_id
        return explain(the_booking(), (), who, EVERYBODY, work=WORK, at=NOW, policy=policy)

    assert by(V1).rank == 1
    # By v2 two newcomers come before the one who has done most.
    assert by(V2).rank == 3
    assert by(V2).score == score(WORK, BEST, at=NOW, policy=V2)


def test_the_next_round_asks_the_best_three_and_no_more() -> None:
    asked = [one for one in EVERYBODY if of(one).asked_next]
    assert set(asked) == {BEST, SECOND, THIRD}
    ahead = of(FOURTH).next_round
    assert ahead is not None
    assert (ahead.wave, ahead.size, ahead.reach_miles) == (Wave.TARGETED, 3, None)
    assert ahead.opens_at == NOW
    assert of(FOURTH).answer == (
        "Eligible, place 4 of 5; the next round asks the best 3 who have no open offer and have "
        "not just left."
    )


def test_a_look_that_asks_nobody_is_no_round() -> None:
    """At the time to give it away, and when one of several answers is overdue."""
    minute = timedelta(minutes=1)
    facts: dict[str, Any] = {"wave": Wave.TARGETED, "round": 1, "match_due_at": NOW + minute}
    booking = the_booking(**facts)
    offers = [
        an_offer(id=UUID(int=n), expires_at=NOW + later * minute)
        for n, later in enumerate((1, 3, 2))
    ]

    ahead = next_round(booking, offers, at=NOW)

    assert ahead is not None
    assert (ahead.opens_at, ahead.wave) == (NOW + 3 * minute, Wave.BROADCAST)


def test_the_next_round_is_the_call_that_will_be_due() -> None:
    booking = the_booking(match_due_at=NOW + timedelta(minutes=5), wave=Wave.TARGETED, round=1)
    offers = (put_to(BEST),)
    ahead = next_round(booking, offers, at=NOW)
    later = NOW + timedelta(minutes=5)
    call = due(booking, offers, at=later)
    assert call is not None
    assert ahead == NextRound(opens_at=later, call=call)
    assert (call.wave, call.size, call.reach_miles) == (Wave.BROADCAST, 50, 10)
    # What was due already is due now.
    late = later + timedelta(seconds=1)
    assert next_round(booking, offers, at=late) == NextRound(opens_at=late, call=call)


@pytest.mark.parametrize(
    "changes",
    [
        {"match_due_at": None},
        # Its time is over when it is looked at.
        {"match_due_at": START},
        {"requested_at": NOW - timedelta(hours=72)},
    ],
)
def test_no_round_is_to_come_once_the_search_is_over(changes: dict[str, Any]) -> None:
    assert next_round(the_booking(**changes), (), at=NOW) is None
    found = of(BEST, **changes)
    assert (found.next_round, found.asked_next) == (None, False)
    assert found.answer == "Eligible, place 1 of 5; but no round is to come."


def test_who_has_an_open_offer_keeps_their_place_and_is_not_asked_again() -> None:
    # One of the three places is free again: the best without an offer gets it.
    offers = (
        put_to(BEST),
        put_to(SECOND),
        put_to(LAST, state=OfferState.REJECTED, resolved_at=NOW),
    )
    searching = {"wave": Wave.TARGETED, "round": 1}

    held, free, far = (of(who, offers, **searching) for who in (BEST, THIRD, FOURTH))

    assert (held.rank, held.eligible, held.asked_next) == (1, 5, False)
    assert held.offers == (offers[0],)
    assert held.answer == "This provider has an open offer."
    assert (free.rank, free.asked_next, free.offers) == (3, True, ())
    assert free.next_round is not None
    assert free.next_round.size == 1
    assert (far.rank, far.asked_next) == (4, False)


def test_who_let_an_offer_pass_may_be_asked_again() -> None:
    lapsed = put_to(BEST, offered_at=NOW - timedelta(minutes=5), expires_at=NOW)
    found = of(BEST, (lapsed,), wave=Wave.TARGETED, round=1)
    assert (found.asked_next, found.offers) == (True, (lapsed,))
    assert found.next_round is not None
    assert found.next_round.wave is Wave.BROADCAST


def test_who_has_an_offer_and_could_not_be_asked_any_more_is_told_so() -> None:
    found = of(ELSEWHERE, (put_to(ELSEWHERE),), wave=Wave.TARGETED, round=1)
    why = "they would not be asked again: SERVICE (does not offer the service)"
    assert found.answer == f"This provider has an open offer; {why}."


def test_the_preferred_provider_alone_is_asked_first() -> None:
    preferring: dict[str, Any] = {"preferred_provider_id": LAST.provider_id}
    found, other = of(LAST, **preferring), of(BEST, **preferring)
    assert (found.rank, found.asked_next, other.asked_next) == (5, True, False)
    words = (
        "Eligible, place 1 of 5; the next round asks only the provider whom the customer prefers."
    )
    assert other.answer == words
    assert other.next_round is not None
    assert other.next_round.wave is Wave.PREFERRED


def test_a_preferred_provider_who_cannot_do_it_is_passed_over_at_once() -> None:
    preferring: dict[str, Any] = {"preferred_provider_id": ELSEWHERE.provider_id}
    found = of(BEST, **preferring)
    assert found.asked_next
    assert found.next_round is not None
    assert (found.next_round.wave, found.next_round.call.round) == (Wave.TARGETED, 2)


def test_whom_matching_does_not_look_at_for_a_crowd_is_not_asked() -> None:
    def beyond(who: Candidate, **changes: Any) -> Explanation:
        return explain(
            the_booking(**changes),
            (),
            who.provider_id,
            EVERYBODY,
            work=WORK,
            at=NOW,
            beyond={BEST.provider_id},
        )

    assert (beyond(BEST).rank, beyond(BEST).asked_next) == (1, False)
    words = "Eligible, place 1 of 5; the next round looks at more promising ones only."
    assert beyond(BEST).answer == words
    assert beyond(FOURTH).asked_next
    # Who is preferred is looked at by name.
    assert beyond(BEST, preferred_provider_id=BEST.provider_id).asked_next


def test_work_that_reaches_less_far_rules_the_far_ones_out() -> None:
    far = replace(BEST, point=Point(latitude=TORONTO.latitude + 0.1, longitude=TORONTO.longitude))
    near = replace(WORK, reach_miles=5)
    found = explain(the_booking(), (), far.provider_id, [far, LAST], work=near, at=NOW)
    assert found.answer == "Not eligible: RADIUS (6.9 miles away, limit 5)."


STATES = [
    ({}, ""),
    ({"provider_id": UUID(int=9), "assigned_at": NOW}, "it has its provider"),
    ({"needs_approval": True}, "it is AWAITING_APPROVAL"),
    ({"needs_terms": True}, "its terms are not accepted yet"),
    ({"cancelled_at": NOW}, "it is CANCELLED"),
    ({"cancelled_at": NOW, "needs_terms": True}, "it is CANCELLED"),
    (
        {"provider_id": UUID(int=9), "assigned_at": NOW, "started_at": NOW, "completed_at": NOW},
        "it is COMPLETED",
    ),
]


@pytest.mark.parametrize(("facts", "words"), STATES)
def test_a_booking_that_is_closed_to_offers_is_explained_all_the_same(
    facts: dict[str, Any], words: str
) -> None:
    booking = the_booking(match_due_at=None, **facts)
    assert closed(booking) == words
    found = of(BEST, match_due_at=None, **facts)
    assert found.answer == f"Eligible, place 1 of 5; but {words or 'no round is to come'}."


def test_who_has_the_booking_is_said_to_have_it() -> None:
    taken: dict[str, Any] = {
        "provider_id": BEST.provider_id,
        "assigned_at": NOW,
        "match_due_at": None,
    }
    found = of(BEST, **taken)
    assert found.booking.status is BookingStatus.PENDING
    assert found.answer == "This provider has the booking."


def test_a_preferred_round_looks_for_the_one_that_may_follow_it() -> None:
    preferred = next_round(the_booking(preferred_provider_id=UUID(int=9)), (), at=NOW)
    broadcast = next_round(the_booking(wave=Wave.TARGETED, round=1), (), at=NOW)
    assert (seeks(None), seeks(preferred), seeks(broadcast)) == (3, 3, 50)


def test_a_call_is_shown_by_what_it_asks() -> None:
    call = Call(wave=Wave.BROADCAST, round=2, size=50, reach_miles=15, expires_at=START)
    shown = NextRound(opens_at=NOW, call=call)
    assert (shown.wave, shown.size, shown.reach_miles) == (Wave.BROADCAST, 50, 15)
