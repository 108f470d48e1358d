"""Offers: how one is accepted, rejected, withdrawn, saved and listed.

Lock order everywhere: booking, then providers by id, then offers by id. The database's clock is
read after the last lock is held, so that an offer which expired during the wait has expired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, column, func, insert, select, update

from db import accounts, bookings, candidates, clock, events, pages, providers, settlements
from db.tables import bookings as bookings_table
from db.tables import job_offers
from domain import offers as rules
from domain.availability import MARGIN
from domain.booking_steps import Act
from domain.bookings import Booking, BookingKind
from domain.matching import fitness
from domain.offers import JobOffer, OfferState, Outcome, Wave
from domain.privacy import OfferedWork, offered_work
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select, Update
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_NEWEST_FIRST = pages.Order(columns=(job_offers.c.id,), parse=(UUID,), descending=True)


async def accept(tx: AsyncConnection, *, offer_id: UUID, by: UUID) -> Booking:
    """Give an offered booking to the provider `by`. Accepting twice is the same as once.

    Raises NotFound, OfferGone with why, or SlotTaken.
    """
    booking = await bookings.lock(tx, await _booking_of(tx, offer_id, by))
    # Before the time is taken: without this lock many takers of one provider's time deadlock.
    await providers.lock(tx, [by])
    # Of what is taken or over only the offer itself is looked at: a hundred losers are quick.
    which = job_offers.c.id == offer_id
    if booking.is_open_to_offers:
        which = _of(booking.id) | await _competing(tx, by, booking)
    theirs = await _lock(tx, which)
    at = await clock.now(tx)
    own = [offer for offer in theirs if offer.booking_id == booking.id]
    outcome = rules.accept(booking, own, offer_id=offer_id, by=by, at=at)
    if outcome.booking == booking:
        return booking
    await _check_fits(tx, booking, by, at=at)
    elsewhere = rules.rescind((o for o in theirs if o.booking_id != booking.id), at=at)
    await bookings.save(tx, booking, outcome.booking, at=at, act=Act.ASSIGN, actor=by)
    await save(tx, (*outcome.offers, *elsewhere))
    await events.append(tx, (*outcome.events, *rules.made_room(elsewhere)))
    return outcome.booking


async def reject(tx: AsyncConnection, *, offer_id: UUID, by: UUID, reason: str) -> JobOffer:
    """Say no to an offer for good. Rejecting twice is the same as once.

    Raises NotFound, or OfferGone with why.
    """
    booking = await bookings.lock(tx, await _booking_of(tx, offer_id, by))
    own = await lock_of(tx, booking.id)
    at = await clock.now(tx)
    outcome = rules.reject(booking, own, offer_id=offer_id, by=by, reason=reason, at=at)
    await keep(tx, booking, outcome, at=at, actor=by)
    return await get(tx, offer_id)


async def keep(
    tx: AsyncConnection,
    before: Booking,
    outcome: Outcome,
    *,
    at: datetime,
    act: Act | None = None,
    actor: UUID | None = None,
    reason: str | None = None,
) -> None:
    """Save what a decision changed: the booking, its offers, the events that tell of it, and, if
    the booking is over now, what becomes of its money.

    `act` is None for what Callout does by itself: moving on to the next wave, or giving up.
    """
    await bookings.save(
        tx, before, outcome.booking, at=at, act=act or "MATCH", actor=actor, reason=reason
    )
    await save(tx, outcome.offers)
    await add(tx, outcome.made)
    await events.append(tx, outcome.events)
    if outcome.booking.is_final and not before.is_final:
        await settlements.settle(tx, outcome.booking, at=at)


async def add(tx: AsyncConnection, new: Iterable[JobOffer]) -> None:
    """Keep new offers."""
    rows = [_columns(offer) for offer in new]
    if rows:
        await tx.execute(insert(job_offers), rows)


async def lock_of(tx: AsyncConnection, booking_id: UUID) -> list[JobOffer]:
    """Every offer of a booking, locked. The caller holds the booking's lock."""
    return await _lock(tx, _of(booking_id))


async def holders(tx: AsyncConnection, booking_id: UUID) -> list[UUID]:
    """The providers with an open offer of a booking. The caller holds the booking's lock."""
    o = job_offers.c
    held = select(o.provider_id).where(_of(booking_id), o.state == OfferState.OFFERED)
    return list(await tx.scalars(held))


