"""What the automatic assignment has done, run by run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import insert, select

from db import pages
from db.tables import auto_runs
from domain.auto_assign import AutoRun

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_NEWEST_FIRST: Final = pages.Order(columns=(auto_runs.c.id,), parse=(UUID,), descending=True)
#: Facts that a run and its row call by the same name.
_PLAIN: Final = (
    *("id", "at", "asked_by", "waiting", "assigned", "cost", "greedy_assigned", "greedy_cost"),
)


async def add(tx: AsyncConnection, run: AutoRun) -> None:
    """Keep what a run has done."""
    await tx.execute(insert(auto_runs), {name: getattr(run, name) for name in _PLAIN})


async def by_ids(connection: AsyncConnection, ids: list[UUID]) -> list[AutoRun]:
    """The runs with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(auto_runs).where(auto_runs.c.id.in_(ids)))
    return [_run(row) for row in rows]


async def page(connection: AsyncConnection, request: PageRequest) -> Page[AutoRun]:
    """A page of the runs, newest first."""
    return await pages.fetch(connection, select(auto_runs), _NEWEST_FIRST, request, _run)


async def count(connection: AsyncConnection) -> int:
    """How many runs there were."""
    return await pages.count(connection, select(auto_runs))


def _run(row: Row[Any]) -> AutoRun:
    return AutoRun(**{name: getattr(row, name) for name in _PLAIN})
