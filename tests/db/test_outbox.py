"""Is every committed event delivered, in one gap-free order, whoever writes and whatever breaks?"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from db import events as db_events
from db import feed, outbox
from db.engine import Database
from db.ids import new_id
from db.tables import events, feed_entries
from domain.audience import Unaddressed
from domain.events import Event, EventType

if TYPE_CHECKING:
    from db.outbox import Outbox
    from gateways.settings import Settings

WRITERS, TRANSACTIONS, BOOKINGS = 16, 100, 24


def requested(booking: UUID, **subject: UUID) -> Event:
    return Event(type=EventType.BOOKING_REQUESTED, subject={"booking": booking, **subject})


async def append(database: Database, *happened: Event) -> None:
    async with database.begin() as tx:
        await db_events.append(tx, happened)


async def sequences(database: Database) -> list[int | None]:
    async with database.read() as connection:
        return list(await connection.scalars(select(events.c.seq).order_by(events.c.position)))


class TestManyWriters:
    """Sixteen at once: a few slow, a few rolled back, several about the same booking."""

    async def test_lose_nothing_and_keep_each_bookings_commit_order(
        self, settings: Settings
    ) -> None:
        database = Database(settings.sqlalchemy_url, pool=WRITERS + 2)
        ids = [new_id() for _ in range(BOOKINGS)]
        async with database.begin() as tx:
            await tx.execute(text("CREATE TABLE acts (booking uuid PRIMARY KEY, n int NOT NULL)"))
            acts = [{"id": id_} for id_ in ids]
            await tx.execute(text("INSERT INTO acts VALUES (:id, 0)"), acts)

        async with outbox.hold(database) as held:
            writing = asyncio.gather(*(self._write(database, ids, n) for n in range(WRITERS)))
            while not writing.done():
                await held.sequence(50)
                await asyncio.sleep(0)
            committed = sum(await writing)
            while await held.sequence(500):
                pass
            told = await held.unpublished(WRITERS * TRANSACTIONS)

        assert [event.seq for event in told] == list(range(1, committed + 1))
        for id_ in ids:
            order = [e.subject["offer"].int for e in told if e.subject["booking"] == id_]
            assert order == list(range(1, len(order) + 1))
        await database.close()

    async def _write(self, database: Database, ids: list[UUID], writer: int) -> int:
        committed = 0
        for n in range(TRANSACTIONS):
            async with database.engine.connect() as tx:
                await self._act(tx, ids[(writer * 7 + n) % BOOKINGS], slow=n % 20 == writer)
                if n % 10 == writer % 10:
                    await tx.rollback()
                else:
                    await tx.commit()
                    committed += 1
        return committed

    async def _act(self, tx: Any, booking: UUID, *, slow: bool) -> None:
        """Append the booking's next act under its row lock, as every change does."""
        bump = text("UPDATE acts SET n = n + 1 WHERE booking = :id RETURNING n")
        n = (await tx.execute(bump, {"id": booking})).scalar_one()
        await db_events.append(tx, [requested(booking, offer=UUID(int=n))])
        if slow:
            await asyncio.sleep(0.02)


class RolledBack(Exception):
    """The writer changed its mind."""


async def test_an_event_committed_late_takes_its_place_behind_those_already_told(
    database: Database,
) -> None:
    late = requested(new_id())
    async with outbox.hold(database) as held:
        async with database.begin() as tx:
            await db_events.append(tx, [late])
            await append(database, requested(new_id()))
            assert await held.sequence(10) == 1
        assert await held.sequence(10) == 1

    assert await sequences(database) == [2, 1]


async def test_a_sequencing_that_fails_leaves_neither_a_trace_nor_a_gap(
    database: Database,
) -> None:
    booking = new_id()
    await append(database, requested(booking))
    async with outbox.hold(database) as held:
        await held.sequence(10)
    await append(database, requested(booking), requested(booking))
    squatter = {"topic": "queue", "seq": 3, "type": "x", "subject": {}}
    async with database.begin() as tx:
        first = (await tx.execute(select(events.c.id, events.c.occurred_at))).first()
        assert first is not None
        row = {**squatter, "event_id": first.id, "occurred_at": first.occurred_at}
        await tx.execute(insert(feed_entries).values(row))

    async with outbox.hold(database) as held:
        with pytest.raises(IntegrityError):
            await held.sequence(10)

    assert await sequences(database) == [1, None, None]
    async with database.begin() as tx:
        assert await feed.entries(tx, [f"booking:{booking}"], 1, 10) == []
        await tx.execute(feed_entries.delete().where(feed_entries.c.seq == 3))
    async with outbox.hold(database) as held:
        assert await held.sequence(10) == 2
    assert await sequences(database) == [1, 2, 3]


async def test_the_feed_tells_each_topic_its_events_from_a_cursor_in_order(
    database: Database,
) -> None:
    one, other = new_id(), new_id()
    await append(database, requested(one), requested(other), requested(one))
    async with outbox.hold(database) as held:
        await held.sequence(10)

    async with database.read() as connection:
        assert await feed.last_seq(connection) == 3
        of_one = await feed.entries(connection, [f"booking:{one}"], 0, 10)
        both = await feed.entries(connection, [f"booking:{one}", "queue"], 1, 3)

    assert [(entry.seq, entry.topic) for entry in of_one] == [
        (1, f"booking:{one}"),
        (3, f"booking:{one}"),
    ]
    assert of_one[0].subject == {"booking": one}
    assert of_one[0].type is EventType.BOOKING_REQUESTED
    assert [(e.seq, e.topic) for e in both] == [(2, "queue"), (3, f"booking:{one}"), (3, "queue")]


