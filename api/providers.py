"""Providers, as customers and dispatchers see them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.certifications import Certification
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.errors import Forbidden
from api.money import Money
from api.nodes import Node
from api.provider_kinds import (
    ProfileCompletion,
    ProviderApproval,
    ProviderStanding,
    SpecialistTier,
)
from api.scalars import TimeZone
from api.services import Service, TradeFilter
from api.views import view_of
from api.working_hours import OWN_OR_STAFF, Availability, TimeOff, WeeklyInterval
from db import providers
from domain import approvals
from domain import providers as domain
from domain.people import Role
from domain.services import Trade
from domain.shifts import Presence as PresenceValue

Presence = describe(
    PresenceValue,
    "Whether a provider can be reached now.",
    OFFLINE="Not on shift.",
    AWAY="On shift, but the device has not been heard from lately.",
    BUSY="At work on a booking.",
    ONLINE="On shift and ready.",
)


@strawberry.interface(directives=[PUBLIC], description="A person who does the work.")
class Provider(Node):
    """A person who does the work."""

    name: str = strawberry.field(description='The name customers see, such as "Jo B.".')
    trade: Trade = strawberry.field(description="The trade they practise.")
    about: str = strawberry.field(description="What they say of themselves.")
    photo_url: str = strawberry.field(description="Where a photograph of them is; may be empty.")
    hourly_rate: Money | None = strawberry.field(
        description="What an hour of theirs costs, as they say; a booking costs what its service "
        "does."
    )
    tier: SpecialistTier = strawberry.field(description="How far they have specialised.")
    skills: list[str] = strawberry.field(description="What they know; services may ask for it.")
    keywords: list[str] = strawberry.field(
        description="What they are good at, by the names that `keywords` lists."
    )
    time_zone: TimeZone = strawberry.field(description="The zone their working hours are in.")
    city: str = strawberry.field(description="The city they work from.")
    area: str = strawberry.field(description="The postal district they work from.")
    state_province: str = strawberry.field(description="The state, province or county.")
    country: str = strawberry.field(description="The country they work in, ISO 3166 alpha-2.")
    radius_miles: float = strawberry.field(description="How far they travel, in miles.")
    years_experience: int = strawberry.field(description="How many years they have done this.")
    rating: float | None = strawberry.field(description="Stars from 1 to 5; null without reviews.")
    review_count: int = strawberry.field(description="How many reviews the rating is made of.")
    completed_jobs: int = strawberry.field(description="How many bookings they have completed.")

    @strawberry.field(description="What they can be booked for.", graphql_type=list[Service])
    async def services(self, info: Info) -> Any:
        """The services they offer."""
        value: Any = self
        offered = await info.context.loaders.services_of_provider.load(value.id)
        found = await info.context.loaders.services.load_many(offered)
        return sorted((one for one in found if one), key=lambda one: one.code)

    @strawberry.field(
        description="Their usual week, as wall times in their zone.",
        graphql_type=list[WeeklyInterval],
    )
    async def working_hours(self, info: Info) -> Any:
        """Their weekly hours."""
        value: Any = self
        return (await info.context.loaders.hours_of_provider.load(value.id)).intervals

    @strawberry.field(
        directives=[OWN_OR_STAFF],
        description="All they have said about when they work; null for others than themselves and "
        "staff.",
        graphql_type=Availability | None,
    )
    async def availability(self, info: Info) -> Any:
        """What they have said about when they work."""
        value: Any = self
        if not value.opens_to(info.context.user):
            return None
        return await info.context.loaders.availability_of_provider.load(value.id)

    @strawberry.field(
        directives=[OWN_OR_STAFF],
        description="Their time off that is not over, earliest first; null for others than "
        "themselves and staff.",
        graphql_type=list[TimeOff] | None,
    )
    async def time_off(self, info: Info) -> Any:
        """Their time off."""
        value: Any = self
        if not value.opens_to(info.context.user):
            return None
        return await info.context.loaders.time_off_of_provider.load(value.id)

    @strawberry.field(
        directives=[SIGNED_IN],
        description="The papers they have shown, verified or not, in the order of their showing.",
        graphql_type=list[Certification],
    )
    async def certifications(self, info: Info) -> Any:
        """Their papers, as the viewer may see them."""
        value: Any = self
        found = await info.context.loaders.certifications_of_provider.load(value.id)
        return [one.seen_by(info.context.user) for one in found or ()]

    @strawberry.field(
        directives=[OWN_OR_STAFF],
        description="How complete their profile is; null for others than themselves and staff.",
        graphql_type=ProfileCompletion | None,
    )
    async def profile_completion(self, info: Info) -> Any:
        """How complete their profile is."""
        value: Any = self
        if not value.opens_to(info.context.user):
            return None
        return await info.context.loaders.completion_of_provider.load(value.id)

    @strawberry.field(
        directives=[OWN_OR_STAFF],
        description="Where they stand with the house; null for others than themselves and staff.",
        graphql_type=ProviderStanding | None,
    )
    def standing(self, info: Info) -> Any:
        """Where they stand with the house."""
        value: Any = self
        return approvals.standing(value) if value.opens_to(info.context.user) else None

    @strawberry.field(
        directives=[SIGNED_IN], description="Whether they can be reached now. Derived, never stale."
    )
    async def presence(self, info: Info) -> PresenceValue:
        """Their presence at this moment."""
        value: Any = self
        return await info.context.loaders.presence.load(value.id)

    @strawberry.field(
        directives=[allow(Role.CUSTOMER)], description="Whether they are a favourite of yours."
    )
    async def is_favourite(self, info: Info) -> bool:
        """Is this one of the viewer's favourites?"""
        value: Any = self
        pair = (info.context.user.user_id, value.id)
        return bool(await info.context.loaders.favourites.load(pair))


