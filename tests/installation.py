"""How does a test run Callout as real processes, kill them, and start them again?

The API and the workers are started as in production: `callout serve` and `callout worker`,
configured by environment. They die with the test's process, whatever happens to it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from signal import SIGKILL, SIGTERM
from typing import TYPE_CHECKING, Any, Final

import httpx

from callout.client import Client
from callout.embedded import free_port
from callout.programs import Program
from db import sessions
from gateways.tokens import AccessTokens, fingerprint, new_refresh_token
from tests import factories
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from db.engine import Database
    from domain.people import Viewer
    from gateways.settings import Settings

#: Seconds for a process to start on a busy machine.
_PATIENCE: Final = 60.0


@dataclass(kw_only=True)
class Process:
    """One program, which may be ended and started again."""

    program: Program
    log: Path
    _running: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """Start it, with these variables too."""
        surroundings = self.program.surroundings() | environment
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.program.command(), env=surroundings, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._running is not None, f"{self.program.name} is not running"
        return self._running.pid

    @property
    def status(self) -> int | None:
        """How it ended; None as long as it has not."""
        return None if self._running is None else self._running.poll()

    def send(self, signal: int) -> None:
        """Send it a signal."""
        assert self._running is not None, f"{self.program.name} is not running"
        self._running.send_signal(signal)

    def kill(self) -> None:
        """kill -9, if it runs."""
        if self._running is not None:
            self._running.send_signal(SIGKILL)
            self._running.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        self.send(SIGTERM)

    async def ended(self, *, seconds: float = _PATIENCE) -> int:
        """Its status, once it has ended by itself."""
        await until(lambda: self.status is not None, seconds=seconds)
        assert self.status is not None
        return self.status


@dataclass(kw_only=True)
class Installation:
    """The API and the workers of one database and one Redis namespace."""

    settings: Settings
    folder: Path
    http: httpx.AsyncClient
    #: Variables beside those of the settings: where the services outside are, and our keys to them.
    outside: Mapping[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    @property
    def base(self) -> str:
        """Where the API is."""
        return f"http://{self.settings.host}:{self.settings.port}"

    def process(self, name: str, *command: str) -> Process:
        """A `callout` command, not started yet."""
        program = Program(
            name=name,
            argv=(sys.executable, "-m", "callout", *command),
            environment={**environment(self.settings), **self.outside},
        )
        made = Process(program=program, log=self.folder / f"{name}.log")
        self.processes.append(made)
        return made

    def api(self) -> Process:
        """The API, not started yet."""
        return self.process("api", "serve")

    def worker(self, queue: str = "critical") -> Process:
        """A worker on that queue, not started yet."""
        return self.process(f"worker-{len(self.processes)}", "worker", queue)

    async def status(self, path: str = "/readyz") -> int | None:
        """What the API answers at `path`; None when nobody answers."""
        try:
            return (await self.http.get(f"{self.base}{path}")).status_code
        except httpx.HTTPError:
            return None

    async def answers(self, status: int, path: str = "/readyz") -> None:
        """Wait until the API answers this at `path`."""
        async with asyncio.timeout(_PATIENCE):
            while (found := await self.status(path)) != status:
                self._check_running(found)
                await asyncio.sleep(0.02)

    def _check_running(self, found: int | None) -> None:
        for process in self.processes:
            if process.program.name == "api" and process.status is not None:
                message = f"The API ended (it had answered {found}):\n{process.log.read_text()}"
                raise AssertionError(message)

    async def client(self, database: Database, viewer: Viewer) -> Client:
        """A client that is signed in as this person."""
        (client,) = await self.clients(database, [viewer])
        return client

    async def clients(self, database: Database, viewers: Sequence[Viewer]) -> list[Client]:
        """A client for each of these people, signed in, in the same order."""
        tokens = await self.tokens(database, viewers)
        return [Client(self.base, self.http, token=token) for token in tokens]

    async def tokens(self, database: Database, viewers: Sequence[Viewer]) -> list[str]:
        """An access token for each of these people, in the same order."""
        signer = AccessTokens(
            secret=self.settings.secret.get_secret_value(),
            issuer=self.settings.issuer,
            audience=self.settings.audience,
        )
        signed = []
        async with database.begin() as tx:
            for viewer in viewers:
                opened = await sessions.open_for(
                    tx,
                    factories.a_user(id=viewer.user_id, role=viewer.role),
                    token_hash=fingerprint(new_refresh_token()),
                    lifetime=timedelta(hours=1),
                )
                token = signer.issue(
                    user_id=viewer.user_id,
                    role=viewer.role,
                    session_id=opened.session.id,
                    session_expires_at=opened.session.expires_at,
                )
                signed.append(token.text)
        return signed


@asynccontextmanager
async def installation(
    settings: Settings, folder: Path, *, outside: Mapping[str, str] | None = None, **changes: Any
) -> AsyncIterator[Installation]:
    """Processes for these settings, on a port of their own; all are gone at the end."""
    changed = settings.model_copy(update={"port": free_port(), **changes})
    limits = httpx.Limits(max_connections=None, keepalive_expiry=2)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        made = Installation(settings=changed, folder=folder, http=http, outside=outside or {})
        try:
            yield made
        finally:
            for process in made.processes:
                process.kill()


def environment(settings: Settings) -> Mapping[str, str]:
    """The variables that make these settings."""
    return {
        "CALLOUT_MODE": settings.mode,
        "CALLOUT_HOST": settings.host,
        "CALLOUT_PORT": str(settings.port),
        "CALLOUT_SECRET": settings.secret.get_secret_value(),
        "CALLOUT_REDIS_NAMESPACE": settings.redis_namespace,
        "CALLOUT_SIGN_IN_LIMIT": str(settings.sign_in_limit),
        "CALLOUT_OFFER_LISTING_LIMIT": str(settings.offer_listing_limit),
        "CALLOUT_ACCEPT_LIMIT": str(settings.accept_limit),
        "CALLOUT_REJECT_LIMIT": str(settings.reject_limit),
        "CALLOUT_SOCKETS_PER_PRINCIPAL": str(settings.sockets_per_principal),
        "CALLOUT_SOCKETS_PER_ADDRESS": str(settings.sockets_per_address),
        "CALLOUT_COST_BUCKET": str(settings.cost_bucket),
        "CALLOUT_DATABASE_POOL": str(settings.database_pool),
        "CALLOUT_LOG_LEVEL": settings.log_level,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
    }
