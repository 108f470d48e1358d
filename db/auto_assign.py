"""Giving what nobody has taken to somebody, all of it together.

Reading and planning lock nothing: a plan is a proposal. It is carried out in transactions of many
bookings each, where everything is looked at again under the locks; what has changed meanwhile is
left as it is, for a later run. So a run that dies half-way loses nothing: what it had not come to
is still due.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from db import auto_runs, batch_candidates, bookings, candidates, clock, explanations, giving
from db.engine import is_retryable
from db.ids import new_id
from db.tables import bookings as bookings_table
from domain import auto_assign as rules
from domain.auto_assign import MOST_AT_ONCE, MOST_NAMED, Assigned, Report, may_be_given
from domain.house import DEFAULT, HouseRules
from domain.matching import batch, rank
from domain.matching.batch import LOOKED_AT, Unassigned, Why
from domain.matching.pairs import Waiting
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.bookings import Booking
    from domain.matching import Candidate, Work
    from domain.matching.batch import Plan, Solver
    from domain.people import Viewer

T = TypeVar("T")

#: Bookings of one transaction, which holds their locks for some tens of milliseconds.
CHUNK: Final = 50

_B = bookings_table.c


async def run(
    database: Database,
    *,
    solver: Solver,
    house: HouseRules = DEFAULT,
    by: Viewer | None = None,
    booking_ids: Sequence[UUID] | None = None,
    dry_run: bool = False,
) -> Report:
    """Give the bookings that are due, or those that are named, to whom they suit best together.

    `by` is whoever asked; None when the clock did. A dry run changes nothing and leaves no trace,
    nor does one that finds nothing waiting. Raises NotFound for a name that is none's, and
    InvalidInput for too many names.
    """
    async with database.read() as connection:
        at = await clock.now(connection)
        # Somebody who asks waits for the answer, in a process that serves others too.
        most = MOST_NAMED if by is not None else MOST_AT_ONCE
        found = await _found(connection, booking_ids, most)
        open_ = [booking for booking in found if may_be_given(booking, at=at)]
        waiting = await _waiting(connection, open_, at=at, house=house, explained=by is not None)
        closed = [
            Unassigned(booking_id=booking.id, why=Why.NOT_OPEN)
            for booking in found
            if not may_be_given(booking, at=at)
        ]
    # Seconds of arithmetic for hundreds of bookings: others are served meanwhile.
    plan = await asyncio.to_thread(batch.plan, waiting, at=at, solver=solver)
    if dry_run:
        async with database.read() as connection:
            assigned = await _proposed(connection, plan, open_, at=at, house=house)
        changed: list[UUID] = []
    else:
        assigned, changed = await _carried_out(database, plan, waiting, house=house, by=by)
    left = [Unassigned(booking_id=booking_id, why=Why.CHANGED) for booking_id in changed]
    report = rules.report(
        plan,
        assigned,
        [*plan.unassigned, *left, *closed],
        waiting=len(waiting),
        run_id=new_id(),
        by=by,
        at=at,
    )
    if waiting and not dry_run:
        async with database.begin() as tx:
            await auto_runs.add(tx, report.run)
    return report


async def is_due(connection: AsyncConnection) -> bool:
    """Is there anything to be given away?"""
    return await connection.scalar(select(_B.id).where(_is_due()).limit(1)) is not None


def _is_due() -> ColumnElement[bool]:
    now = func.clock_timestamp()
    # What has begun is given up elsewhere.
    return (_B.auto_due_at <= now) & (_B.starts_at > now)


async def _found(
    connection: AsyncConnection, booking_ids: Sequence[UUID] | None, most: int
) -> list[Booking]:
    if booking_ids is None:
        due = select(bookings_table).where(_is_due()).order_by(_B.auto_due_at, _B.id)
        rows = await connection.execute(due.limit(most))
        return [bookings.booking(row) for row in rows]
    rules.check_named(booking_ids)
    named = await bookings.by_ids(connection, booking_ids)
    if len(named) < len(set(booking_ids)):
        raise NotFound("Booking")
    return named


async def _waiting(
    connection: AsyncConnection,
    open_: Sequence[Booking],
    *,
    at: datetime,
    house: HouseRules,
    explained: bool,
) -> list[Waiting]:
    """The bookings with who might do them; and where nobody might and somebody wants it
    `explained`, with those who are nearest."""
    works = [candidates.work_of(one, reach_miles=house.waves.auto_miles) for one in open_]
    if not works:
        return []
    found = await batch_candidates.of_works(connection, works, at=at, policy=house.policy)
    if explained:
        for work in works[: rules.MOST_NAMED]:
            if not found[work.booking_id]:
                found[work.booking_id] = await _nearest(connection, work, at=at)
    return [Waiting(work=work, candidates=found[work.booking_id]) for work in works]


async def _nearest(
    connection: AsyncConnection, work: Work, *, at: datetime
) -> tuple[Candidate, ...]:
    near = list(await connection.scalars(explanations.nearest(work, limit=LOOKED_AT)))
    return tuple(await candidates.of_providers(connection, work, near, at=at))


async def _proposed(
    connection: AsyncConnection,
    plan: Plan,
    open_: Sequence[Booking],
    *,
    at: datetime,
    house: HouseRules,
) -> list[Assigned]:
    """What the plan would do, in words."""
    known = {booking.id: booking for booking in open_}
    pairs = [(pair.work, pair.provider_id) for pair in plan.assigned]
    record = house.scores_records
    facts = await batch_candidates.of_pairs(connection, pairs, at=at, record=record)
    scored = [
        rank(pair.work, [candidate], at=at, policy=house.policy)[0]
        for pair, candidate in zip(plan.assigned, facts, strict=True)
    ]
    return [
        Assigned(
            booking=known[pair.booking_id],
            provider_id=pair.provider_id,
            reasons=one.score.reasons,
            distance_miles=pair.distance_miles,
            cost=pair.cost,
        )
        for pair, one in zip(plan.assigned, scored, strict=True)
    ]


async def _carried_out(
    database: Database,
    plan: Plan,
    waiting: Sequence[Waiting],
    *,
    house: HouseRules,
    by: Viewer | None,
) -> tuple[list[Assigned], list[UUID]]:
    """What was given away, and what could no longer be."""
    out_of = {one.work.booking_id: len(one.candidates) for one in waiting}
    assigned: list[Assigned] = []
    for pairs in _chunks(plan.assigned):
        give = partial(giving.give, pairs=pairs, out_of=out_of, house=house, by=by)
        assigned += await _unless_locked(database, give)
    for left in _chunks([one.booking_id for one in plan.unassigned]):
        await _unless_locked(database, partial(giving.fail, booking_ids=left, house=house))
    done = {one.booking.id for one in assigned}
    return assigned, [pair.booking_id for pair in plan.assigned if pair.booking_id not in done]


async def _unless_locked(
    database: Database, change: Callable[[AsyncConnection], Awaitable[list[Assigned]]]
) -> list[Assigned]:
    """One transaction of a run. Where others are in its way it is left to a later run: trying it
    again would hold up all that comes after it."""
    try:
        async with database.begin() as tx:
            return await change(tx)
    except DBAPIError as error:
        if not is_retryable(error):
            raise
        return []


def _chunks(all_: Sequence[T]) -> list[Sequence[T]]:
    return [all_[start : start + CHUNK] for start in range(0, len(all_), CHUNK)]
