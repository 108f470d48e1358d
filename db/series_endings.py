"""Which occurrences of a series are left out, and when is there no more of it?

Lock order: customer, series, booking, those who count the same time, providers, offers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from db import bookings, cancellations, clock, events, occurrences, series, series_bookings
from db.series_changes import call_off
from db.tables import bookings as bookings_table
from domain import series as rules
from domain.booking_steps import STEPS, Act
from domain.events import EventType
from domain.house import DEFAULT, HouseRules
from domain.occurrences import Occurrence, OccurrenceState, SeriesConflicts

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.occurrences import ReportLine
    from domain.people import Viewer
    from domain.recurrence import Expand
    from domain.series import Series

_SKIPPED: Final = "Skipped."
_ENDED: Final = "The series has ended."


async def skip(
    tx: AsyncConnection,
    series_id: UUID,
    start: datetime,
    *,
    by: Viewer,
    expand: Expand,
    expected_fee_minor: int = 0,
) -> Series:
    """Leave one occurrence out, and call its booking off if there is one already.

    Raises NotFound, SeriesEnded, InvalidInput, AlreadySkipped, and what calling a booking off does.
    """
    found = await series.lock_for(tx, series_id, by)
    rules.check_going_on(found)
    known = await occurrences.find(tx, series_id, start)
    at = await clock.now(tx)
    if known is None:
        rules.check_start_time(start, found.zone, path="originalStart", at=at)
        rules.check_start(found, start, expand)
    elif known.state is OccurrenceState.SKIPPED:
        raise rules.AlreadySkipped
    booking_id = known.booking_id if known else None
    if booking_id is not None and not await _is_called_off(tx, booking_id):
        await cancellations.cancel(
            tx,
            booking_id=booking_id,
            by=by,
            reason=_SKIPPED,
            expected_fee_minor=expected_fee_minor,
        )
    left_out = Occurrence(
        series_id=series_id,
        original_start=start,
        state=OccurrenceState.SKIPPED,
        booking_id=booking_id,
        noted_at=at,
    )
    await occurrences.forget(tx, series_id, [start])
    await occurrences.keep(tx, [left_out])
    return await _changed(tx, found, expand=expand, at=at)


async def unskip(
    tx: AsyncConnection,
    series_id: UUID,
    start: datetime,
    *,
    by: Viewer,
    expand: Expand,
    house: HouseRules = DEFAULT,
) -> tuple[Series, ReportLine | None]:
    """Take an occurrence up again that was skipped, or whose booking was called off.

    No line means that its booking will be made when its time has come. Raises NotFound,
    SeriesEnded, NotSkipped, InvalidInput or SeriesConflicts.
    """
    found = await series.lock_for(tx, series_id, by)
    rules.check_going_on(found)
    known = await occurrences.find(tx, series_id, start)
    if known is None or not await _is_given_up(tx, known):
        raise rules.NotSkipped
    at = await clock.now(tx)
    rules.check_start_time(start, found.zone, path="originalStart", at=at)
    await occurrences.forget(tx, series_id, [start])
    await series.detach(tx, [known.booking_id])
    if found.done_until is None or start > found.done_until:
        return await _changed(tx, found, expand=expand, at=at), None
    await series_bookings.queue_up(tx, found, [start], at=at)
    line = await series_bookings.book(tx, found, start, by=by, house=house)
    if line.conflict is not None:
        raise SeriesConflicts((line,))
    await series_bookings.note(tx, found, [line], at=at)
    return await _changed(tx, found, expand=expand, at=at), line


async def end(
    tx: AsyncConnection, series_id: UUID, *, by: Viewer, cancel_upcoming: bool
) -> tuple[Series, tuple[ReportLine, ...]]:
    """Make no more bookings of a series and, if so asked, call off those that lie ahead.

    Only what costs nothing is called off: a line says which bookings would cost a fee, and they
    stand. Raises NotFound or SeriesEnded.
    """
    found = await series.lock_for(tx, series_id, by)
    rules.check_going_on(found)
    report: list[ReportLine] = []
    if cancel_upcoming:
        b = bookings_table.c
        ahead = (b.series_id == series_id) & (b.starts_at > await clock.now(tx))
        ids = await tx.execute(select(b.id, b.original_start).where(ahead).order_by(b.id))
        made = [(await bookings.lock(tx, row.id), row.original_start) for row in ids]
        report = [
            await call_off(tx, start, booking, by=by, reason=_ENDED)
            for booking, start in sorted(made, key=lambda one: one[1])
            if Act.CANCEL in STEPS[booking.status]
        ]
    at = await clock.now(tx)
    ended = replace(found, version=found.version + 1, ended_at=at, next_due_at=None)
    await series.save(tx, ended)
    await events.append(tx, [rules.told(EventType.SERIES_ENDED, ended)])
    return ended, tuple(report)


async def _changed(tx: AsyncConnection, found: Series, *, expand: Expand, at: datetime) -> Series:
    bumped = replace(found, version=found.version + 1)
    after = await series_bookings.scheduled(tx, bumped, expand=expand, at=at)
    await events.append(tx, [rules.told(EventType.SERIES_CHANGED, after)])
    return after


async def _is_given_up(tx: AsyncConnection, known: Occurrence) -> bool:
    if known.state is OccurrenceState.SKIPPED:
        return True
    return known.booking_id is not None and await _is_called_off(tx, known.booking_id)


async def _is_called_off(tx: AsyncConnection, booking_id: UUID) -> bool:
    booking = await bookings.lock(tx, booking_id)
    return bool(booking.cancelled_at or booking.declined_at)
