"""Do people sign in, on and out over the wire, and does nobody else get in?"""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest
from sqlalchemy import func

from db.engine import Database
from domain.people import Role
from gateways.passwords import Passwords
from gateways.settings import Settings
from tests.api.front_end import (
    ADA,
    CHANGE,
    ME,
    PASSWORD,
    REFRESH,
    SIGN_IN,
    SIGN_OUT,
    Client,
    Connect,
    announced,
    assert_unauthenticated,
    change_user,
    session_id,
    user_id,
)


async def test_signing_in_begins_another_session(connect: Connect) -> None:
    phone, laptop = connect(), connect()
    await phone.sign_up()
    result = await laptop.sign_in(email="ADA@example.com ")
    assert result["__typename"] == "SignInSuccess"
    assert session_id(phone) != session_id(laptop)
    assert (await phone.me()).json()["data"] == (await laptop.me()).json()["data"]


async def test_every_failed_sign_in_answers_alike(client: Client, database: Database) -> None:
    await client.sign_up()
    await client.sign_up(email="closed@example.com")
    await change_user(database, client, disabled_at=func.now())
    answers = [
        await client.sign_in(password="wrong horse battery"),
        await client.sign_in(email="nobody@example.com"),
        await client.sign_in(email="not an address"),
        await client.sign_in(email="a\u0000b@example.com"),
        await client.sign_in(email="closed@example.com"),
    ]
    assert (
        answers
        == [
            {
                "__typename": "InvalidCredentials",
                "message": "The e-mail address or the password is wrong.",
                "code": "INVALID_CREDENTIALS",
                "path": None,
            }
        ]
        * 5
    )


async def test_an_unknown_account_costs_one_verification_like_a_known_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.sign_up()
    verified: list[bool] = []
    real = Passwords._matches

    def counting(self: Passwords, stored: str, password: bytes) -> bool:
        verified.append(real(self, stored, password))
        return verified[-1]

    monkeypatch.setattr(Passwords, "_matches", counting)
    await client.sign_in(password="wrong horse battery")
    await client.sign_in(email="nobody@example.com")
    assert verified == [False, False]


async def test_the_eleventh_sign_in_of_an_account_is_refused_whatever_the_address(
    connect: Connect,
) -> None:
    await connect().sign_up()
    for number in range(10):
        await connect(f"198.51.100.{number}").sign_in(password="wrong horse battery")
    body = {"email": "ADA@example.com", "password": PASSWORD}
    response = await connect("198.51.100.99").send(SIGN_IN, input=body)
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 0 < error["extensions"]["retryAfter"] <= 900


async def test_the_eleventh_sign_in_from_an_address_is_refused_whatever_the_account(
    connect: Connect,
) -> None:
    await connect().sign_up()
    crowd = connect("198.51.100.1")
    for number in range(10):
        await crowd.sign_in(email=f"nobody{number}@example.com")
    response = await crowd.send(SIGN_IN, input={"email": ADA["email"], "password": PASSWORD})
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    # Nor did the refused try count against the account.
    assert (await connect("198.51.100.2").sign_in())["__typename"] == "SignInSuccess"


async def test_one_household_of_ipv6_addresses_is_one_address(connect: Connect) -> None:
    for number in range(10):
        await connect(f"2001:db8::{number}").sign_in(email=f"nobody{number}@example.com")
    response = await connect("2001:db8::ffff").send(
        SIGN_IN, input={"email": ADA["email"], "password": PASSWORD}
    )
    assert response.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_refreshing_gives_the_next_tokens_of_the_same_session(client: Client) -> None:
    await client.sign_up()
    first = dict(client.session)
    result = await client.act(REFRESH, refreshToken=first["refreshToken"])
    assert result["__typename"] == "RefreshSessionSuccess"
    assert client.session["refreshToken"] != first["refreshToken"]
    assert client.session["accessToken"] != first["accessToken"]
    assert client.session["expiresAt"] == first["expiresAt"]
    assert client.session["user"] == first["user"]
    assert (await client.me()).status_code == 200


async def test_showing_a_used_refresh_token_ends_the_session_at_once(
    client: Client, database: Database
) -> None:
    await client.sign_up()
    stolen = client.session["refreshToken"]
    await client.act(REFRESH, refreshToken=stolen)
    ended = {
        "__typename": "SessionEnded",
        "message": "This session has ended; sign in again.",
        "code": "SESSION_ENDED",
        "path": None,
    }
    assert await client.act(REFRESH, refreshToken=stolen) == ended
    assert_unauthenticated(await client.me())
    assert await client.act(REFRESH, refreshToken=client.session["refreshToken"]) == ended
    subject = {"session": str(session_id(client)), "user": str(user_id(client))}
    assert await announced(database) == [("session.revoked", subject)]


