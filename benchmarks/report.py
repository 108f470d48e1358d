"""How is a benchmark run from the command line, and how are its figures summed up and shown?

Each prints a table for people and then, in the last line, JSON for programs. The servers are
embedded ones, or with CALLOUT_TEST_SERVICES=external the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import uvloop

from callout.collector import collect_seldom
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    Figures: TypeAlias = dict[str, Any]

_PACKAGES: Final = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "sqlalchemy")


def main(
    name: str,
    options: Callable[[argparse.ArgumentParser], None],
    measure: Callable[[servers.Template, argparse.Namespace], Awaitable[Figures]],
    rows: Callable[[Figures], Iterable[tuple[str, str]]],
    description: str | None,
) -> None:
    """Read the sizes, measure on a migrated database, and print."""
    parser = argparse.ArgumentParser(
        prog=f"benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options(parser)
    chosen = parser.parse_args()
    where = facts()
    with (
        servers.running() as started,
        servers.migrated(started) as template,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        figures = runner.run(_measured(measure, template, chosen))
    for label, value in rows(figures):
        sys.stdout.write(f"{label:<56} {value}\n")
    sys.stdout.write(json.dumps({"benchmark": name, **where, **figures}) + "\n")


async def _measured(
    measure: Callable[[servers.Template, argparse.Namespace], Awaitable[Figures]],
    template: servers.Template,
    chosen: argparse.Namespace,
) -> Figures:
    collect_seldom()  # as every process of Callout's does
    return await measure(template, chosen)


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """The median, the 95th and 99th percentiles and the worst."""
    ordered = sorted(1000 * one for one in seconds)
    return {
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
        "max_ms": round(ordered[-1], 2),
    }


def facts() -> dict[str, Any]:
    """Where and on what it is measured."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
    }
