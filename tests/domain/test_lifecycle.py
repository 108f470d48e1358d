"""What does each act add to a booking, whom does it tell, and who may not do it?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.bookings import Booking, BookingStatus, WrongStatus, happened
from domain.events import EventType
from domain.lifecycle import approve, cancel, complete, decline, pay, start
from domain.offers import OfferState, Outcome
from domain.refusals import InvalidInput, NotFound
from tests.factories import NOW, PROVIDER, a_booking, an_offer

LATER: Final = NOW + timedelta(minutes=1)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}


def awaiting(**changes: Any) -> Booking:
    return a_booking(**{"needs_approval": True, "match_due_at": None} | changes)


def confirmed(**changes: Any) -> Booking:
    return a_booking(**{"paid_at": NOW, "match_due_at": None, **STAFFED} | changes)


def started(**changes: Any) -> Booking:
    return confirmed(**{"started_at": NOW} | changes)


def assert_told(outcome: Outcome, *types: EventType) -> None:
    assert outcome.events == tuple(happened(type_, outcome.booking) for type_ in types)


def test_an_approved_booking_is_offered_at_once() -> None:
    outcome = approve(awaiting(), at=LATER)
    assert outcome.booking == a_booking(
        needs_approval=True, approved_at=LATER, match_due_at=LATER, version=2
    )
    assert_told(outcome, EventType.BOOKING_APPROVED)


def test_an_approved_booking_that_has_its_provider_is_not_offered() -> None:
    approved = approve(awaiting(**STAFFED), at=LATER).booking
    assert approved.match_due_at is None
    assert approved.status is BookingStatus.PENDING


def test_a_booking_is_declined_with_a_reason() -> None:
    outcome = decline(awaiting(), reason="We are full.", at=LATER)
    assert outcome.booking == awaiting(declined_at=LATER, cancel_reason="We are full.", version=2)
    assert_told(outcome, EventType.BOOKING_DECLINED)


@pytest.mark.parametrize("reason", ["", "x" * 501, "nu\x00ll"])
def test_a_booking_is_not_declined_without_a_reason_that_can_be_read(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decline(awaiting(), reason=reason, at=LATER)
    assert [error.path for error in refused.value.errors] == [("reason",)]


def test_a_payment_is_noted() -> None:
    outcome = pay(a_booking(), at=LATER)
    assert outcome.booking == a_booking(paid_at=LATER, version=2)
    assert_told(outcome, EventType.BOOKING_PAID)


@pytest.mark.parametrize("paid", [awaiting(paid_at=NOW), a_booking(paid_at=NOW), confirmed()])
def test_nobody_pays_twice(paid: Booking) -> None:
    with pytest.raises(WrongStatus) as refused:
        pay(paid, at=LATER)
    assert refused.value.status is paid.status


def test_the_provider_starts() -> None:
    outcome = start(confirmed(), by=PROVIDER, at=LATER)
    assert outcome.booking == confirmed(started_at=LATER, version=2)
    assert_told(outcome, EventType.BOOKING_STARTED)


def test_the_provider_completes() -> None:
    photos = ("https://photos.example/1", "https://photos.example/2?a=b")
    outcome = complete(started(), by=PROVIDER, notes="All clean.", photo_urls=photos, at=LATER)
    assert outcome.booking == started(
        completed_at=LATER, completion_notes="All clean.", photo_urls=photos, version=2
    )
    assert_told(outcome, EventType.BOOKING_COMPLETED)


@pytest.mark.parametrize("booking", [confirmed(provider_id=UUID(int=9)), a_booking()])
def test_nobody_but_the_provider_starts_or_completes(booking: Booking) -> None:
    with pytest.raises(NotFound):
        start(booking, by=PROVIDER, at=LATER)
    with pytest.raises(NotFound):
        complete(booking, by=PROVIDER, notes="", photo_urls=(), at=LATER)


@pytest.mark.parametrize(
    "urls",
    [
        ("https://photos.example/x",) * 21,
        ("http://photos.example/x",),
        ("https://",),
        ("https://photos.example/a b",),
        ("https://photos.example/\x00",),
        ("https://" + "x" * 491,),
        ("javascript:alert(1)//https://photos.example",),
    ],
)
def test_photos_are_a_few_https_addresses(urls: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        complete(started(), by=PROVIDER, notes="", photo_urls=urls, at=LATER)
    (error,) = refused.value.errors
    assert error.path == ("photoUrls",)
    assert error.message == "Give at most 20 https addresses of up to 500 characters."


def test_notes_of_more_than_two_thousand_characters_are_refused() -> None:
    with pytest.raises(InvalidInput):
        complete(started(), by=PROVIDER, notes="x" * 2001, photo_urls=(), at=LATER)


def test_cancelling_withdraws_the_open_offers_and_leaves_the_settled_ones() -> None:
    offers = [
        an_offer(id=UUID(int=21)),
        an_offer(id=UUID(int=22), expires_at=LATER),
        an_offer(id=UUID(int=23), state=OfferState.REJECTED, resolved_at=NOW),
    ]
    outcome = cancel(a_booking(), offers, reason="Plans changed.", at=LATER)

    assert outcome.booking == a_booking(
        cancelled_at=LATER, cancel_reason="Plans changed.", match_due_at=None, version=2
    )
    assert [(o.id.int, o.state, o.resolved_at) for o in outcome.offers] == [
        (21, OfferState.RESCINDED, LATER),
        (22, OfferState.EXPIRED, LATER),
    ]
    assert [event.type for event in outcome.events] == [
        EventType.BOOKING_CANCELLED,
        EventType.OFFER_RESCINDED,
        EventType.OFFER_EXPIRED,
    ]


@pytest.mark.parametrize(
    "booking", [started(), started(completed_at=NOW), a_booking(cancelled_at=NOW)]
)
def test_what_has_begun_or_is_over_is_not_cancelled(booking: Booking) -> None:
    with pytest.raises(WrongStatus, match="Cancelling is not possible"):
        cancel(booking, [], reason="", at=LATER)


def test_a_reason_of_more_than_five_hundred_characters_is_refused() -> None:
    with pytest.raises(InvalidInput):
        cancel(a_booking(), [], reason="x" * 501, at=LATER)
