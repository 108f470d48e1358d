"""Notifications: how they are kept once, listed, counted and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from db import clock, events, pages
from db.ids import new_id
from db.tables import deliveries, notifications
from domain import notifications as rules
from domain.messages import Message
from domain.notifications import Notification
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.notifications import Draft
    from domain.pages import Page, PageRequest
    from domain.preferences import Planned

_N: Final = notifications.c
_NEWEST_FIRST: Final = pages.Order(columns=(_N.id,), parse=(UUID,), descending=True)


async def add(
    tx: AsyncConnection,
    drafts: Sequence[Draft],
    *,
    cause: str,
    subject: Mapping[str, UUID],
    at: datetime,
) -> list[Planned]:
    """Tell people what they have not been told for this cause. On which channels, and when."""
    if not drafts:
        return []
    # Everybody in one order, so that two who tell the same cannot wait for each other.
    ordered = sorted(drafts, key=lambda one: (one.recipient_id, one.message))
    about = {name: str(uid) for name, uid in subject.items()}
    rows = [
        {
            "id": new_id(),
            "recipient_id": one.recipient_id,
            "message": one.message,
            "cause": cause,
            "subject": about,
            "listed": one.listed,
            "created_at": at,
        }
        for one in ordered
    ]
    told = insert(notifications).values(rows).on_conflict_do_nothing().returning(notifications)
    new = {
        (one.recipient_id, one.message): one for one in map(_notification, await tx.execute(told))
    }
    planned = [
        (new[key].id, each)
        for one in ordered
        if (key := (one.recipient_id, one.message)) in new
        for each in one.planned
    ]
    if planned:
        await tx.execute(insert(deliveries), [_delivery(uid, each) for uid, each in planned])
    await events.append(tx, [rules.created(one) for one in new.values() if one.listed])
    return [each for _, each in planned]


async def get(connection: AsyncConnection, notification_id: UUID) -> Notification:
    """One notification. Raises NotFound."""
    found = await by_ids(connection, [notification_id])
    if not found:
        raise NotFound("Notification")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Collection[UUID]) -> list[Notification]:
    """The notifications with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(notifications).where(_N.id.in_(ids)))
    return [_notification(row) for row in rows]


async def page(
    connection: AsyncConnection, request: PageRequest, *, recipient_id: UUID, unread_only: bool
) -> Page[Notification]:
    """A page of what somebody has been told in the app, newest first."""
    return await pages.fetch(
        connection, _listed(recipient_id, unread_only), _NEWEST_FIRST, request, _notification
    )


async def count(connection: AsyncConnection, *, recipient_id: UUID, unread_only: bool) -> int:
    """How much somebody has been told in the app; with `unread_only`, and has not read."""
    return await pages.count(connection, _listed(recipient_id, unread_only))


async def mark_read(
    tx: AsyncConnection, recipient_id: UUID, ids: Collection[UUID]
) -> list[Notification]:
    """Note that somebody has read these. What they had read before stays as it was.

    Raises NotFound, with nothing changed, if one of them is not theirs.
    """
    theirs = _theirs(recipient_id) & _N.id.in_(ids)
    if await tx.scalar(select(func.count()).where(theirs)) != len(set(ids)):
        raise NotFound("Notification")
    await _mark(tx, recipient_id, theirs)
    return await by_ids(tx, ids)


async def mark_read_up_to(tx: AsyncConnection, recipient_id: UUID, last: UUID) -> int:
    """Note that somebody has read this one and all that came before it. How many were new.

    Raises NotFound if it is not theirs.
    """
    mine = _theirs(recipient_id)
    if await tx.scalar(select(_N.id).where(mine, _N.id == last)) is None:
        raise NotFound("Notification")
    return await _mark(tx, recipient_id, mine & (_N.id <= last))


async def mark_all_read(tx: AsyncConnection, recipient_id: UUID) -> int:
    """Note that somebody has read all there is. How many were new."""
    return await _mark(tx, recipient_id, _theirs(recipient_id))


async def _mark(tx: AsyncConnection, recipient_id: UUID, which: ColumnElement[bool]) -> int:
    unread = select(_N.id).where(which, _N.read_at.is_(None)).order_by(_N.id).with_for_update()
    # In one order: two who read the same cannot wait for each other.
    ids = list(await tx.scalars(unread))
    if ids:
        read = update(notifications).where(_N.id.in_(ids))
        await tx.execute(read.values(read_at=await clock.now(tx)))
        await events.append(tx, [rules.read(recipient_id, ids[-1])])
    return len(ids)


def _theirs(recipient_id: UUID) -> ColumnElement[bool]:
    return (_N.recipient_id == recipient_id) & _N.listed


def _listed(recipient_id: UUID, unread_only: bool) -> Select[Any]:
    query = select(notifications).where(_theirs(recipient_id))
    return query.where(_N.read_at.is_(None)) if unread_only else query


def _delivery(notification_id: UUID, planned: Planned) -> dict[str, Any]:
    return {
        "id": new_id(),
        "notification_id": notification_id,
        "channel": planned.channel,
        "due_at": planned.due_at,
        "urgent": planned.urgent,
    }


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        id=row.id,
        recipient_id=row.recipient_id,
        message=Message(row.message),
        cause=row.cause,
        subject={name: UUID(value) for name, value in row.subject.items()},
        listed=row.listed,
        created_at=row.created_at,
        read_at=row.read_at,
    )
