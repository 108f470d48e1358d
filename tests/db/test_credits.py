"""Is credit granted once, to customers, and does its list say where it came from?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from db import credits as db_credits
from db import ledger, message_facts
from db.ids import new_id
from db.tables import credit_grants, events, ledger_lines
from domain.credits import CreditUse, Grant
from domain.events import EventType
from domain.idempotency import IdempotencyKeyReused, key
from domain.messages import Channel, Message
from domain.money import MAX_MINOR, Money
from domain.pages import PageRequest
from domain.payments import Method
from domain.refusals import InvalidInput, NotFound
from tests.db.racing import race
from tests.db.till import House
from tests.factories import count_rows
from tests.money import gbp
from tests.notes import notes, tell

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.credits import CreditLine

FIRST_PAGE = PageRequest(limit=9, after=None, before=None, backwards=False)


@pytest.fixture
async def house(crowd: Database) -> House:
    return await House(crowd).open()


def granting(house: House, minor: int, text: str | None = None, **changes: Any) -> Any:
    facts: dict[str, Any] = {
        "customer_id": house.customer.user_id,
        "amount": gbp(minor),
        "reason": "A late start.",
        "by": house.staff,
        "key": key("grantCredits", text, minor),
    }
    return partial(db_credits.grant, **facts | changes)


async def balances(house: House) -> list[Money]:
    async with house.database.read() as connection:
        return await ledger.credit(connection, house.customer.user_id)


async def lines(house: House, whose: UUID) -> list[CreditLine]:
    async with house.database.read() as connection:
        page = await db_credits.page(connection, FIRST_PAGE, customer_id=whose)
        assert await db_credits.count(connection, customer_id=whose) == len(page.items)
    return list(page.items)


async def test_what_is_given_is_theirs_to_spend_and_comes_back(house: House) -> None:
    grant: Grant = await house.do(granting(house, 500))
    booking = await house.book()
    await house.pay(booking, 300, method=Method.CREDITS, gateway="credits")
    assert await balances(house) == [gbp(200)]
    await house.cancel(booking)
    assert await balances(house) == [gbp(500)]

    assert (grant.amount, grant.granted_by) == (gbp(500), house.staff.user_id)
    found = await lines(house, house.customer.user_id)
    assert [(one.use, one.amount, one.booking_id, one.reason) for one in found] == [
        (CreditUse.REFUNDED, gbp(300), booking.id, None),
        (CreditUse.SPENT, gbp(-300), booking.id, None),
        (CreditUse.GRANTED, gbp(500), None, "A late start."),
    ]
    assert await lines(house, new_id()) == []


async def test_whoever_is_given_some_is_told_how_much_and_why_once(house: House) -> None:
    for _ in range(2):
        await house.do(granting(house, 500, "one"))
    e = events.c
    query = select(e.id).where(e.type == EventType.CREDIT_GRANTED)
    async with house.database.read() as connection:
        (event_id,) = await connection.scalars(query)

    assert await tell(house.database, event_id) == {Channel.EMAIL}

    (note,) = await notes(house.database)
    whose = (note.recipient_id, note.message, note.listed)
    assert whose == (house.customer.user_id, Message.CREDIT_GRANTED, True)
    async with house.database.read() as connection:
        facts = (await message_facts.read(connection, [note]))[note.id]
    assert (facts.amount, facts.reason) == (gbp(500), "A late start.")


async def test_the_same_key_gives_once_also_at_once(house: House) -> None:
    came = await race(house.database, [granting(house, 500, "one")] * 10)
    assert len({one.id for one in came}) == 1
    assert {one.amount for one in came} == {gbp(500)}
    assert await balances(house) == [gbp(500)]
    with pytest.raises(IdempotencyKeyReused):
        await house.do(granting(house, 501, "one"))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"amount": gbp(0)}, InvalidInput),
        ({"reason": ""}, InvalidInput),
        ({"customer_id": new_id()}, NotFound),
    ],
)
async def test_what_is_refused_leaves_no_trace(
    house: House, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await house.do(granting(house, 500, **changes))
    assert await count_rows(house.database, credit_grants, ledger_lines) == (0, 0)


async def test_only_customers_have_credit(house: House) -> None:
    for other in (house.provider, house.staff):
        with pytest.raises(NotFound):
            await house.do(granting(house, 500, customer_id=other.user_id))


async def test_no_more_is_kept_than_a_sum_can_be(house: House) -> None:
    await house.do(granting(house, MAX_MINOR))
    with pytest.raises(InvalidInput, match="give less"):
        await house.do(granting(house, 1))
    assert await balances(house) == [gbp(MAX_MINOR)]
