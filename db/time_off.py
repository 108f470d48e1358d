"""Time off: taken, cancelled and listed.

The provider's lock is held, so that a booking made at the same time sees it or is reported.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from db import availability_changes
from db.ids import new_id
from db.tables import time_off
from domain import time_off as rules
from domain.availability_conflicts import Conflict, conflicts
from domain.hours import clash
from domain.people import whose
from domain.refusals import NotFound
from domain.time_off import TimeOff

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.availability_changes import Outlook
    from domain.people import Viewer

_T = time_off.c


async def request(
    tx: AsyncConnection,
    *,
    by: Viewer,
    provider_id: UUID | None = None,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
) -> tuple[TimeOff, tuple[Conflict, ...]]:
    """Take time off at once; with it, the bookings that lie in it. Its open offers are withdrawn.

    Asking for the same again answers with the first. Raises InvalidInput or NotFound.
    """
    uid = whose(by, provider_id)
    seen = await availability_changes.look(tx, uid)
    asked = TimeOff(
        id=new_id(),
        provider_id=uid,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        requested_at=seen.at,
        requested_by=by.user_id,
    )
    return await take(tx, seen, asked)


async def take(
    tx: AsyncConnection, seen: Outlook, asked: TimeOff
) -> tuple[TimeOff, tuple[Conflict, ...]]:
    """The same for a provider who is locked, and was looked at. Raises InvalidInput."""
    ahead = (await ahead_of(tx, [asked.provider_id]))[asked.provider_id]
    taken = rules.take(asked, ahead, at=seen.at)
    off = (*seen.availability.time_off, taken.span)
    after = replace(seen.availability, time_off=off)
    if taken == asked:
        await tx.execute(insert(time_off).values(_columns(taken)))
        await availability_changes.settle(tx, seen, after)
    lying_in_it = tuple(
        conflict
        for conflict in conflicts(after, seen.work, at=seen.at)
        if clash(*conflict.booking.block.span, [taken.span])
    )
    return taken, lying_in_it


async def cancel(tx: AsyncConnection, *, time_off_id: UUID, by: Viewer) -> TimeOff:
    """Be there after all. Cancelling twice is the same as once. Raises NotFound."""
    before = await by_id(tx, time_off_id)
    if before is None or not before.is_visible_to(by):
        raise NotFound("TimeOff")
    seen = await availability_changes.look(tx, before.provider_id)
    # Read again under the lock: of two at once, the later finds it cancelled.
    before = await by_id(tx, time_off_id) or before
    after = rules.cancel(before, at=seen.at)
    if after != before:
        changed = update(time_off).where(_T.id == time_off_id)
        await tx.execute(changed.values(cancelled_at=after.cancelled_at))
        await availability_changes.settle(tx, seen, seen.availability)
    return after


async def by_id(connection: AsyncConnection, time_off_id: UUID) -> TimeOff | None:
    """One stretch of time off, if there is one."""
    row = (await connection.execute(select(time_off).where(_T.id == time_off_id))).one_or_none()
    return time_off_in(row) if row else None


async def ahead_of(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, list[TimeOff]]:
    """The time off of each provider that is not over and not cancelled, earliest first."""
    query = (
        select(time_off)
        .where(_T.provider_id.in_(provider_ids), _T.cancelled_at.is_(None))
        .where(_T.ends_at > func.clock_timestamp())
        .order_by(_T.starts_at, _T.id)
    )
    found: dict[UUID, list[TimeOff]] = {uid: [] for uid in provider_ids}
    for row in await connection.execute(query):
        found[row.provider_id].append(time_off_in(row))
    return found


_PLAIN = (
    *("id", "provider_id", "starts_at", "ends_at", "reason", "requested_at", "requested_by"),
    "cancelled_at",
)


def _columns(value: TimeOff) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _PLAIN}


def time_off_in(row: Row[Any]) -> TimeOff:
    """The time off in a row."""
    return TimeOff(**{name: getattr(row, name) for name in _PLAIN})
