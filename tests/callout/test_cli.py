"""Do the commands do what they say, and fail in words?"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest
from typer.testing import CliRunner

from api import schema as api_schema
from callout.cli import app
from callout.embedded import free_port
from db.seed import ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from typer.testing import Result

    from tests.servers import Template

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
async def empty_url(template: Template) -> AsyncIterator[str]:
    """A database with nothing in it."""
    url = await template.make_empty()
    yield url
    template.drop(url)


def environment(database_url: str) -> dict[str, str]:
    """What configures a production installation."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "CALLOUT_SECRET": SECRET,
    }


def run(*arguments: str, env: Mapping[str, str | None]) -> Result:
    """Run `callout` with these arguments."""
    return CliRunner().invoke(app, arguments, env=env)


async def users(url: str) -> int:
    """How many people the database knows."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM users"))
    finally:
        await connection.close()


def test_migrate_may_run_in_several_processes_at_once(empty_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-m", "callout", "migrate"], env=environment(empty_url))
        for _ in range(3)
    ]

    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]


async def test_seeding_twice_adds_nothing(database_url: str) -> None:
    command = [sys.executable, "-m", "callout", "seed"]
    settings = {**environment(database_url), "CALLOUT_MODE": "development"}
    for _ in range(2):
        subprocess.run(command, env=settings, check=True)  # noqa: ASYNC221  # nothing else runs
        assert await users(database_url) == len(ACCOUNTS)


async def test_a_production_installation_gets_no_demo_accounts(database_url: str) -> None:
    done = run("seed", env=environment(database_url))

    assert done.exit_code == 2
    assert "passwords are public" in done.output
    assert await users(database_url) == 0


def test_a_database_that_is_away_is_named() -> None:
    away = environment(f"postgresql://postgres@127.0.0.1:{free_port()}/callout")

    done = run("migrate", env=away)

    assert done.exit_code == 1
    assert "DATABASE_URL" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "seed"])
def test_a_wrong_environment_ends_in_words_and_status_2(command: str) -> None:
    done = run(command, env={"DATABASE_URL": None, "REDIS_URL": None, "CALLOUT_SECRET": "weak"})

    assert done.exit_code == 2
    assert "DATABASE_URL is not set" in done.output
    assert "Traceback" not in done.output


def test_the_schema_is_printed() -> None:
    assert run("schema", env={}).output == api_schema.sdl()


def test_a_stale_schema_file_is_shown_as_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schema.graphql").write_text(api_schema.sdl() + "type Stale\n")

    stale = run("schema", "--check", env={})
    (tmp_path / "schema.graphql").write_text(api_schema.sdl())
    fresh = run("schema", "--check", env={})

    assert stale.exit_code == 1
    assert "-type Stale" in stale.output
    assert "make schema" in stale.output
    assert (fresh.exit_code, fresh.output) == (0, "")
