"""Where do ids come from? UUIDv7: ordered by time of making, so new rows lie together on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uuid_utils.compat import uuid7

if TYPE_CHECKING:
    from uuid import UUID


def new_id() -> UUID:
    """A fresh id, greater than every one this process made before it."""
    return uuid7()
