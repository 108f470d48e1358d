"""Does every message have one sender at a time, and only one who may say what came of it?"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, text, update

from db import deliveries
from db.deliveries import Tried
from db.ids import new_id
from db.tables import dead_letters, notifications, users
from db.tables import deliveries as table
from domain.deliveries import LEASE, Dropped, Postponed, Refused, Sent, Unavailable
from domain.messages import Channel, DeliveryStatus, Message
from domain.refusals import NotFound
from tests.db.racing import act, race
from tests.factories import add_customer, now

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.deliveries import Delivery, Outcome

SECOND = timedelta(seconds=1)
EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.PUSH


async def add_deliveries(database: Database, *, count: int = 1, **columns: Any) -> list[UUID]:
    """Messages to somebody that are due, one after the other, a second apart."""
    customer, at = await add_customer(database), await now(database)
    told: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "recipient_id": customer.user_id,
            "message": Message.NO_SHOW,
            "cause": f"test:{new_id()}",
            "subject": {},
            "listed": True,
            "created_at": at,
        }
        for _ in range(count)
    ]
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "notification_id": one["id"],
            "channel": EMAIL,
            "due_at": at - (count - place) * SECOND,
        }
        | columns
        for place, one in enumerate(told)
    ]
    async with database.begin() as tx:
        await tx.execute(insert(notifications), told)
        await tx.execute(insert(table), rows)
    return [row["id"] for row in rows]


async def read(database: Database, *ids: UUID) -> list[Delivery]:
    """Deliveries as they stand."""
    async with database.read() as connection:
        rows = await connection.execute(select(table).where(table.c.id.in_(ids)))
        found = [deliveries.delivery_of(row) for row in rows]
    return sorted(found, key=lambda one: ids.index(one.id))


def claiming(channel: Channel = EMAIL, *, limit: int = 100) -> Any:
    return partial(deliveries.claim, channel=channel, limit=limit)


def saying(outcome: Outcome, *claimed: Delivery) -> Any:
    """What came of these claims; pauses are not shortened."""
    tried = [Tried(claimed=one, outcome=outcome, jitter=0) for one in claimed]
    return partial(deliveries.settle, tried=tried)


async def let_lease_pass(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(update(table).values(due_at=table.c.due_at - LEASE - SECOND))


async def letters(database: Database) -> list[tuple[Any, ...]]:
    d = dead_letters.c
    query = select(d.call, d.job, d.queue, d.arguments, d.error, d.tries, d.replayed_at)
    async with database.read() as connection:
        return [tuple(row) for row in await connection.execute(query.order_by(d.id))]


async def test_what_is_due_is_taken_up_the_longest_due_first_and_kept(database: Database) -> None:
    second, third = await add_deliveries(database, count=2)
    (first,) = await add_deliveries(database, due_at=await now(database) - timedelta(hours=1))
    before = await now(database)

    async with database.begin() as tx:
        # In the order asked for, not in one that the index happens to have.
        for scan in ("enable_indexscan", "enable_bitmapscan"):
            await tx.execute(text(f"SET LOCAL {scan} = off"))
        taken = await deliveries.claim(tx, EMAIL, limit=2)

    after = await now(database)
    assert [one.id for one in taken] == [first, second]
    assert [one.tries for one in taken] == [1, 1]
    assert all(before + LEASE <= one.due_at <= after + LEASE for one in taken)
    assert await read(database, first, second) == taken
    assert [one.id for one in await act(database, claiming())] == [third]
    assert await act(database, claiming()) == []


async def test_only_what_is_due_on_the_channel_is_taken_up(database: Database) -> None:
    at = await now(database)
    await add_deliveries(database, channel=SMS)
    await add_deliveries(database, due_at=at + timedelta(hours=1))
    await add_deliveries(database, status="SENT", sent_at=at)
    await add_deliveries(database, status="FAILED", failed_at=at)
    await add_deliveries(database, status="DROPPED")
    assert await act(database, claiming()) == []
    async with database.read() as connection:
        assert await deliveries.channels_due(connection) == [SMS]


async def test_many_at_once_take_up_each_message_once(crowd: Database) -> None:
    ids = await add_deliveries(crowd, count=100)

    taken = await race(crowd, [claiming(limit=7)] * 20)

    found = [one.id for each in taken for one in each]
    assert sorted(found) == sorted(ids)
    assert {one.tries for one in await read(crowd, *ids)} == {1}


async def test_a_second_drainer_does_not_wait_for_the_first_and_takes_what_it_left(
    crowd: Database,
) -> None:
    first, second = await add_deliveries(crowd, count=2)
    async with crowd.begin() as tx:
        mine = await deliveries.claim(tx, EMAIL, limit=1)
        others = await act(crowd, claiming())
    assert ([one.id for one in mine], [one.id for one in others]) == ([first], [second])


async def test_what_came_of_each_is_written(database: Database) -> None:
    sent, later, refused, dropped, night = await add_deliveries(database, count=5)
    a, b, c, d, e = await act(database, claiming())
    before, morning = await now(database), await now(database) + timedelta(hours=7)
    tried = [
        Tried(claimed=a, outcome=Sent(remote_id="id"), jitter=0.5),
        Tried(claimed=b, outcome=Unavailable(error="busy"), jitter=1),
        Tried(claimed=c, outcome=Refused(error="no such mailbox"), jitter=0.5),
        Tried(claimed=d, outcome=Dropped(why="moved on"), jitter=0.5),
        Tried(claimed=e, outcome=Postponed(until=morning), jitter=0.5),
    ]

    settled = await act(database, partial(deliveries.settle, tried=tried))

    after = await now(database)
    found = await read(database, sent, later, refused, dropped, night)
    assert sorted(settled, key=lambda one: one.due_at) == sorted(found, key=lambda one: one.due_at)
    facts = [(one.status, one.tries, one.error, one.remote_id) for one in found]
    assert facts == [
        (DeliveryStatus.SENT, 1, None, "id"),
        (DeliveryStatus.WAITING, 1, "busy", None),
        (DeliveryStatus.FAILED, 1, "no such mailbox", None),
        (DeliveryStatus.DROPPED, 1, "moved on", None),
        (DeliveryStatus.WAITING, 0, None, None),
    ]
    assert found[0].sent_at is not None
    assert found[2].failed_at is not None
    assert before <= found[0].sent_at == found[2].failed_at <= after
    assert found[1].due_at == found[0].sent_at + timedelta(seconds=2.5)
    assert found[4].due_at == morning


async def test_who_slept_past_their_lease_changes_nothing_for_who_took_over(
    database: Database,
) -> None:
    (id_,) = await add_deliveries(database)
    (stale,) = await act(database, claiming())
    await let_lease_pass(database)
    (fresh,) = await act(database, claiming())
    assert (fresh.id, fresh.tries) == (id_, 2)

    assert await act(database, saying(Refused(error="late"), stale)) == []

    assert await read(database, id_) == [fresh]
    assert await letters(database) == []
    (sent,) = await act(database, saying(Sent(), fresh))
    assert await act(database, saying(Unavailable(error="later"), stale)) == []
    assert await read(database, id_) == [sent]


async def test_a_claim_of_before_an_order_to_try_again_is_worth_nothing_after_it(
    database: Database,
) -> None:
    (id_,) = await add_deliveries(database)
    (stale,) = await act(database, claiming())
    await act(database, saying(Refused(error="no such mailbox"), stale))
    await act(database, partial(deliveries.redeliver, delivery_id=id_))
    (fresh,) = await act(database, claiming())
    assert fresh.tries == stale.tries == 1

    assert await act(database, saying(Sent(), stale)) == []

    assert await read(database, id_) == [fresh]


async def test_what_fails_rests_where_it_can_be_tried_again(database: Database) -> None:
    (id_,) = await add_deliveries(database, tries=7)
    (claimed,) = await act(database, claiming())

    await act(database, saying(Unavailable(error="no answer"), claimed))

    (failed,) = await read(database, id_)
    assert (failed.status, failed.tries) == (DeliveryStatus.FAILED, 8)
    letter = (f"delivery:{id_}", "redeliver", "slow", [str(id_)], "EMAIL: no answer", 8, None)
    assert await letters(database) == [letter]
    assert await act(database, claiming()) == []

    again = await act(database, partial(deliveries.redeliver, delivery_id=id_))

    assert (again.status, again.tries, again.failed_at) == (DeliveryStatus.WAITING, 0, None)
    assert await read(database, id_) == [again]
    assert [one.id for one in await act(database, claiming())] == [id_]


async def test_what_did_not_fail_is_not_tried_again_by_order(database: Database) -> None:
    (id_,) = await add_deliveries(database)
    (claimed,) = await act(database, claiming())
    (sent,) = await act(database, saying(Sent(), claimed))
    assert await act(database, partial(deliveries.redeliver, delivery_id=id_)) == sent
    assert await read(database, id_) == [sent]
    with pytest.raises(NotFound):
        await act(database, partial(deliveries.redeliver, delivery_id=new_id()))


async def test_a_message_and_its_deliveries_go_together(database: Database) -> None:
    await add_deliveries(database)
    (claimed,) = await act(database, claiming())
    async with database.begin() as tx:
        await tx.execute(notifications.delete())
        await tx.execute(users.delete())
    assert await act(database, saying(Sent(), claimed)) == []
