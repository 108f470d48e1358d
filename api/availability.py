"""Changing when a provider works, and taking time off."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.booking_problems import BrokenRule
from api.bookings import Booking
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound, VersionConflict
from api.providers import Provider
from api.scalars import TimeZone
from api.views import view_of
from api.working_hours import OWN_OR_STAFF, TimeOff
from db import availability_changes, providers, time_off
from domain import availability_changes as said
from domain import availability_conflicts as domain
from domain import providers as domain_providers
from domain import time_off as domain_time_off


@strawberry.type(
    directives=[OWN_OR_STAFF],
    description="A booking that no longer fits its provider's availability. It stays as it is "
    "until somebody moves it, hands it on or calls it off.",
)
@view_of(domain.Conflict)
class AvailabilityConflict:
    """A booking that no longer fits its provider's availability."""

    booking: Booking = strawberry.field(description="The booking.")
    broken: list[BrokenRule] = strawberry.field(
        description="The rules it breaks: OUTSIDE_HOURS, HOLIDAY, TIME_OFF or DAILY_CAP."
    )


@strawberry.type(directives=[OWN_OR_STAFF], description="The availability is as you want it.")
class UpdateAvailabilitySuccess:
    """The availability is changed, or would be."""

    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider, description="Whose availability it is."
    )
    version: int = strawberry.field(
        description="The availability's version now; after a dry run, the one there was."
    )
    conflicts: list[domain.Conflict] = strawberry.field(
        graphql_type=list[AvailabilityConflict],
        description="The bookings ahead that no longer fit, in the order of their starts.",
    )


@strawberry.type(directives=[OWN_OR_STAFF], description="The time is off.")
class RequestTimeOffSuccess:
    """The time is off."""

    time_off: domain_time_off.TimeOff = strawberry.field(
        graphql_type=TimeOff, description="The time off."
    )
    conflicts: list[domain.Conflict] = strawberry.field(
        graphql_type=list[AvailabilityConflict],
        description="The bookings ahead that lie in it, in the order of their starts.",
    )


@strawberry.type(directives=[OWN_OR_STAFF], description="The time is off no longer.")
class CancelTimeOffSuccess:
    """The time is off no longer."""

    time_off: domain_time_off.TimeOff = strawberry.field(
        graphql_type=TimeOff, description="The time off that was cancelled."
    )


UpdateAvailabilityResult: TypeAlias = Annotated[
    UpdateAvailabilitySuccess | VersionConflict | NotFound | InvalidInput,
    strawberry.union("UpdateAvailabilityResult", description="What came of updateAvailability."),
]
RequestTimeOffResult: TypeAlias = Annotated[
    RequestTimeOffSuccess | NotFound | InvalidInput,
    strawberry.union("RequestTimeOffResult", description="What came of requestTimeOff."),
]
CancelTimeOffResult: TypeAlias = Annotated[
    CancelTimeOffSuccess | NotFound | InvalidInput,
    strawberry.union("CancelTimeOffResult", description="What came of cancelTimeOff."),
]


@strawberry.input(description="A stretch of working time on one day of the week.")
class WeeklyIntervalInput:
    """A stretch of working time on one day of the week."""

    weekday: int = strawberry.field(description="ISO day of the week: Monday is 1, Sunday is 7.")
    opens: time = strawberry.field(description="When it begins, on the wall clock.")
    closes: time = strawberry.field(description="When it ends; 00:00 is the end of the day.")

    def value(self) -> said.SaidWeeklyInterval:
        """What was said, right or wrong."""
        return said.SaidWeeklyInterval(weekday=self.weekday, opens=self.opens, closes=self.closes)


@strawberry.input(description="A stretch of working time on one date.")
class DayIntervalInput:
    """A stretch of working time on one date."""

    opens: time = strawberry.field(description="When it begins, on the wall clock of that day.")
    closes: time = strawberry.field(description="When it ends; 00:00 is the end of the day.")


@strawberry.input(description="Other hours than usual on one date.")
class DateOverrideInput:
    """Other hours than usual on one date."""

    day: date = strawberry.field(description="The date.")
    intervals: list[DayIntervalInput] = strawberry.field(
        description="The hours of that day, at most 24 stretches; none to block it."
    )

    def value(self) -> said.SaidOverride:
        """What was said, right or wrong."""
        intervals = (said.SaidInterval(opens=i.opens, closes=i.closes) for i in self.intervals)
        return said.SaidOverride(day=self.day, intervals=tuple(intervals))


@strawberry.input(description="Some days on which another zone's clock counts.")
class TemporaryZoneInput:
    """Some days on which another zone's clock counts."""

    first_day: date = strawberry.field(description="The first of the days.")
    last_day: date = strawberry.field(description="The last of the days.")
    time_zone: TimeZone = strawberry.field(description="The zone whose clock counts.")

    def value(self) -> said.SaidStay:
        """What was said, right or wrong."""
        return said.SaidStay(first=self.first_day, last=self.last_day, time_zone=self.time_zone)


