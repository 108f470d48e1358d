"""Is there nothing that a client can send to make the server lose its composure?"""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.api.door import Door, hear, say

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a number or text that JSON has no way to say
        return b"null"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)

TOKENS = st.sampled_from(
    [
        *"{}()[]:=!|&@$3-",
        *("...", "query", "mutation", "subscription", "fragment", "on", "F", "Thing"),
        *("hello", "thing", "name", "few", "inner", "act", "count", "$n", '"text"', '"""'),
        *("@include", "(if: true)", "@skip", "@defer", "__typename", "__schema", "null"),
        *("\ufeff", "\x00"),
    ]
)
DOCUMENTS = st.lists(TOKENS, max_size=40).map(" ".join) | st.text(max_size=60)
BODIES = (
    st.binary(max_size=200)
    | JSON.map(_dumped)
    | st.fixed_dictionaries(
        {"query": DOCUMENTS}, optional={"variables": JSON, "operationName": JSON}
    ).map(_dumped)
)
TYPES = st.sampled_from(["connection_init", "subscribe", "complete", "ping", "pong", "next", ""])
FRAMES = (
    st.binary(max_size=60)
    | st.text(max_size=60)
    | JSON.map(lambda value: _dumped(value).decode())
    | st.fixed_dictionaries({"type": TYPES | JSON}, optional={"id": JSON, "payload": JSON}).map(
        lambda value: _dumped(value).decode()
    )
    | DOCUMENTS.map(
        lambda query: _dumped(
            {"id": "a", "type": "subscribe", "payload": {"query": query}}
        ).decode()
    )
)
#: Those that websocket.py names for what a client can do wrong.
CLOSE_CODES = {4400, 4401, 4403, 4409, 4429}

bounded = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@bounded
@given(BODIES)
async def test_no_body_is_answered_with_a_fault(door: Door, body: bytes) -> None:
    headers = {"content-type": "application/json", "accept": "application/graphql-response+json"}
    response = await door.http.post("/graphql", content=body, headers=headers)
    assert response.status_code in {200, 400, 401, 405}
    answer = response.json()
    assert "data" in answer or answer["errors"]
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    assert "INTERNAL" not in codes


@bounded
@given(st.lists(FRAMES, max_size=4), st.booleans())
async def test_no_frames_end_a_socket_without_a_code(
    door: Door, frames: list[bytes | str], introduced: bool
) -> None:
    async with door.socket() as socket:
        if introduced:
            await say(socket, type="connection_init")
            assert await hear(socket) == {"type": "connection_ack"}
        await _last_word(socket, frames)
        if socket.close_code is not None:
            assert socket.close_code in CLOSE_CODES


async def _last_word(socket: ClientConnection, frames: list[bytes | str]) -> None:
    """Send the frames, and hear the socket out: until it is closed, or has taken them all."""
    last = {"type": "pong", "payload": {"last": True}}
    with contextlib.suppress(ConnectionClosed):
        for frame in frames:
            await socket.send(frame)
        await say(socket, type="ping", payload={"last": True})
        while (heard := await hear(socket)) != last:
            assert "INTERNAL" not in str(heard)
