"""A provider's time through the public door: taken once, with the room and the days it needs."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from db.engine import Database
from db.tables import bookings, providers, reservations
from domain.booking_rules import BookingRules
from tests.api import market
from tests.api.house import ADDRESS, House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, outcomes, rules_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

FREE_GRID = BookingRules(slot_interval_minutes=5)
TAKE_OFF = """
mutation($from: Instant!, $to: Instant!) {
  requestTimeOff(input: { startsAt: $from, endsAt: $to }) { __typename }
}
"""
#: Half an hour north of the usual address, by the speed at which a provider gets about.
FAR = ADDRESS | {"point": {"latitude": 51.5034 + 9.99 / 69.0934, "longitude": -0.1276}}


async def patiently(shop: Market, who: Person, **asked: Any) -> Any:
    """The answer to somebody who asks again while the house is busy, as they are told to."""
    while True:
        sent = {"serviceId": shop.service_id, "kind": "SCHEDULED", "address": ADDRESS}
        asked = market.plain(sent | {"startsAt": shop.start} | asked)
        answer = await shop.home.ask(who.name, market.CREATE, input=asked)
        if "errors" not in answer:
            return answer["data"]["createBooking"]
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "UNAVAILABLE", error
        await asyncio.sleep(error["extensions"]["retryAfter"])


async def deadlocks(database: Database) -> int:
    asked = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    async with database.read() as connection:
        return int(await connection.scalar(asked) or 0)


async def taken(shop: Market, provider: Person) -> list[datetime]:
    """The starts of the time that a provider has not got any more."""
    r = reservations.c
    query = select(r.starts_at).where(r.provider_id == provider.uid, r.released_at.is_(None))
    async with shop.home.database.read() as connection:
        return sorted(await connection.scalars(query))


class TestOneProvidersTime:
    async def test_is_won_by_one_of_a_hundred_and_the_others_are_told_what_is_free(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        provider = await shop.provider()
        crowd = await shop.customers(100)
        before = await deadlocks(home.database)
        asking = (patiently(shop, one, providerId=provider.id) for one in crowd)
        answers = await asyncio.gather(*asking)
        assert outcomes(answers) == {"CreateBookingSuccess": 1, "SlotTaken": 99}
        # Two hours of work, then a quarter of an hour between jobs.
        free = [shop.start + (135 + 15 * n) * MINUTE for n in range(3)]
        for refused in (one for one in answers if one["__typename"] == "SlotTaken"):
            assert (refused["code"], refused["path"]) == ("SLOT_TAKEN", ["startsAt"])
            assert [instant(at) for at in refused["alternatives"]] == free
        assert await taken(shop, provider) == [shop.start]
        assert await shop.rows(bookings) == 1
        assert await deadlocks(home.database) == before

    async def test_is_theirs_alone_so_a_second_free_provider_is_a_second_booking(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        both = [await shop.provider(), await shop.provider()]
        ada, ben, cleo = await shop.customers(3)
        for customer, provider in zip((ada, ben), both, strict=True):
            made = await shop.booked(customer, providerId=provider.id)
            assert made["provider"] == {"id": provider.id}
        for provider in both:
            assert await taken(shop, provider) == [shop.start]
            assert (await shop.book(cleo, providerId=provider.id))["__typename"] == "SlotTaken"
        assert await shop.rows(bookings) == 2

    async def test_is_booked_as_often_at_once_as_there_are_providers_whoever_does_it(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        both = [await shop.provider(), await shop.provider()]
        crowd = await shop.customers(12)
        answers = await asyncio.gather(*(patiently(shop, one) for one in crowd))
        assert outcomes(answers) == {"CreateBookingSuccess": 2, "NobodyFree": 10}
        made = [one["booking"] for one in answers if "booking" in one]
        for booking in made:
            assert set(await shop.match(booking)) == {provider.uid for provider in both}
        first, second = await shop.offers(both[0])
        won = await shop.act(both[0], market.ACCEPT, id=second["id"])
        assert won["__typename"] == "AcceptOfferSuccess"
        # Who has one of the two has no time for the other.
        gone = await shop.act(both[0], market.ACCEPT, id=first["id"])
        assert gone == {"__typename": "OfferGone", "why": "RESCINDED", "code": "OFFER_GONE"}
        other = await shop.accept(both[1])
        assert other["booking"]["provider"] == {"id": both[1].id}
        assert {won["booking"]["id"], other["booking"]["id"]} == {one["id"] for one in made}

    async def test_may_be_taken_at_one_end_while_the_other_begins(self, home: House) -> None:
        shop = await market.opened(
            home, rules=BookingRules(buffer_before_minutes=0, buffer_after_minutes=0)
        )
        provider, ada = await shop.provider(), await shop.customer()
        for hours in (0, 2, -2):
            await shop.booked(ada, providerId=provider.id, startsAt=shop.start + hours * HOUR)
        assert len(await taken(shop, provider)) == 3


class TestTheGapBetweenTwoJobs:
    async def test_is_one_quarter_of_an_hour_that_serves_both(self, home: House) -> None:
        shop = await market.opened(home, rules=FREE_GRID)
        provider, ada = await shop.provider(), await shop.customer()
        await shop.booked(ada, providerId=provider.id)
        end = shop.start + 2 * HOUR
        near = await shop.book(ada, providerId=provider.id, startsAt=end + 10 * MINUTE)
        assert rules_of(near) == ["BUFFER"]
        assert instant(near["alternatives"][0]) == end + 15 * MINUTE
        before = shop.start - 2 * HOUR
        near = await shop.book(ada, providerId=provider.id, startsAt=before - 10 * MINUTE)
        assert rules_of(near) == ["BUFFER"]
        offered = await shop.starts(
            ada, earliest=before - HOUR / 2, latest=end + HOUR / 2, provider=provider
        )
        assert offered == [
            *(before - HOUR / 2 + 5 * n * MINUTE for n in range(4)),
            *(end + 15 * MINUTE + 5 * n * MINUTE for n in range(4)),
        ]
        for start in (end + 15 * MINUTE, before - 15 * MINUTE):
            await shop.booked(ada, providerId=provider.id, startsAt=start)
        assert len(await taken(shop, provider)) == 3

    async def test_is_the_larger_of_what_the_two_want(self, home: House) -> None:
        roomy = BookingRules(slot_interval_minutes=5, buffer_before_minutes=60)
        shop = await market.opened(home, rules=roomy)
        provider, ada = await shop.provider(), await shop.customer()
        await shop.booked(ada, providerId=provider.id)
        end = shop.start + 2 * HOUR
        near = await shop.book(ada, providerId=provider.id, startsAt=end + 55 * MINUTE)
        assert rules_of(near) == ["BUFFER"]
        await shop.booked(ada, providerId=provider.id, startsAt=end + HOUR)

    async def test_is_as_long_as_the_way_from_one_to_the_other(self, home: House) -> None:
        shop = await market.opened(home, rules=FREE_GRID)
        provider, ada = await shop.provider(radius_miles=20), await shop.customer()
        await shop.booked(ada, providerId=provider.id)
        there = {"providerId": provider.id, "address": FAR}
        end, before = shop.start + 2 * HOUR, shop.start - 2 * HOUR
        for start in (end + 25 * MINUTE, before - 25 * MINUTE):
            assert rules_of(await shop.book(ada, startsAt=start, **there)) == ["BUFFER"]
        for start in (end + 30 * MINUTE, before - 30 * MINUTE):
            await shop.booked(ada, startsAt=start, **there)

    async def test_counts_when_anybody_may_do_the_work(self, home: House) -> None:
        shop = await market.opened(home, rules=FREE_GRID)
        provider, ada = await shop.provider(), await shop.customer()
        await shop.booked(ada, providerId=provider.id)
        end = shop.start + 2 * HOUR
        nobody = await shop.book(ada, startsAt=end + 10 * MINUTE)
        assert nobody["__typename"] == "NobodyFree"
        later = nobody["waysOn"]["laterSlots"][0]["startsAt"]
        assert instant(later) == end + 15 * MINUTE
        await shop.booked(ada, startsAt=later)


class TestTimeOffOverTheEndOfAJob:
    async def away_from_the_second_hour(self, shop: Market, provider: Person) -> None:
        times = {"from": shop.start + HOUR, "to": shop.start + 3 * HOUR}
        made = await shop.act(provider, TAKE_OFF, **market.plain(times))
        assert made == {"__typename": "RequestTimeOffSuccess"}

    async def test_leaves_no_direct_booking_and_no_hold(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        await self.away_from_the_second_hour(shop, provider)
        for refused in (
            await shop.book(ada, providerId=provider.id),
            await shop.hold(ada, providerId=provider.id),
        ):
            assert rules_of(refused) == ["TIME_OFF"]
            assert instant(refused["alternatives"][0]) == shop.start + 3 * HOUR
        assert await taken(shop, provider) == []
        assert await shop.rows(bookings) == 0

    async def test_leaves_no_slot(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        await self.away_from_the_second_hour(shop, provider)
        for named in (provider, None):
            offered = await shop.starts(
                ada, earliest=shop.start - HOUR, latest=shop.start + 3 * HOUR, provider=named
            )
            assert offered == [shop.start - HOUR, shop.start + 3 * HOUR]

    async def test_leaves_no_offer(self, home: House) -> None:
        shop = await market.opened(home)
        away, there = await shop.provider(), await shop.provider()
        ada = await shop.customer()
        await self.away_from_the_second_hour(shop, away)
        booking = await shop.booked(ada)
        assert await shop.match(booking) == [there.uid]
        assert await shop.offers(away) == []
        # The other one is wanted for it, so nobody is left for a second customer.
        nobody = await shop.book(ada)
        assert nobody["__typename"] == "NobodyFree"
        assert await shop.rows(bookings) == 1

    async def test_withdraws_the_offer_that_was_made_before(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        await shop.booked(ada)
        offer = await shop.offer(provider)
        await self.away_from_the_second_hour(shop, provider)
        gone = await shop.act(provider, market.ACCEPT, id=offer["id"])
        assert gone == {"__typename": "OfferGone", "why": "RESCINDED", "code": "OFFER_GONE"}


class TestAProvidersDailyCap:
    async def test_is_reached_by_what_is_booked_and_held_on_that_day(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(advance_days=730))
        provider = await shop.provider(daily_cap=2, time_zone="Etc/GMT-3")
        ada, ben = await shop.customers(2)
        # Noon there, so that the hours around it are of the same day.
        noon = shop.start.replace(hour=9)
        await shop.booked(ada, providerId=provider.id, startsAt=noon)
        await shop.held(ben, providerId=provider.id, startsAt=noon + 3 * HOUR)
        capped = await shop.book(ada, providerId=provider.id, startsAt=noon + 6 * HOUR)
        (broken,) = capped["broken"]
        assert (broken["rule"], broken["limit"]) == ("DAILY_CAP", 2)
        midnight = noon + 12 * HOUR
        assert instant(capped["alternatives"][0]) == midnight
        offered = await shop.starts(
            ada, earliest=noon + 5 * HOUR, latest=midnight, provider=provider
        )
        assert offered == [midnight]
        await shop.booked(ada, providerId=provider.id, startsAt=midnight)

    async def test_still_counts_the_work_that_is_done(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(advance_days=730))
        provider, ada = await shop.provider(daily_cap=1), await shop.customer()
        done = await shop.booked(ada, providerId=provider.id)
        for act in ("startBooking", "completeBooking"):
            name = act[0].upper() + act[1:]
            document = f"mutation($input: {name}Input!) {{ {act}(input: $input) {{ __typename }} }}"
            made = await shop.act(provider, document, input={"bookingId": done["id"]})
            assert made == {"__typename": f"{name}Success"}
        again = await shop.book(ada, providerId=provider.id, startsAt=shop.start)
        assert rules_of(again) == ["DAILY_CAP"]

    async def test_keeps_offers_away(self, home: House) -> None:
        shop = await market.opened(home)
        full, free = await shop.provider(daily_cap=1), await shop.provider()
        ada = await shop.customer()
        await shop.booked(ada, providerId=full.id, startsAt=shop.start.replace(hour=1))
        booking = await shop.booked(ada, startsAt=shop.start.replace(hour=20))
        assert await shop.match(booking) == [free.uid]


async def test_a_provider_who_is_suspended_takes_no_booking_and_is_in_no_slot(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    p = providers.c
    async with home.database.begin() as tx:
        gone = (
            update(providers)
            .where(p.id == provider.uid)
            .values(suspended_at=shop.start - timedelta(days=4))
        )
        await tx.execute(gone)
    refused = await shop.book(ada, providerId=provider.id)
    assert (refused["__typename"], refused["unmet"]) == ("ProviderNotEligible", ["APPROVED"])
    assert (await shop.book(ada))["__typename"] == "NobodyFree"