async def rescind_competing(tx: AsyncConnection, booking: Booking, *, at: datetime) -> None:
    """Withdraw the offers that a booking leaves its provider no time for.

    The caller holds the provider's lock.
    """
    if booking.provider_id is not None:
        which = await _competing(tx, booking.provider_id, booking)
        await _withdraw(tx, await _lock(tx, which), at=at)


async def rescind_of_provider(tx: AsyncConnection, provider_id: UUID, *, at: datetime) -> None:
    """Withdraw a provider's open offers. The caller holds the provider's lock."""
    await _withdraw(tx, await _lock(tx, _open_of(provider_id)), at=at)


async def rescind_immediate(tx: AsyncConnection, provider_id: UUID, *, at: datetime) -> None:
    """Withdraw a provider's open offers of work that is wanted now. The caller holds the
    provider's lock."""
    b = bookings_table.c
    now = select(b.id).where(b.kind == BookingKind.IMMEDIATE)
    which = _open_of(provider_id) & job_offers.c.booking_id.in_(now)
    await _withdraw(tx, await _lock(tx, which), at=at)


async def rescind_to(
    tx: AsyncConnection, provider_id: UUID, booking_ids: Sequence[UUID], *, at: datetime
) -> None:
    """Withdraw a provider's open offers of these bookings. The caller holds the provider's lock."""
    which = _open_of(provider_id) & job_offers.c.booking_id.in_(booking_ids)
    await _withdraw(tx, await _lock(tx, which), at=at)


async def put_to(tx: AsyncConnection, provider_id: UUID) -> list[Booking]:
    """The bookings of which a provider has an open offer. The caller holds the provider's lock."""
    offered = select(job_offers.c.booking_id).where(_open_of(provider_id))
    return await bookings.by_ids(tx, list(await tx.scalars(offered)))


async def get(connection: AsyncConnection, offer_id: UUID) -> JobOffer:
    """One offer. Raises NotFound."""
    found = await by_ids(connection, [offer_id])
    if not found:
        raise NotFound("JobOffer")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[JobOffer]:
    """The offers with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(job_offers).where(job_offers.c.id.in_(ids)))
    return [offer(row) for row in rows]


async def of_bookings(
    connection: AsyncConnection, booking_ids: Sequence[UUID]
) -> dict[UUID, list[JobOffer]]:
    """The offers of each booking, best first within each round."""
    o = job_offers.c
    query = (
        select(job_offers)
        .where(o.booking_id.in_(booking_ids))
        .order_by(o.round, o.score.desc(), o.id)
    )
    found: dict[UUID, list[JobOffer]] = {uid: [] for uid in booking_ids}
    for row in await connection.execute(query):
        found[row.booking_id].append(offer(row))
    return found


async def works(
    connection: AsyncConnection, put: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], OfferedWork]:
    """What each booking shows to each provider, for pairs of both."""
    wanted = await bookings.by_ids(connection, list({booking_id for booking_id, _ in put}))
    askers = await providers.by_ids(connection, list({provider_id for _, provider_id in put}))
    customers = await accounts.by_ids(connection, {booking.customer_id for booking in wanted})
    known = {one.id: one for one in wanted}, {one.id: one for one in askers}
    return {
        (booking.id, provider.id): offered_work(booking, customers[booking.customer_id], provider)
        for booking, provider in ((known[0].get(b), known[1].get(p)) for b, p in put)
        if booking is not None and provider is not None
    }


async def oldest_open(connection: AsyncConnection, provider_id: UUID) -> datetime | None:
    """When the oldest of a provider's open offers was made; None without open offers."""
    query = select(func.min(job_offers.c.offered_at)).where(_open_of(provider_id))
    oldest: datetime | None = await connection.scalar(query)
    return oldest


async def page(
    connection: AsyncConnection,
    request: PageRequest,
    *,
    provider_id: UUID,
    states: Sequence[OfferState] | None,
) -> Page[JobOffer]:
    """A page of the offers put to a provider, newest first."""
    return await pages.fetch(
        connection, _put_to(provider_id, states), _NEWEST_FIRST, request, offer
    )


async def count(
    connection: AsyncConnection, *, provider_id: UUID, states: Sequence[OfferState] | None
) -> int:
    """How many offers were put to a provider."""
    return await pages.count(connection, _put_to(provider_id, states))


