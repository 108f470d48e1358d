"""How fast is Callout here? Every benchmark, one after another, as one table and one JSON file.

    python -m benchmarks                          all of them, at their full sizes
    python -m benchmarks --quick                  all of them, small: does everything run?
    python -m benchmarks listing --clients 16     one of them; the rest goes to it, as do its sizes

The JSON is one object for each benchmark, in benchmarks/results/ or the file that --json names.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

#: Every benchmark, and the sizes at which it is quick.
BENCHMARKS: Final[dict[str, tuple[str, ...]]] = {
    "start": ("--rounds", "1"),
    "offers": ("--providers", "1", "10", "--bookings", "5"),
    "sockets": ("--subscribers", "50", "--events", "3"),
    "fanout": ("--subscribers", "50", "--events", "5"),
    "listing": ("--seconds", "1.5"),
    "accepts": ("--bookings", "20"),
    "rush": ("--providers", "20"),
    "matches": ("--providers", "500", "--rounds", "5"),
    "matching": ("--rounds", "20"),
    "batch": ("--bookings", "20", "--providers", "60", "--rounds", "1"),
    "slots": ("--providers", "50", "--rounds", "3"),
    "mail": ("--mails", "50", "--thinks", "0"),
    "webhooks": ("--payments", "50"),
    "payroll": ("--providers", "50", "--lines", "1000", "--rounds", "1"),
}
_RESULTS: Final = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run one with its own options, or all of them."""
    if arguments and arguments[0] in BENCHMARKS:
        return subprocess.call([sys.executable, "-m", f"benchmarks.{arguments[0]}", *arguments[1:]])
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--json", type=Path, help="where the figures go")
    chosen = parser.parse_args(arguments)
    figures = {name: _run(name, quick=chosen.quick) for name in BENCHMARKS}
    path = chosen.json or _RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")
    sys.stdout.write(f"\nFigures: {path}\n")
    return 1 if None in figures.values() else 0


def _run(name: str, *, quick: bool) -> Any:
    """The figures of one benchmark; None when it failed. Its table goes to the terminal."""
    sizes = BENCHMARKS[name] if quick else ()
    sys.stdout.write(f"\n{name}\n")
    sys.stdout.flush()
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *sizes],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    table, _, figures = done.stdout.partition("{")
    sys.stdout.write(table)
    if done.returncode != 0:
        sys.stdout.write(f"failed with status {done.returncode}\n")
        return None
    measured = json.loads("{" + figures)
    if not table:
        # This one prints nothing but its figures.
        sys.stdout.write("".join(f"{key:<56} {value}\n" for key, value in measured.items()))
    return measured


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
