"""Giving reviews: a customer says what they think of the work on a booking."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_problems import WrongStatus
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.reviews import Review
from db import reviews
from domain import reviews as domain
from domain.people import Role


@strawberry.type(directives=[PUBLIC], description="You have reviewed this booking otherwise.")
class AlreadyReviewed(Problem):
    """The booking was reviewed, and otherwise than now."""

    review: domain.Review = strawberry.field(
        graphql_type=Review, description="The review that stands."
    )


@strawberry.type(directives=[SIGNED_IN], description="The review is given.")
class ReviewBookingSuccess:
    """The review is given, or had been given in the same words before."""

    review: domain.Review = strawberry.field(graphql_type=Review, description="The review.")


ReviewBookingResult: TypeAlias = Annotated[
    ReviewBookingSuccess | AlreadyReviewed | WrongStatus | NotFound | InvalidInput,
    strawberry.union("ReviewBookingResult", description="What came of reviewBooking."),
]


@strawberry.input(description="What you think of the work on a booking of yours.")
class ReviewBookingInput:
    """What the customer thinks of the work."""

    booking_id: strawberry.ID = strawberry.field(description="The booking.")
    stars: int = strawberry.field(description="From 1, bad, to 5, as good as can be.")
    comment: str | None = strawberry.field(
        default=None, description="Everyone may read it; up to 2000 characters."
    )


@strawberry.type
class ReviewMutations:
    """Giving reviews."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Say what you think of the work on a completed booking of yours, once.",
        graphql_type=ReviewBookingResult,
    )
    async def review_booking(self, info: Info, input: Given[ReviewBookingInput]) -> Any:
        """Review."""
        booking_id = ids.parse("Booking", input.booking_id, "bookingId")
        async with info.context.begin() as tx:
            review = await reviews.give(
                tx,
                booking_id=booking_id,
                by=info.context.user,
                stars=input.stars,
                comment=(input.comment or "").strip(),
            )
        return ReviewBookingSuccess(review=review)


@problem_of.register
def _(refusal: domain.NotCompleted) -> Problem:
    return WrongStatus(message=str(refusal), code=ProblemCode.WRONG_STATUS, status=refusal.status)


@problem_of.register
def _(refusal: domain.AlreadyReviewed) -> Problem:
    return AlreadyReviewed(
        message=str(refusal), code=ProblemCode.ALREADY_REVIEWED, review=refusal.review
    )
