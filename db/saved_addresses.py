"""The addresses that customers keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from db import addresses, customers, pages
from db.ids import new_id
from db.tables import saved_addresses
from domain import saved_addresses as rules
from domain.refusals import NotFound
from domain.saved_addresses import SavedAddress

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest
    from domain.places import Address

_DEFAULT_FIRST = pages.Order(
    columns=(saved_addresses.c.is_default, saved_addresses.c.id),
    parse=("True".__eq__, UUID),
    descending=True,
)


async def save(
    tx: AsyncConnection,
    *,
    customer_id: UUID,
    address_id: UUID | None,
    label: str,
    address: Address,
    access_instructions: str,
    is_default: bool,
) -> SavedAddress:
    """Keep a new address, or with `address_id` write a kept one anew. A default ends the former.

    Raises NotFound, InvalidInput or TooManyAddresses.
    """
    # The lock comes before the look: of two new defaults the later one stays, and neither fails.
    await customers.lock(tx, customer_id)
    kept = set(await tx.scalars(_of(customer_id).with_only_columns(saved_addresses.c.id)))
    if address_id is not None and address_id not in kept:
        raise NotFound("SavedAddress")
    asked = SavedAddress(
        id=address_id or new_id(),
        customer_id=customer_id,
        label=label,
        address=address,
        access_instructions=access_instructions,
        is_default=is_default,
    )
    saved = rules.save(asked, others=len(kept - {asked.id}))
    if saved.is_default:
        await _end_default(tx, customer_id)
    row = _columns(saved)
    written = insert(saved_addresses).values(row)
    await tx.execute(written.on_conflict_do_update(set_=row, constraint=_KEY))
    return saved


async def remove(tx: AsyncConnection, *, customer_id: UUID, address_id: UUID) -> SavedAddress:
    """Forget an address; bookings that were made with it keep theirs. Raises NotFound."""
    await customers.lock(tx, customer_id)
    s = saved_addresses.c
    mine = (s.id == address_id) & (s.customer_id == customer_id)
    removed = await tx.execute(delete(saved_addresses).where(mine).returning(saved_addresses))
    row = removed.one_or_none()
    if row is None:
        raise NotFound("SavedAddress")
    return saved_address(row)


async def by_id(connection: AsyncConnection, address_id: UUID) -> SavedAddress | None:
    """One address, if there is one."""
    query = select(saved_addresses).where(saved_addresses.c.id == address_id)
    row = (await connection.execute(query)).one_or_none()
    return saved_address(row) if row else None


async def page(
    connection: AsyncConnection, request: PageRequest, *, customer_id: UUID
) -> Page[SavedAddress]:
    """A page of a customer's addresses: the default, then newest first."""
    return await pages.fetch(connection, _of(customer_id), _DEFAULT_FIRST, request, saved_address)


async def count(connection: AsyncConnection, *, customer_id: UUID) -> int:
    """How many addresses a customer keeps."""
    return await pages.count(connection, _of(customer_id))


def _of(customer_id: UUID) -> Select[Any]:
    return select(saved_addresses).where(saved_addresses.c.customer_id == customer_id)


async def _end_default(tx: AsyncConnection, customer_id: UUID) -> None:
    s = saved_addresses.c
    former = update(saved_addresses).where(s.customer_id == customer_id, s.is_default)
    await tx.execute(former.values(is_default=False))


_KEY = "pk_saved_addresses"
_OWN = ("id", "customer_id", "label", "access_instructions", "is_default")


def _columns(value: SavedAddress) -> dict[str, Any]:
    own = {name: getattr(value, name) for name in _OWN}
    return own | addresses.columns(value.address)


def saved_address(row: Row[Any]) -> SavedAddress:
    """The address in a row."""
    own = {name: getattr(row, name) for name in _OWN}
    return SavedAddress(**own, address=addresses.address(row))
