"""Wait for what must become true, and fail if it does not: never for a time and a hope."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Return once `condition` holds; TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # what is waited for sets no asyncio.Event
            await asyncio.sleep(0.005)


async def comes_to(read: Callable[[], Awaitable[T]], wanted: T, *, seconds: float = 60) -> None:
    """Return once what is read is what is wanted; AssertionError with what it was when it never
    is."""
    found = await read()
    try:
        async with asyncio.timeout(seconds):
            while found != wanted:
                await asyncio.sleep(0.02)
                found = await read()
    except TimeoutError as error:
        message = f"{wanted} was waited for, and it stayed {found}"
        raise AssertionError(message) from error
