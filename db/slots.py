"""When can a service be booked, and with whom? Asked of everyone near a place at once.

A search takes a handful of statements, however many providers and days it is about; the rest is
arithmetic on whole numbers (domain/slot_search.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from db import services, slot_facts
from db.slot_facts import ANYBODY, Asking, alike
from domain.house import DEFAULT, HouseRules
from domain.places import shown_miles
from domain.requests import soon
from domain.slot_search import Calendar, Search
from domain.slots import Bookable, Choice, Waiting, WaysOn, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.slot_facts import Nearby
    from domain.availability import Block
    from domain.bookings import Booking
    from domain.hours import Span
    from domain.services import Service
    from domain.slots import Place, Slot

__all__ = ["alike", "alternatives", "calendar", "choice", "someone_is_free", "ways_on", "zone_of"]

ALTERNATIVES: Final = 3
#: How far ahead a provider's other starts are looked for, and anybody's.
ALTERNATIVES_WITHIN: Final = timedelta(days=7)
LOOK_AHEAD: Final = timedelta(days=14)
#: How many of a provider's next starts are shown.
NEXT_SLOTS: Final = 3
#: How much of each way on is told at once.
WAYS_ON: Final = 5
#: How many providers are asked first whether one of them is free at a certain start.
_ASKED_FIRST: Final = 64
#: A waitlist is suggested for starts up to this long after the one that was wanted.
WAIT_WITHIN: Final = timedelta(days=1)


async def alternatives(
    tx: AsyncConnection,
    booking: Booking,
    wanted: Block,
    *,
    provider_id: UUID,
    at: datetime,
) -> tuple[datetime, ...]:
    """The next starts at which the same provider could do a booking, from the wanted one on.

    The booking itself is not in its own way.
    """
    rules, duration = booking.rules, wanted.ends_at - wanted.starts_at
    earliest, latest = wanted.starts_at, wanted.starts_at + ALTERNATIVES_WITHIN
    within = earliest, latest + duration
    theirs = await slot_facts.time_of(
        tx, [provider_id], rules=rules, within=within, at=at, leave_out=booking.id
    )
    if not theirs:
        return ()
    search = Search(
        rules=rules,
        duration=duration,
        zone=theirs[0].availability.zone,
        earliest=earliest,
        latest=latest,
        at=at,
        point=wanted.point,
    )
    windows: Sequence[Span] = ()
    if rules.capacity is not None:
        service = await services.get(tx, booking.service_id)
        place = place_of(booking.address, service.mode)
        windows = await alike(tx, service.id, place, within=within, leave_out=booking.id)
    found = Calendar(search=search, diaries=theirs, alike=windows)
    return tuple(slot.starts_at for slot in found.slots_of(provider_id, ALTERNATIVES))


async def zone_of(
    connection: AsyncConnection,
    service: Service,
    place: Place | None,
    *,
    provider_id: UUID | None = None,
    house: HouseRules = DEFAULT,
) -> ZoneInfo:
    """Whose wall clock work is dated by: the named provider's, else that of the nearest who offers
    the service there, else the house's."""
    near = []
    if provider_id is None:
        near = await slot_facts.nearby(connection, service, place)
    return await _zone(connection, near, provider_id, house)


async def calendar(
    connection: AsyncConnection,
    service: Service,
    place: Place | None,
    *,
    earliest: datetime,
    latest: datetime,
    at: datetime,
    provider_id: UUID | None = None,
    asking: Asking = ANYBODY,
    house: HouseRules = DEFAULT,
) -> Calendar:
    """Every start of a service at a place between two instants, with anybody or with one provider.

    What waits for a provider counts where anybody will do, not against one who is named.
    """
    near = await slot_facts.nearby(
        connection, service, place, provider_id=provider_id, asking=asking
    )
    zone = await _zone(connection, near, provider_id, house)
    search = _search(service, place, zone, earliest=earliest, latest=latest, at=at)
    return await _calendar(connection, service, place, search, near, named=provider_id is not None)


async def someone_is_free(
    tx: AsyncConnection,
    service: Service,
    place: Place | None,
    *,
    starts_at: datetime,
    immediate: bool,
    at: datetime,
    leave_out: UUID | None = None,
    asking: Asking = ANYBODY,
    house: HouseRules = DEFAULT,
) -> bool:
    """Is there a provider for a start whom no other waiting booking needs?

    The booking `leave_out` does not count among those that wait.
    """
    near = await slot_facts.nearby(tx, service, place, asking=asking)
    zone = await _zone(tx, near, None, house)
    search = _search(
        service, place, zone, earliest=starts_at, latest=starts_at, at=at, immediate=immediate
    )
    if immediate:
        near = [one for one in near if one.is_reachable(at)]
    # The nearest are asked first: where many offer a service, few of them already settle it.
    asked = 0
    while asked < len(near):
        asked = max(_ASKED_FIRST, asked * 8)
        found = await _calendar(tx, service, place, search, near[:asked], leave_out=leave_out)
        if found.open:
            return True
    return False


