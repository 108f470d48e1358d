"""What time is it? The database says, so that every process agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, text

from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


_NOW: Final = select(func.clock_timestamp())
_PLANNED_ONCE: Final = text(
    "SELECT clock_timestamp(), set_config('plan_cache_mode', 'force_generic_plan', true)"
)


async def now(tx: AsyncConnection) -> datetime:
    """The time at this statement, not at the transaction's start.

    Read it after a lock is held: what expired during the wait has then expired.
    """
    at: datetime = (await tx.execute(_NOW)).scalar_one()
    return at


async def now_planned_once(tx: AsyncConnection) -> datetime:
    """The same, and from here on the transaction uses the plans that its statements have already.

    A statement over many tables takes longer to plan than to run, and is planned anew each time as
    long as that looks a little cheaper to run. Said with the time, it costs no way of its own.
    """
    at: datetime = (await tx.execute(_PLANNED_ONCE)).one()[0]
    return at


async def check_zone(tx: AsyncConnection, name: str) -> None:
    """Does the database know this zone too? It reckons in it when it looks for providers, and one
    that only Python knows would end every search. Raises InvalidInput."""
    known = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :name)")
    if not await tx.scalar(known, {"name": name}):
        message = "Name a zone of the IANA database that is not brand-new, or its older neighbour."
        raise InvalidInput(FieldError(path=("timeZone",), message=message))
