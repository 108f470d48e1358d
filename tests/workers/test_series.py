"""Is a series that is due found by the sweep, called once, and seen to by its job?"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from db.ids import new_id
from db.tables import series
from tests.outside import an_outside
from tests.series import DAY, FIRST, NOW, WEEK, Diary, diary, held_clock
from workers.jobs import Context
from workers.main import JOBS
from workers.queue import JobQueue
from workers.series import extend_series
from workers.sweeps import SWEEPS, series_to_extend

__all__ = ["diary", "held_clock"]


async def due_since(diary: Diary, age: timedelta) -> datetime:
    """Let every series be due since then by the database's own clock, which sweeps ask."""
    async with diary.database.begin() as tx:
        now: datetime = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
        await tx.execute(update(series).values(next_due_at=now - age))
    return now - age


async def test_a_series_that_is_due_is_called_once_however_often_it_is_found(
    diary: Diary, jobs: JobQueue
) -> None:
    ctx = Context(database=diary.database, jobs=jobs, queue="critical", outside=an_outside())
    made, _ = await diary.create()
    await due_since(diary, -DAY)
    assert await series_to_extend(ctx) == 0

    await due_since(diary, DAY)
    assert [await series_to_extend(ctx) for _ in range(2)] == [1, 1]

    [call] = await jobs.redis.zrange(jobs.name("slow"), 0, -1)
    assert f"extend_series:{made.id}@".encode() in call


async def test_the_job_sees_to_what_is_due_and_to_nothing_twice(
    diary: Diary, jobs: JobQueue
) -> None:
    ctx = Context(database=diary.database, jobs=jobs, queue="slow", outside=an_outside())
    made, _ = await diary.create()
    diary.clock.at = NOW + 11 * DAY

    for _ in range(2):
        await extend_series(ctx, str(made.id))

    assert list(await diary.seen(made)) == [FIRST + n * WEEK for n in range(10)]
    assert len(await diary.bookings(made)) == 10


async def test_the_job_lets_a_series_be_that_is_gone(diary: Diary, jobs: JobQueue) -> None:
    ctx = Context(database=diary.database, jobs=jobs, queue="slow", outside=an_outside())

    await extend_series(ctx, str(new_id()))

    assert await diary.bookings() == []


def test_both_are_on_their_lists() -> None:
    assert "extend_series" in {job.name for job in JOBS["slow"]}
    assert series_to_extend in {one.run for one in SWEEPS}
