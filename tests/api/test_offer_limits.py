"""How often may a provider list, accept and reject offers? As rules.md says, and no more."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
import time_machine

from api import ids
from api.schema import whole
from db import offers
from db.engine import Database
from db.tables import bookings, events, history
from domain.bookings import Booking
from domain.offers import OfferState
from gateways.settings import DEVELOPMENT_SECRET, Settings
from tests import servers
from tests.api import market
from tests.api.door import opened
from tests.api.house import House
from tests.api.market import Market, Person
from tests.api.test_edge import database_error
from tests.factories import add_booking, add_offers, count_rows, read_booking, read_offers

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "{ jobOffers { nodes { id } } }"
ACCEPT = """mutation($id: ID!) { acceptOffer(input: { offerId: $id }) {
  __typename ... on AcceptOfferSuccess { booking { id } } } }"""
REJECT = """mutation($id: ID!) { rejectOffer(input: { offerId: $id, reason: "" }) {
  __typename } }"""
TABLES = (bookings, events, history)


@asynccontextmanager
async def strict(settings: Settings) -> AsyncIterator[House]:
    """A house without a worker: nothing happens in it but what is asked for."""
    database = Database(settings.sqlalchemy_url, name="test")
    try:
        async with opened(settings, schema=whole()) as door:
            yield House(door=door, database=database)
    finally:
        await database.close()


def settings_of(database_url: str, redis_url: str, **changes: Any) -> Settings:
    given = {"mode": "development", "database_url": database_url, "redis_url": redis_url}
    more = {"redis_namespace": f"test-{uuid4().hex}", "port": 0, "secret": DEVELOPMENT_SECRET}
    return Settings.model_validate(given | more | {"cost_bucket": 1_000_000} | changes)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(test_servers: servers.Servers, template: servers.Template) -> AsyncIterator[House]:
    """A house with the limits of rules.md."""
    url = await template.clone()
    async with strict(settings_of(url, test_servers.redis_url)) as house:
        yield house
    template.drop(url)


@pytest.fixture
def nowhere() -> Iterator[str]:
    """The address of a Redis that is not there, held so that nobody else comes to be."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{held.getsockname()[1]}"


async def offered(shop: Market, *to: Person) -> tuple[Booking, list[str]]:
    """A booking, and the ids of its offers to these providers."""
    customer = await shop.customer()
    booking = await add_booking(
        shop.home.database, customer.viewer, shop.service, starts_at=shop.start
    )
    made = await add_offers(shop.home.database, booking, [one.viewer for one in to])
    return booking, [ids.encode("JobOffer", offer.id) for offer in made]


async def spend(shop: Market, who: Person, document: str, times: int) -> None:
    """Do something so many times, to offers that are not there."""
    for _ in range(times):
        answer = await shop.home.ask(who.name, document, id=ids.encode("JobOffer", uuid4()))
        assert "errors" not in answer, answer


