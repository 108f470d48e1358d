"""Providers, read and locked."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select, update

from db import pages
from db.tables import provider_services, providers, users, working_hours
from domain.approvals import ProviderApproval
from domain.hours import WeeklyHours, WeeklyInterval
from domain.money import Money
from domain.places import Point
from domain.providers import Provider, SpecialistTier
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
    if provider_ids:
        await tx.execute(_SHARED if share else _ALONE, {"ids": list(provider_ids)})


def _locking(*, share: bool) -> Select[Any]:
    these = providers.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    rows = select(providers.c.id).where(these).order_by(providers.c.id)
    return rows.with_for_update(read=share)


_SHARED: Final = _locking(share=True)
_ALONE: Final = _locking(share=False)


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
    connection: AsyncConnection,
    request: PageRequest,
    *,
    trade: Trade | None,
    approval: ProviderApproval | None,
) -> Page[Provider]:
    """A page of providers, oldest first; None stands for any trade, or any approval."""
    return await pages.fetch(connection, listed(trade, approval), _BY_AGE, request, provider)


async def count(
    connection: AsyncConnection, *, trade: Trade | None, approval: ProviderApproval | None
) -> int:
    """How many providers there are."""
    return await pages.count(connection, listed(trade, approval))


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


def listed(trade: Trade | None, approval: ProviderApproval | None) -> Select[Any]:
    """The rows of the providers of a trade who stand so with the house, for `provider` to read."""
    query = _all()
    if approval is not None:
        query = query.where(_STANDS[approval])
    return query.where(providers.c.trade == trade) if trade else query


_UNSUSPENDED = providers.c.suspended_at.is_(None)
#: What domain.approvals.standing says, for a database to search.
_STANDS: Final = {
    ProviderApproval.PENDING: providers.c.approved_at.is_(None) & _UNSUSPENDED,
    ProviderApproval.APPROVED: providers.c.approved_at.is_not(None) & _UNSUSPENDED,
    ProviderApproval.SUSPENDED: providers.c.suspended_at.is_not(None),
}

#: Facts that a provider and its row call by the same name.
_PLAIN = (
    *("id", "given_name", "family_name", "about", "time_zone", "country", "state_province"),
    *("city", "postal_code", "radius_miles", "years_experience", "rating", "review_count"),
    *("completed_jobs", "approved_at", "suspended_at", "suspended_because", "photo_url"),
    "profile_percent",
)


def provider(row: Row[Any]) -> Provider:
    """The provider in a row that carries the user's names too."""
    return Provider(
        **{name: getattr(row, name) for name in _PLAIN},
        trade=Trade(row.trade),
        tier=SpecialistTier(row.tier),
        hourly_rate=_rate(row),
        brands=tuple(row.brands),
        skills=tuple(row.skills),
        keywords=tuple(row.keywords),
        point=None
        if row.latitude is None
        else Point(latitude=row.latitude, longitude=row.longitude),
    )


def _rate(row: Row[Any]) -> Money | None:
    if row.hourly_rate_minor is None:
        return None
    return Money(amount_minor=row.hourly_rate_minor, currency=row.hourly_rate_currency)
