"""How is work asked for?"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api.access import SIGNED_IN, allow
from api.booking_inputs import CreateBookingInput
from api.booking_problems import (
    IdempotencyKeyReused,
    ProviderNotEligible,
    RulesBroken,
    ServiceInactive,
    SlotTaken,
)
from api.context import Info
from api.holds import HoldExpired
from api.inputs import Given
from api.lifecycle import BookingActSuccess
from api.problems import InvalidInput, NotFound
from api.slots import NobodyFree
from db import requests
from domain import idempotency
from domain.people import Role


@strawberry.type(directives=[SIGNED_IN], description="The booking was made.")
class CreateBookingSuccess(BookingActSuccess):
    """The booking was made, or had been made by the same request before."""


CreateBookingResult: TypeAlias = Annotated[
    CreateBookingSuccess
    | SlotTaken
    | RulesBroken
    | NobodyFree
    | HoldExpired
    | ProviderNotEligible
    | ServiceInactive
    | IdempotencyKeyReused
    | NotFound
    | InvalidInput,
    strawberry.union("CreateBookingResult", description="What came of createBooking."),
]


@strawberry.type
class RequestMutations:
    """Asking for work."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Ask for a service, now or for later; staff ask on behalf of a customer.",
        graphql_type=CreateBookingResult,
    )
    async def create_booking(self, info: Info, input: Given[CreateBookingInput]) -> Any:
        """Make a booking."""
        viewer, house = info.context.user, info.context.house
        asked = input.request(viewer)
        key = idempotency.key("createBooking", input.idempotency_key, asked)
        async with info.context.begin() as tx:
            booking = await requests.request(tx, asked, by=viewer, house=house, key=key)
        return CreateBookingSuccess(booking=booking)
