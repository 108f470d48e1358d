"""A dispatcher has what nobody has taken given away, and everybody sees what they may of it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from api import ids
from db.tables import auto_runs, bookings, providers
from tests.api import market
from tests.api.house import ADDRESS, House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, uid_of
from tests.factories import count_rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTO = market.mutation(
    "autoAssign",
    """
    assigned { booking { id status provider { id } history { act source } }
      provider { id } reasons distanceMiles cost }
    unassigned { booking { id status } why broken { rule providers } }
    waiting cost greedyAssigned greedyCost gain { bookings miles } dryRun
    """,
    "InvalidInput",
)
RUNS = """query($first: Int, $after: String) { autoRuns(first: $first, after: $after) {
  nodes { id startedAt waiting assigned cost greedyAssigned greedyCost gain { bookings miles } }
  pageInfo { hasNextPage endCursor } totalCount
} }"""
ASKED_BY = "{ autoRuns(first: 1) { nodes { askedBy { givenName } } } }"
FEED = "subscription { offerFeed { type offer { id wave state booking { id } } } }"
CANCEL = "mutation($id: ID!) { cancelBooking(input: { bookingId: $id }) { __typename } }"
NODE = "query($id: ID!) { node(id: $id) { __typename ... on AutoRun { waiting } } }"


async def auto(shop: Market, *named: Any, by: str = "Dora", **said: Any) -> Any:
    asked = {"bookingIds": [one["id"] for one in named], **said}
    return await shop.act(by, AUTO, input=asked)


def north(miles: float) -> dict[str, Any]:
    """Somebody so far to the north, who would come that far."""
    return {"latitude": 51.5034 + miles / 69.0934, "longitude": -0.1276, "radius_miles": 50.0}


async def change(shop: Market, who: Person, **columns: Any) -> None:
    """Let something be otherwise with a provider."""
    theirs = update(providers).where(providers.c.id == who.uid)
    async with shop.home.database.begin() as tx:
        await tx.execute(theirs.values(columns))


async def test_named_bookings_are_given_to_whom_they_suit_best_together(home: House) -> None:
    shop = await market.opened(home)
    ada = await shop.customer()
    both = await shop.provider(**north(0), rating=5)
    near = await shop.provider(**north(-12), rating=3)
    one = await shop.booked(ada)
    far = {"latitude": 51.5034 + 12 / 69.0934, "longitude": -0.1276}
    other = await shop.booked(ada, address=ADDRESS | {"point": far})

    done = await auto(shop, one, other)

    assert done["__typename"] == "AutoAssignSuccess"
    owners = {each["booking"]["id"]: each["provider"]["id"] for each in done["assigned"]}
    assert owners == {one["id"]: near.id, other["id"]: both.id}
    assert (done["waiting"], done["unassigned"], done["dryRun"]) == (2, [], False)
    assert (done["greedyAssigned"], done["gain"]["bookings"]) == (1, 1)
    assert done["cost"] == pytest.approx(sum(each["cost"] for each in done["assigned"]))
    (first,) = [each for each in done["assigned"] if each["booking"]["id"] == one["id"]]
    assert first["distanceMiles"] == pytest.approx(12, abs=0.05)
    assert first["reasons"][0] == "Available now"
    assert first["booking"]["provider"] == {"id": near.id}
    assert first["booking"]["history"][-1] == {"act": "ASSIGN", "source": "STAFF"}


async def test_the_provider_hears_of_it_by_their_feed(home: House) -> None:
    shop = await market.opened(home)
    ada, provider = await shop.customer(), await shop.provider(on_shift=False)
    booking = await shop.booked(ada)
    offer = await shop.offer(provider)
    async with home.follow(provider.name, FEED) as feed:
        await auto(shop, booking)
        while (told := await feed.next())["type"] != "ACCEPTED":
            pass
    assert told["offer"] == {
        "id": offer["id"],
        "wave": "TARGETED",
        "state": "ACCEPTED",
        "booking": {"id": booking["id"]},
    }


async def test_a_dry_run_says_the_same_and_changes_nothing(home: House) -> None:
    shop = await market.opened(home)
    ada, provider = await shop.customer(), await shop.provider(rating=4.9)
    booking = await shop.booked(ada)
    await shop.offer(provider)
    before = await shop.read(booking)
    runs = await count_rows(home.database, auto_runs)

    dry = await auto(shop, booking, dryRun=True)

    assert dry["dryRun"] is True
    (told,) = dry["assigned"]
    assert (told["provider"], told["booking"]["provider"]) == ({"id": provider.id}, None)
    assert "Rated 4.90" in told["reasons"]
    after = await shop.read(booking)
    assert (after["version"], after["provider"]) == (before["version"], None)
    assert await count_rows(home.database, auto_runs) == runs
    (done,) = (await auto(shop, booking))["assigned"]
    assert (done["provider"], done["cost"]) == (told["provider"], told["cost"])


async def test_what_cannot_be_given_is_told_with_why(home: House) -> None:
    shop = await market.opened(home)
    ada = await shop.customer()
    moved, suspended = await shop.provider(), await shop.provider()
    lost = await shop.booked(ada)
    gone = await shop.booked(ada, startsAt=shop.start + 3 * HOUR)
    await shop.act(ada, CANCEL, id=gone["id"])
    await change(shop, moved, **north(16))
    await change(shop, suspended, suspended_at=shop.start)

    done = await auto(shop, lost, gone)

    assert done["assigned"] == []
    assert done["waiting"] == 1
    assert done["unassigned"] == [
        {
            "booking": {"id": lost["id"], "status": "PAID"},
            "why": "NOBODY_ELIGIBLE",
            "broken": [
                {"rule": "APPROVED", "providers": 1},
                {"rule": "RADIUS", "providers": 1},
            ],
        },
        {
            "booking": {"id": gone["id"], "status": "CANCELLED"},
            "why": "NOT_OPEN",
            "broken": [],
        },
    ]


async def test_whoever_is_needed_elsewhere_is_not_doubled(home: House) -> None:
    shop = await market.opened(home)
    provider, other = await shop.provider(), await shop.provider()
    made = [await shop.booked(one) for one in await shop.customers(2)]
    await change(shop, other, suspended_at=shop.start)
    done = await auto(shop, *made)
    assert [each["provider"]["id"] for each in done["assigned"]] == [provider.id]
    assert [each["why"] for each in done["unassigned"]] == ["NEEDED_ELSEWHERE"]


async def test_without_names_all_that_is_due_is_given(home: House) -> None:
    shop = await market.opened(home)
    ada, provider = await shop.customer(), await shop.provider()
    due = await shop.booked(ada)
    waits = await shop.booked(ada, startsAt=shop.start + 3 * HOUR)
    async with home.database.begin() as tx:
        past = update(bookings).where(bookings.c.id == uid_of(due))
        await tx.execute(past.values(auto_due_at=bookings.c.requested_at - MINUTE))

    done = await shop.act("Dora", AUTO, input={})

    owners = {each["booking"]["id"]: each["provider"]["id"] for each in done["assigned"]}
    assert owners == {due["id"]: provider.id}
    assert (await shop.read(waits))["provider"] is None


async def test_two_dispatchers_at_once_give_it_once(home: House) -> None:
    shop = await market.opened(home)
    ada = await shop.customer()
    await shop.provider()
    await shop.provider()
    booking = await shop.booked(ada)

    both = await shop.at_once(booking, auto(shop, booking), auto(shop, booking))

    given = [each for one in both for each in one["assigned"]]
    assert len(given) == 1
    after = await shop.read(booking)
    assert after["provider"] == given[0]["provider"]
    assert [line["act"] for line in after["history"]] == ["REQUEST", "ASSIGN"]


class TestTheInput:
    async def test_names_bookings_and_not_too_many(self, home: House) -> None:
        shop = await market.opened(home)
        ada, _ = await shop.customer(), await shop.provider()
        booking = await shop.booked(ada)
        wrong = await shop.act("Dora", AUTO, input={"bookingIds": [booking["id"], ada.id]})
        assert wrong["__typename"] == "InvalidInput"
        assert wrong["errors"][0]["path"] == ["bookingIds", "1"]
        many = await auto(shop, *[booking] * 51)
        assert many["errors"][0]["path"] == ["bookingIds"]

    async def test_is_not_found_where_there_is_none(self, home: House) -> None:
        shop = await market.opened(home)
        absent = {"id": ids.encode("Booking", shop.service.id)}
        assert (await auto(shop, absent))["code"] == "NOT_FOUND"


async def test_runs_are_listed_newest_first_for_staff_and_analysts(home: House) -> None:
    shop = await market.opened(home)
    ada = await shop.customer()
    await shop.provider()
    for n in range(2):
        await auto(shop, await shop.booked(ada, startsAt=shop.start + 3 * n * HOUR))

    page = await shop.act("Dora", RUNS, first=1)
    (newest,) = page["nodes"]
    assert (newest["waiting"], newest["assigned"], newest["greedyAssigned"]) == (1, 1, 1)
    assert newest["gain"] == {"bookings": 0, "miles": 0}
    assert newest["cost"] == newest["greedyCost"] == pytest.approx(10, abs=1)
    assert page["pageInfo"]["hasNextPage"] is True
    assert page["totalCount"] == await count_rows_of(home)
    again = await shop.act("Dora", RUNS, first=1, after=page["pageInfo"]["endCursor"])
    assert instant(again["nodes"][0]["startedAt"]) < instant(newest["startedAt"])
    assert (await shop.act("Dora", ASKED_BY))["nodes"] == [{"askedBy": {"givenName": "Dora"}}]
    seen = await shop.act("Dora", NODE, id=newest["id"])
    assert seen == {"__typename": "AutoRun", "waiting": 1}
    assert await shop.act(ada, NODE, id=newest["id"]) is None
    assert (await shop.act("Anna", RUNS, first=1))["nodes"] == [newest]
    refused = await home.ask("Anna", ASKED_BY)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def count_rows_of(home: House) -> int:
    (number,) = await count_rows(home.database, auto_runs)
    return number


@pytest.mark.parametrize("kind", ["customer", "provider"])
async def test_nobody_else_gives_work_away_or_reads_of_it(home: House, kind: str) -> None:
    shop = await market.opened(home)
    who: Person = await (shop.customer() if kind == "customer" else shop.provider())
    for answer in (await home.ask(who.name, AUTO, input={}), await home.ask(who.name, RUNS)):
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
