"""How does a client speak with us over one long-lived socket?

By graphql-transport-ws, and by nothing else. Whatever breaks the protocol closes the socket with
the code that the protocol names; whatever is wrong with one operation ends that operation alone.
Subscribing, several operations go on at once; their answers are told apart by the client's ids.

| code | why |
|---|---|
| 1001 | the server is going away |
| 1009 | a message is longer than 64 KB |
| 1013 | the token cannot be checked just now |
| 4400 | a message is not of the protocol |
| 4401 | an operation before the connection was acknowledged |
| 4403 | the token is not good, has lapsed, or its session was ended |
| 4406 | the client does not speak graphql-transport-ws |
| 4408 | no `connection_init` within 5 seconds |
| 4409 | two operations of one id at once |
| 4429 | a second `connection_init`, or more sockets than one user may have |
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from graphql import OperationType
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from api import metrics
from api.context import Context
from api.errors import ApiError, TooMany, Unauthenticated
from api.execution import Ask, Engine, Payload, Rejected
from api.http import origin_allowed, prove
from api.lifetime import ended
from api.principals import Connections, TooManyConnections, network_of, principal_of

if TYPE_CHECKING:
    from api.context import Services, SignedIn

PROTOCOL: Final = "graphql-transport-ws"
#: The server closes a socket for a longer message while it is still coming in.
MAX_MESSAGE: Final = 64 * 1024
#: Within this many seconds a client has to say who it is.
INIT_PATIENCE: Final = 5.0
#: Into a silence of so many seconds we say `ping`, so that proxies keep the socket open.
PING_EVERY: Final = 25.0
MAX_SUBSCRIPTIONS: Final = 10
#: Queries and mutations under way on one socket, besides the subscriptions.
MAX_OPERATIONS: Final = 20
_MAX_ID: Final = 256
#: Seconds after which a task that goes on although it was cancelled is cancelled again.
_INSIST: Final = 1.0

log = structlog.get_logger(__name__)


class Goodbye(Exception):
    """The socket is to be closed, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        # A close frame has room for 123 bytes.
        self.reason = reason.encode()[:123].decode(errors="ignore")


def endpoint(
    engine: Engine, services: Services, connections: Connections
) -> Callable[[WebSocket], Awaitable[None]]:
    """The handler of /graphql for WebSockets."""

    async def handle(websocket: WebSocket) -> None:
        address = websocket.client.host if websocket.client else ""
        if not origin_allowed(websocket.headers, services.settings):
            await websocket.send_denial_response(Response(status_code=403))
            return
        with ExitStack() as held:
            try:
                held.enter_context(connections.one_more(f"address:{network_of(address)}"))
            except TooManyConnections:
                headers = {"Retry-After": "60"}
                await websocket.send_denial_response(Response(status_code=429, headers=headers))
                return
            if PROTOCOL not in websocket.scope["subprotocols"]:
                await websocket.accept()
                await websocket.close(4406, f"Speak {PROTOCOL}.")
                return
            await websocket.accept(PROTOCOL)
            with metrics.sockets.labels("websocket").track_inprogress():
                await Conversation(engine, services, connections, websocket, held).hold()

    return handle