async def test_the_feed_of_an_installation_without_events_begins_at_nought(
    database: Database,
) -> None:
    async with database.read() as connection:
        assert await feed.last_seq(connection) == 0


async def test_published_events_are_not_handed_out_again(database: Database) -> None:
    await append(database, *(requested(new_id()) for _ in range(5)))
    async with outbox.hold(database) as held:
        await held.sequence(10)
        first = await held.unpublished(2)
        await held.mark_published(first)
        rest = await held.unpublished(10)

    assert [event.seq for event in first] == [1, 2]
    assert [event.seq for event in rest] == [3, 4, 5]


async def test_an_event_nobody_can_address_is_refused_where_it_is_written(
    database: Database,
) -> None:
    with pytest.raises(Unaddressed):
        await append(database, requested(new_id()), Event(type=EventType.OFFER_OFFERED))

    assert await sequences(database) == []


class TestOneRelay:
    """The lock is the session's: it goes when the session goes."""

    async def test_holds_the_outbox_and_the_next_waits_for_it(self, database: Database) -> None:
        async with outbox.hold(database):
            waiting = asyncio.create_task(self._hold_once(database))
            done, _ = await asyncio.wait([waiting], timeout=0.2)
            assert not done
        # Sooner than the server would end a session that says nothing.
        await asyncio.wait_for(waiting, timeout=5)

    async def test_can_do_nothing_more_once_its_session_is_killed(self, database: Database) -> None:
        await append(database, requested(new_id()), requested(new_id()))
        async with outbox.hold(database) as held:
            await held.sequence(1)
            await self._kill_holder(database)
            for act in (held.sequence(1), held.unpublished(1)):
                with pytest.raises(SQLAlchemyError):
                    await act

        async with outbox.hold(database) as successor:
            assert await successor.sequence(10) == 1
        assert await sequences(database) == [1, 2]

    async def test_is_woken_by_the_loss_of_its_session(self, database: Database) -> None:
        async with outbox.hold(database) as held:
            await self._kill_holder(database)
            await self._until_woken(held)

    async def test_is_woken_by_a_commit(self, database: Database) -> None:
        async with outbox.hold(database) as held:
            await append(database, requested(new_id()))
            await self._until_woken(held)

    async def _until_woken(self, held: Outbox) -> None:
        # Fails only by being far too late: the poll is out of the way.
        async with asyncio.timeout(10):
            await held.woken(timeout=60)

    async def _hold_once(self, database: Database) -> None:
        async with outbox.hold(database, retry=0.01):
            pass

    async def _kill_holder(self, database: Database) -> None:
        locks = text(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_locks "
            "WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        async with database.read() as connection:
            assert await connection.scalar(locks) == 1


class TestWakeUps:
    """One NOTIFY for all that committed together, none for what did not commit."""

    @pytest.fixture
    def pokes(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> count[int]:
        """Counts the pokes of the database's waker: next() says how many there were."""
        counter = count()
        monkeypatch.setattr(database._waker, "poke", lambda: next(counter))
        return counter

    async def test_a_commit_with_events_wakes(self, database: Database, pokes: count[int]) -> None:
        await append(database, requested(new_id()), requested(new_id()))
        assert next(pokes) == 1

    async def test_a_rollback_does_not_wake_and_nor_does_what_follows_on_its_connection(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        database = Database(settings.sqlalchemy_url, pool=1)
        counter = count()
        monkeypatch.setattr(database._waker, "poke", lambda: next(counter))
        with pytest.raises(RolledBack):
            await self._append_and_roll_back(database)
        async with database.begin() as tx:
            await tx.execute(select(func.now()))
        assert next(counter) == 0
        await database.close()

    async def _append_and_roll_back(self, database: Database) -> None:
        async with database.begin() as tx:
            await db_events.append(tx, [requested(new_id())])
            raise RolledBack

    async def test_a_burst_makes_one_more_notice_and_never_none(self, database: Database) -> None:
        notices: asyncio.Queue[str] = asyncio.Queue()
        async with database.engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            hear = lambda *heard: notices.put_nowait(heard[2])  # noqa: E731
            await driver.add_listener("callout_events", hear)
            database._waker._quiet = 0.05
            database._waker.poke()
            await asyncio.wait_for(notices.get(), timeout=10)
            for _ in range(100):
                database._waker.poke()
            await asyncio.wait_for(notices.get(), timeout=10)
            await database._waker._task  # type: ignore[misc]  # it is running: it was just poked
            await driver.execute("SELECT 1")
            assert notices.empty()
            await driver.remove_listener("callout_events", hear)

    async def test_closing_the_database_leaves_no_task_behind(self, settings: Settings) -> None:
        database = Database(settings.sqlalchemy_url)
        before = asyncio.all_tasks()
        await append(database, requested(new_id()))
        await database.close()
        assert asyncio.all_tasks() == before
