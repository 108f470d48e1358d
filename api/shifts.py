"""Shifts: going on and off shift, and staying reachable."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.bookings import Booking
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.inputs import Given
from api.nodes import Node
from api.problems import InvalidInput, Problem, ProblemCode, problem_of
from api.providers import Provider
from api.views import view_of
from db import shifts
from domain import shifts as domain
from domain.people import Role


@strawberry.type(directives=[SIGNED_IN], description="From clock-in to clock-out.")
@view_of(domain.Shift)
class Shift(Node):
    """From clock-in to clock-out."""

    started_at: datetime = strawberry.field(description="When the provider clocked in.")
    ended_at: datetime | None = strawberry.field(description="When they clocked out; null so far.")
    heartbeat_at: datetime = strawberry.field(description="When their device was last heard from.")
    place: str = strawberry.field(description="Where they clocked in.")
    note: str = strawberry.field(description="What they noted.")

    @strawberry.field(description="Whose shift it is.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type(directives=[PUBLIC], description="A shift is open already.")
class AlreadyOnShift(Problem):
    """A shift is open already."""

    shift: domain.Shift = strawberry.field(graphql_type=Shift, description="The open shift.")


@strawberry.type(directives=[PUBLIC], description="There is no open shift.")
class NotOnShift(Problem):
    """There is no open shift."""


@strawberry.type(directives=[PUBLIC], description="There is work in progress.")
class WorkInProgress(Problem):
    """There is work in progress."""

    _booking_id: strawberry.Private[UUID]

    @strawberry.field(description="The booking to complete first.", graphql_type=Booking | None)
    async def booking(self, info: Info) -> Any:
        """The booking in progress."""
        return await info.context.loaders.bookings.load(self._booking_id)


@strawberry.type(directives=[SIGNED_IN], description="You are on shift.")
class ClockInSuccess:
    """You are on shift."""

    shift: domain.Shift = strawberry.field(graphql_type=Shift, description="The new shift.")


@strawberry.type(directives=[SIGNED_IN], description="You are off shift.")
class ClockOutSuccess:
    """You are off shift."""

    shift: domain.Shift = strawberry.field(graphql_type=Shift, description="The ended shift.")


@strawberry.type(directives=[SIGNED_IN], description="Your device was heard.")
class HeartbeatSuccess:
    """Your device was heard."""

    shift: domain.Shift = strawberry.field(graphql_type=Shift, description="The open shift.")


ClockInResult: TypeAlias = Annotated[
    ClockInSuccess | AlreadyOnShift | InvalidInput,
    strawberry.union("ClockInResult", description="What came of clockIn."),
]
ClockOutResult: TypeAlias = Annotated[
    ClockOutSuccess | NotOnShift | WorkInProgress | InvalidInput,
    strawberry.union("ClockOutResult", description="What came of clockOut."),
]
HeartbeatResult: TypeAlias = Annotated[
    HeartbeatSuccess | NotOnShift | InvalidInput,
    strawberry.union("HeartbeatResult", description="What came of heartbeat."),
]


@strawberry.input(description="Where you go on shift.")
class ClockInInput:
    """Where you go on shift."""

    place: str | None = strawberry.field(
        default=None, description="Where you are; up to 200 characters."
    )
    note: str | None = strawberry.field(
        default=None, description="Anything to note; up to 500 characters."
    )


@strawberry.input(description="What there is to say at the end of a shift.")
class ClockOutInput:
    """What there is to say at the end of a shift."""

    note: str | None = strawberry.field(
        default=None, description="Takes the place of the note at clock-in; up to 500 characters."
    )


@strawberry.input(description="A sign of life.")
class HeartbeatInput:
    """A sign of life."""

    place: str | None = strawberry.field(
        default=None, description="Where you are, if that has changed; up to 200 characters."
    )


@strawberry.type
class ShiftQueries:
    """Reading shifts."""

    @strawberry.field(
        directives=[allow(Role.PROVIDER)],
        description="Your shifts, newest first.",
        graphql_type=Connection[Shift],
    )
    async def shifts(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of one's shift log."""
        request = page_request(first, after, last, before)
        mine = info.context.user.user_id
        return await listing(info.context, request, shifts.page, shifts.count, provider_id=mine)


@strawberry.type
class ShiftMutations:
    """Going on and off shift."""

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Go on shift. There is never a second open shift.",
        graphql_type=ClockInResult,
    )
    async def clock_in(self, info: Info, input: Given[ClockInInput]) -> Any:
        """Clock in."""
        async with info.context.begin() as tx:
            shift = await shifts.clock_in(
                tx,
                provider_id=info.context.user.user_id,
                place=input.place or "",
                note=input.note or "",
            )
        return ClockInSuccess(shift=shift)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Go off shift. Your open offers are withdrawn in the same act.",
        graphql_type=ClockOutResult,
    )
    async def clock_out(self, info: Info, input: Given[ClockOutInput]) -> Any:
        """Clock out."""
        async with info.context.begin() as tx:
            shift = await shifts.clock_out(
                tx, provider_id=info.context.user.user_id, note=input.note
            )
        return ClockOutSuccess(shift=shift)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Say that your device is there. Send it every 30 seconds; after 90 seconds "
        "of silence you count as AWAY and get no immediate work.",
        graphql_type=HeartbeatResult,
    )
    async def heartbeat(self, info: Info, input: Given[HeartbeatInput]) -> Any:
        """Beat."""
        async with info.context.begin() as tx:
            shift = await shifts.heartbeat(
                tx, provider_id=info.context.user.user_id, place=input.place
            )
        return HeartbeatSuccess(shift=shift)


async def _fetch(context: Context, uid: UUID) -> domain.Shift | None:
    async with context.read() as connection:
        found = await shifts.by_id(connection, uid)
    return found if found and found.is_visible_to(context.user) else None


@problem_of.register
def _(refusal: domain.AlreadyOnShift) -> Problem:
    return AlreadyOnShift(
        message=str(refusal), code=ProblemCode.ALREADY_ON_SHIFT, shift=refusal.shift
    )


@problem_of.register
def _(refusal: domain.NotOnShift) -> Problem:
    return NotOnShift(message=str(refusal), code=ProblemCode.NOT_ON_SHIFT)


@problem_of.register
def _(refusal: domain.WorkInProgress) -> Problem:
    return WorkInProgress(
        message=str(refusal), code=ProblemCode.WORK_IN_PROGRESS, _booking_id=refusal.booking_id
    )


nodes.register("Shift", domain.Shift, _fetch)
