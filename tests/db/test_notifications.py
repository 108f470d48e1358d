"""Does everybody read their own notifications, and only those?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from db import clock, notifications
from db.engine import constraint
from db.ids import new_id
from db.tables import events
from db.tables import notifications as table
from domain.events import EventType
from domain.messages import Message
from domain.pages import PageRequest
from domain.refusals import NotFound
from tests.db.racing import act, race
from tests.factories import add_customer, count_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.engine import Database
    from domain.notifications import Notification
    from domain.people import Viewer


async def add(database: Database, to: Viewer, *, count: int = 1, listed: bool = True) -> list[UUID]:
    """So many messages to somebody, oldest first."""
    ids = [new_id() for _ in range(count)]
    async with database.begin() as tx:
        at = await clock.now(tx)
        same = {"message": Message.NO_SHOW, "subject": {}, "listed": listed, "created_at": at}
        rows = [
            {"id": uid, "recipient_id": to.user_id, "cause": f"event:{uid}"} | same for uid in ids
        ]
        await tx.execute(insert(table), rows)
    return ids


async def page(
    database: Database, of: Viewer, *, unread_only: bool = False, limit: int = 10
) -> list[UUID]:
    request = PageRequest(limit=limit)
    async with database.read() as connection:
        found = await notifications.page(
            connection, request, recipient_id=of.user_id, unread_only=unread_only
        )
    return [one.id for one in found.items]


async def count(database: Database, of: Viewer, *, unread_only: bool) -> int:
    async with database.read() as connection:
        return await notifications.count(
            connection, recipient_id=of.user_id, unread_only=unread_only
        )


async def get(database: Database, uid: UUID) -> Notification:
    async with database.read() as connection:
        return await notifications.get(connection, uid)


async def read(database: Database, by: Viewer, ids: Sequence[UUID]) -> list[Notification]:
    return await act(database, partial(notifications.mark_read, recipient_id=by.user_id, ids=ids))


async def read_events(database: Database) -> list[dict[str, str]]:
    query = select(events.c.subject).where(events.c.type == EventType.NOTIFICATION_READ)
    async with database.read() as connection:
        return list(await connection.scalars(query.order_by(events.c.position)))


async def test_everybody_has_a_list_of_their_own_newest_first(database: Database) -> None:
    mine, other = await add_customer(database), await add_customer(database)
    ids = await add(database, mine, count=3)
    await add(database, other)
    await add(database, mine, listed=False)

    assert await page(database, mine) == ids[::-1]
    assert await page(database, mine, limit=2) == [ids[2], ids[1]]
    assert await count(database, mine, unread_only=False) == 3
    assert await count(database, other, unread_only=True) == 1


async def test_what_was_read_is_read_once_and_its_reader_hears_of_it(database: Database) -> None:
    mine = await add_customer(database)
    ids = await add(database, mine, count=3)

    seen = await read(database, mine, ids[:2])
    assert {one.id for one in seen} == set(ids[:2])
    assert all(one.read_at is not None for one in seen)
    first = (await get(database, ids[0])).read_at
    again = await read(database, mine, ids[:1])

    assert [one.read_at for one in again] == [first]
    assert await page(database, mine, unread_only=True) == [ids[2]]
    assert await count(database, mine, unread_only=True) == 1
    assert await read_events(database) == [
        {"notification": str(ids[1]), "recipient": str(mine.user_id)}
    ]


async def test_all_up_to_one_are_read_and_what_came_since_is_not(database: Database) -> None:
    mine, other = await add_customer(database), await add_customer(database)
    ids = await add(database, mine, count=2)
    (theirs,) = await add(database, other)
    newer = await add(database, mine)
    up_to = partial(notifications.mark_read_up_to, recipient_id=mine.user_id, last=ids[1])

    assert await act(database, up_to) == 2
    assert await act(database, up_to) == 0

    assert await page(database, mine, unread_only=True) == newer
    assert (await get(database, theirs)).read_at is None
    assert len(await read_events(database)) == 1


@pytest.mark.parametrize("listed", [True, False])
async def test_nobody_reads_what_others_are_told_or_what_is_not_listed(
    database: Database, *, listed: bool
) -> None:
    mine, other = await add_customer(database), await add_customer(database)
    (ours,) = await add(database, mine)
    (hidden,) = await add(database, other if listed else mine, listed=listed)

    for change in (
        partial(notifications.mark_read, recipient_id=mine.user_id, ids=[ours, hidden]),
        partial(notifications.mark_read_up_to, recipient_id=mine.user_id, last=hidden),
    ):
        with pytest.raises(NotFound, match="Notification"):
            await act(database, change)
    assert (await get(database, ours)).read_at is None
    assert (await get(database, hidden)).read_at is None
    assert await count_rows(database, events) == (0,)


async def test_who_reads_the_same_at_once_reads_it_once(crowd: Database) -> None:
    mine = await add_customer(crowd)
    ids = await add(crowd, mine, count=5)
    one = partial(notifications.mark_read, recipient_id=mine.user_id, ids=ids)
    other = partial(notifications.mark_read_up_to, recipient_id=mine.user_id, last=ids[-1])

    await race(crowd, [one, other] * 10)

    assert len(await read_events(crowd)) == 1


async def test_an_unknown_one_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound, match="Notification"):
        await get(database, new_id())


async def test_the_database_forbids_the_same_message_for_the_same_cause(
    database: Database,
) -> None:
    mine = await add_customer(database)
    (uid,) = await add(database, mine)
    again = {
        "id": new_id(),
        "recipient_id": mine.user_id,
        "message": Message.NO_SHOW,
        "cause": f"event:{uid}",
        "subject": {},
        "listed": True,
    }
    with pytest.raises(IntegrityError) as refused:
        async with database.begin() as tx:
            await tx.execute(insert(table).values(again | {"created_at": await clock.now(tx)}))
    assert constraint(refused.value) == "uq_notifications_recipient_id_message_cause"
