"""Which job does an event call for? One table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.events import EventType, RecordedEvent
from domain.telling import TABLE
from workers.queue import Call, Queue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A job to do about one of the ids in the event's subject, or about the event itself; about an
    id that the subject lacks, there is none to do."""

    job: str
    about: str
    queue: Queue
    after: timedelta = timedelta()


#: What a route is about when it is about the event itself.
_EVENT: Final = "event"

_MATCH: Final = Route(job="advance_matching", about="booking", queue="critical")
#: Time of a provider's has become free; a booking that had no provider frees none.
_PASS_ON: Final = Route(job="grant_waitlist", about="provider", queue="critical")

_VOID: Final = Route(job="void_payments", about="booking", queue="slow")
_SEND_REFUND: Final = Route(job="send_refund", about="refund", queue="slow")
_SEND_PAYOUT: Final = Route(job="send_payout", about="payout", queue="slow")

#: What an event calls for beside its being told of.
_ROUTES: Final[Mapping[EventType, tuple[Route, ...]]] = {
    EventType.BOOKING_REQUESTED: (_MATCH,),
    EventType.BOOKING_APPROVED: (_MATCH,),
    EventType.BOOKING_TERMS_ACCEPTED: (_MATCH,),
    EventType.BOOKING_RELEASED: (_MATCH, _PASS_ON),
    EventType.BOOKING_RESCHEDULED: (_MATCH, _PASS_ON),
    EventType.OFFER_REJECTED: (_MATCH,),
    EventType.SEARCH_PLACE_FREED: (_MATCH,),
    EventType.BOOKING_CANCELLED: (_PASS_ON, _VOID),
    EventType.BOOKING_DECLINED: (_PASS_ON, _VOID),
    EventType.BOOKING_NO_SHOW: (_PASS_ON, _VOID),
    EventType.SLOT_FREED: (_PASS_ON,),
    EventType.PROVIDER_AVAILABILITY_CHANGED: (_PASS_ON,),
    EventType.WAITLIST_JOINED: (
        Route(job="look_for_slot", about="waitlist_entry", queue="critical"),
    ),
    EventType.PAYMENT_REPORTED: (Route(job="settle_payment", about="payment", queue="critical"),),
    EventType.REFUND_CREATED: (_SEND_REFUND,),
    EventType.PAYOUT_CREATED: (_SEND_PAYOUT,),
    EventType.PAYOUT_RETRIED: (_SEND_PAYOUT,),
    EventType.JOB_REPLAYED: (Route(job="replay_dead_letter", about="dead_letter", queue="slow"),),
}


#: Whoever is to hear of an event hears of it, whatever else there is to do.
_NOTIFY: Final = Route(job="notify", about=_EVENT, queue="slow")

#: Events without a line call for nothing.
ROUTES: Final[Mapping[EventType, tuple[Route, ...]]] = {
    type_: (*_ROUTES.get(type_, ()), *((_NOTIFY,) if type_ in TABLE else ()))
    for type_ in EventType
    if type_ in _ROUTES or type_ in TABLE
}


def calls(event: RecordedEvent) -> list[Call]:
    """The jobs that `event` calls for. Told twice, it makes the same calls, which collapse."""
    subject = event.subject | {_EVENT: event.id}
    return [
        Call(
            job=route.job,
            arguments=(str(subject[route.about]),),
            queue=route.queue,
            key=f"{event.id}:{route.job}",
            at=event.occurred_at + route.after if route.after else None,
        )
        for route in ROUTES.get(event.type, ())
        if route.about in subject
    ]
