"""The vehicles that customers keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from db import clock, customers, pages
from db.ids import new_id
from db.tables import vehicles
from domain import vehicles as rules
from domain.refusals import NotFound
from domain.vehicles import SavedVehicle, Vehicle

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest

_NEWEST_FIRST = pages.Order(columns=(vehicles.c.id,), parse=(UUID,), descending=True)


async def save(
    tx: AsyncConnection,
    *,
    customer_id: UUID,
    vehicle_id: UUID | None,
    name: str,
    vehicle: Vehicle,
) -> SavedVehicle:
    """Keep a new vehicle, or with `vehicle_id` describe a kept one anew.

    Raises NotFound, InvalidInput or TooManyVehicles.
    """
    # The lock comes before the count: two at once may not both be the last that has room.
    await customers.lock(tx, customer_id)
    kept = set(await tx.scalars(_of(customer_id).with_only_columns(vehicles.c.id)))
    if vehicle_id is not None and vehicle_id not in kept:
        raise NotFound("SavedVehicle")
    asked = SavedVehicle(
        id=vehicle_id or new_id(), customer_id=customer_id, name=name, vehicle=vehicle
    )
    saved = rules.save(asked, others=len(kept - {asked.id}), at=await clock.now(tx))
    row = _columns(saved)
    await tx.execute(insert(vehicles).values(row).on_conflict_do_update(set_=row, constraint=_KEY))
    return saved


async def remove(tx: AsyncConnection, *, customer_id: UUID, vehicle_id: UUID) -> SavedVehicle:
    """Forget a vehicle; bookings that were made with it keep its description. Raises NotFound."""
    await customers.lock(tx, customer_id)
    mine = (vehicles.c.id == vehicle_id) & (vehicles.c.customer_id == customer_id)
    row = (await tx.execute(delete(vehicles).where(mine).returning(vehicles))).one_or_none()
    if row is None:
        raise NotFound("SavedVehicle")
    return saved_vehicle(row)


async def by_id(connection: AsyncConnection, vehicle_id: UUID) -> SavedVehicle | None:
    """One vehicle, if there is one."""
    query = select(vehicles).where(vehicles.c.id == vehicle_id)
    row = (await connection.execute(query)).one_or_none()
    return saved_vehicle(row) if row else None


async def page(
    connection: AsyncConnection, request: PageRequest, *, customer_id: UUID
) -> Page[SavedVehicle]:
    """A page of a customer's vehicles, newest first."""
    return await pages.fetch(connection, _of(customer_id), _NEWEST_FIRST, request, saved_vehicle)


async def count(connection: AsyncConnection, *, customer_id: UUID) -> int:
    """How many vehicles a customer keeps."""
    return await pages.count(connection, _of(customer_id))


def _of(customer_id: UUID) -> Select[Any]:
    return select(vehicles).where(vehicles.c.customer_id == customer_id)


_KEY = "pk_vehicles"
_OWN = ("id", "customer_id", "name")
_DESCRIPTION = ("year", "make", "model", "vin", "plate")


def _columns(value: SavedVehicle) -> dict[str, Any]:
    own = {name: getattr(value, name) for name in _OWN}
    return own | {name: getattr(value.vehicle, name) for name in _DESCRIPTION}


def saved_vehicle(row: Row[Any]) -> SavedVehicle:
    """The vehicle in a row."""
    return SavedVehicle(
        **{name: getattr(row, name) for name in _OWN},
        vehicle=Vehicle(**{name: getattr(row, name) for name in _DESCRIPTION}),
    )
