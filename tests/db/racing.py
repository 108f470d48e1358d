"""How do transactions meet in a test? Many at once, or two in an arranged order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.engine import sqlstate
from domain.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database

T = TypeVar("T")

_LOCK_TIMEOUT: Final = "55P03"

#: So many transactions are open at a time; the others wait for their turn.
AT_ONCE: Final = 20


async def act(database: Database, change: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    """One change in a transaction of its own."""
    async with database.begin() as tx:
        return await change(tx)


async def race(
    database: Database, changes: Iterable[Callable[[AsyncConnection], Awaitable[Any]]]
) -> list[Any]:
    """What came of each change: its result, or its refusal. Anything else is raised.

    A lock that was waited for too long is asked for again, as the product's edge does: on a busy
    machine that says nothing. A deadlock is raised.
    """
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(change: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
        async with turn:
            while True:
                try:
                    return await act(database, change)
                except Refusal as refusal:
                    return refusal
                except DBAPIError as error:
                    if sqlstate(error) != _LOCK_TIMEOUT:
                        raise

    return await asyncio.gather(*(one(change) for change in changes))


async def waiting(
    database: Database, change: Callable[[AsyncConnection], Awaitable[T]], *, behind: int = 0
) -> asyncio.Task[T]:
    """Start a change that meets a lock which the caller holds; return once it waits for it, with
    so many others that have been waiting.

    Await the task when the lock has been given back.
    """
    task = asyncio.create_task(act(database, change))
    waits = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10), database.read() as connection:
        while await connection.scalar(waits) <= behind:
            assert not task.done(), f"It did not wait: {task!r}"
            await asyncio.sleep(0.002)
    return task
