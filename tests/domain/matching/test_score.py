"""The points and words of policy v1, tier by tier."""

from typing import Any

import pytest

from domain.matching import Candidate, Ingredient, Priority, Score, Work, priority, score
from tests.domain.matching.factories import NOW, a_candidate, some_work

BASE = 45  # off shift 20, same country 25


def scored(work: Work, candidate: Candidate) -> Score:
    return score(work, candidate, at=NOW)


def part(ingredient: Ingredient, of: Score) -> int:
    return dict(of.breakdown).get(ingredient, 0)


def test_a_score_says_where_its_points_come_from_and_why() -> None:
    said = scored(
        some_work(keywords=("brakes", "abs")),
        a_candidate(
            on_shift=True,
            postal_code="m5v1j2",
            years_experience=12,
            rating=4.8,
            certified=True,
            completed_jobs=64,
            keywords=frozenset({"brakes"}),
            profile_percent=100,
        ),
    )

    assert said == Score(
        total=170,
        breakdown=(
            (Ingredient.SHIFT, 50),
            (Ingredient.LOCATION, 40),
            (Ingredient.EXPERIENCE, 20),
            (Ingredient.RATING, 15),
            (Ingredient.CERTIFICATION, 10),
            (Ingredient.COMPLETED_JOBS, 12),
            (Ingredient.KEYWORDS, 15),
            (Ingredient.PROFILE, 8),
        ),
        reasons=(
            "Available now",
            "Local match: M5V",
            "12 years of experience",
            "Rated 4.80",
            "Professionally certified",
            "64 jobs completed",
            "Keyword match: brakes",
            "Complete profile",
        ),
        policy="v1",
    )


def test_ingredients_that_give_nothing_are_left_out() -> None:
    said = scored(some_work(), a_candidate())

    assert said.total == BASE
    assert said.breakdown == ((Ingredient.SHIFT, 20), (Ingredient.LOCATION, 25))
    assert said.reasons == ("Available at that time", "Same country: CA")


@pytest.mark.parametrize(
    ("immediate", "on_shift", "points", "reasons"),
    [
        (False, True, 50, ("Available now",)),
        (True, True, 50, ("Available now",)),
        (False, False, 20, ("Available at that time",)),
        (True, False, 0, ()),
    ],
)
def test_being_on_shift_counts_most_and_off_shift_only_for_scheduled_work(
    immediate: bool, on_shift: bool, points: int, reasons: tuple[str, ...]
) -> None:
    said = scored(some_work(immediate=immediate), a_candidate(on_shift=on_shift))

    assert part(Ingredient.SHIFT, said) == points
    assert said.total == points + 25
    assert said.reasons == (*reasons, "Same country: CA")


@pytest.mark.parametrize(
    ("at", "of", "points", "reason"),
    [
        (("CA", "M5V 2T6", "Toronto"), ("CA", "M5V1J2", "Toronto"), 40, "Local match: M5V"),
        (("CA", "M5V 2T6", "Toronto"), ("CA", "M5V1J2", "York"), 40, "Local match: M5V"),
        (("CA", "M5V 2T6", "Toronto"), ("CA", "M5A 1A1", "Toronto"), 35, "Same city: Toronto"),
        (("CA", "M5V 2T6", "New  York"), ("CA", "L5B", "new york"), 35, "Same city: New  York"),
        (("CA", "M5V 2T6", "Toronto"), ("CA", "H2Y 1C6", "Montréal"), 25, "Same country: CA"),
        (("GB", "SW1A 1AA", "London"), ("GB", "sw1a2aa", "Westminster"), 40, "Local match: SW1A"),
        (("GB", "SW1A 1AA", "London"), ("GB", "SW1V 1AA", "London"), 35, "Same city: London"),
        (("US", "90210", "Beverly Hills"), ("US", "90210-1234", "LA"), 40, "Local match: 90210"),
        (("CA", "N6A 3K7", "London"), ("GB", "N6A 3K7", "London"), -20, "Other country: GB"),
        (("IE", "", "Dublin"), ("IE", "", "Cork"), 25, "Same country: IE"),
        (("IE", "", "Dublin"), ("IE", "", "Dublin"), 35, "Same city: Dublin"),
    ],
)
def test_location_counts_once_by_its_nearest_tier(
    at: tuple[str, str, str], of: tuple[str, str, str], points: int, reason: str
) -> None:
    names = ("country", "postal_code", "city")

    said = scored(
        some_work(**dict(zip(names, at, strict=True))),
        a_candidate(**dict(zip(names, of, strict=True))),
    )

    assert said.breakdown == ((Ingredient.SHIFT, 20), (Ingredient.LOCATION, points))
    assert said.total == 20 + points
    assert said.reasons == ("Available at that time", reason)