@pytest.mark.parametrize("token", ["", "garbage", "\u0000", "é" * 1000], ids=ascii)
async def test_a_refresh_token_that_was_never_given_continues_nothing(
    client: Client, token: str
) -> None:
    await client.sign_up()
    result = await client.act(REFRESH, refreshToken=token)
    assert result["__typename"] == "SessionEnded"
    assert (await client.me()).status_code == 200


async def test_of_two_refreshes_at_once_exactly_one_wins(connect: Connect) -> None:
    client = connect()
    await client.sign_up()
    token = client.session["refreshToken"]
    answers = await asyncio.gather(*(connect().act(REFRESH, refreshToken=token) for _ in range(2)))
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["RefreshSessionSuccess", "SessionEnded"]


async def test_signing_out_ends_the_session_at_once(connect: Connect, database: Database) -> None:
    phone, laptop = connect(), connect()
    await phone.sign_up()
    await laptop.sign_in()
    token = phone.session["accessToken"]
    assert await phone.act(SIGN_OUT, token) == {
        "__typename": "SignOutSuccess",
        "endedSessions": 1,
    }
    assert_unauthenticated(await phone.me())
    result = await phone.act(REFRESH, refreshToken=phone.session["refreshToken"])
    assert result["__typename"] == "SessionEnded"
    assert (await laptop.me()).status_code == 200
    subject = {"session": str(session_id(phone)), "user": str(user_id(phone))}
    assert await announced(database) == [("session.revoked", subject)]


async def test_signing_out_everywhere_ends_every_session(connect: Connect) -> None:
    phone, laptop = connect(), connect()
    await phone.sign_up()
    await laptop.sign_in()
    result = await laptop.act(SIGN_OUT, laptop.session["accessToken"], everywhere=True)
    assert result["endedSessions"] == 2
    assert_unauthenticated(await phone.me())
    assert_unauthenticated(await laptop.me())


async def test_a_disabled_person_is_refused_at_once(client: Client, database: Database) -> None:
    await client.sign_up()
    await change_user(database, client, disabled_at=func.now())
    assert_unauthenticated(await client.me())
    result = await client.act(REFRESH, refreshToken=client.session["refreshToken"])
    assert result["__typename"] == "SessionEnded"


async def test_a_changed_role_holds_for_the_very_next_request(
    client: Client, database: Database
) -> None:
    await client.sign_up()
    await change_user(database, client, role=Role.ANALYST)
    assert (await client.me()).json()["data"]["me"]["role"] == "ANALYST"
    await client.act(REFRESH, refreshToken=client.session["refreshToken"])
    claims = jwt.decode(client.session["accessToken"], options={"verify_signature": False})
    assert claims["role"] == "ANALYST"


@pytest.mark.parametrize(
    "token",
    ["garbage", "a.b.c", "x" * 5000, jwt.encode({"sub": "1"}, "", algorithm="none")],
    ids=lambda token: token[:12],
)
async def test_a_token_that_is_not_ours_is_refused(client: Client, token: str) -> None:
    assert_unauthenticated(await client.me(token))


@pytest.mark.parametrize(
    "changes",
    [{"exp": 1}, {"aud": "another"}, {"iss": "another"}, {"sid": "0" * 32}, {"sub": "0" * 32}],
    ids=str,
)
async def test_a_token_signed_by_us_for_something_else_is_refused(
    client: Client, settings: Settings, changes: dict[str, Any]
) -> None:
    await client.sign_up()
    claims = jwt.decode(client.session["accessToken"], options={"verify_signature": False})
    secret = settings.secret.get_secret_value()
    assert (await client.me(jwt.encode(claims, secret, algorithm="HS256"))).status_code == 200
    assert_unauthenticated(
        await client.me(jwt.encode({**claims, **changes}, secret, algorithm="HS256"))
    )


@pytest.mark.parametrize(
    "document", [ME, SIGN_OUT, CHANGE], ids=["me", "signOut", "changePassword"]
)
async def test_what_needs_a_person_is_refused_without_one(client: Client, document: str) -> None:
    inputs: dict[str, dict[str, Any]] = {
        SIGN_OUT: {"input": {}},
        CHANGE: {"input": {"oldPassword": PASSWORD, "newPassword": "staple battery horse"}},
    }
    response = await client.send(document, **inputs.get(document, {}))
    codes = {error["extensions"]["code"] for error in response.json()["errors"]}
    assert codes == {"UNAUTHENTICATED"}
