"""Does free time get to those who wait, the longest waiting first, even if nobody told of it?"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, update

from db import waitlist
from db.engine import Database
from db.ids import new_id
from db.tables import events, holds, provider_services, services, waitlist_entries
from domain.waitlist import WaitlistEntry, WaitlistState, Wish
from tests import invariants
from tests.db.racing import act
from tests.factories import (
    add_customers,
    add_provider,
    add_providers,
    add_service,
    an_address,
    count_rows,
    now,
)
from tests.outside import an_outside
from workers import waitlist as jobs_of
from workers.jobs import Context
from workers.sweeps import lapsed_holds, overlooked_waiters
from workers.waitlist import end_lapsed_holds, grant_waitlist, look_for_slot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from domain.services import Service
    from gateways.settings import Settings
    from workers.queue import JobQueue

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
async def crowd(settings: Settings) -> AsyncIterator[Database]:
    """The test's database, with connections for as many jobs as run at once."""
    opened = Database(settings.sqlalchemy_url, pool=20, name="crowd")
    yield opened
    await opened.close()


@pytest.fixture
def ctx(crowd: Database, jobs: JobQueue) -> Context:
    """What jobs work with."""
    return Context(database=crowd, jobs=jobs, queue="critical", outside=an_outside())


async def full_hour(database: Database) -> datetime:
    soon = await now(database) + 3 * DAY
    return soon.replace(minute=0, second=0, microsecond=0)


async def in_line(
    database: Database, service: Service, start: datetime, *, count: int, **changes: Any
) -> list[WaitlistEntry]:
    """So many people who wait for exactly this start, unless said otherwise."""
    line = []
    for customer in await add_customers(database, count=count):
        facts: dict[str, Any] = {
            "customer_id": customer.user_id,
            "service_id": service.id,
            "address": an_address(),
            "earliest": start,
            "latest": start,
        }
        wish = Wish(**facts | changes)
        line.append(await act(database, partial(waitlist.join, wish=wish)))
    return line


async def states(database: Database, line: list[WaitlistEntry]) -> list[WaitlistState]:
    async with database.read() as connection:
        return [(await waitlist.get(connection, entry.id)).state for entry in line]


async def queued(jobs: JobQueue) -> dict[str, float]:
    """The keys of the calls that wait, and when each is due."""
    found = await jobs.redis.zrange(jobs.name("critical"), 0, -1, withscores=True)
    return {key.decode().partition(":")[2]: at / 1000 for key, at in found}


