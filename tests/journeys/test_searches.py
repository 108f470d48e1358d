"""A search for a provider goes wrong: does it end as the rules say, and is its customer told?"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests import factories
from tests.journeys.documents import ACCEPT, CLOCK_IN, CLOCK_OUT, REJECT
from tests.journeys.town import HOUR, MINUTE, Shop, Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: How often it is tried to give a booking to somebody.
TRIES = 5


@pytest.fixture(scope="module", autouse=True)
def slow_worker(town: Town) -> None:
    """Automatic assignment is no urgent work."""
    town.callout.worker("slow").start()


async def give_away(town: Town) -> None:
    """Do what is done every minute: give what nobody has taken to somebody."""
    await town.ring("auto_assign", queue="slow")


async def nobody_is_given_it(shop: Shop, booking: UUID) -> None:
    """Let every try come to nothing, a minute after the other; none but the last tells it."""
    for number in range(TRIES):
        if number:
            assert "booking.unfilled" not in (await shop.trace(booking)).told
            await shop.pass_time(booking, MINUTE)
        await give_away(shop.town)


async def test_a_silent_preferred_provider_is_passed_over_and_the_customer_is_told(
    town: Town,
) -> None:
    shop = await town.opens()
    ada, preferred, other = await shop.customer(), await shop.provider(), await shop.provider()
    booking = await shop.booked(ada, preferredProviderId=preferred.id)
    life, heard = await shop.life(booking, ada), await shop.feed(preferred)
    await heard.offer(wave="PREFERRED")
    assert await shop.states(booking) == {preferred.uid: ["OFFERED"]}

    await shop.pass_time(booking, 2 * MINUTE)

    assert await heard.types(1) == ["EXPIRED"]
    offer = await (await shop.feed(other)).offer(wave="TARGETED")
    assert await life.types(2) == ["REQUESTED", "PREFERRED_LAPSED"]
    await other.does(ACCEPT, offerId=offer)
    assert await life.types(1) == ["ASSIGNED"]
    # The preferred one was among the best all the same.
    assert await shop.states(booking) == {
        preferred.uid: ["EXPIRED", "RESCINDED"],
        other.uid: ["ACCEPTED"],
    }


async def test_each_of_the_top_three_who_rejects_makes_room_for_the_next_best(town: Town) -> None:
    shop = await town.opens()
    ada = await shop.customer()
    # Points for their experience: 20, 10 and none.
    top = [await shop.provider(years_experience=10) for _ in range(3)]
    fourth, last = await shop.provider(years_experience=5), await shop.provider(years_experience=1)
    booking = await shop.booked(ada)
    life = await shop.life(booking, ada)
    offers = [await (await shop.feed(one)).offer(wave="TARGETED") for one in top]
    asked = {one.uid: ["OFFERED"] for one in top}
    assert await shop.states(booking) == asked

    await top[0].does(REJECT, offerId=offers[0], reason="Too far.")
    offer = await (await shop.feed(fourth)).offer(wave="TARGETED")
    asked |= {top[0].uid: ["REJECTED"], fourth.uid: ["OFFERED"]}
    assert await shop.states(booking) == asked
    for one, theirs in zip(top[1:], offers[1:], strict=True):
        await one.does(REJECT, offerId=theirs, reason="Too far.")
    await (await shop.feed(last)).offer(wave="TARGETED")

    await fourth.does(ACCEPT, offerId=offer)
    assert await life.types(2) == ["REQUESTED", "ASSIGNED"]
    assert await shop.states(booking) == {
        **{one.uid: ["REJECTED"] for one in top},
        fourth.uid: ["ACCEPTED"],
        last.uid: ["RESCINDED"],
    }


async def test_when_everybody_has_said_no_five_tries_later_the_customer_hears_it_is_unfilled(
    town: Town,
) -> None:
    shop = await town.opens()
    ada, only = await shop.customer(), await shop.provider()
    in_five_days = shop.start + timedelta(days=3)
    booking = await shop.booked(ada, startsAt=in_five_days.isoformat())
    life, heard = await shop.life(booking, ada), await shop.feed(only)
    offer = await heard.offer(wave="TARGETED")
    await only.does(REJECT, offerId=offer, reason="Not this week.")

    await shop.pass_time(booking, 2 * HOUR)
    await nobody_is_given_it(shop, booking)
    assert await life.types(2) == ["REQUESTED", "UNFILLED"]
    # That was the last try; the search itself goes on.
    await shop.pass_time(booking, MINUTE)
    before = await shop.trace(booking)
    await give_away(town)
    assert await shop.trace(booking) == before
    await shop.pass_time(booking, timedelta(hours=70))
    assert await life.types(1) == ["SEARCH_ENDED"]
    # Nobody is asked twice for what they have rejected, nor is it given to them.
    assert await shop.states(booking) == {only.uid: ["REJECTED"]}


async def test_what_is_wanted_now_while_everyone_is_off_shift_waits_for_who_clocks_in(
    town: Town,
) -> None:
    shop = await town.opens()
    ada, only = await shop.customer(), await shop.provider(on_shift=False)
    refused = await shop.book(ada, kind="IMMEDIATE", startsAt=None)
    assert refused["__typename"] == "NobodyFree"
    assert refused["waysOn"]["offlineProviders"] == [{"id": only.id}]

    await only.does(CLOCK_IN)
    booking = await shop.booked(ada, kind="IMMEDIATE", startsAt=None)
    life, heard = await shop.life(booking, ada), await shop.feed(only)
    await heard.offer(wave="TARGETED")
    await only.does(CLOCK_OUT)
    assert await heard.types(1) == ["RESCINDED"]
    await shop.pass_time(booking, 15 * MINUTE)
    await nobody_is_given_it(shop, booking)
    assert await life.types(2) == ["REQUESTED", "UNFILLED"]
    assert await shop.states(booking) == {only.uid: ["RESCINDED"]}

    await only.does(CLOCK_IN)
    await shop.pass_time(booking, 4 * MINUTE)
    await only.does(ACCEPT, offerId=await heard.offer(wave="BROADCAST"))
    assert await life.types(1) == ["ASSIGNED"]


async def test_nobody_on_shift_for_what_is_wanted_now_ends_the_search_at_its_start(
    town: Town,
) -> None:
    shop = await town.opens()
    ada, only = await shop.customer(), await shop.provider()
    booking = await shop.booked(ada, kind="IMMEDIATE", startsAt=None)
    life, heard = await shop.life(booking, ada), await shop.feed(only)
    await heard.offer(wave="TARGETED")
    await only.does(CLOCK_OUT)

    await shop.pass_time(booking, 31 * MINUTE)

    assert await life.types(3) == ["REQUESTED", "UNFILLED", "SEARCH_ENDED"]
    await only.does(CLOCK_IN)
    await town.ring("advance_matching", booking)
    assert await shop.states(booking) == {only.uid: ["RESCINDED"]}


async def test_what_is_wanted_later_is_offered_to_those_who_are_off_shift(town: Town) -> None:
    shop = await town.opens()
    ada, only = await shop.customer(), await shop.provider(on_shift=False)
    booking = await shop.booked(ada)
    life, heard = await shop.life(booking, ada), await shop.feed(only)
    await only.does(ACCEPT, offerId=await heard.offer(wave="TARGETED"))
    assert await life.types(2) == ["REQUESTED", "ASSIGNED"]


async def test_what_nobody_has_taken_for_two_hours_is_given_to_the_best_of_them(
    town: Town,
) -> None:
    shop = await town.opens()
    ada = await shop.customer()
    other, best = await shop.provider(rating=4.1), await shop.provider(rating=4.9)
    booking = await shop.booked(ada)
    life, heard = await shop.life(booking, ada), await shop.feed(best)
    await heard.offer(wave="TARGETED")
    await shop.pass_time(booking, 5 * MINUTE)
    assert await heard.types(1) == ["EXPIRED"]
    await heard.offer(wave="BROADCAST")
    await shop.pass_time(booking, 115 * MINUTE)
    assert await heard.types(1) == ["REMINDED"]

    await give_away(town)

    assert await heard.types(1) == ["ACCEPTED"]
    assert await life.types(2) == ["REQUESTED", "ASSIGNED"]
    assert await shop.states(booking) == {
        best.uid: ["EXPIRED", "ACCEPTED"],
        other.uid: ["EXPIRED", "RESCINDED"],
    }
    assert await factories.live_reservations(town.database, booking) == [best.uid]
