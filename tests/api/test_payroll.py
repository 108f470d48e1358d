"""Running payroll through the public door, for real and as a rehearsal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import pytest

from api import ids
from db.engine import Database
from db.tables import payout_lines, payouts, payroll_runs
from domain.payroll import due_at, following
from gateways.settings import Settings
from tests.api import house, payday
from tests.api.house import House
from tests.api.market import Person, wire
from tests.api.payday import WEEKLY, opened
from tests.earners import ZONE, check, earn
from tests.factories import count_rows, now

RUNS: Final = """query($cycle: PayCycle) { payrollRuns(cycle: $cycle, first: 10) {
  totalCount nodes {
    id cycle period dueAt startedAt finishedAt totals { amountMinor currency }
    payouts { totalCount nodes { amount { amountMinor } } }
  }
} }"""
ASKED_BY: Final = "query($id: ID!) { node(id: $id) { ... on PayrollRun { id askedBy { id } } } }"
PAGES: Final = """mutation($first: Int, $after: String, $last: Int, $before: String) {
  runPayroll(input: { cycle: WEEKLY, dryRun: true }) { ... on RunPayrollSuccess {
    payouts(first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { amount { amountMinor } } } pageInfo { hasNextPage hasPreviousPage }
    }
  } }
}"""


@pytest.fixture
async def home(settings: Settings, database: Database) -> AsyncIterator[House]:
    async with house.running(settings, database) as opened:
        yield opened
        await check(database)


def entries(answer: Any) -> dict[str, tuple[int, int, bool]]:
    return {
        one["provider"]["id"]: (
            one["amount"]["amountMinor"],
            one["lineCount"],
            one["carriedOver"],
        )
        for one in answer["payouts"]["nodes"]
    }


async def test_an_admin_rehearses_it_and_then_runs_it(home: House) -> None:
    shop, period = await opened(home)
    rich = await payday.earner(shop, period, 3000, 3000)
    poor = await payday.earner(shop, period, 4999)
    owing = await payday.earner(shop, period, -1200)
    expected = {
        rich.id: (6000, 2, False),
        poor.id: (4999, 1, True),
        owing.id: (-1200, 1, True),
    }
    due = wire(due_at(WEEKLY, period, ZONE))
    tables = (payroll_runs, payouts, payout_lines)

    said = await payday.run(home, dryRun=True)

    assert await count_rows(home.database, *tables) == (0, 0, 0)
    assert (said["dryRun"], said["run"]) == (True, None)
    assert entries(said) == expected
    assert (said["period"], said["dueAt"]) == (period.isoformat(), due)
    assert (said["paidCount"], said["carriedCount"], said["payouts"]["totalCount"]) == (1, 2, 3)

    done = await payday.run(home)

    assert done["dryRun"] is False
    assert entries(done) == expected
    run = done["run"]
    assert (run["cycle"], run["period"], run["dueAt"]) == ("WEEKLY", period.isoformat(), due)
    assert run["startedAt"] <= run["finishedAt"]
    assert run["totals"] == [{"amountMinor": 6000, "currency": "GBP"}]
    assert run["payouts"]["totalCount"] == 1

    again = await payday.run(home, period=period.isoformat())
    assert again["run"] == run
    assert entries(again) == {uid: one for uid, one in expected.items() if one[2]}
    adam = (await home.act("Adam", "{ me { id } }"))["id"]
    asked = await home.act("Dora", ASKED_BY, id=run["id"])
    assert asked == {"id": run["id"], "askedBy": {"id": adam}}


async def test_what_is_not_due_can_be_paid_early(home: House) -> None:
    shop, period = await opened(home)
    one = await shop.provider(on_shift=False)
    await earn(home.database, one.viewer, 6000, at=await now(home.database))
    said = await payday.run(home, early=True)
    assert said["run"]["period"] == following(WEEKLY, period).isoformat()
    assert entries(said) == {one.id: (6000, 1, False)}
    assert await count_rows(home.database, payroll_runs) == (1,)


async def test_what_is_not_due_is_rehearsed_and_not_run(home: House) -> None:
    shop, period = await opened(home)
    one = await shop.provider(on_shift=False)
    await earn(home.database, one.viewer, 6000, at=await now(home.database))
    coming = following(WEEKLY, period)
    said = await payday.run(home, period=coming.isoformat(), dryRun=True)
    assert entries(said) == {one.id: (6000, 1, False)}
    refused = await payday.run(home, period=coming.isoformat())
    assert (refused["__typename"], refused["code"]) == ("TooEarly", "TOO_EARLY")
    assert refused["possibleFrom"] == wire(due_at(WEEKLY, coming, ZONE))
    wrong = await payday.run(home, period=(period + timedelta(days=1)).isoformat())
    assert (wrong["code"], wrong["path"]) == ("INVALID_INPUT", ["period"])
    assert wrong["message"] == "period: Name a Monday, from 1970-01-01 on."
    assert await count_rows(home.database, payroll_runs) == (0,)


async def test_everybody_is_paged(home: House) -> None:
    shop, period = await opened(home)
    made = [await payday.earner(shop, period, minor) for minor in (6000, 100, 7000, 200)]
    by_id = sorted(zip(made, (6000, 100, 7000, 200), strict=True), key=lambda one: one[0].uid)
    expected = [minor for _, minor in by_id]

    async def page(**asked: Any) -> tuple[list[int], list[str], Any]:
        found = (await home.act("Adam", PAGES, **asked))["payouts"]
        edges = found["edges"]
        amounts = [edge["node"]["amount"]["amountMinor"] for edge in edges]
        return amounts, [edge["cursor"] for edge in edges], tuple(found["pageInfo"].values())

    amounts, cursors, more = await page(first=3)
    assert (amounts, more) == (expected[:3], (True, False))
    amounts, _, more = await page(first=3, after=cursors[-1])
    assert (amounts, more) == (expected[3:], (False, True))
    amounts, _, more = await page(last=2, before=cursors[2])
    assert (amounts, more) == (expected[:2], (True, False))
    amounts, _, more = await page(last=2)
    assert (amounts, more) == (expected[2:], (False, True))
    answer = await home.ask("Adam", PAGES, first=101)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_staff_and_analysts_read_the_runs_and_nobody_else(home: House) -> None:
    shop, period = await opened(home)
    one = await payday.earner(shop, period, 6000)
    run = (await payday.run(home))["run"]
    await payday.run(home, cycle="MONTHLY")
    for who in ("Adam", "Dora", "Anna"):
        runs = await home.act(who, RUNS)
        assert [node["cycle"] for node in runs["nodes"]] == ["MONTHLY", "WEEKLY"]
        weekly = await home.act(who, RUNS, cycle="WEEKLY")
        (node,) = weekly["nodes"]
        assert (weekly["totalCount"], node["id"]) == (1, run["id"])
        assert node["payouts"]["nodes"] == [{"amount": {"amountMinor": 6000}}]
        found = await home.act(who, "query($id: ID!) { node(id: $id) { id } }", id=run["id"])
        assert found == {"id": run["id"]}
    for who in ("Carla", one.name):
        answer = await home.ask(who, RUNS)
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert await home.act(who, "query($id: ID!) { node(id: $id) { id } }", id=run["id"]) is None
    answer = await home.ask("Anna", ASKED_BY, id=run["id"])
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    gone = ids.encode("PayrollRun", uuid4())
    assert await home.act("Dora", ASKED_BY, id=gone) is None


async def test_only_admins_run_it(home: House) -> None:
    shop, period = await opened(home)
    one: Person = await payday.earner(shop, period, 6000)
    for who in ("Dora", "Anna", "Carla", one.name):
        for rehearsed in (True, False):
            asked = {"cycle": "WEEKLY", "dryRun": rehearsed}
            answer = await home.ask(who, payday.RUN, input=asked)
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await count_rows(home.database, payroll_runs, payouts) == (0, 0)
