"""Do payrolls that meet, each other or those who work meanwhile, pay each line once?"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from db import payroll, providers
from db.engine import constraint
from db.tables import payouts
from domain.house import DEFAULT
from domain.ledger import LineKind
from domain.payouts import PayCycle
from tests.db.racing import race, waiting
from tests.earners import (
    WEEK,
    amounts,
    before,
    check,
    earn,
    earners,
    pay,
    payouts_of,
    periods,
)
from tests.factories import count_rows

if TYPE_CHECKING:
    from db.engine import Database

WEEKLY, MONTHLY = PayCycle.WEEKLY, PayCycle.MONTHLY


async def test_payrolls_at_once_pay_each_line_once(crowd: Database) -> None:
    chance = random.Random(20261101)  # a repeatable workload, not a secret
    people = await earners(crowd, 20)
    others = await earners(crowd, 20, pay_cycle=MONTHLY)
    weeks = await periods(crowd, WEEKLY, count=3)
    for one in (*people, *others):
        for week in weeks:
            minors = [chance.randrange(-3000, 9000) or 1 for _ in range(5)]
            await earn(crowd, one, *minors, at=before(WEEKLY, week) - WEEK * 5)
    runs = [
        partial(payroll.run, cycle=cycle, period=period, house=DEFAULT)
        for cycle, period in [*((WEEKLY, week) for week in weeks), (MONTHLY, None)]
    ] * 4
    chance.shuffle(runs)

    found = await race(crowd, runs)

    assert not [one for one in found if isinstance(one, Exception)]
    await check(crowd)
    made = sum(len(sheet.pay) for _, sheet in found)
    assert made == (await count_rows(crowd, payouts))[0] > 0
    # Whatever is left is too little: nobody was overlooked.
    again = [amounts(await pay(crowd, cycle)) for cycle in PayCycle]
    assert [paid for paid, _ in again] == [[], []]


async def test_a_payroll_waits_for_the_one_that_is_running(crowd: Database) -> None:
    (one,) = await earners(crowd)
    (period,) = await periods(crowd, WEEKLY, count=1)
    await earn(crowd, one, 6000, at=before(WEEKLY, period))
    async with crowd.begin() as tx:
        _, first = await payroll.run(tx, cycle=WEEKLY, period=None, house=DEFAULT)
        second = await waiting(
            crowd, partial(payroll.run, cycle=WEEKLY, period=None, house=DEFAULT)
        )
    _, then = await second
    assert (amounts(first), amounts(then)) == (([6000], []), ([], []))


async def test_nobody_who_takes_work_waits_for_a_payroll(crowd: Database) -> None:
    people = await earners(crowd, 3)
    (period,) = await periods(crowd, WEEKLY, count=1)
    for one in people:
        await earn(crowd, one, 6000, at=before(WEEKLY, period))
    uids = [one.user_id for one in people]
    async with crowd.begin() as tx:
        await payroll.run(tx, cycle=WEEKLY, period=None, house=DEFAULT)
        async with crowd.begin() as other:
            await other.execute(text("SET LOCAL lock_timeout = '1ms'"))
            await providers.lock(other, uids)
        # And they earn more meanwhile, which is for the next payroll.
        await earn(crowd, people[0], 100, at=before(WEEKLY, period))
    assert [len(await payouts_of(crowd, one)) for one in people] == [1, 1, 1]
    await check(crowd)


async def test_a_payout_of_nobody_is_refused_at_the_commit(database: Database) -> None:
    (one,) = await earners(database)
    (period,) = await periods(database, WEEKLY, count=1)
    await earn(database, one, 6000, at=before(WEEKLY, period))
    await pay(database)
    with pytest.raises(IntegrityError) as refused:
        async with database.begin() as tx:
            await tx.execute(update(payouts).values(provider_id=one.session_id))
    assert constraint(refused.value) == "fk_payouts_provider_id"


async def test_a_line_that_is_written_while_a_payroll_decides_is_paid_with_the_rest_or_later(
    crowd: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    more, less = await earners(crowd, 2)
    (period,) = await periods(crowd, WEEKLY, count=1)
    at = before(WEEKLY, period)
    for one in (more, less):
        await earn(crowd, one, 5100, at=at)
    pay_them = payroll._pay

    async def pay_late(*arguments: Any, **facts: Any) -> None:
        await earn(crowd, more, 300, at=at)
        await earn(crowd, less, -200, at=at, kind=LineKind.CLAWBACK)
        await pay_them(*arguments, **facts)

    monkeypatch.setattr(payroll, "_pay", pay_late)
    await pay(crowd)
    (payout,) = await payouts_of(crowd, more)
    assert (payout.amount.amount_minor, payout.lines) == (5400, 2)
    assert await payouts_of(crowd, less) == []
    await check(crowd)


@pytest.mark.parametrize(
    ("statement", "violated"),
    [
        (
            "INSERT INTO payouts (id, run_id, provider_id, cycle, period, amount_minor, currency,"
            " lines, status, created_at, due_at) SELECT gen_random_uuid(), run_id, provider_id,"
            " cycle, period, 1, currency, 1, status, created_at, due_at FROM payouts",
            "uq_payouts_provider_id_cycle_period_currency",
        ),
        ("INSERT INTO payout_lines TABLE payout_lines", "pk_payout_lines"),
        (
            "INSERT INTO payroll_runs (id, cycle, period, due_at, started_at)"
            " SELECT gen_random_uuid(), cycle, period, due_at, started_at FROM payroll_runs",
            "uq_payroll_runs_cycle_period",
        ),
    ],
)
async def test_the_database_itself_refuses_a_second_payment(
    database: Database, statement: str, violated: str
) -> None:
    (one,) = await earners(database)
    (period,) = await periods(database, WEEKLY, count=1)
    await earn(database, one, 6000, at=before(WEEKLY, period))
    await pay(database)
    with pytest.raises(IntegrityError) as refused:
        async with database.begin() as tx:
            await tx.execute(text(statement))
    assert constraint(refused.value) == violated
