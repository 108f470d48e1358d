"""The providers that a customer likes best."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids
from api.access import SIGNED_IN, allow
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Info
from api.inputs import Given
from api.problems import InvalidInput, NotFound
from api.providers import Provider
from db import favourites
from domain import providers as domain
from domain.people import Role


@strawberry.type(directives=[SIGNED_IN], description="The provider is a favourite of yours.")
class FavouriteProviderSuccess:
    """The provider is a favourite."""

    provider: domain.Provider = strawberry.field(
        graphql_type=Provider, description="The favourite."
    )


@strawberry.type(directives=[SIGNED_IN], description="The provider is no favourite of yours.")
class UnfavouriteProviderSuccess:
    """The provider is no favourite."""

    provider: domain.Provider = strawberry.field(graphql_type=Provider, description="The provider.")


FavouriteProviderResult: TypeAlias = Annotated[
    FavouriteProviderSuccess | NotFound | InvalidInput,
    strawberry.union("FavouriteProviderResult", description="What came of favouriteProvider."),
]
UnfavouriteProviderResult: TypeAlias = Annotated[
    UnfavouriteProviderSuccess | NotFound | InvalidInput,
    strawberry.union("UnfavouriteProviderResult", description="What came of unfavouriteProvider."),
]


@strawberry.input(description="Whom you like best.")
class FavouriteProviderInput:
    """Whom the customer likes best."""

    provider_id: strawberry.ID = strawberry.field(description="The provider.")

    @property
    def uid(self) -> UUID:
        """The provider's own id. Raises InvalidInput for an id of something else."""
        return ids.parse("Provider", self.provider_id, "providerId")


@strawberry.input(description="Who is no favourite any more.")
class UnfavouriteProviderInput(FavouriteProviderInput):
    """Who is no favourite any more."""


@strawberry.type
class FavouriteQueries:
    """Reading favourites."""

    @strawberry.field(
        directives=[allow(Role.CUSTOMER)],
        description="Your favourite providers, the newest favourite first. Those who have left "
        "the marketplace are left out until they are back.",
        graphql_type=Connection[Provider],
    )
    async def favourite_providers(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of one's favourites."""
        request = page_request(first, after, last, before)
        mine = info.context.user.user_id
        return await listing(
            info.context, request, favourites.page, favourites.count, customer_id=mine
        )


@strawberry.type
class FavouriteMutations:
    """Choosing favourites."""

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Make a provider a favourite of yours. Once or twice is the same.",
        graphql_type=FavouriteProviderResult,
    )
    async def favourite_provider(self, info: Info, input: Given[FavouriteProviderInput]) -> Any:
        """Favourite."""
        async with info.context.begin() as tx:
            provider = await favourites.add(tx, provider_id=input.uid, by=info.context.user)
        return FavouriteProviderSuccess(provider=provider)

    @strawberry.mutation(
        directives=[allow(Role.CUSTOMER)],
        description="Let a provider be no favourite of yours. Once or twice is the same.",
        graphql_type=UnfavouriteProviderResult,
    )
    async def unfavourite_provider(self, info: Info, input: Given[UnfavouriteProviderInput]) -> Any:
        """Unfavourite."""
        async with info.context.begin() as tx:
            provider = await favourites.remove(tx, provider_id=input.uid, by=info.context.user)
        return UnfavouriteProviderSuccess(provider=provider)
