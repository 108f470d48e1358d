"""What does an id look like outside? One opaque text for every thing: its kind and UUID.

The API takes and gives these, and so do links into the app and the data of push messages.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


def encode(kind: str, uid: UUID) -> str:
    """The global id of the `kind` with this UUID."""
    return urlsafe_b64encode(f"{kind}:{uid.hex}".encode()).decode().rstrip("=")
