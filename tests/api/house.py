"""The whole house at work: the real schema behind the real door, a worker, and the demo people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import exists, func, select
from websockets.asyncio.client import ClientConnection

from api import ids
from api.context import SignedIn
from api.live.hub import Hub
from api.schema import whole
from db import seed
from db.engine import Database
from db.tables import events, users
from domain.people import Viewer
from gateways.settings import Settings
from tests.api.door import Door, People, hear, opened, say
from tests.waiting import comes_to, until
from workers import main as workers

ADDRESS = {
    "line1": "10 Downing Street",
    "city": "London",
    "postalCode": "SW1A 2AA",
    "country": "GB",
    "point": {"latitude": 51.5034, "longitude": -0.1276},
}
CREATE = """
mutation($input: CreateBookingInput!) { createBooking(input: $input) {
  __typename
  ... on CreateBookingSuccess { booking { id status version startsAt provider { name } } }
  ... on Problem { code message path }
  ... on InvalidInput { errors { path message } }
  ... on SlotTaken { alternatives }
  ... on RulesBroken { broken { rule } }
  ... on ProviderNotEligible { unmet }
} }
"""
ACCEPT = """
mutation($id: ID!) { acceptOffer(input: { offerId: $id }) {
  __typename
  ... on AcceptOfferSuccess { booking { id status address { line1 } customer { name } } }
  ... on OfferGone { why }
  ... on Problem { code message }
} }
"""
OFFERS = "{ jobOffers(states: [OFFERED]) { nodes { id booking { id } } } }"


@dataclass
class Stream:
    """One subscription on a socket of its own."""

    socket: ClientConnection
    field: str

    async def next(self) -> Any:
        """The next item. Fails on an error or at the end of the stream."""
        while True:
            message = await hear(self.socket)
            if message["type"] == "ping":
                await say(self.socket, type="pong")
                continue
            assert message["type"] == "next", message
            assert "errors" not in message["payload"], message
            return message["payload"]["data"][self.field]


@dataclass
class House:
    """A running system, and ways to speak to it as somebody."""

    door: Door
    database: Database
    tokens: dict[str, str] = field(default_factory=dict)

    def sign_in(self, name: str, viewer: Viewer) -> None:
        """Let somebody else than the demo people speak by that name."""
        token, expires_at = uuid4().hex, datetime.now(UTC) + timedelta(minutes=10)
        signed_in = SignedIn(viewer=viewer, token=token, expires_at=expires_at)
        self.door.people.known[token], self.tokens[name] = signed_in, token

    async def ask(self, name: str | None, document: str, **variables: Any) -> Any:
        """The whole answer to an operation by the demo person of that first name."""
        token = self.tokens[name] if name else None
        return (await self.door.ask(document, variables, token=token)).json()

    async def act(self, name: str | None, document: str, **variables: Any) -> Any:
        """The value of the only field of an operation that must not fail."""
        answer = await self.ask(name, document, **variables)
        assert "errors" not in answer, answer
        (value,) = answer["data"].values()
        return value

    async def book(self, name: str = "Carla", **changes: Any) -> Any:
        """Ask for a free clean in five hours, or what the changes say."""
        asked = {
            "serviceId": service("home-clean"),
            "kind": "SCHEDULED",
            "startsAt": on_the_hour(hours=5),
            "address": ADDRESS,
        } | changes
        return await self.act(name, CREATE, input=asked)

    async def on_shift(self, *names: str) -> None:
        """Clock these providers in."""
        for name in names:
            made = await self.act(name, "mutation { clockIn(input: {}) { __typename } }")
            assert made == {"__typename": "ClockInSuccess"}

    @asynccontextmanager
    async def follow(self, name: str, document: str, **variables: Any) -> AsyncIterator[Stream]:
        """Subscribe as somebody; the field followed is the document's first word after `{`.

        What has happened until now is told to nobody who follows from now on.
        """
        await comes_to(self._not_yet_in_the_feed, 0)
        async with self.door.conversation(self.tokens[name]) as socket:
            payload = {"query": document, "variables": variables}
            hub = self.door.services.hub
            others = hub.subscribers
            await say(socket, id="1", type="subscribe", payload=payload)
            # A stream does not say that it has begun; what happens before is not told. (One that is
            # refused never begins.)
            with suppress(TimeoutError):
                await until(lambda: hub.subscribers > others and _all_is_heard(hub), seconds=3)
            field_name = document.partition("{")[2].split()[0].partition("(")[0]
            yield Stream(socket=socket, field=field_name)

    async def _not_yet_in_the_feed(self) -> int:
        async with self.database.read() as connection:
            waiting = select(func.count()).where(events.c.seq.is_(None))
            return int(await connection.scalar(waiting) or 0)


def _all_is_heard(hub: Hub) -> bool:
    """Is every stream at its place in the feed, from which on it misses nothing?"""
    return all(line.position is not None for line in hub._lines.values())


@asynccontextmanager
async def running(settings: Settings, database: Database) -> AsyncIterator[House]:
    """The house, until the block ends."""
    if not await is_furnished(database):
        await furnish(database)
    people = People()
    stop = asyncio.Event()
    worker = asyncio.create_task(workers.work(settings, "critical", stop))
    try:
        async with opened(settings, schema=whole(), people=people) as door:
            house = House(door=door, database=database)
            for account in seed.ACCOUNTS:
                house.tokens[account.given_name] = _token(people, account)
            yield house
    finally:
        stop.set()
        await worker


def on_the_hour(**ahead: float) -> str:
    """A start so far ahead, on the full hour: what every service's grid allows."""
    start = datetime.now(UTC) + timedelta(**ahead)
    return start.replace(minute=0, second=0, microsecond=0).isoformat()


def service(code: str) -> str:
    """The global id of a demo service."""
    return ids.encode("Service", seed.service_id(code))


def provider(given_name: str) -> str:
    """The global id of a demo provider."""
    account = next(one for one in seed.ACCOUNTS if one.given_name == given_name)
    return ids.encode("Provider", account.id)


def _token(people: People, account: seed.Account) -> str:
    viewer = Viewer(user_id=account.id, role=account.role, session_id=uuid4())
    token = uuid4().hex
    expires_at = datetime.now(UTC) + timedelta(minutes=10)
    people.known[token] = SignedIn(viewer=viewer, token=token, expires_at=expires_at)
    return token


async def furnish(database: Database) -> None:
    """Let the demo people in, who sign in by no password here."""
    await seed.demo(database, hash_password=_no_password)


async def is_furnished(database: Database) -> bool:
    """Are the demo people there already?"""
    async with database.read() as connection:
        return bool(await connection.scalar(select(exists().select_from(users))))


async def _no_password(_: str) -> str:
    return "nobody signs in by password here"
