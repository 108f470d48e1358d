"""A schema of a few fields behind the real door, and a real server in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

import httpx
import orjson
import strawberry
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from api.access import PUBLIC, SIGNED_IN, allow
from api.app import create
from api.connections import Connection, First
from api.context import Info, Services, SignedIn
from api.errors import Unauthenticated
from api.problems import NotFound
from api.schema import build
from callout import serve
from domain.people import Role, Viewer
from domain.refusals import FieldError, InvalidInput
from domain.refusals import NotFound as NotFoundRefusal
from gateways.settings import Settings
from tests.waiting import until

PROTOCOL: Final = "graphql-transport-ws"


@strawberry.type(directives=[PUBLIC], description="A thing with things in it.")
class Thing:
    """A thing with things in it."""

    name: str = strawberry.field(description="What it is called.")

    @strawberry.field(description="The thing in it.")
    def inner(self) -> Thing:
        """Another one."""
        return Thing(name="inner")

    @strawberry.field(description="Some things in it.")
    def few(self) -> list[Thing]:
        """Two."""
        return [Thing(name="a"), Thing(name="b")]

    @strawberry.field(description="Pages of things in it.", graphql_type=Connection["Thing"])
    def things(self, first: First = None) -> Any:
        """A page."""
        return [first]

    @strawberry.field(description="Not for everyone.", directives=[allow(Role.DISPATCHER)])
    def secret(self) -> str:
        """What only dispatchers see."""
        return "the secret"


@strawberry.type
class Queries:
    """What can be read."""

    @strawberry.field(directives=[PUBLIC], description="Says hello.")
    def hello(
        self,
        name: Annotated[str, strawberry.argument(description="To whom.")] = "you",
    ) -> str:
        """A greeting."""
        return f"Hello, {name}!"

    @strawberry.field(directives=[PUBLIC], description="Twice as much.")
    def double(self, number: Annotated[int, strawberry.argument(description="Of what.")]) -> int:
        """Twice the number."""
        return 2 * number

    @strawberry.field(directives=[PUBLIC], description="A thing.")
    def thing(self) -> Thing:
        """The outermost."""
        return Thing(name="outer")

    @strawberry.field(directives=[SIGNED_IN], description="Who asks.")
    def who(self, info: Info) -> str:
        """The viewer."""
        return info.context.user.role.value

    @strawberry.field(directives=[allow(Role.DISPATCHER, Role.ADMIN)], description="For staff.")
    def staff(self) -> str:
        """For staff alone."""
        return "yes"

    @strawberry.field(directives=[PUBLIC], description="Fails in a way nobody foresaw.")
    def broken(self) -> str | None:
        """A fault."""
        raise RuntimeError("the password is hunter2")

    @strawberry.field(directives=[PUBLIC], description="Asks the database.")
    async def stored(self, info: Info) -> int | None:
        """One."""
        async with info.context.read() as connection:
            one = await connection.exec_driver_sql("SELECT 1")
            return int(one.scalar_one())

    @strawberry.field(directives=[PUBLIC], description="Refuses.")
    def refused(self) -> str | None:
        """Nothing of the kind."""
        raise NotFoundRefusal("thing")


@strawberry.type(directives=[PUBLIC], description="It was done.")
class Done:
    """It was done."""

    times: int = strawberry.field(description="How often it has been done.")


DoResult = Annotated[Done | NotFound, strawberry.union("DoResult", description="How it went.")]

#: How often the mutation was run.
done: list[str] = []


@strawberry.type
class Mutations:
    """What can be done."""

    @strawberry.mutation(directives=[PUBLIC], description="Does it.")
    async def act(
        self, how: Annotated[str, strawberry.argument(description="In which way.")] = "well"
    ) -> DoResult:
        """Done, or refused in the way asked for."""
        done.append(how)
        if how == "missing":
            raise NotFoundRefusal("thing")
        if how == "wrong":
            raise InvalidInput(FieldError(path=("input", "how"), message="Not so."))
        return Done(times=len(done))


@dataclass
class Taps:
    """Sources of subscription events, opened and shut by tests."""

    open: set[str] = field(default_factory=set)
    released: asyncio.Event = field(default_factory=asyncio.Event)


taps = Taps()


@strawberry.type
class Subscriptions:
    """What can be followed."""

    @strawberry.subscription(directives=[PUBLIC], description="Counts, then ends.")
    async def count(
        self, to: Annotated[int, strawberry.argument(description="To which number.")] = 3
    ) -> AsyncGenerator[int, None]:
        """One to `to`."""
        for number in range(1, to + 1):
            yield number

    @strawberry.subscription(directives=[PUBLIC], description="One event, then silence.")
    async def silence(
        self, name: Annotated[str, strawberry.argument(description="Of the tap.")] = "tap"
    ) -> AsyncGenerator[str, None]:
        """Says its name and waits."""
        taps.open.add(name)
        try:
            yield name
            await asyncio.Event().wait()
        finally:
            taps.open.discard(name)

    @strawberry.subscription(directives=[PUBLIC], description="Misses its first cancellation.")
    async def deaf(self) -> AsyncGenerator[str, None]:
        """One event, then silence, as if it were in a driver that swallows a cancellation."""
        taps.open.add("deaf")
        try:
            yield "deaf"
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.Event().wait()
        finally:
            taps.open.discard("deaf")

    @strawberry.subscription(directives=[PUBLIC], description="As much as will go out.")
    async def flood(self) -> AsyncGenerator[str, None]:
        """A great deal of text, without end."""
        taps.open.add("flood")
        try:
            while True:
                yield "x" * 20_000
                await asyncio.sleep(0)
        finally:
            taps.open.discard("flood")

    @strawberry.subscription(directives=[PUBLIC], description="One event, then a fault.")
    async def faulty(self) -> AsyncGenerator[int, None]:
        """Fails in the middle."""
        yield 1
        raise RuntimeError("the password is hunter2")

    @strawberry.subscription(directives=[allow(Role.PROVIDER)], description="For providers.")
    async def feed(self) -> AsyncGenerator[int, None]:
        """One event."""
        yield 1


SCHEMA: Final = build([Queries], [Mutations], [Subscriptions])


class People:
    """Who the test's tokens are. The token is the role's name, or one that `sign_in` made."""

    def __init__(self) -> None:
        self.known: dict[str, SignedIn] = {}
        #: Is the database that knows them away?
        self.away = False
        self._lapsing: set[str] = set()

    def lapse_after_next(self, token: str) -> None:
        """Prove the token once more, and never again."""
        self._lapsing.add(token)

    def sign_in(self, role: Role, *, for_seconds: float = 900) -> tuple[str, SignedIn]:
        """A new person of that role, and the token that proves them."""
        viewer = Viewer(user_id=uuid4(), role=role, session_id=uuid4())
        expires_at = datetime.now(UTC) + timedelta(seconds=for_seconds)
        token = uuid4().hex
        self.known[token] = SignedIn(viewer=viewer, expires_at=expires_at)
        return token, self.known[token]

    async def prove(self, token: str) -> SignedIn:
        """The person of the token."""
        if self.away:
            raise ConnectionRefusedError
        known = self.known.get(token)
        if known is None or known.expires_at <= datetime.now(UTC):
            raise Unauthenticated("The access token is not good.")
        if token in self._lapsing:
            del self.known[token]
        return known


class _Server(uvicorn.Server):
    """Ends as soon as it is told to and nobody is connected any more. uvicorn looks ten times a
    second whether it is, and waits for a tenth of one in any case, after each of hundreds of tests.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        """Close the door."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        with suppress(TimeoutError):
            await until(lambda: not self.server_state.connections, seconds=0.1)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
            await server.wait_closed()
        await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The signals belong to pytest.
        yield


@dataclass
class Door:
    """A running server."""

    host: str
    people: People
    services: Services
    server: _Server
    http: httpx.AsyncClient

    async def ask(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        token: str | None = None,
        accept: str = "application/graphql-response+json",
        **body: Any,
    ) -> httpx.Response:
        """Send an operation by POST."""
        headers = {"accept": accept} | ({"authorization": f"Bearer {token}"} if token else {})
        content = {"query": query, "variables": variables} | body
        return await self.http.post("/graphql", json=content, headers=headers)

    @asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator[ClientConnection]:
        """A WebSocket that nothing has been said over yet."""
        options = {"subprotocols": [PROTOCOL], "ping_interval": None} | options
        async with connect(f"ws://{self.host}/graphql", **options) as socket:
            yield socket

    @asynccontextmanager
    async def conversation(
        self, token: str | None = None, **options: Any
    ) -> AsyncIterator[ClientConnection]:
        """A WebSocket that has been acknowledged."""
        async with self.socket(**options) as socket:
            payload = {"authorization": f"Bearer {token}"} if token else None
            await say(socket, type="connection_init", payload=payload)
            assert await hear(socket) == {"type": "connection_ack"}
            yield socket


async def say(socket: ClientConnection, **message: Any) -> None:
    """Send a message."""
    await socket.send(orjson.dumps(message).decode())


async def hear(socket: ClientConnection) -> Any:
    """The next message."""
    async with asyncio.timeout(10):
        return orjson.loads(await socket.recv())


async def subscribe(socket: ClientConnection, operation_id: str, query: str) -> None:
    """Ask for an operation."""
    await say(socket, id=operation_id, type="subscribe", payload={"query": query})


@asynccontextmanager
async def opened(
    settings: Settings, *, schema: strawberry.Schema = SCHEMA, people: People | None = None
) -> AsyncIterator[Door]:
    """The door, open on a free port, until the block ends."""
    people = people or People()
    application = create(settings, schema=schema, authenticate=people.prove)
    server = _Server(serve.configuration(application, settings, drain=2))
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), running.exception()
        await asyncio.sleep(0.01)
    host = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        # Without TLS there is nothing to verify, and reading whom to trust takes its time.
        async with httpx.AsyncClient(base_url=f"http://{host}", timeout=30, verify=False) as client:
            yield Door(host, people, application.state.services, server, client)
    finally:
        server.end()
        await running


def a_viewer(role: Role = Role.CUSTOMER, user_id: UUID | None = None) -> Viewer:
    """Somebody."""
    return Viewer(user_id=user_id or uuid4(), role=role, session_id=uuid4())
