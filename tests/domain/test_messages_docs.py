"""Does docs/messages.md say what is so? Its tables are those of the code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from domain.circumstances import SOON, Urgency
from domain.messages import Channel
from domain.telling import REMINDERS, TABLE
from tests.doc_tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain.telling import Rule

PAGE: Final = Path(__file__).parents[2] / "docs" / "messages.md"
_ORDER: Final = (Channel.EMAIL, Channel.PUSH, Channel.SMS)


def said(heading: str) -> list[list[str]]:
    """The cells of the table whose first column is headed so, but for the conditions."""
    return [[*row[:3], *row[4:]] for row in rows(PAGE, heading)]


def told(rules: Mapping[Any, Iterable[Rule]]) -> list[list[str]]:
    """The same, of the code."""
    return [
        [
            str(what),
            rule.to,
            rule.message,
            rule.category,
            ", ".join(channel for channel in _ORDER if channel in rule.channels),
            rule.urgent,
            "yes" if rule.listed else "no",
            "yes" if rule.transactional else "no",
        ]
        for what, theirs in rules.items()
        for rule in theirs
    ]


def test_who_is_told_what_is_what_the_code_tells() -> None:
    assert said("what") == told(TABLE)


def test_who_is_reminded_of_what_is_what_the_code_says() -> None:
    assert said("reminder") == told(REMINDERS)


def test_each_way_of_being_urgent_is_explained() -> None:
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith("| urgent |")]

    assert {urgency for urgency in Urgency if f"`{urgency}`" in line} == set(Urgency)
    assert f"within {SOON.total_seconds() / 3600:.0f} hours" in line
