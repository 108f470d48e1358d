"""How does one command give a developer everything: servers, schema, demo data, API, workers?"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from callout.embedded import EmbeddedPostgres, EmbeddedRedis, ServerMissing, stop_leftovers
from callout.folder import DataFolder, FolderRefused
from callout.programs import Program, ProgramFailed
from callout.supervisor import Stage, StartFailed, Supervisor

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from pathlib import Path
    from typing import Any

    from callout.screen import Screen
    from callout.supervisor import Child

_PATIENCE: Final = 30.0

#: How often somebody may do something.
_LIMITS: Final = (
    *("CALLOUT_SIGN_IN_LIMIT", "CALLOUT_OFFER_LISTING_LIMIT"),
    *("CALLOUT_ACCEPT_LIMIT", "CALLOUT_REJECT_LIMIT"),
)

#: Shorter than `callout serve`'s own, so that everything is gone in 10 s.
_DRAIN: Final = 4


#: One Ctrl-C may arrive twice, from the terminal and from a wrapper that passes it on.
_SAME_CTRL_C: Final = 0.5


class CannotStart(Exception):
    """Nothing was started, or all of it is stopped again; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `callout dev` was asked for."""

    port: int
    data_dir: Path
    fresh: bool
    seed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where PostgreSQL and Redis are, and which of them are ours to run."""

    database_url: str
    redis_url: str
    postgres: EmbeddedPostgres | None
    redis: EmbeddedRedis | None

    @property
    def sqlalchemy_url(self) -> str:
        """The database's address with the driver that Callout uses."""
        _, _, rest = self.database_url.partition("://")
        return f"postgresql+asyncpg://{rest}"

    def notes(self) -> list[str]:
        """Where each comes from, in words."""
        database = self.postgres.binary.origin if self.postgres else "DATABASE_URL"
        redis = self.redis.binary.origin if self.redis else "REDIS_URL"
        return [f"PostgreSQL from {database}, Redis from {redis}."]


def main(options: Options, screen: Screen) -> None:
    """Run everything until Ctrl-C or SIGTERM, or raise CannotStart."""
    _refuse_taken_port(options.port)
    try:
        folder = DataFolder.claim(options.data_dir)
        try:
            asyncio.run(_Development(folder, options, screen).run())
        finally:
            folder.release()
    except (FolderRefused, ServerMissing, StartFailed, ProgramFailed) as error:
        raise CannotStart(str(error)) from error


def _refuse_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = (
                f"Port {port} cannot be used: {error.strerror}. Stop whoever has it, or choose "
                f"another: callout dev --port {port + 1 if port < 65535 else 8000}"
            )
            raise CannotStart(message) from None


