"""Slots that are kept for customers while they check out, through the public door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from db.tables import bookings, holds, reservations
from domain.booking_rules import BookingRules
from tests.api import market
from tests.api.house import ADDRESS, House
from tests.api.market import HOUR, MINUTE, Market, Person, instant, outcomes, rules_of, uid_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

RELEASE = market.mutation("releaseHold", f"hold {{ {market.HOLD} }}")
UPDATE_SERVICE = """
mutation($input: UpdateServiceInput!) { updateService(input: $input) { __typename } }
"""
OPEN = "{ holds { id } }"
NODE = "query($id: ID!) { node(id: $id) { ... on Hold { ending endedAt } } }"


async def node(shop: Market, who: Person | str, hold: Any) -> Any:
    return await shop.act(who, NODE, id=hold["id"])


@asynccontextmanager
async def lapsed(shop: Market, hold: Any) -> AsyncIterator[None]:
    """Let a hold's time have passed, and keep the sweep from it until the block ends."""
    uid = uid_of(hold)
    of_hold = update(holds).where(holds.c.id == uid)
    of_time = update(reservations).where(reservations.c.hold_id == uid)
    past = holds.c.created_at - timedelta(hours=1)
    expired = instant(hold["expiresAt"]) - timedelta(hours=1)
    async with shop.home.database.begin() as sweeper, shop.home.database.begin() as tx:
        await tx.execute(of_hold.values(created_at=past, expires_at=expired))
        await tx.execute(of_time.values(expires_at=expired))
        await tx.commit()
        # The sweep passes over what others have locked.
        await sweeper.execute(select(holds.c.id).where(holds.c.id == uid).with_for_update())
        yield


async def test_a_held_slot_is_nobody_elses_and_becomes_its_customers_booking(home: House) -> None:
    shop = await market.opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    hold = await shop.held(ada, providerId=provider.id)
    assert (hold["startsAt"], hold["ending"]) == (f"{shop.start:%Y-%m-%dT%H:%M:%S}Z", None)
    assert instant(hold["endsAt"]) == shop.start + 2 * HOUR
    assert (hold["provider"], hold["service"]) == ({"id": provider.id}, {"id": shop.service_id})
    kept = instant(hold["expiresAt"])
    for refused in (
        await shop.book(ben, providerId=provider.id),
        await shop.hold(ben, providerId=provider.id),
    ):
        assert refused["__typename"] == "SlotTaken"
        assert instant(refused["alternatives"][0]) == shop.start + 135 * MINUTE
    for refused in (await shop.book(ben), await shop.hold(ben)):
        assert refused["__typename"] == "NobodyFree"
    free = await shop.starts(ben, earliest=shop.start, latest=shop.start + 3 * HOUR)
    assert free[0] == shop.start + 135 * MINUTE
    assert (await shop.rows(bookings), await shop.rows(holds)) == (0, 1)
    booking = await shop.booked(ada, holdId=hold["id"])
    assert (booking["startsAt"], booking["provider"]) == (hold["startsAt"], {"id": provider.id})
    assert (await node(shop, ada, hold))["ending"] == "BOOKED"
    assert instant((await node(shop, ada, hold))["endedAt"]) < kept
    again = await shop.book(ada, holdId=hold["id"])
    assert (again["__typename"], again["code"]) == ("HoldExpired", "HOLD_EXPIRED")
    assert again["path"] == ["holdId"]
    assert await shop.rows(bookings) == 1


async def test_a_hold_is_of_the_best_of_those_who_are_free(home: House) -> None:
    shop = await market.opened(home)
    plain, best = await shop.provider(), await shop.provider(years_experience=20)
    ada, ben, cleo = await shop.customers(3)
    assert (await shop.held(ada))["provider"] == {"id": best.id}
    assert (await shop.held(ben))["provider"] == {"id": plain.id}
    assert (await shop.hold(cleo))["__typename"] == "NobodyFree"


