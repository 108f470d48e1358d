"""The phones and browsers that take people's push messages."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.ids import new_id
from db.tables import devices, users
from domain.devices import MOST, Device, check_token
from domain.messages import Platform

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

_D = devices.c


async def register(tx: AsyncConnection, *, user_id: UUID, platform: Platform, token: str) -> Device:
    """Send somebody's push messages to a device from now on, and nobody else's. Raises
    InvalidInput.

    Whoever has too many loses those that were registered longest ago.
    """
    check_token(token)
    # Else two at once would each leave the other's out when they count.
    mine = select(users.c.id).where(users.c.id == user_id)
    await tx.execute(mine.with_for_update(key_share=True))
    facts = {"user_id": user_id, "platform": platform, "registered_at": func.clock_timestamp()}
    upsert = insert(devices).values(id=new_id(), token=token, **facts)
    row = await tx.execute(
        upsert.on_conflict_do_update(index_elements=[_D.token], set_=facts).returning(devices)
    )
    newest_first = select(_D.id).where(_D.user_id == user_id).order_by(_D.registered_at.desc())
    await tx.execute(delete(devices).where(_D.id.in_(newest_first.offset(MOST))))
    return _device(row.one())


async def unregister(tx: AsyncConnection, *, user_id: UUID, token: str) -> None:
    """Send nothing more to a device of somebody's. Once or twice is the same."""
    await tx.execute(delete(devices).where(_D.user_id == user_id, _D.token == token))


async def forget(tx: AsyncConnection, *, user_id: UUID, device_id: UUID) -> None:
    """Send nothing more to a device of somebody's who may not have it at hand. Once or twice is
    the same."""
    await tx.execute(delete(devices).where(_D.user_id == user_id, _D.id == device_id))


async def of_users(
    connection: AsyncConnection, user_ids: Collection[UUID]
) -> defaultdict[UUID, list[Device]]:
    """Everybody's devices, the newest first."""
    query = select(devices).where(_D.user_id.in_(user_ids)).order_by(_D.registered_at.desc())
    found: defaultdict[UUID, list[Device]] = defaultdict(list)
    for row in await connection.execute(query):
        found[row.user_id].append(_device(row))
    return found


async def gone(tx: AsyncConnection, tokens: Collection[str]) -> None:
    """Forget devices that take nothing any more, as the push service says."""
    await tx.execute(delete(devices).where(_D.token.in_(tokens)))


def _device(row: Row[Any]) -> Device:
    return Device(
        id=row.id,
        user_id=row.user_id,
        platform=Platform(row.platform),
        token=row.token,
        registered_at=row.registered_at,
    )
