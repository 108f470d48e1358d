"""The papers that providers have shown, as others see them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from api import nodes
from api.access import SIGNED_IN
from api.context import Context
from api.nodes import Node
from api.views import view_of
from api.working_hours import OWN_OR_STAFF
from db import certifications
from domain import certifications as domain

_OWN = "null for others than its provider and staff"


@strawberry.type(
    directives=[SIGNED_IN],
    description="A trade card, a licence, an insurance or a training that a provider has shown.",
)
@view_of(domain.ShownCertification)
class Certification(Node):
    """A paper that a provider has shown."""

    code: str = strawberry.field(description='What services ask for it by, such as "gas-safe".')
    name: str = strawberry.field(description="What it is called.")
    issuer: str = strawberry.field(description="Who has issued it.")
    verified: bool = strawberry.field(description="Has the house seen that it is genuine?")
    valid: bool = strawberry.field(
        description="Does it count today? It is verified then, and has not run out."
    )
    number: str | None = strawberry.field(
        directives=[OWN_OR_STAFF], description=f"Its number; {_OWN}."
    )
    expires_on: date | None = strawberry.field(
        directives=[OWN_OR_STAFF],
        description=f"The last day on which it holds, if it runs out; {_OWN}.",
    )
    added_at: datetime | None = strawberry.field(
        directives=[OWN_OR_STAFF], description=f"When it was shown; {_OWN}."
    )
    verified_at: datetime | None = strawberry.field(
        directives=[OWN_OR_STAFF], description=f"When it was found genuine, if it was; {_OWN}."
    )


async def _fetch(context: Context, uid: UUID) -> domain.ShownCertification | None:
    async with context.read() as connection:
        found = await certifications.by_id(connection, uid)
    if found is None:
        return None
    provider = await context.loaders.providers.load(found.provider_id)
    if provider is None or not provider.is_visible_to(context.user):
        return None
    return found.seen_by(context.user)


nodes.register("Certification", domain.ShownCertification, _fetch)
