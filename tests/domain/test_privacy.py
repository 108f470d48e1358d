"""Who learns what of a customer, their home, and what is said about the work: field by field."""

from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.booking_steps import BookingStatus
from domain.bookings import CONTACT_OPEN, Booking, BookingKind
from domain.history import HistoryEntry, Source
from domain.money import Money
from domain.offers import OfferState
from domain.people import Role, Viewer
from domain.places import Point
from domain.privacy import (
    Contact,
    OfferedWork,
    address,
    contact,
    history,
    offered_work,
    reject_reason,
    seen_by,
)
from domain.services import Requirements
from domain.vehicles import Vehicle
from domain.work import ChecklistItem
from tests.factories import (
    BOOKING,
    CUSTOMER,
    NOW,
    PROVIDER,
    SERVICE,
    a_booking,
    a_provider,
    a_user,
    a_vehicle,
    a_viewer,
    an_address,
    an_offer,
)

THE_PROVIDER = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
OPEN = Contact(name="John Doe", phone="+442079460000")
CLOSED = Contact(name="John D.", phone=None)


def test_an_offer_shows_a_first_name_a_district_and_a_rounded_distance() -> None:
    two_miles_south = Point(latitude=51.5010 - 2.4 / 69.0934, longitude=-0.1246)
    booking = a_booking(
        concern="The oven smokes.",
        access_instructions="The key is in the pot.",
        special_requirements="A dog.",
        requested_brand="Miele",
        keywords=("oven",),
    )
    work = offered_work(booking, a_user(), a_provider(point=two_miles_south))

    assert work == OfferedWork(
        service_id=SERVICE,
        kind=BookingKind.SCHEDULED,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        price=Money(amount_minor=4050, currency="GBP"),
        concern="The oven smokes.",
        vehicle=None,
        requested_brand="Miele",
        keywords=("oven",),
        customer_name="John D.",
        city="London",
        area="SW1A",
        # From the middle of the field it is 2.5.
        distance_miles=3,
    )
    for secret in ("Doe", "+44", "Parliament", "0AA", "pot", "dog"):
        assert secret not in str(asdict(work))


def test_an_offer_shows_the_model_of_a_vehicle_and_not_which_one_it_is() -> None:
    work = offered_work(a_booking(vehicle=a_vehicle()), a_user(), a_provider())

    assert work.vehicle == Vehicle(year=2015, make="Volkswagen", model="Golf")
    for secret in ("WVWZZZ1KZAW123456", "BAB1234"):
        assert secret not in str(asdict(work))


def test_wherever_it_is_asked_from_a_distance_tells_the_field_and_not_the_door() -> None:
    """Half a mile apart, in one field: whoever walks up to them hears the same of both."""
    homes = [Point(latitude=51.4960, longitude=-0.124), Point(latitude=51.5032, longitude=-0.124)]
    bookings = [a_booking(address=an_address(point=home)) for home in homes]
    seen = set()
    for step in range(400):
        asker = a_provider(point=Point(latitude=51.5032 + step / 10_000, longitude=-0.124))
        first, second = [offered_work(one, a_user(), asker).distance_miles for one in bookings]
        assert first == second
        seen.add(first)
    assert seen == {1, 2, 3}


@pytest.mark.parametrize("which", ["provider", "booking"])
def test_a_distance_is_shown_only_when_both_places_are_known(which: str) -> None:
    unknown = {"point": None, "postal_code": "?"}
    provider = a_provider(**unknown) if which == "provider" else a_provider()
    place = an_address(**unknown) if which == "booking" else an_address()
    assert offered_work(a_booking(address=place), a_user(), provider).distance_miles is None


@pytest.mark.parametrize("which", ["provider", "booking"])
def test_a_distance_is_that_of_the_postal_areas_where_a_place_has_no_coordinates(
    which: str,
) -> None:
    # From SW1 to SW11, whoever of the two has coordinates.
    provider = a_provider(postal_code="SW11 5QN", **{"point": None} if which == "provider" else {})
    place = an_address(**{"point": None} if which == "booking" else {})
    assert offered_work(a_booking(address=place), a_user(), provider).distance_miles == 2


def test_no_distance_is_shown_where_nobody_has_to_go() -> None:
    remote = a_booking(requirements=Requirements(on_site=False))
    assert offered_work(remote, a_user(), a_provider()).distance_miles is None


def test_a_place_with_unreadable_postal_code_gives_nothing_away() -> None:
    booking = a_booking(address=an_address(postal_code=" "))
    assert offered_work(booking, a_user(), a_provider()).area == ""


