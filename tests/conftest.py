"""Real servers for every test: a database cloned from a migrated template, a Redis namespace.

The servers are embedded ones, started for the run; with CALLOUT_TEST_SERVICES=external they are
the machine's (CALLOUT_TEST_DATABASE_URL, CALLOUT_TEST_REDIS_URL).
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import structlog
from redis.asyncio import Redis

from db.engine import Database
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests import servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

# The prettier tracebacks take two seconds each.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S"),
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)


#: Folders whose files take long come first, so that no process is left alone with one at the end.
_LONGEST_FIRST: Final = ("journeys", "browser", "api", "db", "workers", "callout")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files that take long begin first."""
    here = Path(__file__).parent
    rank = {folder: place for place, folder in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(here).parts[0], len(rank)))


@pytest.fixture(scope="session")
def test_servers() -> Iterator[servers.Servers]:
    """PostgreSQL and Redis for the whole run."""
    with servers.running() as running:
        yield running


@pytest.fixture(scope="session")
def template(test_servers: servers.Servers) -> Iterator[servers.Template]:
    """The migrated database that tests get copies of."""
    with servers.migrated(test_servers) as migrated:
        yield migrated


@pytest.fixture
def origin(template: servers.Template) -> servers.Template:
    """What the test's own database is a copy of."""
    return template


@pytest.fixture
async def database_url(origin: servers.Template) -> AsyncIterator[str]:
    """A fresh, migrated database of the test's own; commits are real. postgresql://…"""
    url = await origin.clone()
    yield url
    origin.drop(url)


@pytest.fixture
def redis_url(test_servers: servers.Servers) -> str:
    """The Redis server; other tests use it too, so keep to `namespace`."""
    return test_servers.redis_url


@pytest.fixture
async def namespace(redis_url: str) -> AsyncIterator[str]:
    """A prefix for Redis keys and channels that no other test has; its keys are deleted after."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter(match=f"*{name}*", count=1000)]
        if keys:
            await redis.delete(*keys)


@pytest.fixture
def settings(database_url: str, redis_url: str, namespace: str) -> Settings:
    """Settings of a development installation on this test's database and Redis namespace."""
    return Settings.model_validate(
        {
            "mode": "development",
            "database_url": database_url,
            "redis_url": redis_url,
            "redis_namespace": namespace,
            "port": 0,
            "secret": DEVELOPMENT_SECRET,
            # Tests look for an offer until it is there.
            "offer_listing_limit": 1_000_000,
        }
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The test's database, opened the way the product opens it."""
    opened = Database(settings.sqlalchemy_url, name="test")
    yield opened
    await opened.close()
