"""Providers approved, suspended and reinstated by the house.

Lock order: the provider, then their offers. Whoever offers work to a provider holds the same lock:
of a suspension and an offer at once, the later sees the earlier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from db import bookings, clock, events, offers, providers
from db.tables import bookings as bookings_table
from db.tables import providers as providers_table
from domain import approvals as rules
from domain.booking_steps import UNFINISHED
from domain.events import Event, EventType

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.providers import Provider


async def approve(tx: AsyncConnection, *, provider_id: UUID) -> Provider:
    """Let a provider get work, as soon as their profile allows.

    Raises NotFound, or WrongApproval.
    """
    before = await _locked(tx, provider_id)
    after = rules.approve(before, at=await clock.now(tx))
    await _save(tx, after, EventType.PROVIDER_APPROVED)
    return after


async def suspend(
    tx: AsyncConnection, *, provider_id: UUID, reason: str
) -> tuple[Provider, tuple[Booking, ...]]:
    """Let a provider get no work for now; with them, the bookings that they still have. Their open
    offers are withdrawn.

    Raises NotFound, InvalidInput, or WrongApproval.
    """
    before = await _locked(tx, provider_id)
    at = await clock.now(tx)
    after = rules.suspend(before, reason, at=at)
    await _save(tx, after, EventType.PROVIDER_SUSPENDED)
    await offers.rescind_of_provider(tx, provider_id, at=at)
    return after, await _left_with(tx, provider_id)


async def reinstate(tx: AsyncConnection, *, provider_id: UUID) -> Provider:
    """Let a suspended provider stand where they stood. Raises NotFound, or WrongApproval."""
    after = rules.reinstate(await _locked(tx, provider_id))
    await _save(tx, after, EventType.PROVIDER_REINSTATED)
    return after


async def _locked(tx: AsyncConnection, provider_id: UUID) -> Provider:
    await providers.lock(tx, [provider_id])
    return await providers.get(tx, provider_id)


async def _save(tx: AsyncConnection, after: Provider, type_: EventType) -> None:
    kept = ("approved_at", "suspended_at", "suspended_because")
    mine = update(providers_table).where(providers_table.c.id == after.id)
    await tx.execute(mine.values({name: getattr(after, name) for name in kept}))
    await events.append(tx, [Event(type=type_, subject={"provider": after.id})])


async def _left_with(tx: AsyncConnection, provider_id: UUID) -> tuple[Booking, ...]:
    b = bookings_table.c
    query = (
        select(bookings_table)
        .where(b.provider_id == provider_id, b.status.in_(sorted(UNFINISHED)))
        .order_by(b.starts_at, b.id)
    )
    return tuple(bookings.booking(row) for row in await tx.execute(query))
