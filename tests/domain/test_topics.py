"""Does whoever listens to a topic by name hear what is told on it?"""

from uuid import UUID

import pytest

from domain.audience import (
    booking_topic,
    notifications_topic,
    offers_topic,
    presence_topic,
    queue_topic,
    session_topic,
    topics,
    waitlist_topic,
)
from domain.events import Event, EventType

ID = UUID(int=1)


@pytest.mark.parametrize(
    ("type_", "subject", "listened"),
    [
        (EventType.BOOKING_PAID, "booking", {booking_topic(ID), queue_topic()}),
        (EventType.BOOKING_STARTED, "booking", {booking_topic(ID), presence_topic()}),
        (EventType.OFFER_OFFERED, "provider", {offers_topic(ID)}),
        (EventType.WAITLIST_GRANTED, "customer", {waitlist_topic(ID)}),
        (EventType.NOTIFICATION_CREATED, "recipient", {notifications_topic(ID)}),
        (EventType.SESSION_REVOKED, "session", {session_topic(ID)}),
    ],
)
def test_a_listener_hears_what_is_told(type_: EventType, subject: str, listened: set[str]) -> None:
    assert set(topics(Event(type=type_, subject={subject: ID}))) == listened
