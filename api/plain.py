"""How is a field read when there is nothing to it but an attribute of the value?

Most fields asked for are leaves of plain views. For each one the executor would make a path and a
resolve info, call through several layers, and ask time and again whether something is awaitable.
Here a leaf is read straight from the value, or worked out from nothing else. Whatever is out of the
ordinary (an error, a null where none may be, a value of another kind) is left to the executor, so
that every answer and every error is the same.
"""

from __future__ import annotations

from asyncio import Task
from functools import cache
from inspect import CORO_CREATED, getcoroutinestate, isawaitable, iscoroutine
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
)
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType
    from graphql.execution.collect_fields import GroupedFieldSet

    #: Makes what the answer holds of what a value holds.
    Complete: TypeAlias = Callable[[Any], Any]
    #: Makes what the answer holds of the value that has the field.
    Read: TypeAlias = Callable[[Any], Any]

_DEFINITION: Final = GraphQLCoreConverter.DEFINITION_BACKREF


class OutOfTheOrdinary(Exception):
    """The executor has to look at this one."""


class Begun(Task[Any]):
    """A task that is cancelled only after its first step.

    Fields are awaited together, and when one fails, or the caller is gone, the others are
    cancelled. A coroutine that has not begun then drops, unawaited, whatever it would have awaited,
    and Python warns about each of them.
    """

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel, at once or after the first step, for which every new task stands in line."""
        coroutine = self.get_coro()
        if iscoroutine(coroutine) and getcoroutinestate(coroutine) == CORO_CREATED:
            self.get_loop().call_soon(super().cancel, msg)
            return True
        return super().cancel(msg)


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
        if len(others) > 1:
            rest = super().execute_fields(parent_type, source_value, path, others, position_context)
            return _with(results, rest) if isawaitable(rest) else results | rest
        # What nothing else is awaited with needs no task of its own.
        ((name, details),) = others.items()
        here = Path(path, name, parent_type.name)
        value = super().execute_field(parent_type, source_value, details, here, position_context)
        if isawaitable(value):
            return _with(results, _named(name, value))
        return results | {name: value}

    def execute_field(self, *args: Any) -> Any:
        """One field. What is awaited beside others has its first step before it is cancelled."""
        value = super().execute_field(*args)
        return Begun(value) if iscoroutine(value) else value

    def complete_list_item_value(self, item: Any, complete_results: list[Any], *args: Any) -> bool:
        """One item of a list, put at its end: is it to be awaited?"""
        later = super().complete_list_item_value(item, complete_results, *args)
        if later and iscoroutine(complete_results[-1]):
            complete_results[-1] = Begun(complete_results[-1])
        return later


async def _with(results: dict[str, Any], rest: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return results | await rest


async def _named(name: str, value: Awaitable[Any]) -> dict[str, Any]:
    return {name: await value}


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
