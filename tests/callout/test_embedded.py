"""Do the servers from the wheels start, keep their data, and let nobody else in?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL
from typing import TYPE_CHECKING

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from callout import embedded
from callout.embedded import Binary, EmbeddedPostgres, EmbeddedRedis, ServerMissing
from callout.programs import ProgramFailed
from tests.servers import execute

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "a-password-for-tests"

#: An initdb that gets as far as the first file.
_INTERRUPTED = """#!/bin/sh
folder="${1#--pgdata=}"
mkdir "$folder" && touch "$folder/PG_VERSION"
exit 1
"""


@contextmanager
def running(server: EmbeddedPostgres | EmbeddedRedis) -> Iterator[psutil.Process]:
    """The server, started and ready; stopped as it likes to be afterwards."""
    server.prepare()
    program = server.program()
    process = subprocess.Popen(program.command(), env=program.surroundings())
    try:
        while not server.is_ready():
            assert process.poll() is None, "it ended before it was ready"
            time.sleep(0.01)
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(program.stop)
        process.wait(timeout=10)


def a_postgres(folder: Path, **changes: object) -> EmbeddedPostgres:
    """An embedded PostgreSQL for a test."""
    return EmbeddedPostgres(**{"folder": folder, "password": SECRET, "durable": False, **changes})  # type: ignore[arg-type]  # keyword overrides


def addresses(process: psutil.Process) -> set[str]:
    """Where it listens."""
    family = [process, *process.children(recursive=True)]
    return {
        connection.laddr.ip
        for member in family
        for connection in member.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }


async def test_postgres_keeps_its_data_and_asks_for_its_password(tmp_path: Path) -> None:
    server = a_postgres(tmp_path)
    with running(server) as process:
        assert addresses(process) == {"127.0.0.1"}
        await execute(server.url, "CREATE TABLE kept ()")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await execute(server.url.replace(SECRET, "a-guess"), "SELECT 1")

    again = a_postgres(tmp_path)
    with running(again):
        await execute(again.url, "SELECT FROM kept")


def test_an_initdb_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    interrupted = tmp_path / "bin" / "initdb"
    interrupted.parent.mkdir()
    interrupted.write_text(_INTERRUPTED)
    interrupted.chmod(0o755)
    binary = Binary(path=interrupted.parent / "postgres", origin="a test")
    with pytest.raises(ProgramFailed, match="initdb ended with status 1"):
        a_postgres(tmp_path / "data", binary=binary).prepare()

    with running(a_postgres(tmp_path / "data")):
        assert not list(tmp_path.rglob("unfinished"))


async def test_redis_keeps_its_data_and_asks_for_its_password(tmp_path: Path) -> None:
    server = EmbeddedRedis(folder=tmp_path, password=SECRET)
    with running(server) as process:
        assert addresses(process) == {"127.0.0.1"}
        async with Redis.from_url(server.url) as redis:
            await redis.set("kept", "yes")
        async with Redis.from_url(server.url.replace(SECRET, "a-guess")) as stranger:
            with pytest.raises(AuthenticationError):
                await stranger.get("kept")

    again = EmbeddedRedis(folder=tmp_path, password=SECRET)
    with running(again):
        async with Redis.from_url(again.url) as redis:
            assert await redis.get("kept") == b"yes"


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_a_server_that_a_dead_run_left_behind_is_stopped(
    tmp_path: Path, kind: type[EmbeddedPostgres | EmbeddedRedis]
) -> None:
    server = kind(folder=tmp_path, password=SECRET)
    with running(server) as leftover:
        embedded.stop_leftovers(tmp_path)

        assert leftover.status() == psutil.STATUS_ZOMBIE  # ended; `running` has yet to collect it


def test_a_stale_pid_file_costs_no_innocent_process_its_life(tmp_path: Path) -> None:
    pid_file = tmp_path / "redis" / "redis.pid"
    pid_file.parent.mkdir()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as innocent:
        pid_file.write_text(str(innocent.pid))

        embedded.stop_leftovers(tmp_path)

        assert innocent.poll() is None
        innocent.kill()


def test_postgres_starts_again_after_its_process_was_killed(tmp_path: Path) -> None:
    with running(a_postgres(tmp_path)) as process:
        process.send_signal(SIGKILL)
        process.wait()

    with running(a_postgres(tmp_path)) as started:
        assert started.pid != process.pid


@pytest.mark.skipif(os.geteuid() != 0, reason="others need not cross folders")
def test_root_may_keep_its_data_in_a_folder_that_is_closed_to_others(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    with running(a_postgres(private / "data")) as process:
        assert process.username() == "nobody"


def test_without_the_wheel_the_server_on_path_is_used_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = embedded.find_binary("no_such_wheel", "bin/x", ["redis-server", "valkey-server"])

    assert found.path == program
    assert found.origin == f"{program} (on PATH)"


def test_without_wheel_and_without_server_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ServerMissing, match=r"pip install 'callout\[embedded\]'"):
        embedded.find_binary("no_such_wheel", "bin/x", ["redis-server"])
