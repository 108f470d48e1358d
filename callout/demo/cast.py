"""Who plays in the demo, what can they do, and what must they hear?

A `Player` acts through the public API; a `Feed` is what one of them follows live. Both put all they
see on the timeline, and raise `Deviation` when it is not what it has to be.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from callout.client import Client, Hung, Refused
from callout.demo.timeline import Line

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from callout.client import Item, Socket, Stream
    from callout.demo.timeline import Timeline

#: Seconds that anything may take before it counts as not happening.
_PATIENCE: Final = 15.0


class Deviation(Exception):
    """Something was not as it has to be; the message says who saw what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act and its answer, with the times of both."""

    sent: float
    answered: float
    answer: dict[str, Any]

    @property
    def ms(self) -> float:
        """How long the answer took."""
        return (self.answered - self.sent) * 1000

    @property
    def kind(self) -> str:
        """The name of the answer's type: a success or a problem."""
        return str(self.answer["__typename"])


@dataclass(slots=True, kw_only=True)
class Player:
    """One person who plays."""

    name: str
    role: str
    client: Client
    timeline: Timeline
    #: Where sockets are opened, so that all are closed in the end.
    sockets: AsyncExitStack
    id: str = ""

    async def act(self, what: str, document: str, /, **given: Any) -> Act:
        """Do something through the API, whatever comes of it."""
        done = await self._send(what, document, {"input": given})
        told = "" if done.kind.endswith("Success") else f": {done.answer.get('message')}"
        self._note(done.answered, f"{what}{told}", f"{done.ms:.1f} ms")
        return done

    async def ask(
        self, what: str, document: str, words: Callable[[dict[str, Any]], str], **given: Any
    ) -> Act:
        """Ask something through the API; `words` says the answer for the timeline."""
        found = await self._send(what, document, given)
        self._note(found.answered, f"{what}: {words(found.answer)}", f"{found.ms:.1f} ms")
        return found

    async def _send(self, what: str, document: str, variables: dict[str, Any]) -> Act:
        sent = perf_counter()
        try:
            async with asyncio.timeout(_PATIENCE):
                data = await self.client.ask(document, **variables)
        except Refused as refused:
            raise Deviation(f"{self.name} could not {what}: {refused} {_hint(refused)}") from None
        except TimeoutError:
            raise Deviation(f"{self.name} got no answer in {_PATIENCE:g} s to: {what}") from None
        return Act(sent=sent, answered=perf_counter(), answer=next(iter(data.values())))

    async def succeed(self, what: str, document: str, /, **given: Any) -> Act:
        """Do something that has to succeed."""
        done = await self.act(what, document, **given)
        if not done.kind.endswith("Success"):
            message = f"{self.name} could not {what}: {done.kind}, {done.answer.get('message')}"
            raise Deviation(message)
        return done

    async def fail(self, what: str, kind: str, document: str, /, **given: Any) -> Act:
        """Do something that has to be refused with a problem of this kind."""
        done = await self.act(what, document, **given)
        if done.kind != kind:
            raise Deviation(f"{self.name} tried to {what} and got {done.kind}, not {kind}.")
        return done

    async def follow(
        self, topic: str, document: str, ours: Callable[[dict[str, Any]], bool], **given: Any
    ) -> Feed:
        """Begin to listen, on a socket of its own; `ours` tells which items are of the play."""
        socket, stream = await self._subscribe(document, given)
        return Feed(
            player=self,
            topic=topic,
            document=document,
            ours=ours,
            socket=socket,
            stream=stream,
        )

    async def resume(self, feed: Feed) -> None:
        """Go on listening after the last item that was heard."""
        self.note(f"is back, and resumes {feed.topic} after the last item")
        given = {"after": feed.cursors[-1]}
        feed.socket, feed.stream = await self._subscribe(feed.document, given)

    async def _subscribe(self, document: str, given: dict[str, Any]) -> tuple[Socket, Stream]:
        socket = await self.sockets.enter_async_context(self.client.socket())
        return socket, await socket.subscribe(document, **given)

    def note(self, what: str) -> None:
        """Put something on the timeline that is neither an act nor heard."""
        self._note(perf_counter(), what, "")

    def _note(self, at: float, what: str, took: str) -> None:
        line = Line(at=at, who=self.name, role=self.role, what=what, took=took)
        self.timeline.add(line)


@dataclass(slots=True, kw_only=True)
class Feed:
    """One person's view of one stream, across cuts and resumptions."""

    player: Player
    topic: str
    document: str
    ours: Callable[[dict[str, Any]], bool]
    socket: Socket
    stream: Stream
    cursors: list[str] = field(default_factory=list)

    async def expect(
        self,
        *kinds: str,
        after: Act,
        where: Callable[[Any], bool] = lambda _: True,
        words: Callable[[Any], str] = lambda _: "",
    ) -> Heard:
        """The next item of ours, which has to be one of these kinds; `after` is what caused it.

        Items that are not as `where` asks are passed over. `words` says it for the timeline.
        """
        heard = await self._hear(kinds, after, where)
        if heard.kind not in kinds:
            expected = " or ".join(kinds)
            raise Deviation(f"{self._name} said {heard.kind} where {expected} was due.")
        took = f"{heard.ms:+.1f} ms after the answer"
        line = Line(
            at=heard.arrived,
            who=self.player.name,
            role=self.player.role,
            what=f"{self.topic}: {heard.kind} {words(heard.content)}".rstrip(),
            took=took,
        )
        self.player.timeline.add(line)
        return heard

    def finish(self) -> None:
        """Check that nothing more of ours has come, and nothing twice."""
        while (item := self.stream.next_now()) is not None:
            heard = _heard(item)
            if self.ours(heard.content):
                raise Deviation(f"{self._name} said {heard.kind} although nothing more was due.")
        if len(set(self.cursors)) != len(self.cursors):
            raise Deviation(f"{self._name} said the same twice: {self.cursors}")

    async def _hear(
        self, kinds: tuple[str, ...], after: Act, where: Callable[[Any], bool]
    ) -> Heard:
        try:
            async with asyncio.timeout(_PATIENCE):
                while True:
                    heard = _heard(await self.stream.next(), after)
                    if self.ours(heard.content):
                        self.cursors.append(heard.cursor)
                        if where(heard.content):
                            return heard
        except TimeoutError:
            due = " or ".join(kinds)
            raise Deviation(f"{self._name} did not say {due} in {_PATIENCE:g} s.") from None
        except (Refused, Hung) as error:
            raise Deviation(f"{self._name} ended: {error}") from None

    @property
    def _name(self) -> str:
        return f"{self.player.name}'s {self.topic}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One item of a feed."""

    kind: str
    cursor: str
    content: dict[str, Any]
    arrived: float
    #: Milliseconds since the answer to the act that caused it; below zero, it was faster.
    ms: float


def _heard(item: Item, after: Act | None = None) -> Heard:
    content = next(iter(item.data.values()))
    return Heard(
        kind=content["type"] if "type" in content else content["presence"],
        cursor=content["cursor"],
        content=content,
        arrived=item.arrived,
        ms=(item.arrived - after.answered) * 1000 if after else 0.0,
    )


def _hint(refused: Refused) -> str:
    if refused.code != "RATE_LIMITED":
        return ""
    wait = (refused.errors[0].get("extensions") or {}).get("retryAfter")
    return f"Try again in {wait} s."
