"""Pay everybody on a cycle, once for each period, however long nobody was there to do it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import structlog

from db import payroll
from domain.payouts import PayCycle

if TYPE_CHECKING:
    from workers.jobs import Context

log = structlog.get_logger(__name__)


async def run_payroll(ctx: Context, cycle: str, period: str) -> None:
    """Run the payroll of a period, after those before it that were missed.

    Each is one transaction, so what a worker that dies has done stays done. Repeated, it pays only
    who has not been paid for the period yet.
    """
    which, last = PayCycle(cycle), date.fromisoformat(period)
    async with ctx.database.read() as connection:
        missed = await payroll.missed(connection, which, house=ctx.house)
    for one in (*(before for before in missed if before < last), last):
        async with ctx.database.begin() as tx:
            run, sheet = await payroll.run(tx, cycle=which, period=one, house=ctx.house)
        log.info(
            "payroll.run",
            cycle=run.cycle,
            period=run.period,
            paid=len(sheet.pay),
            carried=len(sheet.carried),
        )
