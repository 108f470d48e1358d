"""Calendar links: how one is made, found by what its holder shows, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from db import clock, providers
from db.ids import new_id
from db.tables import calendar_links, users
from domain import calendar_links as rules
from domain.calendar_links import CalendarLink
from domain.refusals import NotFound

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.people import Viewer


async def create(
    tx: AsyncConnection, *, provider_id: UUID, name: str, token_hash: bytes, by: Viewer
) -> CalendarLink:
    """Make a link, opened by the token with this hash.

    Raises NotFound for an unknown provider, InvalidInput or TooManyCalendarLinks.
    """
    # Under the provider's lock, so that two made at once count each other.
    await providers.lock(tx, [provider_id])
    await providers.get(tx, provider_id)
    live = len(await live_of(tx, provider_id))
    at = await clock.now(tx)
    made = rules.create(new_id(), provider_id=provider_id, name=name, live=live, by=by, at=at)
    values = {field: getattr(made, field) for field in _PLAIN}
    await tx.execute(insert(calendar_links).values(values | {"token_hash": token_hash}))
    return made


async def revoke(tx: AsyncConnection, link_id: UUID, *, by: Viewer) -> CalendarLink:
    """Let a link lead nowhere from now on. Raises NotFound or CalendarLinkRevoked."""
    c = calendar_links.c
    row = (await tx.execute(_LINKS.where(c.id == link_id).with_for_update())).one_or_none()
    found = calendar_link(row) if row else None
    if found is None or not found.is_visible_to(by):
        raise NotFound("CalendarLink")
    revoked = rules.revoke(found, at=await clock.now(tx))
    change = update(calendar_links).where(c.id == link_id)
    await tx.execute(change.values(revoked_at=revoked.revoked_at))
    return revoked


async def live_of(connection: AsyncConnection, provider_id: UUID) -> list[CalendarLink]:
    """The good links to a provider's calendar, oldest first."""
    c = calendar_links.c
    mine = _LINKS.where(c.provider_id == provider_id, c.revoked_at.is_(None)).order_by(c.id)
    return [calendar_link(row) for row in await connection.execute(mine)]


async def by_id(connection: AsyncConnection, link_id: UUID) -> CalendarLink | None:
    """One link, if there is one."""
    found = await connection.execute(_LINKS.where(calendar_links.c.id == link_id))
    row = found.one_or_none()
    return calendar_link(row) if row else None


async def by_token(connection: AsyncConnection, token_hash: bytes) -> CalendarLink | None:
    """The good link that the token with this hash opens.

    An unknown token, a revoked link and one to the calendar of somebody whose account is closed
    are one answer of one statement.
    """
    c = calendar_links.c
    shown = (
        _LINKS.join_from(calendar_links, users, users.c.id == c.provider_id)
        .where(c.token_hash == token_hash, c.revoked_at.is_(None))
        .where(users.c.disabled_at.is_(None))
    )
    row = (await connection.execute(shown)).one_or_none()
    return calendar_link(row) if row else None


_PLAIN = ("id", "provider_id", "name", "created_at", "created_by", "revoked_at")
_LINKS = select(*(calendar_links.c[name] for name in _PLAIN))


def calendar_link(row: Row[Any]) -> CalendarLink:
    """The link in a row."""
    return CalendarLink(**{name: getattr(row, name) for name in _PLAIN})
