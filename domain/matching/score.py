"""How well does a provider suit a piece of work, and how do we say so in words?

The policy is data (policies.py); here is what its numbers are points for. What it said is stored
with each offer together with the policy's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from domain.hours import utc
from domain.matching.policies import V1, Policy
from domain.matching.rules import plain
from domain.places import postal_prefix

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from domain.matching.policies import Tiers
    from domain.matching.rules import Candidate, Work


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
    IDLE = "IDLE"
    NEWCOMER = "NEWCOMER"
    ACCEPTANCE = "ACCEPTANCE"


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
    policy: str


#: Points, and the reasons for them in words.
_Part: TypeAlias = tuple[int, tuple[str, ...]]

_NOTHING: Final[_Part] = (0, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One candidate for one piece of work at one moment, under one policy."""

    work: Work
    candidate: Candidate
    policy: Policy
    at: datetime


def score(work: Work, candidate: Candidate, *, at: datetime, policy: Policy = V1) -> Score:
    """How well an eligible candidate suits the work."""
    case = _Case(work=work, candidate=candidate, policy=policy, at=at)
    weighed = ((ingredient, *weigh(case)) for ingredient, weigh in _INGREDIENTS)
    parts = [part for part in weighed if part[1]]
    return Score(
        total=sum(points for _, points, _ in parts),
        breakdown=tuple((ingredient, points) for ingredient, points, _ in parts),
        reasons=tuple(reason for _, _, reasons in parts for reason in reasons),
        policy=policy.name,
    )


def priority(total: int) -> Priority:
    """How strongly an offer with this score is put."""
    if total >= 150:
        return Priority.HIGH
    return Priority.NORMAL if total >= 100 else Priority.LOW


def _shift(case: _Case) -> _Part:
    if case.candidate.on_shift:
        return case.policy.on_shift, ("Available now",)
    if case.work.immediate:
        return _NOTHING
    return case.policy.off_shift, ("Available at that time",)


def _location(case: _Case) -> _Part:
    work, candidate, policy = case.work, case.candidate, case.policy
    # Codes and city names recur across borders (London, Ontario), so the country comes first.
    if work.country != candidate.country:
        return policy.other_country, (f"Other country: {candidate.country}",)
    prefix = postal_prefix(work.country, work.postal_code)
    if prefix and prefix == postal_prefix(candidate.country, candidate.postal_code):
        return policy.same_prefix, (f"Local match: {prefix}",)
    if plain(work.city) == plain(candidate.city):
        return policy.same_city, (f"Same city: {work.city}",)
    return policy.same_country, (f"Same country: {work.country}",)


def _experience(case: _Case) -> _Part:
    years = case.candidate.years_experience
    return _tier(years, case.policy.experience, f"{years} years of experience")


def _rating(case: _Case) -> _Part:
    rating = case.candidate.rating
    if rating is not None:
        return _tier(rating, case.policy.rating, f"Rated {rating:.2f}")
    if case.policy.unrated is None:
        return _NOTHING
    return _tier(case.policy.unrated, case.policy.rating, "No reviews yet")


def _certification(case: _Case) -> _Part:
    if not case.candidate.certified:
        return _NOTHING
    return case.policy.certified, ("Professionally certified",)


def _completed_jobs(case: _Case) -> _Part:
    jobs = case.candidate.completed_jobs
    return _tier(jobs, case.policy.completed_jobs, f"{jobs} jobs completed")


def _keywords(case: _Case) -> _Part:
    known = {plain(keyword) for keyword in case.candidate.keywords}
    wanted = {plain(keyword): keyword for keyword in case.work.keywords}
    matched = [keyword for key, keyword in wanted.items() if key in known]
    counted = matched[: case.policy.keywords_counted]
    points = case.policy.per_keyword * len(counted)
    return points, tuple(f"Keyword match: {one}" for one in counted)


def _profile(case: _Case) -> _Part:
    return _tier(case.candidate.profile_percent, case.policy.profile, "Complete profile")


def _idle(case: _Case) -> _Part:
    since = case.candidate.idle_since
    if since is None:
        return _NOTHING
    hours = (utc(case.at) - utc(since)).total_seconds() / 3600
    return _tier(hours, case.policy.idle, f"Without work for {hours:.0f} hours")


def _newcomer(case: _Case) -> _Part:
    candidate, policy = case.candidate, case.policy
    if candidate.completed_jobs >= policy.newcomer_jobs or candidate.offered_lately:
        return _NOTHING
    return policy.newcomer, ("New here",)


def _acceptance(case: _Case) -> _Part:
    candidate, policy = case.candidate, case.policy
    accepted = candidate.offers_accepted + policy.assumed_answers * policy.assumed_acceptance
    share = accepted / (candidate.offers_answered + policy.assumed_answers)
    return _tier(share, policy.acceptance, f"Takes {share:.0%} of what is offered")


def _tier(value: float, tiers: Tiers, reason: str) -> _Part:
    for threshold, points in tiers:
        if value >= threshold:
            return points, (reason,)
    return _NOTHING


_INGREDIENTS: Final[tuple[tuple[Ingredient, Callable[[_Case], _Part]], ...]] = (
    (Ingredient.SHIFT, _shift),
    (Ingredient.LOCATION, _location),
    (Ingredient.EXPERIENCE, _experience),
    (Ingredient.RATING, _rating),
    (Ingredient.CERTIFICATION, _certification),
    (Ingredient.COMPLETED_JOBS, _completed_jobs),
    (Ingredient.KEYWORDS, _keywords),
    (Ingredient.PROFILE, _profile),
    (Ingredient.IDLE, _idle),
    (Ingredient.NEWCOMER, _newcomer),
    (Ingredient.ACCEPTANCE, _acceptance),
)
