"""Was this request made before? One key, one body, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.tables import idempotency_keys
from domain.idempotency import IdempotencyKeyReused

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.idempotency import Key


async def claim(tx: AsyncConnection, key: Key, *, user_id: UUID, result_id: UUID) -> UUID:
    """Whose result answers a request with this key: `result_id` when it is new, else the first's.

    A second request waits here until the first has committed, or rolled back and freed the key.
    Raises IdempotencyKeyReused when the key came with another body before.
    """
    row = {"user_id": user_id, "act": key.act, "key": key.text, "body_hash": key.body_hash}
    claimed = await tx.execute(
        insert(idempotency_keys)
        .values(**row, result_id=result_id)
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.result_id)
    )
    first = claimed.scalar_one_or_none() or await find(tx, key, user_id=user_id)
    # No key is ever taken back.
    assert first is not None
    return first


async def find(tx: AsyncConnection, key: Key, *, user_id: UUID) -> UUID | None:
    """Whose result answered the first request with this key; None for a new one.

    Only for who holds a lock that every request with the same body waits for. Raises
    IdempotencyKeyReused.
    """
    k = idempotency_keys.c
    same = (k.user_id == user_id) & (k.act == key.act) & (k.key == key.text)
    first = (await tx.execute(select(k.result_id, k.body_hash).where(same))).one_or_none()
    if first is None:
        return None
    if first.body_hash != key.body_hash:
        raise IdempotencyKeyReused
    result: UUID = first.result_id
    return result
