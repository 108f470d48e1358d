"""How does a dispatcher give work to somebody by hand?"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.booking_inputs import AssignBookingInput
from api.booking_problems import ProviderNotEligible, RulesBroken, SlotTaken, WrongStatus
from api.context import Info
from api.inputs import Given
from api.lifecycle import BookingActSuccess
from api.problems import InvalidInput, NotFound, VersionConflict
from db import assignments
from domain.people import Role


@strawberry.type(directives=[SIGNED_IN], description="The booking has its provider.")
class AssignBookingSuccess(BookingActSuccess):
    """The booking has its provider."""


AssignBookingResult: TypeAlias = Annotated[
    AssignBookingSuccess
    | SlotTaken
    | RulesBroken
    | ProviderNotEligible
    | WrongStatus
    | VersionConflict
    | NotFound
    | InvalidInput,
    strawberry.union("AssignBookingResult", description="What came of assignBooking."),
]


@strawberry.type
class AssignmentMutations:
    """Assigning."""

    @strawberry.mutation(
        directives=[allow(Role.DISPATCHER, Role.ADMIN)],
        description="Give a booking to a provider, or to another one, by hand.",
        graphql_type=AssignBookingResult,
    )
    async def assign_booking(self, info: Info, input: Given[AssignBookingInput]) -> Any:
        """Assign."""
        async with info.context.begin() as tx:
            booking = await assignments.assign(
                tx,
                booking_id=input.uid,
                provider_id=ids.parse("Provider", input.provider_id, "providerId"),
                by=info.context.user,
                override_reason=input.override_reason,
                expected_version=input.expected_version,
            )
        return AssignBookingSuccess(booking=booking)
