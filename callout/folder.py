"""Which folder holds a development installation's data, and who may use it now?

A folder is ours when our marker lies in it: only then is it ever emptied. One `callout dev` at a
time owns it, by a lock that the kernel takes back however its owner dies.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Self

from callout.embedded import new_password

if TYPE_CHECKING:
    from pathlib import Path

_MARKER: Final = "CALLOUT_DATA"
_LOCK: Final = "lock"
_NOTE: Final = (
    "This folder holds the data of `callout dev`: PostgreSQL, Redis and development secrets.\n"
    "Delete it whenever you like, or let `callout dev --fresh` do so.\n"
)


class FolderRefused(Exception):
    """The folder cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What a development installation makes up once and keeps."""

    signing: str = field(default_factory=lambda: secrets.token_hex(32))
    postgres: str = field(default_factory=new_password)
    redis: str = field(default_factory=new_password)


class DataFolder:
    """A folder of ours, claimed for this process until `release` or its death."""

    def __init__(self, path: Path, lock: int) -> None:
        """Use `claim`."""
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> Self:
        """Make the folder if need be and take it, or raise FolderRefused."""
        path = path.expanduser().resolve()
        if path.exists() and not path.is_dir():
            raise FolderRefused(f"{path} is not a folder. Give another with --data-dir.")
        _mark(path)
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 32).decode() or "unknown"
            os.close(lock)
            message = (
                f"Another callout dev (process {owner}) is using {path}. "
                "Stop that one first, or give this one its own folder with --data-dir."
            )
            raise FolderRefused(message) from None
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        return cls(path, lock)

    def empty(self) -> None:
        """Delete everything in it but the marker and the lock we hold."""
        for entry in self.path.iterdir():
            if entry.name in {_MARKER, _LOCK}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def secrets(self) -> Secrets:
        """The installation's secrets, made at the first call and kept."""
        file = self.path / "secrets.json"
        if file.exists():
            return Secrets(**json.loads(file.read_text()))
        made = Secrets()
        unfinished = file.with_suffix(".unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_text(json.dumps(asdict(made)))
        unfinished.rename(file)
        return made

    def is_done(self, step: str) -> bool:
        """Has this once-only step been done here?"""
        return (self.path / f"{step}.done").exists()

    def mark_done(self, step: str) -> None:
        """Remember that the step has been done."""
        (self.path / f"{step}.done").touch()

    def release(self) -> None:
        """Let others have it."""
        os.close(self._lock)


def _mark(path: Path) -> None:
    """Make the folder ours, unless it holds somebody else's things."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not (path / _MARKER).exists():
            if any(path.iterdir()):
                message = (
                    f"{path} has files in it and no {_MARKER} marker, so it is not ours to use. "
                    "Give a new or empty folder with --data-dir."
                )
                raise FolderRefused(message)
            (path / _MARKER).write_text(_NOTE)
    except OSError as error:
        message = f"{path} cannot be used: {error.strerror}. Give another with --data-dir."
        raise FolderRefused(message) from error
