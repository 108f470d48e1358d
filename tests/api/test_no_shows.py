"""Telling through the public door that somebody did not turn up."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.tables import bookings, reservations
from domain.booking_rules import BookingRules
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, outcomes, uid_of
from tests.factories import now

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPORT = market.mutation(
    "reportNoShow",
    f"booking {{ {market.BOOKING} noShowAt photoUrls }}",
    *("TooEarly", "WrongStatus", "InvalidInput"),
)
PAY = "mutation($id: ID!) { payBooking(input: { bookingId: $id }) { __typename } }"
START = "mutation($id: ID!) { startBooking(input: { bookingId: $id }) { __typename } }"
COMPLETE = "mutation($id: ID!) { completeBooking(input: { bookingId: $id }) { __typename } }"
PHOTO = "https://example.com/door.jpg"
PRESENCE = "subscription { presenceChanged { presence provider { id } } }"


async def opened(home: House) -> Market:
    return await market.opened(home, price_minor=4050, rules=BookingRules(cancel_whole_percent=80))


async def due(shop: Market, ada: Person, provider: Person, *, ago: timedelta) -> Any:
    """A paid booking whose start was so long ago."""
    booking = await shop.booked(ada, providerId=provider.id)
    await shop.act(ada, PAY, id=booking["id"])
    at = await now(shop.home.database)
    await shop.pass_time(booking, shop.start - at + ago)
    return await shop.read(booking)


async def report(shop: Market, who: Person | str, booking: Any, absent: str, **said: Any) -> Any:
    asked = {"bookingId": booking["id"], "absent": absent, "note": "Nobody opened.", **said}
    return await shop.act(who, REPORT, input=asked)


async def evidence(shop: Market, booking: Any) -> str | None:
    """What is kept as evidence; nobody reads it through the door yet."""
    b = bookings.c
    async with shop.home.database.read() as connection:
        query = select(b.evidence).where(b.id == uid_of(booking))
        kept: str | None = await connection.scalar(query)
        return kept


async def test_an_absent_customer_pays_by_the_rules_and_the_provider_is_free_again(
    home: House,
) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ago=16 * MINUTE)
    told = await report(shop, provider, booking, "CUSTOMER", photoUrls=[PHOTO])
    after = told["booking"]
    assert (after["status"], after["absent"], after["photoUrls"]) == (
        "NO_SHOW",
        "CUSTOMER",
        [PHOTO],
    )
    assert after["fee"] == {"amountMinor": 3240}
    assert after["noShowAt"] is not None
    line = {"act": "REPORT_NO_SHOW", "source": "PROVIDER", "before": "CONFIRMED"}
    assert after["history"][-1] == line | {
        "after": "NO_SHOW",
        "reason": "CUSTOMER: Nobody opened.",
    }
    assert await evidence(shop, booking) == "Nobody opened."
    r = reservations.c
    async with home.database.read() as connection:
        query = select(r.id).where(r.provider_id == provider.uid, r.released_at.is_(None))
        assert list(await connection.scalars(query)) == []
    # What they have paid beside the fee goes back.
    assert (await shop.told(booking))[-2:] == ["booking.no_show", "refund.created"]


async def test_an_absent_provider_costs_the_customer_nothing(home: House) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ago=31 * MINUTE)
    after = (await report(shop, ada, booking, "PROVIDER"))["booking"]
    assert (after["status"], after["absent"]) == ("NO_SHOW", "PROVIDER")
    assert after["fee"] == {"amountMinor": 0}
    assert after["history"][-1]["source"] == "CUSTOMER"


@pytest.mark.parametrize(("absent", "patience"), [("CUSTOMER", 15), ("PROVIDER", 30)])
async def test_the_other_one_has_some_minutes_to_come_and_it_is_said_until_when(
    home: House, absent: str, patience: int
) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ago=(patience - 1) * MINUTE)
    witness = provider if absent == "CUSTOMER" else ada
    for who in (witness, "Dora"):
        refused = await report(shop, who, booking, absent)
        assert (refused["__typename"], refused["code"]) == ("TooEarly", "TOO_EARLY")
        possible = instant(refused["possibleFrom"])
        assert possible == instant(booking["startsAt"]) + patience * MINUTE
    assert await shop.read(booking) == booking
    await shop.pass_time(booking, MINUTE)
    assert "booking" in await report(shop, witness, booking, absent)


async def test_nobody_reports_themselves_and_strangers_nobody(home: House) -> None:
    shop = await opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    other = await shop.provider()
    booking = await due(shop, ada, provider, ago=HOUR)
    for who, absent in (
        (ada, "CUSTOMER"),
        (provider, "PROVIDER"),
        (ben, "PROVIDER"),
        (other, "CUSTOMER"),
    ):
        refused = await report(shop, who, booking, absent)
        assert (refused["__typename"], refused["code"]) == ("NotFound", "NOT_FOUND")
    assert await shop.read(booking) == booking
    by_staff = await report(shop, "Dora", booking, "PROVIDER", note="They rang us.")
    assert by_staff["booking"]["history"][-1]["source"] == "STAFF"


async def test_evidence_is_needed_and_every_wrong_field_of_it_is_named(home: House) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ago=HOUR)
    refused = await report(
        shop, provider, booking, "CUSTOMER", note="", photoUrls=["http://x", PHOTO]
    )
    paths = [error["path"] for error in refused["errors"]]
    assert paths[0] == ["note"]
    assert [path[0] for path in paths] == ["note", "photoUrls"]
    assert await shop.read(booking) == booking


async def test_a_provider_who_began_at_a_door_that_nobody_opened_reports_it_too(
    home: House,
) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ago=HOUR)
    await shop.act(provider, START, id=booking["id"])
    after = (await report(shop, provider, booking, "CUSTOMER"))["booking"]
    assert (after["status"], after["history"][-1]["before"]) == ("NO_SHOW", "IN_PROGRESS")


async def test_nobody_stayed_away_from_what_is_done_or_was_nobodys(home: House) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    done = await due(shop, ada, provider, ago=HOUR)
    await shop.act(provider, START, id=done["id"])
    await shop.act(provider, COMPLETE, id=done["id"])
    for who, absent in ((provider, "CUSTOMER"), (ada, "PROVIDER")):
        refused = await report(shop, who, done, absent)
        assert (refused["__typename"], refused["status"]) == ("WrongStatus", "COMPLETED")
    nobodys = await shop.booked(ada, startsAt=shop.start + 24 * HOUR)
    refused = await report(shop, "Dora", nobodys, "PROVIDER")
    assert (refused["__typename"], refused["status"]) == ("WrongStatus", "PENDING")


async def test_both_report_the_other_at_once_and_one_of_them_is_heard(home: House) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    booking = await due(shop, ada, provider, ago=HOUR)
    answers = await shop.at_once(
        booking,
        report(shop, provider, booking, "CUSTOMER"),
        report(shop, ada, booking, "PROVIDER"),
    )
    assert outcomes(answers) == {"ReportNoShowSuccess": 1, "WrongStatus": 1}
    (won,) = (one["booking"] for one in answers if "booking" in one)
    after = await shop.read(booking)
    assert (after["version"], after["absent"]) == (booking["version"] + 1, won["absent"])
    assert after["fee"] == {"amountMinor": 3240 if won["absent"] == "CUSTOMER" else 0}


async def test_a_no_show_ends_the_work_that_made_its_provider_busy(home: House) -> None:
    shop = await opened(home)
    provider, ada = await shop.provider(on_shift=True), await shop.customer()
    booking = await due(shop, ada, provider, ago=16 * MINUTE)
    async with home.follow("Dora", PRESENCE) as stream:
        await shop.act(provider, START, id=booking["id"])
        begun = await stream.next()
        await report(shop, provider, booking, "CUSTOMER")
        async with asyncio.timeout(10):
            ended = await stream.next()
    assert begun == {"presence": "BUSY", "provider": {"id": provider.id}}
    assert ended == {"presence": "ONLINE", "provider": {"id": provider.id}}
