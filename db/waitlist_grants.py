"""Grants: how a slot that is free is kept for the first in line whom it suits.

What is free is searched without any lock, and looked at again under them. Lock order: entry, those
who count the same time, provider, offers. Two who come to the same entry wait for each other
rather than pass by it: the second would otherwise serve those further back before the first has
decided.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, update

from db import bookable, clock, events, holds, providers, services, slots
from db.ids import new_id
from db.slot_facts import Asking
from db.tables import provider_services, waitlist_entries
from db.waitlist import everything, in_line, lock, read
from domain import waitlist as rules
from domain.booking_rules import RulesBroken
from domain.bookings import SlotTaken
from domain.events import EventType
from domain.holds import Hold
from domain.house import DEFAULT, HouseRules
from domain.providers import ProviderNotEligible
from domain.requests import outline
from domain.slots import NobodyFree, place_of
from domain.waitlist import Opening, WaitlistState

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.services import Service
    from domain.slot_search import Calendar
    from domain.waitlist import WaitlistEntry

_W = waitlist_entries.c


async def line(
    connection: AsyncConnection, provider_id: UUID, *, limit: int
) -> list[WaitlistEntry]:
    """Those who wait for something that a provider does, longest waiting first."""
    p = provider_services.c
    offered = select(p.service_id).where(p.provider_id == provider_id)
    query = (
        everything()
        .where(in_line(), _W.service_id.in_(offered))
        .where(or_(_W.provider_id.is_(None), _W.provider_id == provider_id))
        .order_by(_W.joined_at, _W.id)
        .limit(limit)
    )
    return await read(connection, query)


async def overlooked(tx: AsyncConnection, *, limit: int) -> list[UUID]:
    """Those in line for whom nobody has looked for longest, the longest waiting first; now it is
    their turn."""
    turn = (
        select(_W.id)
        .where(in_line())
        .order_by(_W.looked_at.nulls_first(), _W.joined_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list(await tx.scalars(turn))
    looked = update(waitlist_entries).where(_W.id.in_(found))
    await tx.execute(looked.values(looked_at=func.clock_timestamp()))
    return found


async def opening(
    connection: AsyncConnection,
    entry: WaitlistEntry,
    *,
    provider_id: UUID | None = None,
    house: HouseRules = DEFAULT,
) -> Opening | None:
    """The first slot that is free for somebody who waits: of this provider, or of anybody.

    Where anybody will do, those whom bookings without a provider need are not free.
    """
    service = await services.get(connection, entry.service_id)
    named = entry.provider_id
    if named is not None or provider_id is not None:
        # Of one provider it is quickly told, and mostly there is nothing.
        theirs = await _calendar(connection, entry, service, named or provider_id, house)
        first = rules.opening(theirs)
        if named is not None or first is None:
            return first
    everyone = await _calendar(connection, entry, service, None, house)
    return rules.opening(everyone, provider_id)


async def _calendar(
    connection: AsyncConnection,
    entry: WaitlistEntry,
    service: Service,
    provider_id: UUID | None,
    house: HouseRules,
) -> Calendar:
    return await slots.calendar(
        connection,
        service,
        place_of(entry.address, service.mode),
        earliest=max(entry.earliest, entry.as_of),
        latest=entry.latest,
        at=entry.as_of,
        provider_id=provider_id,
        asking=Asking(customer_id=entry.customer_id),
        house=house,
    )


async def grant(
    tx: AsyncConnection, entry_id: UUID, found: Opening, *, house: HouseRules = DEFAULT
) -> Hold | None:
    """Keep a slot for somebody in line. None when it is no longer free, or they no longer wait.

    Nothing is kept for who has as many bookings ahead of them as one may have: they keep their
    place. Raises NotFound, or ServiceInactive.
    """
    entry = await lock(tx, entry_id)
    if entry.state is not WaitlistState.WAITING:
        return None
    service = await services.get(tx, entry.service_id)
    hold_id = new_id()
    asked = entry.request(provider_id=found.provider_id, starts_at=found.starts_at)
    wanted = outline(asked, service, booking_id=hold_id, at=entry.as_of)
    kept = await _keep(tx, entry, wanted, service, house=house)
    if kept is None:
        return None
    granted = update(waitlist_entries).where(_W.id == entry_id)
    await tx.execute(granted.values(hold_id=hold_id))
    await events.append(tx, [rules.happened(EventType.WAITLIST_GRANTED, entry)])
    return kept


async def _keep(
    tx: AsyncConnection,
    entry: WaitlistEntry,
    wanted: Booking,
    service: Service,
    *,
    house: HouseRules,
) -> Hold | None:
    provider_id = holds.provider_of(wanted)
    anyone = wanted
    if entry.provider_id is None:
        anyone = replace(wanted, provider_id=None, assigned_at=None)
    await bookable.queue_up(tx, anyone)
    await providers.lock(tx, [provider_id])
    at = await clock.now(tx)
    try:
        if anyone.provider_id is None:
            # Not those whom bookings that came before us, and have nobody yet, will need.
            await bookable.check(tx, anyone, service, at=at, house=house)
        # Whoever waits for anyone was offered a start by the clock of the place; that of the one
        # who happens to be free may have another grid.
        agreed = anyone.provider_id is None
        await bookable.check(tx, wanted, service, at=at, house=house, counted=True, agreed=agreed)
    except (RulesBroken, SlotTaken, ProviderNotEligible, NobodyFree):
        return None
    zone = await slots.zone_of(tx, service, None, provider_id=provider_id, house=house)
    kept = Hold(
        id=wanted.id,
        customer_id=wanted.customer_id,
        service_id=wanted.service_id,
        provider_id=provider_id,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        address=entry.address,
        waitlist_entry_id=entry.id,
        created_at=at,
        expires_at=rules.grant_until(wanted.starts_at, zone=zone, house=house, at=at),
    )
    await holds.add(tx, kept, wanted)
    return kept
