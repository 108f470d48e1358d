"""By what short text do people name a booking to each other?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


def reference(uid: UUID) -> str:
    """The last eight digits of an id, which are random: "9F3A-12BC"."""
    digits = uid.hex[-8:].upper()
    return f"{digits[:4]}-{digits[4:]}"
