"""Is a booking given to a provider by hand, and taken from one, without leaving anything behind?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.assignments import assign, release
from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking, happened
from domain.events import EventType
from domain.offers import JobOffer, OfferState, Outcome, Wave, about
from tests.factories import NOW, PROVIDER, a_booking, an_offer

LATER: Final = NOW + timedelta(minutes=1)
OTHER = UUID(int=32)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
TO_OTHER: Final[dict[str, Any]] = {"provider_id": OTHER, "assigned_at": LATER}
SEARCHING: Final[dict[str, Any]] = {"wave": Wave.BROADCAST, "round": 4, "match_since": NOW}


def staffed(**changes: Any) -> Booking:
    return a_booking(**{"match_due_at": None, **STAFFED} | changes)


def won() -> JobOffer:
    return an_offer(state=OfferState.ACCEPTED, resolved_at=NOW)


def taken_back() -> JobOffer:
    return an_offer(state=OfferState.RESCINDED, resolved_at=LATER)


def give(booking: Booking, *offers: JobOffer, to: UUID = OTHER) -> Outcome:
    return assign(booking, offers, provider_id=to, at=LATER)


class TestGiving:
    @pytest.mark.parametrize(
        ("paid", "status"),
        [({}, BookingStatus.PENDING), ({"paid_at": NOW}, BookingStatus.CONFIRMED)],
    )
    def test_ends_the_search_and_withdraws_the_offers(
        self, paid: dict[str, Any], status: BookingStatus
    ) -> None:
        outcome = give(a_booking(**SEARCHING, **paid), an_offer())
        assigned = a_booking(**SEARCHING, **paid, **TO_OTHER, match_due_at=None, version=2)
        withdrawn = an_offer(state=OfferState.RESCINDED, resolved_at=LATER)
        assert outcome == Outcome(
            booking=assigned,
            offers=(withdrawn,),
            events=(
                happened(EventType.BOOKING_ASSIGNED, assigned),
                about(EventType.OFFER_RESCINDED, withdrawn),
            ),
        )
        assert assigned.status is status

    def test_is_for_work_that_was_given_up_too(self) -> None:
        assigned = give(a_booking(unfilled_at=NOW, match_due_at=None)).booking
        assert assigned == a_booking(**TO_OTHER, match_due_at=None, unfilled_at=None, version=2)

    @pytest.mark.parametrize(
        ("paid", "status"),
        [({}, BookingStatus.PENDING), ({"paid_at": NOW}, BookingStatus.CONFIRMED)],
    )
    def test_to_another_takes_it_from_whoever_had_it(
        self, paid: dict[str, Any], status: BookingStatus
    ) -> None:
        lost = an_offer(id=UUID(int=31), provider_id=OTHER, state=OfferState.REJECTED)
        outcome = give(staffed(**paid), won(), lost)
        assigned = staffed(**paid, **TO_OTHER, version=2)
        assert outcome == Outcome(
            booking=assigned,
            offers=(taken_back(),),
            events=(
                happened(EventType.BOOKING_RELEASED, assigned, provider_id=PROVIDER),
                happened(EventType.BOOKING_ASSIGNED, assigned),
                about(EventType.OFFER_RESCINDED, taken_back()),
            ),
        )
        assert [event.subject["provider"] for event in outcome.events[:2]] == [PROVIDER, OTHER]
        assert assigned.status is status

    @pytest.mark.parametrize("booking", [staffed(), staffed(cancelled_at=NOW)])
    def test_to_the_same_one_changes_nothing(self, booking: Booking) -> None:
        assert give(booking, won(), to=PROVIDER) == Outcome(booking=booking)

    @pytest.mark.parametrize(
        ("booking", "act"),
        [
            (a_booking(needs_approval=True), Act.ASSIGN),
            (a_booking(cancelled_at=NOW), Act.ASSIGN),
            (staffed(paid_at=NOW, started_at=NOW), Act.REASSIGN),
            (staffed(no_show_at=NOW), Act.REASSIGN),
        ],
    )
    def test_is_refused_before_approval_and_once_it_has_begun_or_is_over(
        self, booking: Booking, act: Act
    ) -> None:
        with pytest.raises(WrongStatus) as refused:
            give(booking)
        assert (refused.value.act, refused.value.status) == (act, booking.status)

    def test_passes_on_what_still_waits_for_a_yes(self) -> None:
        assert give(staffed(needs_approval=True)).booking.status is BookingStatus.AWAITING_APPROVAL


class TestTaking:
    def test_is_possible_while_the_house_has_not_said_yes(self) -> None:
        left = release(staffed(needs_approval=True), [], at=LATER).booking
        assert left == a_booking(needs_approval=True, match_due_at=None, version=2)

    @pytest.mark.parametrize(
        ("paid", "status"), [({}, BookingStatus.PENDING), ({"paid_at": NOW}, BookingStatus.PAID)]
    )
    def test_looks_for_another_at_once(self, paid: dict[str, Any], status: BookingStatus) -> None:
        outcome = release(staffed(**SEARCHING, **paid), [won()], at=LATER)
        left = a_booking(
            **paid, round=4, rounds_before=4, match_since=LATER, match_due_at=LATER, version=2
        )
        assert outcome == Outcome(
            booking=left,
            offers=(taken_back(),),
            events=(
                happened(EventType.BOOKING_RELEASED, left, provider_id=PROVIDER),
                about(EventType.OFFER_RESCINDED, taken_back()),
            ),
        )
        assert outcome.events[0].subject["provider"] == PROVIDER
        assert left.status is status

    def test_waits_with_that_until_the_terms_are_accepted(self) -> None:
        left = release(staffed(needs_terms=True), [], at=LATER).booking
        assert left == a_booking(needs_terms=True, match_due_at=None, version=2)

    @pytest.mark.parametrize(
        "booking",
        [
            a_booking(),
            a_booking(paid_at=NOW),
            staffed(paid_at=NOW, started_at=NOW),
            staffed(cancelled_at=NOW),
        ],
    )
    def test_is_refused_where_nobody_has_it_and_once_it_has_begun_or_is_over(
        self, booking: Booking
    ) -> None:
        with pytest.raises(WrongStatus, match="Releasing the provider is not possible") as refused:
            release(booking, [], at=LATER)
        assert (refused.value.act, refused.value.status) == (Act.RELEASE, booking.status)
