"""What is wanted of a random crowd, and what have its people had to do with each other before?"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert

from db.ids import new_id
from db.tables import holds, job_offers, provider_blocks, reservations, withdrawals
from domain.booking_rules import Advance, BookingRules
from domain.bookings import BookingKind
from domain.holds import HoldEnding
from domain.offers import OfferState, Wave
from domain.services import Requirements
from tests.db.crowds import CODES, PEOPLE, WORDS, Crowd, settle
from tests.factories import add_booking, add_customers, add_dispatcher, add_service, an_address

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOOKINGS: Final = 25


async def a_crowd(database: Database, *, zone: str, noon: datetime, seed: int) -> Crowd:
    """People and bookings around a noon; the same for the same seed."""
    crowd = Crowd(
        database=database,
        chance=random.Random(seed),
        zone=zone,
        noon=noon,
        service=await add_service(database),
        customers=await add_customers(database, count=3),
        staff=await add_dispatcher(database),
        people=[new_id() for _ in range(PEOPLE)],
    )
    await settle(crowd)
    for _ in range(BOOKINGS):
        crowd.bookings.append(await _want(crowd))
    await _meet(crowd)
    return crowd


async def _want(crowd: Crowd) -> Booking:
    """A booking that asks for much or little."""
    chance, (starts_at, ends_at) = crowd.chance, crowd.a_span(longest=8)
    if crowd.seldom():
        ends_at = starts_at + DAY
    counted: dict[str, Any] = (
        {"advance": Advance.BOOKABLE_DAYS, "advance_days": 2} if crowd.seldom() else {}
    )
    return await add_booking(
        crowd.database,
        chance.choice(crowd.customers),
        crowd.service,
        kind=BookingKind.IMMEDIATE if crowd.often() else BookingKind.SCHEDULED,
        starts_at=starts_at,
        ends_at=ends_at,
        requested_at=crowd.noon,
        match_due_at=crowd.noon,
        address=an_address(point=crowd.a_place()),
        keywords=("brakes", "abs"),
        requested_brand=chance.choice((*WORDS, " ")) if crowd.often() else "",
        rules=BookingRules(**counted),
        requirements=Requirements(
            skills=tuple(crowd.some(WORDS, 2)) if crowd.often() else (),
            certifications=tuple(crowd.some(CODES, 2)) if crowd.often() else (),
            on_site=not crowd.seldom(),
        ),
    )


async def _meet(crowd: Crowd) -> None:
    """What providers and bookings already have to do with each other."""
    for uid in crowd.people:
        await _take_time(crowd, uid)
    pairs = [(uid, one) for uid in crowd.people for one in crowd.bookings if crowd.seldom()]
    rejected = [_offer(crowd, uid, one) for uid, one in pairs if crowd.often()]
    withdrew = [
        {"booking_id": one.id, "provider_id": uid, "at": crowd.noon}
        for uid, one in pairs
        if crowd.often()
    ]
    blocked = [
        {
            "id": new_id(),
            "customer_id": customer.user_id,
            "provider_id": uid,
            "blocked_by": uid,
            "blocked_at": crowd.noon,
        }
        for uid in crowd.people
        for customer in crowd.customers
        if crowd.seldom()
    ]
    async with crowd.database.begin() as tx:
        await tx.execute(insert(job_offers), rejected)
        await tx.execute(insert(withdrawals), withdrew)
        await tx.execute(insert(provider_blocks), blocked)


def _offer(crowd: Crowd, uid: UUID, booking: Booking) -> dict[str, Any]:
    states = (OfferState.REJECTED, OfferState.EXPIRED, OfferState.RESCINDED)
    return {
        "id": new_id(),
        "booking_id": booking.id,
        "provider_id": uid,
        "wave": Wave.TARGETED,
        "round": 1,
        "state": crowd.chance.choice(states),
        "offered_at": crowd.noon - HOUR,
        "expires_at": crowd.noon,
        "resolved_at": crowd.noon,
        "score": 100,
        "breakdown": [],
        "reasons": [],
        "policy": "v1",
        "candidates": 3,
    }


async def _take_time(crowd: Crowd, uid: UUID) -> None:
    """Work, work that is done, or a slot that is held or was."""
    if not crowd.often():
        return
    starts_at, ends_at = crowd.a_span(longest=6)
    span = {"provider_id": uid, "starts_at": starts_at, "ends_at": ends_at}
    taken = {"id": new_id(), "before_minutes": 15, "after_minutes": 15, **span}
    async with crowd.database.begin() as tx:
        if crowd.often():
            held = _hold(crowd, span)
            await tx.execute(insert(holds), held)
            taken |= {"hold_id": held["id"], "expires_at": held["expires_at"]}
        else:
            taken["booking_id"] = await _some_booking(crowd, starts_at)
            done = crowd.often()
            taken |= {"done": done, "released_at": ends_at if done else None}
        await tx.execute(insert(reservations), taken)


async def _some_booking(crowd: Crowd, starts_at: datetime) -> UUID:
    """Of another one mostly; seldom of the very booking that somebody is looked for."""
    free = [one.id for one in crowd.bookings if one.id not in crowd.settled]
    if crowd.seldom() and free:
        crowd.settled.add(free[0])
        return free[0]
    other = await add_booking(
        crowd.database, crowd.customers[0], crowd.service, starts_at=starts_at
    )
    return other.id


def _hold(crowd: Crowd, span: dict[str, Any]) -> dict[str, Any]:
    """Of a slot: until yesterday, or until tomorrow, by the clock of the database."""
    at = datetime.now(UTC)
    return {
        "id": new_id(),
        "customer_id": crowd.customers[0].user_id,
        "service_id": crowd.service.id,
        "city": "London",
        "postal_code": "SW1A 0AA",
        "country": "GB",
        "created_at": at - 2 * DAY,
        "expires_at": at + crowd.chance.choice((-DAY, DAY)),
        "ended_at": at,
        "ending": HoldEnding.EXPIRED,
        **span,
    }
