"""Does a search for slots see everybody who could come, everything that is taken, and no more?"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, insert, update

from db import booking_rules, clock, reservations, slot_facts, slots
from db.ids import new_id
from db.tables import bookings, date_overrides, holds
from domain.availability import Block
from domain.booking_rules import Advance, BookingRule, BookingRules
from domain.house import HouseRules
from domain.places import Point
from domain.services import ServiceMode
from domain.slots import Place
from tests.factories import (
    WESTMINSTER,
    a_hold,
    add_booking,
    add_customer,
    add_provider,
    add_providers,
    add_service,
    an_address,
    fall_silent,
    now,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service
    from domain.slot_search import Calendar

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: The day after tomorrow. Read once, so that no test is cut in two by midnight.
NOON = datetime.combine(datetime.now(UTC).date() + 2 * DAY, time(12), UTC)
HERE = Place(country="GB", postal_code="SW1A 0AA", city="London", point=WESTMINSTER)
#: Some nine miles from Westminster, and some fifty.
CROYDON = Point(latitude=51.3714, longitude=-0.0977)
BRIGHTON = Point(latitude=50.8225, longitude=-0.1372)


def at_point(point: Point | None) -> dict[str, Any]:
    """The columns of a provider who works from there."""
    return {
        "latitude": point.latitude if point else None,
        "longitude": point.longitude if point else None,
    }


#: No buffers and an hour between starts: nothing but what a test is about.
PLAIN = {"slot_interval_minutes": 60, "buffer_before_minutes": 0, "buffer_after_minutes": 0}


async def a_plain_service(database: Database, *, rules: Any = None, **columns: Any) -> Service:
    """An hour's work."""
    kept = booking_rules.columns(BookingRules(**PLAIN | (rules or {})))
    return await add_service(database, **{"duration_minutes": 60, "rules": kept} | columns)


async def a_calendar(
    database: Database,
    service: Service,
    *,
    hours: int = 3,
    place: Place | None = HERE,
    **asked: Any,
) -> Calendar:
    """From noon on for so many hours."""
    async with database.read() as connection:
        wanted = {"earliest": NOON, "latest": NOON + (hours - 1) * HOUR} | asked
        return await slots.calendar(
            connection, service, place, at=await clock.now(connection), **wanted
        )


async def offered(database: Database, service: Service, **asked: Any) -> list[tuple[int, int]]:
    """The hour of each slot, and how many could take it."""
    found = await a_calendar(database, service, **asked)
    return [(slot.starts_at.hour, slot.provider_count) for slot in found.slots(100)]


async def take(
    database: Database, provider: Viewer, start: datetime, end: datetime, **columns: Any
) -> None:
    """Let a hold keep an hour of a provider's time."""
    customer = await add_customer(database)
    service = await add_service(database)
    kept = a_hold(
        id=new_id(),
        customer_id=customer.user_id,
        service_id=columns.pop("service_id", service.id),
        provider_id=provider.user_id,
        starts_at=start,
        ends_at=end,
        created_at=await now(database) - HOUR,
        expires_at=columns.pop("expires_at", await now(database) + HOUR),
    )
    address = columns.pop("address", an_address())
    async with database.begin() as tx:
        await tx.execute(
            insert(holds).values(
                id=kept.id,
                customer_id=kept.customer_id,
                service_id=kept.service_id,
                provider_id=kept.provider_id,
                starts_at=kept.starts_at,
                ends_at=kept.ends_at,
                created_at=kept.created_at,
                expires_at=kept.expires_at,
                city=address.city,
                postal_code=address.postal_code,
                country=address.country,
            )
        )
        await reservations.reserve(
            tx, provider.user_id, Block(starts_at=start, ends_at=end), hold=kept
        )


async def book(
    database: Database,
    service: Service,
    start: datetime,
    *,
    provider: Viewer | None = None,
    **changes: Any,
) -> Booking:
    """An hour of the service, with a provider or waiting for one."""
    customer = await add_customer(database)
    if provider is not None:
        changes |= {"provider_id": provider.user_id, "assigned_at": await now(database)}
    facts = {"starts_at": start, "ends_at": start + HOUR, "rules": service.rules} | changes
    return await add_booking(database, customer, service, **facts)


