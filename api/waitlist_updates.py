"""How does somebody who waits for a slot hear that one is kept for them?"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from uuid import UUID

import strawberry

from api.access import SIGNED_IN, allow
from api.context import Info
from api.enums import describe
from api.subscriptions import Resume
from api.waitlist import WaitlistEntry
from db import waitlist
from db.engine import Database
from domain import waitlist as domain
from domain.audience import waitlist_topic
from domain.feed import decode_cursor
from domain.people import Role


class WaitlistEvent(StrEnum):
    """What happened to a place in the waitlist."""

    JOINED = "JOINED"
    GRANTED = "GRANTED"
    TAKEN = "TAKEN"
    LAPSED = "LAPSED"
    LEFT = "LEFT"


describe(
    WaitlistEvent,
    "What happened to a place in the waitlist.",
    JOINED="It was taken.",
    GRANTED="A slot is kept for it.",
    TAKEN="The slot was booked.",
    LAPSED="The slot is kept no longer.",
    LEFT="It was given up.",
)


@strawberry.type(directives=[SIGNED_IN], description="Something happened to a place of yours.")
class WaitlistUpdate:
    """Something happened to a place in the waitlist."""

    cursor: str = strawberry.field(description="Where to resume after this item.")
    type: WaitlistEvent = strawberry.field(description="What happened.")
    entry: domain.WaitlistEntry = strawberry.field(
        graphql_type=WaitlistEntry, description="The place as it stands now, which may be later."
    )


@strawberry.type
class WaitlistSubscriptions:
    """Following one's places in the waitlist."""

    @strawberry.subscription(
        directives=[allow(Role.CUSTOMER)],
        description="What happens to your places in the waitlist, from now on.",
    )
    async def waitlist_updated(
        self, info: Info, after: Resume = None
    ) -> AsyncGenerator[WaitlistUpdate]:
        """Follow one's places."""
        mine = info.context.user.user_id
        start = decode_cursor(after) if after else None
        async with info.context.hub.subscribe([waitlist_topic(mine)], after=start) as stream:
            async for delivery in stream:
                key = info.context.database, delivery.event.subject["waitlist_entry"]
                entry = await delivery.read(_entry, key)
                if entry is not None and entry.is_visible_to(info.context.user):
                    kind = WaitlistEvent[delivery.event.type.name.removeprefix("WAITLIST_")]
                    yield WaitlistUpdate(cursor=delivery.cursor, type=kind, entry=entry)


async def _entry(key: tuple[Database, UUID]) -> domain.WaitlistEntry | None:
    database, uid = key
    async with database.read() as connection:
        return next(iter(await waitlist.by_ids(connection, [uid])), None)
