"""Is every line paid once, whatever runs twice, late or at once, and the rest carried over?"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from db import payroll
from db.tables import events, ledger_lines, payable_lines, payout_lines, payouts, payroll_runs
from db.tables import providers as providers_table
from domain.events import EventType
from domain.house import DEFAULT
from domain.ledger import LineKind
from domain.pages import PageRequest
from domain.payouts import PayCycle, PayoutStatus
from domain.payroll import due_at, following
from domain.people import Role
from domain.refusals import InvalidInput, TooEarly
from tests.earners import (
    WEEK,
    ZONE,
    amounts,
    before,
    check,
    earn,
    earners,
    paid_lines,
    pay,
    payouts_of,
    periods,
)
from tests.factories import (
    add_account,
    count_rows,
    now,
    read_events,
)
from tests.plans import plan, recorded

if TYPE_CHECKING:
    from datetime import date

    from db.engine import Database

WEEKLY, MONTHLY = PayCycle.WEEKLY, PayCycle.MONTHLY
MICROSECOND = timedelta(microseconds=1)
TABLES = (payroll_runs, payouts, payout_lines, payable_lines, events)


async def test_what_was_earned_by_then_is_paid_to_those_on_the_cycle(database: Database) -> None:
    weekly, other = await earners(database, 2)
    (monthly,) = await earners(database, pay_cycle=MONTHLY)
    (period,) = await periods(database, WEEKLY, count=1)
    due = due_at(WEEKLY, period, ZONE)
    await earn(database, weekly, 3200, 2000, at=due - MICROSECOND)
    await earn(database, weekly, 700, at=due)
    await earn(database, other, 9000, at=due - WEEK)
    await earn(database, monthly, 9000, at=due - WEEK)
    known = len(await read_events(database))

    sheet = await pay(database)

    assert (sheet.cycle, sheet.period, sheet.due_at) == (WEEKLY, period, due)
    assert sorted(amounts(sheet)[0]) == [5200, 9000]
    (payout,) = await payouts_of(database, weekly)
    assert (payout.cycle, payout.period, payout.lines) == (WEEKLY, period, 2)
    assert (payout.amount.amount_minor, payout.amount.currency) == (5200, "GBP")
    assert (payout.status, payout.tries, payout.due_at) == (
        *(PayoutStatus.WAITING, 0),
        payout.created_at,
    )
    assert await paid_lines(database, payout) == [2000, 3200]
    assert await payouts_of(database, monthly) == []
    assert await read_events(database, after=known) == [EventType.PAYOUT_CREATED] * 2
    told = select(events.c.subject).order_by(events.c.position.desc()).limit(2)
    async with database.read() as connection:
        subjects = list(await connection.scalars(told))
    assert {"payout": str(payout.id), "provider": str(weekly.user_id)} in subjects
    await check(database)


async def test_a_run_is_kept_with_who_asked_for_it(database: Database) -> None:
    admin = await add_account(database, Role.ADMIN)
    async with database.begin() as tx:
        run, _ = await payroll.run(tx, cycle=MONTHLY, period=None, house=DEFAULT, by=admin)
    (period,) = await periods(database, MONTHLY, count=1)
    assert (run.cycle, run.period, run.asked_by) == (MONTHLY, period, admin.user_id)
    assert run.due_at == due_at(MONTHLY, period, ZONE)
    assert run.finished_at is not None
    assert run.started_at < run.finished_at
    # Run again by the clock, it stays the one run that there is.
    async with database.begin() as tx:
        again, _ = await payroll.run(tx, cycle=MONTHLY, period=period, house=DEFAULT)
    assert again == run


async def test_the_least_is_paid_and_a_penny_less_carries_over(database: Database) -> None:
    enough, short = await earners(database, 2)
    (period,) = await periods(database, WEEKLY, count=1)
    await earn(database, enough, 4999, 1, at=before(WEEKLY, period))
    await earn(database, short, 4998, 1, at=before(WEEKLY, period))
    sheet = await pay(database)
    assert amounts(sheet) == ([5000], [4999])
    assert await payouts_of(database, short) == []
    assert amounts(await pay(database, house=replace(DEFAULT, least_payout_minor=4999))) == (
        [4999],
        [],
    )
    await check(database)


async def test_what_carries_over_is_paid_to_the_penny_when_it_is_enough(
    database: Database,
) -> None:
    (one,) = await earners(database)
    weeks = await periods(database, WEEKLY, count=5)
    for week, minor in zip(weeks, (2000, 1500, 1499, 1, 4000), strict=True):
        await earn(database, one, minor, at=before(WEEKLY, week))
    found = [amounts(await pay(database, WEEKLY, week)) for week in weeks]
    assert found == [([], [2000]), ([], [3500]), ([], [4999]), ([5000], []), ([], [4000])]
    (payout,) = await payouts_of(database, one)
    assert (payout.period, await paid_lines(database, payout)) == (weeks[3], [1, 1499, 1500, 2000])
    await check(database)


async def test_a_clawback_after_a_payout_is_carried_until_it_is_earned_again(
    database: Database,
) -> None:
    (one,) = await earners(database)
    weeks = await periods(database, WEEKLY, count=4)
    await earn(database, one, 8000, at=before(WEEKLY, weeks[0]))
    await earn(database, one, -8000, at=before(WEEKLY, weeks[1]), kind=LineKind.CLAWBACK)
    await earn(database, one, 6000, at=before(WEEKLY, weeks[2]))
    await earn(database, one, 7500, at=before(WEEKLY, weeks[3]))
    found = [amounts(await pay(database, WEEKLY, week)) for week in weeks]
    assert found == [([8000], []), ([], [-8000]), ([], [-2000]), ([5500], [])]
    payout = (await payouts_of(database, one))[-1]
    assert await paid_lines(database, payout) == [-8000, 6000, 7500]
    await check(database)


async def test_each_currency_is_a_payout_of_its_own(database: Database) -> None:
    (one,) = await earners(database)
    (period,) = await periods(database, WEEKLY, count=1)
    at = before(WEEKLY, period)
    await earn(database, one, 6000, at=at)
    await earn(database, one, 7000, at=at, currency="EUR")
    await earn(database, one, 4000, at=at, currency="USD")
    sheet = await pay(database)
    assert sorted((b.amount.currency, b.amount.amount_minor) for b in sheet.pay) == [
        ("EUR", 7000),
        ("GBP", 6000),
    ]
    assert [b.amount.currency for b in sheet.carried] == ["USD"]
    await check(database)


async def test_repeated_it_pays_who_was_not_paid_yet_and_nobody_twice(database: Database) -> None:
    paid, late = await earners(database, 2)
    (period,) = await periods(database, WEEKLY, count=1)
    await earn(database, paid, 6000, at=before(WEEKLY, period))
    await earn(database, late, 3000, at=before(WEEKLY, period))
    assert amounts(await pay(database)) == ([6000], [3000])
    first = await count_rows(database, *TABLES)
    assert amounts(await pay(database)) == ([], [3000])
    assert await count_rows(database, *TABLES) == first
    # Lines of transactions that began before it was due and ended after it had run.
    await earn(database, paid, 9000, at=before(WEEKLY, period))
    await earn(database, late, 2500, at=before(WEEKLY, period))
    assert amounts(await pay(database)) == ([5500], [])
    # Who was paid for the period waits for the next one.
    assert [p.amount.amount_minor for p in await payouts_of(database, paid)] == [6000]
    assert [p.amount.amount_minor for p in await payouts_of(database, late)] == [5500]
    await check(database)


async def test_a_provider_who_changes_their_cycle_takes_their_lines_along(
    database: Database,
) -> None:
    (one,) = await earners(database)
    (month,) = await periods(database, MONTHLY, count=1)
    await earn(database, one, 6000, at=before(MONTHLY, month))
    async with database.begin() as tx:
        await tx.execute(update(providers_table).values(pay_cycle=MONTHLY))
    assert amounts(await pay(database, WEEKLY)) == ([], [])
    assert amounts(await pay(database, MONTHLY)) == ([6000], [])
    await check(database)


async def test_a_rehearsal_says_the_same_and_leaves_no_trace(database: Database) -> None:
    people = await earners(database, 3)
    (period,) = await periods(database, WEEKLY, count=1)
    for one, minor in zip(people, (6000, 4000, -10), strict=True):
        await earn(database, one, minor, at=before(WEEKLY, period))
    kept = await count_rows(database, *TABLES)
    async with database.read() as connection:
        said = await payroll.rehearse(connection, cycle=WEEKLY, period=None, house=DEFAULT)
    assert await count_rows(database, *TABLES) == kept
    assert said == await pay(database)
    async with database.read() as connection:
        said = await payroll.rehearse(connection, cycle=WEEKLY, period=None, house=DEFAULT)
    assert sorted(amounts(said)[1]) == [-10, 4000]


async def test_the_next_payroll_can_be_rehearsed_and_not_be_run(database: Database) -> None:
    (one,) = await earners(database)
    (period,) = await periods(database, WEEKLY, count=1)
    coming = following(WEEKLY, period)
    await earn(database, one, 6000, at=await now(database))
    async with database.read() as connection:
        said = await payroll.rehearse(connection, cycle=WEEKLY, period=coming, house=DEFAULT)
    assert (said.period, amounts(said)) == (coming, ([6000], []))
    kept = await count_rows(database, *TABLES)
    with pytest.raises(TooEarly):
        await pay(database, WEEKLY, coming)
    with pytest.raises(InvalidInput):
        await pay(database, MONTHLY, period + timedelta(days=32))
    assert await count_rows(database, *TABLES) == kept


async def test_who_is_paid_early_is_paid_the_rest_with_the_payroll_after(
    database: Database,
) -> None:
    (one,) = await earners(database)
    (period,) = await periods(database, WEEKLY, count=1)
    coming = following(WEEKLY, period)
    await earn(database, one, 6000, at=await now(database))
    async with database.read() as connection:
        said = await payroll.rehearse(
            connection, cycle=WEEKLY, period=None, house=DEFAULT, early=True
        )
    assert (said.period, amounts(said)) == (coming, ([6000], []))
    began = await now(database)
    async with database.begin() as tx:
        run, paid = await payroll.run(tx, cycle=WEEKLY, period=None, house=DEFAULT, early=True)
    assert (run.period, amounts(paid)) == (coming, ([6000], []))
    assert began < run.due_at < await now(database)

    await earn(database, one, 7000, at=await now(database))
    async with database.begin() as tx:
        again = await payroll.run(tx, cycle=WEEKLY, period=None, house=DEFAULT, early=True)
    assert (again[0].due_at, amounts(again[1])) == (run.due_at, ([], []))
    # Its own time comes, and it has been run; the rest is found by the one after it.
    async with database.read() as connection:
        assert await payroll.missed(connection, WEEKLY, house=DEFAULT) == ()
    assert [one.amount.amount_minor for one in await payouts_of(database, one)] == [6000]
    await check(database)


async def test_a_house_that_moves_to_another_zone_keeps_when_a_run_was_due(
    database: Database,
) -> None:
    (one,) = await earners(database)
    (period,) = await periods(database, WEEKLY, count=1)
    first = await pay(database)
    # An hour after it was due: in the zone that the house moves to, before.
    await earn(database, one, 6000, at=first.due_at + timedelta(hours=1))
    moved = replace(DEFAULT, zone_name="America/New_York")
    again = await pay(database, WEEKLY, period, house=moved)
    assert (again.due_at, amounts(again)) == (first.due_at, ([], []))
    async with database.read() as connection:
        said = await payroll.rehearse(connection, cycle=WEEKLY, period=period, house=moved)
    assert said == again


async def test_what_is_missed_is_counted_from_the_last_run_of_the_cycle(
    database: Database,
) -> None:
    async def missed(cycle: PayCycle) -> tuple[date, ...]:
        async with database.read() as connection:
            return await payroll.missed(connection, cycle, house=DEFAULT)

    weeks = await periods(database, WEEKLY, count=4)
    months = await periods(database, MONTHLY, count=2)
    assert (await missed(WEEKLY), await missed(MONTHLY)) == ((weeks[-1],), (months[-1],))
    await pay(database, MONTHLY, months[0])
    assert (await missed(WEEKLY), await missed(MONTHLY)) == ((weeks[-1],), (months[1],))
    await pay(database, WEEKLY, weeks[0])
    assert (await missed(WEEKLY), await missed(MONTHLY)) == (tuple(weeks[1:]), (months[1],))
    # An older one that is run by hand takes nothing back.
    await pay(database, WEEKLY, weeks[2])
    await pay(database, WEEKLY, weeks[1])
    assert await missed(WEEKLY) == (weeks[3],)


async def test_runs_are_listed_newest_first_with_what_they_pay(database: Database) -> None:
    people = await earners(database, 2)
    weeks = await periods(database, WEEKLY, count=2)
    at = before(WEEKLY, weeks[0])
    for one in people:
        await earn(database, one, 6000, at=at)
    await earn(database, people[0], 7000, at=at, currency="EUR")
    for week in weeks:
        await pay(database, WEEKLY, week)
    await pay(database, MONTHLY)
    request = PageRequest(limit=10)
    async with database.read() as connection:
        everything = await payroll.page(connection, request, cycle=None)
        weekly = await payroll.page(connection, request, cycle=WEEKLY)
        assert [run.cycle for run in everything.items] == [MONTHLY, WEEKLY, WEEKLY]
        assert [run.period for run in weekly.items] == weeks[::-1]
        assert await payroll.count(connection, cycle=None) == 3
        totals = await payroll.totals(connection, [run.id for run in weekly.items])
    assert [[(m.currency, m.amount_minor) for m in totals[run.id]] for run in weekly.items] == [
        [],
        [("EUR", 7000), ("GBP", 12000)],
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_is_earned_taken_back_and_paid_it_adds_up_to_the_penny(
    database: Database, seed: int
) -> None:
    chance = random.Random(seed)  # a repeatable history, not a secret
    people = await earners(database, 6)
    cycle_of = {one.user_id: WEEKLY for one in people}
    open_: dict[Any, list[int]] = {one.user_id: [] for one in people}
    paid: dict[Any, list[int]] = {one.user_id: [] for one in people}
    runs = [
        (due_at(cycle, period, ZONE), cycle, period)
        for cycle, count in ((WEEKLY, 12), (MONTHLY, 3))
        for period in await periods(database, cycle, count=count)
    ]
    for _, cycle, period in sorted(runs):
        for one in chance.sample(people, 4):
            minors = [chance.choice([-2500, -1, 1, 1200, 2499, 2501]) for _ in range(3)]
            await earn(database, one, *minors, at=before(cycle, period))
            open_[one.user_id] += minors
        moved = chance.choice(people)
        cycle_of[moved.user_id] = chance.choice(list(PayCycle))
        async with database.begin() as tx:
            mine = update(providers_table).where(providers_table.c.id == moved.user_id)
            await tx.execute(mine.values(pay_cycle=cycle_of[moved.user_id]))

        sheet = await pay(database, cycle, period)

        known = {
            uid: sum(lines) for uid, lines in open_.items() if cycle_of[uid] is cycle and lines
        }
        assert {b.provider_id: b.amount.amount_minor for b in (*sheet.pay, *sheet.carried)} == known
        assert {b.provider_id for b in sheet.pay} == {
            uid for uid, total in known.items() if total >= 5000
        }
        for balance in sheet.pay:
            paid[balance.provider_id].append(known[balance.provider_id])
            open_[balance.provider_id] = []
    for one in people:
        found = [payout.amount.amount_minor for payout in await payouts_of(database, one)]
        assert found == paid[one.user_id]
    assert any(paid.values())
    await check(database)


async def test_only_what_is_open_is_looked_at(database: Database) -> None:
    (one,) = await earners(database)
    weeks = await periods(database, WEEKLY, count=2)
    await earn(database, one, *[6000] * 50, at=before(WEEKLY, weeks[0]))
    await pay(database, WEEKLY, weeks[0])
    async with database.read() as connection:
        with recorded(database) as statements:
            await payroll.rehearse(connection, cycle=WEEKLY, period=None, house=DEFAULT)
        said = await plan(connection, *statements[-1])
    assert "payable_lines" in said
    for history in (ledger_lines, payout_lines):
        assert history.name not in said
    assert (await count_rows(database, payable_lines)) == (0,)


async def test_only_what_is_a_providers_and_no_payout_is_payable(database: Database) -> None:
    (one,) = await earners(database)
    at = await now(database)
    await earn(database, one, 6000, -1, at=at)
    await earn(database, one, -500, at=at, kind=LineKind.PAYOUT)
    async with database.read() as connection:
        found = await connection.execute(select(payable_lines))
        lines = {(row.provider_id, row.amount_minor, row.currency, row.at) for row in found}
    assert lines == {(one.user_id, 6000, "GBP", at), (one.user_id, -1, "GBP", at)}
    assert await count_rows(database, ledger_lines) == (6,)
