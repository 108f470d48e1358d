"""How are many bookings given away in one transaction, each to somebody who was not asked?

Lock order: bookings by id; providers by id; offers by id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, Uuid, all_, any_, bindparam, case, literal_column, or_, select

from db import batch_candidates, bookings, candidates, clock, events, offers, providers
from db.ids import new_id
from db.tables import bookings as bookings_table
from db.tables import job_offers
from domain import auto_assign as rules
from domain import waves
from domain.auto_assign import Assigned, is_due, may_be_given
from domain.availability import MARGIN
from domain.booking_steps import Act
from domain.matching import rank
from domain.matching.pairs import Diary, priced
from domain.offers import OfferState, made_room, rescind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.availability import Block
    from domain.bookings import Booking
    from domain.house import HouseRules
    from domain.matching.pairs import Pair
    from domain.offers import JobOffer, Outcome
    from domain.people import Viewer

_B, _O = bookings_table.c, job_offers.c
_NOTHING: Final[dict[str, ColumnElement[Any]]] = {
    "breakdown": literal_column("'[]'::jsonb"),
    "reasons": literal_column("'{}'::text[]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A booking before it was given away, what became of it, and what is told of that."""

    before: Booking
    outcome: Outcome
    told: Assigned


async def give(
    tx: AsyncConnection,
    *,
    pairs: Sequence[Pair],
    out_of: Mapping[UUID, int],
    house: HouseRules,
    by: Viewer | None,
) -> list[Assigned]:
    """Give each booking to the provider it is paired with, as far as that can still be.

    `out_of` says among how many each was chosen, `by` who asked for it. Where that can no longer
    be, the try has failed. What somebody else is at work on is waited for where somebody asked,
    and left alone where the clock did.
    """
    held = await _lock(tx, [pair.booking_id for pair in pairs], skip=by is None)
    pairs = [pair for pair in pairs if pair.booking_id in held]
    people = sorted({pair.provider_id for pair in pairs})
    await providers.lock(tx, people)
    blocks = await _offered(tx, people, held) | {one.id: one.block for one in held.values()}
    open_ = await _lock_offers(tx, people, held, blocks)
    at = await clock.now(tx)
    given = await _decide(tx, pairs, held, open_, out_of, at=at, house=house)
    done = [one.outcome for one in given]
    crowded_out = rescind(_too_near(open_, done, blocks), at=at)
    changes = [(one.before, one.outcome.booking) for one in given]
    actor = by.user_id if by else None
    await bookings.save_searched(tx, changes, at=at, act=Act.ASSIGN, actor=actor)
    await offers.save(tx, [*(o for one in done for o in one.offers), *crowded_out])
    await offers.add(tx, [offer for one in done for offer in one.made])
    await events.append(tx, [event for one in done for event in one.events])
    await events.append(tx, made_room(crowded_out))
    gone = {outcome.booking.id for outcome in done}
    await _fail(tx, [one for one in held.values() if one.id not in gone], at=at, house=house)
    return [one.told for one in given]


async def fail(
    tx: AsyncConnection, *, booking_ids: Sequence[UUID], house: HouseRules
) -> list[Assigned]:
    """Note that nobody could be given these bookings. What somebody is at work on, what is given
    away by now and what is not due is left alone; nothing is given away."""
    held = await _lock(tx, booking_ids, skip=True)
    await _fail(tx, list(held.values()), at=await clock.now(tx), house=house)
    return []


async def _lock(
    tx: AsyncConnection, booking_ids: Sequence[UUID], *, skip: bool
) -> dict[UUID, Booking]:
    query = select(bookings_table).where(_B.id == _any("ids")).order_by(_B.id)
    rows = await tx.execute(query.with_for_update(skip_locked=skip), {"ids": list(booking_ids)})
    return {row.id: bookings.booking(row) for row in rows}


async def _offered(
    tx: AsyncConnection, people: Sequence[UUID], held: Mapping[UUID, Booking]
) -> dict[UUID, Block]:
    """What other work these providers are thinking about that lies near the bookings."""
    if not held:
        return {}
    first = min(one.starts_at for one in held.values()) - MARGIN
    last = max(one.ends_at for one in held.values()) + MARGIN
    theirs = select(_O.booking_id).where(_O.provider_id == _any("people"), _is_open())
    near = select(bookings_table).where(
        _B.id.in_(theirs), _B.id != all_(_list("held")), _B.starts_at < last, _B.ends_at > first
    )
    rows = await tx.execute(near, {"people": list(people), "held": list(held)})
    return {row.id: bookings.booking(row).block for row in rows}


