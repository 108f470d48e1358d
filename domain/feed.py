"""What does a live stream resume from? The entries of its topics, in delivery order."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.refusals import FieldError, InvalidInput, Refusal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.events import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One event as one topic tells it: ids only. The listener re-reads what they name."""

    topic: str
    #: Where it stands in delivery order; the same for every topic that tells the event.
    seq: int
    event_id: UUID
    type: EventType
    subject: dict[str, UUID]
    occurred_at: datetime
    #: The place of the entry before it on its topic, where the teller knows it.
    previous: int | None = None


class MalformedCursor(InvalidInput):
    """What a client sent as `after` is not a cursor that we gave out."""

    def __init__(self) -> None:
        super().__init__(
            FieldError(
                path=("after",),
                message="is not a cursor of a live stream; send one that an item carried, or none",
            )
        )


class ResyncRequired(Refusal):
    """The feed no longer holds the place that `after` names, so what followed it is unknown."""

    def __init__(self, seq: int) -> None:
        super().__init__(
            "The stream cannot resume from this cursor any more. Load the current state afresh "
            "and subscribe without `after`."
        )
        self.seq = seq


_VERSION: Final = "v1:"
_MOST: Final = 2**63 - 1


def encode_cursor(seq: int) -> str:
    """The opaque, versioned text of a place in delivery order."""
    return urlsafe_b64encode(f"{_VERSION}{seq}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    """The place that a cursor names. Raises MalformedCursor."""
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        seq = int(text.removeprefix(_VERSION))
    except ValueError:
        raise MalformedCursor from None
    # Exactly as we write it, and nothing else that happens to decode to the same.
    if not 0 <= seq <= _MOST or encode_cursor(seq) != cursor:
        raise MalformedCursor
    return seq
