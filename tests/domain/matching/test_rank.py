"""The order of candidates, and every way a tie is broken."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest

from domain.matching import Candidate, rank, score
from domain.places import Point
from tests.domain.matching.factories import NOW, TORONTO, a_candidate, some_work

#: From best to worst; each differs from the next by one thing only.
BEST_FIRST = (
    a_candidate(provider_id=UUID(int=99), certified=True, point=None, last_offered_at=NOW),
    a_candidate(provider_id=UUID(int=98), last_offered_at=NOW),
    a_candidate(provider_id=UUID(int=97), point=Point(latitude=43.7, longitude=-79.3952)),
    a_candidate(provider_id=UUID(int=2), point=None),
    a_candidate(provider_id=UUID(int=3), point=None),
    a_candidate(provider_id=UUID(int=1), point=None, last_offered_at=NOW - timedelta(days=2)),
    a_candidate(provider_id=UUID(int=0), point=None, last_offered_at=NOW - timedelta(days=1)),
)


def test_a_tie_goes_to_the_nearer_then_to_the_longest_waiting_then_by_id() -> None:
    ranked = rank(some_work(), reversed(BEST_FIRST), at=NOW)

    assert tuple(one.candidate for one in ranked) == BEST_FIRST


@pytest.mark.parametrize("several", [BEST_FIRST[:4], BEST_FIRST[3:]])
def test_the_order_of_arrival_never_matters(several: tuple[Candidate, ...]) -> None:
    for arrival in permutations(several):
        assert tuple(one.candidate for one in rank(some_work(), arrival, at=NOW)) == several


def test_a_ranked_candidate_carries_score_and_distance() -> None:
    work, near = some_work(), BEST_FIRST[2]

    known, unknown = rank(work, [near, BEST_FIRST[3]], at=NOW)

    assert known.score == score(work, near)
    assert known.distance_miles == pytest.approx(3.827775, abs=1e-6)
    assert unknown.distance_miles is None


def test_the_same_place_is_nearer_than_an_unknown_one() -> None:
    here = a_candidate(provider_id=UUID(int=9), point=TORONTO, last_offered_at=NOW)

    assert rank(some_work(), [BEST_FIRST[3], here], at=NOW)[0].candidate == here


def test_nobody_ranks_as_nobody() -> None:
    assert rank(some_work(), [], at=NOW) == []
