"""Do people sign up and change their password over the wire, and is none of it ever shown?"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from api import ids
from callout import logs
from db.engine import Database
from db.tables import sessions as sessions_table
from db.tables import users
from domain.people import Role
from gateways.settings import Settings
from tests.api.front_end import (
    ADA,
    CHANGE,
    PASSWORD,
    REFRESH,
    SIGN_IN,
    SIGN_UP,
    Client,
    Connect,
    assert_unauthenticated,
    change_user,
    count,
    user_id,
)


async def test_signing_up_makes_a_customer_who_is_signed_in(client: Client) -> None:
    result = await client.sign_up(email=" Ada@Example.COM ", phone="+44 20 7183 8750")
    assert result["__typename"] == "SignUpSuccess"
    user = dict(result["session"]["user"])
    assert isinstance(user.pop("createdAt"), str)
    assert user == {
        "id": ids.encode("User", user_id(client)),
        "email": "ada@example.com",
        "role": "CUSTOMER",
        "givenName": "Ada",
        "familyName": "Lovelace",
        "name": "Ada Lovelace",
        "phone": "+442071838750",
        "timeZone": "Europe/London",
    }
    me = (await client.me()).json()["data"]["me"]
    assert me == {name: user[name] for name in ("id", "email", "role")}


async def test_a_provider_may_sign_up_and_choose_a_time_zone(client: Client) -> None:
    result = await client.sign_up(role="PROVIDER", timeZone="Asia/Kathmandu")
    user = result["session"]["user"]
    assert (user["role"], user["timeZone"]) == ("PROVIDER", "Asia/Kathmandu")


async def test_every_wrong_field_of_a_sign_up_is_named_at_once_and_nothing_is_written(
    client: Client, database: Database
) -> None:
    result = await client.sign_up(
        email="ada@", password="short", givenName=" ", familyName="x" * 101, role="ADMIN"
    )
    assert result["__typename"] == "InvalidInput"
    assert result["code"] == "INVALID_INPUT"
    assert result["path"] == ["email"]
    assert [error["path"] for error in result["errors"]] == [
        ["email"],
        ["password"],
        ["givenName"],
        ["familyName"],
        ["role"],
    ]
    assert await count(database, users) == 0


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@localhost",
        "a@b@c",
        "ada@exam ple.com",
        "é@example.com",
        "ada\u0000@example.com",
        "a" * 70 + "@example.com",
        "x" * 5000 + "@example.com",
    ],
    ids=lambda email: ascii(email[:20]),
)
async def test_what_is_no_deliverable_address_is_refused(client: Client, email: str) -> None:
    result = await client.sign_up(email=email)
    assert [error["path"] for error in result["errors"]] == [["email"]]


async def test_a_domain_in_another_script_is_kept_as_mail_servers_write_it(client: Client) -> None:
    result = await client.sign_up(email="ada@BÜCHER.example.com")
    assert result["session"]["user"]["email"] == "ada@xn--bcher-kva.example.com"
    again = await client.sign_in(email="ada@bücher.example.com")
    assert again["__typename"] == "SignInSuccess"


async def test_a_password_equal_to_the_address_is_refused(client: Client) -> None:
    result = await client.sign_up(password="ADA@example.com")
    assert [error["path"] for error in result["errors"]] == [["password"]]


async def test_an_address_in_use_is_refused_in_any_spelling(
    client: Client, database: Database
) -> None:
    await client.sign_up()
    result = await client.sign_up(email="ADA@EXAMPLE.com", givenName="Eve")
    assert result == {
        "__typename": "EmailTaken",
        "message": "There is an account with this e-mail address; sign in instead.",
        "code": "EMAIL_TAKEN",
        "path": ["email"],
    }
    assert await count(database, users) == 1
    assert await count(database, sessions_table) == 1


@pytest.mark.parametrize(
    ("field", "value"), [("phone", "12345"), ("timeZone", "Mars/Olympus"), ("role", "KING")]
)
async def test_a_value_of_the_wrong_kind_is_bad_user_input(
    client: Client, field: str, value: str
) -> None:
    response = await client.send(SIGN_UP, input={**ADA, field: value})
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["field"] == ["input", field]


async def test_a_changed_password_holds_and_ends_the_other_sessions(connect: Connect) -> None:
    phone, laptop = connect(), connect()
    await phone.sign_up()
    await laptop.sign_in()
    result = await phone.act(
        CHANGE,
        phone.session["accessToken"],
        oldPassword=PASSWORD,
        newPassword="staple battery horse",
    )
    assert result == {"__typename": "ChangePasswordSuccess", "endedSessions": 1}
    assert (await phone.me()).status_code == 200
    assert_unauthenticated(await laptop.me())
    assert (await laptop.sign_in())["__typename"] == "InvalidCredentials"
    again = await laptop.sign_in(password="staple battery horse")
    assert again["__typename"] == "SignInSuccess"


async def test_a_refused_change_of_password_changes_nothing(connect: Connect) -> None:
    phone, laptop = connect(), connect()
    await phone.sign_up()
    await laptop.sign_in()
    token = phone.session["accessToken"]
    wrong = await phone.act(
        CHANGE, token, oldPassword="wrong horse battery", newPassword="staple battery horse"
    )
    assert wrong["__typename"] == "InvalidCredentials"
    weak = await phone.act(CHANGE, token, oldPassword=PASSWORD, newPassword="short")
    assert weak["__typename"] == "InvalidInput"
    assert [error["path"] for error in weak["errors"]] == [["newPassword"]]
    assert (await laptop.me()).status_code == 200
    assert (await laptop.sign_in())["__typename"] == "SignInSuccess"


async def test_the_old_password_cannot_be_found_out_by_trying(client: Client) -> None:
    await client.sign_up()
    token = client.session["accessToken"]
    tries = {"oldPassword": "wrong horse battery", "newPassword": "staple battery horse"}
    for _ in range(10):
        await client.act(CHANGE, token, **tries)
    response = await client.send(CHANGE, token, input={**tries, "oldPassword": PASSWORD})
    assert response.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_an_account_is_a_node_to_its_owner_and_to_staff_only(
    connect: Connect, database: Database
) -> None:
    node = "query ($id: ID!) { node(id: $id) { ... on User { email } } }"
    ada, eve = connect(), connect()
    await ada.sign_up()
    await eve.sign_up(email="eve@example.com")
    ada_id = ada.session["user"]["id"]

    async def seen_by(client: Client) -> Any:
        response = await client.send(node, client.session["accessToken"], id=ada_id)
        return response.json()["data"]["node"]

    assert await seen_by(ada) == {"email": "ada@example.com"}
    assert await seen_by(eve) is None
    await change_user(database, eve, role=Role.DISPATCHER)
    assert await seen_by(eve) == {"email": "ada@example.com"}


@pytest.fixture(params=["json", "console"])
def printed(request: pytest.FixtureRequest, settings: Settings) -> Iterator[io.StringIO]:
    """Everything this process logs, as the product prints it in each of its formats."""
    root, before, paper = logging.getLogger(), structlog.get_config(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    with contextlib.redirect_stdout(paper):
        logs.configure(
            settings.model_copy(update={"log_format": request.param, "log_level": "debug"})
        )
    # A cached logger would go on printing in this way after the test.
    structlog.configure(cache_logger_on_first_use=False)
    yield paper
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_neither_password_nor_token_is_ever_logged(
    printed: io.StringIO, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.sign_up()
    await client.sign_in(password="wrong horse battery")
    shown_before = client.session["refreshToken"]
    await client.act(REFRESH, refreshToken=shown_before)
    access, refresh = client.session["accessToken"], client.session["refreshToken"]
    await client.me()
    assert_unauthenticated(await client.me(access + "x"))

    async def fault(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a fault in the middle of the act")

    monkeypatch.setattr("db.sessions.open_for", fault)
    monkeypatch.setattr("db.sessions.refresh", fault)
    newcomer = {**ADA, "email": "b@example.com", "password": "another horse battery"}
    for answer in [
        await client.send(SIGN_IN, input={"email": ADA["email"], "password": PASSWORD}),
        await client.send(SIGN_UP, input=newcomer),
        await client.send(REFRESH, input={"refreshToken": refresh}),
    ]:
        assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    log = printed.getvalue()
    assert log.count("RuntimeError: a fault in the middle of the act") == 3
    for secret in (PASSWORD, "horse battery", shown_before, access, refresh):
        assert secret not in log
