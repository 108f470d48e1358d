"""How long is it from a booking to the offer on a provider's socket?

    python -m benchmarks.offers --providers 1 100 1000 --bookings 100

The API and a worker are real processes; every provider has a socket and follows their offers, and
the best three (or the only one) get each booking. From the answer to createBooking, which comes
just after the commit, until the offer is on the socket: median and 99th percentile over all offers.
From the sending of createBooking as well, since the commit lies between the two.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.house import BOOK, CANCEL, OFFERS, House, a_wish, house
from benchmarks.report import main, milliseconds
from tests import factories

if TYPE_CHECKING:
    import argparse

    from tests import servers
    from tests.caller import Caller

#: How many providers a targeted wave has.
_TARGETED = 3
_WARM_UP = 5


@dataclass(kw_only=True)
class Ear:
    """Hears what all providers' sockets bring about the present booking."""

    arrivals: list[float] = field(default_factory=list)
    _due: int = 0
    _kind: bytes = b""
    _complete: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, payload: bytes, arrived: float) -> None:
        """Take an item from a socket."""
        if self._kind in payload:
            self.arrivals.append(arrived)
            if len(self.arrivals) >= self._due:
                self._complete.set()

    def expect(self, kind: str, number: int) -> None:
        """Forget what was heard; count items of this kind from now on."""
        self.arrivals, self._due, self._kind = [], number, f'"type":"{kind}"'.encode()
        self._complete.clear()

    async def wait(self) -> list[float]:
        """When each of the expected items arrived."""
        async with asyncio.timeout(30):
            await self._complete.wait()
        return self.arrivals


async def latencies(
    caller: Caller, ear: Ear, wish: dict[str, Any], number: int
) -> tuple[list[float], list[float]]:
    """Seconds to each offer of one booking: from the request, and from its answer."""
    ear.expect("OFFERED", number)
    sent = perf_counter()
    made = await caller.ask(BOOK, input=wish)
    answered = perf_counter()
    arrivals = await ear.wait()
    ear.expect("RESCINDED", number)
    await caller.ask(CANCEL, input={"bookingId": made["booking"]["id"]})
    await ear.wait()
    return [at - sent for at in arrivals], [at - answered for at in arrivals]


async def with_providers(home: House, number: int, bookings: int) -> dict[str, Any]:
    """The figures with so many providers connected."""
    service = await factories.add_service(home.database)
    providers = await factories.add_providers(home.database, service, count=number)
    customer = await home.caller(await factories.add_customer(home.database))
    ear = Ear()
    listeners = await home.listeners(providers, OFFERS, ear.hear)
    wish = a_wish(service, await factories.tomorrow(home.database))
    offers = min(number, _TARGETED)
    rounds = [await latencies(customer, ear, wish, offers) for _ in range(_WARM_UP + bookings)][
        _WARM_UP:
    ]
    for listener in listeners:
        listener.close()
    await customer.close()
    return {
        "providers": number,
        "offers": offers * bookings,
        "from_answer": milliseconds([one for _, waits in rounds for one in waits]),
        "from_request": milliseconds([one for waits, _ in rounds for one in waits]),
    }


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures for each number of providers."""
    figures = []
    for number in chosen.providers:
        async with house(template) as home:
            figures.append(await with_providers(home, number, chosen.bookings))
    return {"bookings": chosen.bookings, "connected": figures}


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--providers", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--bookings", type=int, default=100)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    return [
        (
            f"offer on the socket, {one['providers']} providers connected",
            f"p50 {one['from_answer']['p50_ms']} ms, p99 {one['from_answer']['p99_ms']} ms",
        )
        for one in figures["connected"]
    ]


if __name__ == "__main__":
    main("offers", options, measure, rows, __doc__)
