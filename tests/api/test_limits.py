"""Is every operation measured rightly, and at a cost that no document can drive up?"""

from __future__ import annotations

from typing import Any

import pytest

from api.access import EVERYONE
from api.documents import MAX_TOKENS, Documents, read
from api.errors import TooComplex
from api.limits import (
    INTROSPECTION,
    MAX_ALIASES,
    MAX_COST,
    MAX_DEPTH,
    MUTATION,
    Finding,
    Limits,
    Walk,
)
from api.schema import core
from domain.people import Role
from gateways.settings import Settings
from tests.api.door import SCHEMA, Door, opened

LIMITS = Limits(core(SCHEMA), introspection=EVERYONE)


def measured(query: str, caller: Role | None = None, **variables: Any) -> Finding:
    return LIMITS.measure(read(query), None, variables, caller)


def excess(query: str, caller: Role | None = None, **variables: Any) -> str | None:
    found = measured(query, caller, **variables).excess
    return found.message if found else None


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ hello }", 1),
        ("{ thing { name } }", 1),
        ("{ thing { inner { inner { name } } } }", 3),
        ("{ thing { few { name } } }", 1 + 5),
        ("{ thing { few { few { name } } } }", 1 + 5 * (1 + 5)),
        ("{ thing { things { nodes { name } } } }", 1 + 1 + 25),
        ("{ thing { things(first: 10) { nodes { name } } } }", 1 + 1 + 10),
        ("{ thing { things(first: 10) { edges { node { name } } } } }", 1 + 1 + 10 * 2),
        ("{ thing { things(first: 10) { pageInfo { endCursor } } } }", 1 + 1 + 1),
        (
            "{ thing { things(first: 10) { nodes { things(first: 4) { nodes { name } } } } } }",
            1 + 1 + 10 * (1 + 1 + 4),
        ),
        ("mutation { act { __typename } }", MUTATION + 1),
        ("mutation { a: act { __typename } b: act { __typename } }", 2 * (MUTATION + 1)),
        ("{ __schema { types { name } } }", INTROSPECTION),
        ("{ __typename }", 1),
    ],
)
def test_an_operation_costs_the_objects_its_answer_can_hold(query: str, cost: int) -> None:
    assert measured(query).cost == cost


def test_a_page_inside_a_fragment_is_multiplied_all_the_same() -> None:
    query = """{ thing { things(first: 7) { ...Page } } }
               fragment Page on ThingConnection { nodes { inner { name } } }"""
    assert measured(query).cost == 1 + 1 + 7 * 2


def test_page_sizes_are_read_from_variables_and_their_defaults() -> None:
    query = "query ($n: Int = 50) { thing { things(first: $n) { nodes { name } } } }"
    document = read(query)

    def cost(**variables: Any) -> int:
        return LIMITS.measure(document, None, variables, None).cost

    assert cost() == 2 + 50
    assert cost(n=3) == 2 + 3
    assert cost(n=4) == 2 + 4
    assert cost(n=None) == 2 + 25
    assert cost(n=3) == 2 + 3


def test_a_size_beyond_the_largest_page_counts_as_the_largest() -> None:
    query = "query ($n: Int) { thing { things(first: $n) { nodes { name } } } }"
    assert measured(query, n=10**9).cost == 2 + 100
    assert measured(query, n=-5).cost == 2


def test_equal_sizes_are_measured_once_and_other_variables_do_not_matter() -> None:
    query = "query ($n: Int, $name: String) { thing { things(first: $n) { nodes { name } } } }"
    document = read(query)
    first = LIMITS.measure(document, None, {"n": 3, "name": "a"}, None)
    assert LIMITS.measure(document, None, {"n": 3, "name": "b"}, None) is first
    assert LIMITS.measure(document, None, {"n": 4}, None) is not first


def nested(levels: int) -> str:
    """A query of so many levels, the leaf included."""
    return "{ thing " + "{ inner " * (levels - 2) + "{ name }" + " }" * (levels - 2) + " }"


def test_the_depth_limit_is_exact() -> None:
    assert excess(nested(MAX_DEPTH)) is None
    assert excess(nested(MAX_DEPTH + 1)) == "The operation's depth is 13; at most 12 is allowed."


def test_fragments_do_not_hide_depth() -> None:
    fragments = "".join(f"fragment F{i} on Thing {{ inner {{ ...F{i + 1} }} }}" for i in range(12))
    query = "{ thing { ...F0 } }" + fragments + "fragment F12 on Thing { name }"
    assert excess(query) == "The operation's depth is 14; at most 12 is allowed."


def test_the_alias_limit_is_exact_and_counts_through_fragments() -> None:
    def aliases(count: int) -> str:
        return "{" + " ".join(f"a{i}: hello" for i in range(count)) + "}"

    assert excess(aliases(MAX_ALIASES)) is None
    assert excess(aliases(MAX_ALIASES + 1)) == (
        "The operation's aliases is 31; at most 30 is allowed."
    )
    spread = "{ a: thing { ...F } b: thing { ...F } } fragment F on Thing {"
    assert excess(spread + " ".join(f"n{i}: name" for i in range(15)) + "}") is not None


