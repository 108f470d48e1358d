"""Who may review what, and what does a review make of the provider's rating?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.booking_steps import BookingStatus
from domain.events import Event, EventType
from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from domain.reviews import AlreadyReviewed, NotCompleted, Review, Reviewed, Tally, review
from tests.factories import BOOKING, CUSTOMER, NOW, PROVIDER, a_booking, a_provider, a_viewer

REVIEW = UUID(int=8)
SOMEBODY = UUID(int=9)
#: The facts of a booking whose work is done.
DONE: dict[str, Any] = {
    "provider_id": PROVIDER,
    "assigned_at": NOW,
    "paid_at": NOW,
    "started_at": NOW,
    "completed_at": NOW,
}


def a_review(**changes: Any) -> Review:
    facts: dict[str, Any] = {
        "id": REVIEW,
        "booking_id": BOOKING,
        "provider_id": PROVIDER,
        "customer_id": CUSTOMER,
        "stars": 5,
        "comment": "Spotless.",
        "given_at": NOW,
    }
    return Review(**facts | changes)


def reviewed(
    booking: Any = None, earlier: Review | None = None, tally: Tally | None = None, **changes: Any
) -> Reviewed:
    said: dict[str, Any] = {
        "review_id": REVIEW,
        "by": CUSTOMER,
        "stars": 5,
        "comment": "Spotless.",
        "at": NOW,
    }
    return review(booking or a_booking(**DONE), earlier, tally or Tally(), **said | changes)


def test_the_customer_of_a_completed_booking_reviews_it_and_it_counts() -> None:
    told = Event(
        type=EventType.BOOKING_REVIEWED,
        subject={"booking": BOOKING, "customer": CUSTOMER, "provider": PROVIDER},
    )
    assert reviewed(tally=Tally(count=2, stars=6)) == Reviewed(
        review=a_review(), tally=Tally(count=3, stars=11), events=(told,)
    )


def test_nobody_but_the_customer_reviews() -> None:
    for other in (PROVIDER, SOMEBODY):
        with pytest.raises(NotFound):
            reviewed(by=other)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, BookingStatus.PENDING),
        ({"completed_at": None}, BookingStatus.IN_PROGRESS),
        ({"completed_at": None, "started_at": None}, BookingStatus.CONFIRMED),
        ({"completed_at": None, "cancelled_at": NOW}, BookingStatus.CANCELLED),
        ({"completed_at": None, "no_show_at": NOW}, BookingStatus.NO_SHOW),
    ],
)
def test_only_completed_work_is_reviewed(facts: dict[str, Any], status: BookingStatus) -> None:
    booking = a_booking(**DONE | facts) if facts else a_booking()
    with pytest.raises(NotCompleted, match=f"the booking is {status}") as refused:
        reviewed(booking)
    assert refused.value.status is status


def test_the_same_review_again_changes_nothing() -> None:
    first, tally = (
        a_review(id=UUID(int=99), given_at=NOW - timedelta(days=1)),
        Tally(count=1, stars=5),
    )
    assert reviewed(earlier=first, tally=tally) == Reviewed(review=first, tally=tally)


@pytest.mark.parametrize("changes", [{"stars": 4}, {"comment": "Spotless!"}])
def test_another_review_of_the_same_booking_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(AlreadyReviewed) as refused:
        reviewed(earlier=a_review(), **changes)
    assert refused.value.review == a_review()


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_stars_are_from_one_to_five(stars: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        reviewed(stars=stars)
    assert [error.path for error in refused.value.errors] == [("stars",)]


def test_one_star_and_a_long_comment_are_taken() -> None:
    assert reviewed(stars=1, comment="x" * 2000).review.stars == 1


def test_every_wrong_field_is_named_at_once_whatever_the_booking() -> None:
    with pytest.raises(InvalidInput) as refused:
        reviewed(a_booking(), stars=6, comment="x" * 2001)
    assert [error.path for error in refused.value.errors] == [("stars",), ("comment",)]


@pytest.mark.parametrize(
    ("count", "stars", "rating"),
    [
        (0, 0, None),
        # One review is a sixth of what counts, five are half of it.
        (1, 5, 4.17),
        (1, 1, 3.5),
        (5, 25, 4.5),
        (5, 5, 2.5),
        (95, 475, 4.95),
        (1000, 5000, 5.0),
        (1000, 1000, 1.01),
    ],
)
def test_few_reviews_lean_towards_what_is_usual(
    count: int, stars: int, rating: float | None
) -> None:
    assert Tally(count=count, stars=stars).rating == rating


def test_a_better_review_never_makes_a_worse_rating() -> None:
    ratings = [Tally(count=3, stars=12).plus(stars).rating for stars in range(1, 6)]
    assert ratings == [3.67, 3.78, 3.89, 4.0, 4.11]


def test_a_review_is_seen_with_its_provider_and_always_by_who_wrote_it() -> None:
    suspended = a_provider(suspended_at=NOW)
    stranger = a_viewer(user_id=SOMEBODY)
    assert a_review().is_visible_to(stranger, a_provider())
    assert not a_review().is_visible_to(stranger, suspended)
    assert a_review().is_visible_to(a_viewer(), suspended)
    assert a_review().is_visible_to(a_viewer(user_id=SOMEBODY, role=Role.DISPATCHER), suspended)