class TestWho:
    async def test_counts_those_who_are_active_and_offer_the_service(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service)
        await add_provider(database, service, approved_at=None)
        await add_provider(database, service, suspended_at=await now(database))
        await add_provider(database, await a_plain_service(database))

        assert await offered(database, service) == [(12, 1), (13, 1), (14, 1)]

    async def test_keeps_out_whom_the_place_is_too_far_for_by_their_own_radius(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        there = at_point(CROYDON)
        await add_provider(database, service, **there, radius_miles=8.0)
        await add_provider(database, service, **at_point(BRIGHTON), radius_miles=10.0)
        assert await offered(database, service) == []

        await add_provider(database, service, **there, radius_miles=10.0)
        await add_provider(database, service, **at_point(None))

        assert await offered(database, service, hours=1) == [(12, 2)]

    @pytest.mark.parametrize(
        ("place", "provider"), [(None, None), (None, WESTMINSTER), (WESTMINSTER, None)]
    )
    async def test_without_coordinates_of_both_the_postal_areas_say_how_far_it_is(
        self, database: Database, place: Point | None, provider: Point | None
    ) -> None:
        service = await a_plain_service(database)
        somewhere = Place(country="GB", postal_code="SW1A 0AA", city="London", point=place)
        croydon = at_point(provider) | {"postal_code": "CR0 1NX"}
        await add_provider(database, service, **croydon, radius_miles=8.0)
        await add_provider(database, service, **at_point(provider), postal_code="BN1 1AA")
        assert await offered(database, service, place=somewhere) == []

        near = await add_provider(database, service, **croydon, radius_miles=10.0)
        async with database.read() as connection:
            (found,) = await slot_facts.nearby(connection, service, somewhere)
        # From SW1 to CR.
        assert found.provider_id == near.user_id
        assert found.miles == pytest.approx(9.14, abs=0.01)

    async def test_a_place_that_is_nowhere_is_too_far_for_nobody(self, database: Database) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service, **at_point(BRIGHTON))
        somewhere = Place(country="GB", postal_code="?", city="London")

        assert await offered(database, service, hours=1, place=somewhere) == [(12, 1)]
        async with database.read() as connection:
            (found,) = await slot_facts.nearby(connection, service, somewhere)
            (remote,) = await slot_facts.nearby(connection, service, None)
        assert found.miles is None
        assert remote.miles is None
        assert await offered(database, service, hours=1, place=None) == [(12, 1)]

    async def test_a_named_provider_is_the_only_one(self, database: Database) -> None:
        service = await a_plain_service(database)
        one, other = await add_providers(database, service, count=2)
        await take(database, one, NOON, NOON + HOUR)

        mine = await offered(database, service, provider_id=one.user_id)

        assert mine == [(13, 1), (14, 1)]
        assert await offered(database, service, provider_id=other.user_id) == [
            (12, 1),
            (13, 1),
            (14, 1),
        ]

    async def test_a_named_provider_of_another_service_has_no_slots(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        stranger = await add_provider(
            database, await a_plain_service(database), time_zone="Asia/Tokyo"
        )

        found = await a_calendar(database, service, provider_id=stranger.user_id)

        assert found.slots(1) == ()
        assert found.diaries == []
        assert found.search.zone == ZoneInfo("Asia/Tokyo")


class TestZone:
    async def test_the_nearest_provider_dates_the_work(self, database: Database) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service, **at_point(CROYDON), time_zone="Europe/Paris")
        await add_provider(database, service, **at_point(WESTMINSTER), time_zone="Asia/Kathmandu")

        found = await a_calendar(database, service)

        assert found.search.zone == ZoneInfo("Asia/Kathmandu")
        assert {slot.local_start.minute for slot in found.slots(9)} == {0}
        assert {slot.starts_at.minute for slot in found.slots(9)} == {15}

    async def test_without_distances_somebody_of_the_same_city_dates_it(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        nowhere = at_point(None)
        for country, city, zone in (
            ("FR", "Paris", "Europe/Paris"),
            ("FR", "LONDON", "Europe/Berlin"),
            ("GB", "Leeds", "Europe/Dublin"),
            ("GB", "LONDON", "Europe/Lisbon"),
        ):
            await add_provider(
                database, service, **nowhere, country=country, city=city, time_zone=zone
            )

        async with database.read() as connection:
            assert await slots.zone_of(connection, service, HERE) == ZoneInfo("Europe/Lisbon")

    async def test_a_named_provider_dates_their_own_work(self, database: Database) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service, time_zone="Europe/London")
        abroad = await add_provider(database, service, **at_point(None), time_zone="Asia/Kathmandu")

        found = await a_calendar(database, service, provider_id=abroad.user_id)

        assert found.search.zone == ZoneInfo("Asia/Kathmandu")
        async with database.read() as connection:
            zone = await slots.zone_of(connection, service, HERE, provider_id=abroad.user_id)
        assert zone == ZoneInfo("Asia/Kathmandu")

    async def test_where_there_is_nobody_the_house_dates_it(self, database: Database) -> None:
        service = await a_plain_service(database)
        house = HouseRules(zone_name="America/Toronto")

        async with database.read() as connection:
            for asked in ({}, {"provider_id": new_id()}):
                zone = await slots.zone_of(connection, service, HERE, house=house, **asked)
                assert zone == ZoneInfo("America/Toronto")


