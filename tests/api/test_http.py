"""Is every request over HTTP answered as the specification says, however it is malformed?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from graphql import build_client_schema, get_introspection_query

from api import documents
from api.http import MAX_BODY
from domain.people import Role
from gateways.settings import Settings
from tests.api.door import Door, done, opened

MODERN = "application/graphql-response+json"
LEGACY = "application/json"


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def post(door: Door, body: bytes, **headers: str) -> httpx.Response:
    sent = {"content-type": LEGACY, "accept": MODERN}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return await door.http.post("/graphql", content=body, headers=sent)


def code(response: httpx.Response) -> Any:
    return response.json()["errors"][0]["extensions"]["code"]


HELLO = orjson.dumps({"query": "{ hello }"})


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (MODERN, MODERN),
        (LEGACY, LEGACY),
        ("*/*", LEGACY),
        ("application/*", LEGACY),
        (f"{LEGACY};q=0.5, {MODERN};q=0.9", MODERN),
        (f"{MODERN};q=0.1, {LEGACY}", LEGACY),
        (f"{MODERN}, {LEGACY}", MODERN),
        ("text/html, */*;q=0.1", LEGACY),
        (f"{MODERN};q=oops, {LEGACY};q=0.1", LEGACY),
    ],
)
async def test_the_answer_is_in_the_type_the_client_prefers(
    door: Door, accept: str, media: str
) -> None:
    response = await post(door, HELLO, accept=accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media}; charset=utf-8"


async def test_a_client_that_accepts_nothing_of_ours_is_told(door: Door) -> None:
    response = await post(door, HELLO, accept="text/html")
    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("query", ["{", "{ nope }", "{ staff }", "query ($n: Int!) { hello }"])
async def test_only_to_modern_clients_the_status_tells_that_nothing_ran(
    door: Door, query: str
) -> None:
    modern = await door.ask(query, accept=MODERN)
    legacy = await door.ask(query, accept=LEGACY)
    assert modern.status_code in {400, 401}
    assert legacy.status_code == 200
    assert "data" not in modern.json()
    assert "data" not in legacy.json()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"3", 400),
        (b"null", 400),
        (b"true", 400),
        (b'"text"', 400),
        (b"[]", 400),
        (b'[{"query": "{ hello }"}]', 400),
        (b"{", 400),
        (b"{}", 400),
        (b'{"query": 3}', 400),
        (b'{"query": null}', 400),
        (b'{"query": "  "}', 400),
        (b'{"query": "{ hello }", "variables": []}', 400),
        (b'{"query": "{ hello }", "operationName": 3}', 400),
        (b'{"query": "{ hello }", "operationName": "Nope"}', 400),
        (b'{"query": "\xff"}', 400),
        (b'{"query": "\\ud800"}', 400),
        (b'{"query": "\\u0000"}', 400),
        (b'{"query": "{ hello }", "variables": {"n": NaN}}', 400),
        (b"[" * 50_000 + b"]" * 50_000, 400),
        (b'{"query": "{ hello }", "variables": ' + b'{"a":' * 50_000 + b"1", 400),
        (orjson.dumps({"query": "{" * 50_000}), 400),
        (orjson.dumps({"query": "{ hello(name: " + "[" * 900 + "]" * 900 + ") }"}), 400),
        (orjson.dumps({"query": "query A { hello } query B { hello }"}), 400),
        (orjson.dumps({"query": "fragment F on Query { hello }"}), 400),
        (orjson.dumps({"query": "type T { a: Int }"}), 400),
        (orjson.dumps({"query": "subscription { count }"}), 405),
        (orjson.dumps({"query": "query Q @defer { hello }"}), 400),
        (orjson.dumps({"query": "{ ... @defer { hello } }"}), 400),
        (orjson.dumps({"query": "{ thing { few @stream { name } } }"}), 400),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)
async def test_what_is_no_operation_is_refused_with_a_typed_error(
    door: Door, body: bytes, status: int
) -> None:
    response = await post(door, body)
    assert response.status_code == status
    error = response.json()["errors"][0]
    assert error["message"]
    assert error["extensions"]["code"] in {
        "BAD_REQUEST",
        "BAD_USER_INPUT",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "METHOD_NOT_ALLOWED",
        "TOO_COMPLEX",
    }
    assert "Traceback" not in response.text
    assert "/work" not in response.text


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('application/JSON; charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/graphql", 415),
        ("", 415),
    ],
)
async def test_a_body_that_a_form_could_send_is_not_read(
    door: Door, content_type: str, status: int
) -> None:
    response = await post(door, HELLO, content_type=content_type)
    assert response.status_code == status
    if status == 415:
        assert code(response) == "UNSUPPORTED_MEDIA_TYPE"


async def test_a_compressed_body_is_not_read(door: Door) -> None:
    response = await post(door, HELLO, content_encoding="gzip")
    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


def padded(length: int) -> bytes:
    """A good request of exactly so many bytes."""
    return b'{"query": "{ hello }"' + b" " * (length - 22) + b"}"


async def test_the_body_limit_is_exact(door: Door) -> None:
    assert (await post(door, padded(MAX_BODY))).status_code == 200
    refused = await post(door, padded(MAX_BODY + 1))
    assert (refused.status_code, code(refused)) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_body_of_no_declared_length_is_counted_as_it_comes(door: Door) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 1024 + 1):
            yield b" " * 1024

    headers = {"content-type": LEGACY, "accept": MODERN}
    refused = await door.http.post("/graphql", content=chunks(), headers=headers)
    assert (refused.status_code, code(refused)) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_body_without_end_is_cut_off(door: Door) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 65_536

    headers = {"content-type": LEGACY}
    with pytest.raises((httpx.WriteError, httpx.ReadError)):
        await door.http.post("/graphql", content=chunks(), headers=headers)
    assert sent * 65_536 < 64 * 1024 * 1024
    assert (await door.ask("{ hello }")).status_code == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(door: Door) -> None:
    host, port = door.host.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    assert (await door.ask("{ hello }")).status_code == 200


async def test_get_reads_and_never_writes(door: Door) -> None:
    read = await door.http.get("/graphql", params={"query": "{ hello }"})
    assert read.json()["data"] == {"hello": "Hello, you!"}
    before = len(done)
    for accept in (LEGACY, MODERN, "text/event-stream"):
        write = await door.http.get(
            "/graphql",
            params={"query": "mutation { act { __typename } }"},
            headers={"accept": accept},
        )
        assert "METHOD_NOT_ALLOWED" in write.text
        if accept != "text/event-stream":
            assert write.status_code == 405
            assert write.headers["allow"] == "GET, POST"
    hidden = {"query": "query Q { hello } mutation M { act { __typename } }"}
    chosen = await door.http.get("/graphql", params=hidden | {"operationName": "M"})
    assert chosen.status_code == 405
    assert len(done) == before


async def test_get_takes_variables_as_json(door: Door) -> None:
    query = "query ($n: Int!) { double(number: $n) }"
    good = await door.http.get("/graphql", params={"query": query, "variables": '{"n": 4}'})
    assert good.json()["data"] == {"double": 8}
    bad = await door.http.get("/graphql", params={"query": query, "variables": "{n: 4}"})
    assert (bad.status_code, code(bad)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_refused(door: Door, method: str) -> None:
    response = await door.http.request(method, "/graphql", json={"query": "{ hello }"})
    assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")


async def test_a_wrong_variable_is_named_by_its_path(door: Door) -> None:
    query = "query ($n: Int!, $m: Int!) { a: double(number: $n) b: double(number: $m) }"
    response = await door.ask(query, {"n": 1, "m": "two"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": ["m"]}
    missing = await door.ask(query, {"n": 1})
    assert missing.json()["errors"][0]["extensions"]["field"] == ["m"]


async def test_a_wrong_literal_is_bad_input_too(door: Door) -> None:
    response = await door.ask('{ double(number: "two") }')
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")


async def test_a_fault_is_masked_and_the_rest_is_answered(door: Door) -> None:
    response = await door.ask("{ hello broken }")
    assert response.status_code == 200
    body = response.json()
    assert body["data"] == {"hello": "Hello, you!", "broken": None}
    assert body["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in response.text


async def test_a_fault_before_anything_ran_is_masked_too(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(documents, "validate", fail)
    response = await door.ask("query Never { hello }")
    assert (response.status_code, code(response)) == (500, "INTERNAL")
    assert "hunter2" not in response.text


async def test_names_are_suggested_to_developers_only(settings: Settings) -> None:
    production = settings.model_copy(update={"mode": "production", "introspection": "everyone"})
    queries = ("{ hell }", '{ hello(nam: "x") }', "{ thing { nam } }", "mutation { ac }")
    async with opened(settings) as door:
        texts = [(await door.ask(query)).text for query in queries]
        assert all("Did you mean" in text for text in texts)
    async with opened(production) as door:
        for query in queries:
            response = await door.ask(query)
            assert response.status_code == 400
            assert "Did you mean" not in response.text


@pytest.mark.parametrize(
    ("setting", "stranger", "customer"),
    [("everyone", 200, 200), ("signed_in", 401, 200), ("nobody", 401, 403)],
)
async def test_the_schema_is_told_to_whom_the_setting_says(
    settings: Settings, setting: str, stranger: int, customer: int
) -> None:
    production = settings.model_copy(update={"mode": "production", "introspection": setting})
    async with opened(production) as door:
        token, _ = door.people.sign_in(Role.CUSTOMER)
        for query in ("{ __schema { types { name } } }", '{ __type(name: "Thing") { name } }'):
            assert (await door.ask(query)).status_code == stranger
            assert (await door.ask(query, token=token)).status_code == customer
        assert (await door.ask("{ __typename }")).json()["data"] == {"__typename": "Query"}


async def test_tools_can_read_the_whole_schema(door: Door) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True
    )
    told = build_client_schema((await door.ask(query)).json()["data"])
    assert {"Query", "Thing", "DoResult"} <= told.type_map.keys()


async def test_a_page_of_an_unknown_origin_may_not_ask(settings: Settings) -> None:
    known = settings.model_copy(update={"allowed_origins": ("https://app.example",)})
    async with opened(known) as door:

        async def status(origin: str) -> int:
            return (await post(door, HELLO, origin=origin)).status_code

        assert await status("https://app.example") == 200
        assert await status(f"http://{door.host}") == 200
        assert await status("https://evil.example") == 403
        assert await status("null") == 403
        assert await status("https://[") == 403
        assert await status("https://app.example.evil.example") == 403


async def test_browsers_hear_whether_they_may_ask(settings: Settings) -> None:
    known = settings.model_copy(update={"allowed_origins": ("https://app.example",)})
    ask = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    async with opened(known) as door:
        allowed = await door.http.options(
            "/graphql", headers=ask | {"origin": "https://app.example"}
        )
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
        assert "access-control-allow-credentials" not in allowed.headers
        refused = await door.http.options(
            "/graphql", headers=ask | {"origin": "https://evil.example"}
        )
        assert "access-control-allow-origin" not in refused.headers


async def test_answers_carry_an_id_and_the_headers_that_keep_browsers_safe(door: Door) -> None:
    response = await post(door, HELLO, x_request_id="abc-123")
    assert response.headers["x-request-id"] == "abc-123"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    forged = await post(door, HELLO, x_request_id="a b<script>")
    assert forged.headers["x-request-id"].isalnum()


async def test_a_stranger_behind_a_trusted_proxy_has_a_budget_of_their_own(
    settings: Settings,
) -> None:
    poor = settings.model_copy(update={"cost_bucket": 30, "cost_restored_per_second": 1})
    async with opened(poor) as door:

        async def status(address: str) -> int:
            body = orjson.dumps({"query": "mutation { act { __typename } }"})
            return (await post(door, body, x_forwarded_for=address)).status_code

        assert [await status("192.0.2.1") for _ in range(4)][-1] == 429
        assert await status("192.0.2.2") == 200
