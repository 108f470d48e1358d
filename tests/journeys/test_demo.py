"""Does `callout demo` play its scenarios on a real installation, and notice when it cannot?"""

from __future__ import annotations

import asyncio
import sys

from sqlalchemy import func, select, update

from callout.demo import Scenario
from callout.embedded import free_port
from callout.seeding import seed_demo
from db import seed
from db.engine import Database
from db.tables import bookings, holds, series, services, waitlist_entries
from domain.booking_steps import UNFINISHED
from tests import invariants
from tests.installation import Installation


async def demo(base: str, scenario: Scenario = Scenario.LIFE) -> tuple[int | None, str]:
    """The status and the output of `callout demo`."""
    named = () if scenario is Scenario.LIFE else ("--scenario", scenario)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callout", "demo", "--url", base, *named),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def left_behind(database: Database) -> dict[str, int]:
    """How much there is that a play has to end before it is over."""
    unfinished = bookings.c.status.in_(sorted(UNFINISHED))
    open_ = {
        "bookings": select(func.count()).where(unfinished),
        "holds": select(func.count()).where(holds.c.ended_at.is_(None)),
        "series": select(func.count()).where(series.c.ended_at.is_(None)),
        "in line": select(func.count()).where(
            waitlist_entries.c.hold_id.is_(None), waitlist_entries.c.left_at.is_(None)
        ),
    }
    async with database.read() as connection:
        return {what: await connection.scalar(query) or 0 for what, query in open_.items()}


async def price_ovens(database: Database, minor: int) -> None:
    """Let cleaning one cost this."""
    oven = update(services).where(services.c.id == seed.service_id("oven-clean"))
    async with database.begin() as tx:
        await tx.execute(oven.values(price_minor=minor))


NOTHING = {"bookings": 0, "holds": 0, "series": 0, "in line": 0}


async def test_the_life_of_a_booking_is_played_time_after_time(
    callout: Installation, database: Database
) -> None:
    callout.api().start()
    callout.worker().start()
    await seed_demo(database)
    await callout.answers(200)

    for _ in range(2):
        status, output = await demo(callout.base)
        assert (status, "one winner, nothing missed" in output) == (0, True), output
        assert output.count("OFFERED") == 6
        assert "Another provider has taken this booking." in output
    assert await left_behind(database) == NOTHING
    await invariants.check(database)


async def test_scheduling_is_played_and_leaves_nothing_behind_wherever_it_ends(
    callout: Installation, database: Database
) -> None:
    callout.api().start()
    callout.worker().start()
    await seed_demo(database)
    await callout.answers(200)

    # With another fee than it has to be the play ends in the middle.
    await price_ovens(database, 5000)
    status, output = await demo(callout.base, Scenario.SCHEDULING)
    assert (status, "Within a day half of the price is due" in output) == (1, True), output
    assert await left_behind(database) == NOTHING

    await price_ovens(database, 6500)
    status, output = await demo(callout.base, Scenario.SCHEDULING)
    assert (status, "who waited was served" in output) == (0, True), output
    assert (output.count("  BOOKED"), output.count("CONFLICT: SLOT_TAKEN, free at")) == (7, 1)
    assert [output.count(kind) for kind in ("RESCHEDULED", "GRANTED (", "TAKEN (")] == [2, 1, 1]
    assert "£32.50, 50 % of the price" in output
    assert await left_behind(database) == NOTHING
    await invariants.check(database)


async def test_the_demo_names_what_deviates(callout: Installation) -> None:
    callout.api().start()
    await callout.answers(200)

    status, output = await demo(callout.base)
    assert status == 1
    assert "Dora Dispatcher could not sign in" in output


async def test_the_demo_says_when_nobody_answers() -> None:
    base = f"http://127.0.0.1:{free_port()}"
    for scenario in Scenario:
        status, output = await demo(base, scenario)
        assert status == 1
        assert f"{base} does not answer" in output


async def test_a_scenario_that_is_not_there_is_refused_with_those_that_are() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callout", "demo", "--scenario", "romance"),
        stderr=asyncio.subprocess.PIPE,
        env={"COLUMNS": "200"},
    )
    _, output = await process.communicate()
    assert process.returncode == 2
    assert "'romance' is not one of 'life', 'scheduling'" in output.decode()


async def test_money_is_played_time_after_time(callout: Installation, database: Database) -> None:
    callout.api().start()
    for queue in ("critical", "slow"):
        callout.worker(queue).start()
    await seed_demo(database)
    await callout.answers(200)

    for said in ("EARNING     1  £52.00", "was paid for this period before"):
        status, output = await demo(callout.base, Scenario.MONEY)
        assert (status, "each line paid out once" in output) == (0, True), output
        assert said in output
    assert await left_behind(database) == NOTHING
    await invariants.check(database)
