"""Who may hand out a link to a provider's calendar, and how many at once?

Whoever holds a link reads the calendar without signing in, so that calendar programs can. A link is
made for each device or person, shown once, and taken back without touching the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from domain.refusals import Refusal, check_sizes

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.people import Viewer

#: Links to one provider's calendar that may be good at once.
MAX_LINKS: Final = 5


class TooManyCalendarLinks(Refusal):
    """There are as many good links as there may be. Carries how many that is."""

    def __init__(self) -> None:
        super().__init__(f"There are {MAX_LINKS} links to this calendar. Revoke one of them first.")
        self.limit = MAX_LINKS


class CalendarLinkRevoked(Refusal):
    """The link was revoked already. Carries it."""

    def __init__(self, link: CalendarLink) -> None:
        super().__init__("This link was revoked already.")
        self.link = link


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarLink:
    """A way to a provider's calendar for whoever has its address."""

    id: UUID
    provider_id: UUID
    name: str
    created_at: datetime
    #: Who made it: the provider, or staff for them.
    created_by: UUID
    revoked_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Does it still lead to the calendar?"""
        return self.revoked_at is None

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it a link to the viewer's own calendar, or is the viewer staff?"""
        return viewer.is_staff or viewer.user_id == self.provider_id


def create(
    link_id: UUID, *, provider_id: UUID, name: str, live: int, by: Viewer, at: datetime
) -> CalendarLink:
    """A new link, where there are `live` good ones already.

    Raises InvalidInput or TooManyCalendarLinks.
    """
    check_sizes(name=(name, 0, 100))
    if live >= MAX_LINKS:
        raise TooManyCalendarLinks
    return CalendarLink(
        id=link_id, provider_id=provider_id, name=name, created_at=at, created_by=by.user_id
    )


def revoke(link: CalendarLink, *, at: datetime) -> CalendarLink:
    """The link, good no more. Raises CalendarLinkRevoked."""
    if not link.is_live:
        raise CalendarLinkRevoked(link)
    return replace(link, revoked_at=at)