class TestTaken:
    @pytest.mark.parametrize(
        "changes", [{}, {"needs_approval": True, "match_due_at": None}, {"paid_at": "now"}]
    )
    async def test_a_providers_bookings_are_taken_whatever_they_wait_for(
        self, database: Database, changes: dict[str, Any]
    ) -> None:
        service = await a_plain_service(database)
        provider = await add_provider(database, service)
        if "paid_at" in changes:
            changes = {"paid_at": await now(database)}
        await book(database, service, NOON, provider=provider, **changes)

        assert await offered(database, service) == [(13, 1), (14, 1)]

    async def test_a_hold_is_taken_until_it_expires_swept_or_not(self, database: Database) -> None:
        service = await a_plain_service(database)
        provider = await add_provider(database, service)
        await take(database, provider, NOON, NOON + HOUR)
        await take(
            database,
            provider,
            NOON + HOUR,
            NOON + 2 * HOUR,
            expires_at=await now(database) - timedelta(seconds=1),
        )

        assert await offered(database, service) == [(13, 1), (14, 1)]

    async def test_buffers_are_those_of_either_job_the_larger_of_the_two(
        self, database: Database
    ) -> None:
        service = await a_plain_service(
            database, rules={"slot_interval_minutes": 15, "buffer_after_minutes": 15}
        )
        provider = await add_provider(database, service)
        await book(
            database,
            service,
            NOON + 2 * HOUR,
            provider=provider,
            rules=BookingRules(buffer_before_minutes=30, buffer_after_minutes=0),
        )

        found = await a_calendar(database, service, hours=4)

        minutes = [(slot.starts_at - NOON) // timedelta(minutes=1) for slot in found.slots(99)]
        assert minutes == [0, 15, 30, 180]

    async def test_a_day_is_full_whatever_part_of_it_is_searched(self, database: Database) -> None:
        service = await a_plain_service(database)
        provider = await add_provider(database, service, daily_cap=2, time_zone="UTC")
        for hour in (0, 22):
            await book(database, service, NOON.replace(hour=hour), provider=provider)

        assert await offered(database, service) == []
        assert await offered(database, service, earliest=NOON + DAY, latest=NOON + DAY + HOUR) == [
            (12, 1),
            (13, 1),
        ]

    async def test_working_days_are_counted_from_today_not_from_where_the_search_begins(
        self, database: Database
    ) -> None:
        service = await a_plain_service(
            database, rules={"advance": Advance.BOOKABLE_DAYS, "advance_days": 8}
        )
        provider = await add_provider(database, service, time_zone="UTC")
        blocked = [
            {"id": new_id(), "provider_id": provider.user_id, "day": NOON.date() - n * DAY}
            for n in (0, 1)
        ]
        async with database.begin() as tx:
            await tx.execute(insert(date_overrides), blocked)

        # Today and seven more: the last is ten days from today, as two days are blocked.
        wide: dict[str, Any] = {"earliest": NOON + 6 * DAY, "latest": NOON + 12 * DAY}
        days = {
            slot.starts_at.date()
            for slot in (await a_calendar(database, service, **wide)).slots(999)
        }

        assert max(days) == NOON.date() + 7 * DAY


class TestWaiting:
    async def test_a_booking_that_waits_uses_up_one_of_the_providers(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        await add_providers(database, service, count=2)
        await book(database, service, NOON)
        assert await offered(database, service, hours=2) == [(12, 1), (13, 2)]

        await book(database, service, NOON + timedelta(minutes=30), needs_approval=True)

        assert await offered(database, service, hours=2) == [(13, 1)]

    @pytest.mark.parametrize(
        "changes",
        [
            {"needs_terms": True, "match_due_at": None},
            {"needs_approval": True, "match_due_at": None},
            {"paid_at": "now"},
            {},
        ],
    )
    async def test_whatever_it_waits_for(self, database: Database, changes: dict[str, Any]) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service)
        if "paid_at" in changes:
            changes = {"paid_at": await now(database)}
        await book(database, service, NOON, **changes)

        assert await offered(database, service, hours=1) == []

    async def test_but_not_when_it_is_over_elsewhere_or_for_another_service(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service)
        over = await book(database, service, NOON)
        async with database.begin() as tx:
            cancelled = {"cancelled_at": await clock.now(tx), "status": "CANCELLED"}
            await tx.execute(update(bookings).where(bookings.c.id == over.id).values(cancelled))
        await book(database, service, NOON, address=an_address(point=BRIGHTON))
        leeds = {"point": None, "city": "Leeds"}
        for code in ("LS1 1UR", "?"):
            await book(database, service, NOON, address=an_address(**leeds, postal_code=code))
        await book(database, await a_plain_service(database), NOON)

        assert await offered(database, service, hours=1) == [(12, 1)]

    async def test_without_a_place_everybody_waits_for_the_same_providers(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database, mode=ServiceMode.VIDEO)
        await add_provider(database, service)
        address = an_address(point=None, city="Leeds")
        await book(database, service, NOON, address=address)

        assert await offered(database, service, hours=1, place=None) == []

    async def test_the_room_around_it_counts_too(self, database: Database) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service)
        rules = BookingRules(buffer_before_minutes=0, buffer_after_minutes=60)
        await book(database, service, NOON - HOUR, rules=rules)

        assert await offered(database, service, hours=2) == [(13, 1)]

    @pytest.mark.parametrize(("speed", "free"), [(10, [(13, 1)]), (40, [(12, 1), (13, 1)])])
    async def test_so_does_the_way_from_there_at_its_own_speed(
        self, database: Database, speed: int, free: list[tuple[int, int]]
    ) -> None:
        service = await a_plain_service(database, rules={"travel_mph": 100})
        await add_provider(database, service)
        # Nine miles away, and over at half past eleven.
        rules = BookingRules(buffer_before_minutes=0, buffer_after_minutes=0, travel_mph=speed)
        place, over = an_address(point=CROYDON), NOON - HOUR / 2
        await book(database, service, over - HOUR, rules=rules, address=place, ends_at=over)

        assert await offered(database, service, hours=2) == free

    async def test_a_named_provider_can_be_booked_all_the_same(self, database: Database) -> None:
        service = await a_plain_service(database)
        provider = await add_provider(database, service)
        await book(database, service, NOON)

        named = await offered(database, service, hours=1, provider_id=provider.user_id)

        assert named == [(12, 1)]


