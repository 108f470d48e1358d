"""How does the relay learn of a commit within about a millisecond, without every commit paying?

NOTIFY inside each transaction costs about a third of the commits under load, since it takes a lock
that all of them share. So a transaction that appended events only leaves a mark on its connection;
after its commit the waker sends one NOTIFY for all that committed together. A wake-up that gets
lost is covered by the relay's poll.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

#: The NOTIFY channel that the relay listens to.
CHANNEL: Final = "callout_events"

_MARK: Final = "callout_events_appended"


def mark(tx: AsyncConnection) -> None:
    """Note that this transaction appended events."""
    tx.info[_MARK] = True


def take_mark(tx: AsyncConnection) -> bool:
    """Did the transaction append events? Asked once: the connection outlives the transaction."""
    return bool(tx.info.pop(_MARK, False))


class Waker:
    """Sends at most one NOTIFY per `quiet` seconds: the first at once, the last for certain."""

    def __init__(self, engine: AsyncEngine, *, quiet: float = 0.003) -> None:
        """Send them on a connection of `engine`, which must be in autocommit."""
        self._engine = engine
        self._quiet = quiet
        self._due = False
        self._task: asyncio.Task[None] | None = None

    def poke(self) -> None:
        """Events have been committed. Returns at once."""
        self._due = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._notify_while_due())

    async def close(self) -> None:
        """Stop. Nothing is left running."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._engine.dispose()

    async def _notify_while_due(self) -> None:
        while self._due:
            self._due = False
            with suppress(DBAPIError, PoolTimeout, OSError):
                async with self._engine.connect() as connection:
                    await connection.execute(text(f"NOTIFY {CHANNEL}"))
            await asyncio.sleep(self._quiet)
