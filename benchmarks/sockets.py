"""How long does one event take to reach a thousand sockets, and what does an idle one cost?

    python -m benchmarks.sockets --subscribers 1000 --events 30

Every subscriber has a WebSocket of its own to one API process and follows the queue by GraphQL. A
customer calls a booking off; from the first delivery of its event to each subscriber's, and from
the answer to the customer: median and 99th percentile, and deliveries per second. Memory is the
growth of the API process from a tenth of the subscribers to all of them, before any event.
(`benchmarks.fanout` measures the hub alone, without GraphQL and sockets.)
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.house import BOOK, CANCEL, QUEUE, a_wish, house
from benchmarks.offers import Ear
from benchmarks.report import main, milliseconds
from tests import factories

if TYPE_CHECKING:
    import argparse

    from benchmarks.house import House
    from tests import servers
    from tests.caller import Caller


async def one_event(
    caller: Caller, ear: Ear, wish: dict[str, Any], number: int
) -> tuple[list[float], list[float]]:
    """Seconds to each delivery of one event: from the answer, and from the first delivery."""
    ear.expect("REQUESTED", number)
    made = await caller.ask(BOOK, input=wish)
    await ear.wait()
    ear.expect("CANCELLED", number)
    await caller.ask(CANCEL, input={"bookingId": made["booking"]["id"]})
    answered = perf_counter()
    arrivals = await ear.wait()
    first = min(arrivals)
    return [at - answered for at in arrivals], [at - first for at in arrivals]


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures."""
    async with house(template) as home:
        number, some = chosen.subscribers, chosen.subscribers // 10
        service = await factories.add_service(home.database)
        # Somebody who could come: what nobody can take is not booked.
        await factories.add_provider(home.database, service, on_shift=False)
        customer = await home.caller(await factories.add_customer(home.database))
        dispatcher = await factories.add_dispatcher(home.database)
        ear = Ear()
        await home.listeners([dispatcher] * some, QUEUE, ear.hear)
        before = _memory(home)
        await home.listeners([dispatcher] * (number - some), QUEUE, ear.hear, already=some)
        idle = (_memory(home) - before) / (number - some)
        wish = a_wish(service, await factories.tomorrow(home.database))
        rounds = [await one_event(customer, ear, wish, number) for _ in range(chosen.events + 1)][
            1:
        ]
    spreads = [spread for _, spread in rounds]
    return {
        "subscribers": number,
        "events": chosen.events,
        "from_answer": milliseconds([one for waits, _ in rounds for one in waits]),
        "from_first_delivery": milliseconds([one for spread in spreads for one in spread]),
        "deliveries_per_second": round(statistics.median(number / max(one) for one in spreads)),
        "idle_socket_kib": round(idle / 1024, 1),
    }


def _memory(home: House) -> int:
    process = psutil.Process(home.api.pid)
    return int(process.memory_full_info().uss)


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=30)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    times, spread = figures["from_answer"], figures["from_first_delivery"]
    f"p50 {times['p50_ms']} ms, p99 {times['p99_ms']} ms"
    who = f"{figures['subscribers']} sockets"
    return [
        (
            f"an event on {who}, after the act",
            f"p50 {times['p50_ms']} ms, p99 {times['p99_ms']} ms",
        ),
        (
            f"an event on {who}, after the first",
            f"p50 {spread['p50_ms']} ms, p99 {spread['p99_ms']} ms; "
            f"{figures['deliveries_per_second']} deliveries/s",
        ),
        ("memory of an idle subscriber", f"{figures['idle_socket_kib']} KiB"),
    ]


if __name__ == "__main__":
    main("sockets", options, measure, rows, __doc__)