def test_the_accepted_provider_sees_everything_until_thirty_days_after_completion() -> None:
    booking = a_booking(
        provider_id=PROVIDER, assigned_at=NOW, paid_at=NOW, started_at=NOW, completed_at=NOW
    )
    last = NOW + CONTACT_OPEN
    assert contact(booking, a_user(), THE_PROVIDER, at=last) == OPEN
    assert address(booking, THE_PROVIDER, at=last) == an_address()

    after = last + timedelta(microseconds=1)
    assert contact(booking, a_user(), THE_PROVIDER, at=after) == CLOSED
    assert address(booking, THE_PROVIDER, at=after) is None
    assert contact(booking, a_user(), a_viewer(), at=after) == OPEN


@pytest.mark.parametrize("fact", ["cancelled_at", "declined_at", "no_show_at"])
def test_the_provider_of_what_is_called_off_sees_no_more_than_before(fact: str) -> None:
    booking = a_booking(**{"provider_id": PROVIDER, "assigned_at": NOW, fact: NOW})
    assert contact(booking, a_user(), THE_PROVIDER, at=NOW) == CLOSED
    assert address(booking, THE_PROVIDER, at=NOW) is None


def test_a_provider_who_was_only_offered_it_sees_neither_contact_nor_address() -> None:
    assert contact(a_booking(), a_user(), THE_PROVIDER, at=NOW) == CLOSED
    assert address(a_booking(), THE_PROVIDER, at=NOW) is None


#: What leads through the customer's door, and what is said between the parties.
HOME = {"access_instructions", "special_requirements", "signed_by", "signature_url", "vehicle"}
WORDS = {
    *("cancel_reason", "completion_notes", "photo_urls", "checklist", "evidence", "late_reason"),
}
PREFERRED = {"preferred_provider_id"}
#: What everybody may read who may see the booking; the address and the customer are asked for by
#: functions of their own.
OPEN_TO_ALL = {
    *("id", "customer_id", "service_id", "provider_id", "kind", "starts_at", "ends_at", "address"),
    *("concern", "requested_brand", "keywords", "series", "price", "rules", "requirements"),
    *("needs_approval", "needs_terms", "requested_at", "approved_at", "terms_accepted_at"),
    *("paid_at", "assigned_at", "started_at", "completed_at", "cancelled_at", "declined_at"),
    *(
        "no_show_at",
        "unfilled_at",
        "lapsed_at",
        "version",
        "fee_minor",
        "least_fee_percent",
        "absent",
    ),
    *("reschedules", "late_minutes", "late_reported_at", "match_since", "wave", "round"),
    *("rounds_before", "broadcasts", "match_due_at", "auto_due_at", "auto_tries"),
}
ANOTHER, SOMEBODY = UUID(int=41), UUID(int=40)


def full(**changes: Any) -> Booking:
    """A booking that is done, with something in every field that is not for everybody."""
    done = ("assigned_at", "paid_at", "started_at", "completed_at", "late_reported_at")
    facts: dict[str, Any] = {
        **dict.fromkeys(done, NOW),
        "provider_id": PROVIDER,
        "preferred_provider_id": ANOTHER,
        "access_instructions": "The key is in the pot.",
        "special_requirements": "A dog.",
        "vehicle": a_vehicle(),
        "signed_by": "Mrs Doe",
        "signature_url": "https://photos.example/signature",
        "cancel_reason": "We moved.",
        "completion_notes": "The seal was torn.",
        "photo_urls": ("https://photos.example/after",),
        "checklist": (ChecklistItem(label="Oven", done=True),),
        "evidence": "I rang twice.",
        "late_minutes": 9,
        "late_reason": "The school run.",
    }
    return a_booking(**facts | changes)


@pytest.mark.parametrize(
    ("user_id", "role", "closed_while_open", "closed_after"),
    [
        (CUSTOMER, Role.CUSTOMER, set(), set()),
        (SOMEBODY, Role.DISPATCHER, set(), set()),
        (SOMEBODY, Role.ADMIN, set(), set()),
        (PROVIDER, Role.PROVIDER, PREFERRED, PREFERRED | HOME),
        (SOMEBODY, Role.ANALYST, HOME | WORDS, HOME | WORDS),
        # Nobody lets these see a booking; if somebody did, they would read as little of it.
        (ANOTHER, Role.PROVIDER, HOME | WORDS, HOME | WORDS),
        (SOMEBODY, Role.PROVIDER, HOME | WORDS | PREFERRED, HOME | WORDS | PREFERRED),
        (SOMEBODY, Role.CUSTOMER, HOME | WORDS, HOME | WORDS),
        (SOMEBODY, Role.SERVICE, HOME | WORDS, HOME | WORDS),
    ],
)
def test_each_field_of_a_booking_is_read_by_those_whom_it_is_for(
    user_id: UUID, role: Role, closed_while_open: set[str], closed_after: set[str]
) -> None:
    viewer, booking = a_viewer(user_id=user_id, role=role), full()
    last = NOW + CONTACT_OPEN
    assert closed(booking, viewer, at=last) == closed_while_open
    assert closed(booking, viewer, at=last + timedelta(microseconds=1)) == closed_after


