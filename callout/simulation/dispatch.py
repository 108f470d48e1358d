"""How is a booking brought to providers, where all that is known is in memory?

As db/matching.py, db/offers.py and db/auto_assign.py do it, by the same decisions of domain/. Locks
are left out: on the virtual clock one thing happens at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from callout.simulation.behaviour import appeal
from callout.simulation.memory import Assignment
from db.candidates import work_of
from domain import auto_assign, matching, offers, waves
from domain.auto_assign import is_due, may_be_given
from domain.availability import obstacles
from domain.matching import batch
from domain.matching.comparison import ShadowChoice
from domain.matching.pairs import Waiting
from domain.offers import Gone, OfferGone, OfferState, Outcome, Wave
from gateways.assignment import least_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from callout.simulation.memory import Memory
    from domain.bookings import Booking
    from domain.house import HouseRules
    from domain.matching import Candidate, Ranked, Work
    from domain.matching.pairs import Pair
    from domain.offers import JobOffer
    from domain.waves import Call

#: Where an offer still stands or was refused, its provider is not asked again.
_ANSWERED: Final = frozenset({OfferState.OFFERED, OfferState.REJECTED})


class Dispatch:
    """Callout's own part in the day."""

    def __init__(self, memory: Memory, house: HouseRules, new_id: Callable[[], UUID]) -> None:
        """It looks things up in `memory`, and keeps them there."""
        self._memory = memory
        self._house = house
        self._new_id = new_id
        #: Of each offer, what there is in it for its provider to like.
        self.appeals: dict[UUID, int] = {}

    def advance(self, booking_id: UUID, *, at: datetime) -> Booking:
        """Do what is due for a booking: expire offers, open the next wave, or end the search."""
        booking, rules = self._memory.bookings[booking_id], self._house.waves
        known = self._memory.offers_of(booking_id)
        tidied = waves.tidy(booking, known, at=at, rules=rules)
        if tidied is not None:
            self._memory.keep(tidied)
            booking, known = tidied.booking, self._memory.offers_of(booking_id)
        while (call := waves.due(booking, known, at=at, rules=rules)) is not None:
            booking = self._open(booking, call, known, at=at)
        waiting = waves.wait(booking, known, at=at)
        waiting = waves.begin_auto(waiting, at=at, rules=rules)
        self._memory.keep(Outcome(booking=waiting))
        return waiting

    def give(self, *, at: datetime) -> list[Booking]:
        """Give all that is due for it to somebody, as db/auto_assign.py does; what it looked at."""
        everything = self._memory.bookings.values()
        due = [one for one in everything if is_due(one, at=at) and may_be_given(one, at=at)]
        reach = self._house.waves.auto_miles
        works = [work_of(booking, reach_miles=reach) for booking in due]
        waiting = [
            Waiting(work=work, candidates=tuple(self._memory.promising(work, at=at)))
            for work in works
        ]
        plan = batch.plan(waiting, at=at, solver=least_cost)
        out_of = {one.work.booking_id: len(one.candidates) for one in waiting}
        for pair in plan.assigned:
            self._give(pair, out_of[pair.booking_id], at=at)
        for left in plan.unassigned:
            booking = self._memory.bookings[left.booking_id]
            self._memory.keep(waves.auto_failed(booking, at=at, rules=self._house.waves))
        return [self._memory.bookings[booking.id] for booking in due]

    def accept(self, offer: JobOffer, *, at: datetime) -> None:
        """Let an offer's provider have its booking. Raises OfferGone, also where other work has
        taken their time."""
        booking = self._memory.bookings[offer.booking_id]
        known, by = self._memory.offers_of(booking.id), offer.provider_id
        outcome = offers.accept(booking, known, offer_id=offer.id, by=by, at=at)
        if outcome.booking == booking:
            return  # said again, of what they have
        work = work_of(booking)
        who = self._memory.lives[by].candidate(work, at=at)
        if obstacles(who.availability, who.taken, work.block, rules=booking.rules, at=at):
            raise OfferGone(Gone.UNAVAILABLE)
        given = Assignment(work=work, candidate=who, at=at, wave=offer.wave, score=offer.score)
        self._memory.keep(outcome)
        self._memory.assign(outcome.booking, given)

    def reject(self, offer: JobOffer, *, at: datetime) -> None:
        """Let an offer's provider say no. Raises OfferGone."""
        booking = self._memory.bookings[offer.booking_id]
        known, by = self._memory.offers_of(booking.id), offer.provider_id
        outcome = offers.reject(booking, known, offer_id=offer.id, by=by, reason="", at=at)
        self._memory.keep(outcome)

    def _give(self, pair: Pair, eligible: int, *, at: datetime) -> None:
        booking, work = self._memory.bookings[pair.booking_id], pair.work
        who = self._memory.lives[pair.provider_id].candidate(work, at=at)
        (chosen,) = matching.rank(work, [who], at=at, policy=self._house.policy)
        outcome = auto_assign.give(
            booking,
            self._memory.offers_of(booking.id),
            chosen,
            eligible=eligible,
            at=at,
            new_id=self._new_id,
        )
        score = chosen.score.total
        given = Assignment(work=work, candidate=who, at=at, wave=Wave.AUTO, score=score)
        self._memory.keep(outcome)
        self._memory.assign(outcome.booking, given)

    def _open(
        self, booking: Booking, call: Call, known: Sequence[JobOffer], *, at: datetime
    ) -> Booking:
        work = work_of(booking, reach_miles=call.reach_miles)
        fit = self._able(work, call, at=at)
        ranked = matching.rank(work, fit, at=at, policy=self._house.policy)
        chosen = ranked[: call.size]
        outcome = waves.open_wave(
            booking,
            call,
            chosen,
            known=known,
            eligible=len(ranked),
            at=at,
            new_id=self._new_id,
            rules=self._house.waves,
        )
        if fit:
            self._memory.within_reach.add(booking.id)
        for offer, one in zip(outcome.made, chosen, strict=True):
            self.appeals[offer.id] = appeal(one.score)
        self._memory.keep(outcome)
        self._note_shadow(work, call, fit, chosen, at=at)
        return outcome.booking

    def _able(self, work: Work, call: Call, *, at: datetime) -> list[Candidate]:
        """Those whom no hard rule keeps from the work."""
        if call.only is not None:
            asked = [self._memory.lives[call.only].candidate(work, at=at)]
        else:
            known = self._memory.offers_of(work.booking_id)
            answered = {one.provider_id for one in known if one.state in _ANSWERED}
            promising = self._memory.promising(work, at=at)
            asked = [one for one in promising if one.provider_id not in answered]
        return [one for one in asked if matching.is_eligible(work, one, at=at)]

    def _note_shadow(
        self,
        work: Work,
        call: Call,
        fit: Sequence[Candidate],
        chosen: Sequence[Ranked],
        *,
        at: datetime,
    ) -> None:
        """Note whom the shadow policy would have asked. Nothing acts on it."""
        shadow = self._house.shadow
        if shadow is None or not fit:
            return
        others = matching.rank(work, fit, at=at, policy=shadow)[: call.size]
        number = len(self._memory.choices) + 1
        self._memory.choices.append(
            ShadowChoice(
                id=UUID(int=number),
                booking_id=work.booking_id,
                round=call.round,
                wave=call.wave,
                at=at,
                policy=shadow.name,
                live_policy=self._house.policy.name,
                chosen=tuple(one.candidate.provider_id for one in others),
                scores=tuple(one.score.total for one in others),
                live_chosen=tuple(one.candidate.provider_id for one in chosen),
                candidates=len(fit),
            )
        )
