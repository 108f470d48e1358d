"""How long does payroll take for everybody, and what is one transaction for all of them worth?

    python -m benchmarks.payroll --providers 1000 --lines 100000 --rounds 3

On a real database: a week's lines of many providers, all on one cycle, and as many again that were
paid long ago. A run reads what is open, makes the payouts, takes their lines and says so in the
outbox. The baseline, in the same run and on the same rows, does it for one provider after another,
each in a transaction of its own.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select, text

from benchmarks.report import main, milliseconds
from db import clock, events, payroll
from db.engine import Database
from db.ids import new_id
from db.tables import payable_lines, payout_lines, payouts, payroll_runs, providers
from domain.events import Event, EventType
from domain.house import DEFAULT
from domain.payouts import PayCycle, PayoutStatus
from domain.payroll import due_at
from tests import earners, factories

if TYPE_CHECKING:
    import argparse
    from datetime import date, datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from tests import servers

_CYCLE: Final = PayCycle.WEEKLY
_ZONE: Final = ZoneInfo(DEFAULT.zone_name)
#: Seconds that a payroll over a hundred thousand lines may take.
_TARGET: Final = 10.0

#: Lines like those of work that was done: a posting each, its other side held.
_LINES: Final = """
    WITH made AS (
        SELECT gen_random_uuid() AS id, p.id AS provider, n
        FROM providers p, generate_series(1, :each) n
    ), posted AS (
        INSERT INTO ledger_postings (id, cause, at) SELECT id, 'earning:' || id, :at FROM made
    )
    INSERT INTO ledger_lines
        (id, posting_id, account, kind, amount_minor, currency, provider_id, at)
    SELECT gen_random_uuid(), id, 'PROVIDER', 'EARNING', 1000 + n, 'GBP', provider, :at FROM made
    UNION ALL
    SELECT gen_random_uuid(), id, 'HELD', 'EARNING', -1000 - n, 'GBP', NULL, :at FROM made
"""


async def furnish(database: Database, several: int, lines: int) -> date:
    """A week's lines that are open, and as many that were paid the week before; the week."""
    service = await factories.add_service(database)
    await factories.add_providers(database, service, count=several, on_shift=False)
    last, this = await earners.periods(database, _CYCLE, count=2)
    await _earn(database, lines // several, at=earners.before(_CYCLE, last))
    await _run(database, last)
    await _earn(database, lines // several, at=earners.before(_CYCLE, this))
    async with database.read() as connection:
        await connection.execute(text("VACUUM ANALYZE"))
    return this


async def _earn(database: Database, each: int, *, at: datetime) -> None:
    async with database.begin() as tx:
        # What no payroll does is not measured: writing all of these at once takes its time.
        await tx.execute(text("SET LOCAL statement_timeout = '300s'"))
        await tx.execute(text(_LINES), {"each": each, "at": at})
        await tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


async def _run(database: Database, period: date) -> int:
    async with database.begin() as tx:
        _, sheet = await payroll.run(tx, cycle=_CYCLE, period=period, house=DEFAULT)
    return len(sheet.pay)


async def _one_by_one(database: Database, period: date) -> int:
    """The same as anybody would write it first: one provider after another."""
    async with database.begin() as tx:
        at = await clock.now(tx)
        due = due_at(_CYCLE, period, _ZONE)
        run_id = new_id()
        kept = {"id": run_id, "cycle": _CYCLE, "period": period, "due_at": due, "started_at": at}
        await tx.execute(insert(payroll_runs), kept)
        theirs = select(providers.c.id).where(providers.c.pay_cycle == _CYCLE)
        people = list(await tx.scalars(theirs))
    paid = 0
    for one in people:
        async with database.begin() as tx:
            paid += await _pay(tx, one, period, run_id=run_id, due=due, at=at)
    return paid


async def _pay(
    tx: AsyncConnection, one: UUID, period: date, *, run_id: UUID, due: datetime, at: datetime
) -> bool:
    line = payable_lines.c
    open_ = (line.provider_id == one) & (line.at < due)
    found = (await tx.execute(select(line.line_id, line.amount_minor).where(open_))).all()
    amount = sum(row.amount_minor for row in found)
    if amount < DEFAULT.least_payout_minor:
        return False
    made = {
        "id": new_id(),
        "run_id": run_id,
        "provider_id": one,
        "cycle": _CYCLE,
        "period": period,
        "amount_minor": amount,
        "currency": "GBP",
        "lines": len(found),
        "status": PayoutStatus.WAITING,
        "created_at": at,
        "due_at": at,
    }
    await tx.execute(insert(payouts), made)
    taken = [{"line_id": row.line_id, "payout_id": made["id"]} for row in found]
    await tx.execute(insert(payout_lines), taken)
    await tx.execute(delete(payable_lines).where(open_))
    subject = {"payout": made["id"], "provider": one}
    await events.append(tx, [Event(type=EventType.PAYOUT_CREATED, subject=subject)])
    return True


async def _once(
    template: servers.Template, chosen: argparse.Namespace, *, together: bool
) -> tuple[float, float]:
    """Seconds of a rehearsal and of a run, on a database of its own."""
    url = await template.clone()
    database = Database(url.replace("postgresql:", "postgresql+asyncpg:"), name="benchmark")
    try:
        period = await furnish(database, chosen.providers, chosen.lines)
        began = perf_counter()
        async with database.read() as connection:
            await payroll.rehearse(connection, cycle=_CYCLE, period=period, house=DEFAULT)
        rehearsed = perf_counter()
        paid = await (_run(database, period) if together else _one_by_one(database, period))
        ran = perf_counter()
        assert paid == chosen.providers, f"{paid} were paid"
        await earners.check(database)
    finally:
        await database.close()
        template.drop(url)
    return rehearsed - began, ran - rehearsed


async def measure(template: servers.Template, chosen: argparse.Namespace) -> dict[str, Any]:
    """The figures."""
    runs = [await _once(template, chosen, together=True) for _ in range(chosen.rounds)]
    _, one_by_one = await _once(template, chosen, together=False)
    whole = milliseconds([run for _, run in runs])
    return {
        "providers": chosen.providers,
        "lines": chosen.lines,
        "rounds": chosen.rounds,
        "rehearse": milliseconds([rehearsed for rehearsed, _ in runs]),
        "run": whole,
        "one_by_one_ms": round(1000 * one_by_one, 2),
        "times_faster": round(1000 * one_by_one / whole["p50_ms"], 2),
        "target_s": _TARGET,
        "on_target": whole["max_ms"] <= 1000 * _TARGET,
    }


def options(parser: argparse.ArgumentParser) -> None:
    """The sizes that can be chosen."""
    parser.add_argument("--providers", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)


def rows(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures as lines of a table."""
    size = f"{figures['providers']} providers, {figures['lines']} lines"
    run = figures["run"]
    return [
        (f"{size}: rehearsed", f"p50 {figures['rehearse']['p50_ms']} ms"),
        (f"{size}: paid", f"p50 {run['p50_ms']} ms, at most {run['max_ms']} ms"),
        (
            "one provider after another",
            f"{figures['one_by_one_ms']} ms: {figures['times_faster']} times as long",
        ),
    ]


if __name__ == "__main__":
    main("payroll", options, measure, rows, __doc__)
