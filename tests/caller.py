"""How are a hundred people played at once, without the players costing more than the server?

A `Caller` is one HTTP connection that is kept open, and does as little as the protocol allows. (A
general client's pool takes longer to choose among a hundred connections than the server to answer.)
"""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
#: Longer than any server waits.
PATIENCE: Final = 60.0


class Broken(Exception):
    """The server answered with something that nobody can go on from."""


class NotNow(Broken):
    """The server asks to be asked again: it is busy, or its database is."""


class Caller:
    """One person's HTTP connection."""

    def __init__(self, base: str, token: str | None = None) -> None:
        """Nothing is connected before the first call."""
        self._host = urlsplit(base).netloc
        self._token = token
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, document: str, **variables: Any) -> Any:
        """The value of the only field of a query or mutation that must not fail."""
        answer = orjson.loads(await self.post(request(document, variables)))
        if errors := answer.get("errors"):
            again = all("retryAfter" in one["extensions"] for one in errors)
            raise (NotNow if again else Broken)(str(errors))
        return next(iter(answer["data"].values()))

    async def post(
        self, body: bytes, path: str = "/graphql", headers: Mapping[str, str] = NO_HEADERS
    ) -> bytes:
        """The body that answers this one, which is JSON."""
        if self._reader is None or self._writer is None:
            host, _, port = self._host.partition(":")
            self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self._writer.write(self._head(path, len(body), headers) + body)
        async with asyncio.timeout(PATIENCE):
            head = await self._reader.readuntil(b"\r\n\r\n")
            content = await self._reader.readexactly(_content_length(head))
        if not head.startswith(b"HTTP/1.1 200"):
            raise Broken(f"{head.decode()}{content.decode()}")
        return content

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
            await self._writer.wait_closed()

    def _head(self, path: str, length: int, headers: Mapping[str, str]) -> bytes:
        lines = [f"POST {path} HTTP/1.1", f"Host: {self._host}", f"Content-Length: {length}"]
        lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self._token is not None:
            lines.append(f"Authorization: Bearer {self._token}")
        return "\r\n".join([*lines, "", ""]).encode()


def request(document: str, variables: dict[str, Any]) -> bytes:
    """The body that asks this."""
    return orjson.dumps({"query": document, "variables": variables})


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise Broken(f"An answer without a length: {head!r}")
