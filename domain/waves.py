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
from domain.offers import JobOffer, OfferState, Outcome, Wave, about, lapse, rescind, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
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
    #: Until others are asked, and those who have not answered are asked again.
    broadcast_again: timedelta = timedelta(minutes=4)
    #: Nobody has taken it for this long: it is given to somebody, if anybody can do it.
    auto_after: timedelta = timedelta(hours=2)
    auto_after_immediate: timedelta = timedelta(minutes=15)
    auto_every: timedelta = timedelta(minutes=1)
    auto_tries: int = 5
    #: Nobody is sent further than this without having been asked.
    auto_miles: float = 15
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
    """Expire the offers whose time has passed, or end the search when its own has.

    None when there is nothing to do. `at` is the database's clock.
    """
    if not booking.is_open_to_offers or booking.match_due_at is None:
        return None
    if at >= _gives_up_at(booking, rules):
        return _give_up(booking, offers, at)
    lapsed = lapse(offers, at=at)
    if not lapsed:
        return None
    return Outcome(booking=booking, offers=lapsed, events=settled(lapsed))


def _give_up(booking: Booking, offers: Sequence[JobOffer], at: datetime) -> Outcome:
    withdrawn = rescind(offers, at=at)
    left = replace(
        booking,
        unfilled_at=booking.unfilled_at or at,
        match_due_at=None,
        auto_due_at=None,
        version=booking.version + 1,
    )
    told = [happened(EventType.BOOKING_SEARCH_ENDED, left), *settled(withdrawn)]
    if booking.unfilled_at is None:
        told.insert(0, happened(EventType.BOOKING_UNFILLED, left))
    return Outcome(booking=left, offers=withdrawn, events=tuple(told))


def due(
    booking: Booking, offers: Sequence[JobOffer], *, at: datetime, rules: WaveRules = DEFAULT
) -> Call | None:
    """The wave to open now, if one is due. Call it with offers that `tidy` has been over."""
    if not booking.is_open_to_offers or booking.match_due_at is None or at < booking.match_due_at:
        return None
    number = booking.round + 1
    waiting = sum(offer.is_open(at) for offer in offers)
    if booking.wave is None and booking.preferred_provider_id is not None:
        return Call(
            wave=Wave.PREFERRED,
            round=number,
            size=1,
            reach_miles=None,
            expires_at=min(at + rules.preferred_lasts, booking.starts_at),
            only=booking.preferred_provider_id,
        )
    if booking.wave in _BEFORE_TARGETED and not waiting:
        return _targeted(booking, at, rules, size=rules.targeted_size)
    if booking.wave is Wave.TARGETED and waiting:
        free = rules.targeted_size - sum(_keeps_place(booking, one) for one in offers)
        return _targeted(booking, at, rules, size=free) if free > 0 else None
    if waiting and booking.wave not in _BROADCASTING:
        return None
    return Call(
        wave=Wave.BROADCAST,
        round=number,
        size=rules.broadcast_size,
        reach_miles=_reach(booking, rules),
        expires_at=min(at + rules.broadcast_lasts, booking.starts_at),
    )


_BEFORE_TARGETED: Final = frozenset({None, Wave.PREFERRED})
#: Broadcasts go on while the automatic assignment looks for somebody.
_BROADCASTING: Final = frozenset({Wave.BROADCAST, Wave.AUTO})


def _targeted(booking: Booking, at: datetime, rules: WaveRules, *, size: int) -> Call:
    return Call(
        wave=Wave.TARGETED,
        round=booking.round + 1,
        size=size,
        reach_miles=None,
        expires_at=min(at + rules.targeted_lasts, booking.starts_at),
    )


def _keeps_place(booking: Booking, offer: JobOffer) -> bool:
    """Is one of the targeted wave's places still this offer's? Who says no makes room at once."""
    this_search = offer.wave is Wave.TARGETED and offer.round > booking.rounds_before
    return this_search and offer.state in {OfferState.OFFERED, OfferState.EXPIRED}


def _reach(booking: Booking, rules: WaveRules) -> float:
    """How far the next broadcast goes: further with each one of this search."""
    step = min(booking.broadcasts, len(rules.broadcast_reach) - 1)
    return rules.broadcast_reach[step]


def make_room(
    booking: Booking, offers: Sequence[JobOffer], *, at: datetime, rules: WaveRules = DEFAULT
) -> Booking:
    """The booking, due at once where a place of its wave is free again: its provider has said no,
    went off shift or has other work; else unchanged."""
    if booking.match_due_at is None or booking.wave not in _WITH_PLACES:
        return booking
    mine = [offer for offer in offers if offer.round > booking.rounds_before]
    if not any(offer.state in _LEAVES_PLACE for offer in mine):
        return booking
    waiting = any(offer.is_open(at) for offer in mine)
    kept = sum(_keeps_place(booking, offer) for offer in mine)
    if waiting and (booking.wave is Wave.PREFERRED or kept >= rules.targeted_size):
        return booking
    return replace(booking, match_due_at=min(at, booking.match_due_at))


_WITH_PLACES: Final = frozenset({Wave.PREFERRED, Wave.TARGETED})
_LEAVES_PLACE: Final = frozenset({OfferState.REJECTED, OfferState.RESCINDED})


