"""When is a booking offered to whom next, and when is it given up?

One decision, taken under the booking's lock whenever its time has come: expire what has lapsed and,
when the present wave is over, call the next one. Running it early, late or twice does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.bookings import Booking, happened
from domain.events import EventType
from domain.matching import POLICY
from domain.offers import JobOffer, Outcome, Wave, about, lapse, rescind, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.matching import Ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveRules:
    """Every number of the waves (rules.md, Offers)."""

    preferred_lasts: timedelta = timedelta(seconds=120)
    targeted_size: int = 3
    targeted_lasts: timedelta = timedelta(seconds=300)
    broadcast_size: int = 50
    broadcast_lasts: timedelta = timedelta(hours=2)
    #: How far a broadcast reaches, step by step, in miles.
    broadcast_reach: tuple[float, ...] = (10, 15, 25)
    broadcast_again: timedelta = timedelta(minutes=4)
    give_up: timedelta = timedelta(hours=72)


DEFAULT: Final = WaveRules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A wave that is due: how many providers to offer to, how far away, and until when."""

    wave: Wave
    round: int
    size: int
    reach_miles: float | None
    expires_at: datetime
    #: The one provider whom a preferred wave asks.
    only: UUID | None = None


def tidy(
    booking: Booking, offers: Sequence[JobOffer], *, at: datetime, rules: WaveRules = DEFAULT
) -> Outcome | None:
    """Expire the offers whose time has passed, or give the booking up when its own has.

    None when there is nothing to do. `at` is the database's clock.
    """
    if not booking.is_open_to_offers or booking.unfilled_at:
        return None
    if at >= _gives_up_at(booking, rules):
        withdrawn = rescind(offers, at=at)
        left = replace(booking, unfilled_at=at, match_due_at=None, version=booking.version + 1)
        unfilled = happened(EventType.BOOKING_UNFILLED, left)
        return Outcome(booking=left, offers=withdrawn, events=(unfilled, *settled(withdrawn)))
    lapsed = lapse(offers, at=at)
    if not lapsed:
        return None
    return Outcome(booking=booking, offers=lapsed, events=settled(lapsed))


def due(
    booking: Booking, offers: Sequence[JobOffer], *, at: datetime, rules: WaveRules = DEFAULT
) -> Call | None:
    """The wave to open now, if one is due. Call it with offers that `tidy` has been over."""
    if not booking.is_open_to_offers or booking.match_due_at is None or at < booking.match_due_at:
        return None
    number = booking.round + 1
    waiting = any(offer.is_open(at) for offer in offers)
    if booking.wave is None and booking.preferred_provider_id is not None:
        return Call(
            wave=Wave.PREFERRED,
            round=number,
            size=1,
            reach_miles=None,
            expires_at=min(at + rules.preferred_lasts, booking.starts_at),
            only=booking.preferred_provider_id,
        )
    if booking.wave is not Wave.BROADCAST and waiting:
        return None
    if booking.wave in _BEFORE_TARGETED:
        return Call(
            wave=Wave.TARGETED,
            round=number,
            size=rules.targeted_size,
            reach_miles=None,
            expires_at=min(at + rules.targeted_lasts, booking.starts_at),
        )
    return Call(
        wave=Wave.BROADCAST,
        round=number,
        size=rules.broadcast_size,
        reach_miles=_reach(booking, rules),
        expires_at=min(at + rules.broadcast_lasts, booking.starts_at),
    )


_BEFORE_TARGETED: Final = frozenset({None, Wave.PREFERRED})


def _reach(booking: Booking, rules: WaveRules) -> float:
    """How far the next broadcast goes: further with each one of this search."""
    earlier = 1 if booking.preferred_provider_id is None else 2
    broadcasts = booking.round - booking.rounds_before - earlier
    return rules.broadcast_reach[min(broadcasts, len(rules.broadcast_reach) - 1)]


def open_wave(
    booking: Booking,
    call: Call,
    chosen: Sequence[Ranked],
    *,
    eligible: int,
    at: datetime,
    new_id: Callable[[], UUID],
    rules: WaveRules = DEFAULT,
) -> Outcome:
    """Offer the booking to the `chosen`, and say when to look again.

    `eligible` is out of how many they were chosen. A preferred or targeted wave without anyone to
    ask is over at once. When the preferred provider has let it pass, the customer is told.
    """
    offers = tuple(
        JobOffer(
            id=new_id(),
            booking_id=booking.id,
            provider_id=one.candidate.provider_id,
            wave=call.wave,
            round=call.round,
            offered_at=at,
            expires_at=call.expires_at,
            score=one.score.total,
            breakdown=tuple((str(part), points) for part, points in one.score.breakdown),
            reasons=one.score.reasons,
            policy=POLICY,
            candidates=eligible,
        )
        for one in chosen
    )
    if call.wave is Wave.BROADCAST:
        again = min(at + rules.broadcast_again, call.expires_at)
    else:
        again = call.expires_at if offers else at
    after = replace(booking, wave=call.wave, round=call.round, match_due_at=again)
    told = [about(EventType.OFFER_OFFERED, offer) for offer in offers]
    if booking.wave is Wave.PREFERRED:
        told.insert(0, happened(EventType.BOOKING_PREFERRED_LAPSED, after))
    return Outcome(booking=after, offers=offers, events=tuple(told))


def _gives_up_at(booking: Booking, rules: WaveRules) -> datetime:
    return min(booking.starts_at, (booking.match_since or booking.requested_at) + rules.give_up)
