"""How many objects can a field yield, and who may ask for it? Read from the schema once."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from graphql import (
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
)

from api.access import Caller, Composite, permitted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLField, GraphQLNamedType, GraphQLSchema

#: Items of a page, and of any other list, where nothing says how many.
PAGE: Final = 25
LIST: Final = 5

#: The arguments that say how many items a field yields.
SIZES: Final = ("first", "last", "ids")
#: What a page holds at most, whatever is asked for.
MAX_PAGE: Final = 100
#: Types that hold a list beside other facts and are sized as pages are: which list, and at most how
#: many items.
LISTINGS: Final = {"AvailableProviders": ("providers", 100), "AvailableSlots": ("slots", 500)}


class Shape(Enum):
    """How many objects a field yields."""

    LEAF = 0
    ONE = 1
    PAGE = 2
    #: `edges` and `nodes`: as many as the page around them.
    ITEMS = 3
    LIST = 4


class Facts(NamedTuple):
    """What the walk needs to know of a field."""

    callers: frozenset[Caller]
    shape: Shape
    #: Name of the type it yields.
    type: str
    #: How many items, when no argument says, and at most.
    size: int
    most: int


@lru_cache(maxsize=8)
def facts_of_all(schema: GraphQLSchema) -> Mapping[str, Mapping[str, Facts]]:
    """What a schema, which never changes, says of the fields of each of its types."""
    return {
        name: {field: facts_of(schema, type_, field) for field in type_.fields}
        for name, type_ in schema.type_map.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        # A fragment on __Type is only ever reached through `__schema`, which is guarded.
        and not is_introspection_type(type_)
    }


def facts_of(schema: GraphQLSchema, parent: Composite, name: str) -> Facts:
    """What the schema says of a field."""
    field = parent.fields[name]
    type_ = get_named_type(field.type)
    shape = _shape(parent, name, field, type_)
    given = [field.args[name].default_value for name in SIZES if name in field.args]
    usual = next((size for size in given if isinstance(size, int)), PAGE if given else LIST)
    size = PAGE if shape is Shape.PAGE and not given else usual
    _, most = LISTINGS.get(type_.name, ("", MAX_PAGE))
    return Facts(permitted(schema, parent, name), shape, type_.name, size, most)


def _shape(
    parent: GraphQLNamedType, name: str, field: GraphQLField, type_: GraphQLNamedType
) -> Shape:
    if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
        return Shape.LEAF
    if parent.name.endswith("Connection") and name in {"edges", "nodes"}:
        return Shape.ITEMS
    if parent.name in LISTINGS and name == LISTINGS[parent.name][0]:
        return Shape.ITEMS
    if type_.name.endswith("Connection") or type_.name in LISTINGS:
        return Shape.PAGE
    if isinstance(get_nullable_type(field.type), GraphQLList):
        return Shape.LIST
    return Shape.ONE
