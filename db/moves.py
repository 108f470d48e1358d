"""Moving a booking to another time: with its provider if they are free then, or to somebody new.

Lock order: booking, those who count the same time, provider, offers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from db import bookable, bookings, clock, offers, providers, services
from db.lifecycle import check_version
from domain import moves as rules
from domain.booking_rules import RulesBroken, override
from domain.booking_steps import STEPS, Act, WrongStatus
from domain.bookings import Booking, SlotTaken
from domain.house import DEFAULT, HouseRules
from domain.providers import ProviderNotEligible
from domain.refusals import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.booking_rules import BrokenRule
    from domain.people import Viewer
    from domain.services import Service


async def reschedule(
    tx: AsyncConnection,
    *,
    booking_id: UUID,
    by: Viewer,
    starts_at: datetime,
    keep_provider: bool = False,
    override_reason: str | None = None,
    expected_version: int | None = None,
    house: HouseRules = DEFAULT,
) -> Booking:
    """Move a booking. Its provider keeps it if they are free then; otherwise, unless
    `keep_provider` insists on them, the work is offered anew.

    Moving it to where it is changes nothing. Raises NotFound, WrongStatus, VersionConflict,
    RulesBroken, SlotTaken, ProviderNotEligible, NobodyFree or InvalidInput.
    """
    override_reason = override(override_reason, by=by)
    booking = await bookings.lock_for(tx, booking_id, by)
    if not booking.may_be_cancelled_by(by):
        raise NotFound("Booking")
    if booking.starts_at == starts_at:
        return booking
    check_version(booking, expected_version)
    if Act.RESCHEDULE not in STEPS[booking.status]:
        raise WrongStatus(Act.RESCHEDULE, booking.status)
    there = rules.moved(booking, starts_at=starts_at)
    await bookable.queue_up(tx, replace(there, provider_id=None))
    if booking.provider_id is not None:
        await providers.lock(tx, [booking.provider_id])
    open_offers = await offers.lock_of(tx, booking_id)
    at = await clock.now(tx)
    service = await services.get(tx, booking.service_id)
    keeps = await _check(
        tx,
        there,
        service,
        keep_provider=keep_provider,
        waived=override_reason is not None,
        against=() if by.is_staff else rules.against_moving(booking, at=at),
        at=at,
        house=house,
    )
    outcome = rules.move(
        booking, open_offers, starts_at=starts_at, keeps_provider=keeps, by=by, at=at
    )
    await offers.keep(
        tx, booking, outcome, at=at, act=Act.RESCHEDULE, actor=by.user_id, reason=override_reason
    )
    await offers.rescind_competing(tx, outcome.booking, at=at)
    return outcome.booking


async def _check(
    tx: AsyncConnection,
    there: Booking,
    service: Service,
    *,
    keep_provider: bool,
    waived: bool,
    against: tuple[BrokenRule, ...],
    at: datetime,
    house: HouseRules,
) -> bool:
    """May the booking be there, and does its provider keep it? Raises what forbids it."""
    refused: RulesBroken | SlotTaken | ProviderNotEligible
    try:
        await bookable.check(tx, there, service, at=at, house=house, waived=waived, also=against)
    except (RulesBroken, SlotTaken, ProviderNotEligible) as refusal:
        refused = refusal
    else:
        return there.provider_id is not None
    if there.provider_id is None or keep_provider:
        raise refused
    # What is wrong may be the provider's hours or work; somebody else may be free.
    anyone = replace(there, provider_id=None, assigned_at=None)
    await bookable.check(tx, anyone, service, at=at, house=house, waived=waived, also=against)
    return False
