"""Why does a provider see no offers?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.context import Info
from api.enums import describe
from api.explanations import HardRuleVerdict
from api.provider_kinds import ProfileCompletion
from api.services import Service
from api.views import view_of
from db import no_offers
from domain import matching, profiles
from domain.matching import no_offers as domain
from domain.people import Role

Hindrance = describe(
    domain.Hindrance,
    "What keeps offers from a provider, whatever the work.",
    NO_PROFILE="They have not written a profile yet.",
    NOT_APPROVED="No admin has approved them yet.",
    SUSPENDED="They are suspended.",
    PROFILE_INCOMPLETE="Their profile is not complete enough.",
    CERTIFICATION="A service of theirs needs a certification that they lack.",
    NO_SERVICES="They offer no service that can be booked.",
    NO_HOURS="They have no working hours.",
    TIME_OFF="They have time off now.",
    DAILY_CAP="They have as many jobs today as they take in a day.",
    OFF_SHIFT="They are not on shift.",
    HEARTBEAT_STALE="They are on shift, but their device has not been heard from.",
)
Extent = describe(
    domain.Extent,
    "Which work is kept from a provider.",
    ALL="All of it.",
    SOME_SERVICES="That of some of their services.",
    TODAY="What is to be done today, or in their time off.",
    IMMEDIATE="What is wanted now.",
)


@strawberry.type(directives=[SIGNED_IN], description="One thing in the way of offers.")
@view_of(domain.Obstacle)
class OfferObstacle:
    """One thing in the way of offers."""

    hindrance: domain.Hindrance = strawberry.field(graphql_type=Hindrance, description="What.")
    extent: domain.Extent = strawberry.field(
        graphql_type=Extent, description="Which work it keeps away."
    )
    message: str = strawberry.field(description="In words, with what to do about it.")


@strawberry.type(
    directives=[SIGNED_IN],
    description="Work near a provider that was not offered to them. Of its customer, and of where "
    "it is exactly, nothing is told.",
)
@view_of(domain.PassedBy)
class PassedBy:
    """Work near a provider that was not offered to them."""

    starts_at: datetime = strawberry.field(description="When its window opens.")
    ends_at: datetime = strawberry.field(description="When it closes.")
    area: str = strawberry.field(description="The postal district.")
    distance_miles: int | None = strawberry.field(
        description="How far it is, in whole miles, give or take one; null when unknown, or nobody "
        "travels."
    )
    is_open: bool = strawberry.field(description="Whether it still looks for somebody.")
    why: str = strawberry.field(description="Why it was not offered to them, in words.")
    broken: list[matching.Verdict] = strawberry.field(
        graphql_type=list[HardRuleVerdict],
        description="The hard rules that keep it from them as things are now.",
    )

    @strawberry.field(description="The service.", graphql_type=Service)
    async def service(self, info: Info) -> Any:
        """The service."""
        value: Any = self
        return await info.context.loaders.services.load(value.service_id)


@strawberry.type(
    directives=[SIGNED_IN], description="Why a provider sees no offers, or no more than they do."
)
@view_of(domain.NoOffers)
class WhyNoOffers:
    """Why a provider sees no offers."""

    answer: str = strawberry.field(description="All of it in words.")
    at: datetime = strawberry.field(name="asOf", description="The moment it was found.")
    obstacles: list[domain.Obstacle] = strawberry.field(
        graphql_type=list[OfferObstacle],
        description="What stands in the way whatever the work, first what keeps all of it away.",
    )
    completion: profiles.Completion = strawberry.field(
        graphql_type=ProfileCompletion,
        description="How complete the profile is, and what it lacks.",
    )
    offers_made: int = strawberry.field(
        name="offerCount", description="How many offers there were in the last seven days."
    )
    passed_by: list[domain.PassedBy] = strawberry.field(
        graphql_type=list[PassedBy],
        description="Of the last seven days, the newest twenty bookings of their services in their "
        "reach that were not offered to them.",
    )


@strawberry.type
class NoOffersQueries:
    """Asking why there is nothing to see."""

    @strawberry.field(
        directives=[allow(Role.PROVIDER, Role.DISPATCHER, Role.ADMIN)],
        description="Why you see no offers, or for staff why a provider sees none.",
        graphql_type=WhyNoOffers,
    )
    async def why_no_offers(
        self,
        info: Info,
        provider_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Which provider; for staff, who have to say."),
        ] = None,
    ) -> Any:
        """Why not."""
        named = None if provider_id is None else ids.parse("Provider", provider_id, "providerId")
        async with info.context.read() as connection:
            return await no_offers.of_provider(connection, named, by=info.context.user)
