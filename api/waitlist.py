"""Who waits for a slot, and how do they join the line and leave it?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.booking_inputs import AddressInput
from api.booking_problems import IdempotencyKeyReused, ProviderNotEligible, ServiceInactive
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.enums import describe
from api.holds import Hold
from api.inputs import Given
from api.nodes import Node
from api.places import Address
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.providers import Provider
from api.services import Service
from api.views import view_of
from db import waitlist
from domain import holds, idempotency, places
from domain import waitlist as domain
from domain.people import Role

describe(
    domain.WaitlistState,
    "Where somebody stands in the waitlist.",
    WAITING="In line for a slot.",
    GRANTED="A slot is kept for them: book it with `grant.id` as `holdId` before it expires.",
    TAKEN="They booked the slot that was kept for them.",
    LAPSED="They did not; it was kept for the next in line. Join again to wait again.",
    LEFT="They left the line.",
    EXPIRED="All the starts that they would have taken have passed.",
)


@strawberry.type(
    directives=[SIGNED_IN],
    description="A customer's place in the waitlist. A slot is granted to it once: a hold that "
    "keeps the time of a provider, to be booked before it expires. After that it passes on.",
)
@view_of(domain.WaitlistEntry)
class WaitlistEntry(Node):
    """A customer's place in the waitlist."""

    state: domain.WaitlistState = strawberry.field(description="Where it stands.")
    earliest: datetime = strawberry.field(description="The first start that would do.")
    latest: datetime = strawberry.field(description="The last start that would do.")
    address: places.Address = strawberry.field(
        graphql_type=Address, description="Where the work would be."
    )
    joined_at: datetime = strawberry.field(description="Since when they have waited.")
    left_at: datetime | None = strawberry.field(
        description="When it was given up before a slot was taken, if it was."
    )
    grant: holds.Hold | None = strawberry.field(
        graphql_type=Hold | None,
        description="The slot that was granted, whatever became of it; null before.",
    )

    @strawberry.field(description="What they wait for.", graphql_type=Service)
    async def service(self, info: Info) -> Any:
        """The service."""
        value: Any = self
        return await info.context.loaders.services.load(value.service_id)

    @strawberry.field(
        description="The provider whom they wait for; null when anybody will do.",
        graphql_type=Provider | None,
    )
    async def provider(self, info: Info) -> Any:
        """The named provider."""
        value: Any = self
        if value.provider_id is None:
            return None
        return await info.context.loaders.providers.load(value.provider_id)

    @strawberry.field(
        description="The place in line, from 1, among all who wait for the service in the same "
        "postal district; null when not WAITING. Somebody further back is served first where a "
        "slot suits them and nobody before them."
    )
    async def position(self, info: Info) -> int | None:
        """The place in line."""
        value: Any = self
        return await info.context.loaders.waitlist_positions.load(value.id)


@strawberry.type(
    directives=[PUBLIC],
    description="You are in line for this service, or a slot of it is kept for you. Leave first to "
    "wait for something else.",
)
class AlreadyWaiting(Problem):
    """The customer is in line for the service."""

    entry: domain.WaitlistEntry = strawberry.field(
        graphql_type=WaitlistEntry, description="Your place."
    )


@strawberry.input(description="What to wait for.")
class JoinWaitlistInput:
    """What to wait for."""

    service_id: strawberry.ID = strawberry.field(description="The service.")
    address: AddressInput = strawberry.field(description="Where the work would be.")
    earliest: datetime = strawberry.field(description="The first start that you would take.")
    latest: datetime = strawberry.field(
        description="The last start that you would take: in the future, and at most 31 days after "
        "the first."
    )
    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Wait for this provider only; for anybody when left out."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="1 to 200 characters of your own, to ask again safely."
    )

    def wish(self, customer_id: UUID) -> domain.Wish:
        """What is wished. Raises InvalidInput."""
        provider_id = self.provider_id
        return domain.Wish(
            customer_id=customer_id,
            service_id=ids.parse("Service", self.service_id, "serviceId"),
            provider_id=ids.parse("Provider", provider_id, "providerId") if provider_id else None,
            address=self.address.value(),
            earliest=self.earliest,
            latest=self.latest,
        )


