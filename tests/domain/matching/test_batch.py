"""Is everything that waits given away as well as can be, and never what may not be?"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.matching import Candidate, HardRule, Work, is_eligible
from domain.matching.batch import Gain, Plan, Solver, Unassigned, Why, plan
from domain.matching.pairs import Waiting, priced
from domain.places import Point
from gateways.assignment import least_cost
from tests.domain.matching.factories import NOW, TORONTO, a_candidate, some_work

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEN = NOW + 2 * HOUR
#: What somebody without reviews or jobs costs, beside the way.
NEW = 10.0


def east(miles: float) -> Point:
    """A place so many miles to the east of the middle of Toronto."""
    return Point(latitude=TORONTO.latitude, longitude=TORONTO.longitude + miles / 49.99)


def work(booking: int, start: float = 0, miles: float = 0, **changes: Any) -> Work:
    starts_at = TEN + start * HOUR
    facts: dict[str, Any] = {"point": east(miles), "reach_miles": 15.0}
    return some_work(
        booking_id=UUID(int=booking),
        starts_at=starts_at,
        ends_at=starts_at + 2 * HOUR,
        **facts | changes,
    )


def somebody(number: int, miles: float = 0, **changes: Any) -> Candidate:
    facts: dict[str, Any] = {"point": east(miles), "radius_miles": 100.0}
    return a_candidate(provider_id=UUID(int=number), **facts | changes)


def planned(
    works: Sequence[Work], people: Sequence[Candidate], *, solver: Solver = least_cost
) -> Plan:
    waiting = [Waiting(work=one, candidates=tuple(people)) for one in works]
    return plan(waiting, at=NOW, solver=solver)


def who(made: Plan) -> dict[int, int]:
    return {pair.booking_id.int: pair.provider_id.int for pair in made.assigned}


def test_the_second_booking_is_not_left_with_nobody_because_the_first_took_the_nearest() -> None:
    # The best rated could do both, somebody else only the first.
    works = [work(1, miles=0), work(2, miles=14)]
    best, other = somebody(11, 4, rating=5.0), somebody(12, -8, rating=3.0)
    made = planned(works, [best, other])
    assert who(made) == {1: 12, 2: 11}
    assert made.greedy_assigned == 1
    assert made.cost == pytest.approx(8 + 10 + 5 + 10 + 0 + 5, abs=0.01)
    assert made.greedy_cost == pytest.approx(4 + 0 + 5, abs=0.01)
    assert made.gain.bookings == 1
    assert made.gain.miles == pytest.approx(made.greedy_cost - made.cost)
    assert made.unassigned == ()


def test_two_providers_do_not_cross_each_others_way() -> None:
    works = [work(1, miles=0), work(2, miles=10)]
    people = [somebody(11, 9, rating=4.01), somebody(12, 1, rating=4.0)]
    made = planned(works, people)
    assert who(made) == {1: 12, 2: 11}
    assert made.greedy_assigned == 2
    # One after the other the best rated goes to the first: nine miles, and nine for the second.
    assert made.gain.bookings == 0
    assert made.gain.miles == pytest.approx(16, abs=0.01)


def test_a_booking_that_waits_alone_goes_to_the_best_rated_not_to_the_cheapest() -> None:
    people = [somebody(11, 0, rating=4.9, completed_jobs=80), somebody(12, 14, rating=5.0)]
    made = planned([work(1)], people)
    assert who(made) == {1: 12}
    assert (made.greedy_assigned, made.gain) == (1, Gain(bookings=0, miles=0.0))


def test_rounds_follow_until_nobody_has_time_for_more() -> None:
    works = [work(n, 2.25 * (n - 1)) for n in range(1, 4)]
    made = planned(works, [somebody(11, daily_cap=5)])
    assert who(made) == {1: 11, 2: 11, 3: 11}
    made = planned(works, [somebody(11, daily_cap=2)])
    assert len(made.assigned) == 2
    (left,) = made.unassigned
    assert left.why is Why.NEEDED_ELSEWHERE


def test_a_booking_moves_to_who_is_nearer_and_has_time_though_they_were_given_another() -> None:
    # One after the other both go to the better rated; in rounds each gets one.
    works = [work(1, 0), work(2, 3)]
    made = planned(works, [somebody(11, 1, rating=4.0), somebody(12, 14, rating=4.2)])
    assert who(made) == {1: 11, 2: 11}
    assert made.cost == pytest.approx(2 * (1 + NEW), abs=0.01)
    assert made.greedy_cost == pytest.approx(2 * (14 + 4 + 5), abs=0.01)


def test_what_is_wanted_now_comes_first_and_then_what_has_waited_longest() -> None:
    now = {"immediate": True}
    here: dict[str, Any] = {"on_shift": True, "heartbeat_at": NOW}
    works = [work(1), work(2), work(3, **now)]
    made = planned(works, [somebody(11, **here)], solver=nothing)
    assert who(made) == {3: 11}
    made = planned(works[:2], [somebody(11)], solver=nothing)
    assert who(made) == {1: 11}


def nothing(_: Sequence[Sequence[float]], /) -> list[tuple[int, int]]:
    """A solver that finds nothing."""
    return []


def test_where_one_after_the_other_is_better_it_is_done_that_way_and_bettered() -> None:
    # Without rounds the single moves still find a place for each; so let there be none to find.
    works = [work(1, 0), work(2, 0)]
    far, near = somebody(11, 9, rating=4.5), somebody(12, 1, rating=4.0)

    made = planned(works, [far, near], solver=nothing)

    assert len(made.assigned) == made.greedy_assigned == 2
    assert made.cost <= made.greedy_cost


def test_the_solver_is_asked_for_those_alone_who_share_candidates() -> None:
    asked: list[tuple[int, int]] = []

    def noting(costs: Sequence[Sequence[float]], /) -> list[tuple[int, int]]:
        asked.append((len(costs), len(costs[0])))
        return least_cost(costs)

    groups = [
        Waiting(work=work(1), candidates=(somebody(11), somebody(12))),
        Waiting(work=work(2), candidates=(somebody(13), somebody(14))),
        Waiting(work=work(3), candidates=(somebody(12), somebody(15))),
        Waiting(work=work(4), candidates=(somebody(16),)),
        Waiting(work=work(5), candidates=()),
    ]
    made = plan(groups, at=NOW, solver=noting)
    assert len(made.assigned) == 4
    assert sorted(asked) == [(1, 1), (1, 2), (2, 3)]


def test_who_was_chosen_and_may_not_is_struck_and_it_is_solved_anew() -> None:
    busy = somebody(11, 1, busy=[(TEN, TEN + HOUR)])
    off = somebody(12, 2, approved=False)
    able = [somebody(20 + n, 3 + n) for n in range(7)]
    made = planned([work(1), work(2)], [busy, off, *able])
    assert set(who(made).values()) == {20, 21}


class TestWhyNobodyWasGivenIt:
    def test_names_the_rules_that_rule_out_the_nearest(self) -> None:
        people = [
            somebody(11, 20),
            somebody(12, 1, approved=False),
            somebody(13, 2, suspended=True),
        ]
        made = planned([work(1)], people)
        assert made.assigned == ()
        assert made.unassigned == (
            Unassigned(
                booking_id=UUID(int=1),
                why=Why.NOBODY_ELIGIBLE,
                broken=((HardRule.APPROVED, 2), (HardRule.RADIUS, 1)),
            ),
        )
        assert (made.cost, made.greedy_cost, made.greedy_assigned) == (0.0, 0.0, 0)

    def test_looks_at_ten_the_unknown_last(self) -> None:
        near = [somebody(11 + n, n / 10, approved=False) for n in range(10)]
        nowhere = somebody(5, point=None, postal_code="", suspended=True, profile_percent=0)
        (left,) = planned([work(1)], [nowhere, *near]).unassigned
        assert left.broken == ((HardRule.APPROVED, 10),)

    def test_names_none_where_there_is_nobody(self) -> None:
        made = planned([work(1), work(2)], [])
        assert [(one.why, one.broken) for one in made.unassigned] == [(Why.NOBODY_ELIGIBLE, ())] * 2


def test_of_nothing_nothing_comes() -> None:
    made = planned([], [somebody(11)])
    assert made == Plan(assigned=(), unassigned=(), cost=0.0, greedy_assigned=0, greedy_cost=0.0)


# --- What holds for every batch ---


def an_instance(chance: random.Random) -> list[Waiting]:
    """Some bookings of two days, some people, and who might do what; not all of them may."""
    people = [
        somebody(
            100 + n,
            chance.uniform(-12, 12),
            rating=chance.choice([None, 3.0, 4.2, 4.9]),
            completed_jobs=chance.randrange(70),
            daily_cap=chance.randrange(1, 4),
            approved=chance.random() < 0.9,
            busy=[
                (TEN + hours * HOUR, TEN + (hours + 1) * HOUR)
                for hours in chance.sample(range(6), chance.randrange(3))
            ],
            on_shift=chance.random() < 0.5,
            heartbeat_at=NOW,
        )
        for n in range(chance.randrange(1, 9))
    ]
    works = [
        work(
            n + 1,
            chance.randrange(0, 16) / 4 + 24 * chance.randrange(2),
            chance.uniform(-12, 12),
            immediate=chance.random() < 0.2,
        )
        for n in range(chance.randrange(1, 12))
    ]
    return [
        Waiting(work=one, candidates=tuple(p for p in people if chance.random() < 0.7))
        for one in works
    ]


def check(waiting: list[Waiting], made: Plan) -> None:
    """Everything that a plan promises, by the hard rules alone."""
    known = {
        (one.work.booking_id, candidate.provider_id): (one.work, candidate)
        for one in waiting
        for candidate in one.candidates
    }
    # Each booking once, given or explained.
    mentioned = [pair.booking_id for pair in made.assigned]
    mentioned += [one.booking_id for one in made.unassigned]
    assert sorted(mentioned) == sorted(one.work.booking_id for one in waiting)
    # No hard rule broken, whatever else its provider was given.
    for pair in made.assigned:
        one, candidate = known[pair.booking_id, pair.provider_id]
        others = tuple(
            other.work.block
            for other in made.assigned
            if other.provider_id == pair.provider_id and other.booking_id != pair.booking_id
        )
        busier = replace(candidate, taken=(*candidate.taken, *others))
        assert is_eligible(one, busier, at=NOW)
    # Nothing is left that somebody could do and would have time for.
    for left in made.unassigned:
        mine = [pair for key, pair in known.items() if key[0] == left.booking_id]
        for one, candidate in mine:
            given_ = tuple(
                pair.work.block
                for pair in made.assigned
                if pair.provider_id == candidate.provider_id
            )
            busier = replace(candidate, taken=(*candidate.taken, *given_))
            assert not is_eligible(one, busier, at=NOW)
    # Never fewer than one after the other, nor as many at a higher cost.
    assert (len(made.assigned), -made.cost) >= (made.greedy_assigned, -made.greedy_cost)
    assert made.cost == pytest.approx(sum(pair.cost for pair in made.assigned))
    assert all(pair == priced(pair.work, pair.candidate) for pair in made.assigned)


def one_after_the_other(waiting: list[Waiting]) -> tuple[int, float]:
    """What greedy does, written down another way."""
    taken: dict[UUID, list[Any]] = {}
    number, cost = 0, 0.0
    for one in sorted(waiting, key=lambda w: (not w.work.immediate, w.work.booking_id)):
        able = [
            candidate
            for candidate in one.candidates
            if is_eligible(
                one.work,
                replace(
                    candidate,
                    taken=(*candidate.taken, *taken.get(candidate.provider_id, ())),
                ),
                at=NOW,
            )
        ]
        if able:
            pairs = [priced(one.work, candidate) for candidate in able]
            best = min(
                pairs,
                key=lambda pair: (
                    -(pair.candidate.rating or 4.0),
                    -pair.candidate.completed_jobs,
                    pair.distance_miles,
                    pair.provider_id,
                ),
            )
            taken.setdefault(best.provider_id, []).append(one.work.block)
            number, cost = number + 1, cost + best.cost
    return number, cost


@pytest.mark.parametrize("seed", range(200))
def test_no_instance_breaks_a_rule_or_falls_behind_one_after_the_other(seed: int) -> None:
    chance = random.Random(seed)
    waiting = an_instance(chance)
    made = plan(waiting, at=NOW, solver=least_cost)
    check(waiting, made)
    number, cost = one_after_the_other(waiting)
    assert made.greedy_assigned == number
    assert made.greedy_cost == pytest.approx(cost)
    # The same work always ends the same way, in whatever order it comes.
    chance.shuffle(waiting)
    shuffled = [
        replace(one, candidates=tuple(chance.sample(one.candidates, len(one.candidates))))
        for one in waiting
    ]
    assert plan(shuffled, at=NOW, solver=least_cost) == made


def test_some_instances_gain_bookings_and_some_gain_miles() -> None:
    made = [
        plan(an_instance(random.Random(seed)), at=NOW, solver=least_cost) for seed in range(200)
    ]
    assert any(one.gain.bookings > 0 for one in made)
    assert any(one.gain.bookings == 0 and one.gain.miles > 0 for one in made)
    assert all(one.gain.bookings > 0 or one.gain.miles >= 0 for one in made)


@settings(deadline=None, max_examples=60)
@given(st.randoms(use_true_random=False), st.booleans())
def test_whatever_comes_is_given_away_by_the_rules_and_whatever_the_solver_says(
    chance: random.Random, solves: bool
) -> None:
    waiting = an_instance(chance)
    check(waiting, plan(waiting, at=NOW, solver=least_cost if solves else nothing))
