"""How does a dispatcher have what nobody has taken given to somebody, and what came of it?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import SIGNED_IN, allow
from api.booking_kinds import HardRule
from api.bookings import Booking
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.explanations import INSIGHT
from api.inputs import Given
from api.nodes import Node
from api.people import User
from api.problems import InvalidInput, NotFound
from api.providers import Provider
from api.views import view_of
from db import auto_assign, auto_runs
from domain import auto_assign as domain
from domain import bookings, matching
from domain.matching import batch
from domain.people import Role
from gateways.assignment import least_cost

STAFF = allow(Role.DISPATCHER, Role.ADMIN)

WhyUnassigned = describe(
    batch.Why,
    "Why nobody was given a booking.",
    NOT_OPEN="It does not wait for a provider, or its window has begun.",
    NOBODY_ELIGIBLE="Nobody within 15 miles keeps every hard rule; `broken` says what rules out "
    "the nearest.",
    NEEDED_ELSEWHERE="Whoever could do it was given other work at that time.",
    CHANGED="It, or whoever it was to go to, was being changed at that moment.",
)


@strawberry.type(
    directives=[SIGNED_IN],
    description="What looking at all bookings at once was worth: it is compared with taking one "
    "after the other.",
)
@view_of(batch.Gain)
class AutoAssignGain:
    """What looking at all bookings at once was worth."""

    bookings: int = strawberry.field(description="How many more bookings were given away.")
    miles: float = strawberry.field(
        description="How much less it cost, in miles; less than nothing where the further bookings "
        "cost more than was saved."
    )


@strawberry.type(
    directives=[SIGNED_IN],
    description="One run of the automatic assignment. Costs are in miles: the way, 5 miles for "
    "each star less than five, and up to 5 for missing experience.",
)
@view_of(domain.AutoRun)
class AutoRun(Node):
    """One run of the automatic assignment."""

    at: datetime = strawberry.field(name="startedAt", description="When it began.")
    waiting: int = strawberry.field(description="How many bookings waited.")
    assigned: int = strawberry.field(description="How many were given away.")
    cost: float = strawberry.field(description="What they cost together.")
    greedy_assigned: int = strawberry.field(
        description="How many would have been given away one after the other."
    )
    greedy_cost: float = strawberry.field(description="What those would have cost together.")
    gain: batch.Gain = strawberry.field(
        graphql_type=AutoAssignGain, description="By how much that was better."
    )

    @strawberry.field(
        directives=[STAFF],
        description="Who asked for it; null when the clock did.",
        graphql_type=User | None,
    )
    async def asked_by(self, info: Info) -> Any:
        """Who asked for it."""
        value: Any = self
        if value.asked_by is None:
            return None
        return await info.context.loaders.users.load(value.asked_by)


@strawberry.type(directives=[SIGNED_IN], description="A booking, and whom it was given to.")
@view_of(domain.Assigned)
class AutoAssigned:
    """A booking, and whom it was given to."""

    booking: bookings.Booking = strawberry.field(graphql_type=Booking, description="The booking.")
    reasons: list[str] = strawberry.field(description="Why this provider, in words.")
    distance_miles: float | None = strawberry.field(
        description="How far they are, in miles; null when unknown, or nobody travels."
    )
    cost: float = strawberry.field(description="What it costs, in miles.")

    @strawberry.field(description="The provider.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type(directives=[SIGNED_IN], description="How many of the nearest break a hard rule.")
class BrokenBy:
    """How many of the nearest break a hard rule."""

    rule: matching.HardRule = strawberry.field(graphql_type=HardRule, description="The rule.")
    providers: int = strawberry.field(description="How many providers, of the nearest ten.")


@strawberry.type(directives=[SIGNED_IN], description="A booking that nobody was given, and why.")
@view_of(batch.Unassigned)
class AutoUnassigned:
    """A booking that nobody was given, and why."""

    why: batch.Why = strawberry.field(graphql_type=WhyUnassigned, description="Why not.")

    @strawberry.field(description="The booking.", graphql_type=Booking)
    async def booking(self, info: Info) -> Any:
        """The booking."""
        value: Any = self
        return await info.context.loaders.bookings.load(value.booking_id)

    @strawberry.field(
        description="The hard rules that rule out the nearest of those who offer the service."
    )
    def broken(self) -> list[BrokenBy]:
        """The broken rules, with how many break each."""
        value: Any = self
        return [BrokenBy(rule=rule, providers=number) for rule, number in value.broken]


@strawberry.type(
    directives=[SIGNED_IN], description="What was given away, or would be, and what was not."
)
class AutoAssignSuccess:
    """What was given away, or would be, and what was not."""

    assigned: list[domain.Assigned] = strawberry.field(
        graphql_type=list[AutoAssigned], description="What was given away, the urgent first."
    )
    unassigned: list[batch.Unassigned] = strawberry.field(
        graphql_type=list[AutoUnassigned], description="What was not."
    )
    waiting: int = strawberry.field(description="How many bookings waited.")
    cost: float = strawberry.field(
        description="What the assigned ones cost together, in miles: the way, 5 for each star less "
        "than five, and up to 5 for missing experience."
    )
    greedy_assigned: int = strawberry.field(
        description="How many would have been given away one after the other."
    )
    greedy_cost: float = strawberry.field(description="What those would have cost together.")
    gain: batch.Gain = strawberry.field(
        graphql_type=AutoAssignGain, description="By how much it is better than one by one."
    )
    dry_run: bool = strawberry.field(description="True where nothing was changed.")


AutoAssignResult: TypeAlias = Annotated[
    AutoAssignSuccess | NotFound | InvalidInput,
    strawberry.union("AutoAssignResult", description="What came of autoAssign."),
]


@strawberry.input(description="Which bookings to give away, and whether to do so.")
class AutoAssignInput:
    """Which bookings to give away, and whether to do so."""

    booking_ids: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="At most 50 bookings, due or not; when left out, the 50 that are due longest.",
    )
    dry_run: bool | None = strawberry.field(
        default=None, description="Only say what would be done, and change nothing."
    )


@strawberry.type
class AutoAssignQueries:
    """Looking at what the automatic assignment has done."""

    @strawberry.field(
        directives=[INSIGHT],
        description="The runs of the automatic assignment that found anything waiting, newest "
        "first.",
        graphql_type=Connection[AutoRun],
    )
    async def auto_runs(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of runs."""
        request = page_request(first, after, last, before)
        return await listing(info.context, request, auto_runs.page, auto_runs.count)


