"""Who may see what of a booking, what time does it take, and when is a provider looked for?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.availability import Block
from domain.booking_rules import BookingRules
from domain.bookings import (
    CONTACT_OPEN,
    Booking,
    BookingKind,
    SlotTaken,
    TermsNotAccepted,
    happened,
    search,
)
from domain.events import Event, EventType
from domain.offers import Wave
from domain.people import Role
from tests.factories import (
    BOOKING,
    CUSTOMER,
    NOW,
    PROVIDER,
    WESTMINSTER,
    a_booking,
    a_viewer,
    an_address,
)

STRANGER, FORMER = UUID(int=99), UUID(int=98)
LATER: Final = NOW + timedelta(minutes=1)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
PAID: Final[dict[str, Any]] = {"paid_at": NOW}

#: Facts of a booking on either side of what closes the contact.
STANDING: Final[dict[str, dict[str, Any]]] = {
    "pending": {},
    "awaiting, staffed": {"needs_approval": True, **STAFFED},
    "confirmed": {**STAFFED, **PAID},
    "in progress": {**STAFFED, **PAID, "started_at": NOW},
    "completed": {**STAFFED, **PAID, "started_at": NOW, "completed_at": NOW},
    "cancelled": {**STAFFED, **PAID, "cancelled_at": NOW},
    "declined": {**STAFFED, "needs_approval": True, "declined_at": NOW},
    "no show": {**STAFFED, **PAID, "no_show_at": NOW},
}


def standing(name: str) -> Booking:
    return a_booking(**STANDING[name])


@pytest.mark.parametrize(
    ("viewer", "party"),
    [
        (a_viewer(), True),
        (a_viewer(user_id=PROVIDER, role=Role.PROVIDER), True),
        (a_viewer(user_id=STRANGER, role=Role.DISPATCHER), True),
        (a_viewer(user_id=STRANGER), False),
        (a_viewer(user_id=STRANGER, role=Role.ANALYST), False),
    ],
)
def test_customer_provider_and_staff_are_parties(viewer: Any, party: bool) -> None:
    assert a_booking(**STAFFED).is_party(viewer) is party


def test_nobody_is_the_provider_of_a_booking_that_has_none() -> None:
    assert not a_booking().is_party(a_viewer(user_id=PROVIDER, role=Role.PROVIDER))


@pytest.mark.parametrize("name", ["awaiting, staffed", "confirmed", "in progress"])
def test_the_provider_sees_the_contact_while_the_booking_is_theirs(name: str) -> None:
    provider = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    assert standing(name).opens_contact_to(provider, at=NOW + timedelta(days=999)) is True


@pytest.mark.parametrize("name", ["cancelled", "declined", "no show"])
def test_the_provider_loses_the_contact_when_the_booking_is_called_off(name: str) -> None:
    provider = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    assert standing(name).opens_contact_to(provider, at=NOW) is False


def test_the_provider_loses_the_contact_thirty_days_after_completion() -> None:
    provider = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    booking = standing("completed")
    assert timedelta(days=30) == CONTACT_OPEN
    assert booking.opens_contact_to(provider, at=NOW + CONTACT_OPEN) is True
    assert booking.opens_contact_to(provider, at=NOW + CONTACT_OPEN + timedelta(0, 1)) is False


@pytest.mark.parametrize("name", ["pending", "cancelled", "completed"])
def test_customer_and_staff_keep_the_contact_and_strangers_never_have_it(name: str) -> None:
    booking, late = standing(name), NOW + timedelta(days=365)
    assert booking.opens_contact_to(a_viewer(), at=late) is True
    staff = a_viewer(user_id=STRANGER, role=Role.ADMIN)
    assert booking.opens_contact_to(staff, at=late) is True
    stranger = a_viewer(user_id=STRANGER, role=Role.PROVIDER)
    assert booking.opens_contact_to(stranger, at=NOW) is False


def test_an_event_names_the_booking_the_customer_and_the_provider_if_there_is_one() -> None:
    assert happened(EventType.BOOKING_PAID, a_booking()) == Event(
        type=EventType.BOOKING_PAID, subject={"booking": BOOKING, "customer": CUSTOMER}
    )
    assert happened(EventType.BOOKING_PAID, a_booking(**STAFFED)).subject == {
        "booking": BOOKING,
        "customer": CUSTOMER,
        "provider": PROVIDER,
    }


def test_a_taken_slot_carries_its_alternatives() -> None:
    assert SlotTaken((NOW,)).alternatives == (NOW,)
    assert str(SlotTaken()) == "The provider is not free at this time."


def test_an_event_may_be_about_a_former_provider_and_names_only_them() -> None:
    told = happened(EventType.BOOKING_RELEASED, a_booking(**STAFFED), provider_id=FORMER)
    assert told.subject == {"booking": BOOKING, "customer": CUSTOMER, "provider": FORMER}


def test_missing_terms_are_named_and_remedied() -> None:
    assert str(TermsNotAccepted()) == "The customer has to accept the service's terms first."


@pytest.mark.parametrize(
    ("kind", "immediate"), [(BookingKind.IMMEDIATE, True), (BookingKind.SCHEDULED, False)]
)
def test_immediate_work_is_wanted_now(kind: BookingKind, immediate: bool) -> None:
    assert a_booking(kind=kind).is_immediate is immediate


@pytest.mark.parametrize(
    ("facts", "lacks"),
    [
        ({}, False),
        ({"terms_accepted_at": NOW}, False),
        ({"needs_terms": True}, True),
        ({"needs_terms": True, "terms_accepted_at": NOW}, False),
    ],
)
@pytest.mark.parametrize("paid", [{}, PAID])
def test_a_booking_is_not_open_to_offers_until_the_terms_it_needs_are_accepted(
    facts: dict[str, Any], lacks: bool, paid: dict[str, Any]
) -> None:
    booking = a_booking(**facts, **paid)
    assert booking.lacks_terms is lacks
    assert booking.is_open_to_offers is not lacks


def test_a_booking_blocks_its_window_with_its_own_buffers_and_speed_around_it() -> None:
    rules = BookingRules(buffer_before_minutes=20, buffer_after_minutes=45, travel_mph=35)
    assert a_booking(rules=rules).block == Block(
        starts_at=NOW + timedelta(days=1),
        ends_at=NOW + timedelta(days=1, hours=2),
        before=timedelta(minutes=20),
        after=timedelta(minutes=45),
        point=WESTMINSTER,
        travel_mph=35,
        booking_id=BOOKING,
    )


def test_nobody_travels_to_a_booking_whose_place_is_not_known() -> None:
    assert a_booking(address=an_address(point=None)).block.point is None


class TestSearching:
    #: A first search that got as far as its fourth round and was given up.
    FOUND_NOBODY: Final[dict[str, Any]] = {
        "wave": Wave.BROADCAST,
        "round": 4,
        "rounds_before": 1,
        "match_since": NOW,
        "match_due_at": None,
        "unfilled_at": NOW,
    }

    def test_begins_anew_and_at_once_for_a_booking_that_is_open_to_offers(self) -> None:
        assert search(a_booking(**self.FOUND_NOBODY), at=LATER) == a_booking(
            wave=None,
            round=4,
            rounds_before=4,
            match_since=LATER,
            match_due_at=LATER,
            unfilled_at=None,
        )

    @pytest.mark.parametrize(
        "closed",
        [STAFFED, {"needs_approval": True}, {"needs_terms": True}, {"cancelled_at": NOW}],
    )
    def test_does_not_begin_for_one_that_is_not(self, closed: dict[str, Any]) -> None:
        assert search(a_booking(**self.FOUND_NOBODY, **closed), at=LATER) == a_booking(
            wave=None,
            round=4,
            rounds_before=4,
            match_since=None,
            match_due_at=None,
            unfilled_at=None,
            **closed,
        )
