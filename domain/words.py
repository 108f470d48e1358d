"""How are short texts in a list kept? Without needless spaces, each once, in the order given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from domain.refusals import FieldError, wrong_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

#: A list has at most so many, and one of them at most so many characters.
MAX_WORDS: Final = 30
MAX_WORD: Final = 50

#: A short name for programs.
SLUG: Final = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
MIN_SLUG: Final = 2
WRONG_SLUG: Final = (
    f"Write {MIN_SLUG} to {MAX_WORD} small letters, digits and single hyphens, such as"
)


def tidy(text: str) -> str:
    """A text of one line without needless spaces."""
    return " ".join(text.split())


def distinct(words: Iterable[str]) -> tuple[str, ...]:
    """The words, each once whatever its case; the first spelling counts."""
    found: dict[str, str] = {}
    for word in map(tidy, words):
        found.setdefault(word.casefold(), word)
    return tuple(found.values())


def slug(text: str) -> str:
    """A text as a name for programs: "Gas Safe" is gas-safe. Whether it is one, `is_slug` says."""
    return re.sub(r"[\s_-]+", "-", text.strip().lower())


def is_slug(text: str) -> bool:
    """Is this a name for programs?"""
    return MIN_SLUG <= len(text) <= MAX_WORD and SLUG.fullmatch(text) is not None


def wrong_words(name: str, words: Collection[str]) -> Iterator[FieldError]:
    """What keeps a list from being taken: how many words there are, or each that is not one."""
    if len(distinct(words)) > MAX_WORDS:
        yield FieldError(path=(name,), message=f"Give at most {MAX_WORDS}.")
        return
    for number, word in enumerate(words):
        yield from wrong_text((name, str(number)), tidy(word), 1, MAX_WORD)


def wrong_slugs(name: str, slugs: Collection[str], example: str) -> Iterator[FieldError]:
    """The same of a list of names for programs."""
    if len(set(slugs)) > MAX_WORDS:
        yield FieldError(path=(name,), message=f"Give at most {MAX_WORDS}.")
        return
    for number, one in enumerate(slugs):
        if not is_slug(one):
            yield FieldError(path=(name, str(number)), message=f'{WRONG_SLUG} "{example}".')
