"""The whole application and clients of it at addresses of their own; and, for tests that ask
nothing that would show, one real server for all of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from api import app as application
from db.engine import Database
from gateways.passwords import Passwords
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests import invariants, servers
from tests.api.door import Door, opened
from tests.api.front_end import CHEAP, Client, Connect
from tests.api.house import House, furnish, running


@pytest.fixture(scope="session")
def furnished(test_servers: servers.Servers) -> Iterator[servers.Template]:
    """A template with the demo people in it: letting them in takes longer than most tests."""
    with servers.migrated(test_servers, furnish) as template:
        yield template


@pytest.fixture
def origin(request: pytest.FixtureRequest) -> servers.Template:
    """With the demo people in it for a house."""
    name = "furnished" if "home" in request.fixturenames else "template"
    chosen: servers.Template = request.getfixturevalue(name)
    return chosen


@pytest.fixture
async def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Starlette]:
    """The whole application, with hashing made cheap."""
    monkeypatch.setattr(application, "Passwords", lambda: Passwords(CHEAP))
    made = application.create(settings)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def connect(app: Starlette) -> AsyncIterator[Connect]:
    """A way to make clients at addresses of their own."""
    opened: list[httpx.AsyncClient] = []

    def client(address: str = "203.0.113.7") -> Client:
        transport = httpx.ASGITransport(app, client=(address, 4000))
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://callout"))
        return Client(opened[-1])

    yield client
    for http in opened:
        await http.aclose()


@pytest.fixture
def client(connect: Connect) -> Client:
    return connect()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(test_servers: servers.Servers, template: servers.Template) -> AsyncIterator[Door]:
    """The door in development mode, with a budget that these tests cannot spend."""
    database_url = await template.clone()
    settings = Settings.model_validate(
        {
            "mode": "development",
            "database_url": database_url,
            "redis_url": test_servers.redis_url,
            "redis_namespace": f"test-door-{database_url.rpartition('/')[2]}",
            "port": 0,
            "secret": DEVELOPMENT_SECRET,
            "cost_bucket": 1_000_000,
            "offer_listing_limit": 1_000_000,
        }
    )
    async with opened(settings) as door:
        yield door
    template.drop(database_url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(test_servers: servers.Servers, template: servers.Template) -> AsyncIterator[House]:
    """A running house for all of a module, whose tests bring people of their own (market.py).

    However they end, no promise is broken in its database.
    """
    database_url = await template.clone()
    settings = Settings.model_validate(
        {
            "mode": "development",
            "database_url": database_url,
            "redis_url": test_servers.redis_url,
            "redis_namespace": f"test-home-{database_url.rpartition('/')[2]}",
            "port": 0,
            "secret": DEVELOPMENT_SECRET,
            "cost_bucket": 1_000_000,
            "offer_listing_limit": 1_000_000,
        }
    )
    database = Database(settings.sqlalchemy_url, name="test")
    try:
        async with running(settings, database) as house:
            yield house
        await invariants.check(database)
    finally:
        await database.close()
        template.drop(database_url)
