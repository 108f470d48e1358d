"""The API is asked to end: does it say goodbye to everybody, and in time?"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from signal import SIGTERM

from api import ids
from callout.client import Hung, Stream
from db.engine import Database
from tests import factories
from tests.installation import Installation
from tests.journeys.documents import BOOKING, OFFERS, QUEUE

#: What the fault matrix allows for draining.
_SECONDS = 10


async def test_sigterm_closes_every_socket_with_1001_within_ten_seconds(
    callout: Installation, database: Database
) -> None:
    api = callout.api()
    api.start()
    service = await factories.add_service(database)
    (provider,) = await factories.add_providers(database, service, count=1)
    dispatcher = await factories.add_dispatcher(database)
    customer = await factories.add_customer(database)
    booking = await factories.add_booking(database, customer, service)
    await callout.answers(200)

    clients = await callout.clients(database, [customer, provider, dispatcher])
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(one.socket()) for one in clients]
        life = await sockets[0].subscribe(BOOKING, id=ids.encode("Booking", booking.id))
        snapshot = (await life.next()).data["bookingUpdated"]
        assert snapshot["type"] == "SNAPSHOT"
        streams = [
            life,
            await sockets[1].subscribe(OFFERS),
            await sockets[2].subscribe(QUEUE, after=snapshot["cursor"]),
        ]

        async with asyncio.timeout(_SECONDS):
            api.send(SIGTERM)
            codes = await asyncio.gather(*(_close_code(stream) for stream in streams))
        assert codes == [1001] * 3
        assert await api.ended(seconds=_SECONDS) == 0


async def _close_code(stream: Stream) -> int | None:
    try:
        while True:
            await stream.next()
    except Hung as hung:
        return hung.code
