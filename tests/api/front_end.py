"""A front end that signs people up, in and out over HTTP, as any client does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias
from uuid import UUID

import httpx
import jwt
from argon2 import Parameters, Type
from argon2.low_level import ARGON2_VERSION
from sqlalchemy import func, select, update

from api import ids
from db.engine import Database
from db.tables import events, users

CHEAP = Parameters(
    type=Type.ID,
    version=ARGON2_VERSION,
    salt_len=16,
    hash_len=32,
    time_cost=1,
    memory_cost=8,
    parallelism=1,
)

SESSION = """session {
  accessToken accessTokenExpiresAt refreshToken expiresAt
  user { id email role givenName familyName name phone timeZone createdAt }
}"""
PROBLEM = "... on Problem { message code path }"
INVALID = "... on InvalidInput { errors { path message } }"
SIGN_UP = f"""mutation ($input: SignUpInput!) {{
  signUp(input: $input) {{ __typename ... on SignUpSuccess {{ {SESSION} }} {PROBLEM} {INVALID} }}
}}"""
SIGN_IN = f"""mutation ($input: SignInInput!) {{
  signIn(input: $input) {{ __typename ... on SignInSuccess {{ {SESSION} }} {PROBLEM} }}
}}"""
REFRESH = f"""mutation ($input: RefreshSessionInput!) {{
  refreshSession(input: $input) {{
    __typename ... on RefreshSessionSuccess {{ {SESSION} }} {PROBLEM}
  }}
}}"""
SIGN_OUT = """mutation ($input: SignOutInput!) {
  signOut(input: $input) { __typename ... on SignOutSuccess { endedSessions } }
}"""
CHANGE = f"""mutation ($input: ChangePasswordInput!) {{
  changePassword(input: $input) {{
    __typename ... on ChangePasswordSuccess {{ endedSessions }} {PROBLEM} {INVALID}
  }}
}}"""
ME = "{ me { id email role } }"

PASSWORD = "correct horse battery"
ADA: Final = {
    "email": "ada@example.com",
    "password": PASSWORD,
    "givenName": "Ada",
    "familyName": "Lovelace",
}


class Client:
    """A front end: asks over HTTP, with the access token it was given last."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.session: dict[str, Any] = {}

    async def send(self, query: str, token: str | None = None, **variables: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        body = {"query": query, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=headers)

    async def act(self, mutation: str, token: str | None = None, **facts: Any) -> dict[str, Any]:
        response = await self.send(mutation, token, input=facts)
        answer = response.json()
        assert "errors" not in answer, answer
        (result,) = answer["data"].values()
        if "session" in result:
            self.session = result["session"]
        return dict(result)

    async def sign_up(self, **changes: Any) -> dict[str, Any]:
        return await self.act(SIGN_UP, **{**ADA, **changes})

    async def sign_in(self, **changes: Any) -> dict[str, Any]:
        proof = {"email": ADA["email"], "password": PASSWORD}
        return await self.act(SIGN_IN, **{**proof, **changes})

    async def me(self, token: str | None = None) -> httpx.Response:
        return await self.send(ME, token or self.session["accessToken"])


#: Makes a client at the address it is given, or at a usual one.
Connect: TypeAlias = Callable[..., Client]


def user_id(client: Client) -> UUID:
    decoded = ids.decode(client.session["user"]["id"])
    assert decoded is not None
    return decoded[1]


def session_id(client: Client) -> UUID:
    claims = jwt.decode(client.session["accessToken"], options={"verify_signature": False})
    return UUID(claims["sid"])


async def change_user(database: Database, client: Client, **values: Any) -> None:
    async with database.begin() as tx:
        await tx.execute(update(users).where(users.c.id == user_id(client)).values(**values))


async def announced(database: Database) -> list[tuple[str, dict[str, str]]]:
    async with database.read() as connection:
        rows = await connection.execute(
            select(events.c.type, events.c.subject).order_by(events.c.position)
        )
    return [(row.type, row.subject) for row in rows]


async def count(database: Database, table: Any) -> int:
    async with database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


def assert_unauthenticated(response: httpx.Response) -> None:
    assert response.status_code == 401
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
