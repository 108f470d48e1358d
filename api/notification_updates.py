"""How does somebody hear of what they are told, and of what they have read elsewhere?"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from uuid import UUID

import strawberry

from api.access import SIGNED_IN
from api.context import Info
from api.enums import describe
from api.notifications import Notification
from api.subscriptions import Resume
from db import notifications
from db.engine import Database
from domain import notifications as domain
from domain.audience import notifications_topic
from domain.feed import decode_cursor


class NotificationEvent(StrEnum):
    """What happened to a notification."""

    RECEIVED = "RECEIVED"
    READ = "READ"


describe(
    NotificationEvent,
    "What happened to a notification.",
    RECEIVED="You have been told something.",
    READ="You have read it, and perhaps others before it, on this device or another.",
)
#: By what an event of the outbox is called here.
_KINDS = {
    "NOTIFICATION_CREATED": NotificationEvent.RECEIVED,
    "NOTIFICATION_READ": NotificationEvent.READ,
}


@strawberry.type(directives=[SIGNED_IN], description="Something happened to your notifications.")
class NotificationUpdate:
    """Something happened to one's notifications."""

    cursor: str = strawberry.field(description="Where to resume after this item.")
    type: NotificationEvent = strawberry.field(description="What happened.")
    notification: domain.Notification = strawberry.field(
        graphql_type=Notification,
        description="What you have been told; of those that you have read, the newest.",
    )
    unread: int = strawberry.field(description="How many are new to you now.")


@strawberry.type
class NotificationSubscriptions:
    """Following one's notifications."""

    @strawberry.subscription(
        directives=[SIGNED_IN],
        description="What you are told, and what you have read, from now on.",
    )
    async def notification_received(
        self, info: Info, after: Resume = None
    ) -> AsyncGenerator[NotificationUpdate]:
        """Follow one's notifications."""
        database, mine = info.context.database, info.context.user.user_id
        start = decode_cursor(after) if after else None
        async with info.context.hub.subscribe([notifications_topic(mine)], after=start) as stream:
            async for delivery in stream:
                uid = delivery.event.subject["notification"]
                notification = await delivery.read(_notification, (database, uid))
                if notification is None or not notification.is_visible_to(info.context.user):
                    continue
                yield NotificationUpdate(
                    cursor=delivery.cursor,
                    type=_KINDS[delivery.event.type.name],
                    notification=notification,
                    unread=await delivery.read(_unread, (database, mine)),
                )


async def _notification(key: tuple[Database, UUID]) -> domain.Notification | None:
    database, uid = key
    async with database.read() as connection:
        return next(iter(await notifications.by_ids(connection, [uid])), None)


async def _unread(key: tuple[Database, UUID]) -> int:
    database, recipient_id = key
    async with database.read() as connection:
        return await notifications.count(connection, recipient_id=recipient_id, unread_only=True)
