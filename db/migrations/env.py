"""How does alembic reach the database, and what does it compare it with?

Given a connection (db.schema does), alembic uses it as it is; from its own command line it
connects to DATABASE_URL by way of db.schema.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from alembic import context
from alembic.operations import ops

from db import schema
from db.engine import Database
from db.tables import metadata

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy import Connection


def _begin_with_extensions(
    _context: MigrationContext, parent: object, directives: list[ops.MigrationScript]
) -> None:
    """Let the first migration, which has the whole schema, open with what it is built on."""
    for script in directives:
        if not parent and script.upgrade_ops is not None:
            extension = ops.ExecuteSQLOp("CREATE EXTENSION IF NOT EXISTS btree_gist")
            script.upgrade_ops.ops.insert(0, extension)


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_server_default=True,
        process_revision_directives=_begin_with_extensions,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_run(url: str) -> None:
    database = Database(url, pool=1, name="alembic")
    try:
        async with schema.exclusive(database) as connection:
            await connection.run_sync(_run)
    finally:
        await database.close()


def _with_driver(url: str) -> str:
    _, _, rest = url.partition("://")
    return f"postgresql+asyncpg://{rest}"


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    asyncio.run(_connect_and_run(_with_driver(os.environ["DATABASE_URL"])))
