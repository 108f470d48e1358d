"""What does the HTTP answer of a service outside mean: done, later, or never?"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

from gateways.errors import GatewayUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: A service does not get to put us off for longer.
_MOST_PATIENCE: Final = timedelta(hours=1)
#: "Too many requests", and "you took too long to ask".
_LATER: Final = frozenset({408, 425, 429})


@asynccontextmanager
async def asking(service: str) -> AsyncIterator[None]:
    """Ask within this. Raises GatewayUnavailable when there is no answer."""
    try:
        yield
    except httpx.HTTPError as error:
        reason = f"{service} did not answer: {type(error).__name__} {error}".strip()
        raise GatewayUnavailable(reason) from error


def is_for_later(response: httpx.Response) -> bool:
    """Is it worth asking the same again?"""
    return response.status_code >= 500 or response.status_code in _LATER


def patience(response: httpx.Response) -> timedelta | None:
    """How long it asks us to wait, if it does: so many seconds, or until a time."""
    said = response.headers.get("Retry-After", "").strip()
    try:
        wait = timedelta(seconds=int(said))
    except (ValueError, OverflowError):
        try:
            wait = parsedate_to_datetime(said).astimezone(UTC) - datetime.now(UTC)
        except (ValueError, TypeError):
            return None
    return min(max(wait, timedelta()), _MOST_PATIENCE)


def fields(response: httpx.Response) -> dict[str, Any]:
    """What it says, if it says that in JSON."""
    try:
        said = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
