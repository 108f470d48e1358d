"""How is it told that a provider cannot come?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.bookings import Booking
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound
from api.providers import Provider
from api.withdrawals import Withdrawal
from api.working_hours import OWN_OR_STAFF, TimeOff
from db import providers, unavailability
from domain import bookings as domain_bookings
from domain import providers as domain_providers
from domain import time_off as domain_time_off
from domain import withdrawals as domain_withdrawals


@strawberry.input(description="For how long a provider cannot come.")
class ReportUnavailableInput:
    """For how long a provider cannot come."""

    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who cannot; providers say it of themselves, staff of anybody."
    )
    starts_at: datetime = strawberry.field(
        description="From when on; who cannot come now is off shift at once."
    )
    ends_at: datetime = strawberry.field(
        description="Until when: in the future, and at most 366 days later."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why; up to 500 characters. Customers never see it."
    )


@strawberry.type(directives=[OWN_OR_STAFF], description="The provider is away for the stretch.")
class ReportUnavailableSuccess:
    """The provider is away for the stretch."""

    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider, description="Who cannot come."
    )
    time_off: domain_time_off.TimeOff = strawberry.field(
        graphql_type=TimeOff, description="The time off that was taken for it."
    )
    withdrawals: list[domain_withdrawals.Withdrawal] = strawberry.field(
        graphql_type=list[Withdrawal],
        description="The bookings that were theirs and are offered to others now.",
    )
    kept: list[domain_bookings.Booking] = strawberry.field(
        graphql_type=list[Booking],
        description="What they are in the middle of. It stays theirs until it is completed or "
        "settled by the house.",
    )


ReportUnavailableResult: TypeAlias = Annotated[
    ReportUnavailableSuccess | NotFound | InvalidInput,
    strawberry.union("ReportUnavailableResult", description="What came of reportUnavailable."),
]


@strawberry.type
class UnavailabilityMutations:
    """Telling that one cannot come."""

    @strawberry.mutation(
        directives=[OWN_OR_STAFF],
        description="Say that you cannot come, such as when ill. In one act you have time off, all "
        "your bookings in it that have not begun are offered to others, open offers and holds in "
        "it end, and from now on you are off shift. Saying the same twice is once.",
        graphql_type=ReportUnavailableResult,
    )
    async def report_unavailable(self, info: Info, input: Given[ReportUnavailableInput]) -> Any:
        """Report."""
        named = input.provider_id
        async with info.context.begin() as tx:
            done = await unavailability.report(
                tx,
                by=info.context.user,
                provider_id=None if named is None else ids.parse("Provider", named, "providerId"),
                starts_at=input.starts_at,
                ends_at=input.ends_at,
                reason=(input.reason or "").strip(),
            )
            provider = await providers.get(tx, done.time_off.provider_id)
        return ReportUnavailableSuccess(
            provider=provider,
            time_off=done.time_off,
            withdrawals=list(done.withdrawals),
            kept=list(done.kept),
        )
