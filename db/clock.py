"""What time is it? The database says, so that every process agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text

from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


_NOW: Final = select(func.clock_timestamp())


async def now(tx: AsyncConnection) -> datetime:
    """The time at this statement, not at the transaction's start.

    Read it after a lock is held: what expired during the wait has then expired.
    """
    at: datetime = (await tx.execute(_NOW)).scalar_one()
    return at


async def check_zone(tx: AsyncConnection, name: str) -> None:
    """Does the database know this zone too? It reckons in it when it looks for providers, and one
    that only Python knows would end every search. Raises InvalidInput."""
    known = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :name)")
    if not await tx.scalar(known, {"name": name}):
        message = "Name a zone of the IANA database that is not brand-new, or its older neighbour."
        raise InvalidInput(FieldError(path=("timeZone",), message=message))
