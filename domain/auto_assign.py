"""How is a booking that nobody has taken given to somebody, and what is told of a run that does it?

Whom it is given to, domain.matching.batch decides. Whoever is given it stands as if they had
accepted an offer of it, so that their feed tells them, and everything that follows is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Final

from domain.booking_steps import Act, step
from domain.bookings import happened
from domain.events import EventType
from domain.matching.batch import Gain, Why
from domain.offers import JobOffer, OfferState, Outcome, Wave, about, rescind, settled
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.matching import Ranked
    from domain.matching.batch import Plan, Unassigned
    from domain.people import Viewer

#: So many bookings can be named at a time, and so many are looked at in one run.
MOST_NAMED: Final = 50
MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """A booking and whom it was given to, or would be."""

    booking: Booking
    provider_id: UUID
    #: Why this provider, in words.
    reasons: tuple[str, ...]
    distance_miles: float | None
    #: What it costs, in miles.
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRun:
    """What a run did, in numbers, beside what taking one booking after the other would have done.

    The costs are in miles, as domain.matching.pairs.CostRules reckons them.
    """

    id: UUID
    at: datetime
    #: None when the clock asked for it.
    asked_by: UUID | None
    waiting: int
    assigned: int
    cost: float
    greedy_assigned: int
    greedy_cost: float

    @property
    def gain(self) -> Gain:
        """By how much it was better than one after the other."""
        return Gain(
            bookings=self.assigned - self.greedy_assigned, miles=self.greedy_cost - self.cost
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run did, or would do, booking by booking and in numbers."""

    run: AutoRun
    assigned: tuple[Assigned, ...]
    unassigned: tuple[Unassigned, ...]

    @property
    def calls_for_another(self) -> bool:
        """Was there as much as one run looks at, and did it get anywhere?

        What others are at work on stays due: a run over nothing else would find the same again.
        """
        stuck = all(one.why is Why.CHANGED for one in self.unassigned)
        return self.run.waiting >= MOST_AT_ONCE and (bool(self.assigned) or not stuck)


def report(
    plan: Plan,
    assigned: Sequence[Assigned],
    unassigned: Sequence[Unassigned],
    *,
    waiting: int,
    run_id: UUID,
    by: Viewer | None,
    at: datetime,
) -> Report:
    """What a run did of what was planned for so many waiting bookings."""
    return Report(
        run=AutoRun(
            id=run_id,
            at=at,
            asked_by=by.user_id if by else None,
            waiting=waiting,
            assigned=len(assigned),
            cost=fsum(one.cost for one in assigned),
            greedy_assigned=plan.greedy_assigned,
            greedy_cost=plan.greedy_cost,
        ),
        assigned=tuple(assigned),
        unassigned=tuple(unassigned),
    )


def check_named(booking_ids: Sequence[UUID]) -> None:
    """May so many bookings be named? Raises InvalidInput."""
    if len(booking_ids) > MOST_NAMED:
        message = f"Name at most {MOST_NAMED} bookings at a time."
        raise InvalidInput(FieldError(path=("bookingIds",), message=message))


def may_be_given(booking: Booking, *, at: datetime) -> bool:
    """Does the booking wait for somebody, and has its window not begun?"""
    return booking.is_open_to_offers and at < booking.starts_at


def is_due(booking: Booking, *, at: datetime) -> bool:
    """Has the time come to give the booking to somebody?"""
    return booking.auto_due_at is not None and booking.auto_due_at <= at


def give(
    booking: Booking,
    offers: Sequence[JobOffer],
    chosen: Ranked,
    *,
    eligible: int,
    at: datetime,
    new_id: Callable[[], UUID],
) -> Outcome:
    """Give the booking to the chosen provider; all other offers of it are withdrawn.

    An open offer that they hold is taken for them. Who holds none is made one that is accepted,
    with the score and the reasons of every offer and out of how many `eligible` ones they were
    chosen. Raises WrongStatus.
    """
    provider_id = chosen.candidate.provider_id
    held = next((o for o in offers if o.provider_id == provider_id and o.is_open(at)), None)
    taken = step(
        booking,
        Act.ASSIGN,
        provider_id=provider_id,
        assigned_at=at,
        match_due_at=None,
        auto_due_at=None,
        unfilled_at=None,
        round=booking.round if held else booking.round + 1,
    )
    won = (
        held.resolve(OfferState.ACCEPTED, at=at)
        if held
        else _offer(taken, chosen, eligible, at, new_id())
    )
    rivals = rescind((o for o in offers if o.id != won.id), at=at)
    return Outcome(
        booking=taken,
        offers=(won, *rivals) if held else rivals,
        made=() if held else (won,),
        events=(
            about(EventType.OFFER_ACCEPTED, won),
            happened(EventType.BOOKING_ASSIGNED, taken),
            *settled(rivals),
        ),
    )


def _offer(
    booking: Booking, chosen: Ranked, eligible: int, at: datetime, offer_id: UUID
) -> JobOffer:
    return JobOffer(
        id=offer_id,
        booking_id=booking.id,
        provider_id=chosen.candidate.provider_id,
        wave=Wave.AUTO,
        round=booking.round,
        state=OfferState.ACCEPTED,
        offered_at=at,
        expires_at=booking.starts_at,
        resolved_at=at,
        score=chosen.score.total,
        breakdown=tuple((str(part), points) for part, points in chosen.score.breakdown),
        reasons=chosen.score.reasons,
        policy=chosen.score.policy,
        candidates=eligible,
    )
