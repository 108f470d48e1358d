"""What proves that a link which leaves us is ours? A signature over what it names.

Whoever holds such a link may do the one thing that it is for, without signing in: read a receipt,
say that they want no more of some messages. A link for one purpose is worth nothing for another.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import orjson

#: Longer texts are no token of ours, and are not worth parsing.
_MAX_LENGTH: Final = 1024


class Purpose(StrEnum):
    """What a signed link is for. Each has a key of its own."""

    RECEIPT = "receipt"
    STATEMENT = "statement"
    UNSUBSCRIBE = "unsubscribe"


class BadLink(Exception):
    """This is no valid link of ours. The reason is for us, not for its holder."""


class Links:
    """Signs the tokens in links, and reads them back."""

    def __init__(self, secret: str) -> None:
        """Sign with keys derived from `secret`, one for each purpose."""
        self._keys = {
            purpose: hmac.digest(secret.encode(), b"link:" + purpose.encode(), hashlib.sha256)
            for purpose in Purpose
        }

    def sign(self, purpose: Purpose, *parts: str, expires: datetime | None = None) -> str:
        """A token for an address: it names the parts, for one purpose, until it expires."""
        said = orjson.dumps([int(expires.timestamp()) if expires else None, *parts])
        return f"{_text(said)}.{_text(self._seal(purpose, said))}"

    def read(self, purpose: Purpose, token: str) -> tuple[str, ...]:
        """The parts that a token names. Raises BadLink for any that we did not sign for this
        purpose, or that has expired."""
        if len(token) > _MAX_LENGTH:
            raise BadLink("too long")
        body, _, seal = token.partition(".")
        said = _bytes(body)
        if not hmac.compare_digest(self._seal(purpose, said), _bytes(seal)):
            raise BadLink("not ours")
        expires, *parts = orjson.loads(said)
        if expires is not None and datetime.now(UTC).timestamp() >= expires:
            raise BadLink("expired")
        return tuple(parts)

    def _seal(self, purpose: Purpose, said: bytes) -> bytes:
        return hmac.digest(self._keys[purpose], said, hashlib.sha256)


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise BadLink("no base64") from error
    if _text(raw) != text:
        # One token has one spelling.
        raise BadLink("spelt otherwise")
    return raw
