"""Does a provider learn a customer's name, phone and address only once the work is theirs?"""

from dataclasses import asdict
from datetime import timedelta

import pytest

from domain.bookings import CONTACT_OPEN, BookingKind
from domain.money import Money
from domain.people import Role
from domain.places import Point
from domain.privacy import Contact, OfferedWork, address, contact, offered_work
from domain.vehicles import Vehicle
from tests.factories import (
    NOW,
    PROVIDER,
    SERVICE,
    a_booking,
    a_provider,
    a_user,
    a_vehicle,
    a_viewer,
    an_address,
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
        customer_name="John D.",
        city="London",
        area="SW1A",
        distance_miles=2,
    )
    for secret in ("Doe", "+44", "Parliament", "0AA", "pot", "dog"):
        assert secret not in str(asdict(work))


def test_an_offer_shows_the_model_of_a_vehicle_and_not_which_one_it_is() -> None:
    work = offered_work(a_booking(vehicle=a_vehicle()), a_user(), a_provider())

    assert work.vehicle == Vehicle(year=2015, make="Volkswagen", model="Golf")
    for secret in ("WVWZZZ1KZAW123456", "BAB1234"):
        assert secret not in str(asdict(work))


@pytest.mark.parametrize("which", ["provider", "booking"])
def test_a_distance_is_shown_only_when_both_places_are_known(which: str) -> None:
    provider = a_provider(point=None) if which == "provider" else a_provider()
    place = an_address(point=None) if which == "booking" else an_address()
    assert offered_work(a_booking(address=place), a_user(), provider).distance_miles is None


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
