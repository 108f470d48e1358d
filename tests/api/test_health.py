"""Does the process say truly whether it lives and whether it can serve?"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy import text

from callout.embedded import free_port
from db.engine import Database
from gateways.settings import Settings
from tests.api.door import Door, hear, opened, subscribe
from tests.fault_proxy import fault_proxy
from tests.redis_process import RedisProcess


async def ready(door: Door) -> tuple[int, Any]:
    response = await door.http.get("/readyz")
    return response.status_code, response.json()


async def test_a_process_with_its_parts_is_alive_and_ready(settings: Settings) -> None:
    async with opened(settings) as door:
        alive = await door.http.get("/healthz")
        assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
        assert await ready(door) == (
            200,
            {"status": "ready", "database": "ok", "redis": "ok"},
        )


async def test_without_its_database_it_starts_says_so_and_comes_back_by_itself(
    settings: Settings,
) -> None:
    real = urlsplit(settings.database_url.get_secret_value())
    port = free_port()
    user = real.netloc.rpartition("@")[0]
    through = real._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
    behind = Settings.model_validate(settings.model_dump() | {"database_url": through})
    async with opened(behind) as door:
        assert (await door.http.get("/healthz")).status_code == 200
        status, body = await ready(door)
        assert (status, body["status"], body["redis"]) == (503, "unavailable", "ok")
        assert "PostgreSQL does not answer" in body["database"]
        assert (await door.ask("{ hello }")).json()["data"] == {"hello": "Hello, you!"}
        async with fault_proxy(real.port or 5432, at=port):
            assert (await ready(door))[0] == 200
            assert (await door.ask("{ stored }")).json()["data"] == {"stored": 1}
        assert (await ready(door))[0] == 503


async def test_a_schema_that_is_not_this_versions_is_named(
    settings: Settings, database: Database
) -> None:
    async with opened(settings) as door:
        async with database.begin() as tx:
            await tx.execute(text("UPDATE alembic_version SET version_num = 'another'"))
        status, body = await ready(door)
        assert status == 503
        assert "run `callout migrate`" in body["database"]


async def test_without_redis_it_is_degraded_and_still_serves(settings: Settings) -> None:
    redis = RedisProcess()
    redis.start()
    own = settings.model_copy(update={"redis_url": SecretStr(redis.url)})
    try:
        async with opened(own) as door:
            assert (await ready(door))[1]["status"] == "ready"
            redis.kill()
            status, body = await ready(door)
            assert (status, body["status"]) == (200, "degraded")
            assert "Redis does not answer" in body["redis"]
            done = await door.ask("mutation { act { ... on Done { times } } }")
            assert done.json()["data"]["act"]["times"] > 0
            redis.start()
            assert (await ready(door))[1]["status"] == "ready"
    finally:
        redis.kill()


async def test_what_happens_is_counted(settings: Settings) -> None:
    async with opened(settings) as door:
        before = await _metrics(door)
        await door.ask("{ hello }")
        await door.ask("{ hello broken }")
        await door.ask("mutation { act { __typename } }")
        async with door.conversation() as socket:
            await subscribe(socket, "a", "subscription { silence }")
            await hear(socket)
            during = await _metrics(door)
        after = await _metrics(door)

    def gained(name: str) -> float:
        return after[name] - before.get(name, 0)

    seconds = "callout_operation_seconds_count"
    assert gained(seconds + '{kind="query",outcome="ok"}') == 1
    assert gained(seconds + '{kind="query",outcome="error"}') == 1
    assert gained(seconds + '{kind="mutation",outcome="ok"}') == 1
    assert gained('callout_errors_total{code="INTERNAL"}') == 1
    assert during['callout_open_sockets{transport="websocket"}'] == 1
    assert during["callout_subscriptions"] == 1
    assert after["callout_subscriptions"] == 0
    assert during["callout_database_connections_in_use"] == 0


async def _metrics(door: Door) -> dict[str, float]:
    lines = (await door.http.get("/metrics")).text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}
