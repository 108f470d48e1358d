"""Why has nobody taken this work, and who comes nearest to being able to?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from domain import waves
from domain.matching.explanations import closed, next_round
from domain.matching.rules import HardRule, broken, distance_miles
from domain.offers import OfferState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.matching.explanations import NextRound
    from domain.matching.rules import Candidate, Verdict, Work
    from domain.offers import JobOffer
    from domain.waves import WaveRules

#: So many of those who offer the service are looked at, the nearest, and so many are shown.
LOOKED_AT: Final = 200
SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledOut:
    """How many providers one hard rule keeps from the work."""

    rule: HardRule
    providers: int
    #: Of them, whom nothing else keeps from it.
    by_it_alone: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NearProvider:
    """Somebody near who offers the service, and the rules that keep them from the work."""

    provider_id: UUID
    distance_miles: float | None
    broken: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNobody:
    """Why a booking is without a provider, and what happens next."""

    booking: Booking
    at: datetime
    #: How many providers offer the service, and how many of them, the nearest, were looked at.
    offering: int
    looked_at: int
    #: Of those looked at: who is near enough, and who is eligible.
    near: int
    eligible: int
    #: The rules that keep anybody from it, those first that keep most.
    ruled_out: tuple[RuledOut, ...]
    nearest: tuple[NearProvider, ...]
    next_round: NextRound | None
    #: Every offer that was made of it.
    offers: tuple[JobOffer, ...]

    @property
    def offers_open(self) -> int:
        """How many offers can still be accepted."""
        return sum(offer.is_open(self.at) for offer in self.offers)

    @property
    def offers_rejected(self) -> int:
        """How many were rejected."""
        return sum(offer.state is OfferState.REJECTED for offer in self.offers)

    @property
    def offers_expired(self) -> int:
        """How many were left unanswered."""
        lapsed = (one.state is OfferState.EXPIRED or one.has_lapsed(self.at) for one in self.offers)
        return sum(lapsed)

    @property
    def answer(self) -> str:
        """The whole of it in words."""
        if reason := closed(self.booking):
            return f"Nobody is asked: {reason}."
        if not self.offering:
            return "Nobody offers the service."
        if not self.eligible:
            most = ", ".join(f"{one.rule} ({one.providers})" for one in self.ruled_out[:3])
            return f"Of {self.looked_at} who offer the service nobody is eligible: {most}."
        if self.offers_open:
            return f"{self.offers_open} asked, who have not answered yet."
        if self.next_round is None:
            return f"{self.eligible} eligible, but no round is to come."
        return f"{self.eligible} eligible; the next round has not opened yet."


def why_nobody(
    booking: Booking,
    offers: Sequence[JobOffer],
    looked_at: Sequence[Candidate],
    *,
    offering: int,
    work: Work,
    at: datetime,
    rules: WaveRules = waves.DEFAULT,
) -> WhyNobody:
    """What keeps those who offer the service, the nearest of them, from the work."""
    found = [_near(work, one, at) for one in looked_at]
    against = [frozenset(verdict.rule for verdict in one.broken) for one in found]
    return WhyNobody(
        booking=booking,
        at=at,
        offering=offering,
        looked_at=len(found),
        near=sum(HardRule.RADIUS not in theirs for theirs in against),
        eligible=sum(not theirs for theirs in against),
        ruled_out=_ruled_out(against),
        nearest=tuple(sorted(found, key=_place)[:SHOWN]),
        next_round=next_round(booking, offers, at=at, rules=rules),
        offers=tuple(offers),
    )


def _near(work: Work, one: Candidate, at: datetime) -> NearProvider:
    return NearProvider(
        provider_id=one.provider_id,
        distance_miles=distance_miles(work, one),
        broken=broken(work, one, at=at),
    )


def _place(one: NearProvider) -> tuple[float, UUID]:
    return inf if one.distance_miles is None else one.distance_miles, one.provider_id


def _ruled_out(against: Sequence[frozenset[HardRule]]) -> tuple[RuledOut, ...]:
    all_by = Counter(rule for rules in against for rule in rules)
    alone = Counter(rule for rules in against for rule in rules if len(rules) == 1)
    found = (
        RuledOut(rule=rule, providers=all_by[rule], by_it_alone=alone[rule])
        for rule in HardRule
        if all_by[rule]
    )
    return tuple(sorted(found, key=lambda one: -one.providers))
