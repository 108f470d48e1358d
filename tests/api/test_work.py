"""Handing work over through the public door, with what there is to show for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import market
from tests.api.house import House
from tests.api.market import Market, Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORK = "status completionNotes photoUrls checklist { label done } signature { name url }"
COMPLETE = market.mutation(
    "completeBooking", f"booking {{ {WORK} }}", "WrongStatus", "InvalidInput"
)
READ = f"query($id: ID!) {{ booking(id: $id) {{ {WORK} }} }}"
START = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
PICTURE = "https://photos.example/signature.png"


async def started(shop: Market, ada: Person, provider: Person) -> Any:
    booking = await shop.booked(ada, providerId=provider.id)
    await shop.act(provider, START, id=booking["id"])
    return booking


async def complete(shop: Market, who: Person, booking: Any, **said: Any) -> Any:
    return await shop.act(who, COMPLETE, input={"bookingId": booking["id"], **said})


async def test_the_checklist_and_the_signature_are_seen_by_its_parties(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await started(shop, ada, provider)
    done = await complete(
        shop,
        provider,
        booking,
        notes="All clean.",
        checklist=[{"label": " Oven "}, {"label": "Windows", "done": False}],
        signedBy="Mrs Doe",
        signatureUrl=PICTURE,
    )
    expected = {
        "status": "COMPLETED",
        "completionNotes": "All clean.",
        "photoUrls": [],
        "checklist": [{"label": "Oven", "done": True}, {"label": "Windows", "done": False}],
        "signature": {"name": "Mrs Doe", "url": PICTURE},
    }
    assert done["booking"] == expected
    for who in (ada, provider, "Dora"):
        assert await shop.act(who, READ, id=booking["id"]) == expected
    # Who studies the figures reads nothing that people say or sign.
    silent: dict[str, Any] = {"signature": None, "completionNotes": None, "checklist": []}
    assert await shop.act("Anna", READ, id=booking["id"]) == expected | silent


async def test_nothing_of_it_is_needed(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await started(shop, ada, provider)
    done = (await complete(shop, provider, booking))["booking"]
    assert (done["checklist"], done["signature"]) == ([], None)


async def test_every_wrong_field_is_named_and_the_work_goes_on(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await started(shop, ada, provider)
    refused = await complete(
        shop,
        provider,
        booking,
        checklist=[{"label": "Oven"}, {"label": ""}],
        signatureUrl=PICTURE,
        photoUrls=["http://x"],
    )
    paths = [error["path"] for error in refused["errors"]]
    assert paths == [["photoUrls"], ["checklist", "1", "label"], ["signedBy"]]
    assert (await shop.read(booking))["status"] == "IN_PROGRESS"
    many = [{"label": "x"}] * 51
    refused = await complete(shop, provider, booking, checklist=many)
    assert [error["path"] for error in refused["errors"]] == [["checklist"]]
