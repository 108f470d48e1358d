"""A house with people who have earned, and what they ask about it through the public door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from db import payouts
from domain.payouts import PayCycle
from tests.api import market
from tests.earners import before, earn, periods

if TYPE_CHECKING:
    from datetime import date

    from tests.api.house import House
    from tests.api.market import Market, Person

WEEKLY: Final = PayCycle.WEEKLY

PAYOUT: Final = """
  id cycle period amount { amountMinor currency formatted } lineCount status createdAt paidAt
  failedAt provider { id }
"""
RUN: Final = """mutation($input: RunPayrollInput!) { runPayroll(input: $input) {
  __typename
  ... on RunPayrollSuccess {
    run {
      id cycle period dueAt startedAt finishedAt totals { amountMinor currency }
      payouts { totalCount nodes { id } }
    }
    dryRun period dueAt paidCount carriedCount
    payouts(first: 10) {
      totalCount pageInfo { hasNextPage }
      nodes { provider { id } amount { amountMinor currency } lineCount carriedOver }
    }
  }
  ... on TooEarly { possibleFrom }
  ... on Problem { code message path }
} }"""
PAYOUTS: Final = f"""query(
  $status: PayoutStatus, $cycle: PayCycle, $period: LocalDate, $provider: ID
) {{
  payouts(status: $status, cycle: $cycle, period: $period, providerId: $provider) {{
    totalCount nodes {{ {PAYOUT} }}
  }}
}}"""


async def opened(home: House) -> tuple[Market, date]:
    """A market for providers of a test's own, and the latest week that is due."""
    (period,) = await periods(home.database, WEEKLY, count=1)
    return await market.opened(home, name="=Deep clean"), period


async def earner(shop: Market, period: date, *amounts: int, **columns: Any) -> Person:
    """Somebody who has earned that before the week was over."""
    one = await shop.provider(on_shift=False, **columns)
    await earn(shop.home.database, one.viewer, *amounts, at=before(WEEKLY, period))
    return one


async def run(home: House, **changes: Any) -> Any:
    """What comes of running the weekly payroll, by an admin."""
    return await home.act("Adam", RUN, input={"cycle": "WEEKLY"} | changes)


async def fail(home: House, payout: Any) -> None:
    """A gateway says no to a payout."""
    async with home.database.begin() as tx:
        taken = await payouts.take(tx, market.uid_of(payout))
    assert taken is not None
    async with home.database.begin() as tx:
        assert await payouts.give_up(tx, taken[0], failure="No such account.", refused=True)
