"""What is in providers' diaries around a time: their hours, what differs from them, and their work.

Read in one statement for one provider or for thousands. Where only their hours are asked for,
availability.py has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import cast, null

from db import availability, reservations
from db.tables import reservations as reservations_table
from domain.slot_search import Diary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import CompoundSelect, Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.availability import Block
    from domain.hours import Span


async def of_providers(
    connection: AsyncConnection, provider_ids: Sequence[UUID], *, hours: Span, work: Span
) -> dict[UUID, Diary]:
    """When each of these providers works within `hours`, and what touches `work`: their bookings,
    open holds, and the work that is done, for the count of the day's jobs. An unknown provider is
    left out.

    Exceptions to the usual week are those of `hours` and of two days around them: where days are
    counted from today on (BOOKABLE_DAYS), ask from today on.
    """
    if not provider_ids:
        return {}
    usual = await availability.usual_weeks(connection, provider_ids)
    return await of_weeks(connection, usual, hours=hours, work=work)


async def of_weeks(
    connection: AsyncConnection, usual: Sequence[Row[Any]], *, hours: Span, work: Span
) -> dict[UUID, Diary]:
    """The same for providers whose usual weeks are known, each from a row that has an `id`, a
    `country` and the columns of `availability.usual_week`."""
    asked = availability.around([row.id for row in usual], hours)
    asked |= {"starts_at": work[0], "ends_at": work[1]}
    found = (await connection.execute(_DIARIES, asked)).all()
    exceptions = availability.Exceptions(row for row in found if row.kind != _WORK)
    taken: dict[UUID, list[Block]] = {}
    for row in found:
        if row.kind == _WORK:
            taken.setdefault(row.provider_id, []).append(reservations.block(row))
    return {
        row.id: Diary(
            provider_id=row.id,
            availability=exceptions.put_on(row),
            taken=taken.get(row.id, ()),
        )
        for row in usual
    }


def _diaries() -> CompoundSelect[Any]:
    r = reservations_table.c
    facts = reservations.FACTS
    nothing = [cast(null(), fact.type).label(fact.name) for fact in facts]
    exceptions = (kind.add_columns(*nothing) for kind in availability.exceptions())
    work = availability.kind(
        _WORK, provider_id=r.provider_id, starts_at=r.starts_at, ends_at=r.ends_at
    )
    touching = work.add_columns(*facts).where(reservations.touching())
    return availability.in_order(*exceptions, touching)


_WORK: Final = "work"
# Built once: putting such a statement together takes longer than running it.
_DIARIES: Final = _diaries()
