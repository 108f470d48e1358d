"""Shifts: how a provider goes on and off shift and stays reachable.

On shift when, and only when, an open shift exists; the database allows one at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import insert, select, update

from db import bookings, clock, events, offers, pages, providers
from db.ids import new_id
from db.tables import shifts
from domain import shifts as rules
from domain.events import Event, EventType
from domain.shifts import AlreadyOnShift, Presence, Shift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_NEWEST_FIRST = pages.Order(columns=(shifts.c.id,), parse=(UUID,), descending=True)


async def clock_in(tx: AsyncConnection, *, provider_id: UUID, place: str, note: str) -> Shift:
    """Open a shift. Two at once end with one shift.

    Raises InvalidInput, or AlreadyOnShift with the open one.
    """
    await providers.lock(tx, [provider_id])
    open_shift = await _open(tx, provider_id)
    if open_shift is not None:
        raise AlreadyOnShift(open_shift)
    started = rules.clock_in(
        shift_id=new_id(),
        provider_id=provider_id,
        place=place,
        note=note,
        at=await clock.now(tx),
    )
    await tx.execute(insert(shifts).values(**_columns(started)))
    await events.append(tx, [_happened(EventType.PROVIDER_CLOCKED_IN, provider_id)])
    return started


async def clock_out(tx: AsyncConnection, *, provider_id: UUID, note: str | None) -> Shift:
    """End the open shift and withdraw the provider's open offers, in one act.

    Raises InvalidInput, NotOnShift, or WorkInProgress with the booking.
    """
    await providers.lock(tx, [provider_id])
    working = await bookings.in_progress(tx, [provider_id])
    open_shift = await _open(tx, provider_id)
    at = await clock.now(tx)
    ended = rules.clock_out(open_shift, working_on=working.get(provider_id), note=note, at=at)
    await _save(tx, ended)
    await offers.rescind_of_provider(tx, provider_id, at=at)
    await events.append(tx, [_happened(EventType.PROVIDER_CLOCKED_OUT, provider_id)])
    return ended


async def heartbeat(tx: AsyncConnection, *, provider_id: UUID, place: str | None) -> Shift:
    """Note that the provider's device was heard from. Raises NotOnShift or InvalidInput."""
    s = shifts.c
    mine = select(shifts).where(s.provider_id == provider_id, s.ended_at.is_(None))
    row = (await tx.execute(mine.with_for_update())).one_or_none()
    before = shift(row) if row else None
    beaten = rules.beat(before, place=place, at=await clock.now(tx))
    await _save(tx, beaten)
    if before is not None and before.away_announced_at is not None:
        await events.append(tx, [_happened(EventType.PROVIDER_PRESENCE_CHANGED, provider_id)])
    return beaten


async def announce_away(tx: AsyncConnection, *, limit: int = 500) -> int:
    """Tell listeners, once, of the providers whose heartbeat has gone stale. Returns how many."""
    s = shifts.c
    at = await clock.now(tx)
    stale = (
        select(s.id)
        .where(s.ended_at.is_(None), s.away_announced_at.is_(None))
        .where(s.heartbeat_at < at - rules.HEARTBEAT_FRESH)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await tx.execute(
        update(shifts)
        .where(s.id.in_(stale.scalar_subquery()))
        .values(away_announced_at=at)
        .returning(s.provider_id)
    )
    away = [_happened(EventType.PROVIDER_PRESENCE_CHANGED, row.provider_id) for row in rows]
    await events.append(tx, away)
    return len(away)


async def by_id(connection: AsyncConnection, shift_id: UUID) -> Shift | None:
    """One shift, if there is one."""
    row = (await connection.execute(select(shifts).where(shifts.c.id == shift_id))).one_or_none()
    return shift(row) if row else None


async def open_shifts(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, Shift]:
    """The open shift of each provider who is on shift."""
    s = shifts.c
    query = select(shifts).where(s.provider_id.in_(provider_ids), s.ended_at.is_(None))
    return {row.provider_id: shift(row) for row in await connection.execute(query)}


async def presence_of(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, Presence]:
    """Whether each provider can be reached."""
    at = await clock.now(connection)
    on_shift = await open_shifts(connection, provider_ids)
    working = await bookings.in_progress(connection, provider_ids)
    return {
        uid: rules.presence(on_shift.get(uid), busy=uid in working, at=at) for uid in provider_ids
    }


async def page(
    connection: AsyncConnection, request: PageRequest, *, provider_id: UUID
) -> Page[Shift]:
    """A page of a provider's shift log, newest first."""
    mine = select(shifts).where(shifts.c.provider_id == provider_id)
    return await pages.fetch(connection, mine, _NEWEST_FIRST, request, shift)


async def count(connection: AsyncConnection, *, provider_id: UUID) -> int:
    """How many shifts a provider has worked."""
    return await pages.count(
        connection, select(shifts.c.id).where(shifts.c.provider_id == provider_id)
    )


async def _open(tx: AsyncConnection, provider_id: UUID) -> Shift | None:
    return (await open_shifts(tx, [provider_id])).get(provider_id)


async def _save(tx: AsyncConnection, changed: Shift) -> None:
    await tx.execute(update(shifts).where(shifts.c.id == changed.id).values(_columns(changed)))


def _happened(type_: EventType, provider_id: UUID) -> Event:
    return Event(type=type_, subject={"provider": provider_id})


def _columns(value: Shift) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _PLAIN}


_PLAIN = (
    *("id", "provider_id", "started_at", "ended_at", "heartbeat_at", "away_announced_at"),
    *("place", "note"),
)


def shift(row: Row[Any]) -> Shift:
    """The shift in a row."""
    return Shift(**{name: getattr(row, name) for name in _PLAIN})
