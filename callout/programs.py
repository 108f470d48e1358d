"""What is a child process of ours, and how is it started so that it never outlives us?"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Final

from callout import tether

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Who runs a server that refuses to run as root. Every system has this account.
UNPRIVILEGED: Final = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program to run: its name in messages, its command line, and how it is told to stop."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop: Signals = Signals.SIGTERM
    #: Never run as root: give it up first, when we are root.
    unprivileged: bool = False
    #: Where it writes what it has to say, when that is not its output.
    log: Path | None = None

    def command(self) -> list[str]:
        """The command line that runs it tied to this process's life."""
        account = _account(self.argv) if self.unprivileged and os.geteuid() == 0 else "-"
        script = [sys.executable, "-I", "-S", tether.__file__]
        return [*script, str(os.getpid()), str(int(self.stop)), account, *self.argv]

    def surroundings(self) -> dict[str, str]:
        """The environment it runs in: ours and its own."""
        return {**os.environ, **self.environment}

    def run(self) -> str:
        """Run it to its end; what it printed, or an error that quotes it."""
        done = subprocess.run(
            self.command(),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.surroundings(),
        )
        if done.returncode != 0:
            message = f"{self.name} ended with status {done.returncode}:\n{done.stdout.strip()}"
            raise ProgramFailed(message)
        return done.stdout


class ProgramFailed(Exception):
    """A program that must succeed did not; the message quotes it."""


def _account(argv: tuple[str, ...]) -> str:
    """The tether's words for the unprivileged account, able to reach what `argv` names."""
    account = pwd.getpwnam(UNPRIVILEGED)
    values = (argument.rpartition("=")[2] for argument in argv)  # --pgdata=/path, /path
    paths = (Path(value) for value in values if value.startswith("/"))
    crossing = any(_is_closed(folder) for path in paths for folder in path.parents)
    return f"{account.pw_uid}:{account.pw_gid}:{int(crossing)}"


def _is_closed(folder: Path) -> bool:
    """Is this a folder that other users cannot cross (a home, a private temporary folder)?"""
    return folder.exists() and not folder.stat().st_mode & 0o001
