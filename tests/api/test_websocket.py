"""Does a WebSocket keep the protocol, whatever the client does with it?"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api import lifetime, websocket
from db import events, outbox
from db.engine import Database
from db.feed import entries
from domain.events import Event, EventType
from domain.people import Role
from gateways.publisher import Publisher
from gateways.settings import Settings
from tests.api.door import Door, done, hear, opened, say, subscribe, taps
from tests.waiting import until

shared = pytest.mark.asyncio(loop_scope="module")


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Wait for the server to close the socket: the code and reason."""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def settled(socket: ClientConnection, operation_id: str) -> list[Any]:
    """What is heard until the operation has ended."""
    heard: list[Any] = []
    while not heard or heard[-1]["type"] not in {"complete", "error"}:
        heard.append(await hear(socket))
        assert heard[-1]["id"] == operation_id
    return heard


@shared
async def test_a_subscription_yields_and_completes(door: Door) -> None:
    async with door.conversation() as socket:
        await subscribe(socket, "a", "subscription { count(to: 3) }")
        heard = await settled(socket, "a")
    assert [m["type"] for m in heard] == ["next", "next", "next", "complete"]
    assert [m["payload"]["data"]["count"] for m in heard[:3]] == [1, 2, 3]
    assert heard[0]["payload"]["extensions"]["cost"]["requested"] == 1


@shared
async def test_queries_and_mutations_are_answered_too(door: Door) -> None:
    async with door.conversation() as socket:
        await subscribe(socket, "q", "{ hello }")
        query = await settled(socket, "q")
        await subscribe(socket, "m", "mutation { act { ... on Done { times } } }")
        mutation = await settled(socket, "m")
    assert query[0]["payload"]["data"] == {"hello": "Hello, you!"}
    assert [m["type"] for m in query] == ["next", "complete"]
    assert mutation[0]["payload"]["data"]["act"]["times"] == len(done)


@shared
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { count(to: true) }", "BAD_USER_INPUT"),
        ("subscription { feed }", "UNAUTHENTICATED"),
        ("subscription { count count: silence }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { count @skip(if: true) }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ staff }", "UNAUTHENTICATED"),
    ],
)
async def test_a_wrong_operation_ends_alone_and_the_socket_goes_on(
    door: Door, query: str, code: str
) -> None:
    async with door.conversation() as socket:
        await subscribe(socket, "a", query)
        (error,) = await settled(socket, "a")
        assert error["type"] == "error"
        assert error["payload"][0]["extensions"]["code"] == code
        await subscribe(socket, "a", "{ hello }")
        assert (await settled(socket, "a"))[0]["payload"]["data"]


