"""Why do I see no offers? Asked by providers and by staff, and what is told of others' work."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from api import ids
from tests.api import market
from tests.api.house import House
from tests.api.market import Market, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHY = """
query($provider: ID) { whyNoOffers(providerId: $provider) {
  answer asOf offerCount
  obstacles { hindrance extent message }
  completion { percent missing { item weight remedy } }
  passedBy {
    service { id } startsAt endsAt area distanceMiles isOpen why broken { rule passed saw }
  }
} }
"""


async def why(shop: Market, who: Person | str, about: Person | None = None) -> Any:
    asked = {"provider": about.id} if about else {}
    return await shop.act(who, WHY, **asked)


async def test_a_provider_without_work_is_told_that_there_was_none(home: House) -> None:
    shop = await market.opened(home)
    provider = await shop.provider()
    found = await why(shop, provider)
    assert found["answer"] == "Nothing stands in the way; there was no work in the last 7 days."
    assert (found["obstacles"], found["passedBy"], found["offerCount"]) == ([], [], 0)
    assert {one["item"] for one in found["completion"]["missing"]} >= {"PHOTO", "ABOUT"}


async def test_what_stands_in_the_way_is_told_to_them_and_to_staff(home: House) -> None:
    shop = await market.opened(home)
    provider = await shop.provider(approved_at=None, on_shift=False)

    said = [await why(shop, provider), await why(shop, provider, provider)]
    said += [await why(shop, name, provider) for name in ("Dora", "Adam")]

    found = said[0]
    assert [one | {"asOf": found["asOf"]} for one in said] == [found] * 4
    assert found["answer"] == "Nothing is offered to you until what stands in the way is gone."
    assert found["obstacles"] == [
        {
            "hindrance": "NOT_APPROVED",
            "extent": "ALL",
            "message": "An admin has to approve you first.",
        },
        {
            "hindrance": "OFF_SHIFT",
            "extent": "IMMEDIATE",
            "message": "You are off shift: clock in to be offered what is wanted now.",
        },
    ]


async def test_of_work_that_passed_by_nothing_of_its_customer_is_told(home: House) -> None:
    shop = await market.opened(home)
    provider = await shop.provider(radius_miles=5, brands=["Miele"])
    await shop.provider(brands=["Bosch"])
    ada = await shop.customer()
    point = {"latitude": 51.5610, "longitude": -0.1276}
    address: dict[str, Any] = {"line1": "7 Secret Street", "city": "London", "postalCode": "N7 9RL"}
    address |= {"country": "GB", "point": point}
    booking = await shop.booked(
        ada,
        address=address,
        concern="Ring twice",
        accessInstructions="Key under the mat",
        requestedBrand="Bosch",
    )

    found = await why(shop, provider)

    (passed,) = found["passedBy"]
    assert passed == {
        "service": {"id": shop.service_id},
        "startsAt": booking["startsAt"],
        "endsAt": booking["endsAt"],
        "area": "N7",
        "distanceMiles": 4,
        "isOpen": True,
        "why": "BRAND (not specialised in Bosch)",
        "broken": [{"rule": "BRAND", "passed": False, "saw": "not specialised in Bosch"}],
    }
    told = str(found)
    for secret in ("Secret", "Ring twice", "mat", "9RL", "51.56", booking["id"], ada.id, "John"):
        assert secret not in told


async def test_the_distance_of_what_is_too_far_is_rounded_for_everybody(home: House) -> None:
    shop = await market.opened(home)
    # The middle of its field is within the box around 3.5 miles, and 4.2 away.
    provider = await shop.provider(radius_miles=3.5)
    await shop.provider(radius_miles=50)
    point = {"latitude": 51.5404, "longitude": -0.0626}
    address = {"line1": "1 Far Road", "city": "London", "postalCode": "E8 1AA", "country": "GB"}
    await shop.booked(await shop.customer(), address=address | {"point": point})
    for name in (provider, "Dora"):
        (passed,) = (await why(shop, name, provider))["passedBy"]
        assert passed["broken"] == [
            {"rule": "RADIUS", "passed": False, "saw": "about 4 miles away, limit 3.5"}
        ]


async def test_nobody_asks_for_another_and_staff_have_to_name_one(home: House) -> None:
    shop = await market.opened(home)
    provider, other = await shop.provider(), await shop.provider()

    async def code(name: str, **asked: Any) -> str:
        answer = await home.ask(name, WHY, **asked)
        assert answer.get("data") is None
        found: str = answer["errors"][0]["extensions"]["code"]
        return found

    assert await code(provider.name, provider=other.id) == "NOT_FOUND"
    assert await code(provider.name, provider=ids.encode("Provider", uuid4())) == "NOT_FOUND"
    assert await code("Dora", provider=ids.encode("Provider", uuid4())) == "NOT_FOUND"
    assert await code("Dora") == "BAD_USER_INPUT"
    assert await code("Dora", provider=shop.service_id) == "BAD_USER_INPUT"
    for name in ("Anna", "Carla"):
        assert await code(name, provider=other.id) == "FORBIDDEN"
        answer = await home.ask(name, "{ whyNoOffers { answer } }")
        assert answer["errors"][0]["extensions"]["field"] == "Query.whyNoOffers"


async def test_asking_leaves_everything_as_it_was(home: House) -> None:
    shop = await market.opened(home)
    provider = await shop.provider(brands=["Miele"])
    await shop.provider(brands=["Bosch"])
    booking = await shop.booked(await shop.customer(), requestedBrand="Bosch")
    await shop.match(booking)
    before = await shop.read(booking), await shop.told(booking)
    await why(shop, provider)
    assert (await shop.read(booking), await shop.told(booking)) == before
