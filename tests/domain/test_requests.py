"""Does a request become the booking it asks for, or name everything that is wrong with it?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.booking_rules import BookingRules
from domain.booking_steps import BookingStatus
from domain.bookings import Booking, BookingKind
from domain.money import Money
from domain.refusals import InvalidInput
from domain.requests import BookingRequest, ServiceInactive, draft, outline
from domain.series import SeriesPlace
from domain.services import ApprovalPolicy, ServiceMode
from tests.factories import (
    BOOKING,
    NOW,
    PROVIDER,
    WESTMINSTER,
    a_booking,
    a_request,
    a_service,
    a_vehicle,
    an_address,
)

OTHER, HOLD = UUID(int=77), UUID(int=7)
UNSEARCHED: Final[dict[str, Any]] = {"match_since": None, "match_due_at": None}


def drafted(request: BookingRequest, **service: Any) -> Booking:
    return draft(request, a_service(**service), booking_id=BOOKING, at=NOW)


def searched(**facts: Any) -> Booking:
    """The booking, for which somebody is looked for from `NOW`."""
    return a_booking(**{"match_since": NOW} | facts)


def wrong_paths(request: BookingRequest) -> list[tuple[str, ...]]:
    return [error.path for error in request.wrong_fields(at=NOW)]


def test_a_request_becomes_a_pending_booking_that_is_matched_at_once() -> None:
    assert drafted(a_request()) == searched()
    assert drafted(a_request()).status is BookingStatus.PENDING


def test_what_the_customer_writes_is_kept() -> None:
    words = {
        "access_instructions": "Ring twice.",
        "special_requirements": "A dog.",
        "concern": "The oven\nsmokes.",
        "requested_brand": "Miele",
        "vehicle": a_vehicle(),
        "preferred_provider_id": PROVIDER,
        "series": SeriesPlace(series_id=OTHER, original_start=datetime(2026, 6, 2, 13)),  # noqa: DTZ001
    }
    assert drafted(a_request(**words)) == searched(**words, keywords=("oven",))


def test_what_the_concern_is_about_is_kept_with_it() -> None:
    concern = "New BRAKE pads, and an oil change"
    drawn_up = outline(a_request(concern=concern), a_service(), booking_id=BOOKING, at=NOW)
    assert drawn_up.keywords == ("brakes", "oil change", "brake pads")


def test_the_rules_price_and_duration_of_the_service_are_kept_as_they_are() -> None:
    rules = BookingRules(buffer_before_minutes=0, max_reschedules=1)
    price = Money(amount_minor=999, currency="EUR")
    booking = drafted(a_request(), rules=rules, price=price, duration_minutes=25)
    assert booking == searched(
        rules=rules, price=price, ends_at=NOW + timedelta(days=1, minutes=25)
    )


def test_one_with_nothing_to_pay_is_paid_from_the_start() -> None:
    free = drafted(a_request(), price=Money(amount_minor=0, currency="GBP"))
    assert free == searched(paid_at=NOW, price=Money(amount_minor=0, currency="GBP"))
    assert free.status is BookingStatus.PAID


def test_one_that_needs_approval_waits_for_it_unmatched() -> None:
    booking = drafted(a_request(), approval=ApprovalPolicy.MANUAL)
    assert booking == a_booking(needs_approval=True, **UNSEARCHED)
    assert booking.status is BookingStatus.AWAITING_APPROVAL


@pytest.mark.parametrize("approval", ApprovalPolicy)
def test_one_for_a_provider_is_theirs_and_unmatched(approval: ApprovalPolicy) -> None:
    booking = drafted(a_request(provider_id=PROVIDER), approval=approval)
    assert booking == a_booking(
        provider_id=PROVIDER,
        assigned_at=NOW,
        **UNSEARCHED,
        needs_approval=approval is ApprovalPolicy.MANUAL,
    )


@pytest.mark.parametrize(
    ("at", "starts_at"),
    [
        (NOW, NOW + timedelta(minutes=31)),
        (NOW + timedelta(seconds=1), NOW + timedelta(minutes=31)),
        (NOW + timedelta(seconds=59, microseconds=999_999), NOW + timedelta(minutes=31)),
        (NOW + timedelta(minutes=1), NOW + timedelta(minutes=32)),
    ],
)
def test_work_wanted_now_starts_on_the_minute_after_half_an_hour(
    at: datetime, starts_at: datetime
) -> None:
    request = a_request(kind=BookingKind.IMMEDIATE, starts_at=None)
    booking = draft(request, a_service(duration_minutes=45), booking_id=BOOKING, at=at)
    assert booking.starts_at == starts_at
    assert booking.ends_at == starts_at + timedelta(minutes=45)


@pytest.mark.parametrize(
    ("terms", "accepted", "facts"),
    [
        ("", False, {"match_since": NOW}),
        # Nothing was there to be accepted.
        ("", True, {"match_since": NOW}),
        ("No pets.", False, {"needs_terms": True, **UNSEARCHED}),
        ("No pets.", True, {"needs_terms": True, "terms_accepted_at": NOW, "match_since": NOW}),
    ],
)
def test_one_whose_terms_are_not_accepted_waits_for_them_unmatched(
    terms: str, accepted: bool, facts: dict[str, Any]
) -> None:
    assert drafted(a_request(terms_accepted=accepted), terms=terms) == a_booking(**facts)


@pytest.mark.parametrize(
    ("mode", "point"),
    [(ServiceMode.ON_SITE, WESTMINSTER), (ServiceMode.VIDEO, None), (ServiceMode.CHAT, None)],
)
def test_only_work_on_site_has_a_place_to_travel_to(mode: ServiceMode, point: Any) -> None:
    assert drafted(a_request(), mode=mode).address == an_address(point=point)


def test_a_service_that_left_the_catalogue_is_not_booked() -> None:
    with pytest.raises(ServiceInactive, match="can no longer be booked"):
        drafted(a_request(), active=False)
    with pytest.raises(ServiceInactive):
        outline(a_request(), a_service(active=False), booking_id=BOOKING, at=NOW)


def test_what_a_request_lacks_does_not_keep_its_time_from_being_asked_for() -> None:
    vague = a_request(address=an_address(line1="", city=""))
    service = a_service(requires_vehicle=True)
    assert outline(vague, service, booking_id=BOOKING, at=NOW) == searched(address=vague.address)


def test_every_wrong_field_is_named_at_once() -> None:
    nowhere = an_address(
        line1="", line2="x" * 201, city="", state_province="x" * 101, postal_code="", country="uk"
    )
    too_long = "x" * 2001
    request = a_request(
        address=nowhere,
        access_instructions=too_long,
        special_requirements=too_long,
        concern=too_long,
        requested_brand="x" * 101,
        vehicle=a_vehicle(year=1899, make="", model="x" * 51, vin="O", plate=""),
        override_reason="",
        provider_id=PROVIDER,
        preferred_provider_id=PROVIDER,
        starts_at=None,
    )
    with pytest.raises(InvalidInput) as refused:
        drafted(request)

    assert [error.path for error in refused.value.errors] == [
        ("address", "line1"),
        ("address", "line2"),
        ("address", "city"),
        ("address", "stateProvince"),
        ("address", "postalCode"),
        ("address", "country"),
        ("accessInstructions",),
        ("specialRequirements",),
        ("concern",),
        ("requestedBrand",),
        ("vehicle", "make"),
        ("vehicle", "model"),
        ("vehicle", "year"),
        ("vehicle", "vin"),
        ("vehicle", "plate"),
        ("overrideReason",),
        ("preferredProviderId",),
        ("startsAt",),
    ]
    messages = {".".join(error.path): error.message for error in refused.value.errors}
    assert messages["address.line1"] == "Write 1 to 200 characters."
    assert messages["requestedBrand"] == "Write 0 to 100 characters."
    assert messages["overrideReason"] == "Write 1 to 500 characters."
    assert messages["preferredProviderId"] == (
        "Book one provider with `providerId`, or prefer one; not both."
    )
    assert messages["startsAt"] == "Say when the work should start, or book IMMEDIATE."


def test_a_missing_vehicle_is_told_with_all_else_that_is_wrong() -> None:
    with pytest.raises(InvalidInput) as refused:
        drafted(a_request(concern="nu\x00ll"), requires_vehicle=True)
    assert [(error.path, error.message) for error in refused.value.errors] == [
        (("concern",), "Leave out null characters and halves of characters."),
        (("vehicle",), "This service needs to know the vehicle."),
    ]


@pytest.mark.parametrize("required", [True, False])
def test_a_vehicle_is_taken_whether_it_is_asked_for_or_not(required: bool) -> None:
    booking = drafted(a_request(vehicle=a_vehicle()), requires_vehicle=required)
    assert booking == searched(vehicle=a_vehicle())


def test_input_that_is_wrong_is_told_before_the_service_is_found_gone() -> None:
    with pytest.raises(InvalidInput):
        drafted(a_request(concern="x" * 2001), active=False)


def test_the_longest_texts_are_taken() -> None:
    address = an_address(
        line1="x" * 200,
        line2="x" * 200,
        city="x" * 100,
        state_province="x" * 100,
        postal_code="x" * 16,
    )
    longest = "x" * 2000
    request = a_request(
        address=address,
        access_instructions=longest,
        special_requirements=longest,
        concern=longest,
        requested_brand="x" * 100,
        override_reason="x" * 500,
    )
    assert request.wrong_fields(at=NOW) == ()


@pytest.mark.parametrize("concern", ["nu\x00ll", "ha\ud800lf"])
def test_a_text_that_cannot_be_kept_is_refused(concern: str) -> None:
    assert wrong_paths(a_request(concern=concern)) == [("concern",)]


@pytest.mark.parametrize("country", ["", "G", "GBR", "gb", "G1", "GB\n"])
def test_a_country_is_two_capitals(country: str) -> None:
    address = replace(an_address(), country=country)
    assert wrong_paths(a_request(address=address)) == [("address", "country")]


@pytest.mark.parametrize(
    ("kind", "starts_at", "hold_id", "remedy"),
    [
        (BookingKind.IMMEDIATE, None, None, None),
        (BookingKind.IMMEDIATE, NOW, None, "Leave it out for IMMEDIATE, or book SCHEDULED."),
        (BookingKind.IMMEDIATE, NOW, HOLD, "Leave it out for IMMEDIATE, or book SCHEDULED."),
        # That a hold is of a chosen time is said when it is known what it keeps.
        (BookingKind.IMMEDIATE, None, HOLD, None),
        (BookingKind.SCHEDULED, NOW, None, None),
        (BookingKind.SCHEDULED, NOW, HOLD, None),
        (BookingKind.SCHEDULED, None, HOLD, None),
        (
            BookingKind.SCHEDULED,
            None,
            None,
            "Say when the work should start, or book IMMEDIATE.",
        ),
    ],
)
def test_a_start_belongs_to_scheduled_work_and_to_no_other(
    kind: BookingKind, starts_at: datetime | None, hold_id: UUID | None, remedy: str | None
) -> None:
    wrong = a_request(kind=kind, starts_at=starts_at, hold_id=hold_id).wrong_fields(at=NOW)
    assert [(error.path, error.message) for error in wrong] == (
        [(("startsAt",), remedy)] if remedy else []
    )


@pytest.mark.parametrize(
    ("kind", "immediate"), [(BookingKind.IMMEDIATE, True), (BookingKind.SCHEDULED, False)]
)
def test_an_immediate_request_is_for_now(kind: BookingKind, immediate: bool) -> None:
    assert a_request(kind=kind).immediate is immediate


def test_a_request_may_come_from_anybody() -> None:
    assert drafted(a_request(customer_id=OTHER)).customer_id == OTHER