async def _lock_offers(
    tx: AsyncConnection,
    people: Sequence[UUID],
    held: Mapping[UUID, Booking],
    blocks: Mapping[UUID, Block],
) -> list[JobOffer]:
    """The open offers of the bookings, and those of near work to the providers."""
    theirs = (_O.provider_id == _any("people")) & (_O.booking_id == _any("near"))
    which = _is_open() & or_(_O.booking_id == _any("held"), theirs)
    query = select(*_facts()).where(which).order_by(_O.id).with_for_update()
    asked = {"people": list(people), "near": list(blocks), "held": list(held)}
    return [offers.offer(row) for row in await tx.execute(query, asked)]


def _facts() -> Iterator[ColumnElement[Any]]:
    # For each offer that is taken many are withdrawn, and of those nobody asks why they were made.
    taken = _O.provider_id == _any("people")
    for one in job_offers.c:
        nothing = _NOTHING.get(one.key)
        yield one if nothing is None else case((taken, one), else_=nothing).label(one.key)


def _any(name: str) -> ColumnElement[Any]:
    return any_(_list(name))


def _list(name: str) -> ColumnElement[Any]:
    # One array, so that a statement is the same however many it is about.
    return bindparam(name, type_=ARRAY(Uuid))


def _is_open() -> ColumnElement[bool]:
    return _O.state == OfferState.OFFERED


async def _decide(
    tx: AsyncConnection,
    pairs: Sequence[Pair],
    held: Mapping[UUID, Booking],
    open_: Sequence[JobOffer],
    out_of: Mapping[UUID, int],
    *,
    at: datetime,
    house: HouseRules,
) -> list[_Given]:
    """Who is given what, by all that is known now that nothing changes any more."""
    reach, record = house.waves.auto_miles, house.scores_records
    asked = [
        (candidates.work_of(held[pair.booking_id], reach_miles=reach), pair.provider_id)
        for pair in pairs
    ]
    facts = await batch_candidates.of_pairs(tx, asked, at=at, record=record)
    diary, given = Diary(at), []
    put: dict[UUID, list[JobOffer]] = {}
    for offer in open_:
        put.setdefault(offer.booking_id, []).append(offer)
    for (work, _), candidate in zip(asked, facts, strict=True):
        booking, pair = held[work.booking_id], priced(work, candidate)
        if not may_be_given(booking, at=at) or not diary.fits(pair):
            continue
        diary.give(pair)
        (chosen,) = rank(work, [candidate], at=at, policy=house.policy)
        outcome = rules.give(
            booking,
            put.get(booking.id, []),
            chosen,
            eligible=out_of[booking.id],
            at=at,
            new_id=new_id,
        )
        given.append(_Given(before=booking, outcome=outcome, told=_told(outcome, pair)))
    return given


def _told(outcome: Outcome, pair: Pair) -> Assigned:
    won = next(
        offer for offer in (*outcome.offers, *outcome.made) if offer.state is OfferState.ACCEPTED
    )
    return Assigned(
        booking=outcome.booking,
        provider_id=won.provider_id,
        reasons=won.reasons,
        distance_miles=pair.distance_miles,
        cost=pair.cost,
    )


def _too_near(
    open_: Sequence[JobOffer], done: Sequence[Outcome], blocks: Mapping[UUID, Block]
) -> list[JobOffer]:
    """The offers of other work that what was given leaves their providers no time for."""
    taken: dict[UUID | None, list[Block]] = {}
    for outcome in done:
        taken.setdefault(outcome.booking.provider_id, []).append(outcome.booking.block)
    gone = {outcome.booking.id for outcome in done}
    return [
        offer
        for offer in open_
        if offer.booking_id not in gone
        and any(b.is_too_near(blocks[offer.booking_id]) for b in taken.get(offer.provider_id, ()))
    ]


async def _fail(
    tx: AsyncConnection, left: Sequence[Booking], *, at: datetime, house: HouseRules
) -> None:
    tried = [one for one in left if is_due(one, at=at) and may_be_given(one, at=at)]
    outcomes = [waves.auto_failed(one, at=at, rules=house.waves) for one in tried]
    changes = [(b, outcome.booking) for b, outcome in zip(tried, outcomes, strict=True)]
    await bookings.save_searched(tx, changes, at=at, act="MATCH")
    await events.append(tx, [event for outcome in outcomes for event in outcome.events])
