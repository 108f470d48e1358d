"""Who is someone, to themselves, to the house, and to whoever does their work?"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api.access import PUBLIC, SIGNED_IN
from api.context import Context, Info
from api.enums import describe
from api.nodes import Node, register
from api.providers import Provider
from api.scalars import PhoneNumber, TimeZone
from api.views import view_of
from domain import people, privacy
from domain.people import Role

describe(
    Role,
    "What a person may do. Everyone has exactly one role.",
    CUSTOMER="Books services.",
    PROVIDER="Does the work: a cleaner, mechanic or technician.",
    DISPATCHER="Sees every booking and acts on it.",
    ANALYST="Reads the figures; changes nothing.",
    ADMIN="Runs the house.",
    SERVICE="Another system.",
)


# Open to everyone, since whoever has just signed in reads their own in the answer. What leads to
# another person's account is guarded where it leads there.
@strawberry.type(directives=[PUBLIC], description="A person with an account.")
@view_of(people.User)
class User(Node):
    """A person with an account."""

    email: str = strawberry.field(description="The address they sign in with, in lower case.")
    role: Role = strawberry.field(description="What they may do.")
    given_name: str = strawberry.field(description="First name.")
    family_name: str = strawberry.field(description="Last name.")
    name: str = strawberry.field(description="Full name.")
    phone: PhoneNumber | None = strawberry.field(description="Telephone number, if they gave one.")
    time_zone: TimeZone = strawberry.field(description="The time zone they live in.")
    locale: str = strawberry.field(
        description='How dates and sums are written to them, as a BCP 47 tag such as "en-GB".'
    )
    created_at: datetime = strawberry.field(description="When they signed up.")

    @strawberry.field(
        directives=[SIGNED_IN],
        description="Who they are as a provider; null for others, and until their first "
        "updateProviderProfile.",
        graphql_type=Provider | None,
    )
    async def provider(self, info: Info) -> Any:
        """Who they are as a provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.id)


@strawberry.type(directives=[SIGNED_IN], description="The customer, as you may see them.")
@view_of(privacy.Contact)
class Contact:
    """The customer, as the viewer may see them."""

    name: str = strawberry.field(description='Full name, or "John D." where that is closed.')
    phone: PhoneNumber | None = strawberry.field(description="Telephone; null where it is closed.")


@strawberry.type
class PersonQueries:
    """What a person can ask about themselves."""

    @strawberry.field(directives=[SIGNED_IN], description="Who you are.", graphql_type=User)
    async def me(self, info: Info) -> people.User | None:
        """The viewer's account."""
        return await info.context.loaders.users.load(info.context.user.user_id)


async def _fetch(context: Context, uid: UUID) -> people.User | None:
    """One's own account; staff may see anyone's."""
    if uid != context.user.user_id and not context.user.is_staff:
        return None
    return await context.loaders.users.load(uid)


register("User", people.User, _fetch)
