"""The providers whom a customer is not to meet again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.access import PUBLIC, SIGNED_IN, allow
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.providers import Provider
from api.views import view_of
from db import blocks
from domain import blocks as domain
from domain.people import Role

_CUSTOMER_OR_STAFF = allow(Role.CUSTOMER, Role.DISPATCHER, Role.ADMIN)


@strawberry.type(
    directives=[_CUSTOMER_OR_STAFF], description="A customer and a provider who are not to meet."
)
@view_of(domain.ProviderBlock)
class ProviderBlock:
    """A customer and a provider who are not to meet."""

    blocked_at: datetime = strawberry.field(description="Since when.")
    is_by_house: bool = strawberry.field(
        name="byHouse", description="Has the house blocked? Then only the house can unblock."
    )

    @strawberry.field(description="The provider.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider, also one who has left the marketplace."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)

    @strawberry.field(
        description="Why, in the words of whoever said so; null where the house has not said it "
        "to you."
    )
    def reason(self, info: Info) -> str | None:
        """Why, if it is the viewer's to read."""
        value: Any = self
        reason: str | None = value.reason_for(info.context.user)
        return reason


@strawberry.type(
    directives=[PUBLIC], description="The house has blocked the provider; only it can unblock."
)
class BlockedByHouse(Problem):
    """The house has blocked the provider."""


@strawberry.type(directives=[SIGNED_IN], description="The two are not to meet.")
class BlockProviderSuccess:
    """The two are not to meet."""

    block: domain.ProviderBlock = strawberry.field(
        graphql_type=ProviderBlock, description="The block."
    )


@strawberry.type(directives=[SIGNED_IN], description="The two may meet.")
class UnblockProviderSuccess:
    """The two may meet."""

    block: domain.ProviderBlock = strawberry.field(
        graphql_type=ProviderBlock, description="The block as it was."
    )


BlockProviderResult: TypeAlias = Annotated[
    BlockProviderSuccess | NotFound | InvalidInput,
    strawberry.union("BlockProviderResult", description="What came of blockProvider."),
]
UnblockProviderResult: TypeAlias = Annotated[
    UnblockProviderSuccess | BlockedByHouse | NotFound | InvalidInput,
    strawberry.union("UnblockProviderResult", description="What came of unblockProvider."),
]
CustomerId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Whose; staff say it, and customers see their own."),
]


@strawberry.input(description="Who are to meet again.")
class UnblockProviderInput:
    """Who are to meet again."""

    provider_id: strawberry.ID = strawberry.field(description="The provider.")
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="The customer; staff say it, and customers mean themselves."
    )

    @property
    def uid(self) -> UUID:
        """The provider's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Provider", self.provider_id, "providerId")

    @property
    def customer(self) -> UUID | None:
        """The customer's own id, if they are named. Raises InvalidInput."""
        return _customer(self.customer_id)


@strawberry.input(description="Who are not to meet again.")
class BlockProviderInput(UnblockProviderInput):
    """Who are not to meet again."""

    reason: str | None = strawberry.field(
        default=None, description="Why, up to 500 characters; staff have to say it."
    )


@strawberry.type
class BlockQueries:
    """Reading blocks."""

    @strawberry.field(
        directives=[_CUSTOMER_OR_STAFF],
        description="The providers whom you are not to meet again, the newest block first.",
        graphql_type=Connection[ProviderBlock],
    )
    async def blocked_providers(
        self,
        info: Info,
        customer_id: CustomerId = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of a customer's blocks."""
        request = page_request(first, after, last, before)
        whose = domain.whose(info.context.user, _customer(customer_id))
        return await listing(info.context, request, blocks.page, blocks.count, customer_id=whose)


@strawberry.type
class BlockMutations:
    """Blocking and unblocking."""

    @strawberry.mutation(
        directives=[_CUSTOMER_OR_STAFF],
        description="Let a customer and a provider not meet again: the provider is offered none "
        "of the customer's work, and cannot be booked for it. Open offers are withdrawn at once; "
        "bookings that were made stay. Once or twice is the same.",
        graphql_type=BlockProviderResult,
    )
    async def block_provider(self, info: Info, input: Given[BlockProviderInput]) -> Any:
        """Block."""
        uid, customer, reason = input.uid, input.customer, (input.reason or "").strip()
        async with info.context.begin() as tx:
            made = await blocks.block(
                tx, provider_id=uid, customer_id=customer, reason=reason, by=info.context.user
            )
        return BlockProviderSuccess(block=made)

    @strawberry.mutation(
        directives=[_CUSTOMER_OR_STAFF],
        description="Let a customer and a provider meet again.",
        graphql_type=UnblockProviderResult,
    )
    async def unblock_provider(self, info: Info, input: Given[UnblockProviderInput]) -> Any:
        """Unblock."""
        uid, customer = input.uid, input.customer
        async with info.context.begin() as tx:
            gone = await blocks.unblock(
                tx, provider_id=uid, customer_id=customer, by=info.context.user
            )
        return UnblockProviderSuccess(block=gone)


def _customer(given: str | None) -> UUID | None:
    return None if given is None else ids.parse("User", given, "customerId")


@problem_of.register
def _(refusal: domain.BlockedByHouse) -> Problem:
    return BlockedByHouse(message=str(refusal), code=ProblemCode.BLOCKED_BY_HOUSE)
