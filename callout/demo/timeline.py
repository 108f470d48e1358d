"""What happened when, and how fast? A timeline for people, scene by scene.

Lines are kept until a scene is over and printed in the order of their times: printing takes longer
than what is being measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ROLES: Final = {"customer": "cyan", "provider": "green", "dispatcher": "magenta"}
_NAME_WIDTH: Final = 20
#: What is said begins after the time and the name.
_INDENT: Final = 12 + _NAME_WIDTH

_HEADING: Final = (
    "\nMilliseconds: acts until they were answered, live items from the answer to the act that "
    "caused them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that happened at `at`; `took` says in words how long it took."""

    at: float
    who: str
    role: str
    what: str
    took: str


class Timeline:
    """The terminal, or the file that output goes to."""

    def __init__(self) -> None:
        """The time is counted from now."""
        self._began = perf_counter()
        self._console = Console(highlight=False, soft_wrap=True)
        self._lines: list[Line] = []

    def scene(self, title: str) -> None:
        """Print what has been added, and a heading for what will be."""
        self.flush()
        self._console.print(Text(f"\n{title}", style="bold"))

    def add(self, line: Line) -> None:
        """Keep a line for the end of the scene."""
        self._lines.append(line)

    def flush(self) -> None:
        """Print the lines added so far."""
        for line in sorted(self._lines, key=lambda line: line.at):
            name = Text(f"{line.who:<{_NAME_WIDTH}}", style=_ROLES.get(line.role, ""))
            when = Text(f"{line.at - self._began:8.3f} s  ", style="dim")
            took = Text(f"  {line.took}", style="yellow") if line.took else Text()
            self._console.print(when + name + Text(line.what) + took)
        self._lines.clear()

    def report(self, rows: Iterable[str]) -> None:
        """Print what was added so far, and these lines beneath it."""
        self.flush()
        for row in rows:
            self._console.print(Text(" " * _INDENT + row))

    def summary(self, measured: Mapping[str, Sequence[float]]) -> None:
        """Print a table of what was measured, in milliseconds."""
        self.flush()
        table = Table(title=_HEADING, title_justify="left", box=None)
        table.add_column("")
        for heading in ("times", "least", "median", "most"):
            table.add_column(heading, justify="right")
        for name, times in measured.items():
            figures = (f"{one:.1f}" for one in (min(times), median(times), max(times)))
            table.add_row(name, str(len(times)), *figures)
        self._console.print(table)

    def verdict(self, text: str, *, good: bool) -> None:
        """Print how it went."""
        self.flush()
        self._console.print(Text(f"\n{text}", style="bold green" if good else "bold red"))
