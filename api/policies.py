"""Which policies score providers, and what would another one have chosen?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from api import ids
from api.access import SIGNED_IN
from api.bookings import BookingId
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Info
from api.explanations import INSIGHT
from api.offers import Wave
from api.providers import Provider
from api.views import view_of
from db import comparison
from domain import offers
from domain.matching import POLICIES
from domain.matching import comparison as domain
from domain.refusals import NotFound


@strawberry.type(directives=[SIGNED_IN], description="A policy by which providers can be scored.")
class ScoringPolicy:
    """A policy by which providers can be scored."""

    name: str = strawberry.field(description="Its name, which offers keep.")
    in_force: bool = strawberry.field(description="Whether it decides who is asked.")
    in_shadow: bool = strawberry.field(
        description="Whether what it would choose is noted, without any effect."
    )


@strawberry.type(directives=[SIGNED_IN], description="A provider whom a policy would have asked.")
class ShadowPlace:
    """A provider whom a policy would have asked."""

    provider_id: strawberry.Private[UUID]
    score: int = strawberry.field(description="The points that the policy gave.")

    @strawberry.field(description="Who it is.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        return await info.context.loaders.providers.load(self.provider_id)


@strawberry.type(
    directives=[SIGNED_IN],
    description="Whom a policy in shadow would have asked in one round, beside who was asked.",
)
@view_of(domain.ShadowChoice)
class ShadowChoice:
    """Whom a policy in shadow would have asked in one round."""

    policy: str = strawberry.field(description="The policy in shadow.")
    live_policy: str = strawberry.field(description="The policy in force.")
    wave: offers.Wave = strawberry.field(
        graphql_type=Wave, description="What kind of round it was."
    )
    round: int = strawberry.field(description="Which round of the booking's.")
    at: datetime = strawberry.field(description="When.")
    candidates: int = strawberry.field(description="Out of how many eligible ones both chose.")
    same_first: bool = strawberry.field(description="Whether both put the same provider first.")
    overlap: float = strawberry.field(
        description="How much of the longer list both have in common, from 0 to 1."
    )

    @strawberry.field(description="Whom it would have asked, best first; nobody was told.")
    def chosen(self) -> list[ShadowPlace]:
        """The shadow's choice."""
        value: Any = self
        pairs = zip(value.chosen, value.scores, strict=True)
        return [ShadowPlace(provider_id=uid, score=points) for uid, points in pairs]

    @strawberry.field(description="Who was asked, best first.", graphql_type=list[Provider])
    async def live_chosen(self, info: Info) -> Any:
        """The choice that was put into effect."""
        value: Any = self
        return await info.context.loaders.providers.load_many(value.live_chosen)


@strawberry.type(
    directives=[SIGNED_IN],
    description="How a policy's choices fall on all the providers whom it or its rival chose.",
)
@view_of(domain.Spread)
class PolicySpread:
    """How a policy's choices fall on providers."""

    choices: int = strawberry.field(description="How often it chose anybody.")
    providers: int = strawberry.field(
        name="providerCount", description="How many different providers it chose."
    )
    share: float | None = strawberry.field(
        description="They, as a part of all whom either policy chose; null without choices."
    )
    most: int = strawberry.field(description="How often it chose whoever it chose most often.")
    gini: float | None = strawberry.field(
        description="How unequal it is: 0 where everybody is chosen equally often, nearly 1 where "
        "all falls on one; null without choices."
    )


@strawberry.type(
    directives=[SIGNED_IN],
    description="A policy in shadow beside the one in force, as both chose at the time. Nothing is "
    "reckoned anew: the facts of then are not kept, and those of now would mislead.",
)
@view_of(domain.Comparison)
class PolicyComparison:
    """A policy in shadow beside the one in force."""

    policy: str = strawberry.field(description="The policy in shadow.")
    live_policies: list[str] = strawberry.field(description="What was in force then.")
    rounds: int = strawberry.field(
        name="roundCount", description="The rounds in which either chose anybody."
    )
    bookings: int = strawberry.field(name="bookingCount", description="The bookings they were for.")
    complete: bool = strawberry.field(
        description="Whether these are all rounds of the time; else the newest 5000 of them."
    )
    same_first: float | None = strawberry.field(
        name="sameFirstShare",
        description="Of the rounds, the part in which both put the same provider first.",
    )
    overlap: float | None = strawberry.field(
        name="meanOverlap",
        description="How much both lists have in common, from 0 to 1; the mean of the rounds.",
    )
    filled: int = strawberry.field(
        name="filledCount", description="Of the bookings, how many have a provider now."
    )
    filled_by_chosen: int = strawberry.field(
        name="filledByShadowCount",
        description="Of these, how many have one whom the policy in shadow would have asked. Only "
        "who is asked can accept, so the policy in force has the advantage here.",
    )
    filled_by_live_chosen: int = strawberry.field(
        name="filledByLiveCount", description="And how many one whom the policy in force asked."
    )
    shadow: domain.Spread = strawberry.field(
        graphql_type=PolicySpread, description="How the choices in shadow fall on providers."
    )
    live: domain.Spread = strawberry.field(
        graphql_type=PolicySpread, description="How the choices in force fall on providers."
    )


@strawberry.type
class PolicyQueries:
    """Judging policies."""

    @strawberry.field(
        directives=[INSIGHT],
        description="The policies there are.",
        graphql_type=list[ScoringPolicy],
    )
    async def policies(self, info: Info) -> Any:
        """Every policy, and its part in this house."""
        house = info.context.house
        return [
            ScoringPolicy(name=name, in_force=one == house.policy, in_shadow=one == house.shadow)
            for name, one in POLICIES.items()
        ]

    @strawberry.field(
        directives=[INSIGHT],
        description="What a policy chose in shadow, beside what was chosen.",
        graphql_type=PolicyComparison,
    )
    async def compare_policies(
        self,
        info: Info,
        policy: Annotated[str, strawberry.argument(description="The policy in shadow.")],
        from_: Annotated[
            datetime, strawberry.argument(name="from", description="From this instant on.")
        ],
        to: Annotated[
            datetime,
            strawberry.argument(description="Until before this one, at most 92 days later."),
        ],
    ) -> Any:
        """The comparison."""
        async with info.context.read() as connection:
            return await comparison.compare(connection, policy, earliest=from_, latest=to)

    @strawberry.field(
        directives=[INSIGHT],
        description="What was chosen in shadow for a booking, oldest first.",
        graphql_type=Connection[ShadowChoice],
    )
    async def shadow_choices(
        self,
        info: Info,
        booking_id: BookingId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of the choices."""
        uid = ids.parse("Booking", booking_id, "bookingId")
        request = page_request(first, after, last, before)
        if await info.context.loaders.bookings.load(uid) is None:
            raise NotFound("Booking")
        return await listing(
            info.context, request, comparison.page, comparison.count, booking_id=uid
        )
