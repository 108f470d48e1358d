"""Does a request become the booking it asks for, or name everything that is wrong with it?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.bookings import BookingKind, BookingStatus
from domain.money import Money
from domain.refusals import InvalidInput
from domain.requests import (
    MAX_ADVANCE,
    BookingRequest,
    BookingRule,
    BrokenRule,
    RulesBroken,
    ServiceInactive,
    draft,
)
from domain.services import ApprovalPolicy
from tests.factories import (
    BOOKING,
    NOW,
    PROVIDER,
    a_booking,
    a_request,
    a_service,
    an_address,
)


def drafted(request: BookingRequest, **service: Any) -> Any:
    return draft(request, a_service(**service), booking_id=BOOKING, at=NOW)


def wrong_paths(request: BookingRequest) -> list[tuple[str, ...]]:
    return [error.path for error in request.wrong_fields()]


def test_a_request_becomes_a_pending_booking_that_is_matched_at_once() -> None:
    assert drafted(a_request()) == a_booking()
    assert drafted(a_request()).status is BookingStatus.PENDING


def test_what_the_customer_writes_is_kept() -> None:
    words = {
        "access_instructions": "Ring twice.",
        "special_requirements": "A dog.",
        "concern": "The oven\nsmokes.",
    }
    assert drafted(a_request(**words)) == a_booking(**words)


def test_one_with_nothing_to_pay_is_paid_from_the_start() -> None:
    free = drafted(a_request(), price=Money(amount_minor=0, currency="GBP"))
    assert free.paid_at == NOW
    assert free.status is BookingStatus.PAID


def test_one_that_needs_approval_waits_for_it_unmatched() -> None:
    booking = drafted(a_request(), approval=ApprovalPolicy.MANUAL)
    assert booking == a_booking(needs_approval=True, match_due_at=None)
    assert booking.status is BookingStatus.AWAITING_APPROVAL


@pytest.mark.parametrize("approval", ApprovalPolicy)
def test_one_for_a_provider_is_theirs_and_unmatched(approval: ApprovalPolicy) -> None:
    booking = drafted(a_request(provider_id=PROVIDER), approval=approval)
    assert booking == a_booking(
        provider_id=PROVIDER,
        assigned_at=NOW,
        match_due_at=None,
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
    ("starts_at", "rule", "message"),
    [
        (NOW, BookingRule.PAST, "The start is in the past; choose a later one."),
        (
            NOW - timedelta(days=1),
            BookingRule.PAST,
            "The start is in the past; choose a later one.",
        ),
        (
            NOW + MAX_ADVANCE + timedelta(microseconds=1),
            BookingRule.TOO_FAR_AHEAD,
            "The start is more than 90 days ahead; choose an earlier one.",
        ),
    ],
)
def test_a_start_that_is_past_or_too_far_ahead_breaks_a_rule(
    starts_at: datetime, rule: BookingRule, message: str
) -> None:
    with pytest.raises(RulesBroken) as refused:
        drafted(a_request(starts_at=starts_at))
    assert refused.value.broken == (BrokenRule(rule=rule, message=message),)
    assert str(refused.value) == message


@pytest.mark.parametrize("starts_at", [NOW + timedelta(microseconds=1), NOW + MAX_ADVANCE])
def test_a_start_within_the_rules_is_taken(starts_at: datetime) -> None:
    assert drafted(a_request(starts_at=starts_at)).starts_at == starts_at


def test_a_service_that_left_the_catalogue_is_not_booked() -> None:
    with pytest.raises(ServiceInactive, match="can no longer be booked"):
        drafted(a_request(), active=False)


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
        ("accessInstructions",),
        ("specialRequirements",),
        ("concern",),
        ("address", "country"),
        ("startsAt",),
    ]
    assert refused.value.errors[0].message == "Write 1 to 200 characters."


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
    )
    assert request.wrong_fields() == ()


@pytest.mark.parametrize("concern", ["nu\x00ll", "ha\ud800lf"])
def test_a_text_that_cannot_be_kept_is_refused(concern: str) -> None:
    assert wrong_paths(a_request(concern=concern)) == [("concern",)]


@pytest.mark.parametrize("country", ["", "G", "GBR", "gb", "G1", "GB\n"])
def test_a_country_is_two_capitals(country: str) -> None:
    address = replace(an_address(), country=country)
    assert wrong_paths(a_request(address=address)) == [("address", "country")]


@pytest.mark.parametrize(
    ("kind", "starts_at", "wrong"),
    [
        (BookingKind.IMMEDIATE, None, False),
        (BookingKind.IMMEDIATE, NOW, True),
        (BookingKind.SCHEDULED, NOW, False),
        (BookingKind.SCHEDULED, None, True),
    ],
)
def test_a_start_belongs_to_scheduled_work_only(
    kind: BookingKind, starts_at: datetime | None, wrong: bool
) -> None:
    paths = wrong_paths(a_request(kind=kind, starts_at=starts_at))
    assert paths == ([("startsAt",)] if wrong else [])


def test_a_request_may_come_from_anybody() -> None:
    stranger = UUID(int=77)
    assert drafted(a_request(customer_id=stranger)).customer_id == stranger
