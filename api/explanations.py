"""Why this provider, why not that one, why nobody? For those who run the house."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.booking_kinds import HardRule
from api.bookings import Booking, BookingId
from api.context import Info
from api.offers import JobOffer, ScorePart, Wave
from api.providers import Provider
from api.views import view_of
from db import explanations
from domain import bookings, matching
from domain.matching import explanations as domain
from domain.matching import nobody
from domain.offers import JobOffer as JobOfferValue
from domain.offers import Wave as WaveValue
from domain.people import Role

#: Those who run the house, and those who study it.
INSIGHT = allow(Role.DISPATCHER, Role.ANALYST, Role.ADMIN)


@strawberry.type(directives=[SIGNED_IN], description="What one hard rule says of one provider.")
@view_of(matching.Verdict)
class HardRuleVerdict:
    """What one hard rule says of one provider."""

    rule: matching.HardRule = strawberry.field(graphql_type=HardRule, description="The rule.")
    passed: bool = strawberry.field(description="Whether it is kept.")
    saw: str = strawberry.field(description="The fact it went by, in words.")


@strawberry.type(directives=[SIGNED_IN], description="How well a provider suits the work.")
@view_of(matching.Score)
class MatchScore:
    """How well a provider suits the work."""

    total: int = strawberry.field(description="The points.")
    reasons: list[str] = strawberry.field(description="Where they come from, in words.")
    policy: str = strawberry.field(description="The scoring policy, which is the one in force.")

    @strawberry.field(description="How strongly an offer with this score is put.")
    def priority(self) -> matching.Priority:
        """The priority by score."""
        return matching.priority(self.total)

    @strawberry.field(description="Where the points come from; they sum to the total.")
    def breakdown(self) -> list[ScorePart]:
        """The score, taken apart."""
        value: Any = self
        return [ScorePart(ingredient=part, points=points) for part, points in value.breakdown]


@strawberry.type(
    directives=[SIGNED_IN], description="The round that opens next, unless somebody answers before."
)
@view_of(domain.NextRound)
class NextRound:
    """The round that opens next, unless somebody answers before."""

    opens_at: datetime = strawberry.field(description="When.")
    wave: WaveValue = strawberry.field(graphql_type=Wave, description="What kind of round it is.")
    size: int = strawberry.field(description="How many are asked at most.")
    reach_miles: float | None = strawberry.field(
        description="How far it reaches, in miles; null leaves that to each provider's own radius."
    )


@strawberry.type(
    directives=[SIGNED_IN],
    description="Why a provider is, or is not, asked to do a booking's work. It is found by the "
    "rules that decide, from the facts as they are now, also where the booking is over; what was "
    "decided at the time is kept in `offers`.",
)
@view_of(domain.Explanation)
class MatchExplanation:
    """Why a provider is, or is not, asked to do a booking's work."""

    answer: str = strawberry.field(description="All of it in words.")
    at: datetime = strawberry.field(name="asOf", description="The moment it was found.")
    booking: bookings.Booking = strawberry.field(graphql_type=Booking, description="The booking.")
    is_eligible: bool = strawberry.field(description="Whether the provider keeps every hard rule.")
    verdicts: list[matching.Verdict] = strawberry.field(
        graphql_type=list[HardRuleVerdict],
        description="What each hard rule says, kept or broken. RADIUS goes by the reach of the "
        "next round.",
    )
    score: matching.Score = strawberry.field(
        graphql_type=MatchScore,
        description="How well the provider suits the work, also where they are not eligible.",
    )
    distance_miles: float | None = strawberry.field(
        description="How far they are from it, in miles; null when unknown, or nobody travels."
    )
    rank: int | None = strawberry.field(
        description="Their place among all who are eligible, the best being 1; null if they are "
        "not."
    )
    eligible: int = strawberry.field(
        name="eligibleCount",
        description="How many are eligible, asked already or not, of the 200 most promising.",
    )
    next_round: domain.NextRound | None = strawberry.field(
        graphql_type=NextRound | None, description="The next round; null where none is to come."
    )
    asked_next: bool = strawberry.field(
        description="Whether the next round would be put to this provider, as things are now."
    )
    offers: list[JobOfferValue] = strawberry.field(
        graphql_type=list[JobOffer],
        description="What was put to this provider, oldest first, each with its score of the time.",
    )

    @strawberry.field(description="The provider.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type(directives=[SIGNED_IN], description="How many one hard rule keeps from the work.")
@view_of(nobody.RuledOut)
class RuledOut:
    """How many one hard rule keeps from the work."""

    rule: matching.HardRule = strawberry.field(graphql_type=HardRule, description="The rule.")
    providers: int = strawberry.field(description="How many providers break it.")
    by_it_alone: int = strawberry.field(description="Of them, who keep every other rule.")


@strawberry.type(directives=[SIGNED_IN], description="Somebody near who offers the service.")
@view_of(nobody.NearProvider)
class NearProvider:
    """Somebody near who offers the service."""

    distance_miles: float | None = strawberry.field(
        description="How far they are, in miles; null when unknown, or nobody travels."
    )
    broken: list[matching.Verdict] = strawberry.field(
        graphql_type=list[HardRuleVerdict],
        description="The hard rules that keep them from the work; none for who is eligible.",
    )

    @strawberry.field(description="Who it is.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type(
    directives=[SIGNED_IN],
    description="Why a booking is without a provider, and what happens next. Of those who offer "
    "the service the nearest 200 are looked at, as things are now.",
)
@view_of(nobody.WhyNobody)
class WhyNobody:
    """Why a booking is without a provider, and what happens next."""

    answer: str = strawberry.field(description="All of it in words.")
    at: datetime = strawberry.field(name="asOf", description="The moment it was found.")
    booking: bookings.Booking = strawberry.field(graphql_type=Booking, description="The booking.")
    offering: int = strawberry.field(
        name="offeringCount", description="How many providers offer the service, active or not."
    )
    looked_at: int = strawberry.field(
        name="lookedAtCount", description="How many of them were looked at: the nearest 200."
    )
    near: int = strawberry.field(
        name="nearCount",
        description="Of those looked at, who is near enough for the next round; unknown is near.",
    )
    eligible: int = strawberry.field(
        name="eligibleCount", description="Of those looked at, who is eligible."
    )
    ruled_out: list[nobody.RuledOut] = strawberry.field(
        graphql_type=list[RuledOut],
        description="How many each hard rule keeps from the work, first what keeps most.",
    )
    nearest: list[nobody.NearProvider] = strawberry.field(
        graphql_type=list[NearProvider], description="The nearest ten of those looked at."
    )
    offers_open: int = strawberry.field(description="How many offers wait for an answer.")
    offers_rejected: int = strawberry.field(description="How many were rejected.")
    offers_expired: int = strawberry.field(description="How many passed without an answer.")
    next_round: domain.NextRound | None = strawberry.field(
        graphql_type=NextRound | None, description="The next round; null where none is to come."
    )

    @strawberry.field(
        description="The latest round; null before the first.", graphql_type=Wave | None
    )
    def wave(self) -> Any:
        """The booking's wave."""
        return _booking(self).wave

    @strawberry.field(description="How many rounds there were.")
    def round(self) -> int:
        """The booking's round."""
        return _booking(self).round

    @strawberry.field(description="When it is looked at again; null when no more.")
    def match_due_at(self) -> datetime | None:
        """When matching is due."""
        return _booking(self).match_due_at

    @strawberry.field(
        description="When the automatic assignment tries next; null when it does not."
    )
    def auto_due_at(self) -> datetime | None:
        """When the automatic assignment is due."""
        return _booking(self).auto_due_at

    @strawberry.field(description="How often the automatic assignment has tried.")
    def auto_tries(self) -> int:
        """The tries of the automatic assignment."""
        return _booking(self).auto_tries

    @strawberry.field(description="Since when nobody could be found; null while there is hope.")
    def unfilled_at(self) -> datetime | None:
        """When it was found that nobody could be found."""
        return _booking(self).unfilled_at


def _booking(view: Any) -> bookings.Booking:
    """A view's self is the domain value that it shows."""
    booking: bookings.Booking = view.booking
    return booking


@strawberry.type
class ExplanationQueries:
    """Asking why."""

    @strawberry.field(
        directives=[INSIGHT],
        description="Why a provider is, or is not, asked to do a booking's work.",
        graphql_type=MatchExplanation,
    )
    async def explain_match(
        self,
        info: Info,
        booking_id: BookingId,
        provider_id: Annotated[strawberry.ID, strawberry.argument(description="Which provider.")],
    ) -> Any:
        """The explanation."""
        booking = ids.parse("Booking", booking_id, "bookingId")
        provider = ids.parse("Provider", provider_id, "providerId")
        async with info.context.read() as connection:
            return await explanations.explain(
                connection, booking_id=booking, provider_id=provider, house=info.context.house
            )

    @strawberry.field(
        directives=[INSIGHT],
        description="Why a booking is without a provider, and what happens next.",
        graphql_type=WhyNobody,
    )
    async def why_nobody(self, info: Info, booking_id: BookingId) -> Any:
        """What keeps providers from the work."""
        booking = ids.parse("Booking", booking_id, "bookingId")
        async with info.context.read() as connection:
            return await explanations.why_nobody(
                connection, booking_id=booking, house=info.context.house
            )
