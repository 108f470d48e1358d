"""The feed as streams read it: each topic from its own position, in one order."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from db import events, feed, outbox
from db.engine import Database
from domain.events import Event, EventType

ONE, TWO = UUID(int=1), UUID(int=2)
QUEUE, OF_ONE, OF_TWO = "queue", f"booking:{ONE}", f"booking:{TWO}"


@pytest.fixture
async def told(database: Database) -> None:
    """Six events: 1 to 4 about the first booking, 5 and 6 about the second, all on the queue."""
    happened = [
        Event(type=EventType.BOOKING_CANCELLED, subject={"booking": booking})
        for booking in (ONE, ONE, ONE, ONE, TWO, TWO)
    ]
    async with database.begin() as tx:
        await events.append(tx, happened)
    async with outbox.hold(database) as held:
        await held.sequence(10)


async def missed(database: Database, limit: int = 100, **positions: int) -> list[tuple[str, int]]:
    names = {"queue": QUEUE, "one": OF_ONE, "two": OF_TWO}
    told = {names[name]: position for name, position in positions.items()}
    async with database.read() as connection:
        return [(entry.topic, entry.seq) for entry in await feed.missed(connection, told, limit)]


@pytest.mark.usefixtures("told")
async def test_each_topic_is_read_from_its_own_position(database: Database) -> None:
    assert await missed(database, one=2, two=5) == [(OF_ONE, 3), (OF_ONE, 4), (OF_TWO, 6)]
    assert await missed(database, one=4, two=6) == []


@pytest.mark.usefixtures("told")
async def test_what_is_missed_comes_in_delivery_order_from_the_first_on(
    database: Database,
) -> None:
    assert await missed(database, limit=3, queue=3, one=2) == [
        (OF_ONE, 3),
        (OF_ONE, 4),
        (QUEUE, 4),
    ]


@pytest.mark.usefixtures("told")
async def test_nothing_is_missed_on_no_topics(database: Database) -> None:
    assert await missed(database) == []


@pytest.mark.usefixtures("told")
async def test_an_event_that_only_a_newer_version_knows_is_passed_over(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("UPDATE feed_entries SET type = 'booking.sung_about' WHERE seq = 3"))

    assert await missed(database, one=1) == [(OF_ONE, 2), (OF_ONE, 4)]
    async with database.read() as connection:
        assert [entry.seq for entry in await feed.entries(connection, [OF_ONE], 1, 9)] == [2, 4]


@pytest.mark.usefixtures("told")
async def test_it_holds_what_followed_any_place_that_was_reached(database: Database) -> None:
    assert await held(database, 1, 5, 6) == [True, True, True]
    assert await held(database, 7, 2**62) == [False, False]


@pytest.mark.usefixtures("told")
async def test_it_holds_what_followed_a_place_that_no_topic_told(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("DELETE FROM feed_entries WHERE seq IN (3, 6)"))

    assert await held(database, 2, 3, 5, 6) == [True, True, True, True]


@pytest.mark.usefixtures("told")
async def test_it_does_not_hold_what_followed_a_place_older_than_its_oldest(
    database: Database,
) -> None:
    async with database.begin() as tx:
        await tx.execute(text("DELETE FROM feed_entries WHERE seq <= 3"))

    assert await held(database, 1, 3, 4) == [False, False, True]


async def held(database: Database, *places: int) -> list[bool]:
    async with database.read() as connection:
        return [await feed.holds(connection, seq) for seq in places]
