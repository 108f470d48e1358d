"""Is forgotten work completed, and due work begun, once and only when its time has come?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from db.tables import bookings, providers
from domain.booking_steps import BookingStatus
from domain.house import HouseRules
from tests.factories import (
    add_booking,
    add_customer,
    add_provider,
    add_service,
    now,
    read_booking,
)
from tests.outside import an_outside
from workers.jobs import Context
from workers.lifecycle import close_booking, end_booking, open_booking
from workers.sweeps import bookings_passed_by, forgotten_work, work_to_start

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from workers.queue import JobQueue


@pytest.fixture
def context(database: Database, jobs: JobQueue) -> Context:
    return Context(database=database, jobs=jobs, queue="critical", outside=an_outside())


async def begun(database: Database, *, ended: timedelta) -> Booking:
    """Work in progress whose window closed so long ago."""
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    at = await now(database)
    start = at - ended - timedelta(hours=2)
    facts = {"starts_at": start, "provider_id": provider.user_id, "assigned_at": start}
    times = {"paid_at": start, "started_at": start, "match_due_at": None}
    return await add_booking(database, customer, service, **facts, **times)


async def confirmed(database: Database, *, starts_at: datetime) -> Booking:
    service, customer = await add_service(database), await add_customer(database)
    provider = await add_provider(database, service)
    at = await now(database)
    facts = {"provider_id": provider.user_id, "assigned_at": at, "paid_at": at}
    return await add_booking(
        database, customer, service, starts_at=starts_at, match_due_at=None, **facts
    )


async def jobs_done(database: Database, provider_id: UUID | None) -> int | None:
    async with database.read() as connection:
        query = select(providers.c.completed_jobs).where(providers.c.id == provider_id)
        return await connection.scalar(query)


async def test_work_that_was_forgotten_for_twelve_hours_is_completed_once(
    context: Context, database: Database
) -> None:
    forgotten = await begun(database, ended=timedelta(hours=12, seconds=1))
    fresh = await begun(database, ended=timedelta(hours=11, minutes=59))

    assert await forgotten_work(context) == 1
    for booking in (forgotten, forgotten, fresh):
        await close_booking(context, str(booking.id))

    assert (await read_booking(database, forgotten.id)).status is BookingStatus.COMPLETED
    assert await jobs_done(database, forgotten.provider_id) == 1
    assert (await read_booking(database, fresh.id)) == fresh
    assert await forgotten_work(context) == 0


async def test_confirmed_work_begins_by_the_clock_only_where_the_house_says_so(
    context: Context, database: Database
) -> None:
    at = await now(database)
    due = await confirmed(database, starts_at=at - timedelta(seconds=1))
    later = await confirmed(database, starts_at=at + timedelta(minutes=1))
    by_the_clock = replace(context, house=HouseRules(auto_start=True))

    assert await work_to_start(context) == 0
    assert await work_to_start(by_the_clock) == 1
    for booking in (due, due, later):
        await open_booking(by_the_clock, str(booking.id))

    assert (await read_booking(database, due.id)).status is BookingStatus.IN_PROGRESS
    assert await read_booking(database, later.id) == later


async def test_work_whose_terms_are_not_accepted_does_not_begin_by_itself(
    context: Context, database: Database
) -> None:
    due = await confirmed(database, starts_at=await now(database) - timedelta(seconds=1))
    async with database.begin() as tx:
        mine = update(bookings).where(bookings.c.id == due.id)
        await tx.execute(mine.values(needs_terms=True))
    by_the_clock = replace(context, house=HouseRules(auto_start=True))

    assert await work_to_start(by_the_clock) == 0
    await open_booking(by_the_clock, str(due.id))

    assert (await read_booking(database, due.id)).status is BookingStatus.CONFIRMED


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ({}, BookingStatus.CANCELLED),
        ({"needs_approval": True}, BookingStatus.DECLINED),
        ({"needs_terms": True}, BookingStatus.CANCELLED),
    ],
)
async def test_what_nobody_was_to_come_for_ends_with_its_window(
    context: Context, database: Database, facts: dict[str, bool], ends: BookingStatus
) -> None:
    service, customer = await add_service(database), await add_customer(database)
    start = await now(database) - timedelta(hours=2)
    over = await add_booking(
        database, customer, service, starts_at=start - timedelta(seconds=1), **facts
    )
    later = await add_booking(
        database, customer, service, starts_at=start + timedelta(minutes=1), **facts
    )
    staffed = await confirmed(database, starts_at=start - timedelta(minutes=1))

    assert await bookings_passed_by(context) == 1
    for booking in (over, over, later, staffed):
        await end_booking(context, str(booking.id))

    assert (await read_booking(database, over.id)).status is ends
    assert await read_booking(database, later.id) == later
    assert await read_booking(database, staffed.id) == staffed
