"""Do the migrations make what the code's metadata describes, once, whoever runs them?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from db import schema
from db.engine import Database
from db.tables import metadata
from tests.servers import with_driver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import RowMapping

    from tests.servers import Template

#: alembic compares neither checks nor exclusions nor computed columns, so we do.
_CONSTRAINTS = """
    SELECT conrelid::regclass::text AS on, conname AS name, pg_get_constraintdef(oid) AS is
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
_INDEXES = """
    SELECT tablename AS on, indexname AS name, indexdef AS is
    FROM pg_indexes WHERE schemaname = 'public'
"""
_COLUMNS = """
    SELECT table_name AS on, column_name AS name,
           concat_ws(' ', data_type, is_nullable, column_default, is_identity,
                     generation_expression) AS is
    FROM information_schema.columns WHERE table_schema = 'public'
"""


async def described(database: Database) -> dict[str, str]:
    """Every column, constraint and index, by name."""
    async with database.read() as connection:
        rows: list[RowMapping] = []
        for statement in (_CONSTRAINTS, _INDEXES, _COLUMNS):
            rows += (await connection.execute(text(statement))).mappings()
    return {f"{row['on']}.{row['name']}": row["is"] for row in rows if "alembic" not in row["on"]}


@pytest.fixture
async def empty(template: Template) -> AsyncIterator[Database]:
    """A database with nothing in it."""
    url = await template.make_empty()
    opened = Database(with_driver(url))
    yield opened
    await opened.close()
    template.drop(url)


async def test_the_migrations_make_exactly_what_the_metadata_describes(
    database: Database, empty: Database
) -> None:
    async with empty.begin() as tx:
        await tx.execute(text("CREATE EXTENSION btree_gist"))
        await tx.run_sync(metadata.create_all)

    assert await described(database) == await described(empty)


async def test_several_processes_may_migrate_at_once(empty: Database) -> None:
    await asyncio.gather(*(schema.upgrade(empty) for _ in range(4)))

    async with empty.read() as connection:
        revisions = (
            await connection.execute(text("SELECT version_num FROM alembic_version"))
        ).all()
    assert len(revisions) == 1


async def test_the_lock_of_a_migration_does_not_outlive_it(empty: Database) -> None:
    await schema.upgrade(empty)

    async with empty.read() as connection:
        # A server shows the locks of all its databases, other tests' among them.
        statement = text(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert (await connection.execute(statement)).scalar_one() == 0


async def test_a_schema_is_current_when_alembic_says_so(
    database: Database, empty: Database
) -> None:
    assert await schema.is_current(database)
    assert not await schema.is_current(empty)


async def test_another_versions_schema_is_not_current(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("UPDATE alembic_version SET version_num = 'another'"))

    assert not await schema.is_current(database)
