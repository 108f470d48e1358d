"""How are the hot questions answered? PostgreSQL's own plans, on a database of some size.

    python -m benchmarks.plans --providers 20000

Prints, for docs/plans.md, the plan of each question with how many rows every step really gave:
who might do a booking, what waits in the queue, which offers a provider has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from benchmarks import matches
from benchmarks.report import main
from db import candidates, clock, matching, offers, queue
from db.engine import Database
from domain.offers import OfferState
from domain.pages import PageRequest
from tests.plans import plan, recorded

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from tests import servers

#: Bookings that wait, some of them offered.
_WAITING: Final = 300


async def questions(
    database: Database, booking: Booking, provider_id: Any
) -> dict[str, Callable[[AsyncConnection], Awaitable[Any]]]:
    """The hot questions: the first statement of each is the one that counts."""
    work = candidates.work_of(booking)
    async with database.read() as connection:
        at = await clock.now(connection)
    page = PageRequest(limit=25)
    return {
        "Who might do this booking?": lambda c: candidates.eligible(c, work, at=at, limit=20),
        "What waits in the queue?": lambda c: queue.page(c, page, of_provider=None, trade=None),
        "Which offers has this provider?": lambda c: offers.page(
            c, page, provider_id=provider_id, states=[OfferState.OFFERED]
        ),
    }


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """Each question with its plan."""
    url = await template.clone()
    database = Database(url.replace("postgresql:", "postgresql+asyncpg:"), name="benchmark")
    try:
        stage = await matches.furnish(database, chosen.providers, "spread")
        waiting = [await stage.booking() for _ in range(_WAITING)]
        for booking in waiting[1:]:
            async with database.begin() as tx:
                await matching.advance(tx, booking.id)
        async with database.read() as connection:
            await connection.execute(text("VACUUM ANALYZE"))
            asked = text("SELECT provider_id FROM job_offers ORDER BY id DESC LIMIT 1")
            provider_id = await connection.scalar(asked)
        return {
            question: await _plan(database, ask)
            for question, ask in (await questions(database, waiting[0], provider_id)).items()
        }
    finally:
        await database.close()
        template.drop(url)


async def _plan(database: Database, ask: Callable[[AsyncConnection], Awaitable[Any]]) -> str:
    async with database.read() as connection:
        with recorded(database) as statements:
            await ask(connection)
        return await plan(connection, *statements[0], analyze=True)


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--providers", type=int, default=20_000)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Each question and, below it, its plan."""
    return [(f"\n{question}\n", f"\n{plan_}") for question, plan_ in figures.items()]


if __name__ == "__main__":
    main("plans", options, measure, rows, __doc__)
