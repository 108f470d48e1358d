"""How does the server treat what is under way when it stops, and messages that are too long?"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from callout.serve import configuration
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from gateways.settings import Settings


class Application:
    """An application whose one answer waits until the test lets it go."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.let_go = asyncio.Event()
        self.starlette = Starlette(
            routes=[Route("/slow", self._slow), WebSocketRoute("/echo", self._echo)]
        )

    async def _slow(self, _request: Request) -> Response:
        self.asked.set()
        await self.let_go.wait()
        return PlainTextResponse("done")

    async def _echo(self, socket: WebSocket) -> None:
        await socket.accept()
        async for message in socket.iter_text():
            await socket.send_text(str(len(message)))


class Running:
    """A server, where it is, and how to tell it to stop."""

    def __init__(self, server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
        self.address = "{}:{}".format(*server.servers[0].sockets[0].getsockname())
        self._server = server
        self._serving = serving

    @property
    def is_listening(self) -> bool:
        """Does it take new connections?"""
        return any(listener.is_serving() for listener in self._server.servers)

    def tell_to_stop(self) -> None:
        """Do what SIGTERM does."""
        self._server.should_exit = True

    async def end(self) -> None:
        """Wait until it has stopped."""
        await self._serving


@asynccontextmanager
async def served(
    application: Application, settings: Settings, drain: int
) -> AsyncIterator[Running]:
    """The application, served on a free port as `callout serve` does."""
    server = uvicorn.Server(configuration(application.starlette, settings, drain=drain))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    running = Running(server, serving)
    try:
        yield running
    finally:
        application.let_go.set()
        running.tell_to_stop()
        await running.end()


async def test_a_socket_hears_1001_when_the_server_goes(settings: Settings) -> None:
    async with (
        served(Application(), settings, drain=10) as server,
        connect(f"ws://{server.address}/echo") as socket,
    ):
        await socket.send("hello")
        assert await socket.recv() == "5"

        server.tell_to_stop()
        with pytest.raises(ConnectionClosed):
            await socket.recv()

        assert socket.close_code == 1001


async def test_a_request_under_way_is_answered_before_the_server_goes(settings: Settings) -> None:
    application = Application()
    async with (
        served(application, settings, drain=10) as server,
        httpx.AsyncClient(base_url=f"http://{server.address}") as client,
    ):
        request = asyncio.create_task(client.get("/slow"))
        await application.asked.wait()

        server.tell_to_stop()
        await until(lambda: not server.is_listening)
        await asyncio.sleep(0.5)  # a server that does not drain would be gone by now
        application.let_go.set()

        assert (await request).text == "done"
        await server.end()


async def test_a_request_that_does_not_end_is_cut_when_the_drain_is_over(
    settings: Settings,
) -> None:
    application = Application()
    async with (
        served(application, settings, drain=1) as server,
        httpx.AsyncClient(base_url=f"http://{server.address}", timeout=60) as client,
    ):
        request = asyncio.create_task(client.get("/slow"))
        await application.asked.wait()

        server.tell_to_stop()
        await server.end()

        with pytest.raises(httpx.HTTPError):
            (await request).raise_for_status()


@pytest.mark.parametrize(("length", "code"), [(64 * 1024, None), (64 * 1024 + 1, 1009)])
async def test_a_message_may_have_64_kib_and_no_more(
    settings: Settings, length: int, code: int | None
) -> None:
    async with (
        served(Application(), settings, drain=1) as server,
        connect(f"ws://{server.address}/echo") as socket,
    ):
        await socket.send("x" * length)
        if code is None:
            assert await socket.recv() == str(length)
        else:
            with pytest.raises(ConnectionClosed):
                await socket.recv()

        assert socket.close_code == code