async def _booking_of(tx: AsyncConnection, offer_id: UUID, provider_id: UUID) -> UUID:
    o = job_offers.c
    mine = (o.id == offer_id) & (o.provider_id == provider_id)
    booking_id: UUID | None = await tx.scalar(select(o.booking_id).where(mine))
    if booking_id is None:
        raise NotFound("JobOffer")
    return booking_id


async def _lock(tx: AsyncConnection, which: ColumnElement[bool]) -> list[JobOffer]:
    # In one statement and in the order of ids: two acceptances that withdraw each other's rivals
    # meet in the same order and cannot deadlock.
    query = select(job_offers).where(which).order_by(job_offers.c.id).with_for_update()
    return [offer(row) for row in await tx.execute(query)]


def _of(booking_id: UUID) -> ColumnElement[bool]:
    return job_offers.c.booking_id == booking_id


def _open_of(provider_id: UUID) -> ColumnElement[bool]:
    o = job_offers.c
    return (o.provider_id == provider_id) & (o.state == OfferState.OFFERED)


async def _competing(
    tx: AsyncConnection, provider_id: UUID, booking: Booking
) -> ColumnElement[bool]:
    """The provider's open offers of other work that this booking leaves no time for."""
    near = (
        select(bookings_table)
        .join(job_offers, job_offers.c.booking_id == bookings_table.c.id)
        .where(_open_of(provider_id), bookings_table.c.id != booking.id)
        .where(bookings_table.c.starts_at < booking.ends_at + MARGIN)
        .where(bookings_table.c.ends_at > booking.starts_at - MARGIN)
    )
    offered = [bookings.booking(row) for row in await tx.execute(near)]
    clashing = [one.id for one in offered if one.block.is_too_near(booking.block)]
    return _open_of(provider_id) & job_offers.c.booking_id.in_(clashing)


async def _check_fits(
    tx: AsyncConnection, booking: Booking, provider_id: UUID, *, at: datetime
) -> None:
    """Does the work still fit the provider? Much may have changed since the offer."""
    work = candidates.work_of(booking)
    (who,) = await candidates.of_providers(tx, work, [provider_id], at=at)
    fitness.check_fits(work, who, at=at)


async def _withdraw(tx: AsyncConnection, open_ones: Sequence[JobOffer], *, at: datetime) -> None:
    withdrawn = rules.rescind(open_ones, at=at)
    await save(tx, withdrawn)
    await events.append(tx, rules.made_room(withdrawn))


async def save(tx: AsyncConnection, changed: Sequence[JobOffer]) -> None:
    """Keep what became of offers. The caller holds their locks."""
    if changed:
        kept = ("id", *_CHANGING)
        values = {f"new_{name}": [getattr(one, name) for one in changed] for name in kept}
        await tx.execute(_SAVE, values)


def _put_to(provider_id: UUID, states: Sequence[OfferState] | None) -> Select[Any]:
    query = select(job_offers).where(job_offers.c.provider_id == provider_id)
    return query.where(job_offers.c.state.in_(states)) if states is not None else query


#: What may become of an offer; all else stays as it was made.
_CHANGING: Final = ("state", "resolved_at", "reject_reason", "reminders", "reminded_at")
#: Facts that an offer and its row call by the same name.
_PLAIN = (
    *("id", "booking_id", "provider_id", "round", "offered_at", "expires_at", "resolved_at"),
    *("reject_reason", "reminders", "reminded_at", "score", "policy", "candidates"),
)


def _saving() -> Update:
    """All of them in one statement: whoever is given work may have many rivals."""
    o = job_offers.c
    kept = [column(name, o[name].type) for name in ("id", *_CHANGING)]
    # Columns' own names are kept for values of an UPDATE.
    lists = (bindparam(f"new_{one.name}", type_=ARRAY(one.type)) for one in kept)
    new = func.unnest(*lists).table_valued(*kept).render_derived(name="new")
    values = {name: new.c[name] for name in _CHANGING}
    return update(job_offers).where(o.id == new.c.id).values(values)


_SAVE: Final = _saving()


def _columns(value: JobOffer) -> dict[str, Any]:
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        "wave": value.wave,
        "state": value.state,
        "breakdown": list(value.breakdown),
        "reasons": list(value.reasons),
    }


def offer(row: Row[Any]) -> JobOffer:
    """The offer in a row."""
    return JobOffer(
        **{name: getattr(row, name) for name in _PLAIN},
        wave=Wave(row.wave),
        state=OfferState(row.state),
        breakdown=tuple((part, points) for part, points in row.breakdown),
        reasons=tuple(row.reasons),
    )
