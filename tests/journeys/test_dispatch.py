"""The hard cases of dispatch (rules.md), through the front door: does each of them hold?"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from api import ids
from db.tables import bookings, job_offers, providers, shifts
from tests import factories
from tests.journeys.documents import (
    ACCEPT,
    CANCEL,
    CLOCK_IN,
    CLOCK_OUT,
    EXPLAIN,
    START,
    TAKE_TIME_OFF,
)
from tests.journeys.town import HOUR, MINUTE, Person, Shop, Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

CROWD = 10
#: How often an alarm rings that should have rung once.
RINGS = 20
#: The jobs that may ring about a booking.
ALARMS = ("advance_matching", "close_booking", "end_booking", "open_booking")


async def test_of_a_crowd_as_many_get_a_slot_as_there_are_free_providers(town: Town) -> None:
    shop = await town.opens()
    one, two = await shop.provider(), await shop.provider()
    crowd = [await shop.customer() for _ in range(CROWD)]

    answers = await asyncio.gather(*(shop.book(customer) for customer in crowd))

    kinds = Counter(answer["__typename"] for answer in answers)
    assert kinds == {"CreateBookingSuccess": 2, "NobodyFree": CROWD - 2}
    refused = [answer for answer in answers if answer["__typename"] == "NobodyFree"]
    assert all(len(answer["waysOn"]["laterSlots"]) == 5 for answer in refused)
    # Both are asked for both; whoever takes one is no longer asked for the other.
    feeds = [await shop.feed(one), await shop.feed(two)]
    assert [await heard.types(2) for heard in feeds] == [["OFFERED"] * 2] * 2
    first, second = [
        ids.parse("Booking", answer["booking"]["id"], "id")
        for answer in answers
        if answer["__typename"] == "CreateBookingSuccess"
    ]
    await one.does(ACCEPT, offerId=await shop.offer(first, to=one))
    await two.does(ACCEPT, offerId=await shop.offer(second, to=two))
    assert await feeds[0].types(2) == ["ACCEPTED", "RESCINDED"]
    assert await feeds[1].types(2) == ["RESCINDED", "ACCEPTED"]
    for booking, winner, loser in ((first, one, two), (second, two, one)):
        assert await factories.live_reservations(town.database, booking) == [winner.uid]
        assert await shop.states(booking) == {winner.uid: ["ACCEPTED"], loser.uid: ["RESCINDED"]}


async def test_an_acceptance_that_waited_past_the_expiry_is_refused_without_a_trace(
    town: Town,
) -> None:
    shop = await town.opens()
    provider = await shop.provider()
    booking = await shop.booked(await shop.customer())
    offer = await (await shop.feed(provider)).offer(wave="TARGETED")

    accepting = provider.ask(ACCEPT, input={"offerId": offer})
    async with town.waiting_for(bookings, booking, accepting) as (holder, tasks):
        soon = func.clock_timestamp() + timedelta(milliseconds=100)
        moved = update(job_offers).where(job_offers.c.booking_id == booking)
        o = job_offers.c.expires_at
        expires_at = await holder.scalar(moved.values(expires_at=soon).returning(o))
        while await factories.now(town.database) < expires_at:  # noqa: ASYNC110  # its clock
            await asyncio.sleep(0.01)
        before = await shop.trace(booking, holder)
    refused = await tasks[0]
    assert (refused["__typename"], refused.get("why")) == ("OfferGone", "EXPIRED")
    assert await shop.trace(booking) == before


async def test_alarms_that_ring_early_and_often_do_nothing(town: Town) -> None:
    shop = await town.opens()
    for _ in range(4):
        await shop.provider()
    booking = await shop.booked(await shop.customer())

    # First three are asked, and then everyone.
    for passed, offers in ((timedelta(), 3), (5 * MINUTE, 3 + 4)):
        await shop.pass_time(booking, passed)
        before = await shop.trace(booking)
        assert len(before.offers) == offers
        for alarm in ALARMS:
            await town.ring(alarm, booking, times=RINGS)
        assert await shop.trace(booking) == before


async def test_an_alarm_that_rings_many_times_at_once_is_heeded_once(town: Town) -> None:
    shop = await town.opens()
    asked = [await shop.provider(years_experience=10) for _ in range(3)]
    last = await shop.provider()
    booking = await shop.booked(await shop.customer())
    await town.ring("advance_matching", booking)

    await shop.pass_time(booking, 5 * MINUTE, rings=RINGS)

    assert await shop.states(booking) == {
        **{one.uid: ["EXPIRED", "OFFERED"] for one in asked},
        last.uid: ["OFFERED"],
    }
    told = Counter((await shop.trace(booking)).told)
    assert told == {"booking.requested": 1, "offer.offered": 7, "offer.expired": 3}


async def test_alarms_for_what_has_moved_on_do_nothing(town: Town) -> None:
    shop = await town.opens()
    provider, ada = await shop.provider(), await shop.customer()
    taken = await shop.booked(ada)
    offer = await (await shop.feed(provider)).offer(wave="TARGETED")
    await provider.does(ACCEPT, offerId=offer)
    later = await shop.booked(ada, startsAt=(shop.start + 5 * HOUR).isoformat())
    await town.ring("advance_matching", later)
    await ada.does(CANCEL, bookingId=ids.encode("Booking", later))

    for booking in (taken, later):
        await shop.pass_time(booking, 5 * MINUTE, rings=0)
        before = await shop.trace(booking)
        for alarm in ALARMS:
            await town.ring(alarm, booking, times=RINGS)
        assert await shop.trace(booking) == before


async def test_clocking_out_withdraws_every_offer_and_its_provider_is_told(town: Town) -> None:
    shop = await town.opens()
    provider, ada = await shop.provider(), await shop.customer()
    heard = await shop.feed(provider)
    kept = []
    for number in range(2):
        starts_at = shop.start + number * 5 * HOUR
        await shop.booked(ada, startsAt=starts_at.isoformat())
        kept.append(await heard.offer(wave="TARGETED"))

    await provider.does(CLOCK_OUT)

    assert await heard.types(2) == ["RESCINDED"] * 2
    for offer in kept:
        refused = await provider.ask(ACCEPT, input={"offerId": offer})
        assert (refused["__typename"], refused.get("why")) == ("OfferGone", "RESCINDED")


async def test_of_two_clock_ins_at_once_one_opens_a_shift(town: Town) -> None:
    shop = await town.opens()
    provider = await shop.provider(on_shift=False)

    both = (provider.ask(CLOCK_IN), provider.ask(CLOCK_IN))
    async with town.waiting_for(providers, provider.uid, *both) as (_, tasks):
        pass
    answers = await asyncio.gather(*tasks)

    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["AlreadyOnShift", "ClockInSuccess"]
    assert len(await shifts_of(town, provider)) == 1


async def test_nobody_clocks_out_in_the_middle_of_a_job(town: Town) -> None:
    shop = await town.opens()
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    id_ = ids.encode("Booking", booking)
    await provider.does(START, bookingId=id_)
    before = await shop.trace(booking), await shifts_of(town, provider)

    refused = await provider.ask(CLOCK_OUT)

    assert refused == {"__typename": "WorkInProgress", "booking": {"id": id_}}
    assert (await shop.trace(booking), await shifts_of(town, provider)) == before


async def test_time_off_over_the_end_of_a_job_keeps_its_provider_from_it(town: Town) -> None:
    shop = await town.opens()
    dora, ada = await town.dispatcher(), await shop.customer()
    away, other = await shop.provider(years_experience=10), await shop.provider()
    off = (shop.start + 105 * MINUTE, shop.start + 4 * HOUR)
    await away.does(
        TAKE_TIME_OFF, startsAt=off[0].isoformat(), endsAt=off[1].isoformat(), reason="Dentist"
    )

    over_the_end = await shop.booked(ada)
    before_it = await shop.booked(ada, startsAt=(shop.start - HOUR).isoformat())

    for booking, asked in ((over_the_end, [other]), (before_it, [away, other])):
        await town.ring("advance_matching", booking)
        assert await shop.states(booking) == {one.uid: ["OFFERED"] for one in asked}
    why = await dora.ask(EXPLAIN, booking=ids.encode("Booking", over_the_end), provider=away.id)
    assert [one["rule"] for one in why["verdicts"] if not one["passed"]] == ["TIME_OFF"]
    assert why["isEligible"] is False


async def test_a_newcomer_is_asked_for_nothing_under_v1_and_under_v2_for_some_but_not_all(
    town: Town,
) -> None:
    shop = await town.opens()
    for _ in range(4):
        await shop.provider(rating=4.8, completed_jobs=60)
    newcomer = await shop.provider(completed_jobs=0)

    under_v1 = await offers_to(shop, newcomer, days=range(3))
    await town.restart(CALLOUT_MATCHING_POLICY="v2")
    try:
        under_v2 = await offers_to(shop, newcomer, days=range(3, 6))
    finally:
        await town.restart()

    assert (under_v1, under_v2) == ([False] * 3, [True, False, False])


async def offers_to(shop: Shop, provider: Person, *, days: range) -> list[bool]:
    """Of one booking a day, made one after the other: which is the provider asked for?"""
    found = []
    ada = await shop.customer()
    for day in days:
        starts_at = shop.start + timedelta(days=day)
        booking = await shop.booked(ada, startsAt=starts_at.isoformat())
        await shop.town.ring("advance_matching", booking)
        states = await shop.states(booking)
        assert len(states) == 3
        found.append(provider.uid in states)
    return found


async def shifts_of(town: Town, provider: Person) -> list[Any]:
    """All there is about a provider's shifts."""
    query = select(shifts).where(shifts.c.provider_id == provider.uid)
    async with town.database.read() as connection:
        return list(await connection.execute(query))
