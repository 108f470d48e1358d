"""Does reading plain fields at once give the same answers and the same errors?"""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from api.plain import PlainFirst, readers
from api.scalars import SCALARS
from api.schema import core, whole


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


strawberry.enum(Colour)


@dataclass(frozen=True)
class Value:
    """What is shown."""

    name: Any = "a name"
    count: Any = 3
    colour: Any = Colour.RED
    colours: Any = (Colour.RED, Colour.BLUE)
    words: Any = ("one", "two")
    at: Any = datetime(2026, 6, 1, 12, tzinfo=UTC)
    nothing: Any = None

    @property
    def broken(self) -> str:
        """A fault."""
        raise RuntimeError("broken")


@strawberry.type
class View:
    """All kinds of fields."""

    name: str
    count: int
    colour: Colour
    colours: list[Colour]
    words: list[str | None]
    at: datetime
    nothing: str | None
    broken: str | None

    @strawberry.field
    def twice(self) -> str:
        """Worked out, from the value."""
        return f"{self.name} {self.name}"

    @strawberry.field
    def fails(self) -> str | None:
        """Raises."""
        raise RuntimeError("failed")

    @strawberry.field
    def nested(self, info: strawberry.Info) -> str:
        """Needs more than the value."""
        return str(info.path.as_list())

    @strawberry.field
    async def later(self) -> str:
        """Awaited."""
        return "at last"


shown: list[Value] = []


@strawberry.type
class Query:
    """The way in."""

    @strawberry.field(graphql_type=View | None)
    def one(self) -> Any:
        """The value that is shown."""
        return shown[-1]

    @strawberry.field(graphql_type=list[View])
    def all(self) -> Any:
        """It, twice."""
        return shown[-1:] * 2


CONFIG = StrawberryConfig(scalar_map=SCALARS)
PLAIN = strawberry.Schema(query=Query, config=CONFIG, execution_context_class=PlainFirst)
STOCK = strawberry.Schema(
    query=Query, config=CONFIG, execution_context_class=StrawberryGraphQLCoreExecutionContext
)


async def outcomes(document: str, value: Value) -> list[str]:
    """What both executors answer, as text, so that the order of fields counts."""
    shown[:] = [value]
    answers = [await schema.execute(document) for schema in (PLAIN, STOCK)]
    return [
        json.dumps([answer.data, [error.formatted for error in answer.errors or []]])
        for answer in answers
    ]


ALL = "name count colour colours words at nothing"


@pytest.mark.parametrize(
    "document",
    [
        f"{{ one {{ {ALL} }} }}",
        f"{{ all {{ {ALL} }} }}",
        "{ one { twice name later __typename count other: name } }",
        "{ one { broken name } }",
        "{ one { name fails nested } }",
        "{ one { ...F count } } fragment F on View { name ... { colour } }",
        "{ one { name @skip(if: true) count @include(if: true) } }",
    ],
)
async def test_answers_are_the_same(document: str) -> None:
    plain, stock = await outcomes(document, Value())
    assert plain == stock


@pytest.mark.parametrize(
    "value",
    [
        Value(name=None),
        Value(name=RuntimeError("stored, not raised")),
        Value(count="not a number"),
        Value(count=2**40),
        Value(colour=None),
        Value(colour="purple"),
        Value(colours=(Colour.RED, None)),
        Value(words=("one", None)),
        Value(words="not a list"),
        Value(words={"one"}),
        Value(at="not an instant"),
        Value(nothing=5),
    ],
    ids=repr,
)
async def test_odd_values_answer_the_same(value: Value) -> None:
    plain, stock = await outcomes(f"{{ one {{ {ALL} }} }}", value)
    assert plain == stock


@strawberry.type
class Slow:
    """Something whose fields are waited for."""

    @strawberry.field
    async def first(self) -> int:
        await asyncio.sleep(0)
        return 1

    @strawberry.field
    async def second(self) -> int:
        await asyncio.sleep(0)
        return 2


@strawberry.type(name="Query")
class SlowQuery:
    """Fields that are awaited together, one of which fails at once."""

    @strawberry.field
    async def all(self) -> list[Slow]:
        await asyncio.sleep(0)
        return [Slow(), Slow()]

    @strawberry.field
    async def one(self) -> Slow:
        return Slow()

    @strawberry.field
    async def wrong(self) -> int:
        raise RuntimeError("wrong")


@pytest.mark.parametrize("wrong", ["", "wrong"])
async def test_nothing_is_left_unawaited_when_a_field_fails_or_the_caller_is_gone(
    wrong: str,
) -> None:
    schema = strawberry.Schema(query=SlowQuery, execution_context_class=PlainFirst)
    document = f"{{ all {{ first second }} one {{ first }} {wrong} }}"
    done = False
    steps = 0
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        while not done:
            asked = asyncio.ensure_future(schema.execute(document))
            for _ in range(steps):
                await asyncio.sleep(0)
            done = not asked.cancel()
            await asyncio.wait([asked])
            steps += 1
        gc.collect()
    assert steps > 5
    assert [str(warning.message) for warning in warned] == []


def test_the_leaves_of_our_own_views_are_plain() -> None:
    offer = core(whole()).get_type("JobOffer")
    plain = readers(offer)
    assert {"id", "state", "wave", "expiresAt", "score", "priority", "reasons"} <= set(plain)
    assert not {"breakdown", "work", "booking"} & set(plain)
