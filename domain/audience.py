"""Who may hear of an event? Targeting is a rule, so it is decided here and tested as one.

A topic is a name that a live stream listens to. Being on it is not yet a right to see: the stream
re-reads the row and asks again for its own viewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.events import Event, EventType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

_BOOKING: Final = "booking:{booking}"
_OFFERS: Final = "offers:{provider}"
_QUEUE: Final = "queue"
_PRESENCE: Final = "presence"
_CUSTOMER: Final = "customer:{customer}"
_WAITLIST: Final = "waitlist:{customer}"
_NOTIFICATIONS: Final = "notifications:{recipient}"
_SESSION: Final = "session:{session}"

#: Every kind of event and the topics it is told on; a name in braces is an id of its subject.
AUDIENCE: Final[Mapping[EventType, tuple[str, ...]]] = {
    EventType.BOOKING_REQUESTED: (_BOOKING, _QUEUE),
    EventType.BOOKING_APPROVED: (_BOOKING, _QUEUE),
    EventType.BOOKING_DECLINED: (_BOOKING, _QUEUE),
    EventType.BOOKING_PAID: (_BOOKING, _QUEUE),
    EventType.BOOKING_ASSIGNED: (_BOOKING, _QUEUE),
    EventType.BOOKING_TERMS_ACCEPTED: (_BOOKING, _QUEUE),
    EventType.BOOKING_EDITED: (_BOOKING,),
    EventType.BOOKING_RELEASED: (_BOOKING, _QUEUE),
    EventType.BOOKING_RESCHEDULED: (_BOOKING, _QUEUE),
    EventType.BOOKING_PREFERRED_LAPSED: (_BOOKING,),
    # Work in progress is what makes a provider BUSY; at a door that nobody opens it ends too.
    EventType.BOOKING_NO_SHOW: (_BOOKING, _PRESENCE),
    EventType.BOOKING_STARTED: (_BOOKING, _PRESENCE),
    EventType.BOOKING_COMPLETED: (_BOOKING, _PRESENCE),
    EventType.BOOKING_CANCELLED: (_BOOKING, _QUEUE),
    EventType.BOOKING_RUNNING_LATE: (_BOOKING,),
    EventType.BOOKING_UNFILLED: (_BOOKING, _QUEUE),
    EventType.BOOKING_SEARCH_ENDED: (_BOOKING, _QUEUE),
    EventType.BOOKING_REVIEWED: (_BOOKING,),
    EventType.BOOKING_RESTORED: (_BOOKING, _QUEUE),
    # Only the provider hears of an offer: not the customer, and not the rivals.
    EventType.OFFER_OFFERED: (_OFFERS,),
    EventType.OFFER_ACCEPTED: (_OFFERS,),
    EventType.OFFER_REJECTED: (_OFFERS,),
    EventType.OFFER_EXPIRED: (_OFFERS,),
    EventType.OFFER_RESCINDED: (_OFFERS,),
    EventType.OFFER_REMINDED: (_OFFERS,),
    # For the search alone: somebody else may take the place of who cannot take the work any more.
    EventType.SEARCH_PLACE_FREED: (),
    # Nobody listens for holds: whoever wants a slot asks which are free.
    EventType.SLOT_HELD: (),
    EventType.SLOT_FREED: (),
    EventType.WAITLIST_JOINED: (_WAITLIST,),
    EventType.WAITLIST_GRANTED: (_WAITLIST,),
    EventType.WAITLIST_TAKEN: (_WAITLIST,),
    EventType.WAITLIST_LAPSED: (_WAITLIST,),
    EventType.WAITLIST_LEFT: (_WAITLIST,),
    # Its customer's business; the bookings made of it are told of like all others.
    EventType.SERIES_CREATED: (_CUSTOMER,),
    EventType.SERIES_CHANGED: (_CUSTOMER,),
    EventType.SERIES_ENDED: (_CUSTOMER,),
    EventType.SERIES_OCCURRENCE_CONFLICT: (_CUSTOMER,),
    EventType.PROVIDER_CLOCKED_IN: (_PRESENCE,),
    EventType.PROVIDER_CLOCKED_OUT: (_PRESENCE,),
    EventType.PROVIDER_PRESENCE_CHANGED: (_PRESENCE,),
    # Nobody listens for hours either; jobs may act on their change.
    EventType.PROVIDER_AVAILABILITY_CHANGED: (),
    EventType.PROVIDER_PROFILE_CHANGED: (),
    EventType.PROVIDER_APPROVED: (_PRESENCE,),
    EventType.PROVIDER_SUSPENDED: (_PRESENCE,),
    EventType.PROVIDER_REINSTATED: (_PRESENCE,),
    # People hear of money by notifications; these are for jobs.
    EventType.PAYMENT_REPORTED: (),
    EventType.PAYMENT_SUCCEEDED: (),
    EventType.PAYMENT_FAILED: (),
    EventType.PAYMENT_MISMATCHED: (),
    EventType.REFUND_CREATED: (),
    EventType.REFUND_DONE: (),
    EventType.REFUND_FAILED: (),
    EventType.REFUND_MISMATCHED: (),
    EventType.CREDIT_GRANTED: (),
    EventType.PAYOUT_CREATED: (),
    EventType.PAYOUT_RETRIED: (),
    EventType.PAYOUT_PAID: (),
    EventType.PAYOUT_FAILED: (),
    EventType.NOTIFICATION_CREATED: (_NOTIFICATIONS,),
    EventType.NOTIFICATION_READ: (_NOTIFICATIONS,),
    EventType.SESSION_REVOKED: (_SESSION,),
    EventType.JOB_REPLAYED: (),
}


class Unaddressed(Exception):
    """An event lacks an id that its topics need. A fault of whoever made it."""

    def __init__(self, event: Event, missing: str) -> None:
        super().__init__(f"{event.type} needs the id of its {missing} to reach its audience.")
        self.event = event
        self.missing = missing


def topics(event: Event) -> tuple[str, ...]:
    """The topics on which `event` is told. Raises Unaddressed."""
    try:
        return tuple(topic.format_map(event.subject) for topic in AUDIENCE[event.type])
    except KeyError as error:
        raise Unaddressed(event, str(error.args[0])) from error


def booking_topic(booking_id: UUID) -> str:
    """Where a booking is told of."""
    return _BOOKING.format(booking=booking_id)


def offers_topic(provider_id: UUID) -> str:
    """Where a provider's offers are told of."""
    return _OFFERS.format(provider=provider_id)


def queue_topic() -> str:
    """Where the bookings that enter or leave the queue are told of."""
    return _QUEUE


def presence_topic() -> str:
    """Where providers' comings and goings are told of."""
    return _PRESENCE


def waitlist_topic(customer_id: UUID) -> str:
    """Where a customer's places in the waitlist are told of."""
    return _WAITLIST.format(customer=customer_id)


def notifications_topic(user_id: UUID) -> str:
    """Where what somebody is told, and has read, is told of."""
    return _NOTIFICATIONS.format(recipient=user_id)


def session_topic(session_id: UUID) -> str:
    """Where the end of a session is told."""
    return _SESSION.format(session=session_id)
