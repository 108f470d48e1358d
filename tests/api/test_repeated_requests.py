"""The same request sent again through the public door: done once, answered alike."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from db.tables import bookings, holds, idempotency_keys
from tests.api import market
from tests.api.house import House
from tests.api.market import HOUR, Market, Person, outcomes
from tests.factories import count_rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

CANCEL = market.mutation("cancelBooking", "booking { id status }", "WrongStatus")
RELEASE = market.mutation("releaseHold", "hold { id ending }")
REUSED = {
    "__typename": "IdempotencyKeyReused",
    "code": "IDEMPOTENCY_KEY_REUSED",
    "message": "This idempotency key was used with other input. Use a new key for a new request.",
    "path": ["idempotencyKey"],
}


def a_key() -> str:
    return f"{uuid4()}"


async def cancelled(shop: Market, who: Person, booking: Any) -> None:
    made = await shop.act(who, CANCEL, input={"bookingId": booking["id"]})
    assert made["booking"] == {"id": booking["id"], "status": "CANCELLED"}


class TestAKeyOfABooking:
    async def test_gives_the_same_answer_again(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        asked = {"providerId": provider.id, "concern": "The cat", "idempotencyKey": a_key()}
        first = await shop.booked(ada, **asked)
        assert await shop.booked(ada, **asked) == first
        assert await shop.rows(bookings) == 1
        assert (await shop.told(first)).count("booking.requested") == 1

    async def test_makes_one_booking_however_often_it_is_sent_at_once(self, home: House) -> None:
        shop = await market.opened(home)
        for _ in range(3):
            await shop.provider()
        ada, key = await shop.customer(), a_key()
        answers = await asyncio.gather(*(shop.book(ada, idempotencyKey=key) for _ in range(8)))
        assert outcomes(answers) == {"CreateBookingSuccess": 8}
        assert len({answer["booking"]["id"] for answer in answers}) == 1
        assert await shop.rows(bookings) == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"concern": "The dog"},
            {"acceptTerms": True},
            {"accessInstructions": "Ring"},
            {"requestedBrand": "Acme"},
        ],
    )
    async def test_is_refused_with_another_body_and_nothing_is_made(
        self, home: House, other: dict[str, Any]
    ) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        asked = {"providerId": provider.id, "idempotencyKey": a_key()}
        first = await shop.booked(ada, **asked)
        assert await shop.book(ada, **asked | other) == REUSED
        later = asked | {"startsAt": shop.start + 5 * HOUR}
        assert await shop.book(ada, **later) == REUSED
        assert await shop.rows(bookings) == 1
        assert await shop.booked(ada, **asked) == first

    async def test_says_how_the_booking_stands_now_and_never_makes_it_again(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        asked = {"providerId": provider.id, "idempotencyKey": a_key()}
        first = await shop.booked(ada, **asked)
        await cancelled(shop, ada, first)
        again = await shop.booked(ada, **asked)
        assert (again["id"], again["status"]) == (first["id"], "CANCELLED")
        assert await shop.rows(bookings) == 1

    async def test_does_not_outlive_its_meaning_a_new_one_books_the_freed_slot(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        asked = {"providerId": provider.id}
        first = await shop.booked(ada, **asked, idempotencyKey=a_key())
        await cancelled(shop, ada, first)
        second = await shop.booked(ada, **asked, idempotencyKey=a_key())
        assert second["id"] != first["id"]
        assert second["status"] == "CONFIRMED"
        assert await shop.rows(bookings) == 2

    async def test_is_free_again_when_its_request_was_refused(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        in_the_way = await shop.booked(ben, providerId=provider.id)
        before = await count_rows(home.database, idempotency_keys)
        asked = {"providerId": provider.id, "idempotencyKey": a_key()}
        assert (await shop.book(ada, **asked))["__typename"] == "SlotTaken"
        assert await count_rows(home.database, idempotency_keys) == before
        await cancelled(shop, ben, in_the_way)
        assert (await shop.booked(ada, **asked))["status"] == "CONFIRMED"

    async def test_is_its_own_customers_alone(self, home: House) -> None:
        shop = await market.opened(home)
        provider, (ada, ben) = await shop.provider(), await shop.customers(2)
        key = a_key()
        first = await shop.booked(ada, providerId=provider.id, idempotencyKey=key)
        other = await shop.booked(
            ben, providerId=provider.id, startsAt=shop.start + 5 * HOUR, idempotencyKey=key
        )
        assert other["id"] != first["id"]

    async def test_has_a_length(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        for wrong in ("", "x" * 201):
            refused = await shop.book(ada, providerId=provider.id, idempotencyKey=wrong)
            assert [error["path"] for error in refused["errors"]] == [["idempotencyKey"]]
        assert await shop.rows(bookings) == 0


class TestAKeyOfAHold:
    async def test_gives_the_same_hold_again_and_does_not_replace_it(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        asked = {"providerId": provider.id, "idempotencyKey": a_key()}
        answers = await asyncio.gather(*(shop.hold(ada, **asked) for _ in range(5)))
        first = answers[0]
        assert first["__typename"] == "HoldSlotSuccess"
        assert answers == [first] * 5
        assert first["hold"]["ending"] is None
        assert await shop.rows(holds) == 1

    async def test_is_refused_with_another_body_and_keeps_its_hold(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        asked = {"providerId": provider.id, "idempotencyKey": a_key()}
        first = await shop.held(ada, **asked)
        assert await shop.hold(ada, **asked | {"startsAt": shop.start + HOUR}) == REUSED
        assert await shop.held(ada, **asked) == first
        assert await shop.rows(holds) == 1

    async def test_is_not_one_of_a_booking_though_it_is_spelt_alike(self, home: House) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        key = a_key()
        hold = await shop.held(ada, providerId=provider.id, idempotencyKey=key)
        booking = await shop.booked(ada, holdId=hold["id"], idempotencyKey=key)
        # Lost replies: both are sent again.
        again = await shop.booked(ada, holdId=hold["id"], idempotencyKey=key)
        assert again == booking
        assert await shop.rows(bookings) == 1

    async def test_answers_with_the_hold_it_made_when_that_is_over_and_a_new_one_holds_again(
        self, home: House
    ) -> None:
        shop = await market.opened(home)
        provider, ada = await shop.provider(), await shop.customer()
        asked = {"providerId": provider.id, "idempotencyKey": a_key()}
        first = await shop.held(ada, **asked)
        await shop.act(ada, RELEASE, input={"holdId": first["id"]})
        again = await shop.held(ada, **asked)
        assert (again["id"], again["ending"]) == (first["id"], "RELEASED")
        new = await shop.held(ada, **asked | {"idempotencyKey": a_key()})
        assert (new["id"] != first["id"], new["ending"]) == (True, None)
