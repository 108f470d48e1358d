"""Do the documents of docs/providers.md fit the schema, and does what it names exist?"""

from __future__ import annotations

import re
from typing import Final

from graphql import GraphQLObjectType, parse, validate

from api.schema import core, whole
from tests.domain.test_provider_docs import PAGE

SCHEMA: Final = core(whole())
_VERBS: Final = "update|approve|suspend|reinstate|add|remove|verify|block|unblock"


def test_every_document_is_valid() -> None:
    documents = re.findall(r"^```graphql\n(.*?)^```$", PAGE.read_text(), re.M | re.S)

    assert len(documents) == 1
    for document in documents:
        assert validate(SCHEMA, parse(document)) == []


def test_every_act_that_is_named_exists() -> None:
    mutation = SCHEMA.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    named = set(re.findall(rf"`((?:{_VERBS})[A-Z]\w+)`", PAGE.read_text()))

    assert named >= {"updateProviderProfile", "approveProvider", "blockProvider"}
    assert named <= mutation.fields.keys()
