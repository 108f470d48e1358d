"""Where do ids come from? UUIDv7: ordered by time of making, so new rows lie together on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The milliseconds since then are the first 48 of an id's 128 bits.
_BITS_BELOW_TIME: Final = 80


def new_id() -> UUID:
    """A fresh id, greater than every one this process made before it."""
    return uuid7()


def first_id(at: datetime) -> UUID:
    """No id made at this time or later is less than this one: an index on ids is one on time."""
    return UUID(int=(at - _EPOCH) // timedelta(milliseconds=1) << _BITS_BELOW_TIME)
