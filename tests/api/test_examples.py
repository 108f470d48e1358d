"""Do the operations that GraphiQL opens with, and those it signs in with, fit the schema?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_introspection_query,
    parse,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

from api import ids
from api.access import EVERYONE, permitted
from api.assets import EXAMPLE_ROLES, Example, examples, session_documents
from api.documents import read
from api.limits import Limits
from api.schema import core, whole
from db.seed import service_id

if TYPE_CHECKING:
    from typing import Any

    from api.access import Caller

SCHEMA = core(whole())

every_example = pytest.mark.parametrize("example", examples(), ids=lambda one: one.role.lower())


class Forbidden(Visitor):
    """Collects the fields that a caller may not use."""

    def __init__(self, caller: Caller, types: TypeInfo) -> None:
        super().__init__()
        self.fields: list[str] = []
        self._caller = caller
        self._types = types

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Ask the schema about one field."""
        parent, name = self._types.get_parent_type(), node.name.value
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or name[:2] == "__":
            return
        if self._caller not in permitted(SCHEMA, parent, name):
            self.fields.append(f"{parent.name}.{name}")


def forbidden(text: str, caller: Caller) -> list[str]:
    types = TypeInfo(SCHEMA)
    visitor = Forbidden(caller, types)
    visit(parse(text), TypeInfoVisitor(types, visitor))
    return visitor.fields


def operations(example: Example) -> list[OperationDefinitionNode]:
    definitions = parse(example.query).definitions
    return [one for one in definitions if isinstance(one, OperationDefinitionNode)]


@every_example
def test_an_example_is_valid(example: Example) -> None:
    assert validate(SCHEMA, parse(example.query)) == []


@every_example
def test_an_example_may_be_run_by_its_role(example: Example) -> None:
    assert forbidden(example.query, example.role) == []


@every_example
def test_an_example_names_its_operations_after_its_role(example: Example) -> None:
    names = [one.name.value for one in operations(example) if one.name]
    assert len(names) == len(operations(example)) == len(set(names))
    assert all(name.startswith(example.role.title()) for name in names)


@every_example
def test_an_example_comes_with_variables_that_fit(example: Example) -> None:
    given = json.loads(example.variables)
    wanted = set()
    for operation in operations(example):
        definitions = operation.variable_definitions or ()
        wanted |= {one.variable.name.value for one in definitions}
        errors = get_variable_values(SCHEMA, definitions, given)
        assert not isinstance(errors, list), errors
    assert set(given) == wanted


def test_the_examples_show_what_each_role_does() -> None:
    shown = {
        example.role: {
            selection.name.value
            for operation in operations(example)
            for selection in operation.selection_set.selections
            if isinstance(selection, FieldNode)
        }
        for example in examples()
    }
    assert tuple(shown) == EXAMPLE_ROLES
    assert [shown[role] for role in EXAMPLE_ROLES] == [
        {
            *("services", "availableSlots", "availableProviders", "createBooking"),
            *("bookingUpdated", "cancellationQuote", "payBooking"),
            *("unreadNotifications", "notifications"),
        },
        {
            *("clockIn", "offerFeed", "acceptOffer", "startBooking", "completeBooking"),
            *("calendar", "earnings"),
        },
        {"queue", "queueChanged", "presenceChanged", "calendar", "deadLetters"},
        {"bookings", "payouts"},
    ]


def test_the_customer_books_a_service_of_the_demo() -> None:
    variables = json.loads(examples()[0].variables)
    assert variables["input"]["serviceId"] == ids.encode("Service", service_id("home-clean"))


@pytest.mark.parametrize(("name", "text"), sorted(session_documents().items()))
def test_what_the_page_signs_in_with_is_valid(name: str, text: str) -> None:
    assert validate(SCHEMA, parse(text)) == []
    assert f"result: {name}(" in text


def test_signing_in_and_refreshing_need_no_one_signed_in() -> None:
    documents = session_documents()
    assert set(documents) == {"signIn", "refreshSession", "signOut"}
    assert forbidden(documents["signIn"] + documents["refreshSession"], None) == []


@pytest.mark.parametrize(("introspection", "denied"), [(EVERYONE, False), (frozenset(), True)])
def test_what_graphiql_asks_of_the_schema_is_for_those_who_may_introspect(
    introspection: frozenset[Caller], *, denied: bool
) -> None:
    document = read(get_introspection_query())
    limits = Limits(SCHEMA, introspection=introspection)
    finding = limits.measure(document, "IntrospectionQuery", {}, None)
    assert bool(finding.denials) is denied
    assert finding.excess is None