@strawberry.input(
    description="When a provider works. Each part that is given takes the place of the whole of "
    "that part; what is left out stays. An empty list clears."
)
class UpdateAvailabilityInput:
    """When a provider works."""

    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose availability; providers change their own, staff any."
    )
    weekly_hours: list[WeeklyIntervalInput] | None = strawberry.field(
        default=None, description="The usual week, at most 50 stretches."
    )
    date_overrides: list[DateOverrideInput] | None = strawberry.field(
        default=None, description="The dates with other hours, at most 366."
    )
    temporary_zones: list[TemporaryZoneInput] | None = strawberry.field(
        default=None, description="The days by another zone's clock, at most 50 stretches."
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="The zone whose clock usually counts."
    )
    daily_cap: int | None = strawberry.field(
        default=None, description="At most so many jobs start on one local day: 1 to 50."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="The version you have read; if there is another by now, nothing is changed.",
    )
    dry_run: bool = strawberry.field(
        default=False, description="Change nothing, and tell which bookings would no longer fit."
    )

    def value(self) -> said.Said:
        """What was said, right or wrong."""
        week, days, stays = self.weekly_hours, self.date_overrides, self.temporary_zones
        return said.Said(
            weekly_hours=None if week is None else tuple(one.value() for one in week),
            date_overrides=None if days is None else tuple(one.value() for one in days),
            temporary_zones=None if stays is None else tuple(one.value() for one in stays),
            time_zone=self.time_zone,
            daily_cap=self.daily_cap,
        )


@strawberry.input(description="Time that a provider wants off. It is off at once.")
class RequestTimeOffInput:
    """Time that a provider wants off."""

    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose time; providers take their own, staff anybody's."
    )
    starts_at: datetime = strawberry.field(description="When it begins.")
    ends_at: datetime = strawberry.field(
        description="When it ends: in the future, and at most 366 days later."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why; up to 500 characters. Customers never see it."
    )


@strawberry.input(description="Time off that is not needed after all.")
class CancelTimeOffInput:
    """Time off that is not needed after all."""

    time_off_id: strawberry.ID = strawberry.field(description="The time off.")


def _whose(provider_id: str | None) -> UUID | None:
    return None if provider_id is None else ids.parse("Provider", provider_id, "providerId")


@strawberry.type
class AvailabilityMutations:
    """Saying when one works."""

    @strawberry.mutation(
        directives=[OWN_OR_STAFF],
        description="Say when you work, all at once or not at all. No booking is dropped: those "
        "that no longer fit are reported. Offers you could no longer take are withdrawn.",
        graphql_type=UpdateAvailabilityResult,
    )
    async def update_availability(self, info: Info, input: Given[UpdateAvailabilityInput]) -> Any:
        """Change the availability."""
        async with info.context.begin() as tx:
            changed = await availability_changes.change(
                tx,
                input.value(),
                by=info.context.user,
                provider_id=_whose(input.provider_id),
                expected_version=input.expected_version,
                dry_run=input.dry_run,
            )
            provider = await providers.get(tx, changed.provider_id)
        return UpdateAvailabilitySuccess(
            provider=provider, version=changed.version, conflicts=list(changed.conflicts)
        )

    @strawberry.mutation(
        directives=[OWN_OR_STAFF],
        description="Take time off, at once. No booking is dropped: those that lie in it are "
        "reported. Offers that lie in it are withdrawn. Asking twice for the same is once.",
        graphql_type=RequestTimeOffResult,
    )
    async def request_time_off(self, info: Info, input: Given[RequestTimeOffInput]) -> Any:
        """Take time off."""
        async with info.context.begin() as tx:
            taken, conflicts = await time_off.request(
                tx,
                by=info.context.user,
                provider_id=_whose(input.provider_id),
                starts_at=input.starts_at,
                ends_at=input.ends_at,
                reason=(input.reason or "").strip(),
            )
        return RequestTimeOffSuccess(time_off=taken, conflicts=list(conflicts))

    @strawberry.mutation(
        directives=[OWN_OR_STAFF],
        description="Be there after all. Cancelling twice is the same as once.",
        graphql_type=CancelTimeOffResult,
    )
    async def cancel_time_off(self, info: Info, input: Given[CancelTimeOffInput]) -> Any:
        """Cancel time off."""
        uid = ids.parse("TimeOff", input.time_off_id, "timeOffId")
        async with info.context.begin() as tx:
            cancelled = await time_off.cancel(tx, time_off_id=uid, by=info.context.user)
        return CancelTimeOffSuccess(time_off=cancelled)
