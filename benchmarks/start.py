"""How long is it from `callout dev` to the first answered request, cold and warm?

    python -m benchmarks.start --rounds 3

Cold is an empty data folder: initdb, every migration and the demo data included. Warm is the same
folder again. Seconds from starting the process until a GraphQL query that reads the database is
answered, until every program is up, and from Ctrl-C until no process is left. Prints a table and
then JSON. The servers are always the embedded ones.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from signal import SIGINT
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Final

from callout.embedded import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

_QUERY: Final = json.dumps({"query": "{ services(first: 1) { edges { node { name } } } }"}).encode()
_PATIENCE: Final = 60.0
#: Else the servers they name would be used.
_NOT_OURS: Final = ("DATABASE_URL", "REDIS_URL")
#: Seconds that a start may take.
_TARGETS: Final = {"cold": 8.0, "warm": 4.0}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="cold and warm starts to make")
    rounds = parser.parse_args().rounds
    runs: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="callout-start-") as folder:
            for figures in runs.values():
                figures.append(start_and_stop(Path(folder) / "data"))
    report(runs)
    return 0


def start_and_stop(data: Path) -> dict[str, float]:
    """One start: the seconds of each step."""
    port = free_port()
    command = [sys.executable, "-m", "callout", "dev", "--port", str(port), "--data-dir", str(data)]
    alone = {key: value for key, value in os.environ.items() if key not in _NOT_OURS}
    output = data.with_suffix(".output")
    began = perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=alone, stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait(lambda: _answers(port), process, output)
        answered = perf_counter()
        _wait(lambda: "Ctrl-C stops" in output.read_text(), process, output)
        up = perf_counter()
    finally:
        asked = perf_counter()
        process.send_signal(SIGINT)
        process.wait(timeout=_PATIENCE)
    return {
        "answered": answered - began,
        "up": up - began,
        "stopped": perf_counter() - asked,
    }


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = perf_counter() + _PATIENCE
    while not condition():
        if process.poll() is not None or perf_counter() > deadline:
            raise SystemExit(f"callout dev did not start:\n{output.read_text()}")
        sleep(0.01)


def _answers(port: int) -> bool:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", _QUERY, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            answer: dict[str, Any] = json.load(response)
    except (OSError, urllib.error.HTTPError):
        return False
    return "errors" not in answer


def report(runs: dict[str, list[dict[str, float]]]) -> None:
    """A table of medians for people, and every figure for programs."""
    write = sys.stdout.write
    write(f"{'start':8}{'answered':>10}{'target':>10}{'all up':>10}{'stopped':>10}   (s, median)\n")
    for temperature, figures in runs.items():
        medians = {step: statistics.median(run[step] for run in figures) for step in figures[0]}
        write(
            f"{temperature:8}{medians['answered']:10.2f}{_TARGETS[temperature]:>10.2f}"
            f"{medians['up']:10.2f}{medians['stopped']:10.2f}\n"
        )
    facts = {
        "benchmark": "start",
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "targets_seconds": _TARGETS,
        "seconds": runs,
    }
    write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    sys.exit(main())
