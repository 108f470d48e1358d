"""What is remembered in the course of a synthetic day: what db/ keeps in tables, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from db.candidate_facts import LATELY
from domain.matching import Candidate, HardRule, broken, distance_miles
from domain.offers import JobOffer, OfferState, rescind, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from callout.simulation.people import Person
    from domain.availability import Block
    from domain.bookings import Booking
    from domain.events import Event
    from domain.matching import Work
    from domain.matching.comparison import ShadowChoice
    from domain.offers import Outcome, Wave
    from domain.shifts import Shift

#: What counts as an answer: what nobody gave before it was withdrawn is nobody's fault.
_ANSWERS: Final = frozenset({OfferState.ACCEPTED, OfferState.REJECTED, OfferState.EXPIRED})
#: What nobody's day changes.
_LASTING: Final = frozenset(
    {
        HardRule.APPROVED,
        HardRule.PROFILE_80,
        HardRule.CERTIFICATION,
        HardRule.SERVICE,
        HardRule.SKILLS,
        HardRule.BRAND,
        HardRule.RADIUS,
        HardRule.HOURS,
        HardRule.TIME_OFF,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Somebody was given a booking, as the two were then."""

    work: Work
    candidate: Candidate
    at: datetime
    #: The wave whose offer they accepted, or AUTO where they were not asked.
    wave: Wave
    #: By the policy in force, when they were chosen.
    score: int

    @property
    def distance_miles(self) -> float | None:
        """How far the provider has to go."""
        return distance_miles(self.work, self.candidate)


class Life:
    """A provider in the course of the day."""

    def __init__(self, person: Person) -> None:
        """As they are at dawn."""
        self.person = person
        self.shift: Shift | None = None
        self.working_on: UUID | None = None
        self.taken: dict[UUID, Block] = {}
        self.jobs_done = 0
        self.idle_since = person.idle_since
        self.offered_at = [person.last_offered_at] if person.last_offered_at else []
        self.answered = person.offers_answered
        self.accepted = person.offers_accepted
        #: Their open offers, each with its booking.
        self.open: dict[UUID, UUID] = {}
        #: Who has said no to what.
        self.rejected: set[UUID] = set()

    def heard_at(self, at: datetime) -> datetime | None:
        """When their device was last heard from, if they are on shift."""
        if self.shift is None:
            return None
        since, until = self.person.unheard or (at, at)
        return since if since <= at < until else at

    def candidate(self, work: Work, *, at: datetime) -> Candidate:
        """They, as matching sees them."""
        person, booking_id = self.person, work.booking_id
        heard_at = self.heard_at(at)
        return Candidate(
            provider_id=person.id,
            approved=person.approved_at is not None,
            suspended=person.suspended,
            service_ids=person.service_ids,
            availability=person.availability,
            taken=tuple(block for uid, block in self.taken.items() if uid != booking_id),
            city=person.address.city,
            postal_code=person.address.postal_code,
            country=person.address.country,
            point=person.address.point,
            radius_miles=person.radius_miles,
            on_shift=heard_at is not None,
            heartbeat_at=heard_at,
            rejected=booking_id in self.rejected,
            skills=person.skills,
            brands=person.brands,
            certifications=person.certifications,
            certified=bool(person.certifications),
            keywords=person.keywords,
            years_experience=person.years_experience,
            rating=person.rating,
            completed_jobs=person.completed_jobs + self.jobs_done,
            profile_percent=person.profile_percent,
            last_offered_at=self.offered_at[-1] if self.offered_at else None,
            idle_since=self.idle_since,
            offers_answered=self.answered,
            offers_accepted=self.accepted,
            offered_lately=sum(then > at - LATELY for then in self.offered_at),
        )


class Memory:
    """Everything that has happened so far."""

    def __init__(self, people: Iterable[Person], heard: Callable[[Event], None]) -> None:
        """Nothing yet. `heard` is told of each event, as the relay tells of it."""
        self.lives = {person.id: Life(person) for person in people}
        self.bookings: dict[UUID, Booking] = {}
        self.offers: dict[UUID, dict[UUID, JobOffer]] = {}
        self.assignments: dict[UUID, Assignment] = {}
        self.choices: list[ShadowChoice] = []
        #: The bookings that somebody could have done when they were looked at.
        self.within_reach: set[UUID] = set()
        #: Who could ever do which booking: most could not, and are not looked at again.
        self._promising: dict[UUID, list[Life]] = {}
        self._heard = heard

    def offers_of(self, booking_id: UUID) -> list[JobOffer]:
        """Every offer of a booking, in the order in which they were made."""
        return list(self.offers.get(booking_id, {}).values())

    def promising(self, work: Work, *, at: datetime) -> list[Candidate]:
        """Those whom no rule that stays as it is keeps from this work: whom db/ finds by index."""
        if work.booking_id not in self._promising:
            anywhere = replace(work, reach_miles=None)
            self._promising[work.booking_id] = [
                life for life in self.lives.values() if _may_ever(anywhere, life, at)
            ]
        return [life.candidate(work, at=at) for life in self._promising[work.booking_id]]

    def keep(self, outcome: Outcome) -> None:
        """Save what a decision changed, and tell of it."""
        self.bookings[outcome.booking.id] = outcome.booking
        self.offers.setdefault(outcome.booking.id, {})
        for offer in outcome.made:
            life = self.lives[offer.provider_id]
            life.offered_at.append(offer.offered_at)
            life.open[offer.id] = offer.booking_id
        for offer in (*outcome.made, *outcome.offers):
            self._note(offer)
        for event in outcome.events:
            self._heard(event)

    def assign(self, booking: Booking, given: Assignment) -> None:
        """Take a provider's time for a booking; offers that this leaves no time for are withdrawn,
        as db/offers.py does."""
        self.assignments[booking.id] = given
        life = self.lives[given.candidate.provider_id]
        life.taken[booking.id] = booking.block
        self.withdraw(life, lambda other: other.block.is_too_near(booking.block), at=given.at)

    def complete(self, booking: Booking, *, at: datetime) -> None:
        """Give a provider's time back; the work still counts as a job of the day."""
        if booking.provider_id is None:
            return
        life = self.lives[booking.provider_id]
        life.taken[booking.id] = replace(life.taken[booking.id], done=True)
        life.working_on = None
        life.jobs_done += 1
        life.idle_since = at

    def withdraw(self, life: Life, which: Callable[[Booking], bool], *, at: datetime) -> None:
        """Withdraw the open offers that a provider has of certain bookings."""
        theirs = [
            self.offers[booking_id][offer_id]
            for offer_id, booking_id in life.open.items()
            if which(self.bookings[booking_id])
        ]
        withdrawn = rescind(theirs, at=at)
        for offer in withdrawn:
            self._note(offer)
        for event in settled(withdrawn):
            self._heard(event)

    def _note(self, offer: JobOffer) -> None:
        self.offers[offer.booking_id][offer.id] = offer
        if offer.state is OfferState.OFFERED:
            return  # new, or its provider was reminded of it
        life = self.lives[offer.provider_id]
        del life.open[offer.id]
        life.answered += offer.state in _ANSWERS
        life.accepted += offer.state is OfferState.ACCEPTED
        if offer.state is OfferState.REJECTED:
            life.rejected.add(offer.booking_id)


def _may_ever(work: Work, life: Life, at: datetime) -> bool:
    if work.service_id not in life.person.service_ids:
        return False  # asked first: it settles most of them
    against = broken(work, life.candidate(work, at=at), at=at)
    return not any(one.rule in _LASTING for one in against)
