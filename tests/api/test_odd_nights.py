"""Booking around the nights in which clocks are changed, by the wall clock and by instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from db.tables import bookings, holds
from domain.booking_rules import BookingRules
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, rules_of
from tests.api.nights import HALF_HOUR, Way, next_night

pytestmark = pytest.mark.asyncio(loop_scope="module")

MOVE = market.mutation("rescheduleBooking", "booking { id }", "RulesBroken")
WORK = """
mutation($input: UpdateAvailabilityInput!) { updateAvailability(input: $input) { __typename } }
"""
#: Far enough ahead for the next night of each kind, and with no more to it.
RULES = BookingRules(
    notice_minutes=0,
    advance_days=730,
    slot_interval_minutes=30,
    buffer_before_minutes=0,
    buffer_after_minutes=0,
)
SKIPPED: Final = [
    ("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00:00Z", "2026-03-08 03:00"),
    ("Europe/London", "2027-03-28T01:30", "2027-03-28T01:00:00Z", "2027-03-28 02:00"),
    ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00Z", "2026-10-04 02:30"),
    ("Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00:00Z", "2026-04-24 01:00"),
]
TWICE: Final = [
    ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
    ("Europe/London", "2026-10-25T01:30", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
    ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"),
    ("Africa/Cairo", "2026-10-29T23:30", "2026-10-29T20:30:00Z", "2026-10-29T21:30:00Z"),
]
ZONES: Final = tuple(zone for zone, *_ in SKIPPED)


async def answers(shop: Market, ada: Person, booking: Any, local: str, zone: str) -> list[Any]:
    """What comes of booking, holding and moving to a wall time."""
    wall = {"localStart": local, "timeZone": zone}
    return [
        await shop.book(ada, **wall),
        await shop.hold(ada, **wall),
        await shop.act(ada, MOVE, input={"bookingId": booking["id"], **wall}),
    ]


@pytest.mark.parametrize(("zone", "local", "next_existing", "shown"), SKIPPED)
async def test_a_wall_time_that_is_skipped_is_refused_with_the_next_that_exists(
    home: House, zone: str, local: str, next_existing: str, shown: str
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    for refused in await answers(shop, ada, booking, local, zone):
        assert refused["code"] == "RULES_BROKEN"
        message = (
            f"{local.replace('T', ' ')} does not exist in {zone}: clocks are put forward then. "
            f"The next time that does is {shown}."
        )
        broken = {"rule": "NONEXISTENT_LOCAL_TIME", "message": message}
        facts = {"earliest": next_existing, "latest": None, "limit": None}
        assert refused["broken"] == [broken | facts]
        assert refused["alternatives"] == [next_existing]
    assert (await shop.rows(bookings), await shop.rows(holds)) == (1, 0)
    assert await shop.read(booking) == booking


@pytest.mark.parametrize(("zone", "local", "first", "second"), TWICE)
async def test_a_wall_time_that_comes_twice_is_refused_with_both_instants(
    home: House, zone: str, local: str, first: str, second: str
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id)
    for refused in await answers(shop, ada, booking, local, zone):
        assert refused["code"] == "RULES_BROKEN"
        message = (
            f"{local.replace('T', ' ')} comes twice in {zone}: clocks are put back then. "
            "Give one of the two instants instead."
        )
        broken = {"rule": "AMBIGUOUS_LOCAL_TIME", "message": message}
        facts = {"earliest": first, "latest": second, "limit": None}
        assert refused["broken"] == [broken | facts]
        assert refused["alternatives"] == [first, second]
    assert (await shop.rows(bookings), await shop.rows(holds)) == (1, 0)
    assert await shop.read(booking) == booking


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("way", ["forward", "back"])
async def test_the_instants_that_a_refusal_names_can_be_booked(
    home: House, name: str, way: Way
) -> None:
    zone = ZoneInfo(name)
    night = next_night(zone, way)
    shop = await market.opened(home, rules=RULES, duration_minutes=30)
    provider, ada = await shop.provider(time_zone=name), await shop.customer()
    local = night.wall.isoformat(timespec="minutes")
    wall = {"localStart": local, "timeZone": name, "providerId": provider.id}
    refused = await shop.book(ada, **wall)
    assert [instant(at) for at in refused["alternatives"]] == list(night.instants)
    for at in night.instants:
        made = await shop.booked(ada, providerId=provider.id, startsAt=at)
        assert instant(made["startsAt"]) == at
        assert instant(made["endsAt"]) == at + 30 * MINUTE
    assert await shop.rows(bookings) == (1 if way == "forward" else 2)


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("way", ["forward", "back"])
async def test_the_slots_of_an_odd_day_are_unique_instants_and_as_many_as_it_has_half_hours(
    home: House, name: str, way: Way
) -> None:
    zone = ZoneInfo(name)
    night = next_night(zone, way)
    shop = await market.opened(home, rules=RULES, duration_minutes=30)
    provider, ada = await shop.provider(time_zone=name), await shop.customer()
    expected = night.half_hours
    assert len(expected) == 48 - round(
        (night.length if way == "forward" else -night.length) / HALF_HOUR
    )
    for named in (provider, None):
        found = await shop.slots(ada, earliest=expected[0], latest=expected[-1], provider=named)
        assert found["timeZone"] == name
        starts = [instant(slot["startsAt"]) for slot in found["slots"]]
        assert starts == expected
        walls = [(slot["localStart"], slot["utcOffset"]) for slot in found["slots"]]
        assert len(set(walls)) == len(walls)
        for slot, at in zip(found["slots"], starts, strict=True):
            there = at.astimezone(zone)
            assert slot["localStart"] == there.replace(tzinfo=None, fold=0).isoformat()
            assert slot["utcOffset"] == there.isoformat(timespec="minutes")[16:]
        shown = [wall for wall, _ in walls].count(night.wall.isoformat())
        assert shown == (0 if way == "forward" else 2)


@pytest.mark.parametrize("way", ["forward", "back"])
async def test_an_hourly_grid_is_of_full_hours_again_after_a_change_by_half_an_hour(
    home: House, way: Way
) -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    night = next_night(zone, way)
    hourly = BookingRules(notice_minutes=0, advance_days=730, slot_interval_minutes=60)
    shop = await market.opened(home, rules=hourly, duration_minutes=30)
    provider, ada = await shop.provider(time_zone=zone.key), await shop.customer()
    times = {"earliest": night.half_hours[0], "latest": night.half_hours[-1]}
    expected = [at for at in night.half_hours if at.astimezone(zone).minute == 0]
    assert len(expected) == (23 if way == "forward" else 24)
    for named in (provider, None):
        assert await shop.starts(ada, provider=named, **times) == expected


async def test_kathmandus_grid_is_on_its_own_wall_clock(home: House) -> None:
    name = "Asia/Kathmandu"
    shop = await market.opened(
        home, rules=BookingRules(slot_interval_minutes=60), duration_minutes=60
    )
    provider, ada = await shop.provider(time_zone=name), await shop.customer()
    day: date = (shop.start + timedelta(days=1)).date()
    nine = datetime(day.year, day.month, day.day, 3, 15, tzinfo=UTC)
    found = await shop.slots(ada, earliest=nine - 30 * MINUTE, latest=nine, provider=provider)
    (slot,) = found["slots"]
    assert slot == {
        "startsAt": f"{day}T03:15:00Z",
        "endsAt": f"{day}T04:15:00Z",
        "localStart": f"{day}T09:00:00",
        "timeZone": name,
        "utcOffset": "+05:45",
        "providerCount": 1,
    }
    off = await shop.book(ada, providerId=provider.id, startsAt=nine + 45 * MINUTE)
    assert rules_of(off) == ["OFF_GRID"]
    assert instant(off["alternatives"][0]) == nine + HOUR
    made = await shop.booked(ada, providerId=provider.id, localStart=f"{day}T09:00", timeZone=name)
    assert made["startsAt"] == f"{day}T03:15:00Z"


@pytest.mark.parametrize(("way", "longest"), [("forward", 2), ("back", 4)])
async def test_three_hours_on_the_wall_are_as_long_as_the_clock_makes_them(
    home: House, way: Way, longest: int
) -> None:
    name = "America/New_York"
    night = next_night(ZoneInfo(name), way)
    lengths = {
        n: await market.opened(home, rules=RULES, duration_minutes=60 * n) for n in (2, 3, 4)
    }
    ada = await lengths[2].customer()
    one = night.half_hours[2]
    for length, shop in lengths.items():
        provider = await shop.provider(time_zone=name)
        override = {"day": f"{night.day}", "intervals": [{"opens": "01:00", "closes": "04:00"}]}
        hours = {"weeklyHours": [], "dateOverrides": [override]}
        await shop.act(provider, WORK, input=hours)
        made = await shop.book(ada, providerId=provider.id, startsAt=one)
        if length <= longest:
            assert made["__typename"] == "CreateBookingSuccess"
            assert instant(made["booking"]["endsAt"]) == one + length * HOUR
        else:
            assert rules_of(made) == ["OUTSIDE_HOURS"]
