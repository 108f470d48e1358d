"""The service catalogue, as clients see it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import strawberry

from api import nodes
from api.access import PUBLIC
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.money import Money
from api.nodes import Node
from api.views import view_of
from db import services
from domain import services as domain

Trade = describe(
    domain.Trade,
    "The line of work a service belongs to and a provider practises.",
    CLEANING="Cleaning of homes and offices.",
    MECHANICAL="Repair and diagnosis of vehicles.",
    FACILITIES="Housekeeping and maintenance of buildings.",
)
ServiceMode = describe(
    domain.ServiceMode,
    "Where provider and customer meet.",
    ON_SITE="At the booking's address.",
    VIDEO="In a video call.",
    CHAT="In writing.",
)
ApprovalPolicy = describe(
    domain.ApprovalPolicy,
    "Whether a booking waits for a person's yes.",
    INSTANT="It goes ahead at once.",
    MANUAL="It waits until a dispatcher approves or declines it.",
)


@strawberry.type(directives=[PUBLIC], description="What can be booked: a catalogue entry.")
@view_of(domain.Service)
class Service(Node):
    """A catalogue entry."""

    code: str = strawberry.field(description="Its short, stable name for programs.")
    name: str = strawberry.field(description="Its name for people.")
    description: str = strawberry.field(description="What is done.")
    trade: domain.Trade = strawberry.field(description="The trade it belongs to.")
    mode: domain.ServiceMode = strawberry.field(description="Where it is done.")
    duration_minutes: int = strawberry.field(description="How long it takes, in minutes.")
    price: Money = strawberry.field(description="What it costs.")
    approval: domain.ApprovalPolicy = strawberry.field(description="Whether bookings need a yes.")
    active: bool = strawberry.field(description="Can it be booked now?")


TradeFilter = Annotated[
    domain.Trade | None, strawberry.argument(description="Only this trade; all when left out.")
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
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of the catalogue."""
        request = page_request(first, after, last, before)
        return await listing(info.context, request, services.page, services.count, trade=trade)


async def _fetch(context: Context, uid: UUID) -> domain.Service | None:
    return await context.loaders.services.load(uid)


nodes.register("Service", domain.Service, _fetch)
