"""Why nobody: who is ruled out by what, and what is said of it in words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from domain.matching import HardRule, broken
from domain.matching.nobody import SHOWN, RuledOut, why_nobody
from domain.offers import JobOffer, OfferState, Wave
from domain.places import Point
from tests.domain.matching.factories import NOW, TORONTO, a_candidate, some_work
from tests.domain.matching.test_explanations import STATES, the_booking
from tests.factories import an_offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.matching import Candidate
    from domain.matching.nobody import WhyNobody

WORK = some_work()
ELSEWHERE = Point(latitude=TORONTO.latitude + 1, longitude=TORONTO.longitude)
FIT = a_candidate(provider_id=UUID(int=20))


def looking_at(
    *looked_at: Candidate,
    offers: Sequence[JobOffer] = (),
    offering: int | None = None,
    **facts: Any,
) -> WhyNobody:
    number = len(looked_at) if offering is None else offering
    booking = the_booking(**facts)
    return why_nobody(booking, offers, looked_at, offering=number, work=WORK, at=NOW)


def ruined(n: int, **changes: Any) -> Candidate:
    return a_candidate(provider_id=UUID(int=n), **changes)


def test_each_rule_is_counted_and_what_it_alone_keeps_away() -> None:
    found = looking_at(
        ruined(1, suspended=True),
        ruined(2, suspended=True, rejected=True),
        ruined(3, rejected=True),
        ruined(4, point=ELSEWHERE, rejected=True),
        FIT,
        offering=240,
    )

    assert found.ruled_out == (
        RuledOut(rule=HardRule.NOT_REJECTED, providers=3, by_it_alone=1),
        RuledOut(rule=HardRule.APPROVED, providers=2, by_it_alone=1),
        RuledOut(rule=HardRule.RADIUS, providers=1, by_it_alone=0),
    )
    counts = (found.offering, found.looked_at, found.near, found.eligible)
    assert counts == (240, 5, 4, 1)


def test_the_nearest_are_shown_with_their_broken_rules_and_unknown_ones_last() -> None:
    def at(n: int, north: float | None) -> Candidate:
        if north is None:
            return ruined(n, point=None, postal_code="?", suspended=True)
        point = Point(latitude=TORONTO.latitude + north, longitude=TORONTO.longitude)
        return ruined(n, point=point, suspended=n % 2 == 1)

    many = [at(1, None), at(3, 0.05), at(2, 0.02), at(5, 0.05), *(at(n, 0.1) for n in range(6, 13))]

    found = looking_at(*many)

    assert [one.provider_id.int for one in found.nearest] == [2, 3, 5, *range(6, 13)]
    assert len(found.nearest) == SHOWN
    assert looking_at(*many[:4]).nearest[-1].provider_id.int == 1
    assert looking_at(*many[:4]).nearest[-1].distance_miles is None
    assert found.nearest[0].broken == ()
    assert found.nearest[1].broken == broken(WORK, many[1], at=NOW)
    assert [one.rule for one in found.nearest[1].broken] == [HardRule.APPROVED]


def test_offers_are_counted_by_what_became_of_them() -> None:
    settled = {"resolved_at": NOW}
    past = {"offered_at": NOW - timedelta(hours=1), "expires_at": NOW}
    states: list[dict[str, Any]] = [
        {},
        {"state": OfferState.REJECTED} | settled,
        {"state": OfferState.REJECTED} | settled,
        {"state": OfferState.EXPIRED} | settled,
        # Over, though nobody has said so yet.
        past,
        {"state": OfferState.RESCINDED} | settled,
    ]
    offers = [
        an_offer(**{"offered_at": NOW, "expires_at": NOW + timedelta(hours=1)} | s) for s in states
    ]

    found = looking_at(FIT, offers=offers, wave=Wave.BROADCAST, round=2)

    assert (found.offers_open, found.offers_rejected, found.offers_expired) == (1, 2, 2)
    assert found.answer == "1 asked, who have not answered yet."
    assert found.next_round is not None
    assert found.next_round.wave is Wave.BROADCAST


@pytest.mark.parametrize(("facts", "words"), STATES[1:])
def test_of_a_booking_that_is_closed_to_offers_it_says_so(
    facts: dict[str, Any], words: str
) -> None:
    assert looking_at(FIT, match_due_at=None, **facts).answer == f"Nobody is asked: {words}."


def test_the_answer_says_what_is_most_in_the_way() -> None:
    assert looking_at().answer == "Nobody offers the service."
    many = [ruined(n, suspended=True, rejected=n > 1, withdrew=n > 2) for n in range(4)]
    words = "Of 4 who offer the service nobody is eligible: APPROVED (4), NOT_REJECTED (2)."
    assert looking_at(*many).answer == words
    assert looking_at(FIT).answer == "1 eligible; the next round has not opened yet."
    assert looking_at(FIT, match_due_at=None).answer == "1 eligible, but no round is to come."
