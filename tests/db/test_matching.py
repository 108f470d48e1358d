"""Is a booking brought to the right providers once, however often and whenever that is tried?"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from db import cancellations, matching, offers
from domain.bookings import BookingKind
from domain.events import EventType
from domain.offers import OfferState, Wave
from domain.refusals import NotFound
from tests import invariants
from tests.db.racing import act, race
from tests.factories import (
    add_booking,
    add_customer,
    add_offers,
    add_provider,
    add_providers,
    add_service,
    fall_silent,
    now,
    read_booking,
    read_events,
    read_offers,
    shift_time,
)

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

TARGETED = timedelta(minutes=5)
#: One mile north, in degrees.
MILE = 1 / 69.0934


def advancing(booking: Booking) -> Any:
    return partial(matching.advance, booking_id=booking.id)


async def states(database: Database, booking: Booking) -> dict[UUID, OfferState]:
    found = await read_offers(database, booking.id)
    return {provider_id: offer.state for provider_id, offer in found.items()}


async def add_immediate(database: Database, customer: Viewer, service: Service) -> Booking:
    at = await now(database)
    return await add_booking(
        database,
        customer,
        service,
        kind=BookingKind.IMMEDIATE,
        starts_at=at + timedelta(minutes=30),
    )


async def test_the_best_three_are_targeted_and_told_why(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    ordinary = await add_providers(crowd, service, count=2)
    best = await add_providers(crowd, service, count=3, rating=4.8, completed_jobs=60)
    booking = await add_booking(crowd, customer, service)
    before = len(await read_events(crowd))

    again_at = await act(crowd, advancing(booking))

    found = await read_offers(crowd, booking.id)
    assert set(found) == {one.user_id for one in best}
    assert not set(found) & {one.user_id for one in ordinary}
    for offer in found.values():
        assert offer.expires_at == again_at == offer.offered_at + TARGETED
        assert (offer.wave, offer.round, offer.score) == (Wave.TARGETED, 1, 117)
        assert offer.breakdown == (
            ("SHIFT", 50),
            ("LOCATION", 40),
            ("RATING", 15),
            ("COMPLETED_JOBS", 12),
        )
        # Out of how many they were chosen, not how many were chosen.
        assert offer.candidates == 5
    assert await read_events(crowd, after=before) == [EventType.OFFER_OFFERED] * 3
    kept = await read_booking(crowd, booking.id)
    assert (kept.wave, kept.round, kept.match_due_at) == (Wave.TARGETED, 1, again_at)
    await invariants.check(crowd)


async def test_calling_twice_early_or_all_at_once_opens_one_wave(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_providers(crowd, service, count=6)
    booking = await add_booking(crowd, customer, service)

    outcomes = await race(crowd, [advancing(booking)] * 10)
    first = await read_booking(crowd, booking.id)
    assert outcomes == [first.match_due_at] * 10
    assert first.round == 1
    assert Counter((await states(crowd, booking)).values()) == {OfferState.OFFERED: 3}

    events_before = len(await read_events(crowd))
    await act(crowd, advancing(booking))
    assert await read_booking(crowd, booking.id) == first
    assert len(await read_events(crowd)) == events_before
    await invariants.check(crowd)


async def test_a_late_call_expires_the_targeted_and_broadcasts_once(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_providers(crowd, service, count=6)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, advancing(booking))
    await shift_time(crowd, booking, TARGETED)
    before = len(await read_events(crowd))

    await race(crowd, [advancing(booking)] * 10)

    assert (await read_booking(crowd, booking.id)).round == 2
    told = Counter(await read_events(crowd, after=before))
    # The targeted are asked again with the others: they have not said no.
    assert told == {EventType.OFFER_EXPIRED: 3, EventType.OFFER_OFFERED: 6}
    assert Counter((await states(crowd, booking)).values()) == {OfferState.OFFERED: 6}
    await invariants.check(crowd)


async def test_with_nobody_to_target_it_is_broadcast_at_once(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    booking = await add_booking(crowd, customer, service)

    again_at = await act(crowd, advancing(booking))

    kept = await read_booking(crowd, booking.id)
    assert (kept.wave, kept.round) == (Wave.BROADCAST, 2)
    assert kept.match_due_at == again_at
    assert await states(crowd, booking) == {}


async def test_a_broadcast_reaches_ten_then_fifteen_then_twenty_five_miles(
    crowd: Database,
) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    booking = await add_booking(crowd, customer, service, match_due_at=await now(crowd))
    miles = (9, 14, 24, 26)
    at = {
        far: await add_provider(
            crowd, service, latitude=51.5010 + far * MILE, radius_miles=50.0, rating=1
        )
        for far in miles
    }
    # A targeted wave has no reach of its own: let three nearer ones have had it, and said no.
    near = await add_providers(crowd, service, count=3, rating=5)
    await act(crowd, advancing(booking))
    for one, offer in (await read_offers(crowd, booking.id)).items():
        refuse = partial(offers.reject, offer_id=offer.id, by=one, reason="No.")
        await act(crowd, refuse)

    reached = []
    for _ in range(4):
        await act(crowd, advancing(booking))
        asked = set(await states(crowd, booking))
        reached.append([far for far in miles if at[far].user_id in asked])
        await shift_time(crowd, booking, timedelta(minutes=4))

    assert reached == [[9], [9, 14], [9, 14, 24], [9, 14, 24]]
    kept = await states(crowd, booking)
    assert {kept[one.user_id] for one in near} == {OfferState.REJECTED}
    await invariants.check(crowd)


async def test_the_last_rejection_brings_the_next_wave_at_once(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    best = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, advancing(booking))
    (offer,) = (await read_offers(crowd, booking.id)).values()
    late = await add_provider(crowd, service)

    reject = partial(offers.reject, offer_id=offer.id, by=best.user_id, reason="Too far.")
    rejected = await act(crowd, reject)
    await act(crowd, advancing(booking))

    assert rejected.reject_reason == "Too far."
    assert await states(crowd, booking) == {
        best.user_id: OfferState.REJECTED,
        late.user_id: OfferState.OFFERED,
    }
    assert await act(crowd, reject) == rejected
    await invariants.check(crowd)


@pytest.mark.parametrize("days", [1, 3])
async def test_it_is_given_up_at_the_start_or_after_three_days(crowd: Database, days: int) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    await add_provider(crowd, service)
    starts_at = await now(crowd) + timedelta(days=1 if days == 1 else 30)
    booking = await add_booking(crowd, customer, service, starts_at=starts_at)
    await act(crowd, advancing(booking))
    await shift_time(crowd, booking, timedelta(days=days))
    before = len(await read_events(crowd))

    outcomes = await race(crowd, [advancing(booking)] * 5)

    assert outcomes == [None] * 5
    left = await read_booking(crowd, booking.id)
    assert left.unfilled_at is not None
    assert left.match_due_at is None
    assert await read_events(crowd, after=before) == [
        EventType.BOOKING_UNFILLED,
        EventType.BOOKING_SEARCH_ENDED,
        EventType.OFFER_EXPIRED,
    ]
    await invariants.check(crowd)


@pytest.mark.parametrize("fate", ["cancelled", "accepted"])
async def test_a_timer_for_what_has_moved_on_has_no_effect(crowd: Database, fate: str) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    await act(crowd, advancing(booking))
    (offer,) = (await read_offers(crowd, booking.id)).values()
    cancel = partial(cancellations.cancel, booking_id=booking.id, by=customer, reason="")
    accept = partial(offers.accept, offer_id=offer.id, by=provider.user_id)
    await act(crowd, cancel if fate == "cancelled" else accept)
    await shift_time(crowd, booking, timedelta(hours=2))
    before = await read_booking(crowd, booking.id), len(await read_events(crowd))

    assert await act(crowd, advancing(booking)) is None

    assert (await read_booking(crowd, booking.id), len(await read_events(crowd))) == before


async def test_a_booking_that_is_not_there_is_not_found(crowd: Database) -> None:
    with pytest.raises(NotFound):
        await act(crowd, partial(matching.advance, booking_id=uuid4()))


async def test_who_is_unfit_is_not_asked(crowd: Database) -> None:
    service, other = await add_service(crowd), await add_service(crowd)
    customer = await add_customer(crowd)
    fit = await add_provider(crowd, service, on_shift=False)
    at = await now(crowd)
    await add_provider(crowd, other)
    await add_provider(crowd, service, approved_at=None)
    await add_provider(crowd, service, suspended_at=at)
    await add_provider(crowd, service, latitude=52.5)
    busy = await add_provider(crowd, service)
    booking = await add_booking(crowd, customer, service)
    taken = {"provider_id": busy.user_id, "assigned_at": at, "match_due_at": None}
    await add_booking(crowd, customer, service, starts_at=booking.starts_at, **taken)

    await act(crowd, advancing(booking))

    assert set(await states(crowd, booking)) == {fit.user_id}


async def test_immediate_work_goes_to_those_on_shift_who_were_heard_from(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    heard = await add_provider(crowd, service)
    await add_provider(crowd, service, on_shift=False)
    silent = await add_provider(crowd, service)
    await fall_silent(crowd, silent)
    booking = await add_immediate(crowd, customer, service)

    await act(crowd, advancing(booking))

    assert set(await states(crowd, booking)) == {heard.user_id}


async def test_an_open_offer_is_not_doubled_by_the_next_broadcast(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    at = await now(crowd)
    booking = await add_booking(crowd, customer, service, wave=Wave.BROADCAST, round=2)
    (held,) = await add_offers(
        crowd, booking, [provider], round=2, expires_at=at + timedelta(hours=1)
    )

    await act(crowd, advancing(booking))

    assert (await read_offers(crowd, booking.id))[provider.user_id] == held
    assert (await read_booking(crowd, booking.id)).round == 3
