"""Into what are somebody's words put, and what do they have to look like there?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from markupsafe import Markup, escape

from gateways.letters.texts import cut, in_lines, in_one_line, isolated, runs_from_the_right

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A name longer than this is cut even where there is room: it is not one that is read to its end.
_LONG: Final = 80


class Medium(Protocol):
    """A kind of text that words of others are put into."""

    def name(self, text: str) -> str:
        """A name that somebody gave themselves, or to something."""

    def lines(self, lines: Sequence[str]) -> str:
        """Lines that belong together, such as an address's."""

    def speech(self, text: str) -> str:
        """What somebody wrote, perhaps at length."""

    def figures(self, text: str) -> str:
        """A date, a time or a sum that we have written ourselves."""


class Html:
    """The e-mail that is looked at."""

    def name(self, text: str) -> str:
        """Isolated from the direction of what is around it."""
        return _isolated_markup(cut(in_one_line(text), _LONG))

    def lines(self, lines: Sequence[str]) -> str:
        """One below the other."""
        return Markup("<br>").join(_isolated_markup(line) for line in lines)

    def speech(self, text: str) -> str:
        """With its own lines; the template puts it into a paragraph of its own direction."""
        return in_lines(text)

    def figures(self, text: str) -> str:
        """Isolated where it runs from right to left."""
        return _isolated_markup(text) if runs_from_the_right(text) else escape(text)


class Plain:
    """The e-mail that is read as text."""

    def name(self, text: str) -> str:
        """In one line."""
        return isolated(cut(in_one_line(text), _LONG))

    def lines(self, lines: Sequence[str]) -> str:
        """One behind the other."""
        return ", ".join(isolated(line) for line in lines)

    def speech(self, text: str) -> str:
        """With its own lines."""
        return "\n".join(isolated(line) for line in in_lines(text).split("\n"))

    def figures(self, text: str) -> str:
        """As they are."""
        return isolated(text)


@dataclass(frozen=True, slots=True)
class Short:
    """A subject, a push or a text message: one line with little room."""

    limit: int

    def name(self, text: str) -> str:
        """As much as there is room for."""
        return isolated(cut(in_one_line(text), self.limit))

    def lines(self, lines: Sequence[str]) -> str:
        """The first one: where to go."""
        return self.name(lines[0])

    def speech(self, text: str) -> str:
        """The beginning of it."""
        return isolated(cut(in_one_line(text), 2 * self.limit))

    def figures(self, text: str) -> str:
        """As they are."""
        return isolated(text)


def _isolated_markup(text: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(text)
