"""Wait for what must become true, and fail if it does not: never for a time and a hope."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Return once `condition` holds; TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for sets no asyncio.Event
            await asyncio.sleep(0.005)
