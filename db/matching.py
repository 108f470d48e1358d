"""How is a booking brought to providers? One step at a time, whenever its time has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db import bookings, candidates, clock, offers, providers, shadow_choices
from db.ids import new_id
from domain import matching as rules
from domain import waves
from domain.house import DEFAULT, HouseRules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.matching import Candidate, Ranked, Work
    from domain.offers import JobOffer
    from domain.waves import Call

#: So many are looked at for each who is asked, and so many at least.
_EACH: Final = 3
_FEW: Final = 9
#: Whoever wants to know about everybody gets the choice of a broadcast.
_MANY: Final = 50


async def advance(
    tx: AsyncConnection, booking_id: UUID, *, house: HouseRules = DEFAULT
) -> datetime | None:
    """Do what is due for a booking: expire offers, open the next wave, or end the search.

    Whoever calls it, and however often: what is not due is left alone. Returns when to look again,
    or None when there is nothing more to do. Raises NotFound.
    """
    booking = await bookings.lock(tx, booking_id)
    known: list[JobOffer] = []
    if booking.round:
        # Before their offers: a provider who clocks out or wins other work holds their own row
        # while waiting for the offers, and may be among those whom the next wave must hold still.
        await providers.lock(tx, await offers.holders(tx, booking_id), share=True)
        known = await offers.lock_of(tx, booking_id)
    at = await clock.now_planned_once(tx)
    tidied = waves.tidy(booking, known, at=at, rules=house.waves)
    if tidied is not None:
        await offers.keep(tx, booking, tidied, at=at)
        booking = tidied.booking
        settled = {offer.id: offer for offer in tidied.offers}
        known = [settled.get(offer.id, offer) for offer in known]
    stored, booking = booking, waves.make_room(booking, known, at=at, rules=house.waves)
    # A wave that made offers is not followed by another at once.
    while (call := waves.due(booking, known, at=at, rules=house.waves)) is not None:
        stored = booking = await _open(tx, booking, call, known, at=at, house=house)
    waiting = waves.wait(booking, known, at=at)
    waiting = waves.begin_auto(waiting, at=at, rules=house.waves)
    await bookings.save(tx, stored, waiting, at=at)
    return waiting.match_due_at


async def able(
    connection: AsyncConnection,
    work: Work,
    *,
    at: datetime,
    house: HouseRules,
    size: int = _MANY,
) -> list[Candidate]:
    """Those without an offer of the work whom no hard rule keeps from it, out of the most
    promising: enough of them to choose `size` from."""
    # They come in the order of the policy's points, or nearly: to choose a few, few are enough. A
    # record can turn the order round, and is not in it.
    few = candidates.LIMIT if house.scores_records else max(_FEW, _EACH * size)
    limit, skip = min(few, candidates.LIMIT), 0
    fit: list[Candidate] = []
    while True:
        found = await candidates.eligible(
            connection,
            work,
            at=at,
            policy=house.policy,
            record=house.scores_records,
            limit=limit,
            skip=skip,
        )
        fit += (one for one in found if rules.is_eligible(work, one, at=at))
        # Where too few of so many can do it, the next may: nobody is kept from work by a crowd.
        if len(fit) >= size or len(found) < limit:
            return fit
        skip, limit = skip + limit, candidates.LIMIT


async def _open(
    tx: AsyncConnection,
    booking: Booking,
    call: Call,
    known: Sequence[JobOffer],
    *,
    at: datetime,
    house: HouseRules,
) -> Booking:
    work = candidates.work_of(booking, reach_miles=call.reach_miles)
    fit = await _able(tx, work, call, at=at, house=house)
    left = waves.just_left(booking, known, at=at, rules=house.waves)
    fit = [one for one in fit if one.provider_id not in left]
    ranked = rules.rank(work, fit, at=at, policy=house.policy)
    best = [one.candidate.provider_id for one in ranked[: call.size]]
    chosen = await _held_still(tx, work, best, at=at, house=house)
    outcome = waves.open_wave(
        booking,
        call,
        chosen,
        known=known,
        eligible=len(ranked),
        at=at,
        new_id=new_id,
        rules=house.waves,
    )
    await offers.keep(tx, booking, outcome, at=at)
    # A place for which nobody was found is no round: it is looked for again, under its number.
    if house.shadow is not None and outcome.booking.round == call.round:
        others = rules.rank(work, fit, at=at, policy=house.shadow)[: call.size]
        seen = shadow_choices.Seen(live=chosen, shadow=others, eligible=len(ranked))
        await shadow_choices.add(tx, booking, call, seen, at=at, house=house)
    return outcome.booking


async def _able(
    tx: AsyncConnection, work: Work, call: Call, *, at: datetime, house: HouseRules
) -> list[Candidate]:
    """Those whom no hard rule keeps from the work, out of the most promising."""
    if call.only is None:
        return await able(tx, work, at=at, house=house, size=call.size)
    record = house.scores_records
    found = await candidates.of_providers(tx, work, [call.only], at=at, record=record)
    return [one for one in found if rules.is_eligible(work, one, at=at)]


async def _held_still(
    tx: AsyncConnection, work: Work, best: list[UUID], *, at: datetime, house: HouseRules
) -> list[Ranked]:
    """The chosen, looked at again under their locks: between reading and offering a provider may
    clock out or take other work, and nobody is offered what they can no longer do."""
    if not best:
        return []
    await providers.lock(tx, best, share=True)
    found = await candidates.of_providers(tx, work, best, at=at, record=house.scores_records)
    still = (one for one in found if rules.is_eligible(work, one, at=at))
    return rules.rank(work, still, at=at, policy=house.policy)
