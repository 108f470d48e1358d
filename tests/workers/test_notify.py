"""Do people hear of what happened, even if nobody's wake-up ever came?"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from db import outbox, reminders
from db.tables import events, untold_events
from db.tables import reminders as table
from domain.bookings import happened
from domain.events import EventType
from domain.messages import Message, ReminderKind
from tests.factories import (
    a_booking,
    add_booking,
    add_customer,
    add_provider,
    add_service,
    count_rows,
    now,
    shift_time,
)
from tests.notes import happen, told
from tests.outside import an_outside
from workers import sweeps
from workers.jobs import Context
from workers.notify import notify
from workers.reminders import remind

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from workers.queue import JobQueue

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def ctx(database: Database, jobs: JobQueue) -> Context:
    """What jobs work with."""
    return Context(database=database, jobs=jobs, queue="slow", outside=an_outside())


async def assigned(database: Database) -> tuple[Viewer, Viewer, Booking]:
    """A booking in five days of a provider and a customer, not paid."""
    customer, service = await add_customer(database), await add_service(database)
    provider, at = await add_provider(database, service), await now(database)
    facts: dict[str, Any] = {
        "provider_id": provider.user_id,
        "assigned_at": at,
        "match_due_at": None,
        "starts_at": at + 5 * DAY,
    }
    return customer, provider, await add_booking(database, customer, service, **facts)


async def queued(jobs: JobQueue) -> list[str]:
    """The keys of the calls that wait."""
    found = await jobs.redis.zrange(jobs.name("slow"), 0, -1)
    return sorted(key.decode().partition(":")[2] for key in found)


async def test_the_job_tells_plans_the_reminders_and_wakes_who_sends(
    ctx: Context, database: Database
) -> None:
    customer, provider, booking = await assigned(database)
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))

    await notify(ctx, str(event_id))

    assert await told(database) == [
        (customer.user_id, Message.PROVIDER_ASSIGNED),
        (provider.user_id, Message.JOB_ASSIGNED),
    ]
    async with database.read() as connection:
        assert set(await reminders.of_booking(connection, booking.id)) == set(ReminderKind)
    assert await queued(ctx.jobs) == ["deliver:EMAIL"]


async def test_run_again_and_again_at_once_it_tells_once(ctx: Context, database: Database) -> None:
    _, _, booking = await assigned(database)
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))

    await asyncio.gather(*(notify(ctx, str(event_id)) for _ in range(5)))

    assert len(await told(database)) == 2


async def test_of_a_booking_that_was_deleted_since_nothing_is_told_and_nothing_breaks(
    ctx: Context, database: Database
) -> None:
    gone = happened(EventType.BOOKING_RESCHEDULED, a_booking())

    await notify(ctx, str(await happen(database, gone)))

    assert await told(database) == []


async def test_an_event_whose_wake_up_was_lost_is_found_and_told(
    ctx: Context, database: Database
) -> None:
    _, _, booking = await assigned(database)
    told_of = happened(EventType.BOOKING_ASSIGNED, booking)
    untold = happened(EventType.BOOKING_EDITED, booking)
    event_id = await happen(database, untold, told_of)
    async with outbox.hold(database) as held:
        assert await held.sequence(10) == 2
    # Nobody told the workers; after a while it is noticed.
    assert await sweeps.untold_events(ctx) == 0
    late = untold_events.c.since - timedelta(seconds=11)
    async with database.begin() as tx:
        await tx.execute(update(untold_events).values(since=late))

    assert await sweeps.untold_events(ctx) == 1
    # By a key of its own: the call of a worker that died keeps others by the same key waiting.
    [call] = await queued(ctx.jobs)
    assert call.startswith(f"notify:{event_id}@")

    await notify(ctx, str(event_id))
    assert await count_rows(database, untold_events) == (0,)
    assert await sweeps.untold_events(ctx) == 0


async def test_a_reminder_that_is_due_is_found_and_given_once(
    ctx: Context, database: Database
) -> None:
    _, _, booking = await assigned(database)
    event_id = await happen(database, happened(EventType.BOOKING_ASSIGNED, booking))
    await notify(ctx, str(event_id))
    assert await sweeps.reminders_due(ctx) == 0
    passed = 4 * DAY + HOUR
    await shift_time(database, booking, passed)
    async with database.begin() as tx:
        await tx.execute(update(table).values(due_at=table.c.due_at - passed))

    # To pay, a day before.
    assert await sweeps.reminders_due(ctx) == 2
    assert await sweeps.reminders_due(ctx) == 2
    calls = [key for key in await queued(ctx.jobs) if key.startswith("remind")]
    assert len(calls) == 2
    assert {key.split("@")[0] for key in calls} == {
        f"remind:{booking.id}:{kind}" for kind in (ReminderKind.DAY_BEFORE, ReminderKind.PAYMENT)
    }

    before = len(await told(database))
    for _ in range(2):
        await remind(ctx, str(booking.id), "DAY_BEFORE")
    assert len(await told(database)) == before + 2
    await remind(ctx, str(booking.id), "PAYMENT")
    assert await sweeps.reminders_due(ctx) == 0


async def test_of_a_booking_that_is_gone_nobody_is_reminded(
    ctx: Context, database: Database
) -> None:
    customer, _, _ = await assigned(database)

    await remind(ctx, str(customer.user_id), "DAY_BEFORE")

    assert await told(database) == []
    assert await queued(ctx.jobs) == []
    assert await count_rows(database, events) == (0,)
