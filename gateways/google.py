"""How do we prove to Google who we are? By a token for an hour, got with a key."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import jwt
import orjson

from gateways.answers import asking, fields, patience
from gateways.errors import GatewayUnavailable

if TYPE_CHECKING:
    import httpx

_SERVICE: Final = "Google"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Seconds that our own claim is good for, and that a token is used for less than it could be.
_CLAIM: Final = 600
_EARLY: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """What is in the key file of a service account, as far as it is needed."""

    project_id: str
    client_email: str
    private_key: str = field(repr=False)
    token_uri: str = "https://oauth2.googleapis.com/token"

    @classmethod
    def read(cls, text_or_path: str) -> ServiceAccount:
        """The account of a key, given as its JSON or as the path of its file. Raises ValueError."""
        try:
            is_json = text_or_path.lstrip().startswith("{")
            said = orjson.loads(text_or_path if is_json else Path(text_or_path).read_bytes())
            known = {name: said[name] for name in cls.__slots__ if name in said}
            account = cls(**known)
            jwt.encode({}, account.private_key, algorithm="RS256")
        except (OSError, ValueError, TypeError, KeyError, jwt.PyJWTError) as error:
            message = "CALLOUT_FCM_CREDENTIALS is no service account's key, nor the path of one"
            raise ValueError(message) from error
        return account


class AccessTokens:
    """Gets a token and keeps it until shortly before it lapses."""

    def __init__(self, account: ServiceAccount, http: httpx.AsyncClient, *, scope: str) -> None:
        """For what is in `scope`."""
        self._account = account
        self._http = http
        self._scope = scope
        self._token = ""
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def current(self) -> str:
        """A token that is good. Raises GatewayUnavailable."""
        # Whoever comes while one is asked for waits for it.
        async with self._asking:
            if time.time() >= self._good_until:
                await self._renew()
            return self._token

    def forget(self) -> None:
        """The token is good no more."""
        self._good_until = 0.0

    async def _renew(self) -> None:
        async with asking(_SERVICE):
            response = await self._http.post(
                self._account.token_uri, data={"grant_type": _GRANT, "assertion": self._claim()}
            )
        said = fields(response)
        token = said.get("access_token")
        if not response.is_success or not isinstance(token, str):
            reason = f"{_SERVICE} gives no token: {response.status_code} {said.get('error', '')}"
            raise GatewayUnavailable(reason, retry_after=patience(response))
        lasts = float(said.get("expires_in", 3600))
        self._token = token
        self._good_until = time.time() + max(lasts - _EARLY, lasts / 2)

    def _claim(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._account.client_email,
            "scope": self._scope,
            "aud": self._account.token_uri,
            "iat": now,
            "exp": now + _CLAIM,
        }
        return jwt.encode(claims, self._account.private_key, algorithm="RS256")
