"""What time is it? The database says, so that every process agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


async def now(tx: AsyncConnection) -> datetime:
    """The time at this statement, not at the transaction's start.

    Read it after a lock is held: what expired during the wait has then expired.
    """
    at: datetime = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
    return at