class TestCapacity:
    async def test_bookings_and_holds_of_the_district_count_together(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database, rules={"capacity": 2})
        one, other, *_ = await add_providers(database, service, count=5)
        await book(database, service, NOON, provider=one)
        assert await offered(database, service, hours=2) == [(12, 4), (13, 5)]

        await take(database, other, NOON, NOON + HOUR, service_id=service.id)

        assert await offered(database, service, hours=2) == [(13, 5)]
        assert (await a_calendar(database, service, hours=1, latest=NOON)).reasons() == (
            BookingRule.CAPACITY,
            BookingRule.SLOT_TAKEN,
        )

    async def test_other_districts_and_services_and_what_is_over_do_not(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database, rules={"capacity": 1})
        people = await add_providers(database, service, count=6)
        elsewhere = an_address(postal_code="E1 6AN")
        await book(database, service, NOON, provider=people[0], address=elsewhere)
        await take(
            database,
            people[1],
            NOON,
            NOON + HOUR,
            service_id=service.id,
            address=an_address(country="JE"),
        )
        await book(database, await a_plain_service(database), NOON, provider=people[2])
        over = await book(database, service, NOON, provider=people[3])
        async with database.begin() as tx:
            done = {"cancelled_at": await clock.now(tx), "status": "CANCELLED"}
            await tx.execute(update(bookings).where(bookings.c.id == over.id).values(done))
            await reservations.release(tx, over.id, at=await clock.now(tx))
        await take(
            database,
            people[4],
            NOON,
            NOON + HOUR,
            service_id=service.id,
            expires_at=await now(database) - timedelta(seconds=1),
        )

        assert await offered(database, service, hours=1) == [(12, 3)]

    async def test_the_booking_to_be_moved_is_left_out(self, database: Database) -> None:
        service = await a_plain_service(database)
        kept, moved = [await book(database, service, NOON) for _ in range(2)]

        async with database.read() as connection:
            within = NOON, NOON + HOUR
            found = await slots.alike(
                connection, service.id, HERE, within=within, leave_out=moved.id
            )
            touching = await slots.alike(
                connection, service.id, HERE, within=(NOON + HOUR, NOON + 2 * HOUR)
            )

        assert found == [(kept.starts_at, kept.ends_at)]
        assert touching == []


