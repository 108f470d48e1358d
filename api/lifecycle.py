"""What can be done about a booking, one mutation for each act."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api.access import SIGNED_IN, allow
from api.booking_inputs import (
    AcceptTermsInput,
    ApproveBookingInput,
    DeclineBookingInput,
    StartBookingInput,
    UpdateBookingInput,
)
from api.booking_problems import TermsNotAccepted, WrongStatus
from api.bookings import Booking
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound, VersionConflict
from api.work import CompleteBookingInput
from db import lifecycle
from domain import bookings as domain
from domain.people import Role


@strawberry.type(directives=[SIGNED_IN], description="The act was done.")
class BookingActSuccess:
    """The act was done."""

    booking: domain.Booking = strawberry.field(
        graphql_type=Booking, description="The booking as it stands now."
    )


@strawberry.type(directives=[SIGNED_IN], description="The booking was approved.")
class ApproveBookingSuccess(BookingActSuccess):
    """The booking was approved."""


@strawberry.type(directives=[SIGNED_IN], description="The booking was declined.")
class DeclineBookingSuccess(BookingActSuccess):
    """The booking was declined."""


@strawberry.type(directives=[SIGNED_IN], description="The work has begun.")
class StartBookingSuccess(BookingActSuccess):
    """The work has begun."""


@strawberry.type(directives=[SIGNED_IN], description="The work is done.")
class CompleteBookingSuccess(BookingActSuccess):
    """The work is done."""


@strawberry.type(directives=[SIGNED_IN], description="The terms are accepted.")
class AcceptTermsSuccess(BookingActSuccess):
    """The terms are accepted."""


@strawberry.type(directives=[SIGNED_IN], description="The booking says it anew.")
class UpdateBookingSuccess(BookingActSuccess):
    """The booking says it anew."""


ApproveBookingResult: TypeAlias = Annotated[
    ApproveBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("ApproveBookingResult", description="What came of approveBooking."),
]
DeclineBookingResult: TypeAlias = Annotated[
    DeclineBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("DeclineBookingResult", description="What came of declineBooking."),
]
StartBookingResult: TypeAlias = Annotated[
    StartBookingSuccess | WrongStatus | TermsNotAccepted | NotFound | InvalidInput,
    strawberry.union("StartBookingResult", description="What came of startBooking."),
]
CompleteBookingResult: TypeAlias = Annotated[
    CompleteBookingSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("CompleteBookingResult", description="What came of completeBooking."),
]
AcceptTermsResult: TypeAlias = Annotated[
    AcceptTermsSuccess | WrongStatus | NotFound | InvalidInput,
    strawberry.union("AcceptTermsResult", description="What came of acceptTerms."),
]
UpdateBookingResult: TypeAlias = Annotated[
    UpdateBookingSuccess | WrongStatus | VersionConflict | NotFound | InvalidInput,
    strawberry.union("UpdateBookingResult", description="What came of updateBooking."),
]


@strawberry.type
class BookingMutations:
    """Acting on bookings."""

    @strawberry.mutation(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Let a booking that awaits approval go on.",
        graphql_type=ApproveBookingResult,
    )
    async def approve_booking(self, info: Info, input: Given[ApproveBookingInput]) -> Any:
        """Approve."""
        async with info.context.begin() as tx:
            booking = await lifecycle.approve(tx, booking_id=input.uid, by=info.context.user)
        return ApproveBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Turn down a booking that awaits approval.",
        graphql_type=DeclineBookingResult,
    )
    async def decline_booking(self, info: Info, input: Given[DeclineBookingInput]) -> Any:
        """Decline."""
        async with info.context.begin() as tx:
            booking = await lifecycle.decline(
                tx, booking_id=input.uid, by=info.context.user, reason=input.reason
            )
        return DeclineBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Begin the work on a confirmed booking of yours.",
        graphql_type=StartBookingResult,
    )
    async def start_booking(self, info: Info, input: Given[StartBookingInput]) -> Any:
        """Start."""
        async with info.context.begin() as tx:
            booking = await lifecycle.start(tx, booking_id=input.uid, by=info.context.user)
        return StartBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Say that the work you started is done, with what there is to show for it.",
        graphql_type=CompleteBookingResult,
    )
    async def complete_booking(self, info: Info, input: Given[CompleteBookingInput]) -> Any:
        """Complete."""
        async with info.context.begin() as tx:
            booking = await lifecycle.complete(
                tx, booking_id=input.uid, by=info.context.user, handover=input.handover()
            )
        return CompleteBookingSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Accept the terms of the service you booked; until then nobody is asked.",
        graphql_type=AcceptTermsResult,
    )
    async def accept_terms(self, info: Info, input: Given[AcceptTermsInput]) -> Any:
        """Accept the terms."""
        async with info.context.begin() as tx:
            booking = await lifecycle.accept_terms(tx, booking_id=input.uid, by=info.context.user)
        return AcceptTermsSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Say anew what the provider has to know. To move it, see `rescheduleBooking`.",
        graphql_type=UpdateBookingResult,
    )
    async def update_booking(self, info: Info, input: Given[UpdateBookingInput]) -> Any:
        """Edit."""
        async with info.context.begin() as tx:
            booking = await lifecycle.edit(
                tx,
                booking_id=input.uid,
                by=info.context.user,
                details=input.details(),
                expected_version=input.expected_version,
            )
        return UpdateBookingSuccess(booking=booking)
