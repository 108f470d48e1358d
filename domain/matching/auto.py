"""Who is given work that nobody has taken? The best rated; among equals the most experienced, then
the nearest.

Nobody is sent further than the reach of the work, which RADIUS keeps (rules.md, Matching).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from domain.reviews import PRIOR_MEAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from domain.matching.pairs import Pair
    from domain.matching.rules import Candidate

#: Somebody nobody has reviewed is taken for what providers usually get: neither the first choice
#: nor the last.
UNRATED: Final = float(PRIOR_MEAN)


def stars(candidate: Candidate) -> float:
    """What a candidate's work is worth, from 1 to 5."""
    return UNRATED if candidate.rating is None else candidate.rating


def choose(pairs: Iterable[Pair], may: Callable[[Pair], bool]) -> Pair | None:
    """Whom to give one booking, of those who may do it; None when nobody may."""
    return next((pair for pair in sorted(pairs, key=_place) if may(pair)), None)


def _place(pair: Pair) -> tuple[float, int, float, UUID]:
    # An unknown distance is the furthest.
    far = math.inf if pair.distance_miles is None else pair.distance_miles
    return -stars(pair.candidate), -pair.candidate.completed_jobs, far, pair.provider_id
