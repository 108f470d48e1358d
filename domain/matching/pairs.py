"""Who could do which of the waiting work, what would it cost, and is there still time for it?

A price is reckoned in miles, so that everything that speaks for or against somebody can be weighed
against the way: whoever has a star less may just as well live so many miles further away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from domain.matching.auto import stars
from domain.matching.rules import distance_miles, is_eligible

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from uuid import UUID

    from domain.availability import Block
    from domain.matching.rules import Candidate, Work

MOST_STARS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRules:
    """Every number of a price, in miles."""

    #: How far away somebody is taken to be whose distance is unknown: as far as anybody is sent.
    unknown_distance: float = 15.0
    #: For each star less than five.
    star: float = 5.0
    #: For somebody's first job. It shrinks with each one they have completed, to nothing for those
    #: who have completed `experienced` jobs.
    inexperience: float = 5.0
    experienced: int = 50


DEFAULT_COSTS: Final = CostRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Work that nobody has taken, and who might do it."""

    work: Work
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Work and somebody who might do it."""

    work: Work
    candidate: Candidate
    distance_miles: float | None
    cost: float

    @property
    def booking_id(self) -> UUID:
        """The booking that is the work."""
        return self.work.booking_id

    @property
    def provider_id(self) -> UUID:
        """The provider who might do it."""
        return self.candidate.provider_id


def priced(work: Work, candidate: Candidate, *, rules: CostRules = DEFAULT_COSTS) -> Pair:
    """The two, with what giving the work to the candidate costs in miles."""
    miles = distance_miles(work, candidate)
    way = rules.unknown_distance if miles is None else miles
    missing = max(rules.experienced - candidate.completed_jobs, 0) / rules.experienced
    return Pair(
        work=work,
        candidate=candidate,
        distance_miles=miles,
        cost=(way if work.requirements.on_site else 0.0)
        + rules.star * (MOST_STARS - stars(candidate))
        + rules.inexperience * missing,
    )


class Diary:
    """Whose time a batch has given to which work so far, and who has still time for more."""

    def __init__(self, at: datetime, known: dict[tuple[UUID, UUID], bool] | None = None) -> None:
        """An empty diary at a moment. What is `known` of pairs, all diaries of a batch share."""
        self._at = at
        self._known = {} if known is None else known
        self._given: dict[UUID, dict[UUID, Block]] = {}
        #: What has been found out since a candidate was last given or taken something.
        self._beside: dict[UUID, dict[UUID, bool]] = {}

    def give(self, pair: Pair) -> None:
        """Give a candidate's time to the work."""
        self._given.setdefault(pair.provider_id, {})[pair.booking_id] = pair.work.block
        self._beside[pair.provider_id] = {}

    def take_back(self, pair: Pair) -> None:
        """Undo that."""
        del self._given[pair.provider_id][pair.booking_id]
        self._beside[pair.provider_id] = {}

    def fits(self, pair: Pair) -> bool:
        """Does the candidate keep every hard rule, with all that they have been given?"""
        given = self._given.get(pair.provider_id)
        if not given:
            return self.is_eligible(pair)
        found = self._beside[pair.provider_id]
        if pair.booking_id not in found:
            found[pair.booking_id] = self._has_time(pair, given.values())
        return found[pair.booking_id]

    def is_eligible(self, pair: Pair) -> bool:
        """Did the candidate keep every hard rule before the batch gave anything away?"""
        key = pair.booking_id, pair.provider_id
        if key not in self._known:
            self._known[key] = is_eligible(pair.work, pair.candidate, at=self._at)
        return self._known[key]

    def _has_time(self, pair: Pair, given: Collection[Block]) -> bool:
        # FREE says the same of what is too near, but it costs much more to have every rule asked.
        if any(block.is_too_near(pair.work.block) for block in given):
            return False
        busier = replace(pair.candidate, taken=(*pair.candidate.taken, *given))
        return is_eligible(pair.work, busier, at=self._at)
