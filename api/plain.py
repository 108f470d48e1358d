"""How is a field read when there is nothing to it but an attribute of the value?

Most fields asked for are leaves of plain views. For each one the executor would make a path and a
resolve info, call through several layers, and ask time and again whether something is awaitable.
Here a leaf is read straight from the value, or worked out from nothing else. Whatever is out of the
ordinary (an error, a null where none may be, a value of another kind) is left to the executor, so
that every answer and every error is the same.
"""

from __future__ import annotations

from functools import cache
from inspect import isawaitable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType
    from graphql.execution.collect_fields import GroupedFieldSet
    from graphql.pyutils import Path

    #: Makes what the answer holds of what a value holds.
    Complete: TypeAlias = Callable[[Any], Any]
    #: Makes what the answer holds of the value that has the field.
    Read: TypeAlias = Callable[[Any], Any]

_DEFINITION: Final = GraphQLCoreConverter.DEFINITION_BACKREF


class OutOfTheOrdinary(Exception):
    """The executor has to look at this one."""


class PlainFirst(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which is asked only for what is not plain."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> Any:
        """The fields of one object, in the order they were asked for."""
        plain = readers(parent_type)
        results: dict[str, Any] = {}
        others: GroupedFieldSet = {}
        for name, details in grouped_field_set.items():
            read = plain.get(details[0].node.name.value)
            try:
                results[name] = read(source_value) if read else None
            except Exception:  # noqa: BLE001  # it is raised again, and told, by the executor
                read = None
            if read is None:
                # Its place is kept: an answer is in the order of the question.
                results[name] = None
                others[name] = details
        if not others:
            return results
        rest = super().execute_fields(parent_type, source_value, path, others, position_context)
        return _later(results, rest) if isawaitable(rest) else results | rest


async def _later(results: dict[str, Any], rest: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return results | await rest


@cache
def readers(type_: GraphQLObjectType) -> Mapping[str, Read]:
    """How each plain field of a type is read, by its name in the schema."""
    found = {name: _reader(field) for name, field in type_.fields.items()}
    return {name: read for name, read in found.items() if read}


def _reader(field: GraphQLField) -> Read | None:
    definition = field.extensions.get(_DEFINITION)
    if not isinstance(definition, StrawberryField) or definition.extensions or field.args:
        return None
    get, complete = _getter(definition), _completed(field.type)
    if get is None or complete is None:
        return None
    return lambda source: complete(get(source))


def _getter(definition: StrawberryField) -> Callable[[Any], Any] | None:
    """What gives the value of the field: an attribute, or a function of the source alone."""
    resolver = definition.base_resolver
    if resolver is None:
        return attrgetter(definition.python_name)
    if resolver.is_async or list(resolver.signature.parameters) != ["self"]:
        return None
    return cast("Callable[[Any], Any]", resolver.wrapped_func)


def _completed(type_: GraphQLOutputType) -> Complete | None:
    """How a value of this type is completed; None unless it is a leaf, or a list of leaves."""
    if not isinstance(type_, GraphQLNonNull):
        complete = _present(type_)
        return complete and (lambda value: None if value is None else complete(value))
    return _present(cast("GraphQLOutputType", type_.of_type))


def _present(type_: GraphQLOutputType) -> Complete | None:
    if isinstance(type_, GraphQLEnumType):
        names = {value.value: name for name, value in type_.values.items()}
        return lambda member: names[member.value]
    if isinstance(type_, GraphQLScalarType):
        return _scalar(type_)
    if isinstance(type_, GraphQLList):
        complete = _completed(type_.of_type)
        return complete and (lambda items: [complete(item) for item in _listed(items)])
    return None


def _scalar(type_: GraphQLScalarType) -> Complete:
    coerce = type_.coerce_output_value

    def complete(value: Any) -> Any:
        coerced = coerce(value) if value is not None else None
        if coerced is None:
            raise OutOfTheOrdinary
        return coerced

    return complete


def _listed(items: Any) -> list[Any] | tuple[Any, ...]:
    if isinstance(items, list | tuple):
        return items
    raise OutOfTheOrdinary
