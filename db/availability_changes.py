"""How does a provider's availability change? Locked, judged, written whole, and told.

Lock order: the provider, then their offers. Whoever books a provider holds the same lock: of a
change and a booking at once, the later sees the earlier. The clock is read after the lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from db import availability, bookings, clock, events, offers, profiles, providers
from db.ids import new_id
from db.tables import bookings as bookings_table
from db.tables import date_overrides, temporary_zones, working_hours
from db.tables import providers as providers_table
from domain.availability_changes import AvailabilityChange, understood
from domain.availability_conflicts import Conflict, conflicts, untenable
from domain.booking_steps import UNFINISHED, BookingStatus
from domain.events import Event, EventType
from domain.people import whose
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.availability import Availability, DateOverride
    from domain.availability_changes import Said
    from domain.bookings import Booking
    from domain.people import Viewer

#: Work of the same local day counts towards the daily cap, also when it is over.
_BEFORE: Final = timedelta(days=2)
_JOBS: Final = sorted({*UNFINISHED, BookingStatus.COMPLETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A locked provider: when they work, what they have to do, and what they were offered."""

    provider_id: UUID
    at: datetime
    availability: Availability
    work: tuple[Booking, ...]
    offered: tuple[Booking, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What came of a change: the version it led to, and the bookings it speaks against."""

    provider_id: UUID
    version: int
    conflicts: tuple[Conflict, ...]


async def change(
    tx: AsyncConnection,
    said: Said,
    *,
    by: Viewer,
    provider_id: UUID | None = None,
    expected_version: int | None = None,
    dry_run: bool = False,
) -> Changed:
    """Let what is said take the place of what was said before, and report what does not fit it.

    Offers that could no longer be taken are withdrawn. A dry run answers the same and writes
    nothing. Raises InvalidInput with every wrong field, NotFound or VersionConflict.
    """
    wanted = understood(said)
    uid = whose(by, provider_id)
    seen = await look(tx, uid)
    kept = (await availability.kept_by(tx, [uid]))[uid]
    kept.check_version(expected_version)
    after = wanted.applied_to(seen.availability)
    against = conflicts(after, seen.work, at=seen.at)
    if dry_run:
        return Changed(provider_id=uid, version=kept.version, conflicts=against)
    await _save(tx, uid, wanted, version=kept.version + 1)
    await profiles.reckon(tx, uid)
    await settle(tx, seen, after)
    return Changed(provider_id=uid, version=kept.version + 1, conflicts=against)


async def look(tx: AsyncConnection, provider_id: UUID) -> Outlook:
    """Lock a provider, then look at all that a change of their availability has to do with.

    Raises NotFound.
    """
    await providers.lock(tx, [provider_id])
    at = await clock.now(tx)
    work, offered = await _work(tx, provider_id, at), await offers.put_to(tx, provider_id)
    until = max((one.ends_at for one in (*work, *offered)), default=at)
    found = await availability.of_providers(
        tx, [provider_id], starts_at=at - _BEFORE, ends_at=max(at, until)
    )
    if not found:
        raise NotFound("Provider")
    return Outlook(
        provider_id=provider_id,
        at=at,
        availability=found[provider_id],
        work=tuple(work),
        offered=tuple(offered),
    )


async def settle(tx: AsyncConnection, seen: Outlook, after: Availability) -> None:
    """Withdraw the offers that the changed availability speaks against, and tell of the change."""
    lost = [one.id for one in untenable(after, seen.work, seen.offered)]
    await offers.rescind_to(tx, seen.provider_id, lost, at=seen.at)
    changed = EventType.PROVIDER_AVAILABILITY_CHANGED
    await events.append(tx, [Event(type=changed, subject={"provider": seen.provider_id})])


async def _work(tx: AsyncConnection, provider_id: UUID, at: datetime) -> list[Booking]:
    b = bookings_table.c
    query = (
        select(bookings_table)
        .where(b.provider_id == provider_id, b.status.in_(_JOBS))
        .where(b.ends_at > at - _BEFORE)
        .order_by(b.starts_at, b.id)
    )
    return [bookings.booking(row) for row in await tx.execute(query)]


async def _save(
    tx: AsyncConnection, provider_id: UUID, wanted: AvailabilityChange, *, version: int
) -> None:
    columns: dict[str, Any] = {"availability_version": version}
    if wanted.zone is not None:
        await clock.check_zone(tx, wanted.zone.key)
        columns["time_zone"] = wanted.zone.key
    if wanted.daily_cap is not None:
        columns["daily_cap"] = wanted.daily_cap
    await tx.execute(
        update(providers_table).where(providers_table.c.id == provider_id).values(columns)
    )
    if wanted.hours is not None:
        week = (
            {"weekday": one.weekday, "opens": one.opens, "closes": one.closes}
            for one in wanted.hours.intervals
        )
        await _replace(tx, working_hours, provider_id, week)
    if wanted.overrides is not None:
        rows = (row for override in wanted.overrides for row in _rows(override))
        await _replace(tx, date_overrides, provider_id, rows)
    if wanted.zones is not None:
        stays = (
            {"first_day": one.first, "last_day": one.last, "time_zone": one.zone.key}
            for one in wanted.zones
        )
        await _replace(tx, temporary_zones, provider_id, stays)


def _rows(override: DateOverride) -> list[dict[str, Any]]:
    day = {"day": override.day, "opens": None, "closes": None}
    times = [{"opens": one.opens, "closes": one.closes} for one in override.intervals]
    # A row without times blocks the day.
    return [{"id": new_id()} | day | one for one in times or [{}]]


async def _replace(
    tx: AsyncConnection, table: Table, provider_id: UUID, rows: Iterable[dict[str, Any]]
) -> None:
    await tx.execute(delete(table).where(table.c.provider_id == provider_id))
    theirs = [row | {"provider_id": provider_id} for row in rows]
    if theirs:
        await tx.execute(insert(table), theirs)