async def test_a_slot_of_anybody_is_held_with_one_who_lives_by_another_clock(home: House) -> None:
    # Hours on the nearest provider's clock are no hours on the clock of the other.
    shop = await market.opened(home, rules=BookingRules(slot_interval_minutes=60))
    near = await shop.provider()
    far = await shop.provider(time_zone="Asia/Kathmandu", latitude=51.53)
    ada, ben = await shop.customers(2)
    await shop.booked(ben, providerId=near.id)
    assert await shop.starts(ada, earliest=shop.start, latest=shop.start) == [shop.start]
    hold = await shop.held(ada)
    assert hold["provider"] == {"id": far.id}
    assert (await shop.booked(ada, holdId=hold["id"]))["provider"] == {"id": far.id}
    # Who asks for them by name asks by their clock.
    refused = await shop.hold(ben, providerId=far.id, startsAt=shop.start + 24 * HOUR)
    assert rules_of(refused) == ["OFF_GRID"]


async def test_of_many_who_want_a_slot_at_once_as_many_hold_it_as_there_are_providers(
    home: House,
) -> None:
    shop = await market.opened(home)
    both = [await shop.provider(), await shop.provider()]
    crowd = await shop.customers(20)
    named = await asyncio.gather(*(shop.hold(one, providerId=both[0].id) for one in crowd[:10]))
    assert outcomes(named) == {"HoldSlotSuccess": 1, "SlotTaken": 9}
    any_ = await asyncio.gather(*(shop.hold(one) for one in crowd[10:]))
    assert outcomes(any_) == {"HoldSlotSuccess": 1, "NobodyFree": 9}
    assert await shop.rows(holds) == 2