def closed(booking: Booking, viewer: Viewer, *, at: datetime) -> set[str]:
    """The fields in which the viewer does not read what is there."""
    seen = seen_by(booking, viewer, at=at)
    names = [field.name for field in fields(Booking)]
    return {name for name in names if getattr(seen, name) != getattr(booking, name)}


def test_every_field_of_a_booking_is_for_everybody_or_not() -> None:
    assert {field.name for field in fields(Booking)} == OPEN_TO_ALL | HOME | WORDS | PREFERRED


def test_what_is_closed_reads_as_if_it_had_never_been_said() -> None:
    analyst = a_viewer(user_id=SOMEBODY, role=Role.ANALYST)
    seen = seen_by(full(), analyst, at=NOW)
    assert (seen.access_instructions, seen.special_requirements) == ("", "")
    assert seen.vehicle == Vehicle(year=2015, make="Volkswagen", model="Golf")
    assert (seen.cancel_reason, seen.completion_notes, seen.evidence) == (None, None, None)
    assert (seen.photo_urls, seen.checklist, seen.signature) == ((), (), None)
    assert seen.lateness is not None
    assert (seen.lateness.minutes, seen.lateness.reason) == (9, "")
    assert seen_by(full(vehicle=None), analyst, at=NOW).vehicle is None


def test_who_may_read_everything_reads_the_booking_itself() -> None:
    booking = full()
    assert seen_by(booking, a_viewer(), at=NOW) is booking


@pytest.mark.parametrize("fact", ["cancelled_at", "declined_at", "no_show_at"])
def test_the_way_in_closes_when_work_is_called_off(fact: str) -> None:
    booking = full(completed_at=None, **{fact: NOW})
    assert closed(booking, THE_PROVIDER, at=NOW) == HOME | PREFERRED


def test_a_provider_reads_reasons_of_their_own_and_since_the_work_is_theirs() -> None:
    before, since = NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)
    booking = a_booking(provider_id=PROVIDER, assigned_at=NOW)
    entries = (
        an_entry(at=before, actor_id=ANOTHER, reason="handed back by another"),
        an_entry(at=before, actor_id=PROVIDER, reason="their own, when it was theirs before"),
        an_entry(at=NOW, actor_id=SOMEBODY, reason="why it was taken from another"),
        an_entry(at=NOW, actor_id=PROVIDER, reason="their own"),
        an_entry(at=since, actor_id=CUSTOMER, reason="moved by the customer"),
        an_entry(at=since, actor_id=None, reason="done by itself"),
    )

    def read(viewer: Viewer, of: Booking = booking) -> list[int]:
        shown = history(of, entries, viewer)
        assert [replace(one, reason=None) for one in shown] == [
            replace(one, reason=None) for one in entries
        ]
        return [n for n, one in enumerate(shown) if one.reason == entries[n].reason]

    everything = list(range(len(entries)))
    assert read(THE_PROVIDER) == [1, 3, 4, 5]
    assert read(a_viewer()) == read(a_viewer(user_id=SOMEBODY, role=Role.ADMIN)) == everything
    assert read(a_viewer(user_id=SOMEBODY, role=Role.ANALYST)) == []
    assert read(a_viewer(user_id=ANOTHER, role=Role.PROVIDER)) == []
    assert read(THE_PROVIDER, a_booking()) == []


def an_entry(**facts: Any) -> HistoryEntry:
    """A change of the booking."""
    return HistoryEntry(
        booking_id=BOOKING,
        version=2,
        act="EDIT",
        source=Source.STAFF,
        before=BookingStatus.PENDING,
        after=BookingStatus.PENDING,
        **facts,
    )


def test_why_a_provider_said_no_is_for_themselves_and_the_house() -> None:
    offer = an_offer(state=OfferState.REJECTED, resolved_at=NOW, reject_reason="My knee.")
    staff = a_viewer(user_id=SOMEBODY, role=Role.DISPATCHER)
    assert reject_reason(offer, THE_PROVIDER) == reject_reason(offer, staff) == "My knee."
    assert reject_reason(offer, a_viewer(user_id=SOMEBODY, role=Role.ANALYST)) is None
    assert reject_reason(offer, a_viewer(user_id=ANOTHER, role=Role.PROVIDER)) is None
