"""How is a series changed, with the bookings that were made of it? With a line on each of them.

Lock order: customer, series, bookings by id, those who count the same time, providers by id,
offers, as in series_bookings.py. Every occurrence is changed within a savepoint of its own; what
cannot be changed is as it was, and unless the change allows for that, nothing is done at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Final

from db import (
    assignments,
    bookings,
    cancellations,
    clock,
    events,
    lifecycle,
    moves,
    occurrences,
    providers,
    series,
    series_bookings,
)
from db.ids import new_id
from domain import series as rules
from domain import series_changes as changes
from domain.booking_steps import STEPS, Act
from domain.events import EventType
from domain.house import DEFAULT, HouseRules
from domain.lifecycle import Details
from domain.local_times import NonexistentLocalTime, shown
from domain.occurrences import (
    Occurrence,
    OccurrenceOutcome,
    OccurrenceState,
    ReportLine,
    SeriesConflicts,
    clash,
)
from domain.refusals import InvalidInput, Refusal
from domain.series import SeriesPlace
from domain.series_changes import Change, SeriesScope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.recurrence import Expand
    from domain.series import Series
    from domain.series_changes import Plan

_GONE: Final = "The series no longer has this visit."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One change being made: by whom, when, and with what."""

    tx: AsyncConnection
    asked: Change
    by: Viewer
    expand: Expand
    house: HouseRules
    at: datetime


async def change(
    tx: AsyncConnection,
    series_id: UUID,
    asked: Change,
    *,
    by: Viewer,
    expand: Expand,
    house: HouseRules = DEFAULT,
) -> tuple[Series, tuple[ReportLine, ...]]:
    """Change one occurrence, one and those that follow, or all that are to come.

    Answers with the series that has them now (a new one, where the old was cut in two) and a line
    for each occurrence. Raises NotFound, SeriesEnded, VersionConflict, AlreadySkipped, InvalidInput
    or SeriesConflicts.
    """
    found = await series.lock_for(tx, series_id, by)
    rules.check_going_on(found)
    rules.check_version(found, asked.expected_version)
    work = _Work(tx=tx, asked=asked, by=by, expand=expand, house=house, at=await clock.now(tx))
    if asked.scope is SeriesScope.THIS:
        after, report = await _one(work, found)
    else:
        after, report = await _many(work, found)
    may_lack = asked.allow_partial and asked.scope is not SeriesScope.THIS
    if any(line.conflict for line in report) and not may_lack:
        raise SeriesConflicts(tuple(replace(line, booking=None) for line in report))
    told = [rules.told(EventType.SERIES_CHANGED, found)]
    if after.id != found.id:
        told.append(rules.told(EventType.SERIES_CREATED, after))
    await events.append(tx, told)
    return after, report


async def _one(work: _Work, found: Series) -> tuple[Series, tuple[ReportLine, ...]]:
    """Change one occurrence. Its identity stays, so that it is neither made again nor dragged."""
    tx, asked, start = work.tx, work.asked, work.asked.start
    known = await occurrences.find(tx, found.id, start)
    if known is None:
        rules.check_start_time(start, found.zone, path="originalStart", at=work.at)
        rules.check_start(found, start, work.expand)
    elif known.state is OccurrenceState.SKIPPED:
        raise rules.AlreadySkipped
    if known is not None and known.booking_id is not None:
        booking = await bookings.lock(tx, known.booking_id)
        line = await _refit(work, found, booking, start, to=asked.new_start)
    else:
        anew = replace(found, asked=asked.applied(found.asked))
        to = asked.new_start or start
        await series_bookings.queue_up(tx, anew, [to], at=work.at)
        line = await series_bookings.book(tx, anew, start, by=work.by, house=work.house, local=to)
        if line.booking is not None:
            await occurrences.forget(tx, found.id, [start])
            await series_bookings.note(tx, found, [line], at=work.at)
    after = replace(found, version=found.version + 1)
    await series.save(tx, after)
    return after, (line,)


