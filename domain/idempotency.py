"""When is a repeated request the same request?"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from domain.refusals import Refusal, check_sizes


class IdempotencyKeyReused(Refusal):
    """The key has answered a request with another body."""

    def __init__(self) -> None:
        super().__init__(
            "This idempotency key was used with other input. Use a new key for a new request."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A client's key for one act, and a digest of what it asked for."""

    act: str
    text: str
    body_hash: bytes


def key(act: str, text: str | None, body: object) -> Key | None:
    """The key `text` of a request to `act` with this body (any value with a faithful repr).

    None when the client gave none. Raises InvalidInput for one that cannot be kept.
    """
    if text is None:
        return None
    check_sizes(idempotencyKey=(text, 1, 200))
    return Key(act=act, text=text, body_hash=sha256(repr(body).encode()).digest())
