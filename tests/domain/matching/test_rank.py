"""The order of candidates, and every way a tie is broken."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.matching import V1, V2, Candidate, rank, score
from domain.places import Point
from tests.domain.matching.factories import NOW, TORONTO, a_candidate, some_work

#: Where they are nothing tells: neither coordinates nor a code that the table knows.
NOWHERE: dict[str, Any] = {"point": None, "postal_code": "?"}
#: From best to worst; each differs from the next by one thing only.
BEST_FIRST = (
    a_candidate(provider_id=UUID(int=99), certified=True, last_offered_at=NOW, **NOWHERE),
    a_candidate(provider_id=UUID(int=98), last_offered_at=NOW),
    a_candidate(provider_id=UUID(int=97), point=Point(latitude=43.7, longitude=-79.3952)),
    a_candidate(provider_id=UUID(int=2), **NOWHERE),
    a_candidate(provider_id=UUID(int=3), **NOWHERE),
    a_candidate(provider_id=UUID(int=1), last_offered_at=NOW - timedelta(days=2), **NOWHERE),
    a_candidate(provider_id=UUID(int=0), last_offered_at=NOW - timedelta(days=1), **NOWHERE),
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

    assert known.score == score(work, near, at=NOW)
    assert known.distance_miles == pytest.approx(3.827775, abs=1e-6)
    assert unknown.distance_miles is None


def test_where_coordinates_are_missing_the_middles_of_the_postal_areas_are_compared() -> None:
    by_code = a_candidate(provider_id=UUID(int=1), point=None, postal_code="M4C 1B5")
    farther = a_candidate(provider_id=UUID(int=0), point=Point(latitude=43.7, longitude=-79.3952))

    first, second = rank(some_work(), [farther, by_code], at=NOW)

    # From the middle of M5 to the middle of M4, and from the work to the coordinates.
    assert first.candidate == by_code
    assert first.distance_miles == pytest.approx(2.939, abs=1e-3)
    assert second.distance_miles == pytest.approx(3.828, abs=1e-3)


def test_the_policy_decides_the_order_and_is_named_in_each_score() -> None:
    idle = a_candidate(provider_id=UUID(int=2), idle_since=NOW - timedelta(days=9))
    busy = a_candidate(provider_id=UUID(int=1), idle_since=NOW)

    by = {
        policy.name: rank(some_work(), [idle, busy], at=NOW, policy=policy) for policy in (V1, V2)
    }

    assert [one.candidate for one in by["v1"]] == [busy, idle]
    assert [one.candidate for one in by["v2"]] == [idle, busy]
    assert {name: {one.score.policy for one in found} for name, found in by.items()} == {
        "v1": {"v1"},
        "v2": {"v2"},
    }


def test_who_was_last_offered_work_is_compared_as_instants_not_by_the_clocks_of_their_zones() -> (
    None
):
    # Half past one comes twice in this night; by the clock on the wall the later one is the same.
    zone = ZoneInfo("America/New_York")
    first = datetime(2026, 11, 1, 1, 30, tzinfo=zone)
    sooner = a_candidate(provider_id=UUID(int=2), last_offered_at=first)
    later = a_candidate(provider_id=UUID(int=1), last_offered_at=first.replace(fold=1))

    found = rank(some_work(), [later, sooner], at=first.replace(hour=3))

    assert [one.candidate for one in found] == [sooner, later]


def test_the_same_place_is_nearer_than_an_unknown_one() -> None:
    here = a_candidate(provider_id=UUID(int=9), point=TORONTO, last_offered_at=NOW)

    assert rank(some_work(), [BEST_FIRST[3], here], at=NOW)[0].candidate == here


def test_nobody_ranks_as_nobody() -> None:
    assert rank(some_work(), [], at=NOW) == []
