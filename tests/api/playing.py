"""How are a page's examples played, from the first to the last, and what has to be true of them?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from graphql import parse, validate

from api import documents
from api.limits import Limits
from api.schema import core, whole
from db.seed import ACCOUNTS
from tests.api.booking_docs import Differs, Example, Names
from tests.api.house import House, Stream

SCHEMA: Final = core(whole())
_LIMITS: Final = Limits(SCHEMA, introspection=frozenset())

#: Seconds for what follows by itself, such as a grant, to be seen.
_PATIENCE: Final = 20.0


async def play(home: House, given: dict[str, Any], examples: Sequence[Example]) -> None:
    """Send every document of a page, and check each answer against the one it shows."""
    names = Names(known=given)
    followed: list[tuple[Example, Stream]] = []
    async with AsyncExitStack() as streams:
        for example in examples:
            sent = names.fill(example.variables)
            if example.kind == "subscription":
                following = home.follow(example.who, example.document, **sent)
                followed.append((example, await streams.enter_async_context(following)))
            elif example.kind == "query":
                await _until_shown(home, names, example, sent)
            else:
                await _act(home, names, example, sent)
        for example, stream in followed:
            await _until_heard(names, example, stream)


async def _act(home: House, names: Names, example: Example, sent: dict[str, Any]) -> None:
    """Send a mutation; one with a key of its own twice, to be answered alike."""
    answer = await home.ask(example.who, example.document, **sent)
    _check(names, example, answer)
    if "idempotencyKey" in sent.get("input", {}):
        again = await home.ask(example.who, example.document, **sent)
        assert again["data"] == answer["data"], example.name


async def _until_shown(home: House, names: Names, example: Example, sent: dict[str, Any]) -> None:
    """Ask until the answer is the one that is shown: some things take a moment."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        answer = await home.ask(example.who, example.document, **sent)
        try:
            return _check(names, example, answer)
        except Differs:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.1)


def _check(names: Names, example: Example, answer: Any) -> None:
    assert "errors" not in answer, (example.name, answer)
    assert example.answer is not None, f"{example.name} shows no answer: {answer}"
    try:
        names.match(example.answer, answer["data"])
    except Differs as differs:
        raise Differs(f"{example.name}: {differs}") from None


async def _until_heard(names: Names, example: Example, stream: Stream) -> None:
    """Listen until what is shown is heard."""
    assert example.answer is not None, f"{example.name} shows nothing that is heard"
    heard = []
    async with asyncio.timeout(_PATIENCE):
        while True:
            heard.append(await stream.next())
            try:
                return names.match(example.answer, {stream.field: heard[-1]})
            except Differs:
                continue


def assert_fit(examples: Sequence[Example]) -> None:
    """Check that every document fits the schema, has a name of its own, and is sent by somebody who
    may send it."""
    accounts = {account.given_name: account.role for account in ACCOUNTS}
    assert len(examples) == len({example.name for example in examples})
    for example in examples:
        assert validate(SCHEMA, parse(example.document)) == [], example.name
        finding = _LIMITS.measure(
            documents.read(example.document),
            example.name,
            example.variables,
            accounts[example.who],
        )
        assert (list(finding.denials), finding.excess) == ([], None), example.name
