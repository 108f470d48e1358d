"""What can be asked? The whole schema, put together from what each noun offers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from api.edge import guard
from api.plain import PlainFirst
from api.scalars import SCALARS


@cache
def whole() -> strawberry.Schema:
    """Callout's schema."""
    from api import nouns

    return build(nouns.QUERIES, nouns.MUTATIONS, nouns.SUBSCRIPTIONS, nouns.TYPES)


def sdl() -> str:
    """Callout's schema in words, as `schema.graphql` keeps it."""
    return f"{whole().as_str()}\n"


def build(
    query_types: Sequence[type],
    mutation_types: Sequence[type] = (),
    subscription_types: Sequence[type] = (),
    types: Sequence[type] = (),
) -> strawberry.Schema:
    """One schema from the nouns' parts. `types` are those reached only through an interface."""
    schema = strawberry.Schema(
        query=_merged("Query", "What can be read.", query_types),
        mutation=_merged("Mutation", "What can be done, one act each.", mutation_types)
        if mutation_types
        else None,
        subscription=_merged("Subscription", "What can be followed live.", subscription_types)
        if subscription_types
        else None,
        types=types,
        execution_context_class=PlainFirst,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    mutation = core(schema).mutation_type
    for field in mutation.fields.values() if mutation else ():
        guard(field)
    return schema


def core(schema: strawberry.Schema) -> GraphQLSchema:
    """The executable schema inside."""
    return schema._schema  # strawberry has no public name for it


def _merged(name: str, description: str, parts: Sequence[type]) -> type:
    names = Counter(
        field.name
        for part in parts
        for field in part.__strawberry_definition__.fields  # type: ignore[attr-defined]  # theirs
    )
    twice = [field for field, count in names.items() if count > 1]
    if twice:
        message = f"{name} has fields declared twice: {', '.join(twice)}"
        raise ValueError(message)
    return strawberry.type(type(name, tuple(parts), {}), description=description)
