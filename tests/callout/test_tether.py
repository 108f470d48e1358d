"""Does a child die with the process that started it?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from signal import SIGKILL
from typing import TYPE_CHECKING

import psutil
import pytest

from callout.programs import Program, ProgramFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Starts a tethered child that sleeps, says its pid, and sleeps too.
_PARENT = """
import subprocess, sys, time
from callout.programs import Program
sleeper = Program(name="child", argv=(sys.executable, "-c", "import time; time.sleep(60)"))
child = subprocess.Popen(sleeper.command())
print(child.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def parent_and_child() -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process and the tethered child it has started."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        try:
            assert parent.stdout is not None
            yield parent, psutil.Process(int(parent.stdout.readline()))
        finally:
            parent.kill()


def until_gone(process: psutil.Process) -> None:
    """Wait for a process that is not our child to end; the test's timeout is the limit."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of a parent's death on Linux")
def test_a_child_dies_with_a_parent_killed_by_kill_9() -> None:
    with parent_and_child() as (parent, child):
        while "sleep" not in " ".join(child.cmdline()[:3]):
            time.sleep(0.01)  # until the tether has become the program

        parent.send_signal(SIGKILL)

        until_gone(child)


def test_a_child_does_not_begin_when_its_parent_is_gone_already(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = Program(name="touch", argv=("/usr/bin/touch", str(trace))).command()
    somebody_else = str(os.getppid())
    command[command.index(str(os.getpid()))] = somebody_else

    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 1
    assert "parent died" in done.stderr
    assert not trace.exists()


def test_a_program_that_fails_is_quoted() -> None:
    program = Program(name="grumbler", argv=("/bin/sh", "-c", "echo no luck; exit 3"))

    with pytest.raises(ProgramFailed, match=r"(?s)grumbler ended with status 3:.*no luck"):
        program.run()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give root up")
def test_an_unprivileged_program_does_not_run_as_root() -> None:
    program = Program(name="id", argv=("/usr/bin/id", "-un"), unprivileged=True)

    assert program.run().strip() == "nobody"
