"""How does a subscription reach those who cannot use WebSockets?

By server-sent events, in the "distinct connections" mode of graphql-sse: one request, one
operation, `next` for each answer and `complete` at the end. Queries and mutations may be asked in
this way too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING, Any, Final

import orjson
from graphql import OperationType
from starlette.responses import Response

from api import metrics
from api.errors import TooMany, Unauthenticated
from api.execution import Ask, Engine, Payload, Rejected
from api.lifetime import ended
from api.principals import Connections, TooManyConnections, network_of, principal_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from api.context import Context, SignedIn

#: A comment this often keeps proxies from closing a stream in which nothing happens.
HEARTBEAT: Final = 12.0
#: A client that takes longer than this to accept a write has stopped reading.
_PATIENCE: Final = 10.0
#: The ASGI extension by which our server lets a handler drop its connection at once.
ABORT: Final = "callout.abort"


class Streams:
    """The event streams of one process."""

    def __init__(self, engine: Engine, connections: Connections) -> None:
        self._engine = engine
        self._connections = connections

    def open(
        self,
        ask: Ask,
        context: Context,
        signed_in: SignedIn | None,
        allowed: frozenset[OperationType],
    ) -> Response:
        """The stream that answers. Raises Rejected when the client has too many open."""
        held = ExitStack()
        try:
            held.enter_context(self._connections.one_more(f"address:{network_of(context.address)}"))
            if context.viewer:
                held.enter_context(self._connections.one_more(principal_of(context.viewer, "")))
        except TooManyConnections:
            held.close()
            raise Rejected([TooMany("Close a stream before you open another.")]) from None
        return EventStream(self._payloads(ask, context, allowed), held, context, signed_in)

    async def _payloads(
        self, ask: Ask, context: Context, allowed: frozenset[OperationType]
    ) -> AsyncGenerator[Payload, None]:
        try:
            run = await self._engine.prepare(ask, context, allowed)
            if run.kind is not OperationType.SUBSCRIPTION:
                yield await self._engine.answer(run)
                return
            async with aclosing(self._engine.events(run)) as payloads:
                async for payload in payloads:
                    yield payload
        except Rejected as rejected:
            yield rejected.payload


class EventStream(Response):
    """A response that goes on until the operation, the client or the viewer's right ends."""

    def __init__(
        self,
        payloads: AsyncGenerator[Payload, None],
        held: ExitStack,
        context: Context,
        signed_in: SignedIn | None,
    ) -> None:
        """`held` is closed when the stream ends."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(headers=headers, media_type="text/event-stream")
        del self.headers["content-length"]
        self._payloads = payloads
        self._held = held
        self._context = context
        self._signed_in = signed_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one of the three ends."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        with self._held, metrics.sockets.labels("sse").track_inprogress():
            await send(start)
            works = [asyncio.create_task(self._pump(send)), asyncio.create_task(_gone(receive))]
            try:
                await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            finally:
                pumped, _ = await _stopped(*works)
        if isinstance(pumped, TimeoutError):
            # What waits to be sent would keep the connection open for as long as nobody reads.
            scope.get("extensions", {}).get(ABORT, lambda: None)()

    async def _pump(self, send: Send) -> None:
        over = asyncio.create_task(self._over())
        upcoming: asyncio.Task[Payload | None] | None = None
        async with aclosing(self._payloads):
            try:
                while True:
                    if upcoming is None:
                        upcoming = asyncio.create_task(_next(self._payloads))
                    works = {over, upcoming}
                    first = asyncio.FIRST_COMPLETED
                    await asyncio.wait(works, timeout=HEARTBEAT, return_when=first)
                    if over.done():
                        await _write(send, _event(over.result()))
                        break
                    if not upcoming.done():
                        await _write(send, b":\n\n")
                    elif (payload := upcoming.result()) is None:
                        break
                    else:
                        upcoming = None
                        await _write(send, _event(payload))
            finally:
                await _stopped(over, *[upcoming] if upcoming is not None else [])
        await _write(send, b"event: complete\ndata:\n\n", last=True)

    async def _over(self) -> Payload:
        if self._signed_in is None:
            return await asyncio.Future()
        reason = await ended(self._context.services, self._signed_in)
        return Rejected([Unauthenticated(reason)]).payload


async def _next(payloads: AsyncGenerator[Payload, None]) -> Payload | None:
    return await anext(payloads, None)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stopped(*tasks: asyncio.Task[Any]) -> list[Any]:
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


def _event(payload: Payload) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(payload) + b"\n\n"


async def _write(send: Send, body: bytes, *, last: bool = False) -> None:
    async with asyncio.timeout(_PATIENCE):
        await send({"type": "http.response.body", "body": body, "more_body": not last})