@shared
async def test_a_fault_in_the_middle_ends_the_subscription_masked(door: Door) -> None:
    async with door.conversation() as socket:
        await subscribe(socket, "a", "subscription { faulty }")
        heard = await settled(socket, "a")
    assert [m["type"] for m in heard] == ["next", "error"]
    assert heard[1]["payload"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in str(heard)


@shared
async def test_a_signed_in_viewer_subscribes_to_what_is_theirs(door: Door) -> None:
    token, _ = door.people.sign_in(Role.PROVIDER)
    async with door.conversation(token) as socket:
        await subscribe(socket, "a", "subscription { feed }")
        assert [m["type"] for m in await settled(socket, "a")] == ["next", "complete"]
        await subscribe(socket, "b", "{ who }")
        assert (await settled(socket, "b"))[0]["payload"]["data"] == {"who": "PROVIDER"}


@shared
async def test_completing_a_subscription_stops_its_source_and_frees_its_id(door: Door) -> None:
    async with door.conversation() as socket:
        await subscribe(socket, "a", 'subscription { silence(name: "completed") }')
        assert (await hear(socket))["payload"]["data"] == {"silence": "completed"}
        assert "completed" in taps.open
        await say(socket, id="a", type="complete")
        await until(lambda: "completed" not in taps.open)
        await subscribe(socket, "a", "{ hello }")
        assert (await settled(socket, "a"))[0]["payload"]["data"]


@shared
async def test_leaving_stops_every_source(door: Door) -> None:
    async with door.conversation() as socket:
        for name in ("left 1", "left 2"):
            await subscribe(socket, name, f'subscription {{ silence(name: "{name}") }}')
            await hear(socket)
        assert {"left 1", "left 2"} <= taps.open
        socket.transport.abort()
        await until(lambda: not {"left 1", "left 2"} & taps.open)


@shared
async def test_leaving_stops_a_source_that_missed_its_cancellation(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "_INSIST", 0.05)
    async with door.conversation() as socket:
        await subscribe(socket, "1", "subscription { deaf }")
        await hear(socket)
        assert "deaf" in taps.open
        socket.transport.abort()
        await until(lambda: "deaf" not in taps.open)


@shared
async def test_both_sides_may_ping(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async with door.conversation() as socket:
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}
        await say(socket, type="ping", payload={"at": 1})
        assert await hear(socket) == {"type": "pong", "payload": {"at": 1}}
        monkeypatch.setattr(websocket, "PING_EVERY", 0.05)
        await say(socket, type="pong")
        assert await hear(socket) == {"type": "ping"}
        await say(socket, type="pong")
        assert await hear(socket) == {"type": "ping"}


@shared
async def test_the_eleventh_subscription_is_refused_and_the_ten_go_on(door: Door) -> None:
    async with door.conversation() as socket:
        for n in range(10):
            await subscribe(socket, str(n), f'subscription {{ silence(name: "of ten {n}") }}')
            assert (await hear(socket))["type"] == "next"
        await subscribe(socket, "one more", "subscription { silence }")
        (error,) = await settled(socket, "one more")
        assert error["payload"][0]["extensions"]["code"] == "TOO_MANY"
        await subscribe(socket, "query", "{ hello }")
        assert (await settled(socket, "query"))[0]["type"] == "next"
        assert len([name for name in taps.open if name.startswith("of ten")]) == 10
        await say(socket, id="3", type="complete")
        await until(lambda: "of ten 3" not in taps.open)
        await subscribe(socket, "after", 'subscription { silence(name: "after") }')
        assert (await hear(socket))["type"] == "next"


INIT = {"type": "connection_init"}


@shared
@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["[]"], 4400),
        (["null"], 4400),
        (["3"], 4400),
        (['"text"'], 4400),
        ([""], 4400),
        (["{"], 4400),
        (["{}"], 4400),
        (['{"type": 3}'], 4400),
        (['{"type": null}'], 4400),
        (['{"type": "start"}'], 4400),
        (["[" * 30_000], 4400),
        (['{"type": "connection_init", "payload": []}'], 4400),
        (['{"type": "connection_init", "payload": {"authorization": 3}}'], 4400),
        (['{"type": "connection_init", "payload": {"Authorization": "Bearer no"}}'], 4403),
        (['{"type": "connection_init", "payload": {"authorization": "no"}}'], 4403),
        ([b"\x00\x01"], 4400),
        ([b'{"type": "connection_init"}'], 4400),
        (['{"id": "a", "type": "subscribe", "payload": {"query": "{ hello }"}}'], 4401),
        ([INIT, INIT], 4429),
        ([INIT, {"type": "subscribe", "payload": {"query": "{ hello }"}}], 4400),
        ([INIT, {"id": 3, "type": "subscribe", "payload": {"query": "{ hello }"}}], 4400),
        ([INIT, {"id": "", "type": "subscribe", "payload": {"query": "{ hello }"}}], 4400),
        ([INIT, {"id": "x" * 300, "type": "subscribe", "payload": {"query": "{ a }"}}], 4400),
        ([INIT, {"id": "a", "type": "subscribe"}], 4400),
        ([INIT, {"id": "a", "type": "subscribe", "payload": None}], 4400),
        ([INIT, {"id": "a", "type": "subscribe", "payload": []}], 4400),
        ([INIT, {"id": "a", "type": "subscribe", "payload": {"query": 3}}], 4400),
        (
            [INIT, {"id": "a", "type": "subscribe", "payload": {"query": "{a}", "variables": 3}}],
            4400,
        ),
        ([INIT, {"type": "complete"}], 4400),
        ([INIT, {"id": [], "type": "complete"}], 4400),
        ([INIT, *[{"id": "a", "type": "subscribe", "payload": {"query": "{ stored }"}}] * 2], 4409),
        ([INIT, '{"type": "ping", "payload": "' + "x" * 65_536 + '"}'], 1009),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_what_breaks_the_protocol_closes_the_socket_with_its_code(
    door: Door, frames: list[Any], code: int
) -> None:
    async with door.socket() as socket:
        for frame in frames:
            await socket.send(orjson.dumps(frame).decode() if isinstance(frame, dict) else frame)
        assert (await closed(socket))[0] == code
    assert (await door.ask("{ hello }")).status_code == 200


@shared
async def test_a_message_of_just_the_limit_is_read(door: Door) -> None:
    async with door.conversation() as socket:
        padding = "x" * (websocket.MAX_MESSAGE - 40)
        message = f'{{"type":"ping","payload":{{"p":"{padding}"}}}}'
        await socket.send(message + " " * (websocket.MAX_MESSAGE - len(message)))
        assert (await hear(socket))["payload"] == {"p": padding}


@shared
async def test_completing_what_does_not_run_is_harmless(door: Door) -> None:
    async with door.conversation() as socket:
        await say(socket, id="nothing", type="complete")
        await say(socket, type="ping")
        assert await hear(socket) == {"type": "pong"}


