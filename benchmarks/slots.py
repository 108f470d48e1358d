"""How long does a search for free slots take, over a fortnight and among many providers?

    python -m benchmarks.slots --providers 100 1000 10000 --rounds 30

The whole of `availableSlots` behind the door, on a real database: the statements, the rows made
into hours and work, and the arithmetic. Providers keep different hours in different zones, some
have time off and other hours on some days, and have up to three thousand bookings between them;
fifty more wait for a provider. Milliseconds for one search, for each number of providers, and
beside it, in turns:

  rows     the same facts read and nothing done with them: what cannot be saved
  alone    the same question put to every start and provider one by one, by the rules that a booking
           is checked by (measured on a few providers, reckoned for all of them)
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, text, update

from benchmarks.report import main, milliseconds
from db import bookings, clock, slot_facts, slots
from db.engine import Database
from db.ids import new_id
from db.tables import date_overrides, providers, time_off, working_hours
from domain.availability import obstacles
from domain.booking_rules import broken_by_start
from domain.slots import Place
from tests import factories

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from domain.people import Viewer
    from domain.services import Service
    from domain.slot_search import Calendar
    from tests import servers

_DAYS: Final = 14
_FIRST: Final = 50
#: How many bookings there are for each provider, and how many at most.
_BOOKINGS_EACH, _BOOKINGS = 3, 3000
_WAITING: Final = 50
_ZONES: Final = ("Europe/London", "Europe/Dublin", "Europe/Paris")
#: One pair: opens, closes. Nobody works on all the days, and some split theirs.
_WEEKS: Final = (
    ((8, 16),),
    ((9, 17),),
    ((7, 12), (13, 18)),
    ((10, 14), (16, 20)),
    ((6, 14),),
    ((12, 20),),
    ((18, 0),),
    ((9, 12), (12, 15), (15, 18)),
)
#: How many providers are asked start by start.
_ALONE: Final = 5

_PLACE: Final = Place(
    country="GB", postal_code="SW1A 0AA", city="London", point=factories.WESTMINSTER
)


async def furnish(database: Database, number: int) -> Service:
    """So many providers of a service, their hours, days off and work, always the same."""
    chance = random.Random(20260601)  # a repeatable workload, not a secret
    service = await factories.add_service(database)
    people = await factories.add_providers(
        database, service, count=number, on_shift=False, daily_cap=4
    )
    today = (await factories.now(database)).date()
    async with database.begin() as tx:
        await tx.execute(delete(working_hours))
        await tx.execute(insert(working_hours), list(_weeks(people, chance)))
        for zone in _ZONES:
            some = [one.user_id for one in people if chance.random() < 1 / len(_ZONES)]
            await tx.execute(
                update(providers).where(providers.c.id.in_(some)).values(time_zone=zone)
            )
        await tx.execute(text("SELECT setseed(0.5)"))
        await tx.execute(
            text(
                "UPDATE providers SET latitude = 51.5 + (random() - 0.5) / 8,"
                " longitude = -0.12 + (random() - 0.5) / 5"
            )
        )
        await tx.execute(insert(time_off), list(_leaves(people, chance, today)))
        await tx.execute(insert(date_overrides), list(_odd_days(people, chance, today)))
    await _book(database, service, people, chance)
    async with database.begin() as tx:
        await tx.execute(text("ANALYZE"))
    return service


def _weeks(people: Sequence[Viewer], chance: random.Random) -> Iterator[dict[str, Any]]:
    for one in people:
        hours, free_day = chance.choice(_WEEKS), chance.randrange(1, 8)
        for day in range(1, 8):
            for opens, closes in hours if day != free_day else ():
                yield {
                    "provider_id": one.user_id,
                    "weekday": day,
                    "opens": time(opens),
                    "closes": time(closes),
                }


def _leaves(
    people: Sequence[Viewer], chance: random.Random, today: date
) -> Iterator[dict[str, Any]]:
    for one in people[::10]:
        start = datetime.combine(today, time(), UTC) + timedelta(days=chance.randrange(_DAYS))
        yield {
            "id": new_id(),
            "provider_id": one.user_id,
            "starts_at": start,
            "ends_at": start + timedelta(days=2),
            "requested_at": start,
            "requested_by": one.user_id,
        }


def _odd_days(
    people: Sequence[Viewer], chance: random.Random, today: date
) -> Iterator[dict[str, Any]]:
    for one in people[::10]:
        yield {
            "id": new_id(),
            "provider_id": one.user_id,
            "day": today + timedelta(days=chance.randrange(_DAYS)),
            "opens": time(8),
            "closes": time(12),
        }


async def _book(
    database: Database, service: Service, people: Sequence[Viewer], chance: random.Random
) -> None:
    customer = await factories.add_customer(database)
    at = await factories.now(database)
    noon = datetime.combine(at.date(), time(12), UTC)
    several = min(_BOOKINGS, _BOOKINGS_EACH * len(people))
    async with database.begin() as tx:
        for number in range(several + _WAITING):
            nobody = number >= several
            start = noon + timedelta(
                days=1 + (chance.randrange(_DAYS) if nobody else number // len(people) * 2),
                minutes=chance.randrange(-240, 240, 15),
            )
            facts = {
                "id": new_id(),
                "customer_id": customer.user_id,
                "service_id": service.id,
                "starts_at": start,
                "requested_at": at,
                "match_due_at": None,
            }
            if not nobody:
                whose = people[number % len(people)].user_id
                facts |= {"provider_id": whose, "assigned_at": at}
            await bookings.add(tx, factories.a_booking(**facts), actor=customer.user_id)


async def searched(database: Database, service: Service) -> tuple[float, Calendar]:
    """One search: seconds, and what was found."""
    begun = perf_counter()
    async with database.read() as connection:
        at = await clock.now(connection)
        found = await slots.calendar(
            connection,
            service,
            _PLACE,
            earliest=at,
            latest=at + timedelta(days=_DAYS),
            at=at,
        )
    found.slots(_FIRST)
    return perf_counter() - begun, found


async def read(database: Database, service: Service) -> float:
    """The facts of one search, read only: seconds."""
    begun = perf_counter()
    async with database.read() as connection:
        at = await clock.now(connection)
        within = at, at + timedelta(days=_DAYS)
        near = await slot_facts.nearby(connection, service, _PLACE)
        ids = [one.provider_id for one in near]
        await slot_facts.time_of(connection, ids, rules=service.rules, within=within, at=at)
        await slot_facts.waiting(connection, service.id, _PLACE, within=within)
    return perf_counter() - begun


def alone(found: Calendar) -> float:
    """Seconds for asking each start of each provider alone, reckoned from a few of them."""
    search, some = found.search, found.diaries[:_ALONE]
    begun = perf_counter()
    for diary in some:
        for starts_at in found.starts.all:
            broken_by_start(
                search.rules, starts_at=starts_at, immediate=False, zone=search.zone, at=search.at
            )
            obstacles(
                diary.availability,
                diary.taken,
                search.wanted(starts_at),
                rules=search.rules,
                at=search.at,
            )
    return (perf_counter() - begun) / len(some) * len(found.diaries)


async def among(template: servers.Template, number: int, rounds: int) -> dict[str, Any]:
    """The figures for so many providers."""
    url = await template.clone()
    database = Database(url.replace("postgresql:", "postgresql+asyncpg:"), name="benchmark")
    try:
        service = await furnish(database, number)
        _, found = await searched(database, service)
        whole, rows = [], []
        for _ in range(rounds):
            whole.append((await searched(database, service))[0])
            rows.append(await read(database, service))
        begun = perf_counter()
        again = type(found)(
            search=found.search,
            diaries=found.diaries,
            alike=found.alike,
            waiting=found.waiting,
        )
        again.slots(_FIRST)
        arithmetic = perf_counter() - begun
    finally:
        await database.close()
        template.drop(url)
    searching, reading = milliseconds(whole), milliseconds(rows)
    one_by_one = 1000 * alone(found)
    return {
        "providers": number,
        "starts": len(found.starts.all),
        "offered": found.open.bit_count(),
        "search": searching,
        "rows": reading,
        "arithmetic_ms": round(1000 * arithmetic, 2),
        "alone_ms": round(one_by_one),
        "to_rows": round(searching["p50_ms"] / reading["p50_ms"], 2),
        "to_alone": round(one_by_one / searching["p50_ms"]),
    }


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures for each number of providers."""
    sizes = [await among(template, number, chosen.rounds) for number in chosen.providers]
    return {"days": _DAYS, "rounds": chosen.rounds, "among": sizes}


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--providers", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=30)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    return [
        (
            f"free slots of {figures['days']} days, {one['providers']} providers",
            f"p50 {one['search']['p50_ms']} ms, p99 {one['search']['p99_ms']} ms; "
            f"{one['to_rows']} times its rows; start by start {one['to_alone']} times as long",
        )
        for one in figures["among"]
    ]


if __name__ == "__main__":
    main("slots", options, measure, rows, __doc__)
