"""Does `callout demo` play a booking's whole life on a real installation, and notice when it
cannot?"""

from __future__ import annotations

import asyncio
import sys

from callout.embedded import free_port
from callout.seeding import seed_demo
from db.engine import Database
from tests import invariants
from tests.installation import Installation


async def demo(base: str) -> tuple[int | None, str]:
    """The status and the output of `callout demo`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callout", "demo", "--url", base),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_demo_succeeds_time_after_time(callout: Installation, database: Database) -> None:
    callout.api().start()
    callout.worker().start()
    await seed_demo(database)
    await callout.answers(200)

    for _ in range(2):
        status, output = await demo(callout.base)
        assert (status, "one winner, nothing missed" in output) == (0, True), output
        assert output.count("OFFERED") == 6
        assert "Another provider has taken this booking." in output
    await invariants.check(database)


async def test_the_demo_names_what_deviates(callout: Installation) -> None:
    callout.api().start()
    await callout.answers(200)

    status, output = await demo(callout.base)
    assert status == 1
    assert "Dora Dispatcher could not sign in" in output


async def test_the_demo_says_when_nobody_answers() -> None:
    base = f"http://127.0.0.1:{free_port()}"
    status, output = await demo(base)
    assert status == 1
    assert f"{base} does not answer" in output
