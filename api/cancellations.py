"""What does calling off cost, and how is it done?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_inputs import CancelBookingInput
from api.booking_problems import RulesBroken, WrongStatus
from api.bookings import BookingId
from api.context import Info
from api.inputs import Given
from api.lifecycle import BookingActSuccess
from api.money import Money
from api.problems import (
    InvalidInput,
    NotFound,
    Problem,
    ProblemCode,
    VersionConflict,
    problem_of,
)
from api.views import view_of
from db import cancellations
from domain import cancellations as domain
from domain import money
from domain.people import Role


@strawberry.type(directives=[PUBLIC], description="What calling a booking off costs now.")
@view_of(domain.CancellationQuote)
class CancellationQuote:
    """What calling a booking off costs now."""

    percent: int = strawberry.field(description="The part of the price that falls due.")
    fee: money.Money = strawberry.field(graphql_type=Money, description="The fee.")
    refund: money.Money = strawberry.field(
        graphql_type=Money, description="What comes back of what has been paid."
    )
    changes_at: datetime | None = strawberry.field(
        description="When the fee becomes another one; null when it will not."
    )


@strawberry.type(directives=[PUBLIC], description="The fee is not the one you agreed to.")
class FeeChanged(Problem):
    """The fee is not the one agreed to."""

    quote: domain.CancellationQuote = strawberry.field(
        graphql_type=CancellationQuote, description="What it costs now."
    )


@strawberry.type(directives=[SIGNED_IN], description="The booking was called off.")
class CancelBookingSuccess(BookingActSuccess):
    """The booking was called off."""


CancelBookingResult: TypeAlias = Annotated[
    CancelBookingSuccess
    | FeeChanged
    | RulesBroken
    | WrongStatus
    | VersionConflict
    | NotFound
    | InvalidInput,
    strawberry.union("CancelBookingResult", description="What came of cancelBooking."),
]


@strawberry.type
class CancellationQueries:
    """Asking what it costs."""

    @strawberry.field(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="What calling a booking off costs now. Give its fee to `cancelBooking`.",
        graphql_type=CancellationQuote,
    )
    async def cancellation_quote(self, info: Info, booking_id: BookingId) -> Any:
        """The quote."""
        uid = ids.parse("Booking", booking_id, "bookingId")
        async with info.context.read() as connection:
            return await cancellations.quote(connection, booking_id=uid, by=info.context.user)


@strawberry.type
class CancellationMutations:
    """Calling off."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Call off a booking that has not begun, for the fee you were quoted.",
        graphql_type=CancelBookingResult,
    )
    async def cancel_booking(self, info: Info, input: Given[CancelBookingInput]) -> Any:
        """Cancel."""
        async with info.context.begin() as tx:
            booking = await cancellations.cancel(
                tx,
                booking_id=input.uid,
                by=info.context.user,
                reason=input.reason or "",
                expected_fee_minor=input.expected_fee_minor or 0,
                expected_version=input.expected_version,
            )
        return CancelBookingSuccess(booking=booking)


@problem_of.register
def _(refusal: domain.FeeChanged) -> Problem:
    return FeeChanged(
        message=str(refusal),
        code=ProblemCode.FEE_CHANGED,
        path=["expectedFeeMinor"],
        quote=refusal.quote,
    )
