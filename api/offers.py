"""Offers, as the provider they were put to sees them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_problems import SlotTaken
from api.bookings import Booking
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.inputs import Given
from api.money import Money
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.rate_limits import Limit, spend
from api.services import Service
from api.vehicles import Vehicle
from api.views import view_of
from db import offers
from domain import bookings, matching, privacy, vehicles
from domain import offers as domain
from domain.people import Role

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

OfferState = describe(
    domain.OfferState,
    "Where an offer stands.",
    OFFERED="It can be accepted or rejected.",
    ACCEPTED="The provider took it and has the booking.",
    REJECTED="The provider said no.",
    EXPIRED="Its time passed.",
    RESCINDED="It was withdrawn: taken by another, cancelled, or the provider went off shift.",
)
Wave = describe(
    domain.Wave,
    "One round of offers.",
    PREFERRED="To the provider whom the customer prefers, two minutes ahead of the others.",
    TARGETED="To the best three.",
    BROADCAST="To everyone eligible nearby.",
    AUTO="Given to the best who is free, without asking.",
)
Priority = describe(
    matching.Priority,
    "How well the work suits the provider.",
    HIGH="A score of 150 or more.",
    NORMAL="A score from 100 to 149.",
    LOW="A score below 100.",
)
Gone = describe(
    domain.Gone,
    "Why an offer can no longer be taken.",
    TAKEN="Another provider was faster.",
    EXPIRED="Its time passed.",
    REJECTED="You rejected it.",
    RESCINDED="It was withdrawn.",
    BOOKING_CLOSED="The booking was called off or is over.",
    UNAVAILABLE="Your own profile, hours, time off or daily cap speak against it now.",
)


@strawberry.type(directives=[SIGNED_IN], description="What an offer shows of a booking.")
@view_of(privacy.OfferedWork)
class OfferedWork:
    """What an offer shows of a booking."""

    kind: bookings.BookingKind = strawberry.field(description="Wanted now, or at a chosen time.")
    starts_at: datetime = strawberry.field(description="When the window of work opens.")
    ends_at: datetime = strawberry.field(description="When it closes.")
    price: Money = strawberry.field(description="What the customer pays.")
    concern: str = strawberry.field(description="What is the matter, in the customer's words.")
    vehicle: vehicles.Vehicle | None = strawberry.field(
        graphql_type=Vehicle | None,
        description="The vehicle, if there is one; VIN and plate open with the job.",
    )
    requested_brand: str = strawberry.field(description="The brand the work is about, if any.")
    keywords: list[str] = strawberry.field(description="What the concern is about, in keywords.")
    customer_name: str = strawberry.field(description='The customer, such as "John D.".')
    city: str = strawberry.field(description="The city.")
    area: str = strawberry.field(description="The postal district; the address opens with the job.")
    distance_miles: int | None = strawberry.field(
        description="How far it is, in whole miles, give or take one; null when that is unknown."
    )

    @strawberry.field(description="The service.", graphql_type=Service)
    async def service(self, info: Info) -> Any:
        """The service."""
        value: Any = self
        return await info.context.loaders.services.load(value.service_id)


@strawberry.type(directives=[SIGNED_IN], description="Points for one ingredient of a score.")
class ScorePart:
    """Points for one ingredient of a score."""

    ingredient: str = strawberry.field(description="What was looked at.")
    points: int = strawberry.field(description="What it gave or took.")


@strawberry.type(directives=[SIGNED_IN], description="One booking put to one provider.")
@view_of(domain.JobOffer)
class JobOffer(Node):
    """One booking put to one provider."""

    state: domain.OfferState = strawberry.field(description="Where it stands.")
    wave: domain.Wave = strawberry.field(description="The round it belongs to.")
    offered_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="Until when it can be accepted.")
    resolved_at: datetime | None = strawberry.field(description="When it was settled.")
    score: int = strawberry.field(description="How well the provider suits the work, in points.")
    reasons: list[str] = strawberry.field(description="Why this provider, in words.")
    policy: str = strawberry.field(description="The scoring policy that decided.")
    candidates: int = strawberry.field(
        description="Out of how many eligible providers the ones to ask were chosen: the most "
        "promising of those near, nine or so for a targeted round."
    )

    @strawberry.field(description="Why the provider said no; for themselves and staff.")
    def reject_reason(self, info: Info) -> str | None:
        """The reason, in the provider's words."""
        return privacy.reject_reason(_value(self), info.context.user)

    @strawberry.field(description="How well it suits, in three steps.")
    def priority(self) -> matching.Priority:
        """The priority by score."""
        return matching.priority(self.score)

    @strawberry.field(description="Where the points come from; they sum to the score.")
    def breakdown(self) -> list[ScorePart]:
        """The score, taken apart."""
        parts = _value(self).breakdown
        return [ScorePart(ingredient=part, points=points) for part, points in parts]

    @strawberry.field(description="What is to be done.", graphql_type=OfferedWork)
    async def work(self, info: Info) -> Any:
        """The work, as far as somebody may know it who has not won it."""
        value = _value(self)
        return await info.context.loaders.works.load((value.booking_id, value.provider_id))

    @strawberry.field(
        description="The whole booking, once it is yours; null before.",
        graphql_type=Booking | None,
    )
    async def booking(self, info: Info) -> Any:
        """The booking, if the viewer is a party to it."""
        booking = await info.context.loaders.bookings.load(_value(self).booking_id)
        return booking if booking and booking.is_party(info.context.user) else None


