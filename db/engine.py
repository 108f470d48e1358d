"""How is a transaction opened, and what do the database's own refusals mean?

READ COMMITTED throughout. Every connection carries a lock timeout, a statement timeout and an
idle-in-transaction timeout from its start, so no transaction can forget to set them.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool

from db.json import dumps, loads
from db.wake import Waker, take_mark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    #: What a transaction or a read gives to work with, for those who must not import SQLAlchemy.
    Connection: TypeAlias = AsyncConnection

#: Deadlock, serialisation failure, lock not available: try again, a bounded number of times.
RETRYABLE: Final = frozenset({"40P01", "40001", "55P03"})

_SESSION: Final = {
    "lock_timeout": "3s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
    "jit": "off",
}
#: Seconds that connections in use have to be given back when the database is closed.
_PATIENCE: Final = 1.0


class Database:
    """A pool of connections and the two ways to use one: a transaction and a short read."""

    def __init__(self, url: str, *, pool: int = 10, name: str = "callout") -> None:
        """Connect lazily to `url` (postgresql+asyncpg://…) with at most `pool` connections.

        `name` shows in pg_stat_activity.
        """
        self.engine = _engine(url, pool=pool, settings={**_SESSION, "application_name": name})
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._waker = Waker(_wake_engine(url, name))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self.engine.connect() as tx:
            take_mark(tx)  # left by a transaction that was rolled back
            async with tx.begin():
                yield tx
            if take_mark(tx):
                self._waker.poke()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One short read outside any transaction: each statement sees what is committed by then."""
        async with self._autocommit.connect() as connection:
            yield connection

    @property
    def in_use(self) -> int:
        """How many connections are checked out of the pool now."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def close(self) -> None:
        """Close every connection, once those in use have been given back: an answer that failed may
        leave reads behind that nobody waits for. They have a second."""
        await self._waker.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self.in_use:  # noqa: ASYNC110  # a pool tells nobody when it is whole again
                    await asyncio.sleep(0.005)
        await self.engine.dispose()


@asynccontextmanager
async def planned_anew(connection: AsyncConnection) -> AsyncIterator[None]:
    """Statements in this block are planned for the values they come with.

    A statement that was executed five times gets a plan for any values, in which every array is a
    short one; with the ids of a thousand providers it then takes a hundred times as long.
    """
    await connection.execute(text("SET plan_cache_mode = force_custom_plan"))
    try:
        yield
    finally:
        # An aborted transaction refuses this, and takes the setting back by itself.
        with suppress(DBAPIError):
            await connection.execute(text("RESET plan_cache_mode"))


def _engine(url: str, *, pool: int, settings: Mapping[str, str]) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        json_serializer=dumps,
        json_deserializer=loads,
        # Parameters carry people's data; an error's text goes to the log.
        hide_parameters=True,
        connect_args={"server_settings": settings, "timeout": 5},
    )


def _wake_engine(url: str, name: str) -> AsyncEngine:
    # Of its own, so that no wake-up waits for a busy pool. A wake-up need not survive a crash,
    # so its commit does not wait for the disk.
    settings = {**_SESSION, "application_name": f"{name} waker", "synchronous_commit": "off"}
    engine = _engine(url, pool=1, settings=settings)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE behind a driver error, if it has one."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def constraint(error: BaseException) -> str | None:
    """The name of the constraint that an integrity error speaks of, if it speaks of one."""
    cause = getattr(getattr(error, "orig", None), "__cause__", None)
    return getattr(cause, "constraint_name", None)


def is_retryable(error: BaseException) -> bool:
    """Would the same transaction, tried again, have a fair chance?"""
    return isinstance(error, DBAPIError) and sqlstate(error) in RETRYABLE


def is_unavailable(error: BaseException) -> bool:
    """Is the database away, restarting or out of connections, rather than the request wrong?"""
    if isinstance(error, PoolTimeout | OSError):
        return True
    if isinstance(error, DBAPIError):
        state = sqlstate(error) or ""
        return error.connection_invalidated or state[:2] in {"08", "53", "57"}
    return False
