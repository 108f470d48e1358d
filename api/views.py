"""How does a GraphQL type show a domain value? Directly: the value itself is the resolved object.

A type declared with `@view_of(Value)` is a plain view: resolvers return the value, and each leaf
field is an attribute or property of it, read by name at no cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
V = TypeVar("V")


def view_of(
    value: type[V], *, where: Callable[[V], bool] = lambda _: True
) -> Callable[[type[T]], type[T]]:
    """Tell the schema that objects of class `value` are shown as this type in unions and nodes.

    `where` picks among types that show the same class.
    """

    def declare(view: type[T]) -> type[T]:
        def is_type_of(obj: Any, _info: Any) -> bool:
            return isinstance(obj, view) or (isinstance(obj, value) and where(obj))

        view.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined]  # read by strawberry
        return view

    return declare