async def test_the_longest_waiting_has_it_and_an_alarm_rings_when_that_lapses(
    ctx: Context, crowd: Database
) -> None:
    service = await add_service(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    line = await in_line(crowd, service, start, count=3)

    await grant_waitlist(ctx, str(provider.user_id))
    await grant_waitlist(ctx, str(provider.user_id))

    assert await states(crowd, line) == ["GRANTED", "WAITING", "WAITING"]
    async with crowd.read() as connection:
        grant = (await waitlist.get(connection, line[0].id)).grant
    assert grant is not None
    ((key, due),) = (await queued(ctx.jobs)).items()
    assert key.startswith("end_lapsed_holds:")
    assert due == pytest.approx(grant.expires_at.timestamp(), abs=0.1)


async def test_everyone_whom_a_free_day_suits_is_served_in_one_go(
    ctx: Context, crowd: Database
) -> None:
    service = await add_service(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    line = await in_line(crowd, service, start, count=5, latest=start + 12 * HOUR)

    await grant_waitlist(ctx, str(provider.user_id))

    # Three jobs are a day's work, wherever in the twelve hours midnight falls.
    served = (await states(crowd, line)).count(WaitlistState.GRANTED)
    assert served >= 3
    assert await states(crowd, line) == ["GRANTED"] * served + ["WAITING"] * (5 - served)
    await invariants.check(crowd)


async def test_jobs_of_many_providers_at_once_serve_the_line_in_its_order(
    ctx: Context, crowd: Database
) -> None:
    service = await add_service(crowd)
    everyone, start = await add_providers(crowd, service, count=4), await full_hour(crowd)
    line = await in_line(crowd, service, start, count=8)

    runs = [grant_waitlist(ctx, str(one.user_id)) for one in everyone * 2]
    await asyncio.gather(*runs)

    assert await states(crowd, line) == ["GRANTED"] * 4 + ["WAITING"] * 4
    assert await count_rows(crowd, holds) == (4,)
    await invariants.check(crowd)


async def test_where_nobody_waits_one_look_is_all(ctx: Context, crowd: Database) -> None:
    provider = await add_provider(crowd, await add_service(crowd))
    statements: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = crowd.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await grant_waitlist(ctx, str(provider.user_id))
    event.remove(engine, "before_cursor_execute", note)

    assert len([one for one in statements if "waitlist_entries" in one]) == 1
    assert len(statements) == 1


async def test_looking_for_one_serves_whoever_comes_before_them_first(
    ctx: Context, crowd: Database
) -> None:
    service = await add_service(crowd)
    await add_provider(crowd, service)
    start = await full_hour(crowd)
    first, second = await in_line(crowd, service, start, count=2)

    await look_for_slot(ctx, str(second.id))

    assert await states(crowd, [first, second]) == ["GRANTED", "WAITING"]


async def test_who_stands_too_far_back_for_one_job_is_served_in_their_turn(
    ctx: Context, crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_of, "_LINE", 1)
    service = await add_service(crowd)
    await add_provider(crowd, service)
    start = await full_hour(crowd)
    late = await in_line(crowd, service, start + 200 * DAY, count=1)
    line = await in_line(crowd, service, start, count=1)

    await look_for_slot(ctx, str(line[0].id))

    assert await states(crowd, late + line) == ["WAITING", "GRANTED"]


async def test_who_waits_no_more_is_not_looked_for(ctx: Context, crowd: Database) -> None:
    service = await add_service(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    (entry,) = await in_line(crowd, service, start, count=1)
    async with crowd.begin() as tx:
        w = waitlist_entries.c
        await tx.execute(update(waitlist_entries).where(w.id == entry.id).values(left_at=start))

    await look_for_slot(ctx, str(entry.id))
    await look_for_slot(ctx, str(new_id()))
    await grant_waitlist(ctx, str(provider.user_id))

    assert await count_rows(crowd, holds) == (0,)


async def test_a_line_for_what_is_booked_no_more_stands_still(
    ctx: Context, crowd: Database
) -> None:
    service = await add_service(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    line = await in_line(crowd, service, start, count=2)
    async with crowd.begin() as tx:
        await tx.execute(update(services).values(active=False))

    await grant_waitlist(ctx, str(provider.user_id))

    assert await states(crowd, line) == ["WAITING", "WAITING"]


async def test_a_waiter_nobody_was_told_of_is_found_by_the_sweep_in_turn(
    ctx: Context, crowd: Database
) -> None:
    service = await add_service(crowd)
    start = await full_hour(crowd)
    line = await in_line(crowd, service, start, count=2)

    assert [await overlooked_waiters(ctx), await overlooked_waiters(ctx)] == [2, 2]

    assert sorted(await queued(ctx.jobs)) == sorted(f"look_for_slot:{one.id}" for one in line)


@pytest.mark.parametrize("end", [end_lapsed_holds, lapsed_holds])
async def test_a_lapsed_grant_is_ended_so_that_its_slot_passes_on(
    ctx: Context, crowd: Database, end: Any
) -> None:
    service = await add_service(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    line = await in_line(crowd, service, start, count=2)
    await grant_waitlist(ctx, str(provider.user_id))
    past = await now(crowd) - MINUTE
    await end(ctx)
    assert await states(crowd, line) == ["GRANTED", "WAITING"]
    async with crowd.begin() as tx:
        await tx.execute(update(holds).values(created_at=past - MINUTE, expires_at=past))

    await end(ctx)

    assert await states(crowd, line) == ["LAPSED", "WAITING"]
    async with crowd.read() as connection:
        types = list(await connection.scalars(events.select().with_only_columns(events.c.type)))
    assert types.count("slot.freed") == types.count("waitlist.lapsed") == 1
    await grant_waitlist(ctx, str(provider.user_id))
    assert await states(crowd, line) == ["LAPSED", "GRANTED"]


async def test_who_does_the_service_no_more_gets_nobody_from_its_line(
    ctx: Context, crowd: Database
) -> None:
    service = await add_service(crowd)
    provider, start = await add_provider(crowd, service), await full_hour(crowd)
    line = await in_line(crowd, service, start, count=1)
    async with crowd.begin() as tx:
        await tx.execute(delete(provider_services))

    await grant_waitlist(ctx, str(provider.user_id))

    assert await states(crowd, line) == ["WAITING"]
