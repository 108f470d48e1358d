"""One installation for all of a module: who lives there, what they say, and what time does.

Tests that share a town never meet: each opens a shop of its own. Time passes by moving what is due
into the past; an alarm is rung by putting its job into the queue, as a worker does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Table, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api import ids
from callout.client import Client, Stream
from db import feed
from db.engine import Database
from db.ids import new_id
from db.tables import bookings, events, history, job_offers, reservations
from domain.feed import encode_cursor
from domain.people import Viewer
from domain.services import Service
from tests import factories
from tests.installation import Installation, Process
from tests.journeys.documents import BOOK, BOOKING, CLOCK_IN, OFFERS, a_wish
from workers.queue import Call, JobQueue, Queue

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Seconds for anything to happen on a busy machine.
_PATIENCE: Final = 40.0
_WAITING: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'callout-api' AND wait_event_type = 'Lock'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What somebody hears live, item by item."""

    stream: Stream

    async def next(self) -> Any:
        """The next item."""
        async with asyncio.timeout(_PATIENCE):
            (value,) = (await self.stream.next()).data.values()
        return value

    async def types(self, number: int) -> list[str]:
        """What the next so many items say that happened."""
        return [(await self.next())["type"] for _ in range(number)]

    async def offer(self, *, wave: str) -> str:
        """The id of the offer of that wave that comes next; fails when anything else does."""
        item = await self.next()
        assert (item["type"], item["offer"]["wave"]) == ("OFFERED", wave), item
        return str(item["offer"]["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in."""

    viewer: Viewer
    client: Client
    stack: AsyncExitStack
    kind: str = "User"

    @property
    def uid(self) -> UUID:
        """Their own id."""
        return self.viewer.user_id

    @property
    def id(self) -> str:
        """Their global id."""
        return ids.encode(self.kind, self.uid)

    async def ask(self, document: str, **variables: Any) -> Any:
        """The value of the only field of an operation."""
        (value,) = (await self.client.ask(document, **variables)).values()
        return value

    async def does(self, document: str, **wanted: Any) -> None:
        """Do what must succeed."""
        answer = await self.ask(document, **{"input": wanted} if wanted else {})
        assert answer["__typename"].endswith("Success"), answer

    async def follow(self, document: str, **variables: Any) -> Heard:
        """Listen, on a socket of their own."""
        socket = await self.stack.enter_async_context(self.client.socket())
        return Heard(stream=await socket.subscribe(document, **variables))


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """An API, a worker, and the way to their database and their queues."""

    callout: Installation
    worker: Process
    database: Database
    jobs: JobQueue
    #: Holds the sockets until the module is over.
    stack: AsyncExitStack

    async def wake(self) -> None:
        """Wait until the worker is at work: it has told of something, so streams have a place to
        begin at."""
        provider = await factories.add_provider(
            self.database, await factories.add_service(self.database), on_shift=False
        )
        await (await self.sign_in(provider)).ask(CLOCK_IN)
        async with asyncio.timeout(_PATIENCE):
            while not await self.told():  # noqa: ASYNC110  # another process tells
                await asyncio.sleep(0.02)

    async def told(self) -> int:
        """How much has been told."""
        async with self.database.read() as connection:
            return await feed.last_seq(connection)

    async def opens(self, **columns: Any) -> Shop:
        """A shop for a new service: two hours of cleaning for nothing, or what is said."""
        return Shop(
            town=self,
            service=await factories.add_service(self.database, **columns),
            start=await factories.tomorrow(self.database) + timedelta(days=1),
            since=encode_cursor(await self.told()),
        )

    async def sign_in(self, viewer: Viewer, kind: str = "User") -> Person:
        """Somebody who can speak."""
        client = await self.callout.client(self.database, viewer)
        return Person(viewer=viewer, client=client, stack=self.stack, kind=kind)

    async def dispatcher(self) -> Person:
        """Somebody of the house."""
        return await self.sign_in(await factories.add_dispatcher(self.database))

    async def ring(self, job: str, *about: UUID, queue: Queue = "critical", times: int = 1) -> None:
        """Have a job done so many times at once; return when all have ended."""
        arguments = tuple(str(uid) for uid in about)
        calls = [
            Call(job=job, arguments=arguments, queue=queue, key=f"{job}:{new_id()}")
            for _ in range(times)
        ]
        await self.jobs.enqueue(calls)
        left = {self.jobs.id(call) for call in calls}
        async with asyncio.timeout(_PATIENCE):
            # arq takes a call out of the queue when it has ended.
            while left := {  # noqa: ASYNC110  # another process takes it
                one for one in left if await self.jobs.redis.zscore(self.jobs.name(queue), one)
            }:
                await asyncio.sleep(0.01)

    async def restart(self, **environment: str) -> None:
        """End the worker and start it again with these variables too."""
        self.worker.terminate()
        await self.worker.ended()
        self.worker.start(**environment)

    @asynccontextmanager
    async def waiting_for(
        self, table: Table, uid: UUID, *acts: Coroutine[Any, Any, Any]
    ) -> AsyncIterator[tuple[AsyncConnection, list[asyncio.Task[Any]]]]:
        """Hold a row's lock until the block ends; it begins once all of these acts wait for it."""
        row = select(table.c.id).where(table.c.id == uid)
        async with self.database.begin() as holder:
            await holder.execute(row.with_for_update())
            tasks = [asyncio.create_task(act) for act in acts]
            async with asyncio.timeout(_PATIENCE), self.database.read() as connection:
                while (await connection.scalar(_WAITING) or 0) < len(acts):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            yield holder, tasks


class Trace(NamedTuple):
    """All there is about a booking: what an act without effect leaves as it was."""

    booking: list[Any]
    history: list[Any]
    offers: list[Any]
    time: list[Any]
    #: The types of its events and of those of its offers, in order.
    told: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One service, who does it and who wants it."""

    town: Town
    service: Service
    #: A full hour in two days.
    start: datetime
    #: From where everything about the shop can be heard.
    since: str

    async def customer(self) -> Person:
        """Somebody new who can book."""
        return await self.town.sign_in(await factories.add_customer(self.town.database))

    async def provider(self, **columns: Any) -> Person:
        """Somebody new who does the service at any hour, and is on shift unless it is said."""
        made = await factories.add_provider(self.town.database, self.service, **columns)
        return await self.town.sign_in(made, kind="Provider")

    async def feed(self, of: Person) -> Heard:
        """What a provider is told of their offers, from the beginning."""
        return await of.follow(OFFERS, after=self.since)

    async def life(self, booking: UUID, of: Person) -> Heard:
        """What the customer is told of a booking, from the beginning."""
        return await of.follow(BOOKING, id=ids.encode("Booking", booking), after=self.since)

    async def book(self, who: Person, **changes: Any) -> Any:
        """Ask for the service at `start`, or what the changes say; the answer."""
        wish = await a_wish(self.town.database, self.service, startsAt=self.start.isoformat())
        return await who.ask(BOOK, input=wish | changes)

    async def booked(self, who: Person, **changes: Any) -> UUID:
        """The booking that is made."""
        made = await self.book(who, **changes)
        assert made["__typename"] == "CreateBookingSuccess", made
        return ids.parse("Booking", made["booking"]["id"], "id")

    async def states(self, booking: UUID) -> dict[UUID, list[str]]:
        """What became of the offers of a booking, for each provider in the order of the waves."""
        o = job_offers.c
        query = select(o.provider_id, o.state).where(o.booking_id == booking).order_by(o.round)
        found: dict[UUID, list[str]] = {}
        async with self.town.database.read() as connection:
            for row in await connection.execute(query):
                found.setdefault(row.provider_id, []).append(row.state)
        return found

    async def offer(self, booking: UUID, *, to: Person) -> str:
        """The global id of the latest offer of a booking to a provider."""
        made = await factories.read_offers(self.town.database, booking)
        return ids.encode("JobOffer", made[to.uid].id)

    async def trace(self, booking: UUID, by: AsyncConnection | None = None) -> Trace:
        """All there is about a booking, as a transaction sees it or as it has been committed."""
        if by is None:
            async with self.town.database.read() as connection:
                return await self.trace(booking, connection)
        about = events.c.subject["booking"].astext == str(booking)
        told = select(events.c.type).where(about).order_by(events.c.position)
        queries = (
            select(bookings).where(bookings.c.id == booking),
            select(history).where(history.c.booking_id == booking).order_by(history.c.version),
            select(job_offers).where(job_offers.c.booking_id == booking).order_by(job_offers.c.id),
            select(reservations).where(reservations.c.booking_id == booking),
        )
        row, past, made, time = [list(await by.execute(query)) for query in queries]
        types = list(await by.scalars(told))
        return Trace(booking=row, history=past, offers=made, time=time, told=types)

    async def pass_time(self, booking: UUID, by: timedelta, *, rings: int = 1) -> None:
        """Let `by` pass for a booking: all that was or will be of it is so much earlier. Then its
        alarm rings, so many times at once."""
        b, o, r = bookings.c, job_offers.c, reservations.c
        moved = {
            bookings: (
                *(b.starts_at, b.ends_at, b.requested_at, b.match_since, b.match_due_at),
                b.auto_due_at,
            ),
            job_offers: (o.offered_at, o.expires_at, o.resolved_at, o.reminded_at),
            reservations: (r.starts_at, r.ends_at),
        }
        async with self.town.database.begin() as tx:
            for table, columns in moved.items():
                mine = (table.c.id if table is bookings else table.c.booking_id) == booking
                passed = {column.name: column - by for column in columns}
                await tx.execute(update(table).where(mine).values(passed))
        await self.town.ring("advance_matching", booking, times=rings)
