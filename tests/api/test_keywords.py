"""What a concern is about, through the public door: on bookings, on offers and to choose from."""

from __future__ import annotations

import pytest

from domain.keywords import KEYWORDS, KeywordGroup
from domain.services import Trade
from tests.api import market
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = "{ keywords { name group } }"
READ = "query($id: ID!) { booking(id: $id) { concern keywords version } }"
UPDATE = market.mutation("updateBooking", "booking { concern keywords version history { act } }")
WORK = "query($id: ID!) { node(id: $id) { ... on JobOffer { work { concern keywords } } } }"
CONCERN = "Check engine light is on, the BRAKES squeal, and it needs an oil change"


async def test_anybody_can_see_which_there_are(home: House) -> None:
    listed = await home.act(None, ALL)

    assert listed == [{"name": one.name, "group": one.group.value} for one in KEYWORDS]
    assert len(listed) >= 40
    assert {one["group"] for one in listed} == {group.value for group in KeywordGroup}


async def test_a_list_of_them_costs_what_it_may_hold(home: House) -> None:
    answer = await home.ask("Dora", "{ keywords(first: 3) { name } }")
    assert [one["name"] for one in answer["data"]["keywords"]] == [one.name for one in KEYWORDS[:3]]
    assert answer["extensions"]["cost"]["requested"] == 3
    whole = (await home.ask("Dora", ALL))["extensions"]["cost"]
    assert (whole["requested"], whole["actual"]) == (200, len(KEYWORDS))
    for first in (0, 201):
        wrong = await home.ask("Dora", f"{{ keywords(first: {first}) {{ name }} }}")
        assert wrong["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_booking_and_its_offers_show_what_its_concern_is_about(home: House) -> None:
    shop = await market.opened(home, trade=Trade.MECHANICAL)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, concern=CONCERN)
    about = ["check engine", "noise", "brakes", "oil change"]

    said = {"concern": CONCERN, "keywords": about}
    assert await shop.act(ada, READ, id=booking["id"]) == said | {"version": 1}
    offer = await shop.offer(provider)
    assert await shop.act(provider, WORK, id=offer["id"]) == {"work": said}


async def test_a_concern_said_anew_is_one_change(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada, providerId=provider.id, concern="Oven")

    asked = {"bookingId": booking["id"], "concern": "A woven carpet"}
    after = (await shop.act(ada, UPDATE, input=asked))["booking"]

    assert after == {
        "concern": "A woven carpet",
        "keywords": ["carpet"],
        "version": 2,
        "history": [{"act": "REQUEST"}, {"act": "EDIT"}],
    }
