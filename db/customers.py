"""How do two acts on what one customer keeps wait for each other?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from db.tables import users

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection


async def lock(tx: AsyncConnection, customer_id: UUID) -> None:
    """Hold the customer's row until the transaction ends; rows that refer to it still go in.

    Take it before any other lock of the same act.
    """
    row = select(users.c.id).where(users.c.id == customer_id)
    await tx.execute(row.with_for_update(key_share=True))
