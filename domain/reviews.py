"""What did the customer think of the work, and what does that make of the provider's rating?

Few reviews say little: a rating leans towards what providers usually get until there are enough of
a provider's own. One five-star review makes a promising newcomer, not the best in town.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.booking_steps import BookingStatus
from domain.bookings import happened
from domain.events import EventType
from domain.refusals import FieldError, InvalidInput, NotFound, Refusal, wrong_text

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.events import Event
    from domain.people import Viewer
    from domain.providers import Provider

#: What a provider nobody has reviewed is taken to deserve, in stars …
PRIOR_MEAN: Final = 4
#: … and how many reviews of their own weigh as much as that assumption.
PRIOR_WEIGHT: Final = 5


class NotCompleted(Refusal):
    """Only work that was done can be reviewed."""

    def __init__(self, status: BookingStatus) -> None:
        super().__init__(f"Reviewing is not possible while the booking is {status}.")
        self.status = status


class AlreadyReviewed(Refusal):
    """The booking was reviewed, and otherwise than now."""

    def __init__(self, review: Review) -> None:
        super().__init__("You have reviewed this booking already. A review cannot be changed.")
        self.review = review


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a customer said of the work on one booking."""

    id: UUID
    booking_id: UUID
    provider_id: UUID
    customer_id: UUID
    stars: int
    comment: str = ""
    given_at: datetime

    def is_visible_to(self, viewer: Viewer, provider: Provider) -> bool:
        """May the viewer see it? Whoever may see its provider may, and who wrote it."""
        return viewer.user_id == self.customer_id or provider.is_visible_to(viewer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """All the reviews of a provider, added up."""

    count: int = 0
    stars: int = 0

    @property
    def rating(self) -> float | None:
        """Stars from 1 to 5, small samples shrunk towards the usual; None without reviews."""
        if not self.count:
            return None
        assumed = PRIOR_MEAN * PRIOR_WEIGHT
        return round((assumed + self.stars) / (PRIOR_WEIGHT + self.count), 2)

    def plus(self, stars: int) -> Tally:
        """With one more review."""
        return Tally(count=self.count + 1, stars=self.stars + stars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What a review changes: write all of it, or nothing."""

    review: Review
    tally: Tally
    events: tuple[Event, ...] = ()


def review(
    booking: Booking,
    earlier: Review | None,
    tally: Tally,
    *,
    review_id: UUID,
    by: UUID,
    stars: int,
    comment: str,
    at: datetime,
) -> Reviewed:
    """Let the customer `by` judge the work on a booking; it counts for its provider.

    `earlier` is the review that the booking has, `tally` what the provider's add up to. The same
    review again changes nothing and succeeds. Raises NotFound, InvalidInput, NotCompleted or
    AlreadyReviewed.
    """
    if booking.customer_id != by:
        raise NotFound("Booking")
    if wrong := _wrong_fields(stars, comment):
        raise InvalidInput(*wrong)
    if earlier is not None:
        if (earlier.stars, earlier.comment) != (stars, comment):
            raise AlreadyReviewed(earlier)
        return Reviewed(review=earlier, tally=tally)
    if booking.status is not BookingStatus.COMPLETED or booking.provider_id is None:
        raise NotCompleted(booking.status)
    given = Review(
        id=review_id,
        booking_id=booking.id,
        provider_id=booking.provider_id,
        customer_id=by,
        stars=stars,
        comment=comment,
        given_at=at,
    )
    told = happened(EventType.BOOKING_REVIEWED, booking)
    return Reviewed(review=given, tally=tally.plus(stars), events=(told,))


def _wrong_fields(stars: int, comment: str) -> tuple[FieldError, ...]:
    wrong = wrong_text(("comment",), comment, 0, 2000)
    if not 1 <= stars <= 5:
        return (FieldError(path=("stars",), message="Give 1 to 5 stars."), *wrong)
    return wrong
