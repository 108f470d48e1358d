"""Providers, read and locked."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update

from db import pages
from db.tables import provider_services, providers, users, working_hours
from domain.hours import WeeklyHours, WeeklyInterval
from domain.places import Point
from domain.providers import Provider
from domain.refusals import NotFound
from domain.services import Trade

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import time

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_BY_AGE = pages.Order(columns=(providers.c.id,), parse=(UUID,))


async def lock(tx: AsyncConnection, provider_ids: Sequence[UUID], *, share: bool = False) -> None:
    """Hold these providers' rows until the transaction ends, in the order of their ids.

    Whoever takes or gives back provider time holds the row alone. `share` is for those who only
    need the facts to stand still, and may be many.
    """
    if not provider_ids:
        return
    rows = select(providers.c.id).where(providers.c.id.in_(provider_ids)).order_by(providers.c.id)
    await tx.execute(rows.with_for_update(read=share))


async def count_job(tx: AsyncConnection, provider_id: UUID) -> None:
    """Note that a provider has completed one more job. The caller holds the booking's lock."""
    p = providers.c
    mine = update(providers).where(p.id == provider_id)
    await tx.execute(mine.values(completed_jobs=p.completed_jobs + 1))


async def get(connection: AsyncConnection, provider_id: UUID) -> Provider:
    """One provider. Raises NotFound."""
    found = await by_ids(connection, [provider_id])
    if not found:
        raise NotFound("Provider")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Provider]:
    """The providers with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(_all().where(providers.c.id.in_(ids)))
    return [provider(row) for row in rows]


async def page(
    connection: AsyncConnection, request: PageRequest, *, trade: Trade | None, everyone: bool
) -> Page[Provider]:
    """A page of providers, oldest first: the active ones, or `everyone`."""
    return await pages.fetch(connection, listed(trade, everyone), _BY_AGE, request, provider)


async def count(connection: AsyncConnection, *, trade: Trade | None, everyone: bool) -> int:
    """How many providers there are: active ones, or `everyone`."""
    return await pages.count(connection, listed(trade, everyone))


async def services_of(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, list[UUID]]:
    """The ids of the services each provider offers."""
    p = provider_services.c
    rows = await connection.execute(
        select(p.provider_id, p.service_id).where(p.provider_id.in_(provider_ids))
    )
    offered: dict[UUID, list[UUID]] = {uid: [] for uid in provider_ids}
    for row in rows:
        offered[row.provider_id].append(row.service_id)
    return offered


async def hours_of(
    connection: AsyncConnection, provider_ids: Sequence[UUID]
) -> dict[UUID, WeeklyHours]:
    """The weekly hours of each provider, as local wall times, in order."""
    h = working_hours.c
    rows = await connection.execute(
        select(h.provider_id, h.weekday, h.opens, h.closes)
        .where(h.provider_id.in_(provider_ids))
        .order_by(h.weekday, h.opens)
    )
    weekly: dict[UUID, list[WeeklyInterval]] = {uid: [] for uid in provider_ids}
    for provider_id, weekday, opens, closes in rows:
        weekly[provider_id].append(_interval(weekday, opens, closes))
    return {uid: WeeklyHours(intervals=tuple(day)) for uid, day in weekly.items()}


@lru_cache(maxsize=4096)
def _interval(weekday: int, opens: time, closes: time) -> WeeklyInterval:
    # Shared by all who keep the same hours: matching reads those of hundreds at a time.
    return WeeklyInterval(weekday=weekday, opens=opens, closes=closes)


def _all() -> Select[Any]:
    named = select(providers, users.c.given_name, users.c.family_name)
    return named.join(users, users.c.id == providers.c.id)


def listed(trade: Trade | None, everyone: bool) -> Select[Any]:
    """The rows of the active providers, or of `everyone`, for `provider` to read."""
    query = _all()
    if not everyone:
        active = providers.c.approved_at.is_not(None) & providers.c.suspended_at.is_(None)
        query = query.where(active)
    return query.where(providers.c.trade == trade) if trade else query


#: Facts that a provider and its row call by the same name.
_PLAIN = (
    *("id", "given_name", "family_name", "about", "time_zone", "country", "state_province"),
    *("city", "postal_code", "radius_miles", "years_experience", "rating", "review_count"),
    *("completed_jobs", "approved_at", "suspended_at"),
)


def provider(row: Row[Any]) -> Provider:
    """The provider in a row that carries the user's names too."""
    return Provider(
        **{name: getattr(row, name) for name in _PLAIN},
        trade=Trade(row.trade),
        point=None
        if row.latitude is None
        else Point(latitude=row.latitude, longitude=row.longitude),
    )