class TestAlternatives:
    async def alternatives(
        self, database: Database, booking: Booking, provider: Viewer
    ) -> tuple[datetime, ...]:
        async with database.read() as connection:
            return await slots.alternatives(
                connection,
                booking,
                booking.block,
                provider_id=provider.user_id,
                at=await clock.now(connection),
            )

    async def test_are_the_next_three_starts_of_the_same_provider(self, database: Database) -> None:
        service = await a_plain_service(database)
        provider, _ = await add_providers(database, service, count=2)
        await book(database, service, NOON, provider=provider)
        await book(database, service, NOON + 2 * HOUR, provider=provider)
        wanted = await book(database, service, NOON)

        found = await self.alternatives(database, wanted, provider)

        assert found == tuple(NOON + hours * HOUR for hours in (1, 3, 4))

    async def test_the_booking_itself_is_not_in_its_own_way(self, database: Database) -> None:
        service = await a_plain_service(database, rules={"capacity": 1})
        provider = await add_provider(database, service)
        mine = await book(database, service, NOON, provider=provider)

        found = await self.alternatives(database, mine, provider)

        assert found == tuple(NOON + hours * HOUR for hours in (0, 1, 2))

    async def test_keep_to_the_capacity_of_the_service(self, database: Database) -> None:
        service = await a_plain_service(database, rules={"capacity": 1})
        provider, other = await add_providers(database, service, count=2)
        await book(database, service, NOON + HOUR, provider=other)
        mine = await book(database, service, NOON, provider=provider)

        found = await self.alternatives(database, mine, provider)

        assert found == tuple(NOON + hours * HOUR for hours in (0, 2, 3))

    async def test_there_are_none_of_a_provider_who_is_not_there(self, database: Database) -> None:
        service = await a_plain_service(database)
        wanted = await book(database, service, NOON)
        stranger = await add_customer(database)

        assert await self.alternatives(database, wanted, stranger) == ()


