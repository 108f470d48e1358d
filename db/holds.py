"""Holds: how a slot is kept for a customer, given back, used and swept up.

Lock order: customer, hold, provider. The row's expiry is the truth; the sweep only tidies up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from db import (
    addresses,
    bookable,
    candidates,
    clock,
    events,
    idempotency,
    matching,
    offers,
    providers,
    reservations,
    services,
)
from db.ids import new_id
from db.tables import holds
from domain import holds as rules
from domain import waitlist
from domain.events import EventType
from domain.holds import Hold, HoldEnding
from domain.house import DEFAULT, HouseRules
from domain.matching import rank
from domain.refusals import InvalidInput, NotFound
from domain.requests import outline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.idempotency import Key
    from domain.people import Viewer
    from domain.requests import BookingRequest
    from domain.services import Service

_H = holds.c


async def hold(
    tx: AsyncConnection,
    asked: BookingRequest,
    *,
    house: HouseRules = DEFAULT,
    key: Key | None = None,
) -> Hold:
    """Keep a slot for a customer while they check out; their earlier hold of the service goes.

    Without a provider the best of those who are free is chosen. The same rules as for a booking
    are asked, and raise the same refusals, InvalidInput among them.
    """
    hold_id = new_id()
    if key is not None:
        first = await idempotency.claim(tx, key, user_id=asked.customer_id, result_id=hold_id)
        if first != hold_id:
            return await get(tx, first)
    await bookable.lock_customer(tx, asked.customer_id)
    service = await services.get(tx, asked.service_id)
    earlier = await _lock_earlier(tx, asked)
    at = await clock.now(tx)
    if wrong := asked.wrong_fields(at=at):
        raise InvalidInput(*wrong)
    wanted = outline(asked, service, booking_id=hold_id, at=at)
    await bookable.queue_up(tx, wanted)
    # Theirs before their time is given back: who books them meanwhile has the provider's lock, and
    # would wait for us to be done with the time, as we for them to be done with the provider.
    whose = {wanted.provider_id, *(one.provider_id for one in earlier)}
    await providers.lock(tx, [uid for uid in whose if uid is not None])
    at = await clock.now(tx)
    for one in earlier:
        await end(tx, one, HoldEnding.REPLACED, at=at)
    anyone = wanted.provider_id is None
    if anyone:
        await bookable.check(tx, wanted, service, at=at, house=house)
        wanted = await _with_best(tx, wanted, service, at=at, house=house)
    await providers.lock(tx, [provider_of(wanted)])
    at = await clock.now(tx)
    # Whom Callout chose may live by another clock than the one that the start is on the grid of.
    await bookable.check(tx, wanted, service, at=at, house=house, agreed=anyone)
    kept = Hold(
        id=hold_id,
        customer_id=asked.customer_id,
        service_id=service.id,
        provider_id=provider_of(wanted),
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        address=asked.address,
        created_at=at,
        expires_at=min(at + house.hold, wanted.starts_at),
    )
    await add(tx, kept, wanted)
    return kept


async def add(tx: AsyncConnection, kept: Hold, wanted: Booking) -> None:
    """Keep a new hold and the time it takes, and withdraw the offers that it leaves no time for.

    `wanted` is the booking that it may become. The caller holds the provider's lock. Raises
    SlotTaken.
    """
    await tx.execute(insert(holds), _columns(kept))
    block = replace(wanted.block, booking_id=None)
    await reservations.reserve(tx, kept.provider_id, block, hold=kept)
    await events.append(tx, [rules.held(EventType.SLOT_HELD, kept)])
    await offers.rescind_competing(tx, wanted, at=kept.created_at)


async def release(tx: AsyncConnection, *, hold_id: UUID, by: Viewer) -> Hold:
    """Give a slot back. Giving it back twice is the same as once. Raises NotFound."""
    found = await lock(tx, hold_id)
    if not found.is_visible_to(by):
        raise NotFound("Hold")
    if found.ended_at is not None:
        return found
    return await end(tx, found, HoldEnding.RELEASED, at=await clock.now(tx))


async def use(tx: AsyncConnection, hold_id: UUID, *, customer_id: UUID) -> Hold:
    """Lock a hold that a customer is about to book. Raises NotFound."""
    found = await lock(tx, hold_id)
    if found.customer_id != customer_id:
        raise NotFound("Hold")
    return found


async def end(tx: AsyncConnection, found: Hold, ending: HoldEnding, *, at: datetime) -> Hold:
    """End a locked hold and give its time back. Raises HoldExpired."""
    ended = rules.end(found, ending, at=at)
    await providers.lock(tx, [found.provider_id])
    facts = {"ended_at": ended.ended_at, "ending": ended.ending}
    await tx.execute(update(holds).where(_H.id == found.id).values(facts))
    await reservations.release_hold(tx, found.id, at=at)
    freed = [] if ending is HoldEnding.BOOKED else [rules.held(EventType.SLOT_FREED, ended)]
    await events.append(tx, [*waitlist.grant_ended(ended), *freed])
    return ended


async def expire(tx: AsyncConnection, *, limit: int) -> list[Hold]:
    """End the holds whose time has passed. Returns them as they are now."""
    lapsed = (
        select(holds)
        .where(_H.ended_at.is_(None), _H.expires_at <= func.clock_timestamp())
        .order_by(_H.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = [_hold(row) for row in await tx.execute(lapsed)]
    await providers.lock(tx, [one.provider_id for one in found])
    at = await clock.now(tx)
    return [await end(tx, one, HoldEnding.EXPIRED, at=at) for one in found]


async def lock(tx: AsyncConnection, hold_id: UUID) -> Hold:
    """One hold, kept from every other writer. Raises NotFound."""
    query = select(holds).where(_H.id == hold_id).with_for_update()
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFound("Hold")
    return _hold(row)


async def get(connection: AsyncConnection, hold_id: UUID) -> Hold:
    """One hold. Raises NotFound."""
    found = await by_ids(connection, [hold_id])
    if not found:
        raise NotFound("Hold")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Hold]:
    """The holds with these ids, in no particular order; missing ones are left out."""
    return [_hold(row) for row in await connection.execute(select(holds).where(_H.id.in_(ids)))]


async def open_of(connection: AsyncConnection, customer_id: UUID) -> list[Hold]:
    """The holds that keep slots for a customer now, the first to expire first."""
    query = (
        select(holds)
        .where(_H.customer_id == customer_id, _H.ended_at.is_(None))
        .where(_H.expires_at > func.clock_timestamp())
        .order_by(_H.expires_at)
    )
    return [_hold(row) for row in await connection.execute(query)]


async def of_provider(
    connection: AsyncConnection,
    provider_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    lock: bool = False,
) -> list[Hold]:
    """The holds that keep time of a provider's between two instants, by id; locked if said so."""
    query = (
        select(holds)
        .where(_H.provider_id == provider_id, _H.ended_at.is_(None))
        .where(_H.expires_at > func.clock_timestamp())
        .where(_H.starts_at < ends_at, _H.ends_at > starts_at)
        .order_by(_H.id)
    )
    rows = await connection.execute(query.with_for_update() if lock else query)
    return [_hold(row) for row in rows]