def just_left(
    booking: Booking, offers: Iterable[JobOffer], *, at: datetime, rules: WaveRules = DEFAULT
) -> frozenset[UUID]:
    """Whose offers of this search were withdrawn a moment ago: who goes off shift, or has taken
    other work, is not asked the same again at once."""
    return frozenset(
        offer.provider_id
        for offer in offers
        if offer.round > booking.rounds_before
        and offer.state is OfferState.RESCINDED
        and offer.resolved_at is not None
        and at - offer.resolved_at < rules.broadcast_again
    )


def wait(booking: Booking, offers: Sequence[JobOffer], *, at: datetime) -> Booking:
    """The booking, to be looked at again when the next open offer's time is over; unchanged where
    another moment is set already."""
    if booking.match_due_at is None or booking.match_due_at > at:
        return booking
    open_until = [offer.expires_at for offer in offers if offer.is_open(at)]
    return replace(booking, match_due_at=min(open_until)) if open_until else booking


def begin_auto(booking: Booking, *, at: datetime, rules: WaveRules = DEFAULT) -> Booking:
    """The booking, due to be given to somebody if nobody has taken it for long enough; until then,
    to be looked at by then.

    Answers that are awaited do not put it off: whoever says no in a targeted wave makes room for
    the next, who has five minutes of their own, and so on. Only a preferred provider has their head
    start to the end. Offers stay open and broadcasts go on meanwhile.
    """
    if not booking.is_open_to_offers or booking.match_due_at is None:
        return booking
    if booking.wave not in _ENDS_IN_AUTO:
        return booking
    if at < (auto_at := _auto_at(booking, rules)):
        return replace(booking, match_due_at=min(booking.match_due_at, auto_at))
    return replace(booking, wave=Wave.AUTO, auto_due_at=at)


_ENDS_IN_AUTO: Final = frozenset({Wave.TARGETED, Wave.BROADCAST})


def auto_failed(booking: Booking, *, at: datetime, rules: WaveRules = DEFAULT) -> Outcome:
    """Note that nobody could be given the booking: try again soon, or tell that it is unfilled."""
    tried = replace(booking, auto_tries=booking.auto_tries + 1, auto_due_at=at + rules.auto_every)
    if tried.auto_tries < rules.auto_tries:
        return Outcome(booking=tried)
    left = replace(tried, auto_due_at=None, unfilled_at=at, version=booking.version + 1)
    return Outcome(booking=left, events=(happened(EventType.BOOKING_UNFILLED, left),))


def reminded(
    offers: Sequence[JobOffer], *, at: datetime, rules: WaveRules = DEFAULT
) -> tuple[JobOffer, ...]:
    """The broadcast offers that nobody has answered for a while, put to their providers again."""
    silent = (
        offer
        for offer in offers
        if offer.wave is Wave.BROADCAST
        and offer.is_open(at)
        and at - (offer.reminded_at or offer.offered_at) >= rules.broadcast_again
    )
    return tuple(replace(o, reminders=o.reminders + 1, reminded_at=at) for o in silent)


def open_wave(
    booking: Booking,
    call: Call,
    chosen: Sequence[Ranked],
    *,
    known: Sequence[JobOffer] = (),
    eligible: int,
    at: datetime,
    new_id: Callable[[], UUID],
    rules: WaveRules = DEFAULT,
) -> Outcome:
    """Offer the booking to the `chosen`, and say when to look again.

    `known` are the offers made before, `eligible` is out of how many the chosen were chosen. A
    preferred or targeted wave without anyone to ask is over at once. When the preferred provider
    has let it pass, the customer is told; and who is silent in a broadcast is asked again.
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
            policy=one.score.policy,
            candidates=eligible,
        )
        for one in chosen
    )
    again: tuple[JobOffer, ...] = ()
    if call.wave is Wave.BROADCAST:
        again = reminded(known, at=at, rules=rules)
        after = _after_broadcast(booking, call, at, rules)
    else:
        open_until = [one.expires_at for one in (*known, *offers) if one.is_open(at)]
        look_at = min(open_until, default=at)
        # A place for which nobody is found is no round.
        number = call.round if offers or look_at == at else booking.round
        after = replace(booking, wave=call.wave, round=number, match_due_at=look_at)
    told = [
        *(about(EventType.OFFER_OFFERED, offer) for offer in offers),
        *(about(EventType.OFFER_REMINDED, offer) for offer in again),
    ]
    if booking.wave is Wave.PREFERRED:
        told.insert(0, happened(EventType.BOOKING_PREFERRED_LAPSED, after))
    return Outcome(booking=after, offers=again, made=offers, events=tuple(told))


def _after_broadcast(booking: Booking, call: Call, at: datetime, rules: WaveRules) -> Booking:
    return replace(
        booking,
        wave=Wave.AUTO if booking.wave is Wave.AUTO else Wave.BROADCAST,
        round=call.round,
        broadcasts=booking.broadcasts + 1,
        match_due_at=min(at + rules.broadcast_again, call.expires_at),
    )


def _auto_at(booking: Booking, rules: WaveRules) -> datetime:
    after = rules.auto_after_immediate if booking.is_immediate else rules.auto_after
    return _since(booking) + after


def _gives_up_at(booking: Booking, rules: WaveRules) -> datetime:
    return min(booking.starts_at, _since(booking) + rules.give_up)


def _since(booking: Booking) -> datetime:
    return booking.match_since or booking.requested_at
