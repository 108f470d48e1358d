"""What happens when very many providers act in the same moment?

    python -m benchmarks.rush --providers 100 1000

Each has a connection of their own. They all clock in at once, as at eight in the morning; then all
of them accept one and the same booking at once. Seconds until the last has an answer, and the
latency of one; the winner's too. Then every invariant of the database is checked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from api import ids
from benchmarks.house import ACCEPT, House, house
from benchmarks.report import main, milliseconds
from tests import factories, invariants

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from domain.people import Viewer
    from tests import servers
    from tests.caller import Caller

CLOCK_IN: Final = "mutation In($input: ClockInInput!) { clockIn(input: $input) { __typename } }"
#: Connections that are opened at a time.
_AT_A_TIME: Final = 50


async def _callers(home: House, people: Sequence[Viewer]) -> list[Caller]:
    made: list[Caller] = []
    for first in range(0, len(people), _AT_A_TIME):
        some = people[first : first + _AT_A_TIME]
        made += await asyncio.gather(*(home.caller(one) for one in some))
    return made


async def _at_once(callers: Sequence[Caller], document: str, inputs: Sequence[Any]) -> Any:
    """Seconds until the last answer, each one's seconds, and what was answered."""
    waits: list[tuple[float, str]] = []

    async def ask(caller: Caller, given: Any) -> None:
        sent = perf_counter()
        answer = await caller.ask(document, input=given)
        waits.append((perf_counter() - sent, answer["__typename"]))

    began = perf_counter()
    await asyncio.gather(*(ask(c, given) for c, given in zip(callers, inputs, strict=True)))
    return perf_counter() - began, waits


async def among(template: servers.Template, number: int) -> dict[str, Any]:
    """The figures for so many providers."""
    async with house(template, worker=False) as home:
        service = await factories.add_service(home.database)
        customer = await factories.add_customer(home.database)
        people = await factories.add_providers(home.database, service, count=number, on_shift=False)
        callers = await _callers(home, people)
        clocking, clocked = await _at_once(callers, CLOCK_IN, [{}] * number)
        booking = await factories.add_booking(home.database, customer, service)
        offers = await factories.add_offers(home.database, booking, people)
        wanted = [{"offerId": ids.encode("JobOffer", offer.id)} for offer in offers]
        accepting, accepted = await _at_once(callers, ACCEPT, wanted)
        for caller in callers:
            await caller.close()
        await invariants.check(home.database)
    won = [seconds for seconds, kind in accepted if kind == "AcceptOfferSuccess"]
    return {
        "providers": number,
        "clock_in_s": round(clocking, 2),
        "clock_in": milliseconds([seconds for seconds, _ in clocked]),
        "clocked_in": Counter(kind for _, kind in clocked),
        "accept_s": round(accepting, 2),
        "accept": milliseconds([seconds for seconds, _ in accepted]),
        "accepted": Counter(kind for _, kind in accepted),
        "winner_ms": round(1000 * won[0], 1),
        "violations": len(won) - 1,
    }


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures for each number of providers."""
    return {"among": [await among(template, number) for number in chosen.providers]}


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--providers", type=int, nargs="+", default=[100, 1000])


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    return [
        line
        for one in figures["among"]
        for line in (
            (
                f"{one['providers']} clock in at once",
                f"all in {one['clock_in_s']} s; p50 {one['clock_in']['p50_ms']} ms",
            ),
            (
                f"{one['providers']} accept one booking at once",
                f"all answered in {one['accept_s']} s; winner {one['winner_ms']} ms; "
                f"violations {one['violations']}",
            ),
        )
    ]


if __name__ == "__main__":
    main("rush", options, measure, rows, __doc__)
