"""Does a statement hold exactly what its payout pays?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import update

from db import statements
from db.tables import payouts as payouts_table
from db.tables import users
from domain.ledger import LineKind
from domain.pages import PageRequest
from domain.payouts import PayCycle
from domain.statements import NotThePayout
from tests.earners import before, earn, pay, payouts_of, periods
from tests.factories import add_booking, add_customer, add_provider, add_service, now

if TYPE_CHECKING:
    from db.engine import Database
    from domain.payouts import Payout

WEEKLY = PayCycle.WEEKLY


async def a_payout(database: Database) -> tuple[Payout, UUID]:
    """Two jobs, a tip and a clawback in one payout, and a later line in none; the first job."""
    service = await add_service(database, name="=Deep clean")
    one = await add_provider(database, service, on_shift=False, time_zone="Asia/Tokyo")
    booking = await add_booking(database, await add_customer(database), service)
    (period,) = await periods(database, WEEKLY, count=1)
    at = before(WEEKLY, period)
    await earn(database, one, 3000, at=at, booking_id=booking.id)
    await earn(database, one, 4000, at=at)
    await earn(database, one, 500, at=at, kind=LineKind.TIP)
    await earn(database, one, -1200, at=at, kind=LineKind.CLAWBACK)
    await earn(database, one, 9, at=await now(database))
    await pay(database)
    (payout,) = await payouts_of(database, one)
    return payout, booking.id


async def test_it_has_every_line_in_order_with_what_was_done(database: Database) -> None:
    payout, booking_id = await a_payout(database)
    async with database.read() as connection:
        whole = await statements.whole(connection, payout.id)
        pages = [
            await statements.page(connection, request, payout_id=payout.id)
            for request in (PageRequest(limit=3), PageRequest(limit=3, backwards=True))
        ]
        assert await statements.count(connection, payout_id=payout.id) == 4
    assert whole is not None
    assert (whole.payout, whole.time_zone) == (payout, "Asia/Tokyo")
    assert [
        (line.kind, line.amount.amount_minor, line.booking_id, line.service) for line in whole.lines
    ] == [
        (LineKind.EARNING, 3000, booking_id, "=Deep clean"),
        (LineKind.EARNING, 4000, None, None),
        (LineKind.TIP, 500, None, None),
        (LineKind.CLAWBACK, -1200, None, None),
    ]
    assert [page.items for page in pages] == [whole.lines[:3], whole.lines[1:]]


async def test_its_totals_are_those_of_its_lines(database: Database) -> None:
    payout, _ = await a_payout(database)
    async with database.read() as connection:
        found = await statements.totals(connection, [payout.id, UUID(int=1)])
        whole = await statements.whole(connection, payout.id)
    assert whole is not None
    assert set(found[payout.id]) == set(whole.totals)
    assert sum(total.amount.amount_minor for total in found[payout.id]) == 6300
    assert found[UUID(int=1)] == []


async def test_there_is_none_of_what_is_not_there_or_of_a_closed_account(
    database: Database,
) -> None:
    payout, _ = await a_payout(database)
    async with database.read() as connection:
        assert await statements.whole(connection, UUID(int=1)) is None
    async with database.begin() as tx:
        await tx.execute(update(users).values(disabled_at=await now(database)))
    async with database.read() as connection:
        assert await statements.whole(connection, payout.id) is None


async def test_a_payout_that_is_not_its_lines_has_no_statement(database: Database) -> None:
    payout, _ = await a_payout(database)
    async with database.begin() as tx:
        await tx.execute(update(payouts_table).values(amount_minor=6301))
    async with database.read() as connection:
        with pytest.raises(NotThePayout):
            await statements.whole(connection, payout.id)
