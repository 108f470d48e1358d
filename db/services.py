"""The service catalogue, read and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from db import booking_rules, pages
from db.ids import new_id
from db.tables import services
from domain import services as rules
from domain.money import Money
from domain.refusals import NotFound
from domain.services import ApprovalPolicy, CodeTaken, Service, ServiceMode, Trade

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.booking_rules import BookingRules
    from domain.pages import Page, PageRequest
    from domain.services import ServiceFacts

_BY_CODE = pages.Order(columns=(services.c.code,), parse=(str,))


async def create(
    tx: AsyncConnection,
    facts: ServiceFacts,
    changed_rules: Mapping[str, Any],
    *,
    defaults: BookingRules,
) -> Service:
    """Put a service into the catalogue. It keeps the defaults of today for the rules not given.

    Raises InvalidInput, or CodeTaken.
    """
    new = rules.create(facts, changed_rules, service_id=new_id(), defaults=defaults)
    added = await tx.execute(
        insert(services)
        .values(_columns(new))
        .on_conflict_do_nothing(constraint="uq_services_code")
        .returning(services.c.id)
    )
    if added.one_or_none() is None:
        raise CodeTaken(new.code)
    return new


async def edit(
    tx: AsyncConnection,
    service_id: UUID,
    changes: Mapping[str, Any],
    changed_rules: Mapping[str, Any],
    *,
    expected_version: int | None,
) -> Service:
    """Change a service from here on; bookings that were made keep what they were made under.

    Raises NotFound, VersionConflict or InvalidInput.
    """
    # Whoever books at the same time refers to the row's key alone and need not wait for this.
    mine = select(services).where(services.c.id == service_id).with_for_update(key_share=True)
    row = (await tx.execute(mine)).one_or_none()
    if row is None:
        raise NotFound("Service")
    before = service(row)
    after = rules.edit(before, changes, changed_rules, expected_version=expected_version)
    if after != before:
        same = services.c.id == service_id
        await tx.execute(update(services).where(same).values(_columns(after)))
    return after


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
    connection: AsyncConnection,
    request: PageRequest,
    *,
    trade: Trade | None,
    include_inactive: bool = False,
) -> Page[Service]:
    """A page of the catalogue by code."""
    query = _listed(trade, include_inactive)
    return await pages.fetch(connection, query, _BY_CODE, request, service)


async def count(
    connection: AsyncConnection, *, trade: Trade | None, include_inactive: bool = False
) -> int:
    """How many services the catalogue has."""
    return await pages.count(connection, _listed(trade, include_inactive))


def _listed(trade: Trade | None, include_inactive: bool) -> Select[Any]:
    query = select(services)
    if not include_inactive:
        query = query.where(services.c.active)
    return query.where(services.c.trade == trade) if trade else query


#: Facts that a service and its row call by the same name.
_PLAIN = (
    *("id", "code", "name", "description", "duration_minutes", "active"),
    *("terms", "requires_vehicle", "version"),
)


def _columns(value: Service) -> dict[str, Any]:
    return {
        **{name: getattr(value, name) for name in _PLAIN},
        "trade": value.trade,
        "mode": value.mode,
        "approval": value.approval,
        "price_minor": value.price.amount_minor,
        "currency": value.price.currency,
        "rules": booking_rules.columns(value.rules),
        "required_skills": list(value.required_skills),
        "required_certifications": list(value.required_certifications),
    }


def service(row: Row[Any]) -> Service:
    """The service in a row."""
    return Service(
        **{name: getattr(row, name) for name in _PLAIN},
        trade=Trade(row.trade),
        mode=ServiceMode(row.mode),
        price=Money(amount_minor=row.price_minor, currency=row.currency),
        approval=ApprovalPolicy(row.approval),
        rules=booking_rules.rules(row.rules),
        required_skills=tuple(row.required_skills),
        required_certifications=tuple(row.required_certifications),
    )