@strawberry.input(description="Which place to give up.")
class LeaveWaitlistInput:
    """Which place to give up."""

    entry_id: strawberry.ID = strawberry.field(description="The place in the waitlist.")


@strawberry.type(directives=[SIGNED_IN], description="You are in line.")
class JoinWaitlistSuccess:
    """The customer is in line, or was put there by the same request before."""

    entry: domain.WaitlistEntry = strawberry.field(
        graphql_type=WaitlistEntry, description="Your place, at the end of the line."
    )


@strawberry.type(
    directives=[SIGNED_IN], description="The place is given up, unless it was over already."
)
class LeaveWaitlistSuccess:
    """The customer is in line no longer."""

    entry: domain.WaitlistEntry = strawberry.field(
        graphql_type=WaitlistEntry, description="What became of it."
    )


JoinWaitlistResult: TypeAlias = Annotated[
    JoinWaitlistSuccess
    | AlreadyWaiting
    | ProviderNotEligible
    | ServiceInactive
    | IdempotencyKeyReused
    | NotFound
    | InvalidInput,
    strawberry.union("JoinWaitlistResult", description="What came of joinWaitlist."),
]
LeaveWaitlistResult: TypeAlias = Annotated[
    LeaveWaitlistSuccess | NotFound | InvalidInput,
    strawberry.union("LeaveWaitlistResult", description="What came of leaveWaitlist."),
]
ServiceFilter = Annotated[
    strawberry.ID | None, strawberry.argument(description="Only those for this service.")
]
WaitingFilter = Annotated[
    bool | None,
    strawberry.argument(description="True: only those in line; false: only the others."),
]


@strawberry.type
class WaitlistQueries:
    """Reading the waitlist."""

    @strawberry.field(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Your places in the waitlist, longest waiting first; staff see everyone's.",
        graphql_type=Connection[WaitlistEntry],
    )
    async def waitlist(
        self,
        info: Info,
        service_id: ServiceFilter = None,
        waiting: WaitingFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of entries."""
        viewer = info.context.user
        return await listing(
            info.context,
            page_request(first, after, last, before),
            waitlist.page,
            waitlist.count,
            customer_id=None if viewer.is_staff else viewer.user_id,
            service_id=ids.parse("Service", service_id, "serviceId") if service_id else None,
            waiting=waiting,
        )


@strawberry.type
class WaitlistMutations:
    """Joining the line and leaving it."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Wait for a slot. The first in line whom a free slot suits has it kept for "
        "them: 10 minutes on the day itself, 48 hours before it, never past its start. Booking "
        "the service another way leaves your place as it is.",
        graphql_type=JoinWaitlistResult,
    )
    async def join_waitlist(self, info: Info, input: Given[JoinWaitlistInput]) -> Any:
        """Join."""
        wish = input.wish(info.context.user.user_id)
        key = idempotency.key("joinWaitlist", input.idempotency_key, wish)
        async with info.context.begin() as tx:
            entry = await waitlist.join(tx, wish, key=key)
        return JoinWaitlistSuccess(entry=entry)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)],
        description="Give up a place in the waitlist; a slot that is kept for it passes on.",
        graphql_type=LeaveWaitlistResult,
    )
    async def leave_waitlist(self, info: Info, input: Given[LeaveWaitlistInput]) -> Any:
        """Leave."""
        uid = ids.parse("WaitlistEntry", input.entry_id, "entryId")
        async with info.context.begin() as tx:
            entry = await waitlist.leave(tx, entry_id=uid, by=info.context.user)
        return LeaveWaitlistSuccess(entry=entry)


@problem_of.register
def _(refusal: domain.AlreadyWaiting) -> Problem:
    return AlreadyWaiting(
        message=str(refusal),
        code=ProblemCode.ALREADY_WAITING,
        path=["serviceId"],
        entry=refusal.entry,
    )


async def _fetch(context: Context, uid: UUID) -> domain.WaitlistEntry | None:
    async with context.read() as connection:
        found = await waitlist.by_ids(connection, [uid])
    return next((one for one in found if one.is_visible_to(context.user)), None)


nodes.register("WaitlistEntry", domain.WaitlistEntry, _fetch)
