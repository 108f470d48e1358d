"""What comes back to somebody who asks for everything?

The documents are made from the schema itself: every field that the asker's role may use, of every
type that leads on from a query or a subscription, to some depth. A field that is added is asked for
from then on without anybody having to think of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final, TypeAlias

from graphql import (
    DefinitionNode,
    DocumentNode,
    ExecutionResult,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
)
from graphql.execution import execute_subscription_event, map_source_to_response_event
from graphql.execution.execute import create_source_event_stream

from api import masking
from api.access import Caller, permitted
from api.context import Context, Services
from api.execution import wrapped
from api.plain import PlainFirst
from api.schema import core, whole
from domain.people import Viewer
from domain.refusals import Refusal

SCHEMA: Final = core(whole())
#: So many objects within one another are looked into.
DEPTH: Final = 3
#: What may be wrong with a question that is asked of everybody, whoever they are.
REFUSALS: Final = frozenset({"NOT_FOUND", "FORBIDDEN", "BAD_USER_INPUT", "REFUSED"})
#: What only streams tell.
STREAMED: Final = frozenset(
    {
        "Subscription",
        *("OfferUpdate", "BookingUpdate", "QueueUpdate", "PresenceUpdate", "WaitlistUpdate"),
        "NotificationUpdate",
    }
)
#: An object, an interface or a union.
Composite: TypeAlias = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
#: Argument lists as they are written, such as "(id: 1)", by the name of a root field.
Arguments: TypeAlias = Mapping[str, Sequence[str]]

_QUERIES, _STREAMS = SCHEMA.query_type, SCHEMA.subscription_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back of one operation."""

    name: str
    data: Any
    errors: tuple[dict[str, Any], ...] = ()


@dataclass(kw_only=True)
class Seen:
    """All that somebody was told."""

    #: Every text and number, and every message of an error.
    leaves: set[str] = field(default_factory=set)
    #: Every field, as "Type.field", that was told with something in it.
    fields: set[str] = field(default_factory=set)

    def take(self, answer: Answer) -> None:
        """Note what an answer tells."""
        self.leaves.update(str(error["message"]) for error in answer.errors)
        self._take(answer.data)

    def tells(self, text: str) -> bool:
        """Is it in anything that was told?"""
        return text in self._all

    @cached_property
    def _all(self) -> str:
        return "\n".join(sorted(self.leaves))

    def _take(self, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if inner is not None and inner != []:
                    self.fields.add(name.replace("__", ".", 1))
                self._take(inner)
        elif isinstance(value, list):
            for inner in value:
                self._take(inner)
        elif value is not None:
            self.leaves.add(str(value))


class Walk:
    """Everything that one kind of caller may ask for, as one document with many operations."""

    def __init__(
        self, caller: Caller, arguments: Arguments, only: Collection[str] | None = None
    ) -> None:
        """`arguments` has every way in which a root field is to be asked; `only` names those root
        fields that are, when it is not all."""
        self.caller = caller
        self._only = only
        #: Every field that is asked for, as "Type.field".
        self.fields: set[str] = set()
        #: The names of the queries, and those of the subscriptions by their field.
        self.queries: list[str] = []
        self.streams: dict[str, list[str]] = {}
        self._fragments: dict[tuple[str, int], str | None] = {}
        operations = [
            *self._operations("query", _QUERIES, arguments),
            *self._operations("subscription", _STREAMS, arguments),
        ]
        fragments = "\n".join(text for text in self._fragments.values() if text)
        # Where there is nothing that may be asked there is nothing to read.
        definitions = (*_read("\n".join(operations) or "{ __typename }"), *_read(fragments))
        self.document = DocumentNode(definitions=definitions)

    def _operations(
        self, kind: str, root: GraphQLObjectType | None, arguments: Arguments
    ) -> Iterator[str]:
        assert root is not None
        for name in root.fields:
            if self._only is not None and name not in self._only:
                continue
            for number, way in enumerate(arguments.get(name, [""])):
                asked = self._field(root, name, DEPTH, way)
                if asked is None:
                    continue
                operation = f"{name}_{number}"
                if kind == "query":
                    self.queries.append(operation)
                else:
                    self.streams.setdefault(name, []).append(operation)
                yield f"{kind} {operation} {{ {asked} }}"

    def _field(
        self, parent: GraphQLObjectType, name: str, depth: int, arguments: str = ""
    ) -> str | None:
        """A field as it is asked for; None for one that may not be, or leads too deep."""
        if self.caller not in permitted(SCHEMA, parent, name):
            return None
        definition = parent.fields[name]
        if not arguments:
            needed = [key for key, one in definition.args.items() if is_required_argument(one)]
            assert not needed, f"Say what {parent.name}.{name} is to be asked with: {needed}"
        type_ = get_named_type(definition.type)
        inner = "" if is_leaf_type(type_) else self._selection(type_, depth)
        if inner is None:
            return None
        self.fields.add(f"{parent.name}.{name}")
        # Types that have a field of one name each have a place of their own in the answer.
        return f"{parent.name}__{name}: {name}{arguments} {inner}"

    def _selection(self, type_: GraphQLNamedType, depth: int) -> str | None:
        spreads = [name for one in _behind(type_) if (name := self._fragment(one, depth))]
        return f"{{ {' '.join(f'...{name}' for name in spreads)} }}" if spreads else None

    def _fragment(self, type_: GraphQLObjectType, depth: int) -> str | None:
        """The name of the fragment that asks for all of a type; None where nothing may be."""
        name = f"{type_.name}_{depth}"
        if (type_.name, depth) not in self._fragments:
            fields = [self._field(type_, one, left) for one, left in _within(type_, depth)]
            found = " ".join(one for one in fields if one)
            text = f"fragment {name} on {type_.name} {{ {found} }}" if found else None
            self._fragments[type_.name, depth] = text
        return name if self._fragments[type_.name, depth] else None


@cache
def _read(text: str) -> Sequence[DefinitionNode]:
    """Those of one role ask for the same, and reading it is most of the work."""
    return tuple(parse(text, no_location=True).definitions) if text else ()


def _behind(type_: GraphQLNamedType) -> Sequence[GraphQLObjectType]:
    if isinstance(type_, GraphQLObjectType):
        return [type_]
    assert isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)
    return SCHEMA.get_possible_types(type_)


