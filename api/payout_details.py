"""How is a provider paid: how often, and into which account?"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.context import Info
from api.inputs import Given
from api.payouts import PayCycle
from api.problems import InvalidInput, NotFound
from api.providers import Provider
from api.views import view_of
from db import payouts
from domain import payouts as domain
from domain.people import Role

#: Where somebody's money goes is theirs to know, and an admin's to mend.
_HOLDERS = allow(Role.PROVIDER, Role.ADMIN)


@strawberry.type(directives=[_HOLDERS], description="How a provider is paid.")
@view_of(domain.PayoutDetails)
class PayoutDetails:
    """How a provider is paid."""

    cycle: domain.PayCycle = strawberry.field(graphql_type=PayCycle, description="How often.")
    account: str | None = strawberry.field(
        description="What the payment gateway calls the account that it pays into; null where "
        "there is none yet, and nothing can be paid."
    )

    @strawberry.field(description="Who is paid.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type(directives=[SIGNED_IN], description="Payouts are sent so from now on.")
class UpdatePayoutDetailsSuccess:
    """Payouts are sent so from now on."""

    payout_details: domain.PayoutDetails = strawberry.field(
        graphql_type=PayoutDetails, description="How the provider is paid now."
    )


UpdatePayoutDetailsResult: TypeAlias = Annotated[
    UpdatePayoutDetailsSuccess | NotFound | InvalidInput,
    strawberry.union("UpdatePayoutDetailsResult", description="What came of updatePayoutDetails."),
]


@strawberry.input(description="How to pay a provider; what is left out stays as it is.")
class UpdatePayoutDetailsInput:
    """How to pay a provider."""

    account: str | None = strawberry.field(
        default=None,
        description="What the payment gateway calls the account to pay into, such as a Stripe "
        f"account; up to {domain.MAX_ACCOUNT} characters.",
    )
    cycle: domain.PayCycle | None = strawberry.field(
        graphql_type=PayCycle | None, default=None, description="How often, which admins say."
    )
    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whom; you when left out, and for admins to say."
    )


@strawberry.type
class PayoutDetailsQueries:
    """Reading how providers are paid."""

    @strawberry.field(
        directives=[_HOLDERS],
        description="How a provider is paid: you yourself, or anybody for admins.",
        graphql_type=PayoutDetails,
    )
    async def payout_details(
        self,
        info: Info,
        provider_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Who; admins say it.")
        ] = None,
    ) -> Any:
        """The details."""
        named = None if provider_id is None else ids.parse("Provider", provider_id, "providerId")
        async with info.context.read() as connection:
            return await payouts.details(connection, domain.whose_details(info.context.user, named))


@strawberry.type
class PayoutDetailsMutations:
    """Changing how providers are paid."""

    @strawberry.mutation(
        directives=[_HOLDERS],
        description="Say where you are paid to; admins say so, and how often, of anybody.",
        graphql_type=UpdatePayoutDetailsResult,
    )
    async def update_payout_details(
        self, info: Info, input: Given[UpdatePayoutDetailsInput]
    ) -> Any:
        """Change them."""
        viewer, named = info.context.user, input.provider_id
        uid = None if named is None else ids.parse("Provider", named, "providerId")
        async with info.context.begin() as tx:
            details = await payouts.change_details(
                tx,
                domain.whose_details(viewer, uid),
                account=input.account,
                cycle=input.cycle,
                by=viewer,
            )
        return UpdatePayoutDetailsSuccess(payout_details=details)
