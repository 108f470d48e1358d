"""What does a signed-in client hold, and what do we believe of it when it is shown again?

An access token is a JWT that says who and in which session for fifteen minutes; it is proof of
identity only, and what its holder may do is read from the database each time. A refresh token is
a long random text; we keep no more of it than a hash.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import jwt

if TYPE_CHECKING:
    from domain.people import Role

#: The one way tokens are signed. What a token's own header claims is never believed.
_ALGORITHM: Final = "HS256"
_CLAIMS: Final = ("iss", "aud", "sub", "exp", "iat", "jti", "role", "sid")
#: Longer texts are no token of ours, and are not worth parsing.
_MAX_LENGTH: Final = 4096

ACCESS_LIFETIME: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A signed access token and the instant it lapses."""

    text: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a valid access token proves: who, in which session, until when."""

    user_id: UUID
    session_id: UUID
    expires_at: datetime


class InvalidToken(Exception):
    """This is no valid access token of ours. The reason is for us, not for its holder."""


class AccessTokens:
    """Signs access tokens and reads them back."""

    def __init__(self, *, secret: str, issuer: str, audience: str) -> None:
        """Sign with `secret`, as `issuer`, for `audience`."""
        self._secret = secret
        self._issuer = issuer
        self._audience = audience

    def issue(
        self, *, user_id: UUID, role: Role, session_id: UUID, session_expires_at: datetime
    ) -> AccessToken:
        """A token for this person in this session, which it never outlives."""
        now = datetime.now(UTC)
        # Whole seconds, as the token itself keeps them, so that both say the same.
        expires_at = min(now + ACCESS_LIFETIME, session_expires_at).replace(microsecond=0)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "exp": expires_at,
            "iat": now,
            "jti": uuid4().hex,
            "role": role.value,
            "sid": str(session_id),
        }
        text = jwt.encode(claims, self._secret, algorithm=_ALGORITHM)
        return AccessToken(text=text, expires_at=expires_at)

    def read(self, text: str) -> Claims:
        """What this token proves. Raises InvalidToken for any we did not sign or no more honour."""
        if len(text) > _MAX_LENGTH:
            raise InvalidToken("too long")
        try:
            return _claims(self._decode(text))
        except (jwt.InvalidTokenError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidToken(type(error).__name__) from error

    def _decode(self, text: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            text,
            self._secret,
            algorithms=[_ALGORITHM],
            issuer=self._issuer,
            audience=self._audience,
            # `iat` is information. Judging it would refuse tokens fresh from a sibling process
            # whose clock runs a little ahead.
            options={"require": list(_CLAIMS), "verify_iat": False},
        )
        return claims


def _claims(claims: dict[str, Any]) -> Claims:
    return Claims(
        user_id=UUID(hex=str(claims["sub"])),
        session_id=UUID(hex=str(claims["sid"])),
        expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
    )


def new_refresh_token() -> str:
    """A refresh token: 256 random bits as text."""
    return secrets.token_urlsafe(32)


def fingerprint(refresh_token: str) -> bytes:
    """All we keep of a refresh token. It has too many random bits for its hash to be guessed."""
    return hashlib.sha256(refresh_token.encode(errors="surrogatepass")).digest()
