"""Is a database closed without cutting anybody short, and without waiting for ever?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from db.engine import Database

if TYPE_CHECKING:
    from gateways.settings import Settings


@pytest.fixture
def opened(settings: Settings) -> Database:
    return Database(settings.sqlalchemy_url, name="test")


async def test_what_is_still_read_is_read_to_its_end_before_all_is_closed(opened: Database) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def read() -> int:
        async with opened.read() as connection:
            begun.set()
            await go_on.wait()
            found: int = (await connection.execute(text("SELECT 1"))).scalar_one()
            return found

    reading = asyncio.create_task(read())
    await begun.wait()
    closing = asyncio.create_task(opened.close())
    assert not (await asyncio.wait([closing], timeout=0.05))[0]
    go_on.set()
    await closing
    assert reading.done()
    assert await reading == 1
    assert opened.in_use == 0


async def test_a_connection_that_is_never_given_back_holds_nobody_for_ever(
    opened: Database,
) -> None:
    async with opened.read() as connection:
        await opened.close()
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
        await connection.invalidate()
