"""Dead letters: how a job comes to rest, how they are listed, and how one is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from db import events, pages
from db.ids import new_id
from db.tables import dead_letters
from domain import dead_letters as rules
from domain.dead_letters import DeadLetter
from domain.events import Event, EventType
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_NEWEST_FIRST: Final = pages.Order(columns=(dead_letters.c.id,), parse=(UUID,), descending=True)


async def rest(
    tx: AsyncConnection,
    *,
    call: str,
    job: str,
    queue: str,
    arguments: Sequence[str],
    error: str,
    tries: int,
) -> None:
    """Lay a job that failed every time to rest. The same `call` rests once, with its last error."""
    last = {"error": error, "tries": tries, "failed_at": func.clock_timestamp()}
    facts = {"call": call, "job": job, "queue": queue, "arguments": list(arguments)}
    await tx.execute(
        insert(dead_letters)
        .values(id=new_id(), **facts, **last)
        .on_conflict_do_update(
            index_elements=["call"], index_where=text("replayed_at IS NULL"), set_=last
        )
    )


async def settle(tx: AsyncConnection, call: str) -> None:
    """Say that a call which rests was tried again some other way: nobody need replay it."""
    resting = update(dead_letters).where(
        dead_letters.c.call == call, dead_letters.c.replayed_at.is_(None)
    )
    await tx.execute(resting.values(replayed_at=func.clock_timestamp()))


async def get(connection: AsyncConnection, letter_id: UUID) -> DeadLetter:
    """One letter. Raises NotFound."""
    return await _one(connection, select(dead_letters).where(dead_letters.c.id == letter_id))


async def page(
    connection: AsyncConnection, request: PageRequest, *, waiting: bool = True
) -> Page[DeadLetter]:
    """A page of the letters, newest first; only those that nobody replayed when `waiting`."""
    return await pages.fetch(connection, _listed(waiting), _NEWEST_FIRST, request, _letter)


async def count(connection: AsyncConnection, *, waiting: bool = True) -> int:
    """How many letters there are."""
    return await pages.count(connection, _listed(waiting))


async def replay(tx: AsyncConnection, letter_id: UUID) -> DeadLetter:
    """Have the job tried again. Raises NotFound or AlreadyReplayed.

    The event carries the order to the workers, so it is given exactly when this commits.
    """
    letter = await _one(
        tx, select(dead_letters).where(dead_letters.c.id == letter_id).with_for_update()
    )
    rules.replayable(letter)
    replayed = await tx.execute(
        update(dead_letters)
        .where(dead_letters.c.id == letter_id)
        .values(replayed_at=func.clock_timestamp())
        .returning(dead_letters)
    )
    ordered = Event(type=EventType.JOB_REPLAYED, subject={"dead_letter": letter_id})
    await events.append(tx, [ordered])
    return _letter(replayed.one())


async def _one(connection: AsyncConnection, query: Select[Any]) -> DeadLetter:
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("DeadLetter")
    return _letter(row)


def _listed(waiting: bool) -> Select[Any]:
    query = select(dead_letters)
    return query.where(dead_letters.c.replayed_at.is_(None)) if waiting else query


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        job=row.job,
        queue=row.queue,
        arguments=tuple(row.arguments),
        error=row.error,
        tries=row.tries,
        failed_at=row.failed_at,
        replayed_at=row.replayed_at,
    )
