"""How long does it take to find whom to ask, among how many providers of a service?

    python -m benchmarks.matches --providers 1000 10000 100000 --rounds 60

The whole step that opens a booking's first wave, behind the door and on a real database: locks,
candidates, ranking, three offers with their events. Providers are spread evenly over Great Britain
(`spread`: more providers mean more in range of a place, slowly), or all of them work in one town
(`packed`: all of them are in range). They travel 5 to 25 miles, four in ten are on shift, one in
ten has time off, and each has a job on the day. Milliseconds for one booking, and beside it:

  in range   how many providers cover the place
  query      the statement that finds the candidates, alone
"""

from __future__ import annotations

import random
import statistics
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from benchmarks.report import main, milliseconds
from db import candidates, clock, matching
from db.engine import Database
from domain.places import Point
from tests import factories

if TYPE_CHECKING:
    import argparse

    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service
    from tests import servers

#: South, north, west and east of where the providers work: Great Britain, and one town.
SPREADS: Final = {
    "spread": (50.5, 58.0, -4.5, 1.0),
    "packed": (51.45, 51.55, -0.2, -0.04),
}

_PEOPLE: Final = """
INSERT INTO users (id, email, password_hash, role, given_name, family_name, time_zone)
SELECT uuid, uuid || '@bench.example', '-', 'PROVIDER', 'Pat', 'Provider', 'Europe/London'
FROM (SELECT gen_random_uuid() AS uuid FROM generate_series(1, CAST(:number AS int))) AS made
"""
_PROVIDERS: Final = """
INSERT INTO providers (id, trade, time_zone, country, city, postal_code, latitude, longitude,
    radius_miles, years_experience, rating, completed_jobs, approved_at, profile_percent, keywords)
SELECT id, 'CLEANING', 'Europe/London', 'GB', 'Town ' || floor(random() * 50), 'SW1A 2JR',
    CAST(:south AS float8) + random() * CAST(:height AS float8),
    CAST(:west AS float8) + random() * CAST(:width AS float8),
    5 + floor(random() * 21), floor(random() * 20), 3.5 + random() * 1.5, floor(random() * 100),
    now() - interval '1 year', 80 + floor(random() * 21), ARRAY['oven', 'carpet']
FROM users WHERE role = 'PROVIDER'
"""
_REST: Final = (
    """
INSERT INTO provider_services (provider_id, service_id)
SELECT id, CAST(:service AS uuid) FROM providers
""",
    """
INSERT INTO working_hours (provider_id, weekday, opens, closes)
SELECT id, day, time '07:00' + interval '1 hour' * (day % 3), '20:00'
FROM providers, generate_series(1, 6) AS day
""",
    """
INSERT INTO shifts (id, provider_id, started_at, heartbeat_at)
SELECT gen_random_uuid(), id, now() - interval '1 hour', now() FROM providers
WHERE random() < 0.4
""",
    """
INSERT INTO time_off (id, provider_id, starts_at, ends_at, requested_at, requested_by)
SELECT gen_random_uuid(), id, day, day + interval '2 days', now(), id
FROM providers, (SELECT CAST(:day AS timestamptz) AS day) AS theirs WHERE random() < 0.1
""",
    """
INSERT INTO holds (id, customer_id, service_id, provider_id, starts_at, ends_at, city, postal_code,
    country, created_at, expires_at, waitlist_entry_id)
SELECT gen_random_uuid(), CAST(:customer AS uuid), CAST(:service AS uuid), id, start,
    start + interval '1 hour', 'London', 'SW1A 2JR', 'GB', now(), now() + interval '1 day',
    gen_random_uuid()
FROM (SELECT id, CAST(:day AS timestamptz) + interval '15 minutes' * (28 + floor(random() * 48))
      AS start FROM providers) AS busy
""",
    """
INSERT INTO reservations (id, provider_id, hold_id, starts_at, ends_at, expires_at, before_minutes,
    after_minutes)
SELECT gen_random_uuid(), provider_id, id, starts_at, ends_at, expires_at, 15, 15 FROM holds
""",
)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where providers are, and who asks for them."""

    database: Database
    service: Service
    customer: Viewer
    day: datetime
    within: tuple[float, float, float, float]
    chance: random.Random

    async def booking(self) -> Booking:
        """Work at a place among the providers, on the day."""
        south, north, west, east = self.within
        place = Point(
            latitude=self.chance.uniform(south, north), longitude=self.chance.uniform(west, east)
        )
        start = self.day + timedelta(minutes=self.chance.randrange(9 * 60, 16 * 60, 15))
        return await factories.add_booking(
            self.database,
            self.customer,
            self.service,
            starts_at=start,
            address=factories.an_address(point=place, city="Town 7"),
            keywords=("oven",),
        )


async def furnish(database: Database, number: int, spread: str) -> Stage:
    """So many providers of one service."""
    service = await factories.add_service(database)
    customer = await factories.add_customer(database)
    now = await factories.now(database)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=3)
    day += timedelta(days=1) if day.isoweekday() == 7 else timedelta()
    south, north, west, east = SPREADS[spread]
    facts = {
        "number": number,
        "service": service.id,
        "customer": customer.user_id,
        "day": day,
        "south": south,
        "height": north - south,
        "west": west,
        "width": east - west,
    }
    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL statement_timeout = 0"))
        await tx.execute(text("SELECT setseed(0.5)"))
        for statement in (_PEOPLE, _PROVIDERS, *_REST):
            query = text(statement)
            await tx.execute(query, {name: facts[name] for name in query.compile().params})
    async with database.read() as connection:
        await connection.execute(text("SET statement_timeout = 0"))
        await connection.execute(text("VACUUM ANALYZE"))
    return Stage(
        database=database,
        service=service,
        customer=customer,
        day=day,
        within=SPREADS[spread],
        chance=random.Random(20260601),  # a repeatable workload, not a secret
    )


class Undone(Exception):
    """Nothing that is measured is kept."""


async def matched(stage: Stage, booking: Booking) -> float:
    """Open the first wave: seconds."""
    seconds = 0.0
    with suppress(Undone):
        async with stage.database.begin() as tx:
            begun = perf_counter()
            await matching.advance(tx, booking.id)
            seconds = perf_counter() - begun
            raise Undone
    return seconds


async def asked(stage: Stage, booking: Booking) -> tuple[float, int, int]:
    """The candidates alone: seconds, how many, and how many cover the place."""
    work = candidates.work_of(booking)
    point = booking.address.point
    async with stage.database.read() as connection:
        at = await clock.now(connection)
        begun = perf_counter()
        found = await candidates.eligible(connection, work, at=at)
        seconds = perf_counter() - begun
        covering = await connection.scalar(
            text(
                "SELECT count(*) FROM providers WHERE coverage @> box(point(:longitude, :latitude))"
            ),
            {"longitude": point and point.longitude, "latitude": point and point.latitude},
        )
    return seconds, len(found), int(covering)


async def among(
    template: servers.Template, number: int, spread: str, rounds: int
) -> dict[str, Any]:
    """The figures for so many providers."""
    url = await template.clone()
    database = Database(url.replace("postgresql:", "postgresql+asyncpg:"), name="benchmark")
    try:
        stage = await furnish(database, number, spread)
        steps, queries, found, covering = [], [], [], []
        for turn in range(rounds + 10):
            booking = await stage.booking()
            step = await matched(stage, booking)
            query, several, cover = await asked(stage, booking)
            if turn >= 10:  # connections and plans are warm
                steps.append(step)
                queries.append(query)
                found.append(several)
                covering.append(cover)
    finally:
        await database.close()
        template.drop(url)
    return {
        "providers": number,
        "spread": spread,
        "in_range": round(statistics.mean(covering)),
        "candidates": round(statistics.mean(found)),
        "match": milliseconds(steps),
        "query": milliseconds(queries),
    }


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures for each number of providers, spread over the country and packed."""
    sizes = [
        await among(template, number, spread, chosen.rounds)
        for spread in chosen.spreads
        for number in chosen.providers
    ]
    return {"rounds": chosen.rounds, "among": sizes}


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--providers", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--spreads", nargs="+", choices=tuple(SPREADS), default=list(SPREADS))
    parser.add_argument("--rounds", type=int, default=60)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    return [
        (
            f"first wave among {one['providers']} providers, {one['spread']}",
            f"p50 {one['match']['p50_ms']} ms, p95 {one['match']['p95_ms']} ms; query p50 "
            f"{one['query']['p50_ms']} ms; {one['in_range']} in range, "
            f"{one['candidates']} candidates",
        )
        for one in figures["among"]
    ]


if __name__ == "__main__":
    main("matches", options, measure, rows, __doc__)
