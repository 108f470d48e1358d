"""Series: standing orders, and what became of each of their occurrences."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_problems import BrokenRule
from api.bookings import Booking
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.nodes import Node
from api.providers import Provider
from api.scalars import LocalDateTime, TimeZone
from api.services import Service
from api.views import view_of
from db import occurrences, series
from domain import booking_rules, bookings
from domain import occurrences as domain
from domain import series as rules
from domain.people import Role

describe(
    domain.OccurrenceState,
    "What became of an occurrence.",
    BOOKED="A booking was made of it; see where that stands.",
    SKIPPED="It was left out.",
    CONFLICT="No booking could be made; skip it, or change it with `updateSeries`.",
)
describe(
    domain.OccurrenceConflictCode,
    "Why an occurrence could not be made, moved or called off.",
    RULES_BROKEN="Booking rules forbid it; `broken` says which.",
    SLOT_TAKEN="The provider's time is taken.",
    PROVIDER_NOT_ELIGIBLE="The provider may not take it.",
    NOBODY_FREE="Nobody is free then.",
    SERVICE_INACTIVE="The service can no longer be booked.",
    WRONG_STATUS="The booking stands where this is not possible.",
    FEE_DUE="Calling it off costs a fee; do it with `cancelBooking` and its quote.",
    NOT_FOUND="The provider is not there any more.",
)
describe(
    domain.OccurrenceOutcome,
    "What an act on a series did to one occurrence; beside a refusal, what it would have done.",
    BOOKED="Made a booking.",
    MOVED="Moved its booking.",
    CHANGED="Changed its booking, but not its time.",
    KEPT="Left it as it is: nothing to change, or it was moved by itself before.",
    CALLED_OFF="Called its booking off.",
    CONFLICT="Could not be done; `conflict` says why.",
)


@strawberry.type(directives=[PUBLIC], description="Why it could not be done.")
@view_of(domain.Conflict)
class OccurrenceConflict:
    """Why it could not be done."""

    code: domain.OccurrenceConflictCode = strawberry.field(description="What kind, for a program.")
    message: str = strawberry.field(description="What is wrong and what to do, for a person.")
    broken: list[booking_rules.BrokenRule] = strawberry.field(
        graphql_type=list[BrokenRule], description="Every broken rule, with RULES_BROKEN."
    )
    alternatives: list[datetime] = strawberry.field(
        description="Starts near that one at which it could be done, where some are known."
    )


@strawberry.type(
    directives=[SIGNED_IN], description="What an act on a series did to one occurrence."
)
@view_of(domain.ReportLine)
class OccurrenceReport:
    """What an act on a series did to one occurrence."""

    original_start: LocalDateTime = strawberry.field(
        description="Which occurrence: its start by the rule, in the series' zone."
    )
    outcome: domain.OccurrenceOutcome = strawberry.field(description="What was done.")
    starts_at: datetime | None = strawberry.field(
        description="Its start; null for a wall time that does not exist."
    )
    booking: bookings.Booking | None = strawberry.field(
        graphql_type=Booking | None, description="Its booking as it stands now, if it has one."
    )
    conflict: domain.Conflict | None = strawberry.field(
        graphql_type=OccurrenceConflict | None, description="Why it could not be done."
    )


@strawberry.type(directives=[SIGNED_IN], description="One visit of a series that has been seen to.")
@view_of(domain.Occurrence)
class Occurrence:
    """One visit of a series."""

    original_start: LocalDateTime = strawberry.field(
        description="Which one: its start by the rule, in the series' zone. Moving its booking "
        "leaves it as it is."
    )
    state: domain.OccurrenceState = strawberry.field(description="What became of it.")
    conflict: domain.Conflict | None = strawberry.field(
        graphql_type=OccurrenceConflict | None, description="Why it was not booked."
    )
    noted_at: datetime = strawberry.field(description="When that was so.")

    @strawberry.field(
        description="Its booking; null where there is none.", graphql_type=Booking | None
    )
    async def booking(self, info: Info) -> Any:
        """The booking."""
        value: Any = self
        return await _booking(info.context, value)

    @strawberry.field(description="Does its booking start at another time than the rule says?")
    async def moved(self, info: Info) -> bool:
        """Was it moved by itself?"""
        value: Any = self
        booking = await _booking(info.context, value)
        if booking is None:
            return False
        found: Any = await info.context.loaders.series.load(value.series_id)
        return booking.starts_at != rules.instant(found, value.original_start)


async def _booking(context: Context, value: domain.Occurrence) -> bookings.Booking | None:
    if value.booking_id is None:
        return None
    return await context.loaders.bookings.load(value.booking_id)


@strawberry.type(
    directives=[SIGNED_IN],
    description="A standing order: bookings are made of it by its rule, sixty days ahead. Times "
    "are those of the wall clock in its zone: 09:00 stays 09:00 when clocks change.",
)
@view_of(rules.Series)
class BookingSeries(Node):
    """A standing order."""

    time_zone: TimeZone = strawberry.field(description="Whose wall times count.")
    first_local_start: LocalDateTime = strawberry.field(description="When the first one starts.")
    rrule: str = strawberry.field(description="When it comes again, in the words of RFC 5545.")
    version: int = strawberry.field(description="Counts its changes, from 1.")
    created_at: datetime = strawberry.field(description="When it was made.")
    next_due_at: datetime | None = strawberry.field(
        description="When the next booking will be made; null when none is left to make."
    )
    ended_at: datetime | None = strawberry.field(description="When it was ended; null so far.")

    @strawberry.field(description="What is booked.", graphql_type=Service)
    async def service(self, info: Info) -> Any:
        """The service."""
        return await info.context.loaders.services.load(_value(self).asked.service_id)

    @strawberry.field(
        description="Whose time is booked; null where the work is offered to the best each time.",
        graphql_type=Provider | None,
    )
    async def provider(self, info: Info) -> Any:
        """The provider."""
        provider_id = _value(self).asked.provider_id
        return await info.context.loaders.providers.load(provider_id) if provider_id else None

    @strawberry.field(
        description="The series that this one goes on from, where one was cut in two.",
        graphql_type=Annotated["BookingSeries", strawberry.lazy("api.series")] | None,
    )
    async def follows(self, info: Info) -> Any:
        """The series before."""
        follows_id = _value(self).follows_id
        return await info.context.loaders.series.load(follows_id) if follows_id else None

    @strawberry.field(
        description="What became of its occurrences, by their original starts.",
        graphql_type=Connection[Occurrence],
    )
    async def occurrences(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of occurrences."""
        request = page_request(first, after, last, before)
        return await listing(
            info.context,
            request,
            occurrences.page,
            occurrences.count,
            series_id=_value(self).id,
        )


def _value(view: Any) -> rules.Series:
    """A view's self is the domain value that it shows."""
    value: rules.Series = view
    return value


@strawberry.type
class SeriesQueries:
    """Reading series."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="One series; null when it is not there or not yours to see.",
        graphql_type=BookingSeries | None,
    )
    async def booking_series(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Which series.")],
    ) -> Any:
        """One series."""
        return await _visible(info.context, ids.parse("BookingSeries", id, "id"))

    @strawberry.field(
        directives=[allow(Role.CUSTOMER)],
        description="Your series, newest first.",
        graphql_type=Connection[BookingSeries],
    )
    async def my_series(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of one's series."""
        request = page_request(first, after, last, before)
        mine = info.context.user.user_id
        return await listing(info.context, request, series.page, series.count, customer_id=mine)


async def _visible(context: Context, uid: UUID) -> rules.Series | None:
    found = await context.loaders.series.load(uid)
    return found if found and found.is_visible_to(context.user) else None


nodes.register("BookingSeries", rules.Series, _visible)