@pytest.mark.parametrize(
    ("facts", "ingredient", "points", "reasons"),
    [
        ({"years_experience": 4}, Ingredient.EXPERIENCE, 0, ()),
        ({"years_experience": 5}, Ingredient.EXPERIENCE, 10, ("5 years of experience",)),
        ({"years_experience": 9}, Ingredient.EXPERIENCE, 10, ("9 years of experience",)),
        ({"years_experience": 10}, Ingredient.EXPERIENCE, 20, ("10 years of experience",)),
        ({"years_experience": 11}, Ingredient.EXPERIENCE, 20, ("11 years of experience",)),
        ({"rating": None}, Ingredient.RATING, 0, ()),
        ({"rating": 3.99}, Ingredient.RATING, 0, ()),
        ({"rating": 4.0}, Ingredient.RATING, 10, ("Rated 4.00",)),
        ({"rating": 4.49}, Ingredient.RATING, 10, ("Rated 4.49",)),
        ({"rating": 4.5}, Ingredient.RATING, 15, ("Rated 4.50",)),
        ({"rating": 5.0}, Ingredient.RATING, 15, ("Rated 5.00",)),
        ({"certified": False}, Ingredient.CERTIFICATION, 0, ()),
        ({"certified": True}, Ingredient.CERTIFICATION, 10, ("Professionally certified",)),
        ({"completed_jobs": 19}, Ingredient.COMPLETED_JOBS, 0, ()),
        ({"completed_jobs": 20}, Ingredient.COMPLETED_JOBS, 8, ("20 jobs completed",)),
        ({"completed_jobs": 49}, Ingredient.COMPLETED_JOBS, 8, ("49 jobs completed",)),
        ({"completed_jobs": 50}, Ingredient.COMPLETED_JOBS, 12, ("50 jobs completed",)),
        ({"completed_jobs": 51}, Ingredient.COMPLETED_JOBS, 12, ("51 jobs completed",)),
        ({"profile_percent": 94}, Ingredient.PROFILE, 0, ()),
        ({"profile_percent": 95}, Ingredient.PROFILE, 8, ("Complete profile",)),
        ({"profile_percent": 100}, Ingredient.PROFILE, 8, ("Complete profile",)),
    ],
)
def test_each_tier_begins_exactly_at_its_threshold_and_tiers_do_not_add_up(
    facts: dict[str, Any], ingredient: Ingredient, points: int, reasons: tuple[str, ...]
) -> None:
    said = scored(some_work(), a_candidate(**facts))

    assert part(ingredient, said) == points
    assert said.total == BASE + points
    assert said.reasons[2:] == reasons


@pytest.mark.parametrize(
    ("wanted", "known", "matched"),
    [
        ((), {"brakes"}, ()),
        (("brakes",), set(), ()),
        (("brakes",), {"engine"}, ()),
        (("brakes",), {" Brakes "}, ("brakes",)),
        (("brakes", "Brakes"), {"brakes"}, ("Brakes",)),
        (("oil change", "abs", "brakes"), {"brakes", "oil change"}, ("oil change", "brakes")),
        (("a", "b", "c"), {"a", "b", "c"}, ("a", "b", "c")),
        (("a", "b", "c", "d"), {"d", "c", "b", "a"}, ("a", "b", "c")),
        (("a", "b", "c", "d"), {"d", "c", "b"}, ("b", "c", "d")),
    ],
)
def test_keywords_count_fifteen_each_and_at_most_three(
    wanted: tuple[str, ...], known: set[str], matched: tuple[str, ...]
) -> None:
    said = scored(some_work(keywords=wanted), a_candidate(keywords=frozenset(known)))

    assert part(Ingredient.KEYWORDS, said) == 15 * len(matched)
    assert said.total == BASE + 15 * len(matched)
    assert said.reasons[2:] == tuple(f"Keyword match: {word}" for word in matched)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (-20, Priority.LOW),
        (99, Priority.LOW),
        (100, Priority.NORMAL),
        (149, Priority.NORMAL),
        (150, Priority.HIGH),
        (200, Priority.HIGH),
    ],
)
def test_priority_follows_from_the_total(total: int, expected: Priority) -> None:
    assert priority(total) is expected
