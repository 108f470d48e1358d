"""Why this provider, and why not that one?

Nothing is decided here a second time: the hard rules, the score, the order and the waves are asked
what they say as things are now, also of a booking whose time is over. What was decided at the time
is kept with each offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from domain import waves
from domain.matching.policies import V1, Policy
from domain.matching.rank import rank
from domain.matching.rules import distance_miles, is_eligible, verdicts
from domain.matching.score import score

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.matching.rules import Candidate, Verdict, Work
    from domain.matching.score import Score
    from domain.offers import JobOffer, Wave
    from domain.waves import Call, WaveRules


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRound:
    """The round that the search opens next, unless somebody answers before."""

    opens_at: datetime
    call: Call

    @property
    def wave(self) -> Wave:
        """What kind of round it is."""
        return self.call.wave

    @property
    def size(self) -> int:
        """How many are asked at most."""
        return self.call.size

    @property
    def reach_miles(self) -> float | None:
        """How far away; None leaves that to each provider's own radius."""
        return self.call.reach_miles


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What matching has to say of one provider and one booking."""

    booking: Booking
    provider_id: UUID
    at: datetime
    #: What every hard rule says, kept or broken.
    verdicts: tuple[Verdict, ...]
    score: Score
    distance_miles: float | None
    #: The provider's place among all who are eligible, the best being 1; None if they are not.
    rank: int | None
    #: How many are eligible, whether they have been asked or not.
    eligible: int
    next_round: NextRound | None
    #: Would the next round be put to this provider? And does it look at them at all, or is there
    #: a crowd of others who are more promising?
    asked_next: bool
    is_looked_at: bool = True
    #: What was put to the provider, oldest first, each with the score it was put with.
    offers: tuple[JobOffer, ...]

    @property
    def is_eligible(self) -> bool:
        """Does the provider keep every hard rule?"""
        return self.rank is not None

    @property
    def answer(self) -> str:
        """The whole of it in words."""
        if self.booking.provider_id == self.provider_id:
            return "This provider has the booking."
        against = _reasons(self.verdicts)
        if any(offer.is_open(self.at) for offer in self.offers):
            again = f"; they would not be asked again: {against}" if against else ""
            return f"This provider has an open offer{again}."
        if not self.is_eligible:
            return f"Not eligible: {against}."
        place = f"Eligible, place {self.rank} of {self.eligible}"
        if reason := closed(self.booking):
            return f"{place}; but {reason}."
        if self.next_round is None:
            return f"{place}; but no round is to come."
        return f"{place}; the next round {self._reach(self.next_round)}."

    def _reach(self, ahead: NextRound) -> str:
        if self.asked_next:
            return "asks this provider"
        if ahead.call.only is not None:
            return "asks only the provider whom the customer prefers"
        if not self.is_looked_at:
            return "looks at more promising ones only"
        return f"asks the best {ahead.size} who have no open offer and have not just left"


def next_round(
    booking: Booking, offers: Sequence[JobOffer], *, at: datetime, rules: WaveRules = waves.DEFAULT
) -> NextRound | None:
    """The next round if nobody answers and nothing changes before; None where none is to come."""
    while booking.match_due_at is not None:
        then = max(at, booking.match_due_at)
        if tidied := waves.tidy(booking, offers, at=then, rules=rules):
            booking = tidied.booking
        if call := waves.due(booking, offers, at=then, rules=rules):
            return NextRound(opens_at=then, call=call)
        # It is looked at to be given away, or for one of several answers; the round comes later.
        waiting = waves.wait(booking, offers, at=then)
        if waiting == booking:
            return None
        booking = waiting
    return None


def seeks(ahead: NextRound | None, *, rules: WaveRules = waves.DEFAULT) -> int:
    """How many providers matching looks for; where it first asks a preferred one by name, those of
    the round that follows if they cannot do the work."""
    if ahead is None or ahead.call.only is not None:
        return rules.targeted_size
    return ahead.size


def closed(booking: Booking) -> str:
    """Why nobody is asked, whoever they are; nothing while the booking is open to offers."""
    if booking.is_open_to_offers:
        return ""
    if booking.provider_id is not None and not booking.is_final:
        return "it has its provider"
    if booking.lacks_terms and not booking.is_final:
        return "its terms are not accepted yet"
    return f"it is {booking.status}"


def explain(
    booking: Booking,
    offers: Sequence[JobOffer],
    provider_id: UUID,
    pool: Iterable[Candidate],
    *,
    work: Work,
    at: datetime,
    policy: Policy = V1,
    rules: WaveRules = waves.DEFAULT,
    beyond: Collection[UUID] = (),
) -> Explanation:
    """Why a provider is, or is not, asked to do the work.

    In the `pool` are the provider, whoever has an open offer or is preferred, and whoever comes
    into question; `beyond` are those of them whom the next round would not look at, for a crowd of
    more promising ones. `work` reaches as far as that round does.
    """
    everybody = {one.provider_id: one for one in pool}
    who = everybody[provider_id]
    able = (one for one in everybody.values() if is_eligible(work, one, at=at))
    order = [one.candidate.provider_id for one in rank(work, able, at=at, policy=policy)]
    ahead = _next_that_asks(booking, offers, order, at=at, rules=rules)
    asked = _asked(booking, ahead, offers, order, beyond, rules=rules) if ahead else []
    return Explanation(
        booking=booking,
        provider_id=provider_id,
        at=at,
        verdicts=verdicts(work, who, at=at),
        score=score(work, who, at=at, policy=policy),
        distance_miles=distance_miles(work, who),
        rank=order.index(provider_id) + 1 if provider_id in order else None,
        eligible=len(order),
        next_round=ahead,
        asked_next=provider_id in asked,
        is_looked_at=provider_id not in beyond,
        offers=tuple(offer for offer in offers if offer.provider_id == provider_id),
    )


def _next_that_asks(
    booking: Booking,
    offers: Sequence[JobOffer],
    able: Collection[UUID],
    *,
    at: datetime,
    rules: WaveRules,
) -> NextRound | None:
    """The next round; where the preferred provider cannot do the work, the one that follows."""
    ahead = next_round(booking, offers, at=at, rules=rules)
    if ahead is None or ahead.call.only is None or ahead.call.only in able:
        return ahead
    at = ahead.opens_at
    passed = waves.open_wave(
        booking, ahead.call, (), known=offers, eligible=0, at=at, new_id=uuid4, rules=rules
    )
    return next_round(passed.booking, offers, at=at, rules=rules)


def _asked(
    booking: Booking,
    ahead: NextRound,
    offers: Sequence[JobOffer],
    order: Iterable[UUID],
    beyond: Collection[UUID],
    *,
    rules: WaveRules,
) -> list[UUID]:
    """Whom a round is put to, out of the eligible in their order."""
    asked = {one.provider_id for one in offers if one.is_open(ahead.opens_at)}
    left = waves.just_left(booking, offers, at=ahead.opens_at, rules=rules)
    waiting = [who for who in order if who not in asked | left]
    if ahead.call.only is not None:
        return [who for who in waiting if who == ahead.call.only]
    return [who for who in waiting if who not in beyond][: ahead.size]


def _reasons(said: Iterable[Verdict]) -> str:
    return "; ".join(f"{one.rule} ({one.saw})" for one in said if not one.passed)
