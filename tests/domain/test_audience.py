"""Who may hear of an event?"""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.audience import AUDIENCE, Unaddressed, topics
from domain.events import Event, EventType

BOOKING, OFFER, PROVIDER = UUID(int=1), UUID(int=2), UUID(int=3)
CUSTOMER, SESSION, LETTER = UUID(int=4), UUID(int=5), UUID(int=6)

EVERYONE = {
    "booking": BOOKING,
    "offer": OFFER,
    "provider": PROVIDER,
    "customer": CUSTOMER,
    "session": SESSION,
    "dead_letter": LETTER,
}


def test_every_kind_of_event_has_an_audience_even_if_nobody_listens() -> None:
    assert set(AUDIENCE) == set(EventType)


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (EventType.BOOKING_REQUESTED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_APPROVED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_DECLINED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_PAID, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_ASSIGNED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_TERMS_ACCEPTED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_EDITED, (f"booking:{BOOKING}",)),
        (EventType.BOOKING_RELEASED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_RESCHEDULED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_PREFERRED_LAPSED, (f"booking:{BOOKING}",)),
        (EventType.BOOKING_NO_SHOW, (f"booking:{BOOKING}", "presence")),
        (EventType.BOOKING_STARTED, (f"booking:{BOOKING}", "presence")),
        (EventType.BOOKING_COMPLETED, (f"booking:{BOOKING}", "presence")),
        (EventType.BOOKING_CANCELLED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_UNFILLED, (f"booking:{BOOKING}", "queue")),
        (EventType.BOOKING_REVIEWED, (f"booking:{BOOKING}",)),
        (EventType.WAITLIST_JOINED, (f"waitlist:{CUSTOMER}",)),
        (EventType.WAITLIST_GRANTED, (f"waitlist:{CUSTOMER}",)),
        (EventType.WAITLIST_TAKEN, (f"waitlist:{CUSTOMER}",)),
        (EventType.WAITLIST_LAPSED, (f"waitlist:{CUSTOMER}",)),
        (EventType.WAITLIST_LEFT, (f"waitlist:{CUSTOMER}",)),
        (EventType.SLOT_HELD, ()),
        (EventType.SLOT_FREED, ()),
        (EventType.SERIES_CREATED, (f"customer:{CUSTOMER}",)),
        (EventType.SERIES_CHANGED, (f"customer:{CUSTOMER}",)),
        (EventType.SERIES_ENDED, (f"customer:{CUSTOMER}",)),
        (EventType.SERIES_OCCURRENCE_CONFLICT, (f"customer:{CUSTOMER}",)),
        (EventType.PROVIDER_CLOCKED_IN, ("presence",)),
        (EventType.PROVIDER_CLOCKED_OUT, ("presence",)),
        (EventType.PROVIDER_PRESENCE_CHANGED, ("presence",)),
        (EventType.PROVIDER_AVAILABILITY_CHANGED, ()),
        (EventType.SEARCH_PLACE_FREED, ()),
        (EventType.SESSION_REVOKED, (f"session:{SESSION}",)),
        (EventType.JOB_REPLAYED, ()),
    ],
)
def test_an_event_is_told_on_exactly_its_topics(
    type_: EventType, expected: tuple[str, ...]
) -> None:
    assert topics(Event(type=type_, subject=EVERYONE)) == expected


@pytest.mark.parametrize(
    "type_", [type_ for type_ in EventType if type_.value.startswith("offer.")]
)
def test_an_offer_is_told_to_its_provider_and_to_nobody_else(type_: EventType) -> None:
    assert topics(Event(type=type_, subject=EVERYONE)) == (f"offers:{PROVIDER}",)


def test_an_event_without_the_id_its_topic_needs_is_refused() -> None:
    nameless = Event(type=EventType.OFFER_OFFERED, subject={"offer": OFFER})

    with pytest.raises(Unaddressed, match=r"offer\.offered needs the id of its provider"):
        topics(nameless)
