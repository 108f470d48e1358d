"""Is nobody let through to what the schema does not open to them?"""

from __future__ import annotations

import pytest

from domain.people import Role
from tests.api.door import Door, done

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_stranger_is_asked_to_sign_in_and_told_for_what(door: Door) -> None:
    response = await door.ask("{ hello staff }")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["message"] == "Sign in to use Query.staff."
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert body["errors"][0]["locations"] == [{"line": 1, "column": 9}]


async def test_the_wrong_role_is_forbidden_and_the_right_one_is_not(door: Door) -> None:
    customer, _ = door.people.sign_in(Role.CUSTOMER)
    refused = await door.ask("{ staff }", token=customer)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["extensions"] == {
        "code": "FORBIDDEN",
        "field": "Query.staff",
    }
    dispatcher, _ = door.people.sign_in(Role.DISPATCHER)
    allowed = await door.ask("{ staff }", token=dispatcher)
    assert allowed.json()["data"] == {"staff": "yes"}


async def test_what_one_role_was_granted_is_not_remembered_for_another(door: Door) -> None:
    dispatcher, _ = door.people.sign_in(Role.DISPATCHER)
    query = "query Same { staff }"
    assert (await door.ask(query, token=dispatcher)).status_code == 200
    assert (await door.ask(query)).status_code == 401


@pytest.mark.parametrize(
    "query",
    [
        "{ thing { few { inner { secret } } } }",
        "{ thing { ...F } } fragment F on Thing { inner { ...G } } fragment G on Thing { secret }",
        "{ thing { ... on Thing { ... { secret } } } }",
        "{ thing { inner { s: secret } } }",
    ],
)
async def test_a_permission_holds_however_deep_the_field_is_hidden(door: Door, query: str) -> None:
    response = await door.ask(query)
    assert response.json()["errors"][0]["message"] == "Sign in to use Thing.secret."


async def test_a_refused_mutation_is_not_run(door: Door) -> None:
    before = len(done)
    response = await door.ask("mutation { act { __typename } missing: nothing }")
    assert response.status_code == 400
    assert len(done) == before


async def test_a_bad_token_is_refused_even_for_what_is_public(door: Door) -> None:
    for header in ("Bearer nonsense", "Basic dXNlcg==", "Bearer", "nonsense"):
        response = await door.http.post(
            "/graphql", json={"query": "{ hello }"}, headers={"authorization": header}
        )
        assert response.status_code == 401
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
