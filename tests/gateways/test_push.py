"""Does FCM get what it asks for, and do we understand its answers?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateways.errors import GatewayRefused, GatewayUnavailable
from gateways.google import ServiceAccount
from gateways.push import DeviceGone, Fcm, Push
from tests.http_server import Answer, HttpServer, http_server

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
TOKEN, SEND = "/token", "/v1/projects/our-project/messages:send"
PUSH = Push(title="New offer", body="Home clean", data={"offer": "1"})
DELIVERY = str(UUID(int=0x9F3A12BC))
GOOD = Answer(body={"name": "projects/our-project/messages/7"})


def credentials(server: HttpServer, **changes: Any) -> str:
    said = {
        "type": "service_account",
        "project_id": "our-project",
        "client_email": "push@our-project.iam.example",
        "private_key": PEM,
        "token_uri": f"{server.address}{TOKEN}",
    }
    return json.dumps(said | changes)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as listening:
        tokens = ({"access_token": f"token-{n}", "expires_in": 3600} for n in range(1, 9))
        listening.say(TOKEN, *(Answer(body=body) for body in tokens))
        listening.say(SEND, GOOD)
        yield listening


@pytest.fixture
async def fcm(server: HttpServer) -> AsyncIterator[Fcm]:
    account = ServiceAccount.read(credentials(server))
    sender = Fcm(account, base=server.address, timeout=5)
    yield sender
    await sender.close()


async def send(fcm: Fcm) -> str:
    return await fcm.send(token="device-1", push=PUSH, key=DELIVERY)


def refusal(status: int, code: str, **details: Any) -> Answer:
    error = {"code": status, "status": code, "message": "Why not", "details": [details]}
    return Answer(status=status, body={"error": error})


async def test_a_message_replaces_what_was_sent_under_its_key(server: HttpServer, fcm: Fcm) -> None:
    assert await send(fcm) == "projects/our-project/messages/7"
    (asked,) = server.at(SEND)
    assert asked.headers["Authorization"] == "Bearer token-1"
    assert asked.json == {
        "message": {
            "token": "device-1",
            "notification": {"title": "New offer", "body": "Home clean"},
            "data": {"offer": "1"},
            "android": {"collapse_key": DELIVERY, "notification": {"tag": DELIVERY}},
            "apns": {"headers": {"apns-collapse-id": DELIVERY}},
            "webpush": {
                "headers": {"Topic": DELIVERY.replace("-", "")},
                "notification": {"tag": DELIVERY},
            },
        }
    }


async def test_we_prove_who_we_are_with_the_key(server: HttpServer, fcm: Fcm) -> None:
    await send(fcm)
    (asked,) = server.at(TOKEN)
    assert asked.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    audience = f"{server.address}{TOKEN}"
    claims = jwt.decode(
        asked.form["assertion"], KEY.public_key(), algorithms=["RS256"], audience=audience
    )
    assert claims["iss"] == "push@our-project.iam.example"
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert claims["exp"] - claims["iat"] == 600


async def test_a_token_serves_all_until_shortly_before_it_lapses(
    server: HttpServer, fcm: Fcm
) -> None:
    with time_machine.travel("2026-06-01T12:00:00Z", tick=False) as clock:
        await asyncio.gather(*(send(fcm) for _ in range(10)))
        clock.shift(timedelta(minutes=54))
        await send(fcm)
        assert len(server.at(TOKEN)) == 1
        clock.shift(timedelta(minutes=2))
        await send(fcm)
    assert len(server.at(TOKEN)) == 2
    assert server.at(SEND)[-1].headers["Authorization"] == "Bearer token-2"


async def test_a_token_that_was_withdrawn_is_renewed_once(server: HttpServer, fcm: Fcm) -> None:
    await send(fcm)
    server.say(SEND, refusal(401, "UNAUTHENTICATED"), GOOD)
    await send(fcm)
    assert [one.headers["Authorization"] for one in server.at(SEND)] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]

    server.say(SEND, refusal(401, "UNAUTHENTICATED"))
    with pytest.raises(GatewayUnavailable, match="UNAUTHENTICATED"):
        await send(fcm)
    assert len(server.at(SEND)) == 5


@pytest.mark.parametrize(
    "answer",
    [
        refusal(404, "NOT_FOUND", errorCode="UNREGISTERED"),
        Answer(status=404, body=b"gone"),
        refusal(400, "INVALID_ARGUMENT", errorCode="UNREGISTERED"),
        refusal(400, "INVALID_ARGUMENT", fieldViolations=[{"field": "message.token"}]),
    ],
)
async def test_a_device_that_is_gone_is_said_to_be(
    server: HttpServer, fcm: Fcm, answer: Answer
) -> None:
    server.say(SEND, answer)
    with pytest.raises(DeviceGone):
        await send(fcm)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "INVALID_ARGUMENT", fieldViolations=[{"field": "message.data"}]),
        refusal(403, "PERMISSION_DENIED", errorCode="SENDER_ID_MISMATCH"),
    ],
)
async def test_another_refusal_forgets_no_device(
    server: HttpServer, fcm: Fcm, answer: Answer
) -> None:
    server.say(SEND, answer)
    with pytest.raises(GatewayRefused, match=r"FCM .*Why not") as caught:
        await send(fcm)
    assert not isinstance(caught.value, DeviceGone)


@pytest.mark.parametrize(
    "answer",
    [
        refusal(429, "RESOURCE_EXHAUSTED", errorCode="QUOTA_EXCEEDED"),
        refusal(503, "UNAVAILABLE", errorCode="UNAVAILABLE"),
        Answer(status=500, body={"error": "not an object"}),
        Answer(status=502, body=[]),
        Answer(drops=True),
    ],
)
async def test_what_may_go_better_later_is_unavailable(
    server: HttpServer, fcm: Fcm, answer: Answer
) -> None:
    server.say(SEND, answer)
    with pytest.raises(GatewayUnavailable):
        await send(fcm)


async def test_its_wish_for_patience_is_passed_on(server: HttpServer, fcm: Fcm) -> None:
    server.say(SEND, Answer(status=429, body={}, headers={"Retry-After": "60"}))
    with pytest.raises(GatewayUnavailable) as caught:
        await send(fcm)
    assert caught.value.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=400, body={"error": "invalid_grant"}),
        Answer(status=503, body=b""),
        Answer(body={"access_token": None}),
        Answer(drops=True),
    ],
)
async def test_without_a_token_nothing_is_sent(
    server: HttpServer, fcm: Fcm, answer: Answer
) -> None:
    server.say(TOKEN, answer)
    with pytest.raises(GatewayUnavailable, match="Google"):
        await send(fcm)
    assert server.at(SEND) == []


def test_a_key_is_read_from_its_text_or_its_file(server: HttpServer, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(credentials(server))
    account = ServiceAccount.read(str(file))
    assert account == ServiceAccount.read(f"\n{credentials(server)}")
    assert account.project_id == "our-project"
    assert PEM not in repr(account)


def test_anything_else_is_refused_without_being_repeated(
    server: HttpServer, tmp_path: Path
) -> None:
    lacking = json.loads(credentials(server))
    del lacking["project_id"]
    for wrong in (
        *(str(tmp_path / "none.json"), str(tmp_path), "{", "{}", json.dumps(lacking)),
        credentials(server, private_key="no key"),
    ):
        with pytest.raises(ValueError, match="CALLOUT_FCM_CREDENTIALS") as caught:
            ServiceAccount.read(wrong)
        assert "no key" not in str(caught.value)
