"""What is a slot on the wire, and what is left when nobody is free?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from api import ids
from api.access import PUBLIC
from api.context import Info
from api.problems import Problem, ProblemCode, problem_of
from api.providers import Provider
from api.scalars import LocalDateTime, TimeZone
from api.views import view_of
from domain import slots as domain


@strawberry.type(
    directives=[PUBLIC],
    description="A start that can be booked: a unique instant, and what the wall shows there.",
)
@view_of(domain.Slot)
class Slot:
    """A start that can be booked."""

    starts_at: datetime = strawberry.field(description="When the work would start.")
    ends_at: datetime = strawberry.field(description="When it would end.")
    local_start: LocalDateTime = strawberry.field(
        description="Its start on the wall clock. In the night in which clocks go back two slots "
        "can have the same one; `utcOffset` tells them apart."
    )
    local_end: LocalDateTime = strawberry.field(description="Its end on the wall clock.")
    time_zone: TimeZone = strawberry.field(description="The zone of that wall clock.")
    utc_offset: str = strawberry.field(
        description='How far the wall clock is ahead of UTC at the start, such as "+05:45".'
    )
    provider_count: int = strawberry.field(
        description="How many providers could still take it: those who are free, less the bookings "
        "that wait for one of them."
    )


@strawberry.type(directives=[PUBLIC], description="What the waitlist could be joined for.")
@view_of(domain.Waiting)
class WaitlistSuggestion:
    """What the waitlist could be joined for."""

    earliest: datetime = strawberry.field(description="The first start that would do.")
    latest: datetime = strawberry.field(description="The last start that would do.")

    @strawberry.field(description="The service to wait for, as `joinWaitlist` takes it.")
    def service_id(self) -> strawberry.ID:
        """The service's global id."""
        value: Any = self
        return strawberry.ID(ids.encode("Service", value.service_id))


@strawberry.type(
    directives=[PUBLIC], description="The three ways on when nobody is free at the wanted time."
)
@view_of(domain.WaysOn)
class WaysOn:
    """The ways on when nobody is free."""

    later_slots: list[Slot] = strawberry.field(
        description="Book one of the next slots, with whoever is free; at most five."
    )
    waitlist: WaitlistSuggestion = strawberry.field(
        description="Wait until somebody becomes free: what to give to `joinWaitlist`."
    )

    @strawberry.field(
        description="Book one of these providers by name: they are not free then but later, "
        "nearest first; at most five.",
        graphql_type=list[Provider],
    )
    async def offline_providers(self, info: Info) -> Any:
        """Those who can be booked for another time."""
        value: Any = self
        found = await info.context.loaders.providers.load_many(value.provider_ids)
        return [one for one in found if one]


@strawberry.type(directives=[PUBLIC], description="Nobody is free at this time.")
class NobodyFree(Problem):
    """Nobody is free at this time."""

    ways_on: domain.WaysOn = strawberry.field(
        graphql_type=WaysOn, description="What you can do instead."
    )


@problem_of.register
def _(refusal: domain.NobodyFree) -> Problem:
    return NobodyFree(
        message=str(refusal),
        code=ProblemCode.NOBODY_FREE,
        path=["startsAt"],
        ways_on=refusal.ways_on,
    )
