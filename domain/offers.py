"""Who was offered a booking, and who gets it?

Exactly one provider wins, whatever the concurrency: the caller holds the booking's lock and has
read the database's clock after getting it, and decides here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.booking_steps import Act, step
from domain.bookings import Booking, happened
from domain.events import Event, EventType
from domain.refusals import NotFound, Refusal, check_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.people import Viewer


class OfferState(StrEnum):
    """Where an offer stands."""

    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    RESCINDED = "RESCINDED"


class Wave(StrEnum):
    """One round of offers."""

    PREFERRED = "PREFERRED"
    TARGETED = "TARGETED"
    BROADCAST = "BROADCAST"
    AUTO = "AUTO"


class Gone(StrEnum):
    """Why an offer can no longer be taken."""

    TAKEN = "TAKEN"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    RESCINDED = "RESCINDED"
    BOOKING_CLOSED = "BOOKING_CLOSED"
    UNAVAILABLE = "UNAVAILABLE"


#: Every legal step. What was accepted is withdrawn only when its provider loses the booking again.
STEPS: Final[dict[OfferState, frozenset[OfferState]]] = {
    OfferState.OFFERED: frozenset(
        {OfferState.ACCEPTED, OfferState.REJECTED, OfferState.EXPIRED, OfferState.RESCINDED}
    ),
    OfferState.ACCEPTED: frozenset({OfferState.RESCINDED}),
    OfferState.REJECTED: frozenset(),
    OfferState.EXPIRED: frozenset(),
    OfferState.RESCINDED: frozenset(),
}

_WORDS: Final = {
    Gone.TAKEN: "Another provider has taken this booking.",
    Gone.EXPIRED: "This offer has expired.",
    Gone.REJECTED: "You have rejected this offer.",
    Gone.RESCINDED: "This offer has been withdrawn.",
    Gone.BOOKING_CLOSED: "This booking is no longer open.",
    Gone.UNAVAILABLE: "By your own profile, hours, time off or daily cap you cannot take this.",
}


class OfferGone(Refusal):
    """The offer can no longer be taken, and why."""

    def __init__(self, why: Gone) -> None:
        super().__init__(_WORDS[why])
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOffer:
    """One booking put to one provider."""

    id: UUID
    booking_id: UUID
    provider_id: UUID
    wave: Wave
    round: int
    state: OfferState = OfferState.OFFERED
    offered_at: datetime
    expires_at: datetime
    resolved_at: datetime | None = None
    reject_reason: str | None = None
    #: How often it was put to its provider again, and when last.
    reminders: int = 0
    reminded_at: datetime | None = None
    score: int
    breakdown: tuple[tuple[str, int], ...] = ()
    reasons: tuple[str, ...] = ()
    policy: str
    candidates: int

    def is_open(self, at: datetime) -> bool:
        """Can it still be accepted or rejected?"""
        return self.state is OfferState.OFFERED and at < self.expires_at

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Was it put to the viewer, or is the viewer staff?"""
        return viewer.is_staff or viewer.user_id == self.provider_id

    def has_lapsed(self, at: datetime) -> bool:
        """Has its time passed without anyone having said so yet?"""
        return self.state is OfferState.OFFERED and at >= self.expires_at

    def resolve(self, state: OfferState, *, at: datetime, reason: str | None = None) -> JobOffer:
        """This offer in its final state. Raises ValueError for a step that is not in the table."""
        if state not in STEPS[self.state]:
            raise ValueError(f"An offer cannot go from {self.state} to {state}.")
        return replace(self, state=state, resolved_at=at, reject_reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a decision about a booking's offers changes: write all of it, or nothing."""

    booking: Booking
    #: Offers that were there before and stand differently now, and those that are new.
    offers: tuple[JobOffer, ...] = ()
    made: tuple[JobOffer, ...] = ()
    events: tuple[Event, ...] = ()


def accept(
    booking: Booking, offers: Sequence[JobOffer], *, offer_id: UUID, by: UUID, at: datetime
) -> Outcome:
    """Give the booking to the provider `by`, who accepts; its rivals' offers are rescinded.

    `at` is the database's clock, read after the booking's lock was got: an offer that expired while
    waiting for the lock is refused. Accepting again what one has won changes nothing and succeeds.
    Raises NotFound, or OfferGone with why.
    """
    offer = _own(offers, offer_id, by)
    if offer.state is OfferState.ACCEPTED and booking.provider_id == by:
        return Outcome(booking=booking)
    if not booking.is_open_to_offers or not offer.is_open(at):
        raise OfferGone(_why_gone(booking, offer, at))
    facts = {"provider_id": by, "assigned_at": at, "match_due_at": None, "unfilled_at": None}
    taken = step(booking, Act.ASSIGN, **facts)
    won = offer.resolve(OfferState.ACCEPTED, at=at)
    rivals = rescind((o for o in offers if o.id != offer.id), at=at)
    return Outcome(
        booking=taken,
        offers=(won, *rivals),
        events=(
            about(EventType.OFFER_ACCEPTED, won),
            happened(EventType.BOOKING_ASSIGNED, taken),
            *settled(rivals),
        ),
    )


def reject(
    booking: Booking,
    offers: Sequence[JobOffer],
    *,
    offer_id: UUID,
    by: UUID,
    reason: str,
    at: datetime,
) -> Outcome:
    """Say no for good: this provider is not offered this booking again.

    The next best takes a place of the targeted wave at once; when nobody else is still thinking
    about it, the next wave does. Rejecting again changes nothing and succeeds. Raises NotFound, or
    OfferGone with why.
    """
    offer = _own(offers, offer_id, by)
    if offer.state is OfferState.REJECTED:
        return Outcome(booking=booking)
    if not booking.is_open_to_offers or not offer.is_open(at):
        raise OfferGone(_why_gone(booking, offer, at))
    check_sizes(reason=(reason, 0, 500))
    rejected = offer.resolve(OfferState.REJECTED, at=at, reason=reason)
    waiting = any(o.is_open(at) for o in offers if o.id != offer.id)
    moves_on = booking.wave is Wave.TARGETED or not waiting
    after = replace(booking, match_due_at=at) if moves_on else booking
    return Outcome(
        booking=after, offers=(rejected,), events=(about(EventType.OFFER_REJECTED, rejected),)
    )


def lapse(offers: Iterable[JobOffer], *, at: datetime) -> tuple[JobOffer, ...]:
    """The offers whose time has passed, expired."""
    return tuple(o.resolve(OfferState.EXPIRED, at=at) for o in offers if o.has_lapsed(at))


def rescind(offers: Iterable[JobOffer], *, at: datetime) -> tuple[JobOffer, ...]:
    """The offers that are not resolved yet, withdrawn (or expired, if their time had passed)."""
    unresolved = [o for o in offers if o.state is OfferState.OFFERED]
    return tuple(
        o.resolve(OfferState.EXPIRED if o.has_lapsed(at) else OfferState.RESCINDED, at=at)
        for o in unresolved
    )


def take_back(offers: Iterable[JobOffer], *, at: datetime) -> tuple[JobOffer, ...]:
    """The accepted offer, withdrawn: whoever won it has the booking no longer, and another may win.

    A booking that was given away directly has none.
    """
    return tuple(
        o.resolve(OfferState.RESCINDED, at=at) for o in offers if o.state is OfferState.ACCEPTED
    )


def about(type_: EventType, offer: JobOffer) -> Event:
    """The event that says something about an offer."""
    return Event(
        type=type_,
        subject={
            "offer": offer.id,
            "booking": offer.booking_id,
            "provider": offer.provider_id,
        },
    )


def settled(offers: Iterable[JobOffer]) -> tuple[Event, ...]:
    """The events that tell of offers which have been expired or rescinded."""
    kinds = {
        OfferState.EXPIRED: EventType.OFFER_EXPIRED,
        OfferState.RESCINDED: EventType.OFFER_RESCINDED,
    }
    return tuple(about(kinds[offer.state], offer) for offer in offers)


def made_room(offers: Iterable[JobOffer]) -> tuple[Event, ...]:
    """The events that tell of offers which their own provider can take no more: as `settled` has
    them, and that somebody else may take their places."""
    offers = tuple(offers)
    freed = {o.booking_id: None for o in offers if o.state is OfferState.RESCINDED}
    return (
        *settled(offers),
        *(Event(type=EventType.SEARCH_PLACE_FREED, subject={"booking": uid}) for uid in freed),
    )


def _own(offers: Sequence[JobOffer], offer_id: UUID, by: UUID) -> JobOffer:
    for offer in offers:
        if offer.id == offer_id and offer.provider_id == by:
            return offer
    raise NotFound("JobOffer")


def _why_gone(booking: Booking, offer: JobOffer, at: datetime) -> Gone:
    if offer.state is OfferState.REJECTED:
        return Gone.REJECTED
    if booking.is_final:
        return Gone.BOOKING_CLOSED
    if booking.provider_id is not None:
        return Gone.TAKEN
    if offer.state is OfferState.EXPIRED or offer.has_lapsed(at):
        return Gone.EXPIRED
    return Gone.RESCINDED
