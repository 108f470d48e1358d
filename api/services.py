"""The service catalogue, as clients see it."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_rules import BookingRules
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.errors import Forbidden
from api.inputs import Given
from api.money import Money
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, VersionConflict, problem_of
from api.service_inputs import CreateServiceInput, UpdateServiceInput
from api.service_kinds import ApprovalPolicy, ServiceMode, Trade
from api.views import view_of
from db import services
from domain import services as domain
from domain.people import Role


@strawberry.type(directives=[PUBLIC], description="What can be booked: a catalogue entry.")
@view_of(domain.Service)
class Service(Node):
    """A catalogue entry."""

    code: str = strawberry.field(description="Its short, stable name for programs.")
    name: str = strawberry.field(description="Its name for people.")
    description: str = strawberry.field(description="What is done.")
    trade: Trade = strawberry.field(description="The trade it belongs to.")
    mode: ServiceMode = strawberry.field(description="Where it is done.")
    duration_minutes: int = strawberry.field(description="How long it takes, in minutes.")
    price: Money = strawberry.field(description="What it costs.")
    approval: ApprovalPolicy = strawberry.field(description="Whether bookings need a yes.")
    active: bool = strawberry.field(description="Can it be booked now?")
    terms: str = strawberry.field(
        description="What you have to accept before the work is offered to providers; empty for "
        "nothing."
    )
    requires_vehicle: bool = strawberry.field(
        description="Has a booking to say which vehicle is to be worked on?"
    )
    required_skills: list[str] = strawberry.field(
        description="What whoever does it has to know: all of these."
    )
    required_certifications: list[str] = strawberry.field(
        description="What whoever does it has to hold, verified and not run out on the day: all "
        "of these, by their codes."
    )
    rules: BookingRules = strawberry.field(
        description="When it may be booked. A booking keeps those it was made under."
    )
    version: int = strawberry.field(description="Counts its changes, from 1.")


@strawberry.type(directives=[PUBLIC], description="Another service has this code.")
class CodeTaken(Problem):
    """Another service has this code."""


@strawberry.type(directives=[SIGNED_IN], description="The service is in the catalogue.")
class CreateServiceSuccess:
    """The service is in the catalogue."""

    service: domain.Service = strawberry.field(
        graphql_type=Service, description="The new service, with every rule."
    )


@strawberry.type(directives=[SIGNED_IN], description="The service is as you want it.")
class UpdateServiceSuccess:
    """The service is as the admin wants it."""

    service: domain.Service = strawberry.field(
        graphql_type=Service, description="The service as it is from now on."
    )


CreateServiceResult: TypeAlias = Annotated[
    CreateServiceSuccess | CodeTaken | InvalidInput,
    strawberry.union("CreateServiceResult", description="What came of createService."),
]
UpdateServiceResult: TypeAlias = Annotated[
    UpdateServiceSuccess | VersionConflict | NotFound | InvalidInput,
    strawberry.union("UpdateServiceResult", description="What came of updateService."),
]

TradeFilter = Annotated[
    Trade | None, strawberry.argument(description="Only this trade; all when left out.")
]


@strawberry.type
class ServiceQueries:
    """Reading the catalogue."""

    @strawberry.field(
        directives=[PUBLIC],
        description="The services that can be booked, by code.",
        graphql_type=Connection[Service],
    )
    async def services(
        self,
        info: Info,
        trade: TradeFilter = None,
        include_inactive: Annotated[
            bool, strawberry.argument(description="Also those that cannot be booked; staff only.")
        ] = False,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of the catalogue."""
        if include_inactive and not info.context.user.is_staff:
            raise Forbidden("What cannot be booked is for staff; leave out includeInactive.")
        request = page_request(first, after, last, before)
        return await listing(
            info.context,
            request,
            services.page,
            services.count,
            trade=trade,
            include_inactive=include_inactive,
        )

    @strawberry.field(
        directives=[PUBLIC],
        description="One service; null when it is not there, or cannot be booked and you are not "
        "staff.",
        graphql_type=Service | None,
    )
    async def service(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Which service.")],
    ) -> Any:
        """One service."""
        return await visible(info.context, ids.parse("Service", id, "id"))


@strawberry.type
class ServiceMutations:
    """Keeping the catalogue."""

    @strawberry.mutation(
        directives=[allow(Role.ADMIN)],
        description="Put a service into the catalogue. Rules that are not given are the house's "
        "defaults of today, for good.",
        graphql_type=CreateServiceResult,
    )
    async def create_service(self, info: Info, input: Given[CreateServiceInput]) -> Any:
        """Make a service."""
        facts, rules, house = input.facts(), input.changed_rules(), info.context.house
        async with info.context.begin() as tx:
            service = await services.create(tx, facts, rules, defaults=house.service)
        return CreateServiceSuccess(service=service)

    @strawberry.mutation(
        directives=[allow(Role.ADMIN)],
        description="Change a service from now on. Bookings that were made keep their price, "
        "their length, their approval, what they ask of a provider, and the rules they were made "
        "under.",
        graphql_type=UpdateServiceResult,
    )
    async def update_service(self, info: Info, input: Given[UpdateServiceInput]) -> Any:
        """Change a service."""
        uid, changes, rules = input.uid, input.changes(), input.changed_rules()
        async with info.context.begin() as tx:
            service = await services.edit(
                tx, uid, changes, rules, expected_version=input.expected_version
            )
        return UpdateServiceSuccess(service=service)


async def visible(context: Context, uid: UUID) -> domain.Service | None:
    """The service, if it can be booked or the viewer is staff."""
    found = await context.loaders.services.load(uid)
    return found if found and found.is_visible_to(context.viewer) else None


@problem_of.register
def _(refusal: domain.CodeTaken) -> Problem:
    return CodeTaken(message=str(refusal), code=ProblemCode.CODE_TAKEN, path=["code"])


nodes.register("Service", domain.Service, visible)
