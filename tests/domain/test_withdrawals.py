"""How does a provider get out of a booking, when no more, and what does it leave behind?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking, happened
from domain.events import EventType
from domain.offers import JobOffer, OfferState, Outcome, Wave, about
from domain.refusals import InvalidInput, NotFound
from domain.withdrawals import HandedBack, TooLateToHandBack, Withdrawal, hand_back
from tests.factories import BOOKING, NOW, PROVIDER, a_booking, an_offer

LATER: Final = NOW + timedelta(minutes=1)
TICK: Final = timedelta(microseconds=1)
OTHER: Final = UUID(int=32)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
OUT: Final = Withdrawal(booking_id=BOOKING, provider_id=PROVIDER, reason="My van.", at=LATER)


def confirmed(**changes: Any) -> Booking:
    return a_booking(**{"paid_at": NOW, "match_due_at": None, **STAFFED} | changes)


def give_back(booking: Booking, *offers: JobOffer, **changes: Any) -> HandedBack:
    facts: dict[str, Any] = {"by": PROVIDER, "reason": "My van.", "earlier": None, "at": LATER}
    return hand_back(booking, offers, **facts | changes)


def test_what_is_given_back_is_searched_for_anew_at_once_and_noted() -> None:
    won = an_offer(state=OfferState.ACCEPTED, resolved_at=NOW)
    searched = confirmed(wave=Wave.BROADCAST, round=4, broadcasts=2, match_since=NOW)
    done = give_back(searched, won)
    left = a_booking(
        paid_at=NOW, round=4, rounds_before=4, match_since=LATER, match_due_at=LATER, version=2
    )
    taken_back = an_offer(state=OfferState.RESCINDED, resolved_at=LATER)
    assert done == HandedBack(
        outcome=Outcome(
            booking=left,
            offers=(taken_back,),
            events=(
                happened(EventType.BOOKING_RELEASED, left, provider_id=PROVIDER),
                about(EventType.OFFER_RESCINDED, taken_back),
            ),
        ),
        withdrawal=OUT,
    )
    assert left.status is BookingStatus.PAID


def test_it_costs_nobody_anything() -> None:
    left = give_back(confirmed()).outcome.booking
    assert (left.fee_minor, left.paid_at) == (None, NOW)


def test_what_still_waits_for_a_yes_is_given_back_and_searched_for_after_it() -> None:
    awaiting = a_booking(needs_approval=True, match_due_at=None, **STAFFED)
    left = give_back(awaiting).outcome.booking
    assert left == a_booking(needs_approval=True, match_due_at=None, version=2)


def test_how_late_its_provider_was_going_to_be_is_over_with_them() -> None:
    late = confirmed(late_minutes=20, late_reason="Rain", late_reported_at=NOW)
    left = give_back(late).outcome.booking
    assert (left.late_minutes, left.late_reason, left.late_reported_at) == (None, None, None)


def test_it_is_possible_until_the_window_begins() -> None:
    starts_at = confirmed().starts_at
    assert give_back(confirmed(), at=starts_at - TICK).outcome.booking.provider_id is None
    with pytest.raises(TooLateToHandBack, match="cannot be given back any more") as refused:
        give_back(confirmed(), at=starts_at)
    assert (refused.value.act, refused.value.status) == (Act.RELEASE, BookingStatus.CONFIRMED)


@pytest.mark.parametrize(
    "facts",
    [
        {"started_at": NOW},
        {"started_at": NOW, "completed_at": NOW},
        {"cancelled_at": NOW},
        {"no_show_at": NOW},
    ],
)
@pytest.mark.parametrize("at", [LATER, NOW + timedelta(days=2)])
def test_what_has_begun_or_is_over_is_not_given_back(facts: dict[str, Any], at: Any) -> None:
    with pytest.raises(WrongStatus, match="Releasing the provider is not possible") as refused:
        give_back(confirmed(**facts), at=at)
    assert refused.value.status is confirmed(**facts).status


@pytest.mark.parametrize("booking", [a_booking(), confirmed(provider_id=OTHER)])
def test_nobody_gives_back_what_was_never_theirs(booking: Booking) -> None:
    with pytest.raises(NotFound):
        give_back(booking)


@pytest.mark.parametrize("booking", [a_booking(), confirmed(provider_id=OTHER)])
def test_giving_back_again_changes_nothing_and_answers_as_before(booking: Booking) -> None:
    done = give_back(booking, earlier=OUT, reason="Another one", at=LATER + timedelta(hours=1))
    assert done == HandedBack(outcome=Outcome(booking=booking), withdrawal=OUT)


@pytest.mark.parametrize("reason", ["", "x" * 501, "nu\x00ll"])
def test_a_reason_that_can_be_read_is_needed(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        give_back(confirmed(), reason=reason)
    assert [error.path for error in refused.value.errors] == [("reason",)]
