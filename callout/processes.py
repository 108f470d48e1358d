"""Is a process that an earlier run left behind still there, and is it really ours to end?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGINT, SIGKILL
from typing import Final

_PATIENCE: Final = 5.0


def command_line(pid: int) -> str | None:
    """What the process was started with; None when there is no such process."""
    if sys.platform == "linux":
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        return b" ".join(words).decode(errors="replace").strip() or None
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return shown.stdout.strip() or None


def stop_leftover(pid: int, *, of: Path) -> None:
    """End the server an earlier run left on the folder `of`.

    A pid file outlives its process, and the system gives the number to somebody else: only a
    process whose command line names the folder is ours.
    """
    if str(of) not in (command_line(pid) or ""):
        return
    for signal in (SIGINT, SIGKILL):
        try:
            os.kill(pid, signal)
        except ProcessLookupError:
            return
        if _is_gone(pid):
            return


def _is_gone(pid: int) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if command_line(pid) is None:
            return True
        time.sleep(0.02)
    return False
