"""How well does a provider suit a piece of work, and how do we say so in words?

The policy is data: one table of ingredients, each with its tiers. What it said is stored with each
offer together with the policy's name, so a change of the numbers is a new policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.places import postal_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.matching.rules import Candidate, Work

#: The policy in force.
POLICY: Final = "v1"

#: Tiers are exclusive: the first whose threshold is reached counts.
_EXPERIENCE: Final = ((10, 20), (5, 10))
_RATING: Final = ((4.5, 15), (4.0, 10))
_COMPLETED_JOBS: Final = ((50, 12), (20, 8))
_PROFILE: Final = ((95, 8),)

_PER_KEYWORD: Final = 15
_KEYWORDS_COUNTED: Final = 3


class Ingredient(StrEnum):
    """What a score is made of."""

    SHIFT = "SHIFT"
    LOCATION = "LOCATION"
    EXPERIENCE = "EXPERIENCE"
    RATING = "RATING"
    CERTIFICATION = "CERTIFICATION"
    COMPLETED_JOBS = "COMPLETED_JOBS"
    KEYWORDS = "KEYWORDS"
    PROFILE = "PROFILE"


class Priority(StrEnum):
    """How strongly an offer is put to a provider."""

    HIGH = "HIGH"
    NORMAL = "NORMAL"
    LOW = "LOW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A candidate's points, where they come from, and why in words."""

    total: int
    #: Ingredients that gave or took points, in the policy's order; they sum to the total.
    breakdown: tuple[tuple[Ingredient, int], ...]
    reasons: tuple[str, ...]
    policy: str = POLICY


#: Points, and the reasons for them in words.
_Part: TypeAlias = tuple[int, tuple[str, ...]]

_NOTHING: Final[_Part] = (0, ())


def score(work: Work, candidate: Candidate) -> Score:
    """How well an eligible candidate suits the work."""
    parts = [(ingredient, *weigh(work, candidate)) for ingredient, weigh in _INGREDIENTS]
    return Score(
        total=sum(points for _, points, _ in parts),
        breakdown=tuple((ingredient, points) for ingredient, points, _ in parts if points),
        reasons=tuple(reason for _, _, reasons in parts for reason in reasons),
    )


def priority(total: int) -> Priority:
    """How strongly an offer with this score is put."""
    if total >= 150:
        return Priority.HIGH
    return Priority.NORMAL if total >= 100 else Priority.LOW


def _shift(work: Work, candidate: Candidate) -> _Part:
    if candidate.on_shift:
        return 50, ("Available now",)
    return _NOTHING if work.immediate else (20, ("Available at that time",))


def _location(work: Work, candidate: Candidate) -> _Part:
    # Codes and city names recur across borders (London, Ontario), so the country comes first.
    if work.country != candidate.country:
        return -20, (f"Other country: {candidate.country}",)
    prefix = postal_prefix(work.country, work.postal_code)
    if prefix and prefix == postal_prefix(candidate.country, candidate.postal_code):
        return 40, (f"Local match: {prefix}",)
    if _plain(work.city) == _plain(candidate.city):
        return 35, (f"Same city: {work.city}",)
    return 25, (f"Same country: {work.country}",)


def _experience(_work: Work, candidate: Candidate) -> _Part:
    years = candidate.years_experience
    return _tier(years, _EXPERIENCE, f"{years} years of experience")


def _rating(_work: Work, candidate: Candidate) -> _Part:
    rating = candidate.rating
    return _NOTHING if rating is None else _tier(rating, _RATING, f"Rated {rating:.2f}")


def _certification(_work: Work, candidate: Candidate) -> _Part:
    return (10, ("Professionally certified",)) if candidate.certified else _NOTHING


def _completed_jobs(_work: Work, candidate: Candidate) -> _Part:
    jobs = candidate.completed_jobs
    return _tier(jobs, _COMPLETED_JOBS, f"{jobs} jobs completed")


def _keywords(work: Work, candidate: Candidate) -> _Part:
    known = {_plain(keyword) for keyword in candidate.keywords}
    wanted = {_plain(keyword): keyword for keyword in work.keywords}
    matched = [keyword for plain, keyword in wanted.items() if plain in known]
    counted = matched[:_KEYWORDS_COUNTED]
    return _PER_KEYWORD * len(counted), tuple(f"Keyword match: {one}" for one in counted)


def _profile(_work: Work, candidate: Candidate) -> _Part:
    return _tier(candidate.profile_percent, _PROFILE, "Complete profile")


def _tier(value: float, tiers: tuple[tuple[float, int], ...], reason: str) -> _Part:
    for threshold, points in tiers:
        if value >= threshold:
            return points, (reason,)
    return _NOTHING


def _plain(words: str) -> str:
    """Words as they are compared: whatever their case and spacing."""
    return " ".join(words.casefold().split())


_INGREDIENTS: Final[tuple[tuple[Ingredient, Callable[[Work, Candidate], _Part]], ...]] = (
    (Ingredient.SHIFT, _shift),
    (Ingredient.LOCATION, _location),
    (Ingredient.EXPERIENCE, _experience),
    (Ingredient.RATING, _rating),
    (Ingredient.CERTIFICATION, _certification),
    (Ingredient.COMPLETED_JOBS, _completed_jobs),
    (Ingredient.KEYWORDS, _keywords),
    (Ingredient.PROFILE, _profile),
)
