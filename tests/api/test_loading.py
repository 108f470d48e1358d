"""Can one field take from another what both wait for?"""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest
import strawberry

from api.loading import Loader
from api.plain import PlainFirst

Info = strawberry.Info[Loader[int, int], None]


@strawberry.type
class Thing:
    """Something with a field that is loaded."""

    @strawberry.field
    async def shared(self, info: Info) -> int:
        return await info.context.load(1)


@strawberry.type
class Broken(Thing):
    """The same, beside a field that fails while it is loaded."""

    @strawberry.field
    async def wrong(self) -> int:
        raise RuntimeError("wrong")


@strawberry.type
class Query:
    """The one and the other."""

    @strawberry.field
    async def good(self) -> Thing | None:
        return Thing()

    @strawberry.field
    async def bad(self) -> Broken | None:
        return Broken()


async def test_a_field_that_fails_leaves_the_others_what_they_wait_for() -> None:
    batches = []
    reading, go = asyncio.Event(), asyncio.Event()

    async def load(keys: list[int]) -> list[int]:
        batches.append(keys)
        reading.set()
        await go.wait()
        return keys

    schema = strawberry.Schema(query=Query, execution_context_class=PlainFirst)
    asking = asyncio.ensure_future(
        schema.execute("{ bad { shared wrong } good { shared } }", context_value=Loader(load))
    )
    await reading.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    go.set()
    answer = await asking
    assert answer.data == {"bad": None, "good": {"shared": 1}}
    assert [error.message for error in answer.errors or []] == ["wrong"]
    assert batches == [[1]]


async def test_what_nobody_waits_for_any_more_fails_in_silence() -> None:
    failed = asyncio.Event()

    async def load(_: list[int]) -> list[int]:
        await asyncio.sleep(0)
        failed.set()
        raise RuntimeError("away")

    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    waiting = asyncio.ensure_future(Loader(load).load(1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await failed.wait()
    with warnings.catch_warnings(record=True) as warned:
        await asyncio.sleep(0)
        gc.collect()
    assert (told, warned) == ([], [])


@pytest.mark.parametrize("steps", range(4))
async def test_what_is_asked_for_when_all_others_have_given_up_is_read(steps: int) -> None:
    async def load(keys: list[int]) -> list[int]:
        await asyncio.sleep(0)
        return keys

    loader = Loader(load)
    given_up = asyncio.ensure_future(loader.load(1))
    for _ in range(steps):
        await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert await loader.load(2) == 2