def _value(view: Any) -> domain.JobOffer:
    """A view's self is the domain value that it shows."""
    value: domain.JobOffer = view
    return value


@strawberry.type(directives=[PUBLIC], description="The offer can no longer be taken.")
class OfferGone(Problem):
    """The offer can no longer be taken."""

    why: domain.Gone = strawberry.field(description="Why not.")


@strawberry.type(directives=[SIGNED_IN], description="The booking is yours.")
class AcceptOfferSuccess:
    """The booking is yours."""

    booking: bookings.Booking = strawberry.field(
        graphql_type=Booking, description="The booking, with everything you need to turn up."
    )


@strawberry.type(directives=[SIGNED_IN], description="You will not be offered this booking again.")
class RejectOfferSuccess:
    """You will not be offered this booking again."""

    offer: domain.JobOffer = strawberry.field(
        graphql_type=JobOffer, description="The rejected offer."
    )


AcceptOfferResult: TypeAlias = Annotated[
    AcceptOfferSuccess | OfferGone | SlotTaken | NotFound | InvalidInput,
    strawberry.union("AcceptOfferResult", description="What came of acceptOffer."),
]
RejectOfferResult: TypeAlias = Annotated[
    RejectOfferSuccess | OfferGone | NotFound | InvalidInput,
    strawberry.union("RejectOfferResult", description="What came of rejectOffer."),
]


@strawberry.input(description="Which offer to accept.")
class AcceptOfferInput:
    """Which offer to accept."""

    offer_id: strawberry.ID = strawberry.field(description="The offer.")


@strawberry.input(description="Which offer to reject, and why.")
class RejectOfferInput:
    """Which offer to reject, and why."""

    offer_id: strawberry.ID = strawberry.field(description="The offer.")
    reason: str = strawberry.field(description="Why; up to 500 characters, may be empty.")


@strawberry.type
class OfferQueries:
    """Reading offers."""

    @strawberry.field(
        directives=[allow(Role.PROVIDER)],
        description="The offers put to you, newest first. At most 100 times an hour, unless the "
        "house says otherwise; `offerFeed` tells of each offer at once and is not limited so.",
        graphql_type=Connection[JobOffer],
    )
    async def job_offers(
        self,
        info: Info,
        states: Annotated[
            list[domain.OfferState] | None,
            strawberry.argument(description="Only offers that stand so; all when left out."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of one's offers."""
        request = page_request(first, after, last, before)
        amount = info.context.settings.offer_listing_limit
        await spend(info, Limit(act="jobOffers", amount=amount, window=_HOUR))
        mine = info.context.user.user_id
        return await listing(
            info.context, request, offers.page, offers.count, provider_id=mine, states=states
        )


@strawberry.type
class OfferMutations:
    """Answering offers."""

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Take an offered booking. Exactly one provider can; sending it again after a "
        "lost reply answers success again. At most 20 times an hour, unless the house says "
        "otherwise: each try counts, won or lost or sent again.",
        graphql_type=AcceptOfferResult,
    )
    async def accept_offer(self, info: Info, input: Given[AcceptOfferInput]) -> Any:
        """Accept."""
        offer_id = ids.parse("JobOffer", input.offer_id, "offerId")
        amount = info.context.settings.accept_limit
        await spend(info, Limit(act="acceptOffer", amount=amount, window=_HOUR))
        async with info.context.begin() as tx:
            booking = await offers.accept(tx, offer_id=offer_id, by=info.context.user.user_id)
        return AcceptOfferSuccess(booking=booking)

    @strawberry.mutation(
        directives=[allow(Role.PROVIDER)],
        description="Say no to an offer, for good. At most 50 times a day, unless the house says "
        "otherwise: each try counts.",
        graphql_type=RejectOfferResult,
    )
    async def reject_offer(self, info: Info, input: Given[RejectOfferInput]) -> Any:
        """Reject."""
        offer_id = ids.parse("JobOffer", input.offer_id, "offerId")
        amount = info.context.settings.reject_limit
        await spend(info, Limit(act="rejectOffer", amount=amount, window=_DAY))
        async with info.context.begin() as tx:
            offer = await offers.reject(
                tx, offer_id=offer_id, by=info.context.user.user_id, reason=input.reason
            )
        return RejectOfferSuccess(offer=offer)


async def visible(context: Context, uid: UUID) -> domain.JobOffer | None:
    """The offer, if it was put to the viewer, or the viewer is staff."""
    found = await context.loaders.offers.load(uid)
    return found if found and found.is_visible_to(context.user) else None


@problem_of.register
def _(refusal: domain.OfferGone) -> Problem:
    return OfferGone(message=str(refusal), code=ProblemCode.OFFER_GONE, why=refusal.why)


nodes.register("JobOffer", domain.JobOffer, visible)