def _within(type_: GraphQLObjectType, depth: int) -> Iterator[tuple[str, int]]:
    """The fields of a type to ask for, and how deep to look into each."""
    for name, definition in type_.fields.items():
        if is_leaf_type(get_named_type(definition.type)):
            yield name, depth
        elif type_.name.endswith("Connection"):
            # A page is not a thing of its own, and tells everything twice.
            yield name, 0 if name == "edges" else depth
        elif type_.name.endswith("Edge"):
            yield name, 0
        elif depth:
            yield name, depth - 1


def type_of(name: str) -> str:
    """The type of a field that is written "Type.field"."""
    return name.partition(".")[0]


def reachable() -> set[str]:
    """Every field that leads on from a query or a subscription, as "Type.field"."""
    found: dict[str, None] = {}
    assert _QUERIES is not None
    assert _STREAMS is not None
    waiting: list[GraphQLNamedType] = [_QUERIES, _STREAMS]
    while waiting:
        for type_ in _behind(waiting.pop()):
            for name, definition in type_.fields.items():
                key = f"{type_.name}.{name}"
                inner = get_named_type(definition.type)
                if key not in found and not is_leaf_type(inner):
                    waiting.append(inner)
                found[key] = None
    return set(found)


async def answers(
    services: Services, viewer: Viewer | None, walk: Walk
) -> AsyncGenerator[Answer, None]:
    """What comes back of every query, asked one after the other."""
    for name in walk.queries:
        yield await ask(services, viewer, walk.document, name)


async def ask(
    services: Services, viewer: Viewer | None, document: DocumentNode, name: str
) -> Answer:
    """What comes back of one operation of a document."""
    outcome: Any = _executor(services, viewer, document, name).execute_operation()
    return _answer(name, outcome if isinstance(outcome, ExecutionResult) else await outcome)


async def frames(
    services: Services, viewer: Viewer | None, walk: Walk, name: str
) -> AsyncGenerator[Answer, None]:
    """What a subscription tells, until it ends."""
    executor = _executor(services, viewer, walk.document, name)
    opening: Any = create_source_event_stream(executor)
    source = opening if isinstance(opening, ExecutionResult) else await opening
    if isinstance(source, ExecutionResult):
        yield _answer(name, source)
        return

    def tell(event: Any) -> Any:
        event.context_value.forget()
        return execute_subscription_event(event)

    async with aclosing(map_source_to_response_event(executor, source, tell)) as results:
        try:
            async for result in results:
                yield _answer(name, result)
        except Refusal as error:
            yield _answer(name, ExecutionResult(None, [wrapped(error)]))


def _executor(services: Services, viewer: Viewer | None, document: DocumentNode, name: str) -> Any:
    context = Context(services=services, viewer=viewer, address="203.0.113.9")
    executor = PlainFirst.build(SCHEMA, document, None, context, {}, name)
    assert not isinstance(executor, list), executor
    return executor


def _answer(name: str, result: ExecutionResult) -> Answer:
    shown = masking.formatted(result.errors or [])
    codes = {error["extensions"]["code"] for error in shown}
    assert codes <= REFUSALS, (name, shown)
    return Answer(name=name, data=result.data, errors=tuple(shown))
