"""Which servers does a test run use, and how does each test get a database of its own?"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

from callout.embedded import EmbeddedPostgres, EmbeddedRedis, new_password
from db import schema
from db.engine import Database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
    from concurrent.futures import Future

    from callout.programs import Program

T = TypeVar("T")

#: Memory, where there is enough: a copied database is three hundred small files.
_MEMORY: Final = Path("/dev/shm")
_ENOUGH: Final = 2 * 1024**3

#: Of a run's folder; then come its process and something random.
_PREFIX: Final = "callout-tests-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where PostgreSQL (a database to connect to for CREATE DATABASE) and Redis are."""

    database_url: str
    redis_url: str
    #: How CREATE DATABASE copies: file by file is a fifth of the work, where the checkpoint that it
    #: forces waits for no disk; else page by page.
    strategy: str = "wal_log"


class Template:
    """A migrated database that every test's own is a copy of.

    Copying takes longer than most tests, so the next copy is made, and the last one dropped, by a
    thread with a connection of its own while a test runs.
    """

    def __init__(self, servers: Servers, name: str) -> None:
        """Copies are made of the database `name`."""
        self.servers = servers
        self.name = name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection = self._background(asyncpg.connect(servers.database_url)).result()
        self._pending: list[Future[str]] = []
        self._next = self._copy()

    async def clone(self) -> str:
        """A copy; its address."""
        name = await asyncio.wrap_future(self._next)
        self._next = self._copy()
        return with_database(self.servers.database_url, name)

    async def make_empty(self) -> str:
        """A database with nothing in it; its address."""
        name = f"{self.name}_{secrets.token_hex(4)}"
        await asyncio.wrap_future(self._execute(f'CREATE DATABASE "{name}"', name))
        return with_database(self.servers.database_url, name)

    def drop(self, url: str) -> None:
        """Drop a copy, whoever is still connected to it."""
        name = urlsplit(url).path.lstrip("/")
        self._pending.append(self._execute(f'DROP DATABASE "{name}" WITH (FORCE)', name))

    def close(self) -> None:
        """Drop the template and what is left of its copies."""
        self.drop(f"/{self._next.result()}")
        self.drop(f"/{self.name}")
        for done in self._pending:
            done.result()
        self._background(self._connection.close()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _copy(self) -> Future[str]:
        name = f"{self.name}_{secrets.token_hex(4)}"
        strategy = self.servers.strategy
        return self._execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{self.name}" STRATEGY {strategy}', name
        )

    def _execute(self, statement: str, name: str) -> Future[str]:
        async def execute() -> str:
            async with self._turn:
                await self._connection.execute(statement)
            return name

        return self._background(execute())

    @cached_property
    def _turn(self) -> asyncio.Lock:
        return asyncio.Lock()

    def _background(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def with_driver(url: str) -> str:
    """The address as SQLAlchemy wants it."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


async def execute(url: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def running() -> Iterator[Servers]:
    """The servers this run uses: embedded ones, or the machine's when asked for."""
    if os.environ.get("CALLOUT_TEST_SERVICES") == "external":
        yield Servers(
            database_url=os.environ.get(
                "CALLOUT_TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres"
            ),
            redis_url=os.environ.get("CALLOUT_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"),
        )
    else:
        with embedded() as servers:
            yield servers


@contextmanager
def embedded() -> Iterator[Servers]:
    """Servers in a temporary folder, gone with all their data at the end."""
    with ExitStack() as stack:
        parent = _fastest_folder()
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
        stack.callback(shutil.rmtree, folder)
        postgres = EmbeddedPostgres(folder=folder, password=new_password(), durable=False)
        redis = EmbeddedRedis(folder=folder, password=new_password(), durable=False)
        for server in (redis, postgres):
            server.prepare()
            stack.enter_context(_started(server.program(), folder))
        for server in (redis, postgres):
            _wait_until_ready(server)
        yield Servers(database_url=postgres.url, redis_url=redis.url, strategy="file_copy")


def _fastest_folder() -> Path:
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH
    return _MEMORY if roomy and os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


def _sweep(parent: Path) -> None:
    """Delete what runs that were killed could not."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(program: Program, folder: Path) -> Iterator[None]:
    with (folder / f"{program.name}.log").open("w") as log:
        process = subprocess.Popen(
            program.command(),
            env=program.surroundings(),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.send_signal(program.stop)
            process.wait(timeout=10)


def _wait_until_ready(server: EmbeddedPostgres | EmbeddedRedis) -> None:
    deadline = time.monotonic() + 30
    while not server.is_ready():
        if time.monotonic() > deadline:
            message = f"{server.program().name} did not get ready."
            raise TimeoutError(message)
        time.sleep(0.01)


@contextmanager
def migrated(
    servers: Servers, furnish: Callable[[Database], Awaitable[None]] | None = None
) -> Iterator[Template]:
    """A migrated template, made once for the run and dropped after it. `furnish` puts into it what
    all of its copies are to have."""
    name = f"callout_test_{secrets.token_hex(4)}"
    asyncio.run(_make_template(servers, name, furnish))
    template = Template(servers, name)
    try:
        yield template
    finally:
        template.close()


async def _make_template(
    servers: Servers, name: str, furnish: Callable[[Database], Awaitable[None]] | None
) -> None:
    await execute(servers.database_url, f'CREATE DATABASE "{name}"')
    database = Database(with_driver(with_database(servers.database_url, name)), pool=1)
    try:
        await schema.upgrade(database)
        if furnish is not None:
            await furnish(database)
    finally:
        await database.close()
