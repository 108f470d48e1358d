"""How much does GraphQL cost on a list of 50 offers with 15 fields?

    python -m benchmarks.listing --clients 8 --seconds 5

A provider lists their open offers through the API: signed in, checked, charged. Beside it, in a
process of the same kind, Starlette and orjson serve the same rows by the same SQL, sent straight to
the driver, with no GraphQL, no sign-in and no limits. Requests per second of both, taken in turns,
and their ratio: what everything but the SQL costs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import orjson
import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.house import House, house
from benchmarks.report import main, milliseconds
from callout.embedded import free_port
from callout.programs import Program
from tests import factories, servers
from tests.caller import Caller, request
from tests.installation import Process

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

OFFERS: Final = 50
LIST: Final = """
query List {
  jobOffers(first: 50, states: [OFFERED]) {
    nodes {
      id state wave offeredAt expiresAt score reasons policy candidates
      work { kind startsAt endsAt city area distanceMiles }
    }
  }
}"""

#: What the API sends for `LIST`, but for the sign-in: a page and one more, and what it names.
_PAGE: Final = """
SELECT * FROM job_offers WHERE provider_id = $1 AND state = 'OFFERED' ORDER BY id DESC LIMIT 51
"""
_BOOKINGS: Final = "SELECT * FROM bookings WHERE id = ANY($1)"
_PROVIDERS: Final = """
SELECT p.*, u.given_name, u.family_name FROM providers p JOIN users u ON u.id = p.id
WHERE p.id = ANY($1)
"""
_USERS: Final = "SELECT * FROM users WHERE id = ANY($1)"

_OF_OFFER: Final = (
    *("id", "state", "wave", "offered_at", "expires_at"),
    *("score", "reasons", "policy", "candidates"),
)
_OF_BOOKING: Final = ("kind", "starts_at", "ends_at", "city", "postal_code", "latitude")

_DATABASE: Final = "BENCHMARK_DATABASE_URL"
_PORT: Final = "BENCHMARK_PORT"


def raw() -> None:
    """Serve the same list without GraphQL: the command line of the baseline's own process."""
    uvicorn.run(
        _raw_application(os.environ[_DATABASE]),
        host="127.0.0.1",
        port=int(os.environ[_PORT]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


def _raw_application(url: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        async with asyncpg.create_pool(url, min_size=10, max_size=10, init=_json) as pool:
            application.state.pool = pool
            yield

    async def offers(incoming: Request) -> Response:
        asked = orjson.loads(await incoming.body())
        async with incoming.app.state.pool.acquire() as connection:
            listed = await _list(connection, asked["provider"])
        # The driver's UUIDs are a subclass, which orjson does not know.
        body = orjson.dumps(listed, default=str)
        return Response(body, media_type="application/json")

    return Starlette(routes=[Route("/offers", offers, methods=["POST"])], lifespan=lifespan)


async def _json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=orjson.dumps, decoder=orjson.loads
    )


async def _list(connection: Any, provider: str) -> list[dict[str, Any]]:
    page = (await connection.fetch(_PAGE, provider))[:OFFERS]
    bookings = await connection.fetch(_BOOKINGS, [row["booking_id"] for row in page])
    await connection.fetch(_PROVIDERS, list({row["provider_id"] for row in page}))
    await connection.fetch(_USERS, list({row["customer_id"] for row in bookings}))
    by_id = {row["id"]: row for row in bookings}
    return [
        {
            **{name: row[name] for name in _OF_OFFER},
            "work": {name: by_id[row["booking_id"]][name] for name in _OF_BOOKING},
        }
        for row in page
    ]


@dataclass(kw_only=True)
class Contender:
    """One of the two servers, how it is asked, and what came of it."""

    process: Process
    connect: Callable[[], Caller]
    path: str
    body: bytes
    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return len(self.waits) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time for a request: what other programs disturb least."""
        return 1000 * self.cpu / len(self.waits)

    async def race(self, *, clients: int, seconds: float) -> None:
        """Answer so many clients for so long."""
        callers = [self.connect() for _ in range(clients)]
        for caller in callers:
            await caller.post(self.body, self.path)
        used, began = self._cpu(), perf_counter()
        until = began + seconds
        await asyncio.gather(*(self._ask(caller, until) for caller in callers))
        self.seconds += perf_counter() - began
        self.cpu += self._cpu() - used
        for caller in callers:
            await caller.close()

    async def _ask(self, caller: Caller, until: float) -> None:
        while (sent := perf_counter()) < until:
            await caller.post(self.body, self.path)
            self.waits.append(perf_counter() - sent)

    def _cpu(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


async def _populate(home: House) -> Any:
    service = await factories.add_service(home.database)
    customer = await factories.add_customer(home.database)
    (provider,) = await factories.add_providers(home.database, service, count=1)
    starts_at = await factories.tomorrow(home.database)
    for _ in range(OFFERS):
        booking = await factories.add_booking(home.database, customer, service, starts_at=starts_at)
        await factories.add_offers(home.database, booking, [provider])
    return provider


@asynccontextmanager
async def _baseline(home: House, body: bytes) -> AsyncIterator[Contender]:
    port = free_port()
    program = Program(
        name="raw",
        argv=(sys.executable, "-c", "from benchmarks.listing import raw; raw()"),
        environment={
            _DATABASE: home.installation.settings.database_url.get_secret_value(),
            _PORT: str(port),
        },
    )
    process = Process(program=program, log=home.installation.folder / "raw.log")
    process.start()
    base = f"http://127.0.0.1:{port}"
    try:
        yield Contender(process=process, connect=lambda: Caller(base), path="/offers", body=body)
    finally:
        process.kill()


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures: in turns, so that what disturbs the one disturbs the other."""
    async with house(template, worker=False) as home:
        provider = await _populate(home)
        (token,) = await home.installation.tokens(home.database, [provider])
        graphql = Contender(
            process=home.api,
            connect=lambda: Caller(home.base, token),
            path="/graphql",
            body=request(LIST, {}),
        )
        asked = orjson.dumps({"provider": str(provider.user_id)})
        async with _baseline(home, asked) as raw_server:
            await _check(graphql, raw_server)
            for _ in range(chosen.rounds):
                for one in (graphql, raw_server):
                    await one.race(clients=chosen.clients, seconds=chosen.seconds / chosen.rounds)
    return {
        "offers": OFFERS,
        "fields": 15,
        "clients": chosen.clients,
        "graphql_per_second": round(graphql.per_second, 1),
        "raw_per_second": round(raw_server.per_second, 1),
        "ratio": round(graphql.per_second / raw_server.per_second, 3),
        "graphql_cpu_ms": round(graphql.cpu_ms, 2),
        "raw_cpu_ms": round(raw_server.cpu_ms, 2),
        **milliseconds(graphql.waits),
    }


async def _check(graphql: Contender, raw_server: Contender) -> None:
    """Both must be up and list all offers."""
    listed = (await graphql.connect().ask(LIST))["nodes"]
    async with asyncio.timeout(60):
        while True:
            try:
                plain = orjson.loads(await raw_server.connect().post(raw_server.body, "/offers"))
                break
            except OSError:
                await asyncio.sleep(0.05)
    counts = len(listed), len(plain)
    if counts != (OFFERS, OFFERS):
        message = f"The lists have {counts} offers."
        raise RuntimeError(message)


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=9.0, help="for each of the two")
    parser.add_argument("--rounds", type=int, default=3)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    rates = f"{figures['graphql_per_second']}/s, raw {figures['raw_per_second']}/s"
    cpu = f"{figures['graphql_cpu_ms']} ms of CPU, raw {figures['raw_cpu_ms']} ms"
    return [("50 offers of 15 fields", f"{rates}, ratio {figures['ratio']}; {cpu}")]


if __name__ == "__main__":
    main("listing", options, measure, rows, __doc__)