class Conversation:
    """One socket, from its acceptance to its end."""

    def __init__(
        self,
        engine: Engine,
        services: Services,
        connections: Connections,
        websocket: WebSocket,
        held: ExitStack,
    ) -> None:
        """`held` is closed by the caller when the socket is gone."""
        self._engine = engine
        self._services = services
        self._connections = connections
        self._websocket = websocket
        self._held = held
        self._address = websocket.client.host if websocket.client else ""
        self._signed_in: SignedIn | None = None
        self._acknowledged = False
        self._closed = False
        self._subscriptions = 0
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._init_by = asyncio.get_running_loop().time() + INIT_PATIENCE

    async def hold(self) -> None:
        """Converse until either side ends it."""
        try:
            while True:
                await self._take(await self._message())
        except Goodbye as goodbye:
            await self._close(goodbye)
        except WebSocketDisconnect:
            self._closed = True
        finally:
            await self._end_tasks()

    async def _end_tasks(self) -> None:
        # A task that is cancelled while a statement of its is being answered can miss it: what the
        # driver does to end the statement may swallow the cancellation. So it is said again.
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_INSIST)

    async def _message(self) -> dict[str, Any]:
        text = await self._text()
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Goodbye(4400, "The message is not JSON.") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise Goodbye(4400, "A message is a JSON object with a `type`.")
        return message

    async def _text(self) -> str:
        loop = asyncio.get_running_loop()
        while True:
            deadline = loop.time() + PING_EVERY if self._acknowledged else self._init_by
            try:
                async with asyncio.timeout_at(deadline):
                    frame = await self._websocket.receive()
            except TimeoutError:
                if not self._acknowledged:
                    raise Goodbye(4408, "No connection_init came within 5 seconds.") from None
                await self._send({"type": "ping"})
                continue
            if frame["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(frame.get("code", 1005))
            if frame.get("text") is None:
                raise Goodbye(4400, "Messages are text, not binary.")
            return str(frame["text"])

    async def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._initialise(message.get("payload"))
            case "ping":
                answer: Payload = {"type": "pong"}
                if isinstance(message.get("payload"), dict):
                    answer["payload"] = message["payload"]
                await self._send(answer)
            case "pong":
                pass
            case "subscribe":
                self._subscribe(_id(message), message.get("payload"))
            case "complete":
                task = self._operations.pop(_id(message), None)
                if task is not None:
                    task.cancel()
            case _:
                raise Goodbye(4400, "This type of message is not of the protocol.")

    async def _initialise(self, payload: object) -> None:
        if self._acknowledged:
            raise Goodbye(4429, "The connection was initialised before.")
        if not isinstance(payload, dict | None):
            raise Goodbye(4400, "The payload of connection_init is an object.")
        credential = _credential(payload or {})
        if credential is not None:
            await self._sign_in(credential)
        self._acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _sign_in(self, credential: str) -> None:
        try:
            async with asyncio.timeout_at(self._init_by):
                self._signed_in = await prove(credential, self._services)
        except Unauthenticated as error:
            raise Goodbye(4403, error.message) from None
        except (ApiError, TimeoutError):
            raise Goodbye(1013, "The token cannot be checked just now; try again.") from None
        try:
            principal = principal_of(self._signed_in.viewer, "")
            self._held.enter_context(self._connections.one_more(principal))
        except TooManyConnections:
            raise Goodbye(4429, "Close a socket before you open another.") from None
        self._start(self._leave_in_time(self._signed_in))

    async def _leave_in_time(self, signed_in: SignedIn) -> None:
        await self._close(Goodbye(4403, await ended(self._services, signed_in)))

    def _subscribe(self, operation_id: str, payload: object) -> None:
        if not self._acknowledged:
            raise Goodbye(4401, "Send connection_init first.")
        if operation_id in self._operations:
            raise Goodbye(4409, f"Subscriber for {operation_id} already exists")
        try:
            ask = Ask.of(payload)
        except ApiError as error:
            raise Goodbye(4400, error.message) from None
        task = self._start(self._operate(operation_id, ask))
        self._operations[operation_id] = task

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _operate(self, operation_id: str, ask: Ask) -> None:
        last: Payload = {"id": operation_id, "type": "complete"}
        try:
            async with aclosing(self._answers(ask)) as answers:
                async for answer in answers:
                    await self._send({"id": operation_id, "type": "next", "payload": answer})
        except Rejected as rejected:
            last |= {"type": "error", "payload": rejected.payload["errors"]}
        # Before the client hears of the end: it may use the id again at once.
        if self._operations.pop(operation_id, None) is not None:
            await self._send(last)

    async def _answers(self, ask: Ask) -> Any:
        if len(self._operations) > MAX_SUBSCRIPTIONS + MAX_OPERATIONS:
            raise Rejected([TooMany("Wait for an operation to end before you start another.")])
        viewer = self._signed_in.viewer if self._signed_in else None
        context = Context(services=self._services, viewer=viewer, address=self._address)
        run = await self._engine.prepare(ask, context)
        if run.kind is not OperationType.SUBSCRIPTION:
            yield await self._engine.answer(run)
            return
        if self._subscriptions >= MAX_SUBSCRIPTIONS:
            message = f"A socket carries at most {MAX_SUBSCRIPTIONS} subscriptions; end one first."
            raise Rejected([TooMany(message)])
        self._subscriptions += 1
        try:
            async with aclosing(self._engine.events(run)) as events:
                async for event in events:
                    yield event
        finally:
            self._subscriptions -= 1

    async def _send(self, message: Payload) -> None:
        if self._closed:
            return
        try:
            # Waits while the client does not read; the server drops a client that never does.
            await self._websocket.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError):
            self._closed = True

    async def _close(self, goodbye: Goodbye) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._websocket.close(goodbye.code, goodbye.reason)
        except (WebSocketDisconnect, RuntimeError):
            log.debug("websocket.gone", code=goodbye.code)


def _credential(payload: dict[str, Any]) -> str | None:
    for name, value in payload.items():
        if name.lower() == "authorization" and value is not None:
            if not isinstance(value, str):
                raise Goodbye(4400, "`authorization` is a string.")
            return value
    return None


def _id(message: dict[str, Any]) -> str:
    operation_id = message.get("id")
    if not isinstance(operation_id, str) or not 0 < len(operation_id) <= _MAX_ID:
        raise Goodbye(4400, "`id` is a string of 1 to 256 characters.")
    return operation_id
