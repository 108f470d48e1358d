"""How many acceptances a second, and how many break a promise?

    python -m benchmarks.accepts --clients 50 --bookings 200 --rivals 10

As many providers as clients accept offers over HTTP, each on one connection and one after another;
every booking is offered to several of them, so most lose. Answers per second and their latency,
then every invariant of the database is checked: a violation ends the run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any

from api import ids
from benchmarks.house import ACCEPT, House, house
from benchmarks.report import main, milliseconds
from tests import factories, invariants

if TYPE_CHECKING:
    import argparse
    from uuid import UUID

    from domain.people import Viewer
    from tests import servers
    from tests.caller import Caller

#: Bookings that do not touch each other, so that who has won one is free for the next.
_APART = timedelta(hours=3)


async def _offered(
    home: House, providers: list[Viewer], bookings: int, rivals: int
) -> dict[UUID, list[str]]:
    """Bookings, each offered to some of the providers in turn; the offers of each provider."""
    service = await factories.add_service(home.database, duration_minutes=30)
    customer = await factories.add_customer(home.database)
    first = await factories.tomorrow(home.database)
    mine: dict[UUID, list[str]] = {one.user_id: [] for one in providers}
    for number in range(bookings):
        starts_at = first + number * _APART
        booking = await factories.add_booking(home.database, customer, service, starts_at=starts_at)
        start = number * rivals
        chosen = [providers[(start + n) % len(providers)] for n in range(rivals)]
        for offer in await factories.add_offers(
            home.database, booking, chosen, expires_at=booking.requested_at + timedelta(hours=1)
        ):
            mine[offer.provider_id].append(ids.encode("JobOffer", offer.id))
    return mine


async def _accept_all(
    caller: Caller, offers: list[str], kinds: Counter[str], waits: list[float]
) -> None:
    for offer in offers:
        sent = perf_counter()
        answer = await caller.ask(ACCEPT, input={"offerId": offer})
        waits.append(perf_counter() - sent)
        kinds[answer["__typename"]] += 1


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures."""
    async with house(template, worker=False) as home:
        service = await factories.add_service(home.database)
        providers = await factories.add_providers(home.database, service, count=chosen.clients)
        mine = await _offered(home, providers, chosen.bookings, chosen.rivals)
        callers = [await home.caller(one) for one in providers]
        kinds: Counter[str] = Counter()
        waits: list[float] = []
        began = perf_counter()
        await asyncio.gather(
            *(
                _accept_all(caller, mine[one.user_id], kinds, waits)
                for caller, one in zip(callers, providers, strict=True)
            )
        )
        took = perf_counter() - began
        for caller in callers:
            await caller.close()
        await invariants.check(home.database)
    return {
        "clients": chosen.clients,
        "answers": dict(kinds),
        "answers_per_second": round(len(waits) / took, 1),
        "won_per_second": round(kinds["AcceptOfferSuccess"] / took, 1),
        "violations": chosen.bookings - kinds["AcceptOfferSuccess"],
        **milliseconds(waits),
    }


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--bookings", type=int, default=200)
    parser.add_argument("--rivals", type=int, default=10, help="offers of each booking")


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    rate = f"{figures['answers_per_second']}/s, {figures['won_per_second']} won/s"
    times = f"p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms"
    return [
        (f"acceptances, {figures['clients']} clients", f"{rate}; {times}"),
        ("violations", str(figures["violations"])),
    ]


if __name__ == "__main__":
    main("accepts", options, measure, rows, __doc__)
