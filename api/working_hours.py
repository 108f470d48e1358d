"""What a provider has said about when they work, and when they are away."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

import strawberry

from api import nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.context import Context
from api.nodes import Node
from api.scalars import TimeZone
from api.views import view_of
from db import time_off
from domain import availability, availability_conflicts, hours
from domain import time_off as domain
from domain.people import Role

#: A provider reads of themselves only; that is asked where rows are read.
OWN_OR_STAFF = allow(Role.PROVIDER, Role.DISPATCHER, Role.ADMIN)


@strawberry.type(directives=[PUBLIC], description="A stretch of working time in a usual week.")
@view_of(hours.WeeklyInterval)
class WeeklyInterval:
    """A stretch of working time in a usual week."""

    weekday: int = strawberry.field(description="ISO day of the week: Monday is 1, Sunday is 7.")
    opens: time = strawberry.field(description="When it begins, on the provider's own wall clock.")
    closes: time = strawberry.field(description="When it ends; 00:00 is the end of the day.")


@strawberry.type(directives=[OWN_OR_STAFF], description="A stretch of working time on one date.")
@view_of(hours.Interval)
class DayInterval:
    """A stretch of working time on one date."""

    opens: time = strawberry.field(description="When it begins, on the wall clock of that day.")
    closes: time = strawberry.field(description="When it ends; 00:00 is the end of the day.")


@strawberry.type(directives=[OWN_OR_STAFF], description="Other hours than usual on one date.")
@view_of(availability.DateOverride)
class DateOverride:
    """Other hours than usual on one date."""

    day: date = strawberry.field(description="The date.")
    intervals: list[DayInterval] = strawberry.field(
        description="The hours of that day; none when it is blocked."
    )


@strawberry.type(
    directives=[OWN_OR_STAFF], description="Some days on which another zone's clock counts."
)
@view_of(availability.TemporaryZone)
class TemporaryZone:
    """Some days on which another zone's clock counts."""

    first: date = strawberry.field(name="firstDay", description="The first of the days.")
    last: date = strawberry.field(name="lastDay", description="The last of the days.")
    time_zone: TimeZone = strawberry.field(description="The zone whose clock counts.")


@strawberry.type(
    directives=[OWN_OR_STAFF], description="All that a provider has said about when they work."
)
@view_of(availability_conflicts.KeptAvailability)
class Availability:
    """All that a provider has said about when they work."""

    time_zone: TimeZone = strawberry.field(description="The zone whose clock usually counts.")
    weekly_hours: list[WeeklyInterval] = strawberry.field(
        description="The usual week; several stretches on one day make a split shift or a break."
    )
    date_overrides: list[DateOverride] = strawberry.field(
        description="Dates with other hours than usual, earliest first."
    )
    temporary_zones: list[TemporaryZone] = strawberry.field(
        description="Days by another zone's clock, earliest first."
    )
    daily_cap: int = strawberry.field(description="At most so many jobs start on one local day.")
    version: int = strawberry.field(
        description="Counts the changes; give it back as `expectedVersion`."
    )


@strawberry.type(directives=[SIGNED_IN], description="A stretch of time for which one is away.")
@view_of(domain.TimeOff)
class TimeOff(Node):
    """A stretch of time for which a provider is away."""

    starts_at: datetime = strawberry.field(description="When it begins.")
    ends_at: datetime = strawberry.field(description="When it ends.")
    reason: str = strawberry.field(description="Why; customers never see it.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    cancelled_at: datetime | None = strawberry.field(
        description="When it was cancelled; null while it stands."
    )


async def _fetch(context: Context, uid: UUID) -> domain.TimeOff | None:
    async with context.read() as connection:
        found = await time_off.by_id(connection, uid)
    return found if found and found.is_visible_to(context.user) else None


nodes.register("TimeOff", domain.TimeOff, _fetch)
