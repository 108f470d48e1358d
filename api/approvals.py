"""What the house decides of a provider."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.access import PUBLIC, allow
from api.bookings import Booking
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.provider_kinds import ProviderApproval
from api.providers import Provider
from db import approvals
from domain import approvals as domain
from domain import bookings as domain_bookings
from domain import providers as domain_providers
from domain.people import Role

_ADMIN, _STAFF = allow(Role.ADMIN), allow(Role.DISPATCHER, Role.ADMIN)


@strawberry.type(directives=[PUBLIC], description="The provider stands where this is not possible.")
class WrongApproval(Problem):
    """The provider stands where this is not possible."""

    approval: ProviderApproval = strawberry.field(description="Where they stand.")


@strawberry.type(directives=[_ADMIN], description="The provider is approved.")
class ApproveProviderSuccess:
    """The provider is approved."""

    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider,
        description="The provider. They are offered work once their `profileCompletion` is 80.",
    )


@strawberry.type(directives=[_STAFF], description="The provider is suspended.")
class SuspendProviderSuccess:
    """The provider is suspended."""

    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider, description="The provider. What they were offered is withdrawn."
    )
    bookings: list[domain_bookings.Booking] = strawberry.field(
        graphql_type=list[Booking],
        description="The bookings they still have, in the order of their starts. They stay until "
        "somebody hands them on or calls them off.",
    )


@strawberry.type(directives=[_STAFF], description="The provider is suspended no longer.")
class ReinstateProviderSuccess:
    """The provider is suspended no longer."""

    provider: domain_providers.Provider = strawberry.field(
        graphql_type=Provider, description="The provider, who stands where they stood before."
    )


ApproveProviderResult: TypeAlias = Annotated[
    ApproveProviderSuccess | WrongApproval | NotFound | InvalidInput,
    strawberry.union("ApproveProviderResult", description="What came of approveProvider."),
]
SuspendProviderResult: TypeAlias = Annotated[
    SuspendProviderSuccess | WrongApproval | NotFound | InvalidInput,
    strawberry.union("SuspendProviderResult", description="What came of suspendProvider."),
]
ReinstateProviderResult: TypeAlias = Annotated[
    ReinstateProviderSuccess | WrongApproval | NotFound | InvalidInput,
    strawberry.union("ReinstateProviderResult", description="What came of reinstateProvider."),
]


@strawberry.input(description="Who is to get work from now on.")
class ApproveProviderInput:
    """Who is to get work."""

    provider_id: strawberry.ID = strawberry.field(description="The provider.")

    @property
    def uid(self) -> UUID:
        """The provider's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Provider", self.provider_id, "providerId")


@strawberry.input(description="Who is to get no work for now, and why.")
class SuspendProviderInput(ApproveProviderInput):
    """Who is to get no work for now."""

    reason: str = strawberry.field(
        description="Why; 1 to 500 characters. The provider and staff see it."
    )


@strawberry.input(description="Whose suspension is to end.")
class ReinstateProviderInput(ApproveProviderInput):
    """Whose suspension is to end."""


@strawberry.type
class ApprovalMutations:
    """Deciding of providers."""

    @strawberry.mutation(
        directives=[_ADMIN],
        description="Let a provider get work. How complete their profile is makes no difference "
        "to this; until it is complete enough, nothing is offered to them.",
        graphql_type=ApproveProviderResult,
    )
    async def approve_provider(self, info: Info, input: Given[ApproveProviderInput]) -> Any:
        """Approve."""
        async with info.context.begin() as tx:
            provider = await approvals.approve(tx, provider_id=input.uid)
        return ApproveProviderSuccess(provider=provider)

    @strawberry.mutation(
        directives=[_STAFF],
        description="Let a provider get no work for now. What they were offered is withdrawn at "
        "once; no booking is dropped: those they still have are listed.",
        graphql_type=SuspendProviderResult,
    )
    async def suspend_provider(self, info: Info, input: Given[SuspendProviderInput]) -> Any:
        """Suspend."""
        uid, reason = input.uid, input.reason.strip()
        async with info.context.begin() as tx:
            provider, left = await approvals.suspend(tx, provider_id=uid, reason=reason)
        return SuspendProviderSuccess(provider=provider, bookings=list(left))

    @strawberry.mutation(
        directives=[_STAFF],
        description="End a provider's suspension. Whoever was approved is approved still.",
        graphql_type=ReinstateProviderResult,
    )
    async def reinstate_provider(self, info: Info, input: Given[ReinstateProviderInput]) -> Any:
        """Reinstate."""
        async with info.context.begin() as tx:
            provider = await approvals.reinstate(tx, provider_id=input.uid)
        return ReinstateProviderSuccess(provider=provider)


@problem_of.register
def _(refusal: domain.WrongApproval) -> Problem:
    return WrongApproval(
        message=str(refusal), code=ProblemCode.WRONG_APPROVAL, approval=refusal.approval
    )
