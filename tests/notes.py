"""How do tests tell people, and see what they were told?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import insert, select

from db import clock, telling
from db import events as db_events
from db.ids import new_id
from db.notifications import by_ids
from db.tables import deliveries, devices, events, notifications
from domain.messages import Channel, Message

if TYPE_CHECKING:
    from db.engine import Database
    from domain.events import Event, EventType
    from domain.notifications import Notification


async def happen(database: Database, *happened: Event) -> UUID:
    """Let this have happened; the id of the last of it."""
    async with database.begin() as tx:
        await db_events.append(tx, happened)
        newest = select(events.c.id).order_by(events.c.position.desc()).limit(1)
        event_id: UUID = (await tx.execute(newest)).scalar_one()
    return event_id


async def last(database: Database, type_: EventType) -> UUID:
    """The last event of this kind."""
    mine = select(events.c.id).where(events.c.type == type_)
    async with database.read() as connection:
        newest = await connection.execute(mine.order_by(events.c.position.desc()).limit(1))
        event_id: UUID = newest.scalar_one()
    return event_id


async def tell(database: Database, event_id: UUID) -> frozenset[Channel]:
    """Tell of an event, as the job does."""
    async with database.begin() as tx:
        return await telling.tell(tx, event_id)


async def told(database: Database) -> list[tuple[UUID, Message]]:
    """Who has been told what, in order."""
    n = notifications.c
    query = select(n.recipient_id, n.message).order_by(n.created_at, n.id)
    async with database.read() as connection:
        return [(row.recipient_id, Message(row.message)) for row in await connection.execute(query)]


async def notes(database: Database) -> list[Notification]:
    """Everything that anybody has been told, in order."""
    async with database.read() as connection:
        ids = list(await connection.scalars(select(notifications.c.id)))
        return sorted(await by_ids(connection, ids), key=lambda one: one.id)


async def to_send(database: Database) -> list[tuple[UUID, Message, Channel]]:
    """What is to be sent to whom, and on which channel, in order."""
    n, d = notifications.c, deliveries.c
    query = select(n.recipient_id, n.message, d.channel).join_from(deliveries, notifications)
    async with database.read() as connection:
        rows = await connection.execute(query.order_by(n.id, d.channel))
        return [(row.recipient_id, Message(row.message), Channel(row.channel)) for row in rows]


async def add_device(database: Database, user_id: UUID) -> None:
    """A phone that takes push messages."""
    row = {"id": new_id(), "user_id": user_id, "platform": "ANDROID", "token": f"token-{new_id()}"}
    async with database.begin() as tx:
        await tx.execute(insert(devices).values(**row, registered_at=await clock.now(tx)))
