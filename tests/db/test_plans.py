"""Are the questions that are asked most answered from indexes, however many rows there are?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from benchmarks import matches
from db import candidates, clock, matching, offers, queue
from domain.offers import OfferState
from domain.pages import PageRequest
from tests.plans import plan, recorded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database
    from domain.bookings import Booking

#: Enough that reading all of them is never the cheaper way.
PROVIDERS = 2000
PAGE = PageRequest(limit=25)


@pytest.fixture
async def waiting(crowd: Database) -> list[Booking]:
    """Bookings that wait among many providers all over the country."""
    stage = await matches.furnish(crowd, PROVIDERS, "spread")
    made = [await stage.booking() for _ in range(200)]
    for booking in made[100:]:
        async with crowd.begin() as tx:
            await matching.advance(tx, booking.id)
    async with crowd.read() as connection:
        await connection.execute(text("ANALYZE"))
    return made


async def planned(database: Database, ask: Callable[[AsyncConnection], Awaitable[Any]]) -> str:
    async with database.read() as connection:
        with recorded(database) as statements:
            await ask(connection)
        return await plan(connection, *statements[0])


async def test_candidates_are_found_by_the_boxes_that_cover_the_place(
    crowd: Database, waiting: list[Booking]
) -> None:
    work = candidates.work_of(waiting[0])
    async with crowd.read() as connection:
        at = await clock.now(connection)
    found = await planned(crowd, lambda c: candidates.eligible(c, work, at=at, limit=50))
    assert "ix_providers_coverage" in found
    # Those on shift and the others, merged by points: what comes no further is not looked at.
    assert "Merge Append" in found
    for table in ("providers", "working_hours", "reservations", "shifts"):
        assert f"Seq Scan on {table}" not in found


async def test_the_queue_is_read_in_its_own_order(crowd: Database, waiting: list[Booking]) -> None:
    found = await planned(crowd, lambda c: queue.page(c, PAGE, of_provider=None, trade=None))
    assert waiting
    assert "ix_bookings_queue" in found
    assert "Sort" not in found


async def test_a_providers_offers_are_read_newest_first(
    crowd: Database, waiting: list[Booking]
) -> None:
    mine, states = waiting[0].customer_id, [OfferState.OFFERED]
    found = await planned(crowd, lambda c: offers.page(c, PAGE, provider_id=mine, states=states))
    assert "ix_job_offers_provider_id_id" in found
    assert "Sort" not in found
