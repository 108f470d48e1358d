"""A provider cannot come: away for the stretch, out of their work in it, and off shift.

Lock order: holds and bookings by id, provider, offers. Work that reaches the provider while we wait
for their lock is found after it, and then everything is locked anew.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from db import (
    availability_changes,
    bookings,
    clock,
    holds,
    providers,
    shifts,
    time_off,
    withdrawals,
)
from db.ids import new_id
from db.tables import bookings as bookings_table
from domain import unavailability as rules
from domain.booking_steps import UNFINISHED
from domain.holds import HoldEnding
from domain.people import whose
from domain.shifts import NotOnShift, WorkInProgress
from domain.time_off import TimeOff, check
from domain.unavailability import Unavailability

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.holds import Hold
    from domain.people import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Theirs:
    """What is kept of a provider's time in a stretch, and the work they have in it."""

    held: list[Hold]
    work: list[Booking]

    @property
    def ids(self) -> frozenset[UUID]:
        """Which they are."""
        return frozenset({*(one.id for one in self.held), *(one.id for one in self.work)})


async def report(
    tx: AsyncConnection,
    *,
    by: Viewer,
    provider_id: UUID | None = None,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
) -> Unavailability:
    """Take time off at once, and give back and offer anew all work in it that has not begun.

    Open offers and holds in it end; who is away from now on, and not in the middle of a job, is off
    shift. Reporting the same again changes nothing and answers the same. Raises InvalidInput or
    NotFound.
    """
    uid = whose(by, provider_id)
    asked = TimeOff(
        id=new_id(),
        provider_id=uid,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        requested_at=await clock.now(tx),
        requested_by=by.user_id,
    )
    # Before anybody is kept waiting for what cannot be.
    check(asked, at=asked.requested_at)
    theirs = await _lock(tx, asked)
    seen = await availability_changes.look(tx, uid)
    parted = rules.affected(theirs.work, at=seen.at)
    for booking in parted.given_back:
        await withdrawals.give_back(
            tx, booking, provider_id=uid, reason=reason, words=rules.WORDS, by=by, at=seen.at
        )
    for one in theirs.held:
        await holds.end(tx, one, HoldEnding.RELEASED, at=seen.at)
    given_back = {booking.id for booking in parted.given_back}
    left = tuple(booking for booking in seen.work if booking.id not in given_back)
    taken, _ = await time_off.take(
        tx, replace(seen, work=left), replace(asked, requested_at=seen.at)
    )
    if rules.has_begun(taken, at=seen.at):
        with suppress(NotOnShift, WorkInProgress):
            await shifts.clock_out(tx, provider_id=uid, note=None)
    made = await withdrawals.made_at(tx, uid, [taken.requested_at, seen.at])
    return Unavailability(time_off=taken, withdrawals=tuple(made), kept=parted.kept)


async def _lock(tx: AsyncConnection, asked: TimeOff) -> _Theirs:
    while True:
        attempt = await tx.begin_nested()
        found = await _find(tx, asked, lock=True)
        await providers.lock(tx, [asked.provider_id])
        # From here on nothing new reaches them. What did while we waited has to be locked before
        # the provider, not after: whoever has it may be waiting for the provider.
        if (await _find(tx, asked, lock=False)).ids <= found.ids:
            await attempt.commit()
            return found
        await attempt.rollback()


async def _find(tx: AsyncConnection, asked: TimeOff, *, lock: bool) -> _Theirs:
    starts_at, ends_at = asked.span
    held = await holds.of_provider(
        tx, asked.provider_id, starts_at=starts_at, ends_at=ends_at, lock=lock
    )
    b = bookings_table.c
    touching = func.tstzrange(b.starts_at, b.ends_at).op("&&")(func.tstzrange(starts_at, ends_at))
    query = (
        select(bookings_table)
        .where(b.provider_id == asked.provider_id, touching, b.status.in_(sorted(UNFINISHED)))
        .order_by(b.id)
    )
    rows = await tx.execute(query.with_for_update() if lock else query)
    return _Theirs(held=held, work=[bookings.booking(row) for row in rows])
