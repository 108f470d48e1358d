"""`callout dev` as a developer runs it: a real process, watched from outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from typing import Any, Final

import httpx
import psutil

from callout.embedded import free_port

#: Servers a test run was given must not leak into what is tested here.
_OURS: Final = ("DATABASE_URL", "REDIS_URL", "CALLOUT_SECRET")


class Development:
    """One `callout dev`, its output and its API."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, output: Path, port: int
    ) -> None:
        """Made by `develop`."""
        self.process = process
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._output = output

    @property
    def output(self) -> str:
        """Everything it has printed."""
        return self._output.read_text()

    def until_said(self, pattern: str, times: int = 1) -> None:
        """Wait until it has printed this so many times; fail if it ends first."""
        self._until(lambda: self.count(pattern) >= times)

    def count(self, pattern: str) -> int:
        """How often it has printed this."""
        return len(re.findall(pattern, self.output))

    def until_ready(self) -> None:
        """Wait until the API can serve."""
        self._until(lambda: self.status("/readyz") == 200)

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert self.process.poll() is None, f"it ended:\n{self.output}"
            assert time.monotonic() < deadline, f"it only said:\n{self.output}"
            time.sleep(0.02)

    def status(self, path: str) -> int | None:
        """The status the API answers with, if it answers."""
        try:
            return httpx.get(self.url + path).status_code
        except httpx.HTTPError:
            return None

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL request."""
        body = {"query": query, "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=body, timeout=30).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def family(self) -> list[psutil.Process]:
        """Every process that has come of it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, words: str) -> psutil.Process:
        """The child whose command line has these words."""
        [found] = self._children(words)
        return found

    def until_other_child(self, words: str, *, than: psutil.Process) -> None:
        """Wait until a child with these words runs that is not the one it was."""
        self._until(lambda: any(child != than for child in self._children(words)))

    def _children(self, words: str) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if words in _command_line(child)]

    def stop(self) -> int:
        """Press Ctrl-C; the exit status."""
        self.process.send_signal(SIGINT)
        return self.process.wait(timeout=15)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


@contextmanager
def develop(folder: Path, *options: str, port: int | None = None) -> Iterator[Development]:
    """Run `callout dev` on the data in `folder`, as if alone on the machine."""
    chosen = port or free_port()
    environment = {name: text for name, text in os.environ.items() if name not in _OURS}
    command = [sys.executable, "-m", "callout", "dev", "--port", str(chosen)]
    output = folder.with_suffix(f".{chosen}")
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [*command, "--data-dir", str(folder), *options],
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Development(process, folder, output, chosen)
        finally:
            if process.poll() is None:
                process.send_signal(SIGINT)
                process.wait(timeout=30)
