"""A whole Callout for a browser to visit, and the browser."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import uvicorn

from api import app
from callout import seeding, serve
from tests.browser import chromium
from workers.main import work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.engine import Database
    from gateways.settings import Settings

#: Where the tests leave what they have seen, for people to look at.
SCREENSHOTS: Final = Path(__file__).parents[2] / "build" / "screenshots"


class Server(uvicorn.Server):
    """uvicorn, which says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.ready.set()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """A browser in front of a running Callout."""

    devtools: chromium.Devtools
    base: str

    async def window(self, path: str) -> chromium.Page:
        """A new window, opened at `path`."""
        page = await chromium.new_page(self.devtools)
        await page.open(f"{self.base}{path}")
        return page


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    """The API of these settings; its address."""
    server = Server(serve.configuration(app.create(settings), settings, drain=1))
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.wait_for(server.ready.wait(), 20)
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[None]:
    """A critical worker, which also carries events from commits to subscribers."""
    stop = asyncio.Event()
    working = asyncio.create_task(work(settings, "critical", stop))
    yield
    stop.set()
    await working


@pytest.fixture
def executable() -> str:
    """The browser's program. Without one the browser tests are skipped, and say why."""
    found = chromium.program()
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(chromium.PROGRAMS)} is on PATH")
    return found


@pytest.fixture
async def devtools(executable: str, tmp_path: Path) -> AsyncIterator[chromium.Devtools]:
    """A browser that can reach nothing but the loopback address."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    async with chromium.browser(executable, tmp_path / "profile") as opened:
        yield opened


@pytest.fixture
async def browser(
    devtools: chromium.Devtools, settings: Settings, database: Database
) -> AsyncIterator[Browser]:
    """A browser before a development server with the demo data."""
    await seeding.seed_demo(database)
    async with served(settings) as base:
        yield Browser(devtools=devtools, base=base)
