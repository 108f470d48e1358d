"""How can people be reached, and how do they want to be?"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from db.tables import devices, notification_preferences, quiet_hours, users
from domain.messages import Category, Channel
from domain.preferences import Choice, QuietHours, Reach

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

_P = notification_preferences.c
_Q = quiet_hours.c


async def reach(connection: AsyncConnection, user_ids: Collection[UUID]) -> dict[UUID, Reach]:
    """How each of these people can be reached, as far as they exist."""
    chosen = await _choices(connection, user_ids)
    has_device = exists().where(devices.c.user_id == users.c.id).label("has_device")
    facts = select(users.c.id, users.c.time_zone, users.c.phone, _Q.starts, _Q.ends, has_device)
    people = facts.outerjoin_from(users, quiet_hours, _Q.user_id == users.c.id)
    rows = await connection.execute(people.where(users.c.id.in_(user_ids)))
    return {
        row.id: Reach(
            user_id=row.id,
            zone=ZoneInfo(row.time_zone),
            phone=row.phone,
            has_device=row.has_device,
            choices=chosen[row.id],
            quiet=_quiet(row),
        )
        for row in rows
    }


async def save_choices(tx: AsyncConnection, user_id: UUID, choices: Iterable[Choice]) -> None:
    """Keep what somebody wants. Of two choices of the same the later counts."""
    wanted = {(one.category, one.channel): one.wanted for one in choices}
    if not wanted:
        return
    rows = [
        {"user_id": user_id, "category": category, "channel": channel, "wanted": yes}
        for (category, channel), yes in sorted(wanted.items())
    ]
    upsert = insert(notification_preferences).values(rows)
    key = [_P.user_id, _P.category, _P.channel]
    await tx.execute(
        upsert.on_conflict_do_update(index_elements=key, set_={"wanted": upsert.excluded.wanted})
    )


async def save_quiet_hours(tx: AsyncConnection, user_id: UUID, quiet: QuietHours | None) -> None:
    """Keep when somebody is not to be disturbed; None is never."""
    if quiet is None:
        await tx.execute(delete(quiet_hours).where(_Q.user_id == user_id))
        return
    times = {"starts": quiet.starts, "ends": quiet.ends}
    upsert = insert(quiet_hours).values(user_id=user_id, **times)
    await tx.execute(upsert.on_conflict_do_update(index_elements=[_Q.user_id], set_=times))


async def unsubscribe(tx: AsyncConnection, user_id: UUID, category: Category) -> None:
    """Send somebody no more mails of a category. Once or twice is the same."""
    no = Choice(category=category, channel=Channel.EMAIL, wanted=False)
    await save_choices(tx, user_id, [no])


async def _choices(
    connection: AsyncConnection, user_ids: Collection[UUID]
) -> defaultdict[UUID, dict[tuple[Category, Channel], bool]]:
    rows = await connection.execute(
        select(notification_preferences).where(_P.user_id.in_(user_ids))
    )
    found: defaultdict[UUID, dict[tuple[Category, Channel], bool]] = defaultdict(dict)
    for row in rows:
        found[row.user_id][Category(row.category), Channel(row.channel)] = row.wanted
    return found


def _quiet(row: Row[Any]) -> QuietHours | None:
    return None if row.starts is None else QuietHours(starts=row.starts, ends=row.ends)
