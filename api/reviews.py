"""What customers say of the work, and everyone may read."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import SIGNED_IN
from api.connections import After, Before, Connection, First, Last, listing, page_request
from api.context import Context, Info
from api.nodes import Node
from api.providers import Provider, ProviderId
from api.views import view_of
from db import reviews
from domain import reviews as domain


@strawberry.type(directives=[SIGNED_IN], description="What a customer said of the work.")
@view_of(domain.Review)
class Review(Node):
    """What a customer said of the work."""

    stars: int = strawberry.field(description="From 1 to 5.")
    comment: str = strawberry.field(description="In the customer's words; may be empty.")
    given_at: datetime = strawberry.field(description="When they said so.")

    @strawberry.field(description='Who said so: the name strangers see, such as "John D.".')
    async def customer_name(self, info: Info) -> str:
        """The customer's public name."""
        user = await info.context.loaders.users.load(_value(self).customer_id)
        return user.public_name if user else ""

    @strawberry.field(description="Whose work it was.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        return await info.context.loaders.providers.load(_value(self).provider_id)


def _value(view: Any) -> domain.Review:
    """A view's self is the domain value that it shows."""
    value: domain.Review = view
    return value


@strawberry.type
class ReviewQueries:
    """Reading reviews."""

    @strawberry.field(
        directives=[SIGNED_IN],
        description="What customers say of a provider, newest first; null when there is no such "
        "active provider.",
        graphql_type=Connection[Review] | None,
    )
    async def reviews(
        self,
        info: Info,
        provider_id: ProviderId,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Any:
        """A page of a provider's reviews."""
        request = page_request(first, after, last, before)
        uid = ids.parse("Provider", provider_id, "providerId")
        provider = await info.context.loaders.providers.load(uid)
        if provider is None or not provider.is_visible_to(info.context.user):
            return None
        return await listing(info.context, request, reviews.page, reviews.count, provider_id=uid)


async def _fetch(context: Context, uid: UUID) -> domain.Review | None:
    async with context.read() as connection:
        found = await reviews.by_id(connection, uid)
    if found is None:
        return None
    provider = await context.loaders.providers.load(found.provider_id)
    return found if provider and found.is_visible_to(context.user, provider) else None


nodes.register("Review", domain.Review, _fetch)