def wait_of(answer: Any, message: str) -> int:
    """The seconds that a refusal asks for; it is nothing but a refusal."""
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["message"] == message
    wait: int = error["extensions"]["retryAfter"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": wait}
    return wait


async def test_offers_are_listed_a_hundred_times_an_hour_by_each_provider(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    _, (offer, _) = await offered(shop, one, other)
    for _ in range(100):
        assert (await shop.act(one, LIST))["nodes"] == [{"id": offer}]

    refused = await home.ask(one.name, LIST)

    message = "Too many tries: jobOffers is allowed 100 times in an hour."
    assert 3400 < wait_of(refused, message) <= 3600
    assert len((await shop.act(other, LIST))["nodes"]) == 1
    won = await shop.act(one, ACCEPT, id=offer)
    assert won["__typename"] == "AcceptOfferSuccess"


async def test_the_twenty_first_acceptance_in_an_hour_changes_nothing(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    booking, (mine, theirs) = await offered(shop, one, other)
    await spend(shop, one, ACCEPT, 20)
    before = await count_rows(home.database, *TABLES)

    refused = await home.ask(one.name, ACCEPT, id=mine)

    message = "Too many tries: acceptOffer is allowed 20 times in an hour."
    assert 3400 < wait_of(refused, message) <= 3600
    assert await read_booking(home.database, booking.id) == booking
    states = {o.state for o in (await read_offers(home.database, booking.id)).values()}
    assert states == {OfferState.OFFERED}
    assert await count_rows(home.database, *TABLES) == before
    won = await shop.act(other, ACCEPT, id=theirs)
    assert won["__typename"] == "AcceptOfferSuccess"


async def test_the_fifty_first_rejection_in_a_day_changes_nothing(home: House) -> None:
    shop = await market.opened(home)
    one, other = await shop.provider(), await shop.provider()
    booking, (mine, theirs) = await offered(shop, one, other)
    await spend(shop, one, REJECT, 50)
    before = await count_rows(home.database, *TABLES)

    refused = await home.ask(one.name, REJECT, id=mine)

    message = "Too many tries: rejectOffer is allowed 50 times in 24 hours."
    assert 86_000 < wait_of(refused, message) <= 86_400
    kept = await read_offers(home.database, booking.id)
    assert {offer.state for offer in kept.values()} == {OfferState.OFFERED}
    assert await count_rows(home.database, *TABLES) == before
    said = await shop.act(other, REJECT, id=theirs)
    assert said["__typename"] == "RejectOfferSuccess"
    # The three acts are counted apart.
    won = await shop.act(one, ACCEPT, id=mine)
    assert won["__typename"] == "AcceptOfferSuccess"


async def test_when_the_wait_is_over_there_is_room_again(home: House) -> None:
    shop = await market.opened(home)
    one = await shop.provider()
    _, (offer,) = await offered(shop, one)
    with time_machine.travel("2031-03-14T12:00:00Z", tick=False) as clock:
        home.sign_in(one.name, one.viewer)
        await spend(shop, one, ACCEPT, 20)
        clock.shift(3000)
        home.sign_in(one.name, one.viewer)
        message = "Too many tries: acceptOffer is allowed 20 times in an hour."
        assert wait_of(await home.ask(one.name, ACCEPT, id=offer), message) == 600
        clock.shift(601)
        home.sign_in(one.name, one.viewer)
        won = await shop.act(one, ACCEPT, id=offer)
    assert won["__typename"] == "AcceptOfferSuccess"


async def test_accepting_again_counts_and_the_booking_stays_theirs(home: House) -> None:
    shop = await market.opened(home)
    one = await shop.provider()
    booking, (offer,) = await offered(shop, one)
    for _ in range(20):
        assert (await shop.act(one, ACCEPT, id=offer))["__typename"] == "AcceptOfferSuccess"

    refused = await home.ask(one.name, ACCEPT, id=offer)

    wait_of(refused, "Too many tries: acceptOffer is allowed 20 times in an hour.")
    assert (await read_booking(home.database, booking.id)).provider_id == one.uid


async def test_an_id_that_is_none_is_not_counted(home: House) -> None:
    shop = await market.opened(home)
    one = await shop.provider()
    _, (offer,) = await offered(shop, one)
    for _ in range(21):
        wrong = await shop.act(one, ACCEPT, id="nonsense")
        assert wrong["__typename"] == "InvalidInput"

    assert (await shop.act(one, ACCEPT, id=offer))["__typename"] == "AcceptOfferSuccess"


async def test_each_act_of_an_operation_counts(home: House) -> None:
    shop = await market.opened(home)
    one = await shop.provider()
    _, (offer,) = await offered(shop, one)
    acts = " ".join(
        f"a{n}: acceptOffer(input: {{ offerId: $id }}) {{ __typename }}" for n in range(21)
    )

    refused = await home.ask(one.name, f"mutation($id: ID!) {{ {acts} }}", id=offer)

    wait_of(refused, "Too many tries: acceptOffer is allowed 20 times in an hour.")
    assert refused["errors"][0]["path"] == ["a20"]


async def test_an_act_that_lost_a_race_and_is_run_again_counts_once(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await market.opened(home)
    one = await shop.provider()
    booking, (offer,) = await offered(shop, one)
    accept, attempts = offers.accept, 0

    async def losing(*arguments: Any, **facts: Any) -> Booking:
        nonlocal attempts
        attempts += 1
        if attempts % 3:
            raise database_error("40P01")
        return await accept(*arguments, **facts)

    monkeypatch.setattr(offers, "accept", losing)
    for _ in range(20):
        assert (await shop.act(one, ACCEPT, id=offer))["__typename"] == "AcceptOfferSuccess"

    wait_of(
        await home.ask(one.name, ACCEPT, id=offer),
        "Too many tries: acceptOffer is allowed 20 times in an hour.",
    )
    assert attempts == 60
    assert (await read_booking(home.database, booking.id)).provider_id == one.uid


async def test_while_redis_is_away_work_is_taken_and_counted_still(
    home: House, nowhere: str
) -> None:
    url = home.door.services.settings.database_url.get_secret_value()
    async with strict(settings_of(url, nowhere, accept_limit=2)) as away:
        shop = await market.opened(away)
        one, other = await shop.provider(), await shop.provider()
        _, (mine, _) = await offered(shop, one, other)
        assert (await shop.act(one, ACCEPT, id=mine))["__typename"] == "AcceptOfferSuccess"
        await spend(shop, one, ACCEPT, 1)

        refused = await away.ask(one.name, ACCEPT, id=mine)

        message = "Too many tries: acceptOffer is allowed 2 times in an hour."
        assert 3400 < wait_of(refused, message) <= 3600
        await spend(shop, other, ACCEPT, 2)
