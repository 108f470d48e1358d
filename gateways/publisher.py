"""How does a live stream hear of an event at once? By a message on its topic's Redis channel.

The message carries ids only. Whoever misses one catches up from the feed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import orjson

from domain.events import EventType
from domain.feed import FeedEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

#: How many topics a publisher remembers the last entry of.
_MEMORY: Final = 10_000


class MalformedMessage(ValueError):
    """What came over the wire is not a message of ours."""


def channel(namespace: str, topic: str) -> str:
    """The Redis channel of a topic."""
    return f"{namespace}:live:{topic}"


def message(entry: FeedEntry) -> bytes:
    """What goes over the wire for one entry."""
    return orjson.dumps(
        {
            "seq": entry.seq,
            "topic": entry.topic,
            # As text: the driver's own UUID type is not one that orjson knows.
            "event_id": str(entry.event_id),
            "type": entry.type,
            "subject": entry.subject,
            "occurred_at": entry.occurred_at,
            "previous": entry.previous,
        }
    )


def parse(text: str) -> FeedEntry:
    """The entry that a message tells. Raises MalformedMessage."""
    try:
        fields = orjson.loads(text)
        return FeedEntry(
            topic=str(fields["topic"]),
            seq=int(fields["seq"]),
            event_id=UUID(fields["event_id"]),
            type=EventType(fields["type"]),
            subject={name: UUID(value) for name, value in fields["subject"].items()},
            occurred_at=datetime.fromisoformat(fields["occurred_at"]),
            previous=None if fields["previous"] is None else int(fields["previous"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedMessage(str(error)) from error


class Publisher:
    """Publishes feed entries on the live channels of one installation."""

    def __init__(self, redis: Redis, namespace: str) -> None:
        self._redis = redis
        self._namespace = namespace
        self._last: dict[str, int] = {}

    def forget(self) -> None:
        """Begin anew: another publisher may have been active since."""
        self._last.clear()

    async def publish(self, entries: Iterable[FeedEntry]) -> None:
        """Publish all of them, in order, in one round trip.

        Each names the one before it on its topic, where that was published here, so that a
        listener knows without asking that it missed none.
        """
        told: dict[str, int] = {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in entries:
                before = told.get(entry.topic, self._last.get(entry.topic))
                previous = before if before is not None and before < entry.seq else None
                pipe.publish(
                    channel(self._namespace, entry.topic),
                    message(replace(entry, previous=previous)),
                )
                told[entry.topic] = entry.seq
            # Should this fail, nobody knows what has been told; whoever goes on says so.
            for topic in told:
                self._last.pop(topic, None)
            await pipe.execute()
        if len(self._last) + len(told) > _MEMORY:
            self._last.clear()
        self._last.update(told)