class _Development:
    """One run of `callout dev`."""

    def __init__(self, folder: DataFolder, options: Options, screen: Screen) -> None:
        self._began = time.monotonic()
        self._folder = folder
        self._options = options
        self._screen = screen
        self._supervisor = Supervisor(screen)

    async def run(self) -> None:
        """Start, wait for the signal to stop, stop."""
        told_to_stop = self._listen_for_signals()
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(told_to_stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stopping
            self._screen.notice("Stopping everything.")
        finally:
            starting.cancel()
            stopping.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)
            await self._supervisor.stop()

    def _listen_for_signals(self) -> asyncio.Event:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        first = loop.time()

        def stop() -> None:
            nonlocal first
            if not told.is_set():
                first = loop.time()
                told.set()
            elif loop.time() - first > _SAME_CTRL_C:
                # Asked again: somebody is in a hurry.
                self._supervisor.kill()

        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(ending, stop)
        return told

    async def _start(self) -> None:
        servers = self._choose_servers()
        environment = self._environment(servers)
        # The API takes as long to import as the servers to start; it connects when it is asked.
        api = self._start_ours("api", ["serve", "--drain", str(_DRAIN)], environment)
        await _together(self._start_redis(servers), self._start_postgres(servers))
        await self._prepare_database(servers)
        await api.wait_until(self._api_is_ready, _PATIENCE)
        # Not sooner: on two cores their imports would hold up the first answer.
        for queue in ("critical", "slow"):
            self._start_ours(f"worker-{queue}", ["worker", queue], environment)
        self._welcome(servers)

    def _choose_servers(self) -> Servers:
        path = self._folder.path
        stop_leftovers(path)
        if self._options.fresh:
            self._folder.empty()
        made = self._folder.secrets()
        postgres = redis = None
        if not (database_url := os.environ.get("DATABASE_URL")):
            postgres = EmbeddedPostgres(folder=path, password=made.postgres)
            database_url = postgres.url
        if not (redis_url := os.environ.get("REDIS_URL")):
            redis = EmbeddedRedis(folder=path, password=made.redis)
            redis_url = redis.url
        return Servers(
            database_url=database_url, redis_url=redis_url, postgres=postgres, redis=redis
        )

    def _environment(self, servers: Servers) -> dict[str, str]:
        """What our children are configured by, and nothing else."""
        return {
            "CALLOUT_MODE": "development",
            "CALLOUT_HOST": "127.0.0.1",
            "CALLOUT_PORT": str(self._options.port),
            "CALLOUT_SECRET": os.environ.get("CALLOUT_SECRET") or self._folder.secrets().signing,
            "CALLOUT_LOG_FORMAT": os.environ.get("CALLOUT_LOG_FORMAT", "console"),
            # Here one person is everybody, from one address, time and again.
            **{name: os.environ.get(name, "1000") for name in _LIMITS},
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
        }

    def _start_ours(self, name: str, command: Sequence[str], environment: dict[str, str]) -> Child:
        argv = (sys.executable, "-m", "callout", *command)
        program = Program(name=name, argv=argv, environment=environment)
        return self._supervisor.start(program, Stage.APPLICATION)

    async def _start_redis(self, servers: Servers) -> None:
        if servers.redis is not None:
            await self._start_server(servers.redis)

    async def _start_postgres(self, servers: Servers) -> None:
        # What will be needed next is imported while initdb and the server do their work.
        if servers.postgres is not None:
            needed = ("db.schema", "alembic.command") if servers.postgres.is_new else ("db.schema",)
            importing = asyncio.to_thread(_import, needed)
            await _together(self._start_server(servers.postgres), importing)

    async def _start_server(self, server: EmbeddedPostgres | EmbeddedRedis) -> None:
        await asyncio.to_thread(server.prepare)
        child = self._supervisor.start(server.program(), Stage.SERVERS)

        async def is_ready() -> bool:
            return await asyncio.to_thread(server.is_ready)

        await child.wait_until(is_ready, _PATIENCE)

    async def _prepare_database(self, servers: Servers) -> None:
        """Migrate; and the first time, unless told not to, fill a database of ours with a demo."""
        from db import schema
        from db.engine import Database, is_unavailable

        database = Database(servers.sqlalchemy_url, pool=2, name="callout-dev")
        try:
            await schema.upgrade(database)
            if servers.postgres is not None and self._is_seed_wanted():
                from callout.seeding import seed_demo

                await seed_demo(database)
                self._folder.mark_done("seed")
        except Exception as error:
            if not is_unavailable(error):
                raise
            raise CannotStart(f"The database cannot be used: {error}") from error
        finally:
            await database.close()

    def _is_seed_wanted(self) -> bool:
        return self._options.seed and not self._folder.is_done("seed")

    async def _api_is_ready(self) -> bool:
        return await status_of(self._options.port, "/readyz") == 200

    def _welcome(self, servers: Servers) -> None:
        from db import seed

        accounts = seed.ACCOUNTS if self._folder.is_done("seed") else ()
        self._screen.welcome(
            base=f"http://127.0.0.1:{self._options.port}",
            program=_how_to_call_us(),
            seconds=time.monotonic() - self._began,
            notes=servers.notes(),
            accounts=[(account.role, account.email) for account in accounts],
            password=seed.PASSWORD,
        )


async def _together(*steps: Coroutine[Any, Any, None]) -> None:
    """Take several steps at once. When one fails the others are given up, and none goes on."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        import_module(module)


def _how_to_call_us() -> str:
    """What to type to get this program again: its name if PATH leads here, else its path."""
    called = sys.argv[0]
    if shutil.which("callout") == os.path.realpath(called) or not called.endswith("callout"):
        return "callout"
    return os.path.relpath(called)


async def status_of(port: int, path: str) -> int | None:
    """The HTTP status that a loopback server answers with, or None while it does not."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        words = (await reader.readline()).split()
        return int(words[1]) if len(words) > 1 else None
    except OSError:
        return None
    finally:
        writer.close()
