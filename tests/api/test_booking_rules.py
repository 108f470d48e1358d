"""The booking rules of a service through the public door: told all at once, with their facts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert

from db.ids import new_id
from db.tables import bookings, holidays
from domain.booking_rules import Advance, BookingRules, SameDay
from tests.api import market
from tests.api.house import ADDRESS, House
from tests.api.market import HOUR, MINUTE, Market, instant, outcomes, rules_of
from tests.factories import a_viewer, add_booking

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1)
WORK = """
mutation($input: UpdateAvailabilityInput!) { updateAvailability(input: $input) { __typename } }
"""
TAKE_OFF = """
mutation($from: Instant!, $to: Instant!) {
  requestTimeOff(input: { startsAt: $from, endsAt: $to }) { __typename }
}
"""
CANCEL = market.mutation("cancelBooking", "booking { status }")
#: A made-up country, so that its holidays are nobody else's.
COUNTRY = "ZZ"


def a_zone_where_it_is(hour: int) -> str:
    """One in which the clock shows that hour of some day now, and all its days have 24 hours."""
    ahead = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


async def close_the_house(shop: Market, day: Any) -> None:
    async with shop.home.database.begin() as tx:
        await tx.execute(delete(holidays).where(holidays.c.country == COUNTRY))
        row = {"id": new_id(), "day": day, "country": COUNTRY, "name": "Nothing works"}
        await tx.execute(insert(holidays), row)


async def test_everything_that_is_wrong_with_a_start_is_told_at_once_with_its_facts(
    home: House,
) -> None:
    zone = ZoneInfo(a_zone_where_it_is(10))
    now = datetime.now(zone)
    today, tomorrow = now.date(), now.date() + DAY
    midnight = datetime.combine(tomorrow, time(), tzinfo=zone)
    rules = BookingRules(
        same_day=SameDay.NEVER,
        notice_minutes=240,
        advance=Advance.DATES,
        first_date=tomorrow,
        last_date=tomorrow + DAY,
        capacity=1,
    )
    shop = await market.opened(home, rules=rules)
    provider = await shop.provider(time_zone=zone.key, country=COUNTRY, daily_cap=1)
    ada, ben = await shop.customers(2)
    start = (now + 2 * HOUR).replace(minute=7, second=0, microsecond=0)
    await shop.booked(
        "Dora", customerId=ben.id, providerId=provider.id, startsAt=start, overrideReason="Ours"
    )
    for n in range(10):
        await add_booking(
            home.database,
            a_viewer(user_id=ada.uid),
            (await market.opened(home)).service,
            starts_at=shop.start + n * DAY,
            needs_approval=True,
            match_due_at=None,
        )
    await close_the_house(shop, today)
    hours = [{"weekday": day, "opens": "00:00", "closes": "09:00"} for day in range(1, 8)]
    await shop.act(provider, WORK, input={"weeklyHours": hours})
    away = {"from": start + HOUR, "to": start + 3 * HOUR}
    await shop.act(provider, TAKE_OFF, **market.plain(away))

    before = await shop.rows(bookings)
    refused = await shop.book(ada, providerId=provider.id, startsAt=start + HOUR)
    assert (refused["code"], refused["path"]) == ("RULES_BROKEN", ["startsAt"])
    facts = {
        one["rule"]: tuple(one[name] for name in ("earliest", "latest", "limit"))
        for one in refused["broken"]
    }
    notice = facts.pop("NOTICE_TOO_SHORT")
    assert 0 <= (instant(notice[0]) - now) / HOUR - 4 < 1 / 12
    assert notice[1:] == (None, 240)
    nothing = (None, None, None)
    assert facts == {
        "SAME_DAY": (market.wire(midnight), None, None),
        "TOO_FAR_AHEAD": (
            market.wire(midnight),
            market.wire(midnight + 2 * DAY - datetime.resolution),
            None,
        ),
        "OFF_GRID": (None, None, 15),
        "CAPACITY": (None, None, 1),
        "CUSTOMER_LIMIT": (None, None, 10),
        "HOLIDAY": nothing,
        "OUTSIDE_HOURS": nothing,
        "TIME_OFF": nothing,
        "SLOT_TAKEN": nothing,
        "DAILY_CAP": (None, None, 1),
    }
    assert all(one["message"] for one in refused["broken"])
    # Starts that break none of them, but for how many bookings the customer has.
    assert [instant(at) for at in refused["alternatives"]] == [
        midnight + 15 * n * MINUTE for n in range(3)
    ]
    assert await shop.rows(bookings) == before
    await shop.booked(ben, providerId=provider.id, startsAt=refused["alternatives"][0])


@pytest.mark.parametrize(("cutoff", "open_"), [(time(13), True), (time(8), False)])
async def test_today_is_booked_until_its_cut_off_on_the_clock_where_the_work_is(
    home: House, cutoff: time, open_: bool
) -> None:
    zone = ZoneInfo(a_zone_where_it_is(10))
    rules = BookingRules(same_day=SameDay.UNTIL_CUTOFF, same_day_cutoff=cutoff)
    shop = await market.opened(home, rules=rules)
    provider, ada = await shop.provider(time_zone=zone.key), await shop.customer()
    now = datetime.now(zone)
    for named in ({"providerId": provider.id}, {}):
        start = now.replace(minute=0, second=0, microsecond=0) + (5 if named else 9) * HOUR
        made = await shop.book(ada, startsAt=start, **named)
        if open_:
            assert made["__typename"] == "CreateBookingSuccess"
        else:
            (broken,) = made["broken"]
            midnight = datetime.combine(now.date() + DAY, time(), tzinfo=zone)
            assert broken["rule"] == "SAME_DAY"
            assert broken["message"] == "Today could be booked until 08:00; choose a later day."
            assert instant(broken["earliest"]) == midnight


async def test_only_so_many_working_days_ahead_are_booked_where_days_off_do_not_count(
    home: House,
) -> None:
    rules = BookingRules(advance=Advance.BOOKABLE_DAYS, advance_days=2)
    shop = await market.opened(home, rules=rules)
    provider, ada = await shop.provider(time_zone="Etc/GMT"), await shop.customer()
    weekday = shop.start.isoweekday()
    hours = [{"weekday": weekday, "opens": "00:00", "closes": "00:00"}]
    await shop.act(provider, WORK, input={"weeklyHours": hours})
    noon = shop.start.replace(hour=12)
    await shop.booked(ada, providerId=provider.id, startsAt=noon + 7 * DAY)
    refused = await shop.book(ada, providerId=provider.id, startsAt=noon + 14 * DAY)
    (broken,) = refused["broken"]
    assert (broken["rule"], broken["limit"]) == ("TOO_FAR_AHEAD", 2)


class TestTheCapacityOfAServiceInADistrict:
    async def test_is_as_many_at_one_time_however_many_are_free(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(capacity=2))
        several = [await shop.provider() for _ in range(4)]
        ada, ben, cleo = await shop.customers(3)
        await shop.booked(ada, providerId=several[0].id)
        # One that waits for a provider counts, and one that touches the end of another.
        await shop.booked(ben, startsAt=shop.start + HOUR)
        for named in ({"providerId": several[1].id}, {}):
            refused = await shop.book(cleo, startsAt=shop.start + HOUR, **named)
            (broken,) = refused["broken"]
            assert (broken["rule"], broken["limit"]) == ("CAPACITY", 2)
            offered = await shop.starts(
                cleo,
                earliest=shop.start - HOUR,
                latest=shop.start + 2 * HOUR,
                provider=several[1] if named else None,
            )
            assert offered == [
                shop.start - HOUR,
                shop.start + 2 * HOUR,
            ]
        await shop.booked(cleo, startsAt=shop.start + 2 * HOUR)

    async def test_is_counted_for_each_district_on_its_own(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(capacity=1))
        for _ in range(3):
            await shop.provider()
        ada, ben = await shop.customers(2)
        await shop.booked(ada)
        elsewhere = ADDRESS | {"postalCode": "SE1 7PB"}
        await shop.booked(ben, address=elsewhere)
        for full in (ADDRESS, elsewhere, ADDRESS | {"postalCode": "sw1a1aa"}):
            assert rules_of(await shop.book(ben, address=full)) == ["CAPACITY"]

    async def test_is_reached_once_by_many_who_ask_at_once(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(capacity=2))
        several = [await shop.provider() for _ in range(6)]
        crowd = await shop.customers(6)
        answers = await asyncio.gather(
            *(shop.book(c, providerId=p.id) for c, p in zip(crowd, several, strict=True))
        )
        assert outcomes(answers) == {"CreateBookingSuccess": 2, "RulesBroken": 4}
        assert await shop.rows(bookings) == 2

    async def test_is_free_again_when_one_is_called_off(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(capacity=1))
        one, other = await shop.provider(), await shop.provider()
        ada, ben = await shop.customers(2)
        booking = await shop.booked(ada, providerId=one.id)
        assert rules_of(await shop.book(ben, providerId=other.id)) == ["CAPACITY"]
        await shop.act(ada, CANCEL, input={"bookingId": booking["id"]})
        await shop.booked(ben, providerId=other.id)


class TestHowManyBookingsACustomerHas:
    async def test_is_limited_even_when_several_are_asked_for_at_once(self, home: House) -> None:
        shop = await market.opened(home)
        ada = await shop.customer()
        several = [await shop.provider() for _ in range(6)]
        for n in range(8):
            start = shop.start + n * DAY
            await shop.booked(ada, providerId=several[0].id, startsAt=start)
        asking = [shop.book(ada, providerId=one.id) for one in several[1:]]
        answers = await shop.at_once(ada, *asking)
        assert outcomes(answers) == {"CreateBookingSuccess": 2, "RulesBroken": 3}
        for refused in (one for one in answers if one["__typename"] == "RulesBroken"):
            (broken,) = refused["broken"]
            assert (broken["rule"], broken["limit"]) == ("CUSTOMER_LIMIT", 10)
        assert await shop.rows(bookings) == 10

    async def test_counts_only_those_of_which_something_can_become(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        made = [
            await shop.booked(ada, providerId=provider.id, startsAt=shop.start + n * DAY)
            for n in range(10)
        ]
        there = {"providerId": provider.id, "startsAt": shop.start + 10 * DAY}
        assert rules_of(await shop.book(ada, **there)) == ["CUSTOMER_LIMIT"]
        await shop.act(ada, CANCEL, input={"bookingId": made[0]["id"]})
        await shop.booked(ada, **there)


async def test_when_nobody_is_free_there_are_three_ways_on_that_can_be_gone(home: House) -> None:
    shop = await market.opened(home)
    near, far = await shop.provider(), await shop.provider(latitude=51.53)
    ada, ben = await shop.customers(2)
    for provider in (near, far):
        await shop.booked(ada, providerId=provider.id)
    refused = await shop.book(ben)
    assert (refused["code"], refused["path"]) == ("NOBODY_FREE", ["startsAt"])
    ways_on = refused["waysOn"]
    later = [instant(slot["startsAt"]) for slot in ways_on["laterSlots"]]
    assert later == [shop.start + (135 + 15 * n) * MINUTE for n in range(5)]
    assert ways_on["offlineProviders"] == [{"id": near.id}, {"id": far.id}]
    assert ways_on["waitlist"] == {
        "serviceId": shop.service_id,
        "earliest": market.wire(shop.start),
        "latest": market.wire(shop.start + DAY),
    }
    assert await shop.rows(bookings) == 2
    await shop.booked(ben, startsAt=later[0])
    await shop.booked(ben, providerId=ways_on["offlineProviders"][1]["id"], startsAt=later[4])
    join = """mutation($input: JoinWaitlistInput!) { joinWaitlist(input: $input) {
      __typename } }"""
    waiting = ways_on["waitlist"] | {"address": ADDRESS}
    assert await shop.act(ben, join, input=waiting) == {"__typename": "JoinWaitlistSuccess"}


async def test_nobody_is_free_now_without_anyone_on_shift_though_later_they_are(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(on_shift=False), await shop.customer()
    refused = await shop.book(ada, kind="IMMEDIATE")
    assert refused["__typename"] == "NobodyFree"
    assert refused["waysOn"]["offlineProviders"] == [{"id": provider.id}]
    assert len(refused["waysOn"]["laterSlots"]) == 5
