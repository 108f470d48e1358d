"""What does a text message hold? 160 characters of GSM's own alphabet, or 70 of all others.

A message of more is carried, and charged, as several of 153 or 67 each (3GPP TS 23.038).
"""

from __future__ import annotations

import unicodedata
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Each of these takes the place of two.
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")

#: Signs that GSM's alphabet lacks (dashes, quotation marks, odd spaces, letters that are not made
#: of a plain one and an accent), and what typewriters had for them.
_TYPEWRITTEN: Final = str.maketrans(
    {
        "\u2026": "...",
        "\u2013": "-",
        "\u2014": "-",
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u00b7": "-",
        "\u00a0": " ",
        "\u2009": " ",
        "\u202f": " ",
        "\u0142": "l",
        "\u0141": "L",
        "\u0111": "d",
        "\u0110": "D",
        "\u0131": "i",
        "ç": "c",
    }
)

#: One segment of GSM's alphabet; two of any other, which is as much as a short text needs.
MOST_BASIC: Final = 160
MOST_OTHER: Final = 2 * 67


def typewritten(text: str) -> str:
    """A text in GSM's alphabet where leaving out accents is all that it takes; otherwise, as where
    a name is in another script, the text as it is."""
    plain = "".join(map(_plain, text.translate(_TYPEWRITTEN)))
    return plain if _is_basic(plain) else text


def fits(text: str) -> bool:
    """Is a text no longer than we let one be?"""
    if _is_basic(text):
        return len(text) + sum(character in _EXTENDED for character in text) <= MOST_BASIC
    return len(text.encode("utf-16-le", "replace")) // 2 <= MOST_OTHER


def _is_basic(text: str) -> bool:
    return all(character in _BASIC or character in _EXTENDED for character in text)


def _plain(character: str) -> str:
    if character in _BASIC or character in _EXTENDED:
        return character
    letters = unicodedata.normalize("NFKD", character)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
