"""The queue through the public door: its order, whose it is, and what is told of it live."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from db import lifecycle
from domain.services import ApprovalPolicy
from tests.api import market
from tests.api.house import House, Stream
from tests.api.market import Market, uid_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1)
QUEUE = """query($scope: QueueScope! = UNASSIGNED) { queue(scope: $scope, first: 100) {
  nodes { id priority } totalCount } }"""
FOLLOW = "subscription { queueChanged(trade: CLEANING) { type waiting booking { id priority } } }"
APPROVE = market.mutation("approveBooking", "booking { id }")
DECLINE = market.mutation("declineBooking", "booking { id }")
TERMS = market.mutation("acceptTerms", "booking { id }")
PAY = market.mutation("payBooking", "booking { id }")
ASSIGN = market.mutation("assignBooking", "booking { id }")
CANCEL = market.mutation("cancelBooking", "booking { id }")
MOVE = market.mutation("rescheduleBooking", "booking { id }")


async def told(shop: Market, stream: Stream, booking: Any, *types: str) -> list[bool]:
    """The next things that are told of a booking, which must be these: does it wait, of each?

    After the last of them the queue says the same.
    """
    waiting: list[bool] = []
    for type_ in types:
        while (item := await stream.next())["booking"]["id"] != booking["id"]:
            pass
        assert item["type"] == type_
        waiting.append(item["waiting"])
    queued = [one["id"] for one in (await shop.act("Dora", QUEUE))["nodes"]]
    assert (booking["id"] in queued) is waiting[-1]
    return waiting


async def do(shop: Market, who: Any, document: str, booking: Any, **said: Any) -> None:
    """Do what must succeed."""
    asked = market.plain({"bookingId": booking["id"], **said})
    made = await shop.act(who, document, input=asked)
    assert made["__typename"].endswith("Success"), made


async def pass_by(home: House, uid: UUID) -> None:
    """Do what the sweep for windows that are over does."""
    async with home.database.begin() as tx:
        await lifecycle.pass_by(tx, uid)


class TestTheOrder:
    async def test_puts_the_urgent_first_and_shows_why(self, home: House) -> None:
        shop = await market.opened(home)
        await shop.provider()
        ada = await shop.customer()
        later = [await shop.booked(ada, startsAt=shop.start + n * DAY) for n in range(2)]
        urgent = await shop.booked(ada, kind="IMMEDIATE")
        mine = {one["id"] for one in (*later, urgent)}

        nodes = (await shop.act("Dora", QUEUE))["nodes"]

        assert [one for one in nodes if one["id"] in mine] == [
            {"id": urgent["id"], "priority": "HIGH"},
            *({"id": one["id"], "priority": "NORMAL"} for one in later),
        ]


class TestWhose:
    async def test_a_provider_has_their_own_that_are_not_over(self, home: House) -> None:
        shop = await market.opened(home)
        provider, other, ada = await shop.provider(), await shop.provider(), await shop.customer()
        late, over, early = [
            await shop.booked(ada, providerId=provider.id, startsAt=shop.start + n * DAY)
            for n in (2, 1, 0)
        ]
        urgent = await shop.booked(ada, kind="IMMEDIATE")
        await do(shop, "Dora", ASSIGN, urgent, providerId=provider.id)
        await do(shop, ada, CANCEL, over)
        await shop.booked(ada, startsAt=shop.start + 3 * DAY)

        assert await shop.act(provider, QUEUE, scope="MINE") == {
            "nodes": [
                {"id": urgent["id"], "priority": "HIGH"},
                {"id": late["id"], "priority": "NORMAL"},
                {"id": early["id"], "priority": "NORMAL"},
            ],
            "totalCount": 3,
        }
        assert await shop.act(other, QUEUE, scope="MINE") == {"nodes": [], "totalCount": 0}

    @pytest.mark.parametrize(
        ("name", "scope"),
        [("Chloe", "UNASSIGNED"), ("Dora", "MINE"), ("Adam", "MINE")],
    )
    async def test_nobody_has_the_queue_that_is_not_theirs(
        self, home: House, name: str, scope: str
    ) -> None:
        answer = await home.ask(name, QUEUE, scope=scope)

        assert answer["data"] is None
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "FORBIDDEN", "field": "scope"}
        assert error["message"] == "UNASSIGNED is for staff, and MINE for providers."

    @pytest.mark.parametrize("name", ["Carla", "Anna"])
    @pytest.mark.parametrize("scope", ["UNASSIGNED", "MINE"])
    async def test_customers_and_analysts_have_none(
        self, home: House, name: str, scope: str
    ) -> None:
        answer = await home.ask(name, QUEUE, scope=scope)

        assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


class TestWhatIsTold:
    async def test_of_a_request_that_is_taken(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            assert await told(shop, stream, booking, "REQUESTED") == [True]
            await shop.accept(provider)
            assert await told(shop, stream, booking, "ASSIGNED") == [False]

    async def test_of_one_that_is_paid_while_it_waits(self, home: House) -> None:
        shop = await market.opened(home, price_minor=4050)
        await shop.provider()
        ada = await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            await do(shop, ada, PAY, booking)
            assert await told(shop, stream, booking, "REQUESTED", "PAID") == [True, True]

    async def test_of_one_that_needs_a_yes(self, home: House) -> None:
        shop = await market.opened(home, approval=ApprovalPolicy.MANUAL)
        await shop.provider()
        await shop.provider()
        ada, ben = await shop.customers(2)
        async with home.follow("Dora", FOLLOW) as stream:
            liked, other = await shop.booked(ada), await shop.booked(ben)
            assert await told(shop, stream, liked, "REQUESTED") == [False]
            await do(shop, "Dora", APPROVE, liked)
            assert await told(shop, stream, liked, "APPROVED") == [True]
            await do(shop, "Dora", DECLINE, other, reason="Too far")
            assert await told(shop, stream, other, "DECLINED") == [False]

    async def test_of_one_whose_terms_are_accepted(self, home: House) -> None:
        shop = await market.opened(home, terms="Leave the keys.")
        await shop.provider()
        ada = await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            assert await told(shop, stream, booking, "REQUESTED") == [False]
            await do(shop, ada, TERMS, booking)
            assert await told(shop, stream, booking, "TERMS_ACCEPTED") == [True]

    async def test_of_one_that_is_given_to_one_and_then_to_another(self, home: House) -> None:
        shop = await market.opened(home)
        first, second, ada = await shop.provider(), await shop.provider(), await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            assert await told(shop, stream, booking, "REQUESTED") == [True]
            await do(shop, "Dora", ASSIGN, booking, providerId=first.id)
            assert await told(shop, stream, booking, "ASSIGNED") == [False]
            await do(shop, "Dora", ASSIGN, booking, providerId=second.id)
            assert await told(shop, stream, booking, "RELEASED", "ASSIGNED") == [False, False]

    async def test_of_one_that_is_moved_while_it_waits(self, home: House) -> None:
        shop = await market.opened(home)
        await shop.provider()
        ada = await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            await do(shop, ada, MOVE, booking, startsAt=shop.start + DAY)
            assert await told(shop, stream, booking, "REQUESTED", "RESCHEDULED") == [True, True]

    async def test_of_one_that_is_moved_away_from_its_provider(self, home: House) -> None:
        shop = await market.opened(home)
        first, _second = await shop.provider(), await shop.provider()
        ada, ben = await shop.customers(2)
        async with home.follow("Dora", FOLLOW) as stream:
            await shop.booked(ben, providerId=first.id, startsAt=shop.start + DAY)
            booking = await shop.booked(ada, providerId=first.id)
            assert await told(shop, stream, booking, "REQUESTED", "ASSIGNED") == [False, False]
            await do(shop, ada, MOVE, booking, startsAt=shop.start + DAY)
            assert await told(shop, stream, booking, "RESCHEDULED", "RELEASED") == [True, True]

    async def test_of_one_that_is_called_off(self, home: House) -> None:
        shop = await market.opened(home)
        await shop.provider()
        ada = await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            assert await told(shop, stream, booking, "REQUESTED") == [True]
            await do(shop, ada, CANCEL, booking)
            assert await told(shop, stream, booking, "CANCELLED") == [False]

    async def test_of_one_for_which_nobody_is_found(self, home: House) -> None:
        shop = await market.opened(home)
        await shop.provider()
        ada = await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            assert await told(shop, stream, booking, "REQUESTED") == [True]
            await shop.pass_time(booking, 3 * DAY)
            await shop.match(booking)
            assert await told(shop, stream, booking, "UNFILLED", "SEARCH_ENDED") == [True, True]
            await shop.pass_time(booking, timedelta(hours=2))
            await pass_by(home, uid_of(booking))
            assert await told(shop, stream, booking, "CANCELLED") == [False]

    async def test_of_one_that_nobody_approved_in_time(self, home: House) -> None:
        shop = await market.opened(home, approval=ApprovalPolicy.MANUAL)
        await shop.provider()
        ada = await shop.customer()
        async with home.follow("Dora", FOLLOW) as stream:
            booking = await shop.booked(ada)
            assert await told(shop, stream, booking, "REQUESTED") == [False]
            await shop.pass_time(booking, 4 * DAY)
            await pass_by(home, uid_of(booking))
            assert await told(shop, stream, booking, "DECLINED") == [False]