async def ways_on(
    tx: AsyncConnection,
    service: Service,
    place: Place | None,
    *,
    starts_at: datetime,
    at: datetime,
    asking: Asking = ANYBODY,
    house: HouseRules = DEFAULT,
) -> WaysOn:
    """What is left to somebody who wanted a start at which nobody is free."""
    near = await slot_facts.nearby(tx, service, place, asking=asking)
    zone = await _zone(tx, near, None, house)
    later = _search(service, place, zone, earliest=starts_at, latest=starts_at + LOOK_AHEAD, at=at)
    found = await _calendar(tx, service, place, later, near)
    return _ways_on(service, found, near)


async def choice(
    connection: AsyncConnection,
    service: Service,
    place: Place | None,
    *,
    starts_at: datetime | None,
    at: datetime,
    first: int,
    asking: Asking = ANYBODY,
    house: HouseRules = DEFAULT,
) -> Choice:
    """The first providers to choose from for a start, or for now: those who are free then, nearest
    first, then the others, each with the next starts at which they can be booked by name."""
    immediate, starts_at = starts_at is None, starts_at or soon(at)
    near = await slot_facts.nearby(connection, service, place, asking=asking)
    zone = await _zone(connection, near, None, house)
    later = _search(service, place, zone, earliest=starts_at, latest=starts_at + LOOK_AHEAD, at=at)
    found = await _calendar(connection, service, place, later, near)
    reachable = {one.provider_id for one in near if one.is_reachable(at) or not immediate}
    then = replace(
        found,
        search=replace(later, latest=starts_at, immediate=immediate),
        diaries=[diary for diary in found.diaries if diary.provider_id in reachable],
    )
    free = {uid for uid, starts in then.free.items() if starts}
    listed = sorted(near, key=lambda one: one.provider_id not in free)[:first]
    slots = _next_slots(found, listed)
    return Choice(
        starts_at=starts_at,
        providers=tuple(
            Bookable(
                provider_id=one.provider_id,
                distance_miles=None if one.miles is None else shown_miles(one.miles),
                is_free=one.provider_id in free,
                next_slots=slots[one.provider_id],
            )
            for one in listed
        ),
        ways_on=None if then.open else _ways_on(service, found, near),
    )


async def _zone(
    connection: AsyncConnection,
    near: Sequence[Nearby],
    provider_id: UUID | None,
    house: HouseRules,
) -> ZoneInfo:
    if near:
        return near[0].zone
    own = await slot_facts.zone_of(connection, provider_id) if provider_id else None
    return own or ZoneInfo(house.zone_name)


def _search(
    service: Service,
    place: Place | None,
    zone: ZoneInfo,
    *,
    earliest: datetime,
    latest: datetime,
    at: datetime,
    immediate: bool = False,
) -> Search:
    return Search(
        rules=service.rules,
        duration=service.duration,
        zone=zone,
        earliest=earliest,
        latest=latest,
        at=at,
        immediate=immediate,
        point=place.point if place else None,
    )


async def _calendar(
    connection: AsyncConnection,
    service: Service,
    place: Place | None,
    search: Search,
    near: Sequence[Nearby],
    *,
    named: bool = False,
    leave_out: UUID | None = None,
) -> Calendar:
    within = search.earliest, search.latest + search.duration
    ids = [one.provider_id for one in near]
    theirs = await slot_facts.time_of(
        connection, ids, rules=search.rules, within=within, at=search.at
    )
    last = {one.provider_id: one.certified_until for one in near}
    theirs = [diary.until(last[diary.provider_id]) for diary in theirs]
    windows: Sequence[Span] = ()
    if search.rules.capacity is not None:
        windows = await alike(connection, service.id, place, within=within, leave_out=leave_out)
    waiting: Sequence[Block] = ()
    if not named:
        waiting = await slot_facts.waiting(
            connection, service.id, place, within=within, leave_out=leave_out
        )
    return Calendar(search=search, diaries=theirs, alike=windows, waiting=waiting)


def _ways_on(service: Service, found: Calendar, near: Sequence[Nearby]) -> WaysOn:
    free, wanted = found.free, found.search.earliest
    named = (one.provider_id for one in near if free.get(one.provider_id))
    return WaysOn(
        later_slots=found.slots(WAYS_ON),
        provider_ids=tuple(islice(named, WAYS_ON)),
        waitlist=Waiting(service_id=service.id, earliest=wanted, latest=wanted + WAIT_WITHIN),
    )


def _next_slots(found: Calendar, listed: Sequence[Nearby]) -> dict[UUID, tuple[Slot, ...]]:
    """The next starts of each provider: who is booked by name is booked by their own clock."""
    diaries = {diary.provider_id: diary for diary in found.diaries}
    slots: dict[UUID, tuple[Slot, ...]] = {one.provider_id: () for one in listed}
    for zone in {one.zone for one in listed}:
        theirs = [one.provider_id for one in listed if one.zone is zone]
        by_it = replace(
            found,
            search=replace(found.search, zone=zone),
            diaries=[diaries[uid] for uid in theirs if uid in diaries],
        )
        slots |= {uid: by_it.slots_of(uid, NEXT_SLOTS) for uid in by_it.free}
    return slots