class TestSomeone:
    async def is_free(self, database: Database, service: Service, **asked: Any) -> bool:
        facts: dict[str, Any] = {"starts_at": NOON, "immediate": False} | asked
        async with database.read() as connection:
            return await slots.someone_is_free(
                connection, service, HERE, at=await clock.now(connection), **facts
            )

    async def test_is_free_while_there_are_more_of_them_than_wait(self, database: Database) -> None:
        service = await a_plain_service(database)
        assert not await self.is_free(database, service)

        await add_provider(database, service)
        assert await self.is_free(database, service)

        waiting = await book(database, service, NOON)
        assert not await self.is_free(database, service)
        assert await self.is_free(database, service, leave_out=waiting.id)

    async def test_is_found_behind_any_number_of_nearer_ones_who_are_not_free(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        nearer = await add_providers(database, service, count=70)
        for provider in nearer:
            await take(database, provider, NOON, NOON + HOUR)
        assert not await self.is_free(database, service)

        await add_provider(database, service, **at_point(CROYDON))
        assert await self.is_free(database, service)

    async def test_has_to_be_on_shift_and_heard_from_for_work_wanted_now(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service, on_shift=False)
        soon = {"starts_at": await now(database) + HOUR, "immediate": True}
        assert not await self.is_free(database, service, **soon)

        provider = await add_provider(database, service)
        assert await self.is_free(database, service, **soon)

        await fall_silent(database, provider)
        assert not await self.is_free(database, service, **soon)

    async def test_work_wanted_now_needs_neither_notice_nor_the_grid(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service)
        soon = await now(database) + timedelta(minutes=31)

        assert await self.is_free(database, service, starts_at=soon, immediate=True)
        assert not await self.is_free(database, service, starts_at=soon)


class TestWaysOn:
    async def test_are_later_slots_providers_by_name_and_the_waitlist(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        near, far = [
            await add_provider(database, service, **at_point(point))
            for point in (WESTMINSTER, CROYDON)
        ]
        never = await add_provider(database, service)
        await take(database, never, NOON - DAY, NOON + 20 * DAY)
        for provider in (near, far):
            await take(database, provider, NOON, NOON + HOUR)

        async with database.read() as connection:
            found = await slots.ways_on(
                connection, service, HERE, starts_at=NOON, at=await clock.now(connection)
            )

        assert [(slot.starts_at, slot.provider_count) for slot in found.later_slots] == [
            (NOON + hours * HOUR, 2) for hours in range(1, 6)
        ]
        assert found.provider_ids == (near.user_id, far.user_id)
        assert found.waitlist.service_id == service.id
        assert (found.waitlist.earliest, found.waitlist.latest) == (NOON, NOON + DAY)


class TestChoice:
    async def choose(self, database: Database, service: Service, **asked: Any) -> Any:
        facts: dict[str, Any] = {"starts_at": NOON, "first": 25} | asked
        async with database.read() as connection:
            return await slots.choice(
                connection, service, HERE, at=await clock.now(connection), **facts
            )

    async def test_those_who_are_free_come_first_and_nearest_first_among_them(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        busy = await add_provider(database, service)
        far = await add_provider(database, service, **at_point(CROYDON))
        unknown = await add_provider(database, service, **at_point(None), postal_code="?")
        near = await add_provider(database, service, on_shift=False)
        await take(database, busy, NOON, NOON + 2 * HOUR)

        found = await self.choose(database, service)

        assert [(one.provider_id, one.distance_miles, one.is_free) for one in found.providers] == [
            (near.user_id, 1, True),
            (far.user_id, 9, True),
            (unknown.user_id, None, True),
            (busy.user_id, 1, False),
        ]
        assert [slot.starts_at for slot in found.providers[0].next_slots] == [
            NOON + hours * HOUR for hours in range(3)
        ]
        assert [slot.starts_at for slot in found.providers[3].next_slots] == [
            NOON + hours * HOUR for hours in range(2, 5)
        ]
        assert found.starts_at == NOON
        assert found.ways_on is None
        assert len((await self.choose(database, service, first=2)).providers) == 2

    async def test_each_is_booked_by_their_own_clock(self, database: Database) -> None:
        service = await a_plain_service(database)
        await add_provider(database, service, time_zone="Europe/London")
        abroad = await add_provider(database, service, **at_point(None), time_zone="Asia/Kathmandu")

        found = await self.choose(database, service)

        by_id = {one.provider_id: one for one in found.providers}
        theirs = by_id[abroad.user_id].next_slots
        assert [slot.time_zone for slot in theirs] == ["Asia/Kathmandu"] * 3
        assert {slot.local_start.minute for slot in theirs} == {0}
        assert {slot.starts_at.minute for slot in theirs} == {15}

    async def test_now_is_for_those_on_shift_and_the_others_are_booked_for_later(
        self, database: Database
    ) -> None:
        service = await a_plain_service(database)
        off = await add_provider(database, service, on_shift=False)

        nobody = await self.choose(database, service, starts_at=None)

        assert [(one.provider_id, one.is_free) for one in nobody.providers] == [
            (off.user_id, False)
        ]
        assert len(nobody.providers[0].next_slots) == 3
        assert nobody.ways_on.provider_ids == (off.user_id,)
        assert len(nobody.ways_on.later_slots) == 5
        lead = nobody.starts_at - await now(database)
        assert timedelta(minutes=29) < lead <= timedelta(minutes=31)

        on = await add_provider(database, service)
        somebody = await self.choose(database, service, starts_at=None)
        assert [one.provider_id for one in somebody.providers if one.is_free] == [on.user_id]
        assert somebody.ways_on is None


class Statements:
    """Counts what is sent to a database."""

    def __init__(self, database: Database) -> None:
        self.engine = database.engine.sync_engine
        self.number = 0

    def _count(self, *_: Any) -> None:
        self.number += 1

    def __enter__(self) -> Statements:
        event.listen(self.engine, "before_cursor_execute", self._count)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._count)


async def test_a_search_takes_eight_statements_at_most_however_many_it_is_about(
    database: Database,
) -> None:
    service = await a_plain_service(database, rules={"capacity": 900})
    numbers = []
    for several, days in ((1, 1), (300, 31), (300, 2)):
        people = await add_providers(database, service, count=several)
        await book(database, service, NOON, provider=people[0])
        with Statements(database) as sent:
            found = await a_calendar(database, service, latest=NOON + days * DAY)
            numbers.append(sent.number)
        assert found.slots(500)[-1].provider_count >= several

    # The moment of asking, providers, usual weeks, diaries,
    # what is alike and what waits; for many, two more say how to plan.
    assert numbers == [6, 8, 8]
