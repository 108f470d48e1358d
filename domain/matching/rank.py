"""Who is asked first? The best score; among equals the nearest, then whoever has waited longest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.hours import utc
from domain.matching.policies import V1, Policy
from domain.matching.rules import distance_miles
from domain.matching.score import score

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from domain.matching.rules import Candidate, Work
    from domain.matching.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate with the score that placed them. The distance is None when it is unknown."""

    candidate: Candidate
    score: Score
    distance_miles: float | None


def rank(
    work: Work, candidates: Iterable[Candidate], *, at: datetime, policy: Policy = V1
) -> list[Ranked]:
    """Order eligible candidates, best first; the same candidates always come out the same way."""
    ranked = (
        Ranked(
            candidate=candidate,
            score=score(work, candidate, at=at, policy=policy),
            distance_miles=distance_miles(work, candidate),
        )
        for candidate in candidates
    )
    return sorted(ranked, key=lambda one: _place(one, at))


def _place(ranked: Ranked, at: datetime) -> tuple[int, float, timedelta, UUID]:
    far = math.inf if ranked.distance_miles is None else ranked.distance_miles
    offered_at = ranked.candidate.last_offered_at
    # The further in the past, the smaller; never is smaller still.
    last_offer = timedelta.min if offered_at is None else utc(offered_at) - utc(at)
    return -ranked.score.total, far, last_offer, ranked.candidate.provider_id
