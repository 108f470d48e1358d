"""Four providers as the rules imagine them, each with the sum of their points written out."""

from datetime import timedelta
from typing import Any

from domain.keywords import extract
from domain.matching import (
    HardRule,
    Ingredient,
    Priority,
    Work,
    broken,
    is_eligible,
    priority,
    rank,
    score,
)
from domain.services import Requirements
from tests.domain.matching.factories import NOW, a_candidate, some_work


def said_of(work: Work, **facts: Any) -> tuple[dict[str, int], int, Priority, tuple[str, ...]]:
    """The points of each ingredient, their total, the priority and the reasons in words."""
    candidate = a_candidate(**facts)
    assert is_eligible(work, candidate, at=NOW)
    said = score(work, candidate, at=NOW)
    return dict(said.breakdown), said.total, priority(said.total), said.reasons


HIGH: dict[str, Any] = {
    "on_shift": True,
    "postal_code": "M5V 1J2",
    "city": "Toronto",
    "years_experience": 12,
    "rating": 4.8,
    "certified": True,
    "completed_jobs": 60,
    "keywords": frozenset({"brakes"}),
    "profile_percent": 100,
}
GOOD: dict[str, Any] = {
    "on_shift": False,
    "city": "Toronto",
    "postal_code": "M4C 1B5",
    "years_experience": 7,
    "rating": 4.2,
    "certified": True,
    "completed_jobs": 25,
    "keywords": frozenset({"brakes"}),
    "profile_percent": 90,
}
STANDARD: dict[str, Any] = {
    "on_shift": False,
    "city": "Mississauga",
    "postal_code": "L5B 3C1",
    "years_experience": 5,
    "rating": 4.0,
    "completed_jobs": 3,
    "profile_percent": 80,
}
BRAND_SPECIALIST: dict[str, Any] = {
    "on_shift": True,
    "city": "Mississauga",
    "postal_code": "L5B 3C1",
    "years_experience": 8,
    "rating": 4.6,
    "certified": True,
    "certifications": frozenset({"bmw-level-3"}),
    "completed_jobs": 22,
    "brands": frozenset({"BMW", "Mini"}),
    "keywords": frozenset({"bmw coding", "check engine"}),
    "profile_percent": 96,
}

BRAKES = some_work(keywords=extract("My brakes squeal on the way to Toronto."))
BMW = some_work(
    keywords=extract("BMW coding, please: the check engine light is on."),
    requested_brand="bmw",
    requirements=Requirements(certifications=("bmw-level-3",)),
)


def test_a_high_match_scores_170() -> None:
    points, total, how, reasons = said_of(BRAKES, **HIGH)

    assert points == {
        Ingredient.SHIFT: 50,
        Ingredient.LOCATION: 40,
        Ingredient.EXPERIENCE: 20,
        Ingredient.RATING: 15,
        Ingredient.CERTIFICATION: 10,
        Ingredient.COMPLETED_JOBS: 12,
        Ingredient.KEYWORDS: 15,
        Ingredient.PROFILE: 8,
    }
    assert total == 50 + 40 + 20 + 15 + 10 + 12 + 15 + 8 == 170
    assert how is Priority.HIGH
    assert reasons == (
        "Available now",
        "Local match: M5V",
        "12 years of experience",
        "Rated 4.80",
        "Professionally certified",
        "60 jobs completed",
        "Keyword match: brakes",
        "Complete profile",
    )


def test_a_good_match_scores_108() -> None:
    points, total, how, reasons = said_of(BRAKES, **GOOD)

    assert points == {
        Ingredient.SHIFT: 20,
        Ingredient.LOCATION: 35,
        Ingredient.EXPERIENCE: 10,
        Ingredient.RATING: 10,
        Ingredient.CERTIFICATION: 10,
        Ingredient.COMPLETED_JOBS: 8,
        Ingredient.KEYWORDS: 15,
    }
    assert total == 20 + 35 + 10 + 10 + 10 + 8 + 15 == 108
    assert how is Priority.NORMAL
    assert reasons == (
        "Available at that time",
        "Same city: Toronto",
        "7 years of experience",
        "Rated 4.20",
        "Professionally certified",
        "25 jobs completed",
        "Keyword match: brakes",
    )


def test_a_standard_match_scores_65() -> None:
    points, total, how, reasons = said_of(BRAKES, **STANDARD)

    assert points == {
        Ingredient.SHIFT: 20,
        Ingredient.LOCATION: 25,
        Ingredient.EXPERIENCE: 10,
        Ingredient.RATING: 10,
    }
    assert total == 20 + 25 + 10 + 10 == 65
    assert how is Priority.LOW
    assert reasons == (
        "Available at that time",
        "Same country: CA",
        "5 years of experience",
        "Rated 4.00",
    )


def test_a_brand_specialist_scores_156_for_work_on_their_brand() -> None:
    assert BMW.keywords == ("check engine", "bmw coding")

    points, total, how, reasons = said_of(BMW, **BRAND_SPECIALIST)

    assert points == {
        Ingredient.SHIFT: 50,
        Ingredient.LOCATION: 25,
        Ingredient.EXPERIENCE: 10,
        Ingredient.RATING: 15,
        Ingredient.CERTIFICATION: 10,
        Ingredient.COMPLETED_JOBS: 8,
        Ingredient.KEYWORDS: 30,
        Ingredient.PROFILE: 8,
    }
    assert total == 50 + 25 + 10 + 15 + 10 + 8 + 2 * 15 + 8 == 156
    assert how is Priority.HIGH
    assert reasons == (
        "Available now",
        "Same country: CA",
        "8 years of experience",
        "Rated 4.60",
        "Professionally certified",
        "22 jobs completed",
        "Keyword match: check engine",
        "Keyword match: bmw coding",
        "Complete profile",
    )


def test_work_on_a_brand_is_for_its_specialists_however_good_the_others_are() -> None:
    unmet = {
        name: [one.rule for one in broken(BMW, a_candidate(**facts), at=NOW)]
        for name, facts in (("high", HIGH), ("good", GOOD), ("specialist", BRAND_SPECIALIST))
    }

    assert unmet == {
        "high": [HardRule.CERTIFICATION, HardRule.BRAND],
        "good": [HardRule.CERTIFICATION, HardRule.BRAND],
        "specialist": [],
    }


def test_the_four_are_asked_in_the_order_of_their_scores() -> None:
    kinds = (STANDARD, GOOD, BRAND_SPECIALIST, HIGH)
    waiting = NOW - timedelta(days=1)
    four = [a_candidate(**facts, last_offered_at=waiting) for facts in kinds]

    # Brakes are not among the specialist's keywords: 156 less 30.
    assert [one.score.total for one in rank(BRAKES, four, at=NOW)] == [170, 126, 108, 65]
