"""Do those who cannot use WebSockets get their streams all the same?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from api import lifetime, sse
from db.engine import Database
from domain.people import Role
from gateways.settings import Settings
from tests.api.door import Door, done, opened, taps
from tests.api.test_websocket import revoke
from tests.waiting import until

shared = pytest.mark.asyncio(loop_scope="module")

Event = tuple[str, Any]


@asynccontextmanager
async def stream(
    door: Door, query: str, token: str | None = None, **options: Any
) -> AsyncIterator[httpx.Response]:
    headers = {"accept": "text/event-stream"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    body = {"query": query}
    async with door.http.stream(
        "POST", "/graphql", json=body, headers=headers, **options
    ) as response:
        yield response


async def events(response: httpx.Response) -> AsyncIterator[Event]:
    """The events of a stream; a comment is one too."""
    name = ""
    async for line in response.aiter_lines():
        kind, _, text = line.partition(":")
        if kind == "event":
            name = text.strip()
        elif kind == "data":
            yield name, orjson.loads(text) if text.strip() else None
        elif line == ":":
            yield "comment", None


async def heard(response: httpx.Response) -> list[Event]:
    """All events, to the end of the stream."""
    async with asyncio.timeout(10):
        return [event async for event in events(response)]


@shared
async def test_a_subscription_yields_and_completes(door: Door) -> None:
    async with stream(door, "subscription { count(to: 2) }") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        received = await heard(response)
    assert [name for name, _ in received] == ["next", "next", "complete"]
    assert [payload["data"]["count"] for _, payload in received[:2]] == [1, 2]


@shared
async def test_queries_and_mutations_are_answered_too(door: Door) -> None:
    async with stream(door, "{ hello }") as response:
        query = await heard(response)
    async with stream(door, "mutation { act { ... on Done { times } } }") as response:
        mutation = await heard(response)
    assert query[0][1]["data"] == {"hello": "Hello, you!"}
    assert mutation[0][1]["data"]["act"]["times"] == len(done)
    assert query[1][0] == mutation[1][0] == "complete"


@shared
async def test_a_subscription_may_be_asked_by_get_and_a_mutation_not(door: Door) -> None:
    headers = {"accept": "text/event-stream"}
    params = {"query": "subscription { count(to: 1) }"}
    async with door.http.stream("GET", "/graphql", params=params, headers=headers) as response:
        assert [name for name, _ in await heard(response)] == ["next", "complete"]
    before = len(done)
    params = {"query": "mutation { act { __typename } }"}
    async with door.http.stream("GET", "/graphql", params=params, headers=headers) as response:
        received = await heard(response)
    assert received[0][1]["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
    assert len(done) == before


@shared
async def test_what_cannot_run_is_told_in_the_stream_so_that_browsers_hear_it(door: Door) -> None:
    for query, code in (
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { feed }", "UNAUTHENTICATED"),
        ("subscription { faulty }", "INTERNAL"),
    ):
        async with stream(door, query) as response:
            assert response.status_code == 200
            received = await heard(response)
        assert received[-2][1]["errors"][0]["extensions"]["code"] == code
        assert received[-1] == ("complete", None)
        assert "hunter2" not in str(received)


@shared
async def test_a_request_that_is_no_operation_is_refused_by_its_status(door: Door) -> None:
    headers = {"accept": "text/event-stream", "content-type": "application/json"}
    response = await door.http.post("/graphql", content=b"[]", headers=headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@shared
async def test_leaving_stops_the_source(door: Door) -> None:
    async with stream(door, 'subscription { silence(name: "streamed") }') as response:
        async for _ in events(response):
            assert "streamed" in taps.open
            break
    await until(lambda: "streamed" not in taps.open)


@shared
async def test_a_silent_stream_is_kept_open_by_comments(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT", 0.05)
    received: list[str] = []
    async with stream(door, "subscription { silence }") as response:
        async for name, _ in events(response):
            received.append(name)
            if len(received) == 3:
                break
    assert received == ["next", "comment", "comment"]


@shared
async def test_a_stream_ends_when_its_token_lapses(door: Door) -> None:
    token, _ = door.people.sign_in(Role.CUSTOMER, for_seconds=1)
    async with stream(door, 'subscription { silence(name: "lapsing") }', token) as response:
        received = await heard(response)
    assert received[1][1]["errors"][0]["message"] == lifetime.LAPSED
    assert received[1][1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert received[2] == ("complete", None)
    await until(lambda: "lapsing" not in taps.open)


async def test_a_stream_ends_when_its_session_is_ended(
    settings: Settings, database: Database
) -> None:
    async with opened(settings) as door:
        token, signed_in = door.people.sign_in(Role.CUSTOMER)
        async with stream(door, "subscription { silence }", token) as response:
            await until(lambda: len(door.services.hub.topics) == 1)
            await revoke(database, settings, signed_in.viewer.session_id)
            received = await heard(response)
    assert received[-2][1]["errors"][0]["message"] == lifetime.REVOKED


async def test_streams_are_capped_together_with_sockets(settings: Settings) -> None:
    few = settings.model_copy(update={"sockets_per_principal": 2})
    async with opened(few) as door, AsyncExitStack() as open_streams:
        token, _ = door.people.sign_in(Role.CUSTOMER)
        await open_streams.enter_async_context(door.conversation(token))
        await open_streams.enter_async_context(stream(door, "subscription { silence }", token))
        async with stream(door, "subscription { silence }", token) as refused:
            assert refused.status_code == 429
            body = orjson.loads(await refused.aread())
        assert body["errors"][0]["extensions"]["code"] == "TOO_MANY"
        async with stream(door, "subscription { count }") as stranger:
            assert stranger.status_code == 200


async def test_a_client_that_does_not_read_is_dropped_and_nobody_else_notices(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sse._PATIENCE <= 15
    monkeypatch.setattr(sse, "_PATIENCE", 0.5)
    async with opened(settings) as door:
        host, port = door.host.split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        body = orjson.dumps({"query": "subscription { flood }"})
        head = (
            "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Accept: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await reader.readline()
        await until(lambda: "flood" in taps.open)
        await until(lambda: "flood" not in taps.open, seconds=15)
        await until(lambda: len(door.server.server_state.connections) == 0)
        assert (await door.ask("{ hello }")).status_code == 200
        writer.close()
