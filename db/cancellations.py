"""Calling a booking off, for the fee that was quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db import bookings, clock, ledger, offers, providers
from db.lifecycle import check_version
from domain import cancellations as rules
from domain.booking_steps import Act
from domain.refusals import NotFound

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.cancellations import CancellationQuote
    from domain.people import Viewer


async def quote(connection: AsyncConnection, *, booking_id: UUID, by: Viewer) -> CancellationQuote:
    """What calling the booking off would cost now. Raises NotFound, WrongStatus, RulesBroken."""
    booking = await bookings.get(connection, booking_id)
    if not booking.is_party(by):
        raise NotFound("Booking")
    paid = (await ledger.settled(connection, booking_id)).held
    return rules.quote(booking, by=by, at=await clock.now(connection), paid_minor=paid)


async def cancel(
    tx: AsyncConnection,
    *,
    booking_id: UUID,
    by: Viewer,
    reason: str,
    expected_fee_minor: int = 0,
    expected_version: int | None = None,
) -> Booking:
    """Call a booking off, free its provider and withdraw its offers.

    Raises NotFound, WrongStatus, RulesBroken, FeeChanged, VersionConflict or InvalidInput.
    """
    booking = await bookings.lock_for(tx, booking_id, by)
    if not booking.may_be_cancelled_by(by):
        raise NotFound("Booking")
    check_version(booking, expected_version)
    if booking.provider_id is not None:
        await providers.lock(tx, [booking.provider_id])
    open_offers = await offers.lock_of(tx, booking_id)
    at = await clock.now(tx)
    outcome = rules.cancel(
        booking,
        open_offers,
        by=by,
        reason=reason,
        expected_fee_minor=expected_fee_minor,
        at=at,
        paid_minor=(await ledger.settled(tx, booking_id)).held,
    )
    await offers.keep(tx, booking, outcome, at=at, act=Act.CANCEL, actor=by.user_id, reason=reason)
    return outcome.booking
