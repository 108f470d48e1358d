"""How does a mutation take what it needs? As its one argument, `input`."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

import strawberry

T = TypeVar("T")

#: The type of a mutation's `input`.
Given: TypeAlias = Annotated[T, strawberry.argument(description="What the act needs to know.")]