async def _many(work: _Work, found: Series) -> tuple[Series, tuple[ReportLine, ...]]:
    """Change all that is to come of a series, from now or from one occurrence on."""
    cut, head, after = _cut(work, found)
    await _check_asked(work, after)
    if after.id != found.id:
        await series.add(work.tx, after)
    seen = {one.original_start: one for one in await occurrences.onwards(work.tx, found.id, cut)}
    made = await _lock_bookings(work.tx, [one.booking_id for one in seen.values()])
    now, horizon = (shown(at, found.zone) for at in (work.at, work.at + rules.AHEAD))
    last = max([horizon, *(start + work.asked.shift for start in seen)])
    starts = _between(work, after, cut + work.asked.shift, last)
    plan = changes.plan(seen, starts, work.asked.shift)
    await series_bookings.queue_up(
        work.tx, after, [s for s in starts if now < s], at=work.at, also=made.values()
    )
    report = await _drop(work, found, [seen[start] for start in plan.dropped], made)
    again = await _rename(work, found, after, seen, plan)
    report += await _refit_all(
        work, found, after, [(seen[old], new) for old, new in plan.kept], made
    )
    fresh = sorted({*again, *(start for start in plan.fresh if now < start <= horizon)})
    booked, later = await series_bookings.book_all(
        work.tx, after, fresh, by=work.by, house=work.house
    )
    await series_bookings.note(work.tx, after, booked, at=work.at)
    within = [start for start in starts if start <= horizon and (later is None or start < later)]
    after = await series_bookings.scheduled(
        work.tx,
        replace(after, done_until=max([now, *within])),
        expand=work.expand,
        at=work.at,
        later=later is not None,
    )
    if after.id != found.id:
        await series_bookings.scheduled(work.tx, head, expand=work.expand, at=work.at)
    return after, tuple(sorted([*report, *booked], key=lambda line: line.original_start))


def _cut(work: _Work, found: Series) -> tuple[datetime, Series, Series]:
    """From which original start on it is changed, what stays of the series, and what comes after.

    The same series twice where it is not cut in two. Raises InvalidInput.
    """
    asked, expand = work.asked, work.expand
    if asked.scope is SeriesScope.ALL:
        if asked.original_start is not None:
            rules.check_start(found, asked.original_start, expand)
        whole = changes.all_of(found, asked, expand)
        return shown(work.at, found.zone), whole, whole
    cut = asked.start
    rules.check_start_time(cut, found.zone, path="originalStart", at=work.at)
    rules.check_start(found, cut, expand)
    parts = changes.split(found, cut, expand)
    if parts is None:
        whole = changes.all_of(found, asked, expand)
        return cut, whole, whole
    tail = changes.tail_of(found, parts.tail, asked, expand, series_id=new_id(), at=work.at)
    return cut, replace(found, rule=parts.head, version=found.version + 1), tail


async def _check_asked(work: _Work, after: Series) -> None:
    wrong = after.request(after.first_local_start, work.at).wrong_fields(at=work.at)
    if wrong:
        raise InvalidInput(*wrong)
    if after.asked.provider_id is not None:
        await providers.get(work.tx, after.asked.provider_id)
    if after.asked.preferred_provider_id is not None:
        await providers.get(work.tx, after.asked.preferred_provider_id)


def _between(work: _Work, after: Series, first: datetime, last: datetime) -> list[datetime]:
    starts = work.expand(after.rule, after.first_local_start)
    return list(takewhile(lambda s: s <= last, dropwhile(lambda s: s < first, starts)))


async def _lock_bookings(tx: AsyncConnection, ids: Sequence[UUID | None]) -> dict[UUID, Booking]:
    wanted = sorted(one for one in ids if one is not None)
    return {one: await bookings.lock(tx, one) for one in wanted}


async def _drop(
    work: _Work, found: Series, dropped: Sequence[Occurrence], made: Mapping[UUID, Booking]
) -> list[ReportLine]:
    """Call off what the new rule does not have. What was moved by itself stays, on its own."""
    report = []
    for one in dropped:
        booking = made.get(one.booking_id) if one.booking_id else None
        if booking is None or Act.CANCEL not in STEPS[booking.status]:
            continue
        if booking.starts_at != rules.instant(found, one.original_start):
            report.append(_kept(one.original_start, booking))
        else:
            report.append(
                await call_off(work.tx, one.original_start, booking, by=work.by, reason=_GONE)
            )
    return report


