"""Why this provider, why not that one, why nobody: through the public door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from api import ids
from domain.matching import HardRule
from tests.api import market
from tests.api.house import House
from tests.api.market import Market, Person, instant

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXPLAIN = """
query($booking: ID!, $provider: ID!) { explainMatch(bookingId: $booking, providerId: $provider) {
  answer asOf isEligible rank eligibleCount distanceMiles askedNext
  booking { id } provider { id name }
  verdicts { rule passed saw }
  score { total policy priority reasons breakdown { ingredient points } }
  nextRound { opensAt wave size reachMiles }
  offers { id state score breakdown { ingredient points } reasons policy }
} }
"""
NOBODY = """
query($booking: ID!) { whyNobody(bookingId: $booking) {
  answer asOf booking { id } offeringCount lookedAtCount nearCount eligibleCount
  ruledOut { rule providers byItAlone }
  nearest { provider { id } distanceMiles broken { rule saw } }
  offersOpen offersRejected offersExpired
  nextRound { opensAt wave size reachMiles }
  wave round matchDueAt autoDueAt autoTries unfilledAt
} }
"""
REJECT = """mutation($id: ID!) { rejectOffer(input: { offerId: $id, reason: "No." }) {
  __typename } }"""
INSIGHT = ("Dora", "Adam", "Anna")


async def explain(shop: Market, booking: Any, who: Person, *, by: str = "Dora") -> Any:
    return await shop.act(by, EXPLAIN, booking=booking["id"], provider=who.id)


async def test_who_was_asked_is_explained_with_the_score_of_the_offer(home: House) -> None:
    shop = await market.opened(home)
    provider = await shop.provider(completed_jobs=60)
    booking = await shop.booked(await shop.customer())
    offer = await shop.offer(provider)

    said = [await explain(shop, booking, provider, by=name) for name in INSIGHT]

    found = said[0]
    assert [one | {"asOf": found["asOf"]} for one in said] == [found] * 3
    assert found["answer"] == "This provider has an open offer."
    assert (found["isEligible"], found["rank"], found["eligibleCount"]) == (True, 1, 1)
    assert found["booking"] == {"id": booking["id"]}
    assert found["provider"] == {"id": provider.id, "name": "John D."}
    assert [one["rule"] for one in found["verdicts"]] == list(HardRule)
    assert all(one["passed"] for one in found["verdicts"])
    saw = {one["rule"]: one["saw"] for one in found["verdicts"]}
    assert saw["RADIUS"] == "0.2 miles away, limit 10"
    assert saw["ON_SHIFT"] == "not asked of scheduled work"
    assert round(found["distanceMiles"], 1) == 0.2
    (kept,) = found["offers"]
    assert (kept["id"], kept["state"]) == (offer["id"], "OFFERED")
    score = found["score"]
    assert (score["total"], score["policy"], score["priority"]) == (102, "v1", "NORMAL")
    assert score["breakdown"] == [
        {"ingredient": "SHIFT", "points": 50},
        {"ingredient": "LOCATION", "points": 40},
        {"ingredient": "COMPLETED_JOBS", "points": 12},
    ]
    assert score["reasons"] == ["Available now", "Local match: SW1A", "60 jobs completed"]
    for name in ("policy", "breakdown", "reasons"):
        assert kept[name] == score[name]
    assert kept["score"] == score["total"]
    ahead = found["nextRound"]
    assert (ahead["wave"], ahead["size"], ahead["reachMiles"]) == ("BROADCAST", 50, 10)
    assert ahead["opensAt"] == offer["expiresAt"]
    assert found["askedNext"] is True


async def test_who_was_not_asked_is_told_every_rule_in_the_way(home: House) -> None:
    shop = await market.opened(home)
    asked = await shop.provider()
    other = await shop.provider(suspended_at=shop.start, radius_miles=0.1)
    booking = await shop.booked(await shop.customer())
    await shop.offer(asked)

    found = await explain(shop, booking, other)

    assert (found["isEligible"], found["rank"], found["askedNext"]) == (False, None, False)
    assert [one for one in found["verdicts"] if not one["passed"]] == [
        {"rule": "APPROVED", "passed": False, "saw": "suspended"},
        {"rule": "RADIUS", "passed": False, "saw": "0.2 miles away, limit 0.1"},
    ]
    assert (
        found["answer"] == "Not eligible: APPROVED (suspended); RADIUS (0.2 miles away, limit 0.1)."
    )
    # How well they would suit the work is told all the same.
    assert (found["score"]["total"], found["offers"]) == (90, [])


async def test_a_rejected_offer_and_a_booking_that_is_over_are_explained(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada)
    offer = await shop.offer(provider)
    await shop.act(provider, REJECT, id=offer["id"])
    found = await explain(shop, booking, provider)
    assert found["answer"] == "Not eligible: NOT_REJECTED (has rejected this booking)."
    assert [one["state"] for one in found["offers"]] == ["REJECTED"]

    cancel = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"
    await shop.act(ada, cancel, id=booking["id"])
    late = await shop.provider()
    found = await explain(shop, booking, late)
    assert found["answer"] == "Eligible, place 1 of 1; but it is CANCELLED."
    assert (found["nextRound"], found["askedNext"]) == (None, False)


async def test_why_nobody_is_answered_with_numbers_and_what_comes_next(home: House) -> None:
    shop = await market.opened(home)
    suspended = await shop.provider(suspended_at=shop.start)
    far, fit = await shop.provider(latitude=52.5), await shop.provider(latitude=51.52)
    booking = await shop.booked(await shop.customer())
    await shop.act(fit, REJECT, id=(await shop.offer(fit))["id"])
    await shop.match(booking)

    said = [await shop.act(name, NOBODY, booking=booking["id"]) for name in INSIGHT]

    found = said[0]
    assert [one | {"asOf": found["asOf"]} for one in said] == [found] * 3
    most = "APPROVED (1), RADIUS (1), NOT_REJECTED (1)"
    words = f"Of 3 who offer the service nobody is eligible: {most}."
    assert (found["answer"], found["booking"]) == (words, {"id": booking["id"]})
    counts = ("offeringCount", "lookedAtCount", "nearCount", "eligibleCount")
    assert [found[name] for name in counts] == [3, 3, 2, 0]
    assert found["ruledOut"] == [
        {"rule": "APPROVED", "providers": 1, "byItAlone": 1},
        {"rule": "RADIUS", "providers": 1, "byItAlone": 1},
        {"rule": "NOT_REJECTED", "providers": 1, "byItAlone": 1},
    ]
    nearest = [one["provider"]["id"] for one in found["nearest"]]
    assert nearest == [suspended.id, fit.id, far.id]
    assert found["nearest"][0]["broken"] == [{"rule": "APPROVED", "saw": "suspended"}]
    assert [found[f"offers{name}"] for name in ("Open", "Rejected", "Expired")] == [0, 1, 0]
    assert (found["wave"], found["autoTries"], found["unfilledAt"]) == ("BROADCAST", 0, None)
    assert found["round"] >= 2
    assert found["nextRound"]["opensAt"] == found["matchDueAt"]
    assert instant(found["matchDueAt"]) > instant(found["asOf"])
    assert found["autoDueAt"] is None


async def test_why_nobody_counts_the_offers_that_came_to_nothing(home: House) -> None:
    shop = await market.opened(home)
    provider, other = await shop.provider(), await shop.provider()
    booking = await shop.booked(await shop.customer())
    offer = await shop.offer(provider)
    await shop.offer(other)
    await shop.act(provider, REJECT, id=offer["id"])
    found = await shop.act("Dora", NOBODY, booking=booking["id"])
    assert (found["offersOpen"], found["offersRejected"], found["eligibleCount"]) == (1, 1, 1)
    assert found["answer"] == "1 asked, who have not answered yet."
    await shop.pass_time(booking, timedelta(minutes=5))
    found = await shop.act("Dora", NOBODY, booking=booking["id"])
    assert found["offersRejected"] == 1
    assert found["offersExpired"] == 1


@pytest.mark.parametrize("document", [EXPLAIN, NOBODY])
async def test_only_those_who_run_or_study_the_house_may_ask(home: House, document: str) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await shop.booked(ada)
    asked = {"booking": booking["id"], "provider": provider.id}
    if document == NOBODY:
        del asked["provider"]
    for name in (provider.name, ada.name, "Carla", "Chloe"):
        answer = await home.ask(name, document, **asked)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert answer.get("data") is None
    answer = await home.door.ask(document, asked)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_what_is_not_there_is_not_found_and_a_wrong_id_is_said_to_be_one(home: House) -> None:
    shop = await market.opened(home)
    provider = await shop.provider()
    booking = await shop.booked(await shop.customer())
    nowhere = {"booking": ids.encode("Booking", uuid4()), "provider": provider.id}
    nobody = {"booking": booking["id"], "provider": ids.encode("Provider", uuid4())}
    swapped = {"booking": provider.id, "provider": booking["id"]}
    for asked, code in ((nowhere, "NOT_FOUND"), (nobody, "NOT_FOUND"), (swapped, "BAD_USER_INPUT")):
        answer = await home.ask("Dora", EXPLAIN, **asked)
        assert answer["errors"][0]["extensions"]["code"] == code, asked
    answer = await home.ask("Dora", NOBODY, booking=nowhere["booking"])
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