@strawberry.type
class AutoAssignMutations:
    """Giving away what nobody has taken."""

    @strawberry.mutation(
        directives=[STAFF],
        description="Give bookings that nobody has taken to whom they suit best together, without "
        "asking. Bookings that are due are given away every minute anyway.",
        graphql_type=AutoAssignResult,
    )
    async def auto_assign(self, info: Info, input: Given[AutoAssignInput]) -> Any:
        """Give away."""
        report = await auto_assign.run(
            info.context.database,
            solver=least_cost,
            house=info.context.house,
            by=info.context.user,
            booking_ids=_named(input.booking_ids),
            dry_run=bool(input.dry_run),
        )
        run: Any = report.run
        assigned: Any = list(report.assigned)
        unassigned: Any = list(report.unassigned)
        return AutoAssignSuccess(
            assigned=assigned,
            unassigned=unassigned,
            waiting=run.waiting,
            cost=run.cost,
            greedy_assigned=run.greedy_assigned,
            greedy_cost=run.greedy_cost,
            gain=run.gain,
            dry_run=bool(input.dry_run),
        )


def _named(booking_ids: list[strawberry.ID] | None) -> list[UUID] | None:
    if booking_ids is None:
        return None
    return [ids.parse("Booking", one, "bookingIds", str(n)) for n, one in enumerate(booking_ids)]


async def _fetch(context: Context, uid: UUID) -> domain.AutoRun | None:
    if not (context.user.is_staff or context.user.role is Role.ANALYST):
        return None
    async with context.read() as connection:
        return next(iter(await auto_runs.by_ids(connection, [uid])), None)


nodes.register("AutoRun", domain.AutoRun, _fetch)