class TestAnExpiredHoldThatNobodyHasSwept:
    async def test_keeps_its_slot_from_no_booking(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        hold = await shop.held(ada, providerId=provider.id)
        async with lapsed(shop, hold):
            assert (await node(shop, ada, hold))["ending"] is None
            booking = await shop.booked(ben, providerId=provider.id)
        assert booking["status"] == "CONFIRMED"

    async def test_keeps_its_slot_from_no_hold(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        hold = await shop.held(ada, providerId=provider.id)
        async with lapsed(shop, hold):
            kept = await shop.held(ben, providerId=provider.id)
        assert kept["provider"] == {"id": provider.id}

    async def test_leaves_its_slot_to_be_found_and_offered(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        hold = await shop.held(ada, providerId=provider.id)
        async with lapsed(shop, hold):
            for named in (None, provider):
                free = await shop.starts(
                    ben, earliest=shop.start, latest=shop.start, provider=named
                )
                assert free == [shop.start]
            await shop.booked(ben)
            won = await shop.accept(provider)
        assert won["booking"]["provider"] == {"id": provider.id}

    async def test_leaves_its_room_in_a_services_capacity(self, home: House) -> None:
        shop = await market.opened(home, rules=BookingRules(capacity=1))
        one, other = await shop.provider(), await shop.provider()
        ada, ben = await shop.customers(2)
        hold = await shop.held(ada, providerId=one.id)
        assert rules_of(await shop.book(ben, providerId=other.id)) == ["CAPACITY"]
        async with lapsed(shop, hold):
            await shop.booked(ben, providerId=other.id)

    async def test_is_booked_no_more_by_its_own_customer(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        hold = await shop.held(ada, providerId=provider.id)
        async with lapsed(shop, hold):
            assert await shop.act(ada, OPEN) == []
        refused = await shop.book(ada, holdId=hold["id"])
        assert refused["__typename"] == "HoldExpired"
        assert await shop.rows(bookings) == 0
        # A slot can be chosen again.
        await shop.held(ada, providerId=provider.id)


class TestGivingASlotBack:
    async def test_frees_it_at_once_and_twice_is_the_same_as_once(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        hold = await shop.held(ada, providerId=provider.id)
        assert await shop.act(ada, OPEN) == [{"id": hold["id"]}]
        released = await shop.act(ada, RELEASE, input={"holdId": hold["id"]})
        assert released["hold"]["ending"] == "RELEASED"
        assert await shop.act(ada, OPEN) == []
        await shop.booked(ben, providerId=provider.id)
        assert await shop.act(ada, RELEASE, input={"holdId": hold["id"]}) == released
        assert (await shop.book(ada, holdId=hold["id"]))["__typename"] == "HoldExpired"

    async def test_is_for_its_customer_and_staff_alone(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        hold = await shop.held(ada, providerId=provider.id)
        for refused in (
            await shop.act(ben, RELEASE, input={"holdId": hold["id"]}),
            await shop.book(ben, holdId=hold["id"]),
        ):
            assert (refused["__typename"], refused["code"]) == ("NotFound", "NOT_FOUND")
        for stranger in (ben, provider):
            assert await node(shop, stranger, hold) is None
        assert await shop.act(ada, OPEN) == [{"id": hold["id"]}]
        released = await shop.act("Dora", RELEASE, input={"holdId": hold["id"]})
        assert released["hold"]["ending"] == "RELEASED"


async def test_another_hold_of_the_service_takes_the_place_of_the_first(home: House) -> None:
    shop = await market.opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    first = await shop.held(ada, providerId=provider.id)
    # An hour later: their own first hold is not in the way.
    second = await shop.held(ada, providerId=provider.id, startsAt=shop.start + HOUR)
    assert (await node(shop, ada, first))["ending"] == "REPLACED"
    assert await shop.act(ada, OPEN) == [{"id": second["id"]}]
    await shop.booked(ben, providerId=provider.id, startsAt=shop.start - 75 * MINUTE)


async def test_a_hold_that_is_refused_leaves_the_one_before(home: House) -> None:
    shop = await market.opened(home)
    provider, (ada, ben) = await shop.provider(), await shop.customers(2)
    first = await shop.held(ada, providerId=provider.id)
    later = shop.start + 5 * HOUR
    await shop.booked(ben, providerId=provider.id, startsAt=later)
    refused = await shop.hold(ada, providerId=provider.id, startsAt=later)
    assert refused["__typename"] == "SlotTaken"
    assert await shop.act(ada, OPEN) == [{"id": first["id"]}]
    assert await shop.rows(holds) == 1


async def test_a_hold_is_booked_for_what_it_keeps_and_nothing_else(home: House) -> None:
    shop, elsewhere = await market.opened(home), await market.opened(home)
    provider, other = await shop.provider(), await shop.provider()
    ada = await shop.customer()
    hold = await shop.held(ada, providerId=provider.id)
    refused = await shop.book(
        ada,
        holdId=hold["id"],
        serviceId=elsewhere.service_id,
        providerId=other.id,
        startsAt=shop.start + HOUR,
    )
    assert [error["path"] for error in refused["errors"]] == [
        ["serviceId"],
        ["providerId"],
        ["startsAt"],
    ]
    assert await shop.act(ada, OPEN) == [{"id": hold["id"]}]
    same = {"providerId": provider.id, "startsAt": hold["startsAt"]}
    await shop.booked(ada, holdId=hold["id"], **same)


async def test_what_a_hold_keeps_is_judged_when_it_is_made_and_no_more_when_it_is_booked(
    home: House,
) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    hold = await shop.held(ada, providerId=provider.id)
    stricter = {"serviceId": shop.service_id, "rules": {"noticeMinutes": 90 * 24 * 60}}
    await shop.act("Adam", UPDATE_SERVICE, input=stricter)
    refused = await shop.book(ada, providerId=provider.id, startsAt=shop.start + 5 * HOUR)
    assert rules_of(refused) == ["NOTICE_TOO_SHORT"]
    booking = await shop.booked(ada, holdId=hold["id"])
    assert booking["startsAt"] == hold["startsAt"]


async def test_a_hold_keeps_no_time_that_the_rules_forbid(home: House) -> None:
    shop = await market.opened(home)
    provider, ada = await shop.provider(), await shop.customer()
    wrong = shop.start + 100 * 24 * HOUR + 7 * MINUTE
    for named in ({"providerId": provider.id}, {}):
        refused = await shop.hold(ada, startsAt=wrong, **named)
        assert rules_of(refused) == ["TOO_FAR_AHEAD", "OFF_GRID"]
    assert await shop.rows(holds) == 0


async def test_a_hold_for_an_address_that_cannot_be_one_is_wrong_input_and_replaces_none(
    home: House,
) -> None:
    shop = await market.opened(home)
    _, ada = await shop.provider(), await shop.customer()
    kept = await shop.held(ada)
    wrong = ADDRESS | {"line1": "\x00", "city": "x" * 101, "country": "Britain"}
    refused = await shop.hold(ada, startsAt=shop.start + 3 * HOUR, address=wrong)
    assert refused["__typename"] == "InvalidInput"
    assert refused["path"] == ["address", "line1"]
    assert (await node(shop, ada, kept))["ending"] is None
    assert await shop.rows(holds) == 1
