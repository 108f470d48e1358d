"""How does a provider give work back, and what is told of it?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.booking_inputs import BookingInput
from api.booking_problems import IdempotencyKeyReused, WrongStatus
from api.bookings import Booking, visible
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound
from api.views import view_of
from api.working_hours import OWN_OR_STAFF
from db import withdrawals
from domain import idempotency
from domain import withdrawals as domain
from domain.people import Role


@strawberry.type(
    directives=[OWN_OR_STAFF],
    description="A provider is out of a booking that they had. They are never asked for it again.",
)
@view_of(domain.Withdrawal)
class Withdrawal:
    """A provider is out of a booking that they had."""

    reason: str = strawberry.field(description="Why, in the provider's words.")
    at: datetime = strawberry.field(description="Since when.")

    @strawberry.field(description="Which booking it was.")
    def booking_id(self) -> strawberry.ID:
        """The booking's global id."""
        return strawberry.ID(ids.encode("Booking", _value(self).booking_id))

    @strawberry.field(
        description="The booking; null for those who may not see it, as its former provider.",
        graphql_type=Booking | None,
    )
    async def booking(self, info: Info) -> Any:
        """The booking, if the viewer may see it."""
        return await visible(info.context, _value(self).booking_id)


def _value(view: Any) -> domain.Withdrawal:
    value: domain.Withdrawal = view
    return value


@strawberry.input(description="Which booking to give back, and why.")
class HandBackBookingInput(BookingInput):
    """Which booking to give back."""

    reason: str = strawberry.field(
        description="Why; 1 to 500 characters, which the customer can read."
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 200 characters of your own; with other input it is refused. Giving the "
        "same booking back again is answered as the first time, also without one.",
    )


@strawberry.type(directives=[SIGNED_IN], description="The booking is not yours any more.")
class HandBackBookingSuccess:
    """The booking is not yours any more."""

    withdrawal: domain.Withdrawal = strawberry.field(
        graphql_type=Withdrawal, description="What you are out of."
    )


HandBackBookingResult: TypeAlias = Annotated[
    HandBackBookingSuccess | WrongStatus | IdempotencyKeyReused | NotFound | InvalidInput,
    strawberry.union("HandBackBookingResult", description="What came of handBackBooking."),
]


@strawberry.type
class WithdrawalMutations:
    """Giving work back."""

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Give a booking of yours back before its window begins. It is offered to "
        "others at once, and never to you again. It costs nobody anything.",
        graphql_type=HandBackBookingResult,
    )
    async def hand_back_booking(self, info: Info, input: Given[HandBackBookingInput]) -> Any:
        """Give back."""
        uid, reason = input.uid, input.reason.strip()
        key = idempotency.key("handBackBooking", input.idempotency_key, (uid, reason))
        async with info.context.begin() as tx:
            withdrawal = await withdrawals.hand_back(
                tx, booking_id=uid, by=info.context.user, reason=reason, key=key
            )
        return HandBackBookingSuccess(withdrawal=withdrawal)
