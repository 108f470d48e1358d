"""How long does it take to give away everything that waits, and what is that worth?

    python -m benchmarks.batch --bookings 100 500 --providers 3000 --rounds 3

A run of the automatic assignment, on a real database: reading who might do what, planning, and
giving it away. The bookings of three days and the providers are spread over a city thirty miles
across. Each booking has been offered to some who have not answered, and a third of the providers
have work already. Beside it, what taking one booking after the other would have cost; costs are in
miles (docs/decisions/0018).
"""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from benchmarks.report import main, milliseconds
from db import auto_assign, batch_candidates, bookings, candidates, clock, offers
from db.engine import Database
from db.ids import new_id
from domain.matching import V1, batch
from domain.matching.pairs import Waiting
from domain.offers import Wave
from domain.places import Point
from gateways.assignment import least_cost
from tests import factories, invariants

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service
    from tests import servers

_DAYS: Final = 3
#: How many have been offered each booking.
_ASKED: Final = 20
_MILES: Final = 15.0
#: Degrees from the middle of the city to its edge, to the north and to the east.
_NORTH, _EAST = 0.217, 0.349


async def furnish(database: Database, several: int, waiting: int) -> list[UUID]:
    """A city, always the same, and the bookings that wait in it."""
    chance = random.Random(20260601)  # a repeatable workload, not a secret
    service = await factories.add_service(database)
    people = await factories.add_providers(database, service, count=several, daily_cap=3)
    async with database.begin() as tx:
        await tx.execute(text("SELECT setseed(0.5)"))
        await tx.execute(
            text(
                "UPDATE providers SET radius_miles = 20,"
                f" latitude = 51.5 + (random() * 2 - 1) * {_NORTH},"
                f" longitude = -0.12 + (random() * 2 - 1) * {_EAST},"
                " rating = CASE WHEN random() < 0.8 THEN 3 + round(random()::numeric * 2, 2) END,"
                " completed_jobs = floor(random() * 80)"
            )
        )
    ids = await _book(database, service, people, waiting, chance)
    async with database.begin() as tx:
        await tx.execute(text("ANALYZE"))
    return ids


async def _book(
    database: Database,
    service: Service,
    people: Sequence[Viewer],
    waiting: int,
    chance: random.Random,
) -> list[UUID]:
    ids = []
    customer = await factories.add_customer(database)
    at = await factories.now(database)
    morning = datetime.combine(at.date() + timedelta(days=1), time(8), at.tzinfo)
    facts = {"customer_id": customer.user_id, "service_id": service.id, "requested_at": at}
    async with database.begin() as tx:
        for number in range(waiting + len(people) // 3):
            start = morning + timedelta(
                days=chance.randrange(_DAYS), minutes=chance.randrange(0, 600, 15)
            )
            place = Point(
                latitude=51.5 + chance.uniform(-_NORTH, _NORTH),
                longitude=-0.12 + chance.uniform(-_EAST, _EAST),
            )
            made = facts | {
                "id": new_id(),
                "starts_at": start,
                "address": factories.an_address(point=place),
            }
            if number >= waiting:
                whose = people[(number - waiting) * 3].user_id
                made |= {"provider_id": whose, "assigned_at": at, "match_due_at": None}
            else:
                made |= {"wave": Wave.AUTO, "round": 3, "auto_due_at": at}
            booking = factories.a_booking(**made)
            await bookings.add(tx, booking, actor=customer.user_id)
            if number < waiting:
                ids.append(booking.id)
                await _offer(tx, booking, chance.sample(people, _ASKED))
    return ids


async def _offer(tx: AsyncConnection, booking: Booking, to: Sequence[Viewer]) -> None:
    facts = {
        "booking_id": booking.id,
        "wave": Wave.BROADCAST,
        "round": 3,
        "offered_at": booking.requested_at,
        "expires_at": booking.starts_at,
    }
    made = [{"id": new_id(), "provider_id": one.user_id} | facts for one in to]
    await offers.add(tx, [factories.an_offer(**one) for one in made])


async def _rehearsed(database: Database, ids: Sequence[UUID]) -> tuple[float, float, int]:
    """Seconds for reading and for planning, and how many providers are looked at."""
    began = perf_counter()
    async with database.read() as connection:
        at = await clock.now(connection)
        waiting = await bookings.by_ids(connection, ids)
        works = [candidates.work_of(one, reach_miles=_MILES) for one in waiting]
        found = await batch_candidates.of_works(connection, works, at=at, policy=V1)
    read = perf_counter()
    asked = [Waiting(work=work, candidates=found[work.booking_id]) for work in works]
    batch.plan(asked, at=at, solver=least_cost)
    planned = perf_counter()
    people = {one.provider_id for several in found.values() for one in several}
    return read - began, planned - read, len(people)


async def _once(
    template: servers.Template, several: int, waiting: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Seconds of one run, taken apart, and what it did."""
    url = await template.clone()
    database = Database(url.replace("postgresql:", "postgresql+asyncpg:"), name="benchmark")
    try:
        ids = await furnish(database, several, waiting)
        read, planned, people = await _rehearsed(database, ids)
        began = perf_counter()
        report = await auto_assign.run(database, solver=least_cost)
        whole = perf_counter() - began
        await invariants.check(database)
    finally:
        await database.close()
        template.drop(url)
    run = report.run
    facts = {
        "providers_looked_at": people,
        "assigned": run.assigned,
        "miles_each": round(run.cost / max(run.assigned, 1), 2),
        "greedy_assigned": run.greedy_assigned,
        "greedy_miles_each": round(run.greedy_cost / max(run.greedy_assigned, 1), 2),
    }
    return {"read": read, "plan": planned, "give": whole - read - planned, "whole": whole}, facts


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures for each number of bookings."""
    least_cost([[0.0]])  # loads SciPy
    sizes = []
    for waiting in chosen.bookings:
        runs = [await _once(template, chosen.providers, waiting) for _ in range(chosen.rounds)]
        parts = {name: milliseconds([times[name] for times, _ in runs]) for name in runs[0][0]}
        sizes.append({"bookings": waiting, **runs[0][1], **parts})
    return {"providers": chosen.providers, "rounds": chosen.rounds, "sizes": sizes}


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--bookings", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--providers", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    return [
        (
            f"{one['bookings']} bookings among {figures['providers']} providers",
            f"p50 {one['whole']['p50_ms']} ms (reading {one['read']['p50_ms']}, planning "
            f"{one['plan']['p50_ms']}, giving {one['give']['p50_ms']}); {one['assigned']} given at "
            f"{one['miles_each']} miles each, one after the other {one['greedy_assigned']} at "
            f"{one['greedy_miles_each']}",
        )
        for one in figures["sizes"]
    ]


if __name__ == "__main__":
    main("batch", options, measure, rows, __doc__)
