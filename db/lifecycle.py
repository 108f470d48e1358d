"""What happens to a booking on its way to its end: lock, ask the domain, write, tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import bookings, clock, offers, providers
from domain import lifecycle as rules
from domain.booking_steps import Act
from domain.refusals import NotFound, VersionConflict

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.lifecycle import Details
    from domain.offers import Outcome
    from domain.people import Viewer
    from domain.work import Handover


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


async def accept_terms(tx: AsyncConnection, *, booking_id: UUID, by: Viewer) -> Booking:
    """The customer accepts the service's terms, and the search for a provider begins.

    Raises NotFound, also for anybody else, or WrongStatus.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    if booking.customer_id != by.user_id:
        raise NotFound("Booking")
    outcome = rules.accept_terms(booking, at=(at := await clock.now(tx)))
    await offers.keep(tx, booking, outcome, at=at, act=Act.ACCEPT_TERMS, actor=by.user_id)
    return outcome.booking


async def edit(
    tx: AsyncConnection,
    *,
    booking_id: UUID,
    by: Viewer,
    details: Details,
    expected_version: int | None,
) -> Booking:
    """Change what is said about the work, if nobody has changed the booking since it was read.

    Raises NotFound, WrongStatus, InvalidInput or VersionConflict.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    if not booking.may_be_cancelled_by(by):
        raise NotFound("Booking")
    check_version(booking, expected_version)
    outcome = rules.edit(booking, details)
    at = await clock.now(tx)
    await offers.keep(tx, booking, outcome, at=at, act=Act.EDIT, actor=by.user_id)
    return outcome.booking


async def start(tx: AsyncConnection, *, booking_id: UUID, by: Viewer) -> Booking:
    """The provider begins the work, and is asked for nothing else that is wanted now.

    Raises NotFound, WrongStatus or TermsNotAccepted.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    return await _begin(
        tx, booking, lambda at: rules.start(booking, by=by.user_id, at=at), actor=by.user_id
    )


async def complete(
    tx: AsyncConnection, *, booking_id: UUID, by: Viewer, handover: Handover
) -> Booking:
    """The provider has done the work, which counts among their jobs.

    Raises NotFound, WrongStatus or InvalidInput.
    """
    done = await _decide(
        tx,
        booking_id,
        by,
        Act.COMPLETE,
        lambda b, at: rules.complete(b, by=by.user_id, handover=handover, at=at),
    )
    await providers.count_job(tx, by.user_id)
    return done


async def close(tx: AsyncConnection, booking_id: UUID) -> Booking:
    """Complete work that was begun and forgotten. Raises NotFound or WrongStatus."""
    booking = await bookings.lock(tx, booking_id)
    at = await clock.now(tx)
    outcome = rules.close(booking, at=at)
    await offers.keep(tx, booking, outcome, at=at, act=Act.COMPLETE)
    done = outcome.booking
    if done.provider_id is not None:
        await providers.count_job(tx, done.provider_id)
    return done


async def open_(tx: AsyncConnection, booking_id: UUID) -> Booking:
    """Begin confirmed work whose window has come; its provider is asked for nothing else that is
    wanted now.

    Raises NotFound, WrongStatus or TermsNotAccepted.
    """
    booking = await bookings.lock(tx, booking_id)
    return await _begin(tx, booking, lambda at: rules.open_(booking, at=at), actor=None)


async def pass_by(tx: AsyncConnection, booking_id: UUID) -> Booking:
    """End a booking that nobody was ever to come for. Raises NotFound or WrongStatus."""
    booking = await bookings.lock(tx, booking_id)
    if booking.provider_id is not None:
        await providers.lock(tx, [booking.provider_id])
    at = await clock.now(tx)
    outcome = rules.pass_by(booking, at=at)
    act = Act.DECLINE if outcome.booking.declined_at else Act.CANCEL
    reason = outcome.booking.cancel_reason
    await offers.keep(tx, booking, outcome, at=at, act=act, reason=reason)
    return outcome.booking


def check_version(booking: Booking, expected: int | None) -> None:
    """Is the booking still the one that the client has seen? Raises VersionConflict."""
    if expected is not None and booking.version != expected:
        raise VersionConflict(booking.version)


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


async def _begin(
    tx: AsyncConnection,
    booking: Booking,
    rule: Callable[[datetime], Outcome],
    *,
    actor: UUID | None,
) -> Booking:
    if booking.provider_id is not None:
        # Whoever opens a wave holds those whom it asks: of a start and a wave for work that is
        # wanted now, the later sees the earlier.
        await providers.lock(tx, [booking.provider_id])
    at = await clock.now(tx)
    outcome = rule(at)
    await offers.keep(tx, booking, outcome, at=at, act=Act.START, actor=actor)
    if outcome.booking.provider_id is not None:
        await offers.rescind_immediate(tx, outcome.booking.provider_id, at=at)
    return outcome.booking
