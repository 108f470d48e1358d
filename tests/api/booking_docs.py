"""How are the examples of docs/booking.md, and of pages like it, read and filled in?

The page says it to its readers: the first line of a document says who sends it; the first JSON
after it is what to send along, the next what comes back. `"$name"` stands for a value that an
answer has given, `"<in 3 days, 10:00>"` for a time to choose.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

PAGE: Final = Path(__file__).parents[2] / "docs" / "booking.md"
#: Whose wall clock the examples are on.
ZONE: Final = ZoneInfo("Europe/London")
#: In a list: there may be more.
_MORE: Final = "…"

_BLOCK: Final = re.compile(r"^```(graphql|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHOSEN: Final = re.compile(
    r"<in (?P<count>\d+) (?P<unit>hours|days)(, (?P<time>\d\d:\d\d))?(?P<wall>, wall)?>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document, who sends it, and what is sent along and comes back, as far as it is shown."""

    who: str
    document: str
    variables: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] | None = None

    @property
    def kind(self) -> str:
        """query, mutation or subscription."""
        return self.document.split("\n", 1)[1].split(None, 1)[0]

    @property
    def name(self) -> str:
        """What the operation is called."""
        return re.split(r"\W", self.document.split("\n", 1)[1].split(None, 1)[1])[0]


class Differs(AssertionError):
    """An answer is not the one that the page shows."""


@dataclass(slots=True, kw_only=True)
class Names:
    """What the names on the page stand for, and when its times are."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    known: dict[str, Any] = field(default_factory=dict)

    def fill(self, shown: Any) -> Any:
        """What is meant by JSON of the page. Raises KeyError for a name that stands for nothing."""
        if isinstance(shown, dict):
            return {key: self.fill(value) for key, value in shown.items()}
        if isinstance(shown, list):
            return [self.fill(value) for value in shown]
        if isinstance(shown, str) and shown.startswith("$"):
            return self.known[shown]
        return self._chosen(shown)

    def match(self, shown: Any, found: Any) -> None:
        """Check that JSON is as the page shows it, and learn what new names stand for.

        Raises Differs, and then has learned nothing.
        """
        before = dict(self.known)
        try:
            self._match(shown, found, "data")
        except Differs:
            self.known = before
            raise

    def _match(self, shown: Any, found: Any, where: str) -> None:
        if isinstance(shown, dict) and isinstance(found, dict) and shown.keys() == found.keys():
            for key, value in shown.items():
                self._match(value, found[key], f"{where}.{key}")
        elif isinstance(shown, list) and isinstance(found, list):
            self._match_all(shown, found, where)
        elif isinstance(shown, str) and shown.startswith("$") and shown not in self.known:
            self.known[shown] = found
        else:
            wanted = self.known.get(shown, shown) if isinstance(shown, str) else shown
            if (wanted := self._chosen(wanted)) != found:
                raise Differs(f"{where}: the page shows {wanted!r}, the answer is {found!r}")

    def _match_all(self, shown: list[Any], found: list[Any], where: str) -> None:
        some = shown[:-1] if shown[-1:] == [_MORE] else shown
        if len(found) < len(some) or (some is shown and len(found) > len(some)):
            raise Differs(f"{where}: the page shows {len(some)}, the answer has {found!r}")
        for place, value in enumerate(some):
            self._match(value, found[place], f"{where}[{place}]")

    def _chosen(self, shown: Any) -> Any:
        """The time that is meant, in the form that its place wants."""
        chosen = _CHOSEN.fullmatch(shown) if isinstance(shown, str) else None
        if chosen is None:
            return shown
        count = int(chosen["count"])
        if chosen["unit"] == "hours":
            start = self.began + timedelta(hours=count)
            return _instant(start.replace(minute=0, second=0, microsecond=0))
        day = (self.began.astimezone(ZONE) + timedelta(days=count)).date()
        if chosen["time"] is None:
            return day.isoformat()
        there = datetime.combine(day, time.fromisoformat(chosen["time"]))
        return there.isoformat() if chosen["wall"] else _instant(there.replace(tzinfo=ZONE))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read(page: Path = PAGE) -> tuple[dict[str, Any], list[Example]]:
    """What a page's own names stand for, and its examples in order."""
    given: dict[str, Any] = {}
    examples: list[Example] = []
    for kind, text in _BLOCK.findall(page.read_text()):
        if kind == "graphql":
            who = text.removeprefix("# ").split(",")[0]
            examples.append(Example(who=who, document=text))
            continue
        value = json.loads(text)
        if "data" in value:
            assert examples[-1].answer is None, f"{examples[-1].name} has two answers"
            examples[-1] = replace(examples[-1], answer=value["data"])
        elif all(key.startswith("$") for key in value):
            given |= value
        else:
            assert not examples[-1].variables, f"{examples[-1].name} has two sets of variables"
            examples[-1] = replace(examples[-1], variables=value)
    return given, examples
