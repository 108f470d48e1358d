"""Does the database itself keep the books: nothing changed, nothing unbalanced, nothing twice?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from db import ledger
from db.engine import constraint
from db.ids import new_id
from db.tables import credit_balances, ledger_lines, ledger_postings
from domain.ledger import (
    Account,
    Entry,
    Line,
    LineKind,
    NotEnoughCredit,
    Posting,
    Settled,
    posting,
)
from domain.money import Money
from tests.db.racing import act, race
from tests.factories import add_booking, add_customer, add_provider, add_service, count_rows, now
from tests.money import books, gbp

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from db.engine import Database


def line(account: Account, minor: int, kind: LineKind = LineKind.PAYMENT, **whose: Any) -> Line:
    return Line(account=account, kind=kind, amount_minor=minor, **whose)


def paid(cause: str, minor: int = 100, **about: Any) -> Posting:
    held, outside = line(Account.HELD, minor), line(Account.OUTSIDE, -minor)
    return Posting(cause=cause, currency="GBP", lines=(outside, held), **about)


def credit(cause: str, whose: UUID, minor: int, currency: str = "GBP") -> Posting:
    own = line(Account.CREDIT, minor, LineKind.CREDIT, customer_id=whose)
    house = line(Account.PLATFORM, -minor, LineKind.CREDIT)
    return Posting(cause=cause, currency=currency, lines=(house, own))


async def post(database: Database, *postings: Posting | None) -> None:
    async with database.begin() as tx:
        await ledger.post(tx, postings, at=await _now(tx))


async def _now(tx: AsyncConnection) -> Any:
    return await tx.scalar(select(func.clock_timestamp()))


async def test_a_posting_is_kept_with_its_lines(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    booking = await add_booking(crowd, customer, service)
    at = await now(crowd)

    async with crowd.begin() as tx:
        await ledger.post(tx, [paid("payment:1", 4050, booking_id=booking.id), None], at=at)

    async with crowd.read() as connection:
        kept = await ledger.of_booking(connection, booking.id)
    facts: dict[str, Any] = {
        "cause": "payment:1",
        "kind": LineKind.PAYMENT,
        "booking_id": booking.id,
        "provider_id": None,
        "customer_id": None,
        "at": at,
    }
    assert kept == [
        Entry(id=kept[0].id, account=Account.OUTSIDE, amount=gbp(-4050), **facts),
        Entry(id=kept[1].id, account=Account.HELD, amount=gbp(4050), **facts),
    ]


async def test_nothing_to_say_writes_nothing(crowd: Database) -> None:
    await post(crowd, None, posting("x:1", "GBP", []))
    assert await count_rows(crowd, ledger_postings, ledger_lines) == (0, 0)


async def test_a_cause_is_posted_once_also_by_many_at_once(crowd: Database) -> None:
    async def again(tx: AsyncConnection) -> str | None:
        try:
            await ledger.post(tx, [paid("payment:1")], at=await _now(tx))
        except IntegrityError as error:
            await tx.rollback()
            return constraint(error)
        return "posted"

    came = await race(crowd, [again] * 12)
    assert sorted(came) == ["posted"] + ["uq_ledger_postings_cause"] * 11
    assert await count_rows(crowd, ledger_postings, ledger_lines) == (1, 2)


@pytest.mark.parametrize("table", [ledger_lines, ledger_postings], ids=lambda table: table.name)
@pytest.mark.parametrize("how", ["UPDATE", "DELETE", "TRUNCATE"])
async def test_what_is_written_stays_as_it_is_written(
    crowd: Database, table: Any, how: str
) -> None:
    await post(crowd, paid("payment:1"))
    ways: dict[str, Any] = {
        "UPDATE": update(table).values(at=func.now()),
        "DELETE": delete(table),
        "TRUNCATE": text(f"TRUNCATE {table.name} CASCADE"),
    }

    with pytest.raises(IntegrityError) as refused:
        await act(crowd, lambda tx: tx.execute(ways[how]))

    assert constraint(refused.value) == "ledger_is_append_only"
    assert await count_rows(crowd, ledger_postings, ledger_lines) == (1, 2)


def _row(posting_id: UUID, at: Any, **columns: Any) -> dict[str, Any]:
    usual = {"id": new_id(), "posting_id": posting_id, "kind": "PAYMENT", "currency": "GBP"}
    return usual | {"at": at, "account": "HELD", "amount_minor": 1} | columns


@pytest.mark.parametrize(
    "lines",
    [
        [{"amount_minor": 100}, {"account": "OUTSIDE", "amount_minor": -99}],
        [{"amount_minor": 100}],
        # Zero in all, and in no currency.
        [{"amount_minor": 100}, {"amount_minor": -100, "currency": "USD"}],
    ],
)
async def test_what_does_not_balance_is_not_written(
    crowd: Database, lines: list[dict[str, Any]]
) -> None:
    async def unbalanced(tx: AsyncConnection) -> None:
        uid, at = new_id(), await _now(tx)
        await tx.execute(insert(ledger_postings).values(id=uid, cause="x:1", at=at))
        for one in lines:
            await tx.execute(insert(ledger_lines).values(_row(uid, at, **one)))

    with pytest.raises(IntegrityError) as refused:
        await act(crowd, unbalanced)

    assert constraint(refused.value) == "ledger_balances"
    assert await count_rows(crowd, ledger_postings, ledger_lines) == (0, 0)


async def test_a_line_cannot_be_added_to_a_posting_that_balances(crowd: Database) -> None:
    await post(crowd, paid("payment:1"))

    async def one_more(tx: AsyncConnection) -> None:
        uid = await tx.scalar(select(ledger_postings.c.id))
        assert uid is not None
        await tx.execute(insert(ledger_lines).values(_row(uid, await _now(tx))))

    with pytest.raises(IntegrityError) as refused:
        await act(crowd, one_more)
    assert constraint(refused.value) == "ledger_balances"


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"amount_minor": 0}, "ck_ledger_lines_amount"),
        ({"account": "PROVIDER"}, "ck_ledger_lines_provider"),
        ({"account": "CREDIT"}, "ck_ledger_lines_customer"),
        ({"account": "POCKET"}, "ck_ledger_lines_account"),
        ({"kind": "BRIBE"}, "ck_ledger_lines_kind"),
        ({"currency": "gbp"}, "ck_ledger_lines_currency"),
    ],
)
async def test_a_line_says_what_it_has_to(
    crowd: Database, columns: dict[str, Any], name: str
) -> None:
    async def wrong(tx: AsyncConnection) -> None:
        uid, at = new_id(), await _now(tx)
        await tx.execute(insert(ledger_postings).values(id=uid, cause="x:1", at=at))
        await tx.execute(insert(ledger_lines).values(_row(uid, at, **columns)))

    with pytest.raises(IntegrityError) as refused:
        await act(crowd, wrong)
    assert constraint(refused.value) == name


async def test_a_bookings_money_is_what_its_lines_add_up_to(crowd: Database) -> None:
    service, customer = await add_service(crowd), await add_customer(crowd)
    provider = await add_provider(crowd, service)
    booking, other = [await add_booking(crowd, customer, service) for _ in range(2)]
    mine = {"booking_id": booking.id}
    whose = {"provider_id": provider.user_id}

    async def stands() -> Settled:
        async with crowd.read() as connection:
            return await ledger.settled(connection, booking.id)

    assert await stands() == Settled(held=0, earned=0, fees=0, settlements=0)
    await post(crowd, paid("payment:1", 10000, **mine), paid("payment:2", 77, booking_id=other.id))
    assert await stands() == Settled(held=10000, earned=0)
    earning = (
        line(Account.HELD, -6000, LineKind.EARNING),
        line(Account.PROVIDER, 4800, LineKind.EARNING, **whose),
        line(Account.PLATFORM, 1200, LineKind.COMMISSION),
    )
    fee = (
        line(Account.HELD, -1000, LineKind.FEE),
        line(Account.PROVIDER, 800, LineKind.FEE, **whose),
        line(Account.PLATFORM, 200, LineKind.FEE),
    )
    tip = (line(Account.OUTSIDE, -500), line(Account.PROVIDER, 500, LineKind.TIP, **whose))
    back = (
        line(Account.HELD, -100, LineKind.REFUND),
        line(Account.PROVIDER, -80, LineKind.CLAWBACK, **whose),
        line(Account.PLATFORM, -20, LineKind.CLAWBACK),
        line(Account.OUTSIDE, 200, LineKind.REFUND),
    )
    for cause, lines in {"e:0": earning, "f:1": fee, "t:1": tip, "r:1": back}.items():
        await post(crowd, posting(cause, "GBP", lines, **mine))
    assert await stands() == Settled(held=2900, earned=6900, fees=1000, settlements=2)
    assert await books(crowd, booking.id) == {
        "OUTSIDE": -10300,
        "HELD": 2900,
        "PROVIDER": 6020,
        "PLATFORM": 1380,
    }


async def test_credit_is_the_sum_of_its_lines_in_each_currency(crowd: Database) -> None:
    ada, bea = [(await add_customer(crowd)).user_id for _ in range(2)]
    await post(crowd, credit("c:1", ada, 500), credit("c:2", ada, 250), credit("c:3", bea, 7))
    await post(crowd, credit("c:4", ada, 90, "EUR"), credit("c:5", ada, -750))

    async with crowd.read() as connection:
        assert await ledger.credit(connection, ada) == [Money(amount_minor=90, currency="EUR")]
        assert await ledger.credit(connection, bea) == [gbp(7)]
        assert await ledger.credit(connection, new_id()) == []


async def test_no_more_credit_is_spent_than_there_is(crowd: Database) -> None:
    ada = (await add_customer(crowd)).user_id
    for most in (0, 500):
        with pytest.raises(NotEnoughCredit) as refused:
            await post(crowd, credit("c:2", ada, -501))
        assert (refused.value.balance, refused.value.due) == (gbp(most), gbp(501))
        assert await count_rows(crowd, ledger_postings, ledger_lines) == (
            (0, 0) if most == 0 else (1, 2)
        )
        if most == 0:
            await post(crowd, credit("c:1", ada, 500))


async def test_credit_is_spent_once_by_many_at_once(crowd: Database) -> None:
    ada = (await add_customer(crowd)).user_id
    await post(crowd, credit("c:0", ada, 500))

    def spend(n: int) -> Callable[[AsyncConnection], Any]:
        async def change(tx: AsyncConnection) -> str:
            await ledger.post(tx, [credit(f"c:{n}", ada, -100)], at=await _now(tx))
            return "spent"

        return change

    came = await race(crowd, [spend(n) for n in range(1, 13)])

    assert came.count("spent") == 5
    assert all(one == "spent" or isinstance(one, NotEnoughCredit) for one in came)
    async with crowd.read() as connection:
        assert await ledger.credit(connection, ada) == []


async def test_a_balance_below_nothing_is_refused_by_the_database(crowd: Database) -> None:
    ada = (await add_customer(crowd)).user_id
    row = {"customer_id": ada, "currency": "GBP", "balance_minor": -1}
    with pytest.raises(IntegrityError) as refused:
        await act(crowd, lambda tx: tx.execute(insert(credit_balances).values(row)))
    assert constraint(refused.value) == "ck_credit_balances_balance"


async def test_many_who_are_given_credit_at_once_have_all_of_it(crowd: Database) -> None:
    ada = (await add_customer(crowd)).user_id

    async def give(n: int, tx: AsyncConnection) -> None:
        await ledger.post(tx, [credit(f"c:{n}", ada, n)], at=await _now(tx))

    await race(crowd, [partial(give, n) for n in range(1, 11)])
    async with crowd.read() as connection:
        assert await ledger.credit(connection, ada) == [gbp(55)]