@shared
async def test_a_client_that_does_not_say_who_it_is_is_sent_away(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert websocket.INIT_PATIENCE == 5
    monkeypatch.setattr(websocket, "INIT_PATIENCE", 0.2)
    async with door.socket() as socket:
        assert (await closed(socket))[0] == 4408


@shared
@pytest.mark.parametrize("protocols", [None, ["graphql-ws"], ["nonsense"]])
async def test_another_protocol_is_not_spoken(door: Door, protocols: Any) -> None:
    async with door.socket(subprotocols=protocols) as socket:
        assert (await closed(socket))[0] == 4406


@shared
async def test_a_page_of_an_unknown_origin_gets_no_socket(door: Door) -> None:
    async with door.socket(origin=f"http://{door.host}"):
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with door.socket(origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


@shared
async def test_a_socket_ends_when_its_token_lapses(door: Door) -> None:
    token, _ = door.people.sign_in(Role.CUSTOMER, for_seconds=1)
    async with door.conversation(token) as socket:
        await subscribe(socket, "a", 'subscription { silence(name: "lapsing") }')
        assert await closed(socket) == (4403, lifetime.LAPSED)
    await until(lambda: "lapsing" not in taps.open)


async def revoke(database: Database, settings: Settings, session_id: Any) -> None:
    """Record and publish that a session ended, as the relay does."""
    happened = Event(type=EventType.SESSION_REVOKED, subject={"session": session_id})
    async with outbox.hold(database) as held:
        async with database.begin() as tx:
            await events.append(tx, [happened])
        await held.sequence(1)
    async with database.read() as connection:
        recorded = await entries(connection, [f"session:{session_id}"], 0, 1)
    async with Redis.from_url(settings.redis_url.get_secret_value()) as redis:
        await Publisher(redis, settings.redis_namespace).publish(recorded)


async def test_a_socket_ends_when_its_session_is_ended_and_no_other_does(
    settings: Settings, database: Database
) -> None:
    async with opened(settings) as door:
        token, signed_in = door.people.sign_in(Role.CUSTOMER)
        other, _ = door.people.sign_in(Role.CUSTOMER)
        async with door.conversation(token) as socket, door.conversation(other) as bystander:
            hub = door.services.hub
            await until(lambda: len(hub.topics) == 2)
            await revoke(database, settings, signed_in.viewer.session_id)
            assert await closed(socket) == (4403, lifetime.REVOKED)
            await say(bystander, type="ping")
            assert await hear(bystander) == {"type": "pong"}


async def test_a_session_that_ended_just_before_the_socket_began_ends_it(
    settings: Settings,
) -> None:
    async with opened(settings) as door:
        token, _ = door.people.sign_in(Role.CUSTOMER)
        async with door.socket() as socket:
            door.people.lapse_after_next(token)
            await say(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
            assert await closed(socket) == (4403, lifetime.REVOKED)


async def test_sockets_are_capped_for_a_user_and_for_an_address(settings: Settings) -> None:
    few = settings.model_copy(update={"sockets_per_principal": 2, "sockets_per_address": 3})
    async with opened(few) as door, AsyncExitStack() as open_sockets:
        token, _ = door.people.sign_in(Role.CUSTOMER)
        for _ in range(2):
            await open_sockets.enter_async_context(door.conversation(token))
        async with door.socket() as socket:
            await say(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
            assert (await closed(socket))[0] == 4429
        await open_sockets.enter_async_context(door.conversation())
        with pytest.raises(InvalidStatus) as refused:
            async with door.socket():
                pass
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["retry-after"] == "60"
        await open_sockets.aclose()
        async with door.conversation(token):
            pass


async def test_a_client_that_does_not_read_is_dropped_and_nobody_else_notices(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same rule as in production, on a faster clock.
    from callout import serve

    monkeypatch.setattr(serve, "_PING_EVERY", 0.5)
    monkeypatch.setattr(serve, "_PONG_WITHIN", 0.5)
    async with opened(settings) as door, door.conversation() as bystander:
        async with door.conversation(max_queue=1) as stuck:
            await subscribe(stuck, "a", "subscription { flood }")
            await hear(stuck)
            stuck.transport.pause_reading()
            assert "flood" in taps.open
            await say(bystander, type="ping")
            assert await hear(bystander) == {"type": "pong"}
            await until(lambda: "flood" not in taps.open, seconds=15)
            stuck.transport.abort()
        await subscribe(bystander, "q", "{ hello }")
        assert (await settled(bystander, "q"))[0]["payload"]["data"]


async def test_when_the_server_goes_it_says_so(settings: Settings) -> None:
    async with opened(settings) as door, door.conversation() as socket:
        await subscribe(socket, "a", 'subscription { silence(name: "going") }')
        await hear(socket)
        door.server.end()
        assert (await closed(socket))[0] == 1001
    assert "going" not in taps.open


async def test_without_its_database_a_token_is_asked_to_come_back_later(
    settings: Settings,
) -> None:
    async with opened(settings) as door:
        door.people.away = True
        async with door.socket() as socket:
            await say(socket, type="connection_init", payload={"authorization": "Bearer x"})
            assert (await closed(socket))[0] == 1013
