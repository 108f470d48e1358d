"""Is what is overdue found, even if its alarm never rang?"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from db import clock
from db.ids import new_id
from db.tables import bookings, events, providers, services, shifts, users
from tests.outside import an_outside
from tests.workers.probes import running
from workers.jobs import Context, alarm
from workers.sweeps import Sweep, keep_sweeping, overdue_matching, silent_providers

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Connection, Database
    from workers.queue import JobQueue

MINUTE = timedelta(minutes=1)


@pytest.fixture
def ctx(database: Database, jobs: JobQueue) -> Context:
    """What sweeps work with."""
    return Context(database=database, jobs=jobs, queue="critical", outside=an_outside())


async def a_user(tx: Connection) -> UUID:
    id_ = new_id()
    person = {"role": "PROVIDER", "given_name": "A", "family_name": "B", "time_zone": "UTC"}
    row = {"id": id_, "email": f"{id_}@example.com", "password_hash": "", **person}
    await tx.execute(insert(users).values(row))
    return id_


async def a_booking(tx: Connection, *, due: datetime | None) -> UUID:
    service, id_, now = new_id(), new_id(), await clock.now(tx)
    kind = {"trade": "CLEANING", "mode": "ON_SITE", "duration_minutes": 60}
    price = {"price_minor": 100, "currency": "GBP"}
    named = {"code": str(service), "name": "", "description": "", "approval": "INSTANT"}
    await tx.execute(insert(services).values(id=service, active=True, **kind, **price, **named))
    place = {"line1": "1 High Street", "city": "London", "postal_code": "N1", "country": "GB"}
    window = {"starts_at": now, "ends_at": now + MINUTE, "requested_at": now}
    state = {"kind": "SCHEDULED", "status": "PENDING", "version": 1, "needs_approval": False}
    whose = {"id": id_, "customer_id": await a_user(tx), "service_id": service}
    await tx.execute(
        insert(bookings).values(**whose, **place, **window, **state, **price, match_due_at=due)
    )
    return id_


async def queued(jobs: JobQueue) -> list[bytes]:
    calls: list[bytes] = await jobs.redis.zrange(jobs.name("critical"), 0, -1)
    return calls


async def test_only_bookings_whose_time_has_come_are_found(
    ctx: Context, database: Database
) -> None:
    async with database.begin() as tx:
        now = await clock.now(tx)
        due = await a_booking(tx, due=now - MINUTE)
        await a_booking(tx, due=now + MINUTE)
        await a_booking(tx, due=None)

    assert await overdue_matching(ctx) == 1
    [call] = await queued(ctx.jobs)
    assert f"advance_matching:{due}@".encode() in call


async def test_a_booking_found_twice_or_with_its_alarm_still_waiting_is_one_call(
    ctx: Context, database: Database
) -> None:
    async with database.begin() as tx:
        at = await clock.now(tx)
        booking = await a_booking(tx, due=at)
    await alarm(ctx, "advance_matching", at, str(booking))

    assert await overdue_matching(ctx) == 1
    assert await overdue_matching(ctx) == 1
    assert len(await queued(ctx.jobs)) == 1


async def test_a_booking_that_is_being_worked_on_is_left_alone(
    ctx: Context, database: Database
) -> None:
    async with database.begin() as tx:
        booking = await a_booking(tx, due=await clock.now(tx))
    async with database.begin() as tx:
        await tx.execute(select(bookings.c.id).where(bookings.c.id == booking).with_for_update())
        assert await overdue_matching(ctx) == 0
    assert await overdue_matching(ctx) == 1


async def test_a_silent_provider_is_announced_once(ctx: Context, database: Database) -> None:
    async with database.begin() as tx:
        provider = await a_user(tx)
        place = {"time_zone": "UTC", "country": "GB", "city": "London", "postal_code": "N1"}
        await tx.execute(
            insert(providers).values(id=provider, trade="CLEANING", radius_miles=10, **place)
        )
        since = await clock.now(tx) - 10 * MINUTE
        beat = {"started_at": since, "heartbeat_at": since}
        await tx.execute(insert(shifts).values(id=new_id(), provider_id=provider, **beat))

    assert [await silent_providers(ctx), await silent_providers(ctx)] == [1, 0]
    async with database.read() as connection:
        told = (await connection.execute(select(events.c.type, events.c.subject))).all()
    assert [tuple(row) for row in told] == [
        ("provider.presence_changed", {"provider": str(provider)})
    ]


async def test_a_sweep_goes_on_after_one_that_failed(ctx: Context) -> None:
    runs = 0
    again = asyncio.Event()

    async def fickle(_ctx: Context) -> int:
        nonlocal runs
        runs += 1
        if runs == 1:
            message = "once"
            raise RuntimeError(message)
        again.set()
        return 0

    async with running(keep_sweeping(ctx, Sweep(run=fickle, every=0.01))):
        await asyncio.wait_for(again.wait(), timeout=20)
