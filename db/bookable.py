"""May this time be booked? Every rule is asked, whoever asks: customer, dispatcher or Callout.

The caller holds the locks (`queue_up`, then the provider's) and has read the clock after them, so
that what is found free stays free until the transaction ends.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from db import candidates, slot_facts, slots
from db.slot_facts import Asking
from db.tables import bookings, users
from domain.availability import obstacles
from domain.booking_rules import WAIVABLE, BookingRule, RulesBroken, broken_by_start, over_capacity
from domain.booking_steps import UNFINISHED
from domain.bookings import Booking, SlotTaken
from domain.hours import most_at_once
from domain.house import DEFAULT, HouseRules, over_customer_limit
from domain.matching import TIME_RULES, broken
from domain.people import Role
from domain.providers import ProviderNotEligible
from domain.refusals import NotFound
from domain.slots import NobodyFree, place_of

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.booking_rules import BrokenRule
    from domain.services import Service
    from domain.slots import Place

_DAY: Final = timedelta(days=1)


async def lock_customer(tx: AsyncConnection, customer_id: UUID) -> None:
    """Let one customer's requests come one after another, so that they can be counted.

    Comes before every other lock. Raises NotFound.
    """
    # Not FOR UPDATE: that would wait for everyone who writes a row that names the customer.
    u = users.c
    customer = select(u.id).where(u.id == customer_id, u.role == Role.CUSTOMER)
    if await tx.scalar(customer.with_for_update(key_share=True)) is None:
        raise NotFound("Customer")


async def queue_up(tx: AsyncConnection, booking: Booking) -> None:
    """Let those who count the same service's bookings at one time come one after another.

    Needed where a count decides: a capacity, or how many want the providers who are free. Comes
    after a booking's lock and before the providers'.
    """
    if booking.provider_id is not None and booking.rules.capacity is None:
        return
    day, last = booking.starts_at.date(), booking.ends_at.date()
    while day <= last:
        key = func.hashtextextended(f"{booking.service_id} {day}", 0)
        await tx.execute(select(func.pg_advisory_xact_lock(key)))
        day += _DAY


async def check(
    tx: AsyncConnection,
    booking: Booking,
    service: Service,
    *,
    at: datetime,
    house: HouseRules = DEFAULT,
    waived: bool = False,
    counted: bool = False,
    agreed: bool = False,
    also: tuple[BrokenRule, ...] = (),
) -> None:
    """Ask every rule about the time that a booking has, or would have.

    `waived` sets aside what staff may set aside; `counted` asks how many bookings the customer has;
    a time that is `agreed` already is only looked at as the provider's; `also` are rules that the
    caller has found broken. Raises RulesBroken with all of them, SlotTaken when nothing else is
    wrong, ProviderNotEligible, NobodyFree, or NotFound for the provider.
    """
    found = list(also)
    if not agreed:
        found += await _against_time(tx, booking, service, at=at, house=house)
    if counted:
        found += over_customer_limit(house, await _active(tx, booking.customer_id))
    if booking.provider_id is not None:
        found += await _against_provider(tx, booking, booking.provider_id, at=at)
    if waived:
        found = [one for one in found if one.rule not in WAIVABLE]
    if found:
        await _refuse(tx, booking, tuple(found), at=at)
    if booking.provider_id is None and not waived:
        await _check_someone(tx, booking, service, at=at, house=house)


async def _against_time(
    tx: AsyncConnection, booking: Booking, service: Service, *, at: datetime, house: HouseRules
) -> tuple[BrokenRule, ...]:
    place = place_of(booking.address, service.mode)
    zone = await slots.zone_of(tx, service, place, provider_id=booking.provider_id, house=house)
    by_start = broken_by_start(
        booking.rules,
        starts_at=booking.starts_at,
        immediate=booking.is_immediate,
        zone=zone,
        at=at,
    )
    return *by_start, *over_capacity(booking.rules, await _at_once(tx, booking, service, place))


async def _against_provider(
    tx: AsyncConnection, booking: Booking, provider_id: UUID, *, at: datetime
) -> tuple[BrokenRule, ...]:
    work = candidates.work_of(booking)
    candidate = next(iter(await candidates.of_providers(tx, work, [provider_id], at=at)), None)
    if candidate is None:
        raise NotFound("Provider")
    unmet = tuple(one for one in broken(work, candidate, at=at) if one.rule not in TIME_RULES)
    if unmet:
        raise ProviderNotEligible(unmet)
    return obstacles(
        candidate.availability, candidate.taken, booking.block, rules=booking.rules, at=at
    )


async def _refuse(
    tx: AsyncConnection, booking: Booking, found: tuple[BrokenRule, ...], *, at: datetime
) -> None:
    alternatives: tuple[datetime, ...] = ()
    if booking.provider_id is not None:
        alternatives = await slots.alternatives(
            tx, booking, booking.block, provider_id=booking.provider_id, at=at
        )
    if {one.rule for one in found} == {BookingRule.SLOT_TAKEN}:
        raise SlotTaken(alternatives)
    raise RulesBroken(found, alternatives)


async def _check_someone(
    tx: AsyncConnection, booking: Booking, service: Service, *, at: datetime, house: HouseRules
) -> None:
    free = await slots.someone_is_free(
        tx,
        service,
        place_of(booking.address, service.mode),
        starts_at=booking.starts_at,
        immediate=booking.is_immediate,
        at=at,
        leave_out=booking.id,
        asking=_asking(booking),
        house=house,
    )
    if not free:
        raise await nobody_free(tx, booking, service, at=at, house=house)


async def nobody_free(
    tx: AsyncConnection, booking: Booking, service: Service, *, at: datetime, house: HouseRules
) -> NobodyFree:
    """The refusal that tells the customer which ways on there are."""
    place = place_of(booking.address, service.mode)
    ways_on = await slots.ways_on(
        tx,
        service,
        place,
        starts_at=booking.starts_at,
        at=at,
        asking=_asking(booking),
        house=house,
    )
    return NobodyFree(ways_on)


def _asking(booking: Booking) -> Asking:
    return Asking(customer_id=booking.customer_id, brand=booking.requested_brand)


async def _at_once(
    tx: AsyncConnection, booking: Booking, service: Service, place: Place | None
) -> int:
    """How many other bookings and holds of the service come together in the place's district
    during the booking's window. Not counted where there is no capacity to reach."""
    if booking.rules.capacity is None:
        return 0
    window = booking.block.span
    others = await slot_facts.alike(tx, service.id, place, within=window, leave_out=booking.id)
    return most_at_once(others, window)


async def _active(tx: AsyncConnection, customer_id: UUID) -> int:
    """How many unfinished bookings a customer has; a series is one standing order, and counts as
    none of them."""
    b = bookings.c
    mine = (b.customer_id == customer_id) & b.status.in_(sorted(UNFINISHED))
    counting = select(func.count()).where(mine, b.series_id.is_(None))
    return int(await tx.scalar(counting) or 0)
