"""The waitlist: how a customer joins it, leaves it and sees where they stand.

Lock order: customer; else entry, hold, and what a hold needs. Nobody who books a grant touches its
entry: where an entry stands follows from what became of its grant.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, tuple_, update

from db import addresses, bookable, candidates, clock, events, holds, idempotency, pages, services
from db.ids import new_id
from db.tables import waitlist_entries
from domain import waitlist as rules
from domain.events import EventType
from domain.holds import HoldEnding
from domain.matching import TIME_RULES, broken
from domain.pages import Page
from domain.providers import ProviderNotEligible
from domain.refusals import NotFound
from domain.requests import outline
from domain.waitlist import WaitlistEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.idempotency import Key
    from domain.pages import PageRequest
    from domain.people import Viewer
    from domain.services import Service
    from domain.waitlist import Wish

_W = waitlist_entries.c


async def join(tx: AsyncConnection, wish: Wish, *, key: Key | None = None) -> WaitlistEntry:
    """Put a customer at the end of the line for what they wish.

    The same key and body answer with the entry that was made first. Raises InvalidInput,
    ServiceInactive, AlreadyWaiting, ProviderNotEligible, NotFound or IdempotencyKeyReused.
    """
    entry_id = new_id()
    if key is not None:
        first = await idempotency.claim(tx, key, user_id=wish.customer_id, result_id=entry_id)
        if first != entry_id:
            return await get(tx, first)
    await bookable.lock_customer(tx, wish.customer_id)
    service = await services.get(tx, wish.service_id)
    earlier = await _last_of(tx, wish)
    at = await clock.now(tx)
    new = rules.join(wish, service, entry_id=entry_id, earlier=earlier, at=at)
    await _check_provider(tx, new, service)
    # What is in line still, and not open, waits for what has passed: it makes room.
    passed = update(waitlist_entries).where(_same_line(wish), _W.hold_id.is_(None))
    await tx.execute(passed.where(_W.left_at.is_(None)).values(left_at=at))
    await tx.execute(insert(waitlist_entries), _columns(new, service))
    await events.append(tx, [rules.happened(EventType.WAITLIST_JOINED, new)])
    return new


async def leave(tx: AsyncConnection, *, entry_id: UUID, by: Viewer) -> WaitlistEntry:
    """Take a customer out of the line; a slot that is kept for them passes on.

    An entry that is over already stays what it is. Raises NotFound.
    """
    found = await lock(tx, entry_id)
    if not found.is_visible_to(by):
        raise NotFound("WaitlistEntry")
    if found.grant is not None:
        found = replace(found, grant=await holds.lock(tx, found.grant.id))
    left = rules.leave(found, at=await clock.now(tx))
    if left.left_at == found.left_at:
        return left
    if left.grant is not None:
        given_back = await holds.end(tx, left.grant, HoldEnding.RELEASED, at=left.as_of)
        left = replace(left, grant=given_back)
    gone = update(waitlist_entries).where(_W.id == entry_id)
    await tx.execute(gone.values(left_at=left.left_at))
    await events.append(tx, [rules.happened(EventType.WAITLIST_LEFT, left)])
    return left


async def lock(tx: AsyncConnection, entry_id: UUID) -> WaitlistEntry:
    """One entry as it stands, kept from every other writer. Raises NotFound."""
    mine = select(_W.id).where(_W.id == entry_id).with_for_update()
    if await tx.scalar(mine) is None:
        raise NotFound("WaitlistEntry")
    # Read by a statement of its own: the clock, and the grant, as they are now that we have it.
    return await get(tx, entry_id)


async def get(connection: AsyncConnection, entry_id: UUID) -> WaitlistEntry:
    """One entry. Raises NotFound."""
    found = await by_ids(connection, [entry_id])
    if not found:
        raise NotFound("WaitlistEntry")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[WaitlistEntry]:
    """The entries with these ids, in no particular order; missing ones are left out."""
    return await read(connection, everything().where(_W.id.in_(ids)))


async def positions(connection: AsyncConnection, entry_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Which place in its line, from 1, each of these entries has that waits.

    Everyone who waits for the service in the district counts, whoever they wait for.
    """
    theirs = select(_W.service_id, _W.area).where(_W.id.in_(entry_ids))
    place = func.row_number().over(
        partition_by=(_W.service_id, _W.area), order_by=(_W.joined_at, _W.id)
    )
    lines = (
        select(_W.id, place.label("place"))
        .where(in_line(), tuple_(_W.service_id, _W.area).in_(theirs))
        .subquery()
    )
    rows = await connection.execute(select(lines).where(lines.c.id.in_(entry_ids)))
    return {row.id: row.place for row in rows}


