"""How is work in the background ended, for certain?"""

from __future__ import annotations

import asyncio
from typing import Final

#: Seconds after which a task that was told to end is told again.
INSIST: Final = 0.2


async def end(*tasks: asyncio.Task[object]) -> None:
    """Cancel these tasks and wait until they are over, whatever came of them.

    Whoever did not hear it is told again: in Python 3.11 a cancellation gets lost where what
    asyncio.wait_for waits for, a new connection say, comes in the same moment.
    """
    going = set(tasks)
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=INSIST)
    await asyncio.gather(*tasks, return_exceptions=True)
