"""Which job does an event call for? One table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.events import EventType, RecordedEvent
from workers.queue import Call, Queue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A job to do about one of the ids in the event's subject."""

    job: str
    about: str
    queue: Queue
    after: timedelta = timedelta()


_MATCH: Final = Route(job="advance_matching", about="booking", queue="critical")

#: Events without a line call for nothing.
ROUTES: Final[Mapping[EventType, tuple[Route, ...]]] = {
    EventType.BOOKING_REQUESTED: (_MATCH,),
    EventType.BOOKING_APPROVED: (_MATCH,),
    EventType.OFFER_REJECTED: (_MATCH,),
    EventType.JOB_REPLAYED: (Route(job="replay_dead_letter", about="dead_letter", queue="slow"),),
}


def calls(event: RecordedEvent) -> list[Call]:
    """The jobs that `event` calls for. Told twice, it makes the same calls, which collapse."""
    return [
        Call(
            job=route.job,
            arguments=(str(event.subject[route.about]),),
            queue=route.queue,
            key=f"{event.id}:{route.job}",
            at=event.occurred_at + route.after if route.after else None,
        )
        for route in ROUTES.get(event.type, ())
    ]
