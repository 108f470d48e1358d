"""What would another policy have chosen? What was noted of it, read; matching writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import select

from db import pages
from db.tables import bookings, shadow_choices
from domain.matching import comparison
from domain.matching.comparison import MOST_ROUNDS, Comparison, ShadowChoice
from domain.offers import Wave

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_C = shadow_choices.c
_OLDEST_FIRST: Final = pages.Order(columns=(_C.id,), parse=(UUID,))


async def compare(
    connection: AsyncConnection, policy: str, *, earliest: datetime, latest: datetime
) -> Comparison:
    """What a policy chose in shadow from `earliest` until before `latest`, beside what was chosen.

    Raises InvalidInput.
    """
    comparison.check_asked(policy, earliest=earliest, latest=latest)
    noted = (
        select(shadow_choices, bookings.c.provider_id)
        .join(bookings, bookings.c.id == _C.booking_id)
        .where(_C.policy == policy, _C.at >= earliest, _C.at < latest)
        .order_by(_C.at.desc(), _C.id.desc())
        .limit(MOST_ROUNDS + 1)
    )
    rows = (await connection.execute(noted)).all()
    return comparison.compare(
        policy,
        [choice(row) for row in rows[:MOST_ROUNDS]],
        {row.booking_id: row.provider_id for row in rows if row.provider_id is not None},
        complete=len(rows) <= MOST_ROUNDS,
    )


async def page(
    connection: AsyncConnection, request: PageRequest, *, booking_id: UUID
) -> Page[ShadowChoice]:
    """A page of what was chosen in shadow for a booking, oldest first."""
    return await pages.fetch(connection, _of(booking_id), _OLDEST_FIRST, request, choice)


async def count(connection: AsyncConnection, *, booking_id: UUID) -> int:
    """How often something was chosen in shadow for a booking."""
    return await pages.count(connection, _of(booking_id))


def _of(booking_id: UUID) -> Select[Any]:
    return select(shadow_choices).where(_C.booking_id == booking_id)


def choice(row: Row[Any]) -> ShadowChoice:
    """The choice in a row."""
    return ShadowChoice(
        id=row.id,
        booking_id=row.booking_id,
        round=row.round,
        wave=Wave(row.wave),
        at=row.at,
        policy=row.policy,
        live_policy=row.live_policy,
        chosen=tuple(row.chosen),
        scores=tuple(row.scores),
        live_chosen=tuple(row.live_chosen),
        candidates=row.candidates,
    )
