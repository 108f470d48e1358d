"""A hundred people want the same thing at the same time, through the front door: who gets it?"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from api import ids
from db.engine import Database
from tests import factories, invariants
from tests.caller import Caller, NotNow
from tests.depth import DEPTH
from tests.installation import Installation
from tests.journeys.documents import ACCEPT, BOOK, a_wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from domain.people import Viewer

#: Hundreds of requests each; a busy machine needs its time.
pytestmark = [pytest.mark.timeout(240 + 60 * DEPTH), pytest.mark.soak]

CROWD = 100
ROUNDS = 5 * DEPTH
#: One customer who always wins may have no more than ten bookings.
FEWER_ROUNDS = min(3 * DEPTH, 10)
#: Far enough apart that one round's winner is free in the next.
APART = timedelta(hours=3)


async def test_of_a_hundred_who_accept_a_booking_one_gets_it(
    callout: Installation, database: Database
) -> None:
    callout.api().start()
    service = await factories.add_service(database)
    customer = await factories.add_customer(database)
    providers = await factories.add_providers(database, service, count=CROWD)
    await callout.answers(200)
    first = await factories.now(database) + timedelta(days=1)

    async with _callers(callout, database, providers) as callers:
        for number in range(ROUNDS):
            starts_at = first + number * APART
            booking = await factories.add_booking(database, customer, service, starts_at=starts_at)
            offers = await factories.add_offers(database, booking, providers)
            answers = await _at_once(
                (caller, ACCEPT, {"offerId": ids.encode("JobOffer", offer.id)})
                for caller, offer in zip(callers, offers, strict=True)
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
    await callout.answers(200)
    first = await factories.tomorrow(database)

    async with _callers(callout, database, customers) as callers:
        for number in range(FEWER_ROUNDS):
            wish = await a_wish(
                database,
                service,
                startsAt=(first + number * APART).isoformat(),
                providerId=ids.encode("Provider", provider.user_id),
            )
            answers = await _at_once((caller, BOOK, wish) for caller in callers)
            kinds = Counter(answer["__typename"] for answer in answers)
            assert kinds == {"CreateBookingSuccess": 1, "SlotTaken": CROWD - 1}
            refused = [one for one in answers if one["__typename"] == "SlotTaken"]
            assert all(len(one["alternatives"]) == 3 for one in refused)
    await invariants.check(database)


@asynccontextmanager
async def _callers(
    callout: Installation, database: Database, people: Sequence[Viewer]
) -> AsyncIterator[list[Caller]]:
    tokens = await callout.tokens(database, people)
    callers = [Caller(callout.base, token) for token in tokens]
    try:
        yield callers
    finally:
        for caller in callers:
            await caller.close()


async def _at_once(
    wishes: Iterable[tuple[Caller, str, dict[str, Any]]],
) -> list[dict[str, Any]]:
    asked = (_answer(caller, document, wanted) for caller, document, wanted in wishes)
    answers: list[dict[str, Any]] = await asyncio.gather(*asked)
    return answers


async def _answer(caller: Caller, document: str, wanted: dict[str, Any]) -> Any:
    """The answer to somebody who asks again as often as they are asked to."""
    while True:
        with suppress(NotNow):
            return await caller.ask(document, input=wanted)