async def page(
    connection: AsyncConnection, request: PageRequest, **which: Any
) -> Page[WaitlistEntry]:
    """A page of entries, longest in line first. `which`: see `_listed`."""
    found = await pages.fetch(connection, _listed(**which), _LONGEST_FIRST, request, _entry)
    return Page(
        items=tuple(await _with_grants(connection, found.items)),
        keys=found.keys,
        has_next=found.has_next,
        has_previous=found.has_previous,
    )


async def count(connection: AsyncConnection, **which: Any) -> int:
    """How many entries there are."""
    return await pages.count(connection, _listed(**which))


async def read(connection: AsyncConnection, query: Select[Any]) -> list[WaitlistEntry]:
    """The entries that a query of `everything` finds, in its order."""
    entries = [_entry(row) for row in await connection.execute(query)]
    return await _with_grants(connection, entries)


def everything() -> Select[Any]:
    """What an entry is made of."""
    return select(waitlist_entries, func.clock_timestamp().label("as_of"))


def in_line() -> ColumnElement[bool]:
    """Of an entry: does it wait at this moment?"""
    still = _W.latest >= func.clock_timestamp()
    return _W.hold_id.is_(None) & _W.left_at.is_(None) & still


async def _last_of(tx: AsyncConnection, wish: Wish) -> WaitlistEntry | None:
    """Only the last one can be open: another one is not begun before it is over."""
    last_first = everything().where(_same_line(wish)).order_by(_W.joined_at.desc()).limit(1)
    return next(iter(await read(tx, last_first)), None)


async def _check_provider(tx: AsyncConnection, entry: WaitlistEntry, service: Service) -> None:
    """Could the named provider do it, whenever they are free?"""
    provider_id, at = entry.provider_id, entry.joined_at
    if provider_id is None:
        return
    asked = entry.request(provider_id=provider_id, starts_at=entry.earliest)
    work = candidates.work_of(outline(asked, service, booking_id=entry.id, at=at))
    found = await candidates.of_providers(tx, work, [provider_id], at=at)
    if not found:
        raise NotFound("Provider")
    unmet = [one for one in broken(work, found[0], at=at) if one.rule not in TIME_RULES]
    if unmet:
        raise ProviderNotEligible(tuple(unmet))


async def _with_grants(
    connection: AsyncConnection, entries: Iterable[tuple[WaitlistEntry, UUID | None]]
) -> list[WaitlistEntry]:
    found = list(entries)
    wanted = [hold_id for _, hold_id in found if hold_id is not None]
    grants = {one.id: one for one in await holds.by_ids(connection, wanted)} if wanted else {}
    return [
        replace(entry, grant=grants[hold_id]) if hold_id is not None else entry
        for entry, hold_id in found
    ]


def _same_line(wish: Wish) -> ColumnElement[bool]:
    return (_W.customer_id == wish.customer_id) & (_W.service_id == wish.service_id)


def _listed(
    *, customer_id: UUID | None, service_id: UUID | None, waiting: bool | None
) -> Select[Any]:
    """One customer's entries or everyone's, for one service or all, in line or not."""
    query = everything()
    if customer_id is not None:
        query = query.where(_W.customer_id == customer_id)
    if service_id is not None:
        query = query.where(_W.service_id == service_id)
    if waiting is not None:
        query = query.where(in_line() if waiting else ~in_line())
    return query


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


_LONGEST_FIRST = pages.Order(columns=(_W.joined_at, _W.id), parse=(_instant, UUID))
#: Facts that an entry and its row call by the same name.
_PLAIN = (
    *("id", "customer_id", "service_id", "provider_id", "earliest", "latest"),
    *("joined_at", "left_at"),
)


def _columns(value: WaitlistEntry, service: Service) -> dict[str, Any]:
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        **addresses.columns(value.address),
        "area": rules.area(value.address, service),
    }


def _entry(row: Row[Any]) -> tuple[WaitlistEntry, UUID | None]:
    """The entry in a row, and the id of its grant."""
    facts = {name: getattr(row, name) for name in _PLAIN}
    entry = WaitlistEntry(**facts, address=addresses.address(row), as_of=row.as_of)
    return entry, row.hold_id
