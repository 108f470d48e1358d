"""What policy v2 adds to v1, tier by tier; and that v1 has none of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.house import DEFAULT as HOUSE
from domain.house import HouseRules
from domain.matching import POLICIES, V1, V2, Candidate, Ingredient, Policy, score
from tests.domain.matching.factories import NOW, a_candidate, some_work

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

#: Somebody for whom v2 counts what v1 does, and nothing else: with the five answers that are
#: assumed, they take three of ten.
KNOWN: dict[str, Any] = {
    "rating": 3.0,
    "completed_jobs": 5,
    "offers_answered": 5,
    "offers_accepted": 0,
}
#: Off shift, same country.
BASE = 45


def extra(candidate: Candidate, policy: Policy = V2) -> tuple[int, tuple[str, ...]]:
    """The points beyond those of shift and country, and the reasons for them."""
    said = score(some_work(), candidate, at=NOW, policy=policy)
    assert said.policy == policy.name
    assert said.total == sum(points for _, points in said.breakdown)
    assert said.reasons[:2] == ("Available at that time", "Same country: CA")
    return said.total - BASE, said.reasons[2:]


def test_somebody_known_gets_from_v2_what_v1_gives() -> None:
    assert extra(a_candidate(**KNOWN)) == (0, ())
    assert extra(a_candidate(**KNOWN), V1) == (0, ())


@pytest.mark.parametrize(
    ("idle", "points", "reasons"),
    [
        (None, 0, ()),
        (-1 * HOUR, 0, ()),
        (0 * HOUR, 0, ()),
        (8 * HOUR - SECOND, 0, ()),
        (8 * HOUR, 5, ("Without work for 8 hours",)),
        (24 * HOUR - SECOND, 5, ("Without work for 24 hours",)),
        (24 * HOUR, 10, ("Without work for 24 hours",)),
        (72 * HOUR - SECOND, 10, ("Without work for 72 hours",)),
        (72 * HOUR, 15, ("Without work for 72 hours",)),
        (1000 * HOUR, 15, ("Without work for 1000 hours",)),
    ],
)
def test_who_has_long_had_no_work_is_preferred(
    idle: timedelta | None, points: int, reasons: tuple[str, ...]
) -> None:
    candidate = a_candidate(**KNOWN, idle_since=None if idle is None else NOW - idle)

    assert extra(candidate) == (points, reasons)
    assert extra(candidate, V1) == (0, ())


@pytest.mark.parametrize(
    ("jobs", "lately", "points"),
    [(0, 0, 25), (4, 0, 25), (5, 0, 0), (0, 1, 0), (4, 1, 0), (0, 9, 0)],
)
def test_a_newcomer_is_preferred_unless_they_were_made_an_offer_lately(
    jobs: int, lately: int, points: int
) -> None:
    candidate = a_candidate(**KNOWN | {"completed_jobs": jobs}, offered_lately=lately)

    assert extra(candidate) == (points, ("New here",) if points else ())
    assert extra(candidate, V1) == (0, ())


@pytest.mark.parametrize(
    ("rating", "points", "reasons"),
    [
        (None, 10, ("No reviews yet",)),
        (3.99, 0, ()),
        (4.0, 10, ("Rated 4.00",)),
        (4.5, 15, ("Rated 4.50",)),
    ],
)
def test_somebody_without_reviews_counts_like_four_stars(
    rating: float | None, points: int, reasons: tuple[str, ...]
) -> None:
    candidate = a_candidate(**KNOWN | {"rating": rating})

    assert extra(candidate) == (points, reasons)
    assert extra(candidate, V1) == ((0, ()) if rating is None else (points, reasons))


@pytest.mark.parametrize(
    ("answered", "accepted", "points", "reasons"),
    [
        # Five more answers are assumed, of which three accept.
        (0, 0, 5, ("Takes 60% of what is offered",)),
        (5, 5, 10, ("Takes 80% of what is offered",)),
        (25, 25, 10, ("Takes 93% of what is offered",)),
        (4, 4, 5, ("Takes 78% of what is offered",)),
        (25, 20, 5, ("Takes 77% of what is offered",)),
        (1, 0, 5, ("Takes 50% of what is offered",)),
        (2, 0, 0, ()),
        (10, 0, 0, ()),
        (11, 0, -10, ("Takes 19% of what is offered",)),
        (1000, 0, -10, ("Takes 0% of what is offered",)),
    ],
)
def test_who_takes_what_is_offered_is_preferred_to_who_seldom_does(
    answered: int, accepted: int, points: int, reasons: tuple[str, ...]
) -> None:
    candidate = a_candidate(
        **KNOWN | {"offers_answered": answered, "offers_accepted": accepted},
    )

    assert extra(candidate) == (points, reasons)
    assert extra(candidate, V1) == (0, ())


def test_all_of_v2_adds_up_to_what_v1_gives_and_more() -> None:
    candidate = a_candidate(idle_since=NOW - 100 * HOUR, offers_answered=5, offers_accepted=5)

    said = score(some_work(), candidate, at=NOW, policy=V2)

    assert said.breakdown == (
        (Ingredient.SHIFT, 20),
        (Ingredient.LOCATION, 25),
        (Ingredient.RATING, 10),
        (Ingredient.IDLE, 15),
        (Ingredient.NEWCOMER, 25),
        (Ingredient.ACCEPTANCE, 10),
    )
    assert said.total == 105
    assert score(some_work(), candidate, at=NOW) == score(
        some_work(), a_candidate(), at=NOW, policy=V1
    )


def test_policies_are_found_by_their_names() -> None:
    assert {"v1": V1, "v2": V2} == POLICIES


def test_only_v2_asks_for_the_records_and_only_where_the_house_asks_for_v2() -> None:
    assert (V1.looks_at_records, V2.looks_at_records) == (False, True)
    for term in ({"idle": V2.idle}, {"newcomer": 25}, {"acceptance": V2.acceptance}):
        assert replace(V1, **term).looks_at_records
    assert (HOUSE.policy, HOUSE.shadow) == (V1, None)
    assert not HOUSE.scores_records
    assert not HouseRules(shadow=V1).scores_records
    assert HouseRules(shadow=V2).scores_records
    assert HouseRules(policy=V2).scores_records
