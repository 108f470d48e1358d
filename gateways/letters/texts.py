"""How is a text that somebody else wrote kept from spoiling ours?

Its control characters go, its length is bounded, and where it runs from right to left it is
isolated, so that the words around it keep their order.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: What nobody types: controls, marks that turn the direction of the text around them, halves of
#: characters. The joiners stay: Persian and many emoji are written with them.
_STRAY: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff]"
)
_LINE_ENDS: Final = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})
#: FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE.
_ISOLATE: Final = "\u2068"
_POP: Final = "\u2069"
#: What holds on to the character before it, or to the one after it.
_JOINER: Final = "\u200d"
_SKIN: Final = range(0x1F3FB, 0x1F400)


def in_one_line(text: str) -> str:
    """A text without line breaks, needless spaces and stray characters: fit for a header."""
    return " ".join(_STRAY.sub("", _LINE_ENDS.sub(" ", text)).split())


def in_lines(text: str) -> str:
    """A text of several lines, without stray characters and without empty lines at its ends."""
    lines = _STRAY.sub("", _LINE_ENDS.sub("\n", text)).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip("\n")


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` characters, cut between words where that loses little, and never
    within what is seen as one character."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and _holds_on(text, end):
        end -= 1
    space = text.rfind(" ", limit // 2, end + 1)
    return text[: space if space > 0 else end].rstrip(" ,.;:-") + "…"


def runs_from_the_right(text: str) -> bool:
    """Is any of it written from right to left?"""
    return any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)


def isolated(text: str) -> str:
    """A text that leaves the direction of those around it alone. Most need nothing for that."""
    return f"{_ISOLATE}{text}{_POP}" if runs_from_the_right(text) else text


def _holds_on(text: str, at: int) -> bool:
    """Does the character here belong to the one before it?"""
    here = text[at]
    return (
        text[at - 1] == _JOINER
        or here == _JOINER
        or unicodedata.category(here).startswith("M")
        or ord(here) in _SKIN
    )
