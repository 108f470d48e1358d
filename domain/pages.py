"""Which part of a list is wanted, and what came back? Paging by key, never by offset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

#: The values of a list's ordering columns in one row, as text: where to go on.
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """At most `limit` rows strictly after and before the given keys.

    `backwards` takes them from the end of that range instead of from its start.
    """

    limit: int
    after: Key | None = None
    before: Key | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """The rows in list order, the key of each, and whether there are more on either side."""

    items: tuple[T, ...]
    keys: tuple[Key, ...]
    has_next: bool
    has_previous: bool
