"""What do the benchmarks measure? Real processes: the API and a worker, on a database of their own.

The limits on how much one user or address may do are raised: a benchmark is one machine that plays
a thousand.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from api import ids
from benchmarks.wire import listen
from db.engine import Database
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests.caller import Caller, request
from tests.installation import Installation, Process, installation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from datetime import datetime

    from benchmarks.wire import Listener
    from domain.people import Viewer
    from domain.services import Service
    from tests import servers

_PLENTY: Final = 1_000_000
#: Sockets opened at a time; more would only wait in the server's backlog.
_AT_A_TIME: Final = 50

BOOK: Final = """
mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) { __typename ... on CreateBookingSuccess { booking { id } } }
}"""
CANCEL: Final = """
mutation Cancel($input: CancelBookingInput!) { cancelBooking(input: $input) { __typename } }"""
ACCEPT: Final = """
mutation Accept($input: AcceptOfferInput!) { acceptOffer(input: $input) { __typename } }"""
OFFERS: Final = """
subscription Offers { offerFeed { cursor type offer { id score reasons expiresAt } } }"""
QUEUE: Final = """
subscription Queue { queueChanged { cursor type waiting booking { id status startsAt } } }"""


@dataclass(kw_only=True)
class House:
    """A running installation and its database."""

    installation: Installation
    database: Database
    api: Process

    @property
    def base(self) -> str:
        """Where the API is."""
        return self.installation.base

    async def caller(self, viewer: Viewer) -> Caller:
        """An HTTP connection for this person."""
        (token,) = await self.installation.tokens(self.database, [viewer])
        return Caller(self.base, token)

    async def listeners(
        self,
        viewers: Sequence[Viewer],
        document: str,
        heard: Callable[[bytes, float], None],
        *,
        already: int = 0,
    ) -> list[Listener]:
        """A subscription for each of these people, known to the server beside those already."""
        tokens = await self.installation.tokens(self.database, viewers)
        body = request(document, {})
        made: list[Listener] = []
        for first in range(0, len(tokens), _AT_A_TIME):
            some = tokens[first : first + _AT_A_TIME]
            made += await asyncio.gather(*(listen(self.base, t, body, heard) for t in some))
        await self._subscribed(already + len(made))
        return made

    async def _subscribed(self, number: int) -> None:
        async with asyncio.timeout(60):
            while await self._subscriptions() < number:  # noqa: ASYNC110  # another process counts
                await asyncio.sleep(0.05)

    async def _subscriptions(self) -> float:
        text = (await self.installation.http.get(f"{self.base}/metrics")).text
        lines = (line for line in text.splitlines() if line.startswith("callout_subscriptions "))
        return float(next(lines).split()[1])


@asynccontextmanager
async def house(
    template: servers.Template,
    *,
    worker: bool = True,
    pool: int = 10,
    outside: Mapping[str, str] | None = None,
) -> AsyncIterator[House]:
    """A house with a database of its own, until the block ends. `outside` are variables for the
    services outside."""
    url = await template.clone()
    settings = Settings.model_validate(
        {
            "mode": "development",
            "database_url": url,
            "redis_url": template.servers.redis_url,
            "redis_namespace": f"bench-{secrets.token_hex(4)}",
            "secret": DEVELOPMENT_SECRET,
            "sockets_per_principal": _PLENTY,
            "sockets_per_address": _PLENTY,
            "cost_bucket": _PLENTY,
            "offer_listing_limit": _PLENTY,
            "accept_limit": _PLENTY,
            "reject_limit": _PLENTY,
            "database_pool": pool,
            "log_level": "warning",
        }
    )
    database = Database(settings.sqlalchemy_url, pool=2, name="benchmark")
    try:
        with tempfile.TemporaryDirectory(prefix="callout-bench-") as folder:
            async with installation(settings, Path(folder), outside=outside) as processes:
                api = processes.api()
                api.start()
                if worker:
                    processes.worker().start()
                await processes.answers(200)
                yield House(installation=processes, database=database, api=api)
    finally:
        await database.close()
        template.drop(url)


def a_wish(service: Service, starts_at: datetime, **changes: Any) -> dict[str, Any]:
    """The input of createBooking, for work in Westminster."""
    address = {
        "line1": "1 Parliament Square",
        "city": "London",
        "postalCode": "SW1A 0AA",
        "country": "GB",
        "point": {"latitude": 51.5010, "longitude": -0.1246},
    }
    wish = {
        "serviceId": ids.encode("Service", service.id),
        "kind": "SCHEDULED",
        "startsAt": starts_at.isoformat(),
        "address": address,
    }
    return wish | changes
