"""Who may use what?

Every field says so in the schema itself, by `@access`, or inherits what its type says. It is read
once, when the schema is built, and enforced by the same pass over the document that measures its
cost (api/limits.py), so a field costs nothing at run time. Rights to a single row are checked where
rows are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)
from strawberry.schema_directive import Location

from domain.people import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a field can be asked about: nobody signed in (None), or someone of a role.
Caller: TypeAlias = Role | None
Composite: TypeAlias = GraphQLObjectType | GraphQLInterfaceType

EVERY_ROLE: Final = frozenset(Role)
EVERYONE: Final[frozenset[Caller]] = frozenset((None, *Role))


def _described(text: str, value: str) -> Any:
    return strawberry.enum_value(value, description=text)


@strawberry.enum(description="Who may use a part of the schema.")
class Audience(Enum):
    """Who may use a part of the schema."""

    PUBLIC = _described("Everyone, signed in or not.", "PUBLIC")
    SIGNED_IN = _described("Everyone with a valid access token.", "SIGNED_IN")
    CUSTOMER = _described("Customers.", "CUSTOMER")
    PROVIDER = _described("Providers.", "PROVIDER")
    DISPATCHER = _described("Dispatchers.", "DISPATCHER")
    ANALYST = _described("Analysts.", "ANALYST")
    ADMIN = _described("Admins.", "ADMIN")
    SERVICE = _described("Integrations.", "SERVICE")


@strawberry.schema_directive(
    locations=[Location.OBJECT, Location.INTERFACE, Location.FIELD_DEFINITION],
    name="access",
    description="Who may use this type or field. A field without its own inherits its type's.",
)
class Access:
    """Who may use this type or field."""

    to: list[Audience] = strawberry.directive_field(name="to")


def allow(*roles: Role) -> Access:
    """Only people of these roles."""
    if not roles:
        message = "Name at least one role."
        raise ValueError(message)
    return Access(to=[Audience[role.name] for role in roles])


PUBLIC: Final = Access(to=[Audience.PUBLIC])
SIGNED_IN: Final = Access(to=[Audience.SIGNED_IN])


def permitted(schema: GraphQLSchema, parent: Composite, name: str) -> frozenset[Caller]:
    """Who may use a field. Nobody, where nothing declares it.

    A field asked for through an interface is open only to those who may use it on every type
    behind the interface, or the interface would be a way round them.
    """
    callers = declared(parent, name) or frozenset()
    if isinstance(parent, GraphQLInterfaceType):
        for behind in schema.get_implementations(parent).objects:
            callers &= declared(behind, name) or frozenset()
    return callers


def declared(parent: Composite, name: str) -> frozenset[Caller] | None:
    """Who may use a field by its own words or its type's; None if neither says."""
    own = _callers(parent.fields[name])
    return own if own is not None else _callers(parent)


def _callers(element: GraphQLField | Composite) -> frozenset[Caller] | None:
    definition = element.extensions.get("strawberry-definition")
    for directive in getattr(definition, "directives", None) or ():
        if isinstance(directive, Access):
            return frozenset().union(*(_AUDIENCES[audience] for audience in directive.to))
    return None


_AUDIENCES: Final[dict[Audience, frozenset[Caller]]] = {
    Audience.PUBLIC: EVERYONE,
    Audience.SIGNED_IN: EVERY_ROLE,
    **{Audience[role.name]: frozenset({role}) for role in Role},
}


def gaps(schema: GraphQLSchema) -> list[str]:
    """Everything in the schema that lacks a description or a permission, in words."""
    return sorted(
        [
            *(gap for type_ in _own_types(schema) for gap in _undescribed(type_)),
            *(gap for type_ in _own_types(schema) for gap in _undeclared(type_)),
            *(gap for type_ in _own_types(schema) for gap in _stricter(schema, type_)),
            *(
                f"@{directive.name} has no description"
                for directive in schema.directives
                if not is_specified_directive(directive) and not directive.description
            ),
        ]
    )


def _own_types(schema: GraphQLSchema) -> Iterable[GraphQLNamedType]:
    return (
        type_
        for type_ in schema.type_map.values()
        if not is_introspection_type(type_) and not is_specified_scalar_type(type_)
    )


def _undescribed(type_: GraphQLNamedType) -> Iterator[str]:
    if not type_.description:
        yield f"{type_.name} has no description"
    if isinstance(type_, GraphQLEnumType):
        parts: Iterable[tuple[str, Any]] = type_.values.items()
    elif isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        parts = type_.fields.items()
    else:
        parts = ()
    for name, part in parts:
        if not part.description:
            yield f"{type_.name}.{name} has no description"
        for argument, definition in getattr(part, "args", {}).items():
            if not definition.description:
                yield f"{type_.name}.{name}({argument}:) has no description"


def _undeclared(type_: GraphQLNamedType) -> Iterator[str]:
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name in type_.fields:
            if declared(type_, name) is None:
                yield f"{type_.name}.{name} has no permission"


def _stricter(schema: GraphQLSchema, type_: GraphQLNamedType) -> Iterator[str]:
    if isinstance(type_, GraphQLInterfaceType):
        for name in type_.fields:
            if permitted(schema, type_, name) != (declared(type_, name) or frozenset()):
                yield f"{type_.name}.{name} is open to more than a type behind it allows"
