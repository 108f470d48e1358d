"""Real processes on the test's own database and Redis namespace, or on a module's."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from db.engine import Database
from db.tables import dead_letters
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests import factories, invariants, servers
from tests.installation import Installation, installation
from tests.journeys.town import Town
from workers.queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def callout(settings: Settings, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation none of whose processes is started yet."""
    async with installation(settings, tmp_path, sign_in_limit=1000) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    test_servers: servers.Servers,
    template: servers.Template,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Town]:
    """An API and a worker for all of a module. However its tests end, no promise is broken."""
    url = await template.clone()
    settings = Settings.model_validate(
        {
            "mode": "development",
            "database_url": url,
            "redis_url": test_servers.redis_url,
            "redis_namespace": f"test-town-{url.rpartition('/')[2]}",
            "port": 0,
            "secret": DEVELOPMENT_SECRET,
            "cost_bucket": 1_000_000,
        }
    )
    async with AsyncExitStack() as stack:
        stack.callback(template.drop, url)
        database = Database(settings.sqlalchemy_url, name="test")
        stack.push_async_callback(database.close)
        redis = await stack.enter_async_context(Redis.from_url(test_servers.redis_url))
        folder = tmp_path_factory.mktemp("town")
        callout = await stack.enter_async_context(installation(settings, folder))
        callout.api().start()
        (worker := callout.worker()).start()
        jobs = JobQueue(redis, settings.redis_namespace)
        sockets = await stack.enter_async_context(AsyncExitStack())
        made = Town(callout=callout, worker=worker, database=database, jobs=jobs, stack=sockets)
        await callout.answers(200)
        await made.wake()
        yield made
        assert await factories.count_rows(database, dead_letters) == (0,)
        await invariants.check(database)
