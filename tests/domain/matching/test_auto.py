"""Who is given what nobody has taken?"""

from typing import Any
from uuid import UUID

from domain.matching.auto import UNRATED, choose, stars
from domain.matching.pairs import Pair, priced
from domain.places import Point
from tests.domain.matching.factories import TORONTO, a_candidate, some_work


def a_pair(number: int, **changes: Any) -> Pair:
    return priced(some_work(), a_candidate(provider_id=UUID(int=number), **changes))


def order(*pairs: Pair) -> list[int]:
    """The candidates as they are chosen, when one after the other may not."""
    left, chosen = list(pairs), []
    while left:
        best = choose(left, lambda _: True)
        assert best is not None
        chosen.append(best.provider_id.int)
        left.remove(best)
    return chosen


def north(miles: float) -> Point:
    return Point(latitude=TORONTO.latitude + miles / 69.0934, longitude=TORONTO.longitude)


def test_the_best_rated_comes_first_whatever_else_speaks_against_them() -> None:
    best = a_pair(2, rating=4.1, point=north(9))
    good = a_pair(1, rating=4.0, completed_jobs=500)
    assert order(good, best) == [2, 1]


def test_among_equally_rated_the_one_with_more_jobs_completed() -> None:
    assert order(
        a_pair(1, rating=4.5, completed_jobs=10),
        a_pair(2, rating=4.5, completed_jobs=11, point=north(9)),
    ) == [2, 1]


def test_among_equally_experienced_the_nearest_and_the_unknown_last() -> None:
    far, near = a_pair(1, point=north(9)), a_pair(2, point=north(1))
    nowhere = a_pair(3, point=None, postal_code="")
    assert nowhere.distance_miles is None
    assert order(nowhere, far, near) == [2, 1, 3]


def test_among_equals_the_smaller_id() -> None:
    assert order(a_pair(7), a_pair(5), a_pair(6)) == [5, 6, 7]


def test_who_was_never_reviewed_stands_where_providers_usually_do() -> None:
    assert UNRATED == 4.0
    assert stars(a_candidate()) == 4.0
    assert order(a_pair(1, rating=3.99), a_pair(2), a_pair(3, rating=4.01)) == [3, 2, 1]


def test_who_may_not_is_passed_over_and_where_nobody_may_nobody_is_chosen() -> None:
    best, second = a_pair(1, rating=5), a_pair(2, rating=4)
    assert choose([second, best], lambda pair: pair is not best) is second
    assert choose([second, best], lambda _: False) is None
    assert choose([], lambda _: True) is None
