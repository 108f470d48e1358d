"""How is it told that a provider will be late?"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api.access import SIGNED_IN, allow
from api.booking_inputs import BookingInput
from api.booking_problems import WrongStatus
from api.bookings import Booking
from api.context import Info
from api.inputs import Given
from api.lifecycle import BookingActSuccess
from api.no_shows import TooEarly
from api.problems import InvalidInput, NotFound
from db import lateness
from domain import bookings as domain
from domain.people import Role


@strawberry.input(description="For which booking the provider will be late, and by how much.")
class ReportRunningLateInput(BookingInput):
    """For which booking the provider will be late."""

    minutes: int = strawberry.field(
        description="How long after the agreed start the work will begin: 1 to 240 minutes."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why; up to 500 characters, which the customer reads."
    )


@strawberry.type(directives=[SIGNED_IN], description="The customer is told.")
class ReportRunningLateSuccess(BookingActSuccess):
    """The customer is told."""

    endangered: list[domain.Booking] = strawberry.field(
        graphql_type=list[Booking],
        description="A warning: the provider's later work that cannot begin in time then, by its "
        "buffers and the way there, in the order of its starts. It stays as it is.",
    )


ReportRunningLateResult: TypeAlias = Annotated[
    ReportRunningLateSuccess | TooEarly | WrongStatus | NotFound | InvalidInput,
    strawberry.union("ReportRunningLateResult", description="What came of reportRunningLate."),
]


@strawberry.type
class LatenessMutations:
    """Telling of a delay."""

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER, Role.DISPATCHER, Role.ADMIN)],
        description="Say that you will be late for a booking of yours, from 6 hours before its "
        "start until you begin; staff say it for a provider. What was said last counts.",
        graphql_type=ReportRunningLateResult,
    )
    async def report_running_late(self, info: Info, input: Given[ReportRunningLateInput]) -> Any:
        """Report."""
        async with info.context.begin() as tx:
            booking, endangered = await lateness.report(
                tx,
                booking_id=input.uid,
                by=info.context.user,
                minutes=input.minutes,
                reason=(input.reason or "").strip(),
            )
        return ReportRunningLateSuccess(booking=booking, endangered=list(endangered))
