"""Is what an older release wrote still there, and true, after the schema has moved on?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import text

from db import bookings, diaries, profiles, providers, schema, services
from db.engine import Database
from domain.availability import Block
from domain.booking_rules import BookingRules
from domain.booking_steps import BookingStatus
from domain.history import Source
from tests.factories import NOW, WESTMINSTER
from tests.servers import with_driver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection

    from tests.servers import Template

CUSTOMER, PROVIDER, STAFF, SERVICE, TAKEN, DONE = (UUID(int=n) for n in range(1, 7))
#: Two more providers: one whom the house has approved, one who has said more and waits.
APPROVED, WAITING = UUID(int=7), UUID(int=8)
START = NOW + timedelta(days=1)

#: What the first release kept of two bookings: one that is to come, one that was done early.
_WRITTEN = (
    """INSERT INTO users (id, email, password_hash, role, given_name, family_name, time_zone)
       VALUES (:customer, 'c@example.com', '-', 'CUSTOMER', 'C', 'C', 'UTC'),
              (:provider, 'p@example.com', '-', 'PROVIDER', 'P', 'P', 'UTC'),
              (:staff, 's@example.com', '-', 'DISPATCHER', 'S', 'S', 'UTC'),
              (:approved, 'a@example.com', '-', 'PROVIDER', 'A', 'A', 'UTC'),
              (:waiting, 'w@example.com', '-', 'PROVIDER', 'W', 'W', 'UTC')""",
    """INSERT INTO services (id, code, name, description, trade, mode, duration_minutes,
                             price_minor, currency, approval, active)
       VALUES (:service, 'clean', 'Clean', '', 'CLEANING', 'ON_SITE', 120, 0, 'GBP', 'MANUAL', true)
    """,
    """INSERT INTO providers (id, trade, time_zone, country, city, postal_code, radius_miles)
       VALUES (:provider, 'CLEANING', 'UTC', 'GB', 'London', 'SW1A 2JR', 10),
              (:approved, 'CLEANING', 'UTC', 'GB', 'London', 'SW1A 2JR', 10),
              (:waiting, 'CLEANING', 'UTC', 'GB', 'London', 'SW1A 2JR', 10)""",
    """UPDATE providers SET approved_at = :now WHERE id = :approved""",
    """UPDATE providers SET about = 'Hello', years_experience = 3, latitude = :latitude,
                            longitude = :longitude
       WHERE id = :waiting""",
    "INSERT INTO provider_services (service_id, provider_id) VALUES (:service, :waiting)",
    """INSERT INTO working_hours (provider_id, weekday, opens, closes)
       VALUES (:waiting, 1, '09:00', '17:00')""",
    """INSERT INTO bookings (id, customer_id, service_id, provider_id, kind, starts_at, ends_at,
                             line1, city, postal_code, country, latitude, longitude, price_minor,
                             currency, needs_approval, requested_at, approved_at, assigned_at,
                             paid_at, started_at, completed_at, status, version)
       SELECT id, :customer, :service, :provider, 'SCHEDULED', :start, :end, '1', 'London',
              'SW1A 0AA', 'GB', :latitude, :longitude, 0, 'GBP', true, :now, :now, :now, :now,
              completed_at, completed_at, status, 4
       FROM (VALUES (:taken, NULL, 'CONFIRMED'), (:done, :now, 'COMPLETED'))
            AS made (id, completed_at, status)""",
    """INSERT INTO reservations (id, provider_id, booking_id, starts_at, ends_at, released_at)
       VALUES (:taken, :provider, :taken, :start, :end, NULL),
              (:done, :provider, :done, :start, :end, :now)""",
    """INSERT INTO booking_history (booking_id, version, at, actor_id, before, after, act)
       VALUES (:taken, 1, :now, :customer, NULL, 'AWAITING_APPROVAL', 'REQUEST'),
              (:taken, 2, :now, :staff, 'AWAITING_APPROVAL', 'PENDING', 'APPROVE'),
              (:taken, 3, :now, :provider, 'PENDING', 'CONFIRMED', 'ASSIGN'),
              (:taken, 4, :now, NULL, 'CONFIRMED', 'CONFIRMED', 'MATCH')""",
)


@pytest.fixture
async def of_the_first_release(template: Template) -> AsyncIterator[Database]:
    """A database as the first release left it."""
    url = await template.make_empty()
    database = Database(with_driver(url))
    async with schema.exclusive(database) as connection:
        await connection.run_sync(_upgrade_to, "0001")
    facts: dict[str, Any] = {
        "customer": CUSTOMER,
        "provider": PROVIDER,
        "staff": STAFF,
        "service": SERVICE,
        "taken": TAKEN,
        "done": DONE,
        "approved": APPROVED,
        "waiting": WAITING,
        "now": NOW,
        "start": START,
        "end": START + timedelta(hours=2),
        "latitude": WESTMINSTER.latitude,
        "longitude": WESTMINSTER.longitude,
    }
    async with database.begin() as tx:
        for statement in _WRITTEN:
            used = {name: value for name, value in facts.items() if f":{name}" in statement}
            await tx.execute(text(_typed(statement)), used)
    yield database
    await database.close()
    template.drop(url)


def _typed(statement: str) -> str:
    # In a list of values PostgreSQL cannot tell what a parameter is.
    values = statement.replace(
        "(:taken, NULL,", "(CAST(:taken AS uuid), CAST(NULL AS timestamptz),"
    )
    return values.replace(
        "(:done, :now, 'COMPLETED')", "(:done, CAST(:now AS timestamptz), 'COMPLETED')"
    )


def _upgrade_to(connection: Connection, revision: str) -> None:
    command.upgrade(schema.config(connection), revision)
    connection.commit()


async def test_bookings_keep_their_facts_their_time_and_their_history(
    of_the_first_release: Database,
) -> None:
    database = of_the_first_release
    await schema.upgrade(database)

    async with database.read() as connection:
        taken = await bookings.get(connection, TAKEN)
        done = await bookings.get(connection, DONE)
        entries = (await bookings.histories(connection, [TAKEN]))[TAKEN]
        hour = START, START + timedelta(hours=1)
        kept = await diaries.of_providers(connection, [PROVIDER], hours=hour, work=hour)
        service = await services.get(connection, SERVICE)

    assert (taken.status, done.status) == (BookingStatus.CONFIRMED, BookingStatus.COMPLETED)
    assert taken.rules == service.rules == BookingRules()
    assert [entry.source for entry in entries] == [
        Source.CUSTOMER,
        Source.STAFF,
        Source.PROVIDER,
        Source.CALLOUT,
    ]
    quarter = timedelta(minutes=15)
    block = Block(
        starts_at=START,
        ends_at=START + timedelta(hours=2),
        before=quarter,
        after=quarter,
        point=WESTMINSTER,
        booking_id=TAKEN,
    )
    by_id = {one.booking_id: one for one in kept[PROVIDER].taken}
    assert by_id[TAKEN] == block
    assert by_id[DONE].done


async def test_who_was_approved_keeps_work_and_others_are_as_complete_as_they_were(
    of_the_first_release: Database,
) -> None:
    database = of_the_first_release
    await schema.upgrade(database)
    known = [PROVIDER, APPROVED, WAITING]

    async with database.read() as connection:
        found = {one.id: one for one in await providers.by_ids(connection, known)}
        reckoned = await profiles.completions(connection, known)

    percents = {uid: one.profile_percent for uid, one in found.items()}
    assert percents == {PROVIDER: 0, APPROVED: 80, WAITING: 60}
    # A postal code that is known is found when the profile is reckoned next.
    assert {uid: one.percent for uid, one in reckoned.items()} == {
        PROVIDER: 15,
        APPROVED: 80,
        WAITING: 60,
    }
    async with database.begin() as tx:
        await profiles.reckon(tx, APPROVED)
        assert (await providers.get(tx, APPROVED)).profile_percent == 80
