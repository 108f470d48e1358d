"""Calendar links: how a provider's calendar program reads their work without signing in."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import strawberry

from api import ids, nodes
from api.access import PUBLIC, SIGNED_IN, allow
from api.context import Context, Info
from api.icalendar import address_of
from api.inputs import Given
from api.nodes import Node
from api.problems import InvalidInput, NotFound, Problem, ProblemCode, problem_of
from api.providers import Provider
from api.views import view_of
from db import calendar_links
from domain import calendar_links as domain
from domain.people import Role, whose
from gateways.tokens import fingerprint

HOLDERS = allow(Role.PROVIDER, Role.DISPATCHER, Role.ADMIN)


@strawberry.type(
    directives=[SIGNED_IN],
    description="A way to a provider's calendar for whoever has its address, until it is revoked.",
)
@view_of(domain.CalendarLink)
class CalendarLink(Node):
    """A way to a provider's calendar."""

    name: str = strawberry.field(description="What it is for, such as a device; may be empty.")
    created_at: datetime = strawberry.field(description="When it was made.")
    revoked_at: datetime | None = strawberry.field(
        description="When it was revoked; null while it is good."
    )

    @strawberry.field(description="Whose calendar it leads to.", graphql_type=Provider)
    async def provider(self, info: Info) -> Any:
        """The provider."""
        value: Any = self
        return await info.context.loaders.providers.load(value.provider_id)


@strawberry.type(
    directives=[PUBLIC], description="There are as many links to this calendar as there may be."
)
class TooManyCalendarLinks(Problem):
    """There are as many links to this calendar as there may be."""

    limit: int = strawberry.field(description="How many there may be at once.")


@strawberry.type(directives=[PUBLIC], description="The link was revoked already.")
class CalendarLinkRevoked(Problem):
    """The link was revoked already."""

    calendar_link: domain.CalendarLink = strawberry.field(
        graphql_type=CalendarLink, description="The link, with when it was revoked."
    )


@strawberry.type(directives=[SIGNED_IN], description="The link was made.")
class CreateCalendarLinkSuccess:
    """The link was made."""

    __repr__ = object.__repr__  # the fields would show the address

    calendar_link: domain.CalendarLink = strawberry.field(
        graphql_type=CalendarLink, description="The new link."
    )
    url: str = strawberry.field(
        description="The address to give to a calendar program. Whoever has it can read the "
        "calendar. It is told this once: we keep no copy."
    )


@strawberry.type(directives=[SIGNED_IN], description="The link leads nowhere any more.")
class RevokeCalendarLinkSuccess:
    """The link leads nowhere any more."""

    calendar_link: domain.CalendarLink = strawberry.field(
        graphql_type=CalendarLink, description="The link, with when it was revoked."
    )


CreateCalendarLinkResult: TypeAlias = Annotated[
    CreateCalendarLinkSuccess | TooManyCalendarLinks | NotFound | InvalidInput,
    strawberry.union("CreateCalendarLinkResult", description="What came of createCalendarLink."),
]
RevokeCalendarLinkResult: TypeAlias = Annotated[
    RevokeCalendarLinkSuccess | CalendarLinkRevoked | NotFound | InvalidInput,
    strawberry.union("RevokeCalendarLinkResult", description="What came of revokeCalendarLink."),
]


@strawberry.input(description="A link to make.")
class CreateCalendarLinkInput:
    """A link to make."""

    name: str | None = strawberry.field(
        default=None, description="What it is for, such as a device; up to 100 characters."
    )
    provider_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose calendar; yours when left out, and for staff to say."
    )


@strawberry.input(description="A link to take back.")
class RevokeCalendarLinkInput:
    """A link to take back."""

    calendar_link_id: strawberry.ID = strawberry.field(description="The link.")


@strawberry.type
class CalendarLinkQueries:
    """Reading calendar links."""

    @strawberry.field(
        directives=[HOLDERS],
        description="The links to a provider's calendar that are good, oldest first; there are "
        f"never more than {domain.MAX_LINKS}.",
        graphql_type=list[CalendarLink],
    )
    async def calendar_links(
        self,
        info: Info,
        provider_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Whose; yours when left out, and for staff to say."),
        ] = None,
    ) -> Any:
        """The good links."""
        uid = whose(info.context.user, _provider(provider_id))
        async with info.context.read() as connection:
            return await calendar_links.live_of(connection, uid)


@strawberry.type
class CalendarLinkMutations:
    """Making and revoking calendar links."""

    @strawberry.mutation(
        directives=[HOLDERS],
        description="Make a link by which a calendar program (Google, Apple, Outlook …) follows a "
        f"provider's work. Up to {domain.MAX_LINKS} are good at once, one for each device, say.",
        graphql_type=CreateCalendarLinkResult,
    )
    async def create_calendar_link(self, info: Info, input: Given[CreateCalendarLinkInput]) -> Any:
        """Make a link."""
        viewer = info.context.user
        uid = whose(viewer, _provider(input.provider_id))
        token = secrets.token_urlsafe(32)
        async with info.context.begin() as tx:
            link = await calendar_links.create(
                tx,
                provider_id=uid,
                name=(input.name or "").strip(),
                token_hash=fingerprint(token),
                by=viewer,
            )
        url = address_of(info.context.settings, token)
        return CreateCalendarLinkSuccess(calendar_link=link, url=url)

    @strawberry.mutation(
        directives=[HOLDERS],
        description="Take a link back: from now on it leads nowhere.",
        graphql_type=RevokeCalendarLinkResult,
    )
    async def revoke_calendar_link(self, info: Info, input: Given[RevokeCalendarLinkInput]) -> Any:
        """Revoke a link."""
        link_id = ids.parse("CalendarLink", input.calendar_link_id, "calendarLinkId")
        async with info.context.begin() as tx:
            link = await calendar_links.revoke(tx, link_id, by=info.context.user)
        return RevokeCalendarLinkSuccess(calendar_link=link)


def _provider(global_id: str | None) -> UUID | None:
    return ids.parse("Provider", global_id, "providerId") if global_id is not None else None


async def _fetch(context: Context, uid: UUID) -> domain.CalendarLink | None:
    async with context.read() as connection:
        found = await calendar_links.by_id(connection, uid)
    return found if found and found.is_visible_to(context.user) else None


@problem_of.register
def _(refusal: domain.TooManyCalendarLinks) -> Problem:
    return TooManyCalendarLinks(
        message=str(refusal), code=ProblemCode.TOO_MANY, limit=refusal.limit
    )


@problem_of.register
def _(refusal: domain.CalendarLinkRevoked) -> Problem:
    return CalendarLinkRevoked(
        message=str(refusal), code=ProblemCode.CALENDAR_LINK_REVOKED, calendar_link=refusal.link
    )


nodes.register("CalendarLink", domain.CalendarLink, _fetch)