@strawberry.type(directives=[PUBLIC], description="A provider of cleaning.")
@view_of(domain.Provider, where=lambda one: one.trade is Trade.CLEANING)
class Cleaner(Provider):
    """A provider of cleaning."""


@strawberry.type(directives=[PUBLIC], description="A provider of vehicle repair and diagnosis.")
@view_of(domain.Provider, where=lambda one: one.trade is Trade.MECHANICAL)
class Mechanic(Provider):
    """A provider of vehicle repair and diagnosis."""

    brands: list[str] = strawberry.field(description="Makes of vehicle they are specialised in.")


@strawberry.type(directives=[PUBLIC], description="A provider of housekeeping and maintenance.")
@view_of(domain.Provider, where=lambda one: one.trade is Trade.FACILITIES)
class Technician(Provider):
    """A provider of housekeeping and maintenance."""

    brands: list[str] = strawberry.field(
        description="Makers of boilers, locks and the like that they are specialised in."
    )


PROVIDER_TYPES = (Cleaner, Mechanic, Technician)

ApprovalFilter = Annotated[
    ProviderApproval | None,
    strawberry.argument(
        description="Only those who stand so. Who waits or is suspended is for staff to ask."
    ),
]
ProviderId = Annotated[strawberry.ID, strawberry.argument(description="Which provider.")]


@strawberry.type
class ProviderQueries:
    """Reading providers."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="One provider; null when there is no such active provider.",
        graphql_type=Provider | None,
    )
    async def provider(self, info: Info, id: ProviderId) -> Any:
        """One provider."""
        return await _fetch(info.context, ids.parse("Provider", id, "id"))

    @strawberry.field(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ANALYST, Role.ADMIN)],
        description="The active providers, longest here first; staff see the others too.",
        graphql_type=Connection[Provider],
    )
    async def providers(
        self,
        info: Info,
        trade: TradeFilter = None,
        approval: ApprovalFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of providers."""
        if not info.context.user.is_staff:
            if approval not in {None, ProviderApproval.APPROVED}:
                raise Forbidden("Who waits or is suspended is for staff; leave out approval.")
            approval = ProviderApproval.APPROVED
        request = page_request(first, after, last, before)
        return await listing(
            info.context, request, providers.page, providers.count, trade=trade, approval=approval
        )


async def _fetch(context: Context, uid: UUID) -> domain.Provider | None:
    found = await context.loaders.providers.load(uid)
    return found if found and found.is_visible_to(context.user) else None


nodes.register("Provider", domain.Provider, _fetch)
