"""A server without its database: does it say so, and come back by itself?"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from signal import SIGQUIT
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from callout.client import Client, Refused
from callout.embedded import EmbeddedPostgres, new_password
from db import schema
from db.engine import Database
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests.installation import Process, installation
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = "{ services(first: 1) { nodes { id } } }"


@pytest.fixture
def postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the test's own, prepared and not started."""
    folder = Path(tempfile.mkdtemp(prefix="callout-journey-"))
    try:
        server = EmbeddedPostgres(folder=folder, password=new_password())
        server.prepare()
        yield server
    finally:
        shutil.rmtree(folder)


async def test_a_server_waits_for_its_database_and_survives_its_loss(
    postgres: EmbeddedPostgres, redis_url: str, namespace: str, tmp_path: Path
) -> None:
    database = Process(program=postgres.program(), log=tmp_path / "postgres.log")
    async with installation(_settings(postgres.url, redis_url, namespace), tmp_path) as callout:
        api = callout.api()
        api.start()
        try:
            await callout.answers(503)
            database.start()
            await until(postgres.is_ready)
            await callout.answers(503)
            await _migrate(callout.settings)
            await callout.answers(200)
            assert await _services(callout.base, callout.http) == []

            await _crash(database)
            await callout.answers(503)
            assert await callout.status("/healthz") == 200
            with pytest.raises(Refused) as refused:
                await _services(callout.base, callout.http)
            assert refused.value.code == "UNAVAILABLE"
            assert refused.value.errors[0]["extensions"]["retryAfter"] > 0

            database.start()
            await callout.answers(200)
            assert await _services(callout.base, callout.http) == []
            assert api.status is None
        finally:
            await _crash(database)


async def _crash(database: Process) -> None:
    """Stop it as a power cut does, but for the memory it shares with others."""
    if database.status is None:
        database.send(SIGQUIT)
        await database.ended()


def _settings(database_url: str, redis_url: str, namespace: str) -> Settings:
    facts = {
        "mode": "development",
        "database_url": database_url,
        "redis_url": redis_url,
        "redis_namespace": namespace,
        "secret": DEVELOPMENT_SECRET,
    }
    return Settings.model_validate(facts)


async def _migrate(settings: Settings) -> None:
    database = Database(settings.sqlalchemy_url, pool=1, name="test")
    try:
        async with asyncio.timeout(60):
            await schema.upgrade(database)
    finally:
        await database.close()


async def _services(base: str, http: httpx.AsyncClient) -> Any:
    return (await Client(base, http).ask(SERVICES))["services"]["nodes"]
