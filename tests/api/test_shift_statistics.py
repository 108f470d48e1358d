"""Reading through the public door what a provider did in a period."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from api import ids
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, Market, Person, instant
from tests.factories import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIGURES = """query($from: Instant!, $to: Instant!, $provider: ID) {
  shiftStatistics(from: $from, to: $to, providerId: $provider) {
    provider { id } startsAt endsAt shifts minutesOnShift minutesAtWork jobsCompleted
    offersReceived offersAccepted offersRejected offersExpired
    acceptanceRate medianResponseSeconds
  }
}"""
ACT = "mutation($id: ID!) {{ {}(input: {{ bookingId: $id }}) {{ __typename }} }}"


async def read(shop: Market, who: Person | str, **asked: Any) -> Any:
    at = await now(shop.home.database)
    period = {"from": at - HOUR, "to": at + HOUR} | asked
    return await shop.act(who, FIGURES, **market.plain(period))


async def test_a_day_of_work_is_in_the_figures_and_half_a_life_is_not(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    nothing = await read(shop, provider)
    counts = ("jobsCompleted", "offersReceived", "offersAccepted")
    assert [nothing[name] for name in counts] == [0, 0, 0]
    assert (nothing["acceptanceRate"], nothing["medianResponseSeconds"]) == (None, None)

    booking = await shop.booked(ada)
    assert (await shop.accept(provider))["__typename"] == "AcceptOfferSuccess"
    for act in ("startBooking", "completeBooking"):
        await shop.act(provider, ACT.format(act), id=booking["id"])

    found = await read(shop, provider)
    assert found["provider"] == {"id": provider.id}
    assert [found[name] for name in counts] == [1, 1, 1]
    assert (found["shifts"], found["minutesAtWork"]) == (1, 0)
    assert found["acceptanceRate"] == 1
    assert 0 < found["medianResponseSeconds"] < 60
    before = await now(home.database) - 2 * HOUR
    earlier = await read(shop, provider, **{"from": before, "to": before + HOUR})
    assert [earlier[name] for name in ("shifts", *counts)] == [0, 0, 0, 0]


async def test_providers_read_their_own_and_staff_and_analysts_anybodys(home: House) -> None:
    shop = await market.opened(home)
    provider, other = await shop.provider(), await shop.provider()
    own = await read(shop, provider)
    assert own["provider"] == {"id": provider.id}
    assert (await read(shop, provider, provider=provider.id))["provider"] == {"id": provider.id}
    for who in ("Dora", "Adam", "Anna"):
        found = await read(shop, who, provider=provider.id)
        assert (found["provider"], found["shifts"]) == ({"id": provider.id}, 1)
    period = market.plain({"from": instant(own["startsAt"]), "to": instant(own["endsAt"])})
    for who, asked, code in (
        (other.name, {"provider": provider.id}, "NOT_FOUND"),
        ("Dora", {}, "BAD_USER_INPUT"),
        ("Dora", {"provider": ids.encode("Booking", uuid4())}, "BAD_USER_INPUT"),
        ("Carla", {"provider": provider.id}, "FORBIDDEN"),
        (provider.name, {"to": period["from"]}, "BAD_USER_INPUT"),
    ):
        answer = await home.ask(who, FIGURES, **period | asked)
        assert answer["errors"][0]["extensions"]["code"] == code, (who, asked)


async def test_of_somebody_unknown_there_is_nothing(home: House) -> None:
    shop = await market.opened(home)
    found = await read(shop, "Dora", provider=ids.encode("Provider", uuid4()))
    assert (found["provider"], found["shifts"], found["offersReceived"]) == (None, 0, 0)
