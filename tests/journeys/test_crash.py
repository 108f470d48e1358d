"""A worker dies in the middle of matching: do the offers appear all the same, and once?"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from callout.client import Client, Stream
from db.engine import Database
from db.tables import job_offers, providers
from gateways import failpoints
from tests import factories, invariants
from tests.installation import Installation
from tests.journeys.documents import BOOK, CANCEL, OFFERS, a_wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A customer who wants something, and three providers who listen."""

    database: Database
    customer: Client
    wish: dict[str, object]
    offers: list[Stream]

    async def book(self) -> str:
        """Make the booking; its id."""
        made = (await self.customer.ask(BOOK, input=self.wish))["createBooking"]
        assert made["__typename"] == "CreateBookingSuccess", made
        return str(made["booking"]["id"])

    async def assert_offered_once(self, booking: str) -> None:
        """Each provider hears of one offer and then, when it is called off, of its end."""
        heard = [[await _next(stream)] for stream in self.offers]
        await self.customer.ask(CANCEL, input={"bookingId": booking})
        for stream, kinds in zip(self.offers, heard, strict=True):
            kinds.append(await _next(stream))
        assert heard == [["OFFERED", "RESCINDED"]] * 3
        async with self.database.read() as connection:
            offered = list(await connection.scalars(select(job_offers.c.provider_id)))
        assert len(offered) == len(set(offered)) == 3
        await invariants.check(self.database)


async def _next(stream: Stream) -> str:
    async with asyncio.timeout(60):
        item = await stream.next()
    return str(item.data["offerFeed"]["type"])


@asynccontextmanager
async def a_scene(callout: Installation, database: Database) -> AsyncIterator[Scene]:
    service = await factories.add_service(database)
    them = await factories.add_providers(database, service, count=3)
    customer = await factories.add_customer(database)
    await callout.answers(200)
    async with AsyncExitStack() as stack:
        offers = []
        for client in await callout.clients(database, them):
            socket = await stack.enter_async_context(client.socket())
            offers.append(await socket.subscribe(OFFERS))
        yield Scene(
            database=database,
            customer=await callout.client(database, customer),
            wish=await a_wish(database, service),
            offers=offers,
        )


async def test_a_worker_killed_inside_its_transaction(
    callout: Installation, database: Database
) -> None:
    callout.api().start()
    doomed = callout.worker()
    doomed.start()
    async with a_scene(callout, database) as scene:
        async with database.begin() as tx:
            # Held here, nobody can be offered anything: the worker waits with its choice made.
            await tx.execute(select(providers.c.id).with_for_update())
            booking = await scene.book()
            await _worker_waits(database)
            doomed.kill()
        callout.worker().start()
        await scene.assert_offered_once(booking)


@pytest.mark.parametrize("failpoint", ["relay.after_publish", "job.before", "job.after"])
async def test_a_worker_that_dies_between_two_steps(
    callout: Installation, database: Database, failpoint: str
) -> None:
    callout.api().start()
    doomed = callout.worker()
    async with a_scene(callout, database) as scene:
        booking = await scene.book()
        doomed.start(CALLOUT_FAILPOINTS=failpoint)
        assert await doomed.ended() == failpoints.STATUS
        callout.worker().start()
        await scene.assert_offered_once(booking)


async def _worker_waits(database: Database) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'callout-worker-critical' AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60):
        while True:
            async with database.read() as connection:
                if await connection.scalar(waiting):
                    return
            await asyncio.sleep(0.02)
