"""How is a booking moved to another time?"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api.access import SIGNED_IN, allow
from api.booking_inputs import RescheduleBookingInput
from api.booking_problems import ProviderNotEligible, RulesBroken, SlotTaken, WrongStatus
from api.context import Info
from api.inputs import Given
from api.lifecycle import BookingActSuccess
from api.problems import InvalidInput, NotFound, VersionConflict
from api.slots import NobodyFree
from db import moves
from domain.people import Role


@strawberry.type(directives=[SIGNED_IN], description="The booking was moved.")
class RescheduleBookingSuccess(BookingActSuccess):
    """The booking was moved; its provider keeps it, or it is offered anew."""


RescheduleBookingResult: TypeAlias = Annotated[
    RescheduleBookingSuccess
    | SlotTaken
    | RulesBroken
    | NobodyFree
    | ProviderNotEligible
    | WrongStatus
    | VersionConflict
    | NotFound
    | InvalidInput,
    strawberry.union("RescheduleBookingResult", description="What came of rescheduleBooking."),
]


@strawberry.type
class MoveMutations:
    """Moving."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Move a booking. Its provider keeps it if they are free then; otherwise it is "
        "offered anew, or refused with `keepProvider`.",
        graphql_type=RescheduleBookingResult,
    )
    async def reschedule_booking(self, info: Info, input: Given[RescheduleBookingInput]) -> Any:
        """Move."""
        async with info.context.begin() as tx:
            booking = await moves.reschedule(
                tx,
                booking_id=input.uid,
                by=info.context.user,
                starts_at=input.start,
                keep_provider=bool(input.keep_provider),
                override_reason=input.override_reason,
                expected_version=input.expected_version,
                house=info.context.house,
            )
        return RescheduleBookingSuccess(booking=booking)
