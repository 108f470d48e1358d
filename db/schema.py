"""Is the database's schema the one this code expects, and how does it become so?"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database

#: The advisory lock held by whoever migrates, so that several replicas may start at once.
_MIGRATION_LOCK: Final = 0x43414C4C4F5554

_MIGRATIONS: Final = Path(__file__).parent / "migrations"

#: What a migration file says of itself: revision = '0002', down_revision = '0001' or None.
_FACT: Final = re.compile(r"^(revision|down_revision) = ['\"]?(\w+)", re.MULTILINE)


@asynccontextmanager
async def exclusive(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection that nobody else migrates beside. Waits up to five minutes for its turn.

    The lock belongs to the session, not to a transaction: a migration may commit on its way.
    """
    async with database.engine.connect() as connection:
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            await connection.execute(text(f"SET {setting} = 0"))
        await connection.execute(text("SET lock_timeout = '5min'"))
        await connection.execute(
            text("SELECT pg_advisory_lock(:lock)").bindparams(lock=_MIGRATION_LOCK)
        )
        await connection.commit()
        try:
            yield connection
        finally:
            # Neither the lock nor the patient timeouts may return to the pool.
            await connection.invalidate()


def config(connection: Connection) -> Config:
    """alembic, set up for our migrations on this connection."""
    # Imported when needed: a process that only serves has no use for alembic.
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(config(connection), "head")
    connection.commit()


async def upgrade(database: Database) -> None:
    """Bring the schema up to this code's, one process at a time."""
    if await is_current(database):
        return
    async with exclusive(database) as connection:
        await connection.run_sync(_upgrade)


async def is_current(database: Database) -> bool:
    """Is the schema exactly this code's? Raises whatever the database does when it is away."""
    async with database.read() as connection:
        if not await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
            return False
        revisions = await connection.scalars(text("SELECT version_num FROM alembic_version"))
        return set(revisions) == _heads()


@cache
def _heads() -> frozenset[str]:
    """The last migrations, read from their files: alembic takes most of a second to import, and
    a server is asked for its readiness while it starts."""
    revisions: set[str] = set()
    parents: set[str] = set()
    for file in (_MIGRATIONS / "versions").glob("*.py"):
        facts = dict(_FACT.findall(file.read_text()))
        revisions.add(facts["revision"])
        parents.add(facts["down_revision"])
    return frozenset(revisions - parents)
