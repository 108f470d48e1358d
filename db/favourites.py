"""The providers that customers like best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from db import pages, providers
from db.ids import new_id
from db.tables import favourite_providers
from db.tables import providers as providers_table
from domain.approvals import ProviderApproval
from domain.refusals import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest
    from domain.people import Viewer
    from domain.providers import Provider

_F = favourite_providers.c
_NEWEST_FIRST = pages.Order(columns=(_F.id,), parse=(UUID,), descending=True)


async def add(tx: AsyncConnection, *, provider_id: UUID, by: Viewer) -> Provider:
    """Make a provider a favourite of the viewer. Once or twice is the same. Raises NotFound."""
    provider = await _visible(tx, provider_id, by)
    row = {"id": new_id(), "customer_id": by.user_id, "provider_id": provider_id}
    await tx.execute(insert(favourite_providers).values(row).on_conflict_do_nothing())
    return provider


async def remove(tx: AsyncConnection, *, provider_id: UUID, by: Viewer) -> Provider:
    """Let a provider be no favourite of the viewer. Once or twice is the same. Raises NotFound."""
    provider = await _visible(tx, provider_id, by)
    which = (_F.customer_id == by.user_id) & (_F.provider_id == provider_id)
    await tx.execute(delete(favourite_providers).where(which))
    return provider


async def which(
    connection: AsyncConnection, pairs: Sequence[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], bool]:
    """Those of these pairs of customer and provider that are favourites."""
    pair = tuple_(_F.customer_id, _F.provider_id)
    rows = await connection.execute(select(_F.customer_id, _F.provider_id).where(pair.in_(pairs)))
    return {(row.customer_id, row.provider_id): True for row in rows}


async def page(
    connection: AsyncConnection, request: PageRequest, *, customer_id: UUID
) -> Page[Provider]:
    """A page of a customer's favourites who are active, the newest favourite first."""
    query = _of(customer_id)
    return await pages.fetch(connection, query, _NEWEST_FIRST, request, providers.provider)


async def count(connection: AsyncConnection, *, customer_id: UUID) -> int:
    """How many favourites a customer has who are active."""
    return await pages.count(connection, _of(customer_id))


def _of(customer_id: UUID) -> Select[Any]:
    active = providers.listed(trade=None, approval=ProviderApproval.APPROVED)
    liked = active.join(favourite_providers, _F.provider_id == providers_table.c.id)
    return liked.where(_F.customer_id == customer_id)


async def _visible(tx: AsyncConnection, provider_id: UUID, viewer: Viewer) -> Provider:
    provider = await providers.get(tx, provider_id)
    if not provider.is_visible_to(viewer):
        raise NotFound("Provider")
    return provider
