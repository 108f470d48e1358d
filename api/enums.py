"""How does a domain enum appear in the schema? As itself, with a description of each value."""

from __future__ import annotations

from enum import EnumMeta
from typing import TypeVar

import strawberry

E = TypeVar("E", bound=EnumMeta)


def describe(enum: E, description: str, *, name: str | None = None, **values: str) -> E:
    """Put a domain enum into the schema, by another `name` if it has one there; `values` describes
    each member by its name."""
    missing = enum.__members__.keys() ^ values.keys()
    if missing:
        message = f"{enum.__name__}: describe each member once; look at {', '.join(missing)}"
        raise TypeError(message)
    shown = strawberry.enum(enum, name=name, description=description)
    for value in shown.__strawberry_definition__.values:  # type: ignore[attr-defined]  # just set
        value.description = values[value.name]
    return shown
