"""Money that providers have earned, for a payroll to pay."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text

from db import ledger, payouts, payroll
from db.ids import new_id
from db.tables import ledger_lines, payout_lines
from domain.house import DEFAULT
from domain.ledger import Account, Line, LineKind, posting
from domain.pages import PageRequest
from domain.payouts import PayCycle, Payout
from domain.payroll import due_at, latest
from tests.factories import add_providers, add_service, now
from tests.invariants_of_money import PAYOUTS

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from db.engine import Database
    from domain.house import HouseRules
    from domain.payroll import Sheet
    from domain.people import Viewer

ZONE: Final = ZoneInfo(DEFAULT.zone_name)
WEEK: Final = timedelta(days=7)
HOUR: Final = timedelta(hours=1)
#: Cash before work is done: the other side of what a provider earns.
_FROM: Final = {LineKind.TIP: Account.OUTSIDE, LineKind.CLAWBACK: Account.OUTSIDE}


async def periods(database: Database, cycle: PayCycle, *, count: int) -> list[date]:
    """The last periods of a cycle that have come due, oldest first."""
    at, found = await now(database), []
    for _ in range(count):
        found.append(latest(cycle, at=at, zone=ZONE))
        at = due_at(cycle, found[-1], ZONE) - HOUR
    return found[::-1]


def before(cycle: PayCycle, period: date) -> datetime:
    """An hour before a period's payroll is due."""
    return due_at(cycle, period, ZONE) - HOUR


async def earners(database: Database, count: int = 1, **columns: Any) -> list[Viewer]:
    """Providers who have earned nothing yet."""
    service = await add_service(database)
    return await add_providers(database, service, count=count, on_shift=False, **columns)


def amounts(sheet: Sheet) -> tuple[list[int], list[int]]:
    """What is paid, and what carries over."""
    return (
        [one.amount.amount_minor for one in sheet.pay],
        [one.amount.amount_minor for one in sheet.carried],
    )


async def earn(
    database: Database,
    provider: Viewer,
    *amounts: int,
    at: datetime,
    kind: LineKind = LineKind.EARNING,
    currency: str = "GBP",
    booking_id: UUID | None = None,
) -> None:
    """Lines of a provider's, one for each amount, written then."""
    new = [
        posting(
            f"test:{new_id()}",
            currency,
            [
                Line(
                    account=Account.PROVIDER,
                    kind=kind,
                    amount_minor=minor,
                    provider_id=provider.user_id,
                ),
                Line(account=_FROM.get(kind, Account.HELD), kind=kind, amount_minor=-minor),
            ],
            booking_id=booking_id,
        )
        for minor in amounts
    ]
    async with database.begin() as tx:
        await ledger.post(tx, new, at=at)


async def pay(
    database: Database,
    cycle: PayCycle = PayCycle.WEEKLY,
    period: date | None = None,
    *,
    house: HouseRules = DEFAULT,
) -> Sheet:
    """Run a payroll."""
    async with database.begin() as tx:
        _, sheet = await payroll.run(tx, cycle=cycle, period=period, house=house)
    return sheet


async def payouts_of(database: Database, provider: Viewer) -> list[Payout]:
    """A provider's payouts, oldest first."""
    which = payouts.Which(provider_id=provider.user_id)
    async with database.read() as connection:
        page = await payouts.page(connection, PageRequest(limit=100), which=which)
    return list(page.items[::-1])


async def paid_lines(database: Database, payout: Payout) -> list[int]:
    """The amounts of the lines that a payout pays."""
    own = select(ledger_lines.c.amount_minor).join(
        payout_lines, payout_lines.c.line_id == ledger_lines.c.id
    )
    async with database.read() as connection:
        return sorted(await connection.scalars(own.where(payout_lines.c.payout_id == payout.id)))


async def balance(database: Database, account: Account) -> int:
    """What an account comes to, in all currencies together."""
    total = func.coalesce(func.sum(ledger_lines.c.amount_minor), 0)
    async with database.read() as connection:
        found = await connection.scalar(select(total).where(ledger_lines.c.account == account))
    return int(found or 0)


async def check(database: Database) -> None:
    """Nothing is paid twice, too much, too little or without a trace."""
    async with database.read() as connection:
        for promise, breach in PAYOUTS.items():
            found = (await connection.execute(text(breach))).all()
            assert not found, f"Broken: {promise}: {found[:3]}"
