"""Occurrences: what is kept of each visit of a series that has been seen to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select

from db import pages
from db.tables import series_occurrences
from domain.booking_rules import BookingRule, BrokenRule
from domain.occurrences import Conflict, Occurrence, OccurrenceConflictCode, OccurrenceState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest
    from domain.series import Series

_O: Final = series_occurrences.c
_BY_START: Final = pages.Order(columns=(_O.original_start,), parse=(datetime.fromisoformat,))


async def page(
    connection: AsyncConnection, request: PageRequest, *, series_id: UUID
) -> Page[Occurrence]:
    """A page of what has been seen to of a series, in the order of the original starts."""
    return await pages.fetch(connection, _of(series_id), _BY_START, request, occurrence)


async def count(connection: AsyncConnection, *, series_id: UUID) -> int:
    """How many occurrences of a series have been seen to."""
    return await pages.count(connection, _of(series_id))


async def find(connection: AsyncConnection, series_id: UUID, start: datetime) -> Occurrence | None:
    """What became of one occurrence; None for one that has not been seen to."""
    query = _of(series_id).where(_O.original_start == start)
    row = (await connection.execute(query)).one_or_none()
    return occurrence(row) if row else None


async def onwards(
    connection: AsyncConnection, series_id: UUID, start: datetime
) -> list[Occurrence]:
    """What became of the occurrences from an original start on, in order."""
    query = _of(series_id).where(_O.original_start >= start).order_by(_O.original_start)
    return [occurrence(row) for row in await connection.execute(query)]


async def noted_at(connection: AsyncConnection, series_id: UUID, at: datetime) -> list[Occurrence]:
    """What was seen to at one moment, in order."""
    query = _of(series_id).where(_O.noted_at == at).order_by(_O.original_start)
    return [occurrence(row) for row in await connection.execute(query)]


async def seen_ahead(connection: AsyncConnection, found: Series) -> set[datetime]:
    """The occurrences that were skipped or moved before their bookings were due."""
    query = select(_O.original_start).where(_O.series_id == found.id)
    if found.done_until is not None:
        query = query.where(_O.original_start > found.done_until)
    return set(await connection.scalars(query))


async def keep(tx: AsyncConnection, new: Sequence[Occurrence]) -> None:
    """Keep occurrences that nothing was known of before."""
    if new:
        await tx.execute(insert(series_occurrences), [_columns(one) for one in new])


async def forget(tx: AsyncConnection, series_id: UUID, starts: Sequence[datetime]) -> None:
    """Know nothing of these occurrences any more."""
    which = (_O.series_id == series_id) & _O.original_start.in_(starts)
    await tx.execute(delete(series_occurrences).where(which))


def _of(series_id: UUID) -> Select[Any]:
    return select(series_occurrences).where(_O.series_id == series_id)


def _columns(value: Occurrence) -> dict[str, Any]:
    return {
        "series_id": value.series_id,
        "original_start": value.original_start,
        "state": value.state,
        "booking_id": value.booking_id,
        "conflict": asdict(value.conflict) if value.conflict else None,
        "noted_at": value.noted_at,
    }


def occurrence(row: Row[Any]) -> Occurrence:
    """The occurrence in a row."""
    return Occurrence(
        series_id=row.series_id,
        original_start=row.original_start,
        state=OccurrenceState(row.state),
        booking_id=row.booking_id,
        conflict=_conflict(row.conflict) if row.conflict else None,
        noted_at=row.noted_at,
    )


def _conflict(kept: dict[str, Any]) -> Conflict:
    return Conflict(
        code=OccurrenceConflictCode(kept["code"]),
        message=kept["message"],
        broken=tuple(_broken(one) for one in kept["broken"]),
        alternatives=tuple(datetime.fromisoformat(at) for at in kept["alternatives"]),
    )


def _broken(kept: dict[str, Any]) -> BrokenRule:
    instants = {
        name: datetime.fromisoformat(kept[name]) if kept[name] else None
        for name in ("earliest", "latest")
    }
    return BrokenRule(
        rule=BookingRule(kept["rule"]), message=kept["message"], limit=kept["limit"], **instants
    )
