"""What happens to a booking from its request to its end: lock, ask the domain, write, tell."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from db import (
    bookings,
    candidates,
    clock,
    events,
    idempotency,
    offers,
    providers,
    reservations,
    services,
)
from db.ids import new_id
from domain import lifecycle as rules
from domain.bookings import Act, Booking, SlotTaken, happened
from domain.events import EventType
from domain.hours import free_starts
from domain.matching import DEFAULT_RULES, HardRule, broken
from domain.providers import ProviderNotEligible
from domain.refusals import NotFound
from domain.requests import BookingRequest, draft

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.idempotency import Key
    from domain.matching import Candidate
    from domain.offers import Outcome
    from domain.people import Viewer

_ALTERNATIVES: Final = 3
_LOOK_AHEAD: Final = timedelta(days=7)


async def request(tx: AsyncConnection, asked: BookingRequest, *, key: Key | None = None) -> Booking:
    """Make the booking a customer asks for; with a provider, take that provider's time for it.

    The same key and body answer with the booking that was made first. Raises NotFound for an
    unknown service or provider, RulesBroken, ServiceInactive, SlotTaken with alternatives,
    ProviderNotEligible, InvalidInput or IdempotencyKeyReused.
    """
    booking_id = new_id()
    if key is not None:
        first = await idempotency.claim(tx, key, user_id=asked.customer_id, result_id=booking_id)
        if first != booking_id:
            return await bookings.get(tx, first)
    service = await services.get(tx, asked.service_id)
    if asked.provider_id is not None:
        # The lock comes before the look and the insert: takers of one provider's time queue here.
        await providers.lock(tx, [asked.provider_id])
    at = await clock.now(tx)
    booking = draft(asked, service, booking_id=booking_id, at=at)
    if asked.provider_id is not None:
        await _check_provider(tx, booking, asked.provider_id, at=at)
    await bookings.add(tx, booking, actor=asked.customer_id)
    told = [happened(EventType.BOOKING_REQUESTED, booking)]
    if booking.provider_id is not None:
        told.append(happened(EventType.BOOKING_ASSIGNED, booking))
    await events.append(tx, told)
    await offers.rescind_competing(tx, booking, at=at)
    return booking


async def approve(tx: AsyncConnection, *, booking_id: UUID, by: Viewer) -> Booking:
    """Let a booking that awaits approval go on. Raises NotFound or WrongStatus."""
    return await _decide(tx, booking_id, by, Act.APPROVE, lambda b, at: rules.approve(b, at=at))


async def decline(tx: AsyncConnection, *, booking_id: UUID, by: Viewer, reason: str) -> Booking:
    """Turn down a booking that awaits approval. Raises NotFound or WrongStatus."""
    return await _decide(
        tx,
        booking_id,
        by,
        Act.DECLINE,
        lambda b, at: rules.decline(b, reason=reason, at=at),
        reason=reason,
    )


async def start(tx: AsyncConnection, *, booking_id: UUID, by: Viewer) -> Booking:
    """The provider begins the work. Raises NotFound or WrongStatus."""
    return await _decide(
        tx, booking_id, by, Act.START, lambda b, at: rules.start(b, by=by.user_id, at=at)
    )


async def complete(
    tx: AsyncConnection, *, booking_id: UUID, by: Viewer, notes: str, photo_urls: tuple[str, ...]
) -> Booking:
    """The provider has done the work. Raises NotFound or WrongStatus."""
    return await _decide(
        tx,
        booking_id,
        by,
        Act.COMPLETE,
        lambda b, at: rules.complete(b, by=by.user_id, notes=notes, photo_urls=photo_urls, at=at),
    )


async def pay(tx: AsyncConnection, *, booking_id: UUID, by: Viewer) -> Booking:
    """Note that a booking is paid. Raises NotFound or WrongStatus."""
    return await _decide(tx, booking_id, by, Act.PAY, lambda b, at: rules.pay(b, at=at))


async def cancel(tx: AsyncConnection, *, booking_id: UUID, by: Viewer, reason: str) -> Booking:
    """Call a booking off, free its provider and withdraw its offers.

    Raises NotFound or WrongStatus.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    if not booking.may_be_cancelled_by(by):
        raise NotFound("Booking")
    if booking.provider_id is not None:
        await providers.lock(tx, [booking.provider_id])
    open_offers = await offers.lock_of(tx, booking_id)
    at = await clock.now(tx)
    outcome = rules.cancel(booking, open_offers, reason=reason, at=at)
    await offers.keep(tx, booking, outcome, at=at, act=Act.CANCEL, actor=by.user_id, reason=reason)
    return outcome.booking


async def _decide(
    tx: AsyncConnection,
    booking_id: UUID,
    by: Viewer,
    act: Act,
    rule: Callable[[Booking, datetime], Outcome],
    *,
    reason: str | None = None,
) -> Booking:
    booking = await bookings.lock_for(tx, booking_id, by)
    at = await clock.now(tx)
    outcome = rule(booking, at)
    await offers.keep(tx, booking, outcome, at=at, act=act, actor=by.user_id, reason=reason)
    return outcome.booking


async def _check_provider(
    tx: AsyncConnection, booking: Booking, provider_id: UUID, *, at: datetime
) -> None:
    work = candidates.work_of(booking)
    found = await candidates.of_providers(tx, work, [provider_id])
    if not found:
        raise NotFound("Provider")
    against = broken(work, found[0], at=at)
    others = tuple(verdict for verdict in against if verdict.rule is not HardRule.FREE)
    if others:
        raise ProviderNotEligible(others)
    if against:
        raise SlotTaken(await _alternatives(tx, booking, found[0]))


async def _alternatives(
    tx: AsyncConnection, booking: Booking, provider: Candidate
) -> tuple[datetime, ...]:
    """The next free starts of the same provider."""
    until = booking.starts_at + _LOOK_AHEAD
    taken = await reservations.busy(
        tx, [provider.provider_id], starts_at=booking.starts_at - timedelta(days=1), ends_at=until
    )
    return tuple(
        free_starts(
            provider.hours,
            provider.zone,
            duration=booking.ends_at - booking.starts_at,
            busy=taken.get(provider.provider_id, []),
            buffer=DEFAULT_RULES.buffer,
            earliest=booking.starts_at,
            latest=until,
            limit=_ALTERNATIVES,
        )
    )
