"""Payroll: which lines are paid, in one transaction for everybody.

The database finds what is open and writes what is paid, in a handful of statements however many
providers and lines there are; the domain says whom to pay. One payroll runs at a time. A line is
paid once by constraint (pk_payout_lines), and nobody is paid twice for a period
(uq_payouts_provider_id_cycle_period_currency).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    Uuid,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert

from db import clock, events, pages
from db.ids import new_id
from db.tables import payable_lines, payout_lines, payouts, payroll_runs, providers
from domain import payroll as rules
from domain.events import Event, EventType
from domain.money import Money
from domain.payouts import PayCycle, PayoutStatus, PayrollRun
from domain.payroll import Balance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

    from domain.house import HouseRules
    from domain.pages import Page, PageRequest
    from domain.payroll import Sheet
    from domain.people import Viewer

#: The advisory lock of the payroll that is running ("payroll" in ASCII). All share one: a provider
#: may change from one cycle to the other between two payrolls, and take their lines along.
LOCK: Final = int.from_bytes(b"payroll")
#: For a house with millions of open lines. Nobody waits for a payroll but other payrolls.
_PATIENCE: Final = text("SET LOCAL statement_timeout = '50s'")

_NEWEST_FIRST: Final = pages.Order(columns=(payroll_runs.c.id,), parse=(UUID,), descending=True)
_P, _RUN, _LINE = payouts.c, payroll_runs.c, payable_lines.c


async def run(
    tx: AsyncConnection,
    *,
    cycle: PayCycle,
    period: date | None,
    house: HouseRules,
    by: Viewer | None = None,
    early: bool = False,
) -> tuple[PayrollRun, Sheet]:
    """Pay everybody on the cycle for a period, by default the latest that is due.

    Repeated, it pays those who have not been paid for the period, with what was written before it
    was due. `early` pays the next one ahead of its time, with what has been written by now. Raises
    InvalidInput or TooEarly.
    """
    await tx.execute(select(func.pg_advisory_xact_lock(LOCK)))
    await tx.execute(_PATIENCE)
    at, zone = await clock.now(tx), ZoneInfo(house.zone_name)
    named = _named(cycle, period, early=early, at=at, zone=zone)
    due_at = rules.due_at(cycle, named, zone)
    this = await _begin(tx, cycle, named, due_at=min(due_at, at), by=by, at=at)
    sheet = await _sheet(tx, cycle, named, due_at=this.due_at, house=house)
    await _pay(tx, this, sheet.pay, house=house, at=at)
    finished = update(payroll_runs).where(_RUN.id == this.id, _RUN.finished_at.is_(None))
    await tx.execute(finished.values(finished_at=await clock.now(tx)))
    return (await by_ids(tx, [this.id]))[0], sheet


async def rehearse(
    connection: AsyncConnection,
    *,
    cycle: PayCycle,
    period: date | None,
    house: HouseRules,
    early: bool = False,
) -> Sheet:
    """What `run` would do now; of the next period, what it would do if it were due.

    Raises InvalidInput or TooEarly.
    """
    at, zone = await clock.now(connection), ZoneInfo(house.zone_name)
    named = _named(cycle, period, early=early, rehearsed=True, at=at, zone=zone)
    begun = (await connection.execute(_of_period(cycle, named))).one_or_none()
    due_at = begun.due_at if begun else rules.due_at(cycle, named, zone)
    return await _sheet(connection, cycle, named, due_at=due_at, house=house)


async def missed(
    connection: AsyncConnection, cycle: PayCycle, *, house: HouseRules
) -> tuple[date, ...]:
    """The periods of a cycle that are due and have not been run, in order."""
    last = await connection.scalar(select(func.max(_RUN.period)).where(_RUN.cycle == cycle))
    at = await clock.now(connection)
    return rules.missed(cycle, last=last, at=at, zone=ZoneInfo(house.zone_name))


async def by_ids(connection: AsyncConnection, ids: Sequence[UUID]) -> list[PayrollRun]:
    """The runs with these ids, in no particular order; missing ones are left out."""
    rows = await connection.execute(select(payroll_runs).where(_RUN.id.in_(ids)))
    return [_run(row) for row in rows]


async def page(
    connection: AsyncConnection, request: PageRequest, *, cycle: PayCycle | None
) -> Page[PayrollRun]:
    """A page of the runs, newest first; None stands for both cycles."""
    return await pages.fetch(connection, _listed(cycle), _NEWEST_FIRST, request, _run)


async def count(connection: AsyncConnection, *, cycle: PayCycle | None) -> int:
    """How many runs there were."""
    return await pages.count(connection, _listed(cycle))


async def totals(connection: AsyncConnection, run_ids: Sequence[UUID]) -> dict[UUID, list[Money]]:
    """What each run pays out in all, in each currency."""
    total = func.sum(_P.amount_minor).cast(BigInteger).label("total")
    of_runs = select(_P.run_id, _P.currency, total).where(_P.run_id.in_(run_ids))
    found: dict[UUID, list[Money]] = {uid: [] for uid in run_ids}
    for row in await connection.execute(
        of_runs.group_by(_P.run_id, _P.currency).order_by(_P.currency)
    ):
        found[row.run_id].append(Money(amount_minor=row.total, currency=row.currency))
    return found


def _named(
    cycle: PayCycle,
    period: date | None,
    *,
    early: bool,
    at: datetime,
    zone: ZoneInfo,
    rehearsed: bool = False,
) -> date:
    if early:
        return rules.early(cycle, period, at=at, zone=zone)
    return rules.chosen(cycle, period, ahead=rehearsed, at=at, zone=zone)


async def _begin(
    tx: AsyncConnection,
    cycle: PayCycle,
    period: date,
    *,
    due_at: datetime,
    by: Viewer | None,
    at: datetime,
) -> PayrollRun:
    """The run of a period, which there is one of: a new one, or the one that was begun before."""
    row = {
        "id": new_id(),
        "cycle": cycle,
        "period": period,
        "due_at": due_at,
        "started_at": at,
        "asked_by": by.user_id if by else None,
    }
    await tx.execute(pg_insert(payroll_runs).values(row).on_conflict_do_nothing())
    found = await tx.execute(_of_period(cycle, period))
    return _run(found.one())


def _of_period(cycle: PayCycle, period: date) -> Select[Any]:
    return select(payroll_runs).where(_RUN.cycle == cycle, _RUN.period == period)


async def _sheet(
    connection: AsyncConnection,
    cycle: PayCycle,
    period: date,
    *,
    due_at: datetime,
    house: HouseRules,
) -> Sheet:
    rows = await connection.execute(_open(cycle, period, due_at))
    return rules.decide(
        [
            Balance(
                provider_id=row.provider_id,
                amount=Money(amount_minor=row.amount, currency=row.currency),
                lines=row.lines,
            )
            for row in rows
        ],
        least_minor=house.least_payout_minor,
        cycle=cycle,
        period=period,
        due_at=due_at,
    )


def _open(cycle: PayCycle, period: date, due_at: datetime) -> Select[Any]:
    """What is unpaid of those on a cycle who have not been paid for the period, summed up."""
    whose = (_LINE.provider_id, _LINE.currency)
    # Summed up before it is asked who has been paid: that is asked once for each provider then,
    # and not for each line.
    sums = (
        select(*whose, _summed().label("amount"), func.count().label("lines"))
        .join(providers, providers.c.id == _LINE.provider_id)
        .where(providers.c.pay_cycle == cycle, _LINE.at < due_at)
        .group_by(*whose)
        .subquery("sums")
    )
    theirs = (_P.provider_id == sums.c.provider_id) & (_P.currency == sums.c.currency)
    done = select(_P.id).where(theirs, _P.cycle == cycle, _P.period == period)
    order = (sums.c.provider_id, sums.c.currency)
    return select(sums).where(~done.exists()).order_by(*order)


async def _pay(
    tx: AsyncConnection,
    this: PayrollRun,
    balances: Sequence[Balance],
    *,
    house: HouseRules,
    at: datetime,
) -> None:
    if not balances:
        return
    made = await tx.execute(
        _paying(this, at=at, least_minor=house.least_payout_minor),
        {
            "ids": [new_id() for _ in balances],
            "providers": [one.provider_id for one in balances],
            "currencies": [one.amount.currency for one in balances],
        },
    )
    await events.append(
        tx,
        [
            Event(
                type=EventType.PAYOUT_CREATED,
                subject={"payout": row.id, "provider": row.provider_id},
            )
            for row in made
        ],
    )


def _paying(this: PayrollRun, *, at: datetime, least_minor: int) -> Select[Any]:
    """Make the payouts of those who were chosen, and take their lines: all in one statement, so
    that what is paid is what is taken.

    A line written while the payroll was deciding is in it too; who falls below the least by it
    is left out, and carries over.
    """
    chosen = _chosen().cte("chosen")
    theirs = (_LINE.provider_id == chosen.c.provider_id) & (_LINE.currency == chosen.c.currency)
    owed = (
        select(chosen, _summed().label("amount"), func.count().label("lines"))
        .join(payable_lines, theirs & (_LINE.at < this.due_at))
        .group_by(chosen.c.id, chosen.c.provider_id, chosen.c.currency)
        .having(func.sum(_LINE.amount_minor) >= least_minor)
        .cte("owed")
    )
    same = {
        "run_id": literal(this.id, Uuid),
        "cycle": literal(this.cycle.value, Text),
        "period": literal(this.period),
        "status": literal(PayoutStatus.WAITING.value, Text),
        "created_at": literal(at, _P.created_at.type),
        "due_at": literal(at, _P.due_at.type),
    }
    # In the order in which everybody locks providers: so their rows are looked at, at the commit.
    facts = select(
        owed.c.id, owed.c.provider_id, owed.c.currency, owed.c.amount, owed.c.lines
    ).order_by(owed.c.provider_id)
    made = (
        insert(payouts)
        .from_select(
            ["id", "provider_id", "currency", "amount_minor", "lines", *same],
            facts.add_columns(*same.values()),
        )
        .returning(_P.id, _P.provider_id, _P.currency)
        .cte("made")
    )
    taken = (
        delete(payable_lines)
        .where(_LINE.provider_id == made.c.provider_id, _LINE.currency == made.c.currency)
        .where(_LINE.at < this.due_at)
        .returning(_LINE.line_id, made.c.id.label("payout_id"))
        .cte("taken")
    )
    kept = insert(payout_lines).from_select(
        ["line_id", "payout_id"], select(taken.c.line_id, taken.c.payout_id)
    )
    return select(made).add_cte(kept.cte("kept"))


def _chosen() -> Select[Any]:
    kept = [column(name, _P[name].type) for name in ("id", "provider_id", "currency")]
    names = ("ids", "providers", "currencies")
    lists = (bindparam(name, type_=ARRAY(one.type)) for name, one in zip(names, kept, strict=True))
    new = func.unnest(*lists).table_valued(*kept).render_derived(name="new")
    return select(*new.c)


def _summed() -> Any:
    return func.sum(_LINE.amount_minor).cast(BigInteger)


def _listed(cycle: PayCycle | None) -> Select[Any]:
    query = select(payroll_runs)
    return query.where(_RUN.cycle == cycle) if cycle else query


_PLAIN: Final = ("id", "period", "due_at", "started_at", "finished_at", "asked_by")


def _run(row: Row[Any]) -> PayrollRun:
    return PayrollRun(**{name: getattr(row, name) for name in _PLAIN}, cycle=PayCycle(row.cycle))
