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
    """A job to do about one of the ids in the event's subject; about none, there is none to do."""

    job: str
    about: str
    queue: Queue
    after: timedelta = timedelta()


_MATCH: Final = Route(job="advance_matching", about="booking", queue="critical")
#: Time of a provider's has become free; a booking that had no provider frees none.
_PASS_ON: Final = Route(job="grant_waitlist", about="provider", queue="critical")

#: Events without a line call for nothing.
ROUTES: Final[Mapping[EventType, tuple[Route, ...]]] = {
    EventType.BOOKING_REQUESTED: (_MATCH,),
    EventType.BOOKING_APPROVED: (_MATCH,),
    EventType.BOOKING_TERMS_ACCEPTED: (_MATCH,),
    EventType.BOOKING_RELEASED: (_MATCH, _PASS_ON),
    EventType.BOOKING_RESCHEDULED: (_MATCH, _PASS_ON),
    EventType.OFFER_REJECTED: (_MATCH,),
    EventType.SEARCH_PLACE_FREED: (_MATCH,),
    EventType.BOOKING_CANCELLED: (_PASS_ON,),
    EventType.BOOKING_DECLINED: (_PASS_ON,),
    EventType.BOOKING_NO_SHOW: (_PASS_ON,),
    EventType.SLOT_FREED: (_PASS_ON,),
    EventType.PROVIDER_AVAILABILITY_CHANGED: (_PASS_ON,),
    EventType.WAITLIST_JOINED: (
        Route(job="look_for_slot", about="waitlist_entry", queue="critical"),
    ),
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
        if route.about in event.subject
    ]
