"""Does the time come with leave to use the plans there are, and only for one transaction?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from db import clock

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database


async def planning(tx: AsyncConnection) -> str:
    mode: str = (await tx.execute(text("SHOW plan_cache_mode"))).scalar_one()
    return mode


async def test_a_transaction_that_plans_once_leaves_the_next_on_its_connection_as_it_was(
    database: Database,
) -> None:
    async with database.begin() as tx:
        before = await clock.now(tx)
        assert await planning(tx) == "auto"
        after = await clock.now_planned_once(tx)
        assert await planning(tx) == "force_generic_plan"
        assert before < after < await clock.now(tx)
        connection = await tx.get_raw_connection()
        of_first = connection.driver_connection

    async with database.begin() as tx:
        assert (await tx.get_raw_connection()).driver_connection is of_first
        assert await planning(tx) == "auto"
