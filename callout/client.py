"""How does a program of ours use Callout's API? As anybody's does: over HTTP and WebSockets.

A `Client` asks and acts by POST. A `Socket` carries subscriptions by graphql-transport-ws; each is
a `Stream`, which notes when every item arrived, and so tells how late it was.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_PROTOCOL: Final = Subprotocol("graphql-transport-ws")


class Refused(Exception):
    """The API answered with errors instead of data."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(error.get("message")) for error in errors))
        #: The code of the first error, such as RATE_LIMITED.
        self.code: str | None = (errors[0].get("extensions") or {}).get("code")
        self.errors = errors


class Unreachable(Exception):
    """Nobody answers, or not as Callout does."""


class Hung(Exception):
    """The stream or its socket ended; `code` is the socket's close code, if it was closed."""

    def __init__(self, reason: str, *, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


class Client:
    """One person's use of the API at `base`, such as http://127.0.0.1:8000."""

    def __init__(self, base: str, http: httpx.AsyncClient, *, token: str | None = None) -> None:
        """`http` is shared by all clients and closed by its owner."""
        self._base = base.rstrip("/")
        self._http = http
        self._token = token

    def with_token(self, token: str) -> Client:
        """The same API, used by the person whom this access token proves."""
        return Client(self._base, self._http, token=token)

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data that answers a query or mutation. Raises Refused or Unreachable."""
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        body = {"query": document, "variables": variables}
        try:
            response = await self._http.post(f"{self._base}/graphql", json=body, headers=headers)
            answer = orjson.loads(response.content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self._base} does not answer: {error!r}") from error
        except orjson.JSONDecodeError as error:
            message = f"{self._base}/graphql answered {response.status_code} without JSON"
            raise Unreachable(message) from error
        if answer.get("errors"):
            raise Refused(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data

    async def tell(self, path: str, body: Mapping[str, Any]) -> Any:
        """What another door of the same server answers to some JSON. Raises Unreachable."""
        try:
            response = await self._http.post(f"{self._base}{path}", json=body)
            return orjson.loads(response.content)
        except (httpx.HTTPError, orjson.JSONDecodeError) as error:
            raise Unreachable(f"{self._base}{path} does not answer: {error!r}") from error

    async def fetch(self, url: str) -> str:
        """The text at an address that the API gave out. Raises Unreachable."""
        try:
            response = await self._http.get(url)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise Unreachable(f"{url} cannot be read: {error!r}") from error
        return response.text

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        """A socket, initialised with this person's token. Raises Unreachable."""
        url = f"{self._base.replace('http', 'ws', 1)}/graphql"
        try:
            connection = await connect(
                url, subprotocols=[_PROTOCOL], compression=None, ping_interval=None
            )
        except (OSError, ValueError) as error:
            raise Unreachable(f"{url} does not answer: {error!r}") from error
        async with connection, Socket(connection) as socket:
            await socket.initialise(self._token)
            yield socket


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One answer of a subscription and when it arrived, by `time.perf_counter`."""

    data: dict[str, Any]
    arrived: float


@dataclass(slots=True, eq=False)
class Stream:
    """The items of one subscription, in order."""

    _items: asyncio.Queue[Item | Hung | Refused] = field(default_factory=asyncio.Queue)

    async def next(self) -> Item:
        """The next item. Raises Hung or Refused when there will be none."""
        return self._given(await self._items.get())

    def next_now(self) -> Item | None:
        """The next item if it is here already. Raises as `next` does."""
        return None if self._items.empty() else self._given(self._items.get_nowait())

    def _given(self, item: Item | Hung | Refused) -> Item:
        if isinstance(item, Item):
            return item
        # Whoever asks again hears the same.
        self._items.put_nowait(item)
        raise item

    def put(self, item: Item | Hung | Refused) -> None:
        """Add what came from the socket."""
        self._items.put_nowait(item)


class Socket:
    """One graphql-transport-ws connection."""

    def __init__(self, connection: ClientConnection) -> None:
        """Made by `Client.socket`."""
        self._connection = connection
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._streams: dict[str, Stream] = {}
        self._ids = count(1)
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to read."""
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def initialise(self, token: str | None) -> None:
        """Say who we are and wait to be known. Raises Hung."""
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await self._send({"type": "connection_init", "payload": payload})
        await self._acknowledged

    async def subscribe(self, document: str, **variables: Any) -> Stream:
        """Begin a subscription. Raises Hung."""
        stream = Stream()
        id_ = str(next(self._ids))
        self._streams[id_] = stream
        payload = {"query": document, "variables": variables}
        await self._send({"id": id_, "type": "subscribe", "payload": payload})
        return stream

    def cut(self) -> None:
        """Break the connection as a lost network does: without a word."""
        self._connection.transport.abort()

    async def _send(self, message: Mapping[str, Any]) -> None:
        try:
            await self._connection.send(orjson.dumps(message), text=True)
        except ConnectionClosed as error:
            raise _hung(error) from error

    async def _read(self) -> None:
        try:
            while True:
                text = await self._connection.recv(decode=False)
                await self._take(orjson.loads(text), perf_counter())
        except ConnectionClosed as error:
            self._end(_hung(error))
        except Hung as hung:
            self._end(hung)

    async def _take(self, message: dict[str, Any], arrived: float) -> None:
        match message["type"]:
            case "next":
                self._streams[message["id"]].put(_item(message["payload"], arrived))
            case "error":
                self._streams.pop(message["id"]).put(Refused(message["payload"]))
            case "complete":
                self._streams.pop(message["id"]).put(Hung("the server ended the stream"))
            case "connection_ack":
                self._acknowledged.set_result(None)
            case "ping":
                await self._send({"type": "pong"})

    def _end(self, hung: Hung) -> None:
        if not self._acknowledged.done():
            self._acknowledged.set_exception(hung)
        for stream in self._streams.values():
            stream.put(hung)


def _item(payload: dict[str, Any], arrived: float) -> Item | Refused:
    if payload.get("errors"):
        return Refused(payload["errors"])
    return Item(data=payload["data"], arrived=arrived)


def _hung(error: ConnectionClosed) -> Hung:
    said = error.rcvd
    if said is None:
        return Hung("the socket was cut")
    return Hung(f"the socket was closed with {said.code}: {said.reason}", code=said.code)