async def call_off(
    tx: AsyncConnection, start: datetime, booking: Booking, *, by: Viewer, reason: str
) -> ReportLine:
    """Call an occurrence's booking off if that costs nothing; otherwise it stands."""
    try:
        async with tx.begin_nested():
            cancelled = await cancellations.cancel(tx, booking_id=booking.id, by=by, reason=reason)
    except Refusal as refusal:
        return clash(start, booking.starts_at, refusal, booking=booking)
    return ReportLine(
        original_start=start,
        outcome=OccurrenceOutcome.CALLED_OFF,
        starts_at=booking.starts_at,
        booking=cancelled,
    )


async def _rename(
    work: _Work,
    found: Series,
    after: Series,
    seen: Mapping[datetime, Occurrence],
    plan: Plan,
) -> list[datetime]:
    """Know each occurrence by its new original start. Answers with the conflicts, which are of the
    old times: they are to be tried again."""
    await occurrences.forget(work.tx, found.id, list(seen))
    await series.detach(work.tx, [one.booking_id for one in seen.values()])
    renamed = [replace(seen[old], series_id=after.id, original_start=new) for old, new in plan.kept]
    await occurrences.keep(work.tx, [one for one in renamed if one.conflict is None])
    for one in renamed:
        if one.booking_id is not None:
            place = SeriesPlace(series_id=after.id, original_start=one.original_start)
            await series.attach(work.tx, one.booking_id, place)
    return [one.original_start for one in renamed if one.conflict is not None]


async def _refit_all(
    work: _Work,
    found: Series,
    after: Series,
    kept: Sequence[tuple[Occurrence, datetime]],
    made: Mapping[UUID, Booking],
) -> list[ReportLine]:
    """Bring the bookings that stay in line with the changed series."""
    report = []
    for one, new in kept:
        booking = made.get(one.booking_id) if one.booking_id else None
        if booking is None or Act.RESCHEDULE not in STEPS[booking.status]:
            continue
        if booking.starts_at != rules.instant(found, one.original_start):
            report.append(_kept(new, booking))
        else:
            report.append(await _refit(work, after, booking, new, to=new))
    return report


def _kept(start: datetime, booking: Booking) -> ReportLine:
    return ReportLine(
        original_start=start,
        outcome=OccurrenceOutcome.KEPT,
        starts_at=booking.starts_at,
        booking=booking,
    )


async def _refit(
    work: _Work, found: Series, booking: Booking, start: datetime, *, to: datetime | None
) -> ReportLine:
    """Bring one booking in line with what is asked; `to` is where it goes, if anywhere."""
    try:
        starts_at = booking.starts_at if to is None else found.starts_at(to)
    except NonexistentLocalTime as skipped:
        return clash(start, None, skipped, booking=booking)
    try:
        async with work.tx.begin_nested():
            changed = await _apply(work, found, booking, starts_at)
    except Refusal as refusal:
        return clash(start, starts_at, refusal, booking=booking)
    outcome = (
        OccurrenceOutcome.MOVED
        if changed.starts_at != booking.starts_at
        else OccurrenceOutcome.CHANGED
    )
    if changed.version == booking.version:
        outcome = OccurrenceOutcome.KEPT
    return ReportLine(
        original_start=start, outcome=outcome, starts_at=changed.starts_at, booking=changed
    )


async def _apply(work: _Work, found: Series, booking: Booking, starts_at: datetime) -> Booking:
    tx, asked = work.tx, work.asked
    # A series that names its provider keeps to them, unless the change names another.
    named = asked.provider_id is None and found.asked.provider_id is not None
    changed = await moves.reschedule(
        tx,
        booking_id=booking.id,
        by=work.by,
        starts_at=starts_at,
        keep_provider=named and found.asked.provider_id == booking.provider_id,
        house=work.house,
    )
    if asked.provider_id is not None:
        changed = await assignments.assign(
            tx,
            booking_id=booking.id,
            provider_id=asked.provider_id,
            by=work.by,
        )
    if asked.details != Details():
        changed = await lifecycle.edit(
            tx, booking_id=booking.id, by=work.by, details=asked.details, expected_version=None
        )
    return changed
