"""How is a booking brought to providers? One step at a time, whenever its time has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import bookings, candidates, clock, events, offers, providers
from db.ids import new_id
from domain import matching as rules
from domain import waves

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.matching import Ranked, Work
    from domain.waves import Call


async def advance(tx: AsyncConnection, booking_id: UUID) -> datetime | None:
    """Do what is due for a booking: expire offers, open the next wave, or give it up.

    Whoever calls it, and however often: what is not due is left alone. Returns when to look again,
    or None when there is nothing more to do. Raises NotFound.
    """
    booking = await bookings.lock(tx, booking_id)
    # Before their offers: a provider who clocks out or wins other work holds their own row while
    # waiting for the offers, and may be among those whom the next wave must hold still.
    await providers.lock(tx, await offers.holders(tx, booking_id), share=True)
    known = await offers.lock_of(tx, booking_id)
    at = await clock.now(tx)
    tidied = waves.tidy(booking, known, at=at)
    if tidied is not None:
        await offers.keep(tx, booking, tidied, at=at)
        booking = tidied.booking
    # What is known stays true: who lapsed was not open before, and a wave that made offers is not
    # followed by another at once.
    while (call := waves.due(booking, known, at=at)) is not None:
        booking = await _open(tx, booking, call, at=at)
    return booking.match_due_at


async def _open(tx: AsyncConnection, booking: Booking, call: Call, *, at: datetime) -> Booking:
    work = candidates.work_of(booking, reach_miles=call.reach_miles)
    asked = None if call.only is None else [call.only]
    eligible = await _ranked(tx, work, at=at, only=asked)
    best = [one.candidate.provider_id for one in eligible[: call.size]]
    # Between reading and offering a provider may clock out or take other work. Hold the chosen
    # still and look at them again, so that nobody is offered what they can no longer do.
    await providers.lock(tx, best, share=True)
    chosen = await _ranked(tx, work, at=at, only=best)
    outcome = waves.open_wave(booking, call, chosen, eligible=len(eligible), at=at, new_id=new_id)
    await bookings.save(tx, booking, outcome.booking, at=at)
    await offers.add(tx, outcome.offers)
    await events.append(tx, outcome.events)
    return outcome.booking


async def _ranked(
    tx: AsyncConnection, work: Work, *, at: datetime, only: list[UUID] | None = None
) -> list[Ranked]:
    if only is None:
        found = await candidates.eligible(tx, work, at=at)
    else:
        found = await candidates.of_providers(tx, work, only, at=at)
    return rules.rank(work, (one for one in found if not rules.broken(work, one, at=at)), at=at)