def provider_of(wanted: Booking) -> UUID:
    """The provider that a hold or a direct booking is of. Raises ValueError when there is none."""
    if wanted.provider_id is None:
        raise ValueError("A hold is of one provider's time.")
    return wanted.provider_id


async def _lock_earlier(tx: AsyncConnection, asked: BookingRequest) -> list[Hold]:
    """The holds that a new one takes the place of, locked."""
    earlier = (
        select(holds)
        .where(_H.customer_id == asked.customer_id, _H.service_id == asked.service_id)
        .where(_H.ended_at.is_(None), _H.waitlist_entry_id.is_(None))
        .with_for_update()
    )
    return [_hold(row) for row in await tx.execute(earlier)]


async def _with_best(
    tx: AsyncConnection, wanted: Booking, service: Service, *, at: datetime, house: HouseRules
) -> Booking:
    """The same for the provider who suits best of those who can do it."""
    work = candidates.work_of(wanted)
    able = await matching.able(tx, work, at=at, house=house, size=1)
    if not able:
        raise await bookable.nobody_free(tx, wanted, service, at=at, house=house)
    best = rank(work, able, at=at, policy=house.policy)[0].candidate.provider_id
    return replace(wanted, provider_id=best, assigned_at=at)


#: Facts that a hold and its row call by the same name.
_PLAIN = (
    *("id", "customer_id", "service_id", "provider_id", "starts_at", "ends_at"),
    *("waitlist_entry_id", "created_at", "expires_at", "ended_at"),
)


def _columns(value: Hold) -> dict[str, Any]:
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        **addresses.columns(value.address),
        "ending": value.ending,
    }


def _hold(row: Row[Any]) -> Hold:
    return Hold(
        **{name: getattr(row, name) for name in _PLAIN},
        address=addresses.address(row),
        ending=HoldEnding(row.ending) if row.ending else None,
    )
