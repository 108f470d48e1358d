"""Is a provider's time taken with all that its neighbours have to know of it?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from db import diaries, reservations
from db.ids import new_id
from db.tables import holds
from db.tables import reservations as table
from domain.availability import Block
from domain.booking_rules import BookingRules
from tests.factories import (
    WESTMINSTER,
    a_hold,
    add_booking,
    add_customer,
    add_provider,
    add_service,
    now,
)

if TYPE_CHECKING:
    from db.engine import Database
    from domain.people import Viewer

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START = datetime(2031, 5, 5, 9, tzinfo=UTC)


async def taken(database: Database, provider: Viewer) -> list[Block]:
    """What is taken of a provider's day."""
    async with database.read() as connection:
        day = START - HOUR, START + 12 * HOUR
        found = await diaries.of_providers(connection, [provider.user_id], hours=day, work=day)
    return list(found[provider.user_id].taken)


async def test_a_booking_takes_its_window_with_its_own_room_and_speed(database: Database) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    booking = await add_booking(
        database,
        await add_customer(database),
        service,
        starts_at=START,
        ends_at=START + HOUR,
        provider_id=provider.user_id,
        assigned_at=START - 24 * HOUR,
        rules=BookingRules(buffer_before_minutes=5, buffer_after_minutes=10, travel_mph=35),
    )

    assert await taken(database, provider) == [booking.block]
    assert booking.block.travel_mph == 35


async def test_so_does_a_hold(database: Database) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    customer = await add_customer(database)
    hold = a_hold(
        id=new_id(),
        customer_id=customer.user_id,
        service_id=service.id,
        provider_id=provider.user_id,
        starts_at=START,
        ends_at=START + HOUR,
        created_at=await now(database),
        expires_at=await now(database) + HOUR,
    )
    block = Block(
        starts_at=START,
        ends_at=START + HOUR,
        before=5 * MINUTE,
        after=10 * MINUTE,
        point=WESTMINSTER,
        travel_mph=7,
    )
    kept = ("id", "customer_id", "service_id", "provider_id", "starts_at", "ends_at")
    row = {name: getattr(hold, name) for name in (*kept, "created_at", "expires_at")}
    where = {"city": "London", "postal_code": "SW1A 0AA", "country": "GB"}
    async with database.begin() as tx:
        await tx.execute(insert(holds).values(row | where))
        await reservations.reserve(tx, provider.user_id, block, hold=hold)

    assert await taken(database, provider) == [block]


async def test_time_that_says_nothing_of_a_speed_has_the_one_there_always_was(
    database: Database,
) -> None:
    service = await add_service(database)
    provider = await add_provider(database, service)
    booking = await add_booking(database, await add_customer(database), service)
    async with database.begin() as tx:
        # As an instance of the release before writes it while this one takes over.
        row = {"provider_id": provider.user_id, "booking_id": booking.id, "starts_at": START}
        added = {"id": new_id(), "ends_at": START + HOUR} | row
        await tx.execute(insert(table).values(added))
        speeds = await tx.scalars(select(table.c.travel_mph).where(table.c.id == added["id"]))

    assert list(speeds) == [20]
