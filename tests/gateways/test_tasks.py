"""Does everything in the background end when it is told to?"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from gateways import tasks


async def deaf_once() -> None:
    """As whoever lost a cancellation on the way."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    await asyncio.sleep(3600)


async def fails() -> None:
    raise RuntimeError("This was to be expected.")


async def test_whoever_did_not_hear_it_is_told_again() -> None:
    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    await tasks.end(task)
    assert task.cancelled()


async def test_whoever_is_over_already_or_failed_holds_nobody() -> None:
    over, failed = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(fails())
    await asyncio.wait([over, failed])
    await tasks.end(over, failed)
    await tasks.end()
    assert not over.cancelled()
