"""How does a benchmark listen to a server without costing more than the server itself?

A `Listener` is one graphql-transport-ws subscription that does as little as the protocol allows, on
a machine that runs the measured processes too.
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from time import perf_counter
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import orjson

from tests.caller import PATIENCE, Broken

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


class Listener(asyncio.Protocol):
    """One subscription on a socket of its own."""

    def __init__(
        self,
        host: str,
        token: str,
        body: bytes,
        heard: Callable[[bytes, float], None],
    ) -> None:
        """`heard` is given each item as it was sent, and when it arrived."""
        self._host = host
        self._token = token
        self._body = body
        self._heard = heard
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._upgraded = False
        #: Done when the server knows who listens, and the subscription has been sent.
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)
        lines = [
            "GET /graphql HTTP/1.1",
            f"Host: {self._host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {b64encode(secrets.token_bytes(16)).decode()}",
            "Sec-WebSocket-Protocol: graphql-transport-ws",
        ]
        self._transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        arrived = perf_counter()
        self._buffer += data
        if not self._upgraded and not self._upgrade():
            return
        while (frame := self._frame()) is not None:
            self._take(*frame, arrived)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever still waits."""
        if not self.subscribed.done():
            self.subscribed.set_exception(Broken(f"The socket was closed: {error}"))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _upgrade(self) -> bool:
        head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            raise Broken(head.decode())
        self._upgraded = True
        self._buffer = bytearray(rest)
        payload = {"authorization": f"Bearer {self._token}"}
        self._send(_TEXT, orjson.dumps({"type": "connection_init", "payload": payload}))
        return True

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; a server never splits or masks what it sends."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, length = 2, buffer[1]
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(buffer[2:start])
        if len(buffer) < start + length:
            return None
        opcode, payload = buffer[0] & 0x0F, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return opcode, payload

    def _take(self, opcode: int, payload: bytes, arrived: float) -> None:
        beginning = payload[:64]
        if opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self.close()
        elif b'"type":"next"' in beginning:
            self._heard(payload, arrived)
        elif b'"connection_ack"' in beginning:
            self._send(_TEXT, b'{"id":"1","type":"subscribe","payload":' + self._body + b"}")
            self.subscribed.set_result(None)
        elif b'"type":"ping"' in beginning:
            self._send(_TEXT, b'{"type":"pong"}')
        else:
            raise Broken(payload.decode())

    def _send(self, opcode: int, payload: bytes) -> None:
        # Clients must mask; a mask of zeros leaves the payload as it is.
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2)
        if self._transport is not None:
            self._transport.write(bytes([0x80 | opcode]) + size + bytes(4) + payload)


async def listen(
    base: str, token: str, body: bytes, heard: Callable[[bytes, float], None]
) -> Listener:
    """A subscription that has been sent."""
    address = urlsplit(base).netloc
    host, _, port = address.partition(":")
    _, listener = await asyncio.get_running_loop().create_connection(
        lambda: Listener(address, token, body, heard), host, int(port)
    )
    async with asyncio.timeout(PATIENCE):
        await listener.subscribed
    return listener
