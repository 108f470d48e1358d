"""How does PostgreSQL answer a question that Callout asks? Its own words, for what was asked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database


@contextmanager
def recorded(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are executed in the block, with their parameters."""
    asked: list[tuple[str, Any]] = []
    engine = database.engine.sync_engine

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def plan(
    connection: AsyncConnection, statement: str, parameters: Any, *, analyze: bool = False
) -> str:
    """The plan of a recorded statement, without costs; with what it really did if asked for."""
    wanted = "ANALYZE, TIMING OFF, SUMMARY OFF, BUFFERS OFF, COSTS OFF" if analyze else "COSTS OFF"
    rows = await connection.exec_driver_sql(f"EXPLAIN ({wanted}) {statement}", parameters)
    return "\n".join(row[0] for row in rows)
