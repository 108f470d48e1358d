"""Does the supervisor notice, name, restart, and in the end stop its children in order?

The children are scripts; each test waits for what it expects, under the suite's own time limit.
"""

from __future__ import annotations

import asyncio
import re
import sys
from signal import SIGKILL
from typing import TYPE_CHECKING

import psutil
import pytest

from callout.programs import Program
from callout.supervisor import Stage, StartFailed, Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

#: Says its pid, then works until it is told to stop, and says so.
WORKER = """
import os, signal, sys, time
def stop(*_):
    print("stopped", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("pid", os.getpid(), flush=True)
while True:
    time.sleep(60)
"""


class Transcript:
    """A console that remembers, and wakes those who wait for something to be said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._changed = asyncio.Event()

    def line(self, name: str, text: str) -> None:
        self._add(f"{name}: {text}")

    def notice(self, text: str) -> None:
        self._add(f"callout: {text}")

    def _add(self, text: str) -> None:
        self.said.append(text)
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until something has been said so many times; the last time."""
        while True:
            changed = self._changed
            found = [match for text in self.said if (match := re.search(pattern, text))]
            if len(found) >= times:
                return found[times - 1]
            await changed.wait()


def script(name: str, text: str) -> Program:
    """A child that runs this Python."""
    return Program(name=name, argv=(sys.executable, "-c", text))


@pytest.fixture
def transcript() -> Transcript:
    """What is said during the test."""
    return Transcript()


@pytest.fixture
async def supervisor(transcript: Transcript) -> AsyncIterator[Supervisor]:
    """A supervisor whose children are gone after the test."""
    before = set(psutil.Process().children())
    made = Supervisor(transcript)
    yield made
    await made.stop()
    assert set(psutil.Process().children()) == before


async def pid_of(transcript: Transcript, name: str, times: int = 1) -> int:
    """The process that a WORKER of this name says it is."""
    match = await transcript.until(rf"{name}: pid (\d+)", times)
    return int(match[1])


async def test_a_child_killed_by_a_signal_is_named_and_started_again(
    supervisor: Supervisor, transcript: Transcript
) -> None:
    supervisor.start(script("api", WORKER), Stage.APPLICATION)
    first = await pid_of(transcript, "api")

    psutil.Process(first).send_signal(SIGKILL)

    await transcript.until(r"callout: api was ended by SIGKILL; starting it again in 0\.2 s")
    assert await pid_of(transcript, "api", times=2) != first


@pytest.mark.parametrize(("status", "words"), [(0, "ended"), (1, "ended with status 1")])
async def test_a_worker_that_leaves_by_itself_is_started_again(
    supervisor: Supervisor, transcript: Transcript, status: int, words: str
) -> None:
    supervisor.start(script("worker", f"raise SystemExit({status})"), Stage.APPLICATION)

    await transcript.until(rf"callout: worker {words}; starting it again", times=2)


async def test_a_child_that_keeps_ending_is_started_later_and_later(
    supervisor: Supervisor, transcript: Transcript
) -> None:
    supervisor.start(script("api", "raise SystemExit(1)"), Stage.APPLICATION)

    await transcript.until("starting it again", times=3)

    pauses = [match[1] for text in transcript.said if (match := re.search(r"in ([\d.]+) s", text))]
    assert pauses[:3] == ["0.2", "0.4", "0.8"]


async def test_what_a_child_prints_is_shown_under_its_name(
    supervisor: Supervisor, transcript: Transcript
) -> None:
    chatter = "import sys; print('one'); print('two', file=sys.stderr); sys.stdout.write('three')"
    supervisor.start(script("api", chatter), Stage.APPLICATION)

    await transcript.until("starting it again")

    assert {"api: one", "api: two", "api: three"} <= set(transcript.said)


async def test_a_line_without_end_is_cut_and_not_kept(
    supervisor: Supervisor, transcript: Transcript
) -> None:
    supervisor.start(script("api", "print('x' * 1_000_000)"), Stage.APPLICATION)

    await transcript.until("starting it again")

    shown = [text.removeprefix("api: ") for text in transcript.said if text.startswith("api: ")]
    assert sum(map(len, shown)) == 1_000_000
    assert max(map(len, shown)) <= 2 * 64 * 1024


async def test_servers_stop_only_after_the_applications_that_use_them(
    supervisor: Supervisor, transcript: Transcript
) -> None:
    supervisor.start(script("postgres", WORKER), Stage.SERVERS)
    slow_to_stop = WORKER.replace("def stop(*_):", "def stop(*_):\n    time.sleep(0.5)")
    supervisor.start(script("api", slow_to_stop), Stage.APPLICATION)
    for name in ("postgres", "api"):
        await transcript.until(f"{name}: pid")

    await supervisor.stop()

    assert transcript.said[-2:] == ["api: stopped", "postgres: stopped"]


async def test_a_child_that_will_not_stop_is_killed(
    supervisor: Supervisor, transcript: Transcript
) -> None:
    stubborn = WORKER.replace("sys.exit(0)", "print('never')")
    supervisor.start(script("postgres", stubborn), Stage.SERVERS)
    pid = await pid_of(transcript, "postgres")

    await supervisor.stop()

    assert "callout: postgres does not stop; killing it." in transcript.said
    assert not psutil.pid_exists(pid)


async def test_killing_everything_starts_nothing_again(
    supervisor: Supervisor, transcript: Transcript
) -> None:
    child = supervisor.start(script("postgres", WORKER), Stage.SERVERS)
    await transcript.until("postgres: pid")

    supervisor.kill()
    await child.ended.wait()

    assert not any("again" in text for text in transcript.said)


async def test_a_child_that_ends_before_it_is_ready_fails_the_start_and_is_quoted(
    supervisor: Supervisor,
) -> None:
    child = supervisor.start(script("api", "raise SystemExit('no such port')"), Stage.APPLICATION)

    with pytest.raises(StartFailed, match=r"(?s)api ended before it was ready.*no such port"):
        await child.wait_until(_never, patience=60)


async def test_a_child_that_never_gets_ready_fails_the_start(supervisor: Supervisor) -> None:
    child = supervisor.start(script("api", WORKER), Stage.APPLICATION)

    with pytest.raises(StartFailed, match=r"api was not ready after 0\.1 s"):
        await child.wait_until(_never, patience=0.1)


async def test_what_a_silent_child_wrote_to_its_log_is_quoted(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    log = tmp_path / "redis.log"
    log.write_text("cannot open the append-only file\n")
    program = Program(name="redis", argv=("/bin/false",), log=log)
    child = supervisor.start(program, Stage.SERVERS)

    with pytest.raises(StartFailed, match="cannot open the append-only file"):
        await child.wait_until(_never, patience=60)


async def _never() -> bool:
    return False
