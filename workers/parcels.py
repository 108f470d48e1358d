"""What is there to send, of what was taken up? Everything is read anew, as it stands by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import structlog

from db import clock, devices, message_facts, notifications, preferences
from domain.deliveries import Dropped, Unavailable, hindrance
from domain.messages import Channel
from domain.telling import unsubscribes_from
from workers.carriers import Parcel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.engine import Database
    from domain.deliveries import Delivery, Outcome
    from domain.house import HouseRules

    #: A delivery, and what to send, or why there is nothing to be sent.
    Packed: TypeAlias = tuple[Delivery, Parcel | Outcome]

log = structlog.get_logger(__name__)


async def pack(
    database: Database, claimed: Sequence[Delivery], *, house: HouseRules
) -> list[Packed]:
    """Each delivery with what is to be sent. One that cannot be read keeps no other from it."""
    try:
        return await _read(database, claimed, house)
    except Exception as error:
        if len(claimed) > 1:
            alone = [await pack(database, [one], house=house) for one in claimed]
            return [packed for each in alone for packed in each]
        log.exception("delivery.unreadable", delivery=str(claimed[0].id))
        return [(claimed[0], Unavailable(error=f"{type(error).__name__}: {error}"))]


async def _read(database: Database, claimed: Sequence[Delivery], house: HouseRules) -> list[Packed]:
    async with database.read() as connection:
        at = await clock.now(connection)
        found = await notifications.by_ids(connection, [one.notification_id for one in claimed])
        told = {one.id: one for one in found}
        facts = await message_facts.read(connection, found, house=house)
        people = {one.recipient_id for one in found}
        reaches = await preferences.reach(connection, people)
        pushed = people if any(one.channel is Channel.PUSH for one in claimed) else ()
        owned = await devices.of_users(connection, pushed)

    def packed(delivery: Delivery) -> Parcel | Outcome:
        notification = told[delivery.notification_id]
        category = unsubscribes_from(notification.message)
        reach = reaches[notification.recipient_id]
        if hindered := hindrance(delivery, reach, unsubscribable=category, at=at):
            return hindered
        known = facts.get(notification.id)
        if known is None or known.moot:
            return Dropped(why="What it was about has changed.")
        return Parcel(
            delivery=delivery,
            facts=known,
            unsubscribable=category,
            devices=owned[notification.recipient_id],
        )

    return [(delivery, packed(delivery)) for delivery in claimed]
