"""Real processes on the test's own database and Redis namespace, or on a module's."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from db.engine import Database
from db.tables import dead_letters
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests import factories, invariants, servers, stripe_server
from tests.http_server import http_server
from tests.installation import Installation, installation
from tests.journeys.dealings import Dealings, keys
from tests.journeys.town import Town
from tests.smtp_server import smtp_server
from workers.queue import JobQueue, Queue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
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
    async with _founded(test_servers, template, tmp_path_factory.mktemp("town")) as made:
        yield made
        assert await factories.count_rows(made.database, dead_letters) == (0,)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def dealings(
    test_servers: servers.Servers,
    template: servers.Template,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Dealings]:
    """A town with a slow worker too, which calls a Stripe, a mail server and a Twilio of the
    module's own."""
    folder = tmp_path_factory.mktemp("dealings")
    async with smtp_server() as mail:
        with stripe_server.running() as stripe, http_server() as texts:
            outside = keys(stripe, mail, texts)
            queues: tuple[Queue, ...] = ("critical", "slow")
            founded = _founded(test_servers, template, folder, outside=outside, queues=queues)
            async with founded as town:
                slow = town.callout.processes[-1]
                made = Dealings(town=town, slow=slow, stripe=stripe, mail=mail, texts=texts)
                yield made
                await made.all_is_told()
                assert await made.resting() == 0


@asynccontextmanager
async def _founded(
    test_servers: servers.Servers,
    template: servers.Template,
    folder: Path,
    *,
    outside: Mapping[str, str] | None = None,
    queues: Sequence[Queue] = ("critical",),
) -> AsyncIterator[Town]:
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
        made = installation(settings, folder, outside=outside)
        callout = await stack.enter_async_context(made)
        callout.api().start()
        workers = [callout.worker(queue) for queue in queues]
        for one in workers:
            one.start()
        jobs = JobQueue(redis, settings.redis_namespace)
        sockets = await stack.enter_async_context(AsyncExitStack())
        town = Town(callout=callout, worker=workers[0], database=database, jobs=jobs, stack=sockets)
        await callout.answers(200)
        await town.wake()
        yield town
        await invariants.check(database)
