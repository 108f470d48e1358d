"""A hundred people want the same thing at the same time, through the front door: who gets it?"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from api import ids
from db.engine import Database
from tests import factories, invariants
from tests.installation import Installation
from tests.journeys.documents import ACCEPT, BOOK, a_wish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from callout.client import Client

CROWD = 100
ROUNDS = 20
#: Far enough apart that one round's winner is free in the next.
APART = timedelta(hours=3)


async def test_of_a_hundred_who_accept_a_booking_one_gets_it(
    callout: Installation, database: Database
) -> None:
    callout.api().start()
    service = await factories.add_service(database)
    customer = await factories.add_customer(database)
    providers = await factories.add_providers(database, service, count=CROWD)
    clients = await callout.clients(database, providers)
    await callout.answers(200)
    first = await factories.now(database) + timedelta(days=1)

    for number in range(ROUNDS):
        starts_at = first + number * APART
        booking = await factories.add_booking(database, customer, service, starts_at=starts_at)
        offers = await factories.add_offers(database, booking, providers)
        answers = await _at_once(
            (client, ACCEPT, {"offerId": ids.encode("JobOffer", offer.id)})
            for client, offer in zip(clients, offers, strict=True)
        )
        kinds = Counter((answer["__typename"], answer.get("why")) for answer in answers)
        assert kinds == {("AcceptOfferSuccess", None): 1, ("OfferGone", "TAKEN"): CROWD - 1}
    await invariants.check(database)


async def test_of_a_hundred_who_book_a_slot_one_gets_it(
    callout: Installation, database: Database
) -> None:
    callout.api().start()
    service = await factories.add_service(database)
    customers = await factories.add_customers(database, count=CROWD)
    (provider,) = await factories.add_providers(database, service, count=1)
    clients = await callout.clients(database, customers)
    await callout.answers(200)
    first = await factories.now(database) + timedelta(days=1)

    for number in range(ROUNDS):
        wish = await a_wish(
            database,
            service,
            startsAt=(first + number * APART).isoformat(),
            providerId=ids.encode("Provider", provider.user_id),
        )
        answers = await _at_once((client, BOOK, wish) for client in clients)
        kinds = Counter(answer["__typename"] for answer in answers)
        assert kinds == {"CreateBookingSuccess": 1, "SlotTaken": CROWD - 1}
        refused = [one for one in answers if one["__typename"] == "SlotTaken"]
        assert all(len(one["alternatives"]) == 3 for one in refused)
    await invariants.check(database)


async def _at_once(wishes: Any) -> Sequence[dict[str, Any]]:
    async def ask(client: Client, document: str, wanted: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = next(iter((await client.ask(document, input=wanted)).values()))
        return answer

    return await asyncio.gather(*(ask(*wish) for wish in wishes))