def test_analysts_may_ask_for_more() -> None:
    query = "{ thing { things(first: 100) { nodes { things(first: 30) { nodes { name }}}}}}"
    assert measured(query).cost > MAX_COST
    assert excess(query) is not None
    assert excess(query, Role.ADMIN) is not None
    assert excess(query, Role.ANALYST) is None


def doubling(levels: int) -> str:
    """Fragments that each spread the next one twice: 2 ** levels selections, were they walked."""
    fragments = "".join(
        f"fragment F{i} on Thing {{ ...F{i + 1} ...F{i + 1} }} " for i in range(levels)
    )
    return "{ thing { ...F0 } } " + fragments + f"fragment F{levels} on Thing {{ name }}"


def test_a_fragment_is_walked_once_however_often_it_is_spread() -> None:
    document = read(doubling(16))
    walk = Walk(LIMITS, document, {}, None)
    walk.operation(document.operations[0])
    assert len(doubling(16)) < 700
    # thing, its spread, two spreads in each of 16 fragments, name.
    assert walk.visits == 1 + 1 + 2 * 16 + 1


def test_a_cost_too_large_to_say_is_refused_all_the_same() -> None:
    query = doubling(40).replace("{ name }", "{ few { name } }")
    assert excess(query) == "The operation's cost is over a billion; at most 1000 is allowed."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ thing {" + " name" * 60 + "} }", "asked for again in the same place"),
        ("{ thing {" + " ...{ name }" * 60 + "} }", "fragments are spread in one place"),
        ("{ thing " + "{ ... " * 150 + "{ name }" + " }" * 150 + "}", "nested too deeply"),
        ("{ thing { } }", "at least one field"),
        ("{ }", "at least one field"),
        ("subscription { }", "at least one field"),
    ],
)
def test_a_shape_that_would_make_validation_slow_is_refused_before_it(
    query: str, message: str
) -> None:
    assert message in str(excess(query))


def test_a_cycle_of_fragments_ends_the_walk_and_is_left_to_validation() -> None:
    query = "{ thing { ...A } } fragment A on Thing { ...B } fragment B on Thing { ...A name }"
    assert excess(query) is None
    documents = Documents(core(SCHEMA), suggestions=False)
    assert documents.validate(documents.get(query)) != []


def test_a_document_of_too_many_tokens_is_not_parsed() -> None:
    read("{" + " hello" * (MAX_TOKENS - 2) + "}")
    with pytest.raises(TooComplex):
        read("{" + " hello" * (MAX_TOKENS - 1) + "}")


def test_documents_are_kept_up_to_a_number_of_tokens_and_the_oldest_go_first() -> None:
    documents = Documents(core(SCHEMA), suggestions=False, max_tokens=30)
    texts = [f"query Q{i} {{ hello }}" for i in range(10)]
    for text in texts:
        documents.get(text)
        documents.get(texts[0])
    assert documents.get(texts[0]).tokens == 5
    assert [text in documents for text in texts] == [True, *[False] * 4, *[True] * 5]
    assert documents.get(texts[0]) is documents.get(texts[0])


async def test_what_an_operation_cost_is_told_with_its_answer(settings: Settings) -> None:
    async with opened(settings) as door:
        costs = [await _cost(door, "{ thing { few { name } } }") for _ in range(3)]
        refused = await _cost(door, "{ thing { few { nope } } }")
    assert [(c["requested"], c["actual"], c["restoreRate"]) for c in costs] == [(6, 3, 100)] * 3
    assert all(0 < c["remaining"] <= 2000 for c in costs)
    assert (refused["requested"], refused["actual"]) == (6, 0)
    assert 0 < refused["remaining"] <= 2000


async def _cost(door: Door, query: str) -> Any:
    return (await door.ask(query)).json()["extensions"]["cost"]


async def test_too_dear_an_operation_is_refused_with_the_limit(settings: Settings) -> None:
    query = "{ thing { things(first: 100) { nodes { things(first: 100) { nodes { name }}}}}}"
    async with opened(settings) as door:
        response = await door.ask(query)
    assert response.status_code == 400
    error = response.json()["errors"][0]
    assert error["extensions"] == {"code": "TOO_COMPLEX", "cost": 10202, "limit": 1000}


async def test_an_empty_bucket_is_told_with_the_time_to_wait(settings: Settings) -> None:
    poor = settings.model_copy(update={"cost_bucket": 40, "cost_restored_per_second": 1})
    async with opened(poor) as door:
        statuses = [
            (await door.ask("mutation { act { __typename } }")).status_code for _ in range(6)
        ]
        assert statuses[0] == 200
        assert statuses[-1] == 429
        refused = await door.ask("mutation { act { __typename } }")
        error = refused.json()["errors"][0]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert int(refused.headers["retry-after"]) == error["extensions"]["retryAfter"] > 0
        # Another caller has a bucket of their own.
        token, _ = door.people.sign_in(Role.CUSTOMER)
        assert (await door.ask("{ hello }", token=token)).status_code == 200
