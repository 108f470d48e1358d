"""How are bookings made of a series? Sixty days ahead, and each of them once.

Lock order: customer, series, bookings by id, those who count the same time, providers by id,
offers. A series' own row is locked by whatever makes or changes its occurrences, so what has been
seen to is never seen to twice: `done_until` says how far it is, the occurrences' primary key and
the bookings' unique index hold it. Each occurrence is made within a savepoint, so that one refusal
leaves the others as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from db import (
    accounts,
    bookable,
    bookings,
    clock,
    events,
    idempotency,
    occurrences,
    providers,
    requests,
    series,
    services,
)
from db.ids import new_id
from domain import series as rules
from domain.events import EventType
from domain.house import DEFAULT, HouseRules
from domain.local_times import NonexistentLocalTime
from domain.occurrences import (
    Occurrence,
    OccurrenceOutcome,
    OccurrenceState,
    ReportLine,
    SeriesConflicts,
    clash,
)
from domain.people import Role, Viewer
from domain.refusals import NotFound, Refusal
from domain.requests import draft, outline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.idempotency import Key
    from domain.recurrence import Expand
    from domain.series import Order, Series

#: What the job acts by: nobody's session.
_NO_SESSION: Final = UUID(int=0)


async def create(
    tx: AsyncConnection,
    order: Order,
    *,
    by: Viewer,
    expand: Expand,
    house: HouseRules = DEFAULT,
    key: Key | None = None,
) -> tuple[Series, tuple[ReportLine, ...]]:
    """Make a series and the bookings of its next sixty days, and report on each of them.

    The same key and body answer with the series that was made first. Raises SeriesConflicts when
    one cannot be made and the order does not allow for it; InvalidInput, NotFound, RulesBroken
    (too many series) or ServiceInactive for what is wrong with all of them.
    """
    series_id = new_id()
    if key is not None:
        first = await idempotency.claim(tx, key, user_id=by.user_id, result_id=series_id)
        if first != series_id:
            made = await series.get(tx, first)
            return made, await _first_report(tx, made)
    if not by.is_staff and order.asked.customer_id != by.user_id:
        raise NotFound("Customer")
    await bookable.lock_customer(tx, order.asked.customer_id)
    at = await clock.now(tx)
    new = rules.draft(order, series_id=series_id, expand=expand, at=at)
    await _check(tx, new, by=by, house=house, at=at)
    await series.add(tx, new)
    made, report = await catch_up(tx, new, by=by, expand=expand, house=house, at=at)
    if not order.allow_partial and any(line.conflict for line in report):
        raise SeriesConflicts(tuple(replace(line, booking=None) for line in report))
    await events.append(tx, [rules.told(EventType.SERIES_CREATED, made)])
    return made, report


async def extend(
    tx: AsyncConnection, series_id: UUID, *, expand: Expand, house: HouseRules = DEFAULT
) -> datetime | None:
    """Make the bookings that have come within sixty days, if it is time to look for them.

    Whoever calls it, and however often: what was seen to is left alone. Conflicts are kept and
    told of. Returns when to look again, or None when nothing is left. Raises NotFound.
    """
    found = await series.lock(tx, series_id)
    at = await clock.now(tx)
    if found.next_due_at is None or found.next_due_at > at:
        return found.next_due_at
    customer_id = found.customer_id
    if (await accounts.by_ids(tx, [customer_id]))[customer_id].is_disabled:
        # The house has closed the account; nothing is booked for it, unless it is opened again.
        await series.save(tx, replace(found, next_due_at=at + rules.LATER))
        return at + rules.LATER
    by = Viewer(user_id=customer_id, role=Role.CUSTOMER, session_id=_NO_SESSION)
    done, report = await catch_up(tx, found, by=by, expand=expand, house=house, at=at)
    if any(line.conflict for line in report):
        await events.append(tx, [rules.told(EventType.SERIES_OCCURRENCE_CONFLICT, done)])
    return done.next_due_at


async def catch_up(
    tx: AsyncConnection,
    found: Series,
    *,
    by: Viewer,
    expand: Expand,
    house: HouseRules,
    at: datetime,
) -> tuple[Series, tuple[ReportLine, ...]]:
    """See to all that is due of a series whose row the caller has locked, or has just made."""
    known = await occurrences.seen_ahead(tx, found)
    due = rules.window(found, expand, at=at, known=known)
    await queue_up(tx, found, due.starts, at=at)
    report, later = await book_all(tx, found, due.starts, by=by, house=house)
    await note(tx, found, report, at=at)
    done_until = report[-1].original_start if report else found.done_until
    next_due_at = at + rules.LATER if later else rules.due_at(found, due.next_start)
    done = replace(found, done_until=done_until, next_due_at=next_due_at)
    await series.save(tx, done)
    return done, tuple(report)


async def book_all(
    tx: AsyncConnection,
    found: Series,
    starts: Iterable[datetime],
    *,
    by: Viewer,
    house: HouseRules,
) -> tuple[list[ReportLine], datetime | None]:
    """Book occurrences in order, as far as their service is booked ahead; with a line for each of
    them, and the first that has to wait."""
    report: list[ReportLine] = []
    for start in starts:
        line = await book(tx, found, start, by=by, house=house)
        if line.is_too_early:
            return report, start
        report.append(line)
    return report, None


async def book(
    tx: AsyncConnection,
    found: Series,
    start: datetime,
    *,
    by: Viewer,
    house: HouseRules,
    local: datetime | None = None,
) -> ReportLine:
    """Book one occurrence, at its own wall time or at another one, or say what is against it."""
    try:
        starts_at = found.starts_at(local or start)
    except NonexistentLocalTime as skipped:
        return clash(start, None, skipped)
    try:
        async with tx.begin_nested():
            booking = await requests.request(
                tx, found.request(start, starts_at), by=by, house=house
            )
    except Refusal as refusal:
        return clash(start, starts_at, refusal)
    return ReportLine(
        original_start=start, outcome=OccurrenceOutcome.BOOKED, starts_at=starts_at, booking=booking
    )


async def queue_up(
    tx: AsyncConnection,
    found: Series,
    locals_: Iterable[datetime],
    *,
    at: datetime,
    also: Iterable[Booking] = (),
) -> None:
    """Take every lock that booking at these wall times takes, in order, before the first is booked:
    one by one, the second's would come after the first's provider.

    `also` are bookings, locked by the caller, that are to be moved to one of the times.
    """
    service, moving = await services.get(tx, found.asked.service_id), list(also)
    # What is not in the catalogue any more is refused before it takes a lock.
    for local in sorted(locals_) if service.active else ():
        starts_at = rules.instant(found, local)
        if starts_at is not None:
            asked = found.request(local, starts_at)
            # Whoever moves a booking may have to look for somebody new.
            asked = replace(asked, provider_id=None) if moving else asked
            await bookable.queue_up(tx, outline(asked, service, booking_id=found.id, at=at))
    theirs = {found.asked.provider_id, *(one.provider_id for one in moving)}
    await providers.lock(tx, sorted(one for one in theirs if one is not None))


async def scheduled(
    tx: AsyncConnection, changed: Series, *, expand: Expand, at: datetime, later: bool = False
) -> Series:
    """Keep a changed series, with when to look for its next occurrence again."""
    known = await occurrences.seen_ahead(tx, changed)
    due = rules.window(changed, expand, at=at, known=known)
    first = next(iter((*due.starts, due.next_start)))
    next_due_at = at + rules.LATER if later else rules.due_at(changed, first)
    kept = replace(changed, next_due_at=next_due_at)
    await series.save(tx, kept)
    return kept


async def _check(
    tx: AsyncConnection, new: Series, *, by: Viewer, house: HouseRules, at: datetime
) -> None:
    """What is wrong with an order whatever its times are. Raises what `create` raises for it."""
    service = await services.get(tx, new.asked.service_id)
    draft(new.request(new.first_local_start, at), service, booking_id=new.id, at=at)
    if new.asked.provider_id is not None:
        await providers.get(tx, new.asked.provider_id)
    if new.asked.preferred_provider_id is not None:
        await providers.get(tx, new.asked.preferred_provider_id)
    if not by.is_staff:
        rules.check_limit(house, await series.going_on(tx, new.customer_id))


async def note(
    tx: AsyncConnection, found: Series, report: Iterable[ReportLine], *, at: datetime
) -> None:
    """Keep what became of occurrences that nothing was known of before."""
    await occurrences.keep(tx, [_noted(found, line, at) for line in report])


def _noted(found: Series, line: ReportLine, at: datetime) -> Occurrence:
    return Occurrence(
        series_id=found.id,
        original_start=line.original_start,
        state=OccurrenceState.BOOKED if line.booking else OccurrenceState.CONFLICT,
        booking_id=line.booking.id if line.booking else None,
        conflict=line.conflict,
        noted_at=at,
    )


async def _first_report(connection: AsyncConnection, made: Series) -> tuple[ReportLine, ...]:
    """The report that was given when a series was made."""
    seen = await occurrences.noted_at(connection, made.id, made.created_at)
    ids = [one.booking_id for one in seen if one.booking_id]
    booked = {one.id: one for one in await bookings.by_ids(connection, ids)}
    return tuple(
        ReportLine(
            original_start=one.original_start,
            outcome=OccurrenceOutcome.CONFLICT if one.conflict else OccurrenceOutcome.BOOKED,
            starts_at=rules.instant(made, one.original_start),
            booking=booked.get(one.booking_id) if one.booking_id else None,
            conflict=one.conflict,
        )
        for one in seen
    )
