"""The service catalogue, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from db import pages
from db.tables import services
from domain.money import Money
from domain.refusals import NotFound
from domain.services import ApprovalPolicy, Service, ServiceMode, Trade

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_BY_CODE = pages.Order(columns=(services.c.code,), parse=(str,))


async def get(connection: AsyncConnection, service_id: UUID) -> Service:
    """One service. Raises NotFound."""
    found = await by_ids(connection, [service_id])
    if not found:
        raise NotFound("Service")
    return found[0]


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Service]:
    """The services with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(services).where(services.c.id.in_(ids)))
    return [service(row) for row in rows]


async def page(
    connection: AsyncConnection, request: PageRequest, *, trade: Trade | None
) -> Page[Service]:
    """A page of the active services by code."""
    return await pages.fetch(connection, _active(trade), _BY_CODE, request, service)


async def count(connection: AsyncConnection, *, trade: Trade | None) -> int:
    """How many active services there are."""
    return await pages.count(connection, _active(trade))


def _active(trade: Trade | None) -> Select[Any]:
    query = select(services).where(services.c.active)
    return query.where(services.c.trade == trade) if trade else query


def service(row: Row[Any]) -> Service:
    """The service in a row."""
    return Service(
        id=row.id,
        code=row.code,
        name=row.name,
        description=row.description,
        trade=Trade(row.trade),
        mode=ServiceMode(row.mode),
        duration_minutes=row.duration_minutes,
        price=Money(amount_minor=row.price_minor, currency=row.currency),
        approval=ApprovalPolicy(row.approval),
        active=row.active,
    )
