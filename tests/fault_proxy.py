"""A TCP proxy that can hold replies back or go silent: what a network does to a connection."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class FaultProxy:
    """Forwards to a server on loopback until it is told otherwise."""

    def __init__(self, port: int) -> None:
        """`port` is the server's."""
        self._server_port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._asking, self._answering = asyncio.Event(), asyncio.Event()
        self._asking.set()
        self._answering.set()
        #: Where clients connect to.
        self.port = 0
        #: All that they have sent so far.
        self.requests = b""
        #: How many connections there have been.
        self.connections = 0

    def withhold_requests(self) -> None:
        """Stop passing on what clients say; what they say meanwhile is kept."""
        self._asking.clear()

    def release_requests(self) -> None:
        """Pass on what was kept, and what follows."""
        self._asking.set()

    def withhold_replies(self) -> None:
        """Stop passing on what the server says; what it says meanwhile is kept."""
        self._answering.clear()

    def release_replies(self) -> None:
        """Pass on what was kept, and what follows."""
        self._answering.set()

    def go_silent(self) -> None:
        """Leave the present connections open, but never again pass anything on in them."""
        for pump in self._pumps:
            pump.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either end hangs up."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            # asyncio's own callback on this task cannot stand a cancelled one.
            with suppress(asyncio.CancelledError):
                await self._forward(reader, writer, server_reader, server_writer)
        finally:
            self._tasks.discard(task)
            for end in (writer, server_writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def close(self) -> None:
        """Hang up every connection."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        pumps = {
            asyncio.create_task(self._requests(reader, server_writer)),
            asyncio.create_task(self._answers(server_reader, writer)),
        }
        self._pumps |= pumps
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if any(pump.cancelled() for pump in done):
                # Gone silent: the client itself has to give it up.
                while await reader.read(65536):
                    pass
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.requests += data
            await self._asking.wait()
            writer.write(data)

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._answering.wait()
            writer.write(data)


@asynccontextmanager
async def fault_proxy(port: int, *, at: int = 0) -> AsyncIterator[FaultProxy]:
    """A proxy before the server on `port`, listening on the port `at`, or on any free one."""
    proxy = FaultProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", at)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
