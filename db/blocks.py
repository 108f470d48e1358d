"""Customers and providers who are not to meet: blocked, unblocked and listed.

Lock order: the customer, the provider, then the offers. Whoever offers a booking to a provider
holds the same provider's lock: of a block and an offer at once, the later sees the earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from db import accounts, clock, customers, offers, pages, providers
from db.ids import new_id
from db.tables import provider_blocks
from domain import blocks as rules
from domain.blocks import ProviderBlock
from domain.people import Role
from domain.refusals import NotFound

if TYPE_CHECKING:
    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.pages import Page, PageRequest
    from domain.people import Viewer

_B = provider_blocks.c
_NEWEST_FIRST = pages.Order(columns=(_B.id,), parse=(UUID,), descending=True)


async def block(
    tx: AsyncConnection, *, provider_id: UUID, customer_id: UUID | None, reason: str, by: Viewer
) -> ProviderBlock:
    """Let a customer and a provider not meet. Once or twice is the same. What the provider was
    offered of the customer's is withdrawn; bookings that were made stay.

    Raises NotFound or InvalidInput.
    """
    customer = rules.whose(by, customer_id)
    await customers.lock(tx, customer)
    if by.is_staff:
        await _check_customer(tx, customer)
    await providers.lock(tx, [provider_id])
    provider = await providers.get(tx, provider_id)
    if not provider.is_visible_to(by):
        raise NotFound("Provider")
    at = await clock.now(tx)
    asked = ProviderBlock(
        id=new_id(),
        customer_id=customer,
        provider_id=provider_id,
        blocked_by=by.user_id,
        blocked_at=at,
        reason=reason,
    )
    before = await _between(tx, customer, provider_id)
    after = rules.block(asked, before)
    if after != before:
        row = _columns(after)
        await tx.execute(
            insert(provider_blocks).values(row).on_conflict_do_update(set_=row, constraint=_KEY)
        )
    offered = await offers.put_to(tx, provider_id)
    theirs = [booking.id for booking in offered if booking.customer_id == customer]
    await offers.rescind_to(tx, provider_id, theirs, at=at)
    return after


async def unblock(
    tx: AsyncConnection, *, provider_id: UUID, customer_id: UUID | None, by: Viewer
) -> ProviderBlock:
    """Let the two meet again. Raises NotFound where nothing is blocked, or BlockedByHouse."""
    customer = rules.whose(by, customer_id)
    await customers.lock(tx, customer)
    before = await _between(tx, customer, provider_id)
    if before is None:
        raise NotFound("ProviderBlock")
    rules.check_unblock(before, by=by)
    await tx.execute(delete(provider_blocks).where(_B.id == before.id))
    return before


async def page(
    connection: AsyncConnection, request: PageRequest, *, customer_id: UUID
) -> Page[ProviderBlock]:
    """A page of the providers blocked for a customer, the newest block first."""
    return await pages.fetch(connection, _of(customer_id), _NEWEST_FIRST, request, provider_block)


async def count(connection: AsyncConnection, *, customer_id: UUID) -> int:
    """How many providers are blocked for a customer."""
    return await pages.count(connection, _of(customer_id))


def _of(customer_id: UUID) -> Select[Any]:
    return select(provider_blocks).where(_B.customer_id == customer_id)


async def _check_customer(tx: AsyncConnection, customer_id: UUID) -> None:
    found = (await accounts.by_ids(tx, [customer_id])).get(customer_id)
    if found is None or found.role is not Role.CUSTOMER:
        raise NotFound("User")


async def _between(
    tx: AsyncConnection, customer_id: UUID, provider_id: UUID
) -> ProviderBlock | None:
    mine = _of(customer_id).where(_B.provider_id == provider_id)
    row = (await tx.execute(mine)).one_or_none()
    return provider_block(row) if row else None


_KEY = "uq_provider_blocks_customer_id_provider_id"
_PLAIN = ("id", "customer_id", "provider_id", "blocked_by", "blocked_at", "reason")


def _columns(value: ProviderBlock) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _PLAIN}


def provider_block(row: Row[Any]) -> ProviderBlock:
    """The block in a row."""
    return ProviderBlock(**{name: getattr(row, name) for name in _PLAIN})
