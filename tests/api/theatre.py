"""A house in which everybody listens to everything, and what is said to them is written down.

The hub, the relay and the schema are the real ones. Nobody works on jobs, so that nothing is done
but by the players; after each act all who listen have heard of it before the next one begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import func, insert, select, update

from api import ids
from api.access import permitted
from api.app import create
from api.context import Services
from db import matching, payment_rows, telling
from db.engine import Database
from db.ids import new_id
from db.tables import (
    bookings,
    events,
    feed_entries,
    job_offers,
    payments,
    untold_events,
    users,
)
from domain.audience import (
    booking_topic,
    notifications_topic,
    offers_topic,
    presence_topic,
    queue_topic,
    waitlist_topic,
)
from domain.bookings import Booking
from domain.feed import decode_cursor, encode_cursor
from domain.money import Money
from domain.people import Role, Viewer
from domain.refusals import Refusal
from domain.waitlist import Wish
from gateways.publisher import Publisher
from gateways.settings import Settings
from tests.api.walks import SCHEMA, Answer, Seen, Walk, frames
from tests.factories import (
    NOW,
    add_account,
    add_booking,
    add_customer,
    add_providers,
    add_service,
    an_address,
    now,
)
from tests.money import a_payment
from tests.waiting import until
from workers.queue import JobQueue
from workers.relay import Relay

#: Seconds for what was done to reach everybody.
PATIENCE: Final = 30.0
FREE: Final = Money(amount_minor=0, currency="GBP")
#: From the first event there ever was.
_START: Final = f'after: "{encode_cursor(0)}"'
PROVIDERS: Final = ("Pia", "Paul", "Petra", "Pim")
CUSTOMERS: Final = ("Cato", "Cleo")


@dataclass(kw_only=True)
class Listener:
    """Somebody who follows one stream, and what they have heard on it so far."""

    name: str
    stream: str
    topic: str
    frames: list[Answer] = field(default_factory=list)
    #: How many of them have been looked at.
    read: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        """Will nothing more be heard? Raises what ended it, if that was a fault."""
        if self.task is None or not self.task.done():
            return False
        self.task.result()
        return True

    @property
    def position(self) -> int:
        """The place in the feed of what was heard last."""
        if not self.frames or self.frames[-1].data is None:
            return -1
        ((_, item),) = self.frames[-1].data.items()
        (cursor,) = (value for name, value in item.items() if name.endswith("__cursor"))
        return decode_cursor(cursor)

    @property
    def refusals(self) -> list[str]:
        """The codes of what went wrong."""
        return [error["extensions"]["code"] for one in self.frames for error in one.errors]

    @property
    def heard(self) -> list[str]:
        """What happened, as the items say."""
        items = [item for one in self.frames if one.data for item in one.data.values()]
        return [value for one in items for name, value in one.items() if name.endswith("__type")]

    def news(self) -> Seen:
        """What they were told since this was last asked."""
        seen = Seen()
        for answer in self.frames[self.read :]:
            seen.take(answer)
        self.read = len(self.frames)
        return seen


@dataclass(kw_only=True)
class Theatre:
    """Who plays, and who listens."""

    database: Database
    services: Services
    people: dict[str, Viewer] = field(default_factory=dict)
    #: What of a person or a piece of work others may not learn.
    private: dict[str, tuple[str, ...]] = field(default_factory=dict)
    works: dict[UUID, tuple[str, ...]] = field(default_factory=dict)
    #: What was said, and who besides the house may ever hear it.
    words: dict[str, frozenset[str]] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)
    _service: Any = None
    _numbers: Any = field(default_factory=count)

    async def cast(self) -> None:
        """Bring everybody in, and let those follow what is theirs who can from the start."""
        self._service = await add_service(self.database)
        for name in CUSTOMERS:
            self.people[name] = await add_customer(self.database)
        for role in (Role.DISPATCHER, Role.ANALYST, Role.SERVICE):
            self.people[role.title()] = await add_account(self.database, role)
        made = await add_providers(self.database, self._service, count=len(PROVIDERS))
        self.people |= dict(zip(PROVIDERS, made, strict=True))
        for number, (name, viewer) in enumerate(self.people.items()):
            texts = {
                "family_name": f"Family-of-{name}",
                "email": f"{name.lower()}@secret.example",
                "phone": f"+447700900{300 + number}",
            }
            self.private[name] = tuple(texts.values())
            async with self.database.begin() as tx:
                mine = update(users).where(users.c.id == viewer.user_id)
                await tx.execute(mine.values(given_name=name, **texts))
        for name, viewer in self.people.items():
            for stream, topic in self._topics(viewer).items():
                self.listen(name, stream, topic, f"({_START})")

    def _topics(self, viewer: Viewer) -> dict[str, str]:
        """Every stream that somebody may follow, save those of one booking, and its topic."""
        uid, root = viewer.user_id, SCHEMA.subscription_type
        assert root is not None
        told_on = {
            "offerFeed": offers_topic(uid),
            "queueChanged": queue_topic(),
            "presenceChanged": presence_topic(),
            "waitlistUpdated": waitlist_topic(uid),
            "notificationReceived": notifications_topic(uid),
        }
        theirs = [name for name in root.fields if viewer.role in permitted(SCHEMA, root, name)]
        return {name: told_on[name] for name in theirs if name != "bookingUpdated"}

    def uid(self, name: str) -> UUID:
        """Somebody's id."""
        return self.people[name].user_id

    def name_of(self, uid: UUID | None) -> str | None:
        """Whose id it is."""
        return next((name for name, one in self.people.items() if one.user_id == uid), None)

    def say(self, text: str, *hearers: str) -> str:
        """Words that nobody else may hear, and nobody has said before."""
        said = f"{text} no. {next(self._numbers)}!"
        self.words[said] = frozenset(hearers)
        return said

    def listen(self, name: str, stream: str, topic: str, arguments: str) -> Listener:
        """Let somebody follow a stream, from now on until it ends."""
        listener = Listener(name=name, stream=stream, topic=topic)
        viewer = self.people[name]
        walk = Walk(viewer.role, {stream: [arguments]}, only={stream})

        async def follow() -> None:
            async for answer in frames(self.services, viewer, walk, f"{stream}_0"):
                listener.frames.append(answer)

        listener.task = asyncio.create_task(follow())
        self.listeners.append(listener)
        return listener

    async def follow(self, booking: Booking, *names: str) -> list[Listener]:
        """Let people follow a booking; those who may have heard how it stands."""
        wanted = f'(id: "{ids.encode("Booking", booking.id)}")'
        topic = booking_topic(booking.id)
        made = [self.listen(name, "bookingUpdated", topic, wanted) for name in names]
        await until(lambda: all(one.frames or one.has_ended for one in made))
        return made

    async def book(self, name: str) -> Booking:
        """A customer asks for work, of which nobody has heard yet."""
        number = next(self._numbers)
        texts = tuple(
            f"{what} [{number}]" for what in ("Street", "Access: the urn", "Special: a dog")
        )
        at = await now(self.database)
        made = await add_booking(
            self.database,
            self.people[name],
            self._service,
            starts_at=at + timedelta(hours=2 + 3 * len(self.works)),
            address=an_address(line1=texts[0]),
            access_instructions=texts[1],
            special_requirements=texts[2],
            paid_at=at,
            price=FREE,
        )
        self.works[made.id] = texts
        await self._ask_for_money(made, 70_000_000 + 1009 * number)
        return made

    async def _ask_for_money(self, booking: Booking, minor: int) -> None:
        """A payment that need not be made after all; whoever does the work hears nothing of it."""
        whose = {"booking_id": booking.id, "customer_id": booking.customer_id}
        gone = {"id": new_id(), "received": None, "paid_at": None, "cancelled_at": NOW}
        payment = a_payment(minor, **whose | gone)
        async with self.database.begin() as tx:
            await tx.execute(insert(payments).values(payment_rows.columns(payment)))
        customer = self.name_of(booking.customer_id) or ""
        self.words[str(minor)] = frozenset({customer, "Analyst"})

    async def wish(self, name: str) -> Wish:
        """What a customer could wait for, somewhere that others may not learn."""
        street, at = f"Waiting [{next(self._numbers)}]", await now(self.database)
        self.words[street] = frozenset({name})
        return Wish(
            customer_id=self.uid(name),
            service_id=self._service.id,
            address=an_address(line1=street),
            earliest=at + timedelta(days=1),
            latest=at + timedelta(days=2),
        )

    async def ask_around(self, booking: Booking) -> list[str]:
        """Do what is due for a booking, long after offers of it were withdrawn; who has open
        offers then."""
        async with self.database.begin() as tx:
            gone = update(job_offers).where(job_offers.c.booking_id == booking.id)
            gone = gone.where(job_offers.c.state == "RESCINDED")
            await tx.execute(gone.values(resolved_at=job_offers.c.resolved_at - timedelta(hours=1)))
            mine = update(bookings).where(bookings.c.id == booking.id)
            open_ = bookings.c.match_due_at.is_not(None)
            await tx.execute(mine.where(open_).values(match_due_at=func.now()))
        await self.act(matching.advance, booking.id)
        return list(await self.open_offers(booking))

    async def open_offers(self, booking: Booking) -> dict[str, UUID]:
        """The open offers of a booking, by their providers."""
        o = job_offers.c
        query = select(o.id, o.provider_id).where(o.booking_id == booking.id, o.state == "OFFERED")
        async with self.database.read() as connection:
            rows = list(await connection.execute(query.order_by(o.id)))
        return {self.name_of(row.provider_id) or "": row.id for row in rows}

    async def act(self, do: Callable[..., Awaitable[Any]], *given: Any, **facts: Any) -> bool:
        """Do something, and let everybody hear of it. False where it was refused."""
        try:
            async with self.database.begin() as tx:
                await do(tx, *given, **facts)
        except Refusal:
            return False
        await self.settle()
        await self._spread()
        await self.settle()
        return True

    async def _spread(self) -> None:
        """Tell people what the relay has told jobs of since this was last done, as those would."""
        async with self.database.read() as connection:
            news = list(await connection.scalars(_UNTOLD))
        for event_id in news:
            async with self.database.begin() as tx:
                await telling.tell(tx, event_id)

    async def settle(self) -> None:
        """Return when everybody has heard of all that was done."""
        async with asyncio.timeout(PATIENCE):
            while not await self._is_settled():  # noqa: ASYNC110  # the feed sets no asyncio.Event
                await asyncio.sleep(0.005)

    async def _is_settled(self) -> bool:
        async with self.database.read() as connection:
            if await connection.scalar(_UNPUBLISHED):
                return False
            last = {row.topic: row.seq for row in await connection.execute(_LAST)}
        return all(
            one.has_ended or one.position >= last.get(one.topic, -1) for one in self.listeners
        )


@asynccontextmanager
async def opened(settings: Settings, database: Database) -> AsyncIterator[Theatre]:
    """The house, with a relay and no worker, and everybody in it, until the block ends."""
    app = create(settings)
    async with (
        app.router.lifespan_context(app),
        Redis.from_url(settings.redis_url.get_secret_value()) as redis,
    ):
        namespace = settings.redis_namespace
        relay = Relay(database, Publisher(redis, namespace), JobQueue(redis, namespace))
        working = asyncio.create_task(relay.run())
        theatre = Theatre(database=database, services=app.state.services)
        try:
            await theatre.cast()
            yield theatre
        finally:
            tasks = [working, *(one.task for one in theatre.listeners if one.task)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


_UNTOLD: Final = select(untold_events.c.event_id).order_by(untold_events.c.event_id)
_UNPUBLISHED: Final = select(func.count()).where(events.c.published_at.is_(None))
_LAST: Final = select(feed_entries.c.topic, func.max(feed_entries.c.seq).label("seq")).group_by(
    feed_entries.c.topic
)
