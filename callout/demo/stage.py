"""What does every scenario of the demo need? People who sign in, and a server left as it was.

A play acts through the public API with real sockets. Whatever somebody sees that is not as it has
to be ends the play and is named.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

import httpx

from callout.client import Client, Hung, Refused, Unreachable
from callout.demo import script
from callout.demo.cast import Act, Deviation, Feed, Heard, Player
from callout.demo.timeline import Timeline
from db import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.people import Role

#: A minute's walk from the demo providers.
ADDRESS: Final = {
    "line1": "1 Trafalgar Square",
    "city": "London",
    "postalCode": "WC2N 5DN",
    "country": "GB",
    "point": {"latitude": 51.508, "longitude": -0.1281},
}


@dataclass(slots=True, kw_only=True)
class Stage(ABC):
    """Where a play is given."""

    #: What is said when all was as it has to be.
    verdict: ClassVar[str]

    client: Client
    timeline: Timeline
    sockets: AsyncExitStack
    #: Names what is ours, on a server where others may be at work too.
    tag: str = field(default_factory=lambda: f"Demo {secrets.token_hex(4)}")
    measured: dict[str, list[float]] = field(default_factory=dict)
    #: Everybody who has signed in.
    players: list[Player] = field(default_factory=list)
    #: The bookings that were made.
    bookings: list[str] = field(default_factory=list)

    @abstractmethod
    async def play(self) -> None:
        """The play, act by act. Raises Deviation, Refused, Unreachable or Hung."""

    @abstractmethod
    async def tidy(self) -> None:
        """Undo what the play has left, however far it came."""

    async def clear(self) -> None:
        """Leave the server as it was found, however the play went."""
        self.timeline.flush()
        await self.tidy()
        for player in self.players:
            await self.quietly(player, script.SIGN_OUT)

    async def sign_in(self, role: Role, place: int = 0) -> Player:
        """Let the demo account of a role enter; `place` counts those of the same role."""
        account = [one for one in seed.ACCOUNTS if one.role is role][place]
        player = Player(
            name=f"{account.given_name} {account.family_name}",
            role=account.role.lower(),
            client=self.client,
            timeline=self.timeline,
            sockets=self.sockets,
        )
        signed = await player.succeed(
            "sign in", script.SIGN_IN, email=account.email, password=seed.PASSWORD
        )
        self.measure("signing in", signed.ms)
        player.client = self.client.with_token(signed.answer["session"]["accessToken"])
        self.players.append(player)
        return player

    async def service(self, code: str) -> str:
        """The id of a service of the demo."""
        data = await self.client.ask(script.SERVICES)
        for service in data["services"]["nodes"]:
            if service["code"] == code:
                return str(service["id"])
        raise Deviation(f"There is no service {code}. Has the demo data been seeded?")

    async def quietly(self, player: Player, document: str, **given: Any) -> None:
        """Let somebody do what may not be possible, or not any more."""
        with suppress(Refused, Unreachable):
            await player.client.ask(document, input=given)

    async def hear(
        self,
        feed: Feed,
        kind: str,
        *early: str,
        after: Act,
        words: Callable[[Any], str] = lambda _: "",
    ) -> Heard:
        """An item of this kind. Those of the kinds `early` may come before it: they were on their
        way when somebody began to follow."""
        while True:
            heard = await feed.expect(kind, *early, after=after, words=words)
            if heard.kind == kind:
                return heard

    def measure(self, what: str, ms: float) -> None:
        """Note how long something took, for the table at the end."""
        self.measured.setdefault(what, []).append(ms)


def perform(url: str, play: type[Stage]) -> int:
    """Give a play on the server at `url`; the status to exit with."""
    timeline = Timeline()
    try:
        asyncio.run(_perform(url, play, timeline))
    except (Deviation, Refused, Unreachable, Hung) as error:
        timeline.verdict(f"Not as it should be: {error}", good=False)
        return 1
    return 0


async def _perform(url: str, play: type[Stage], timeline: Timeline) -> None:
    async with httpx.AsyncClient(timeout=30) as http, AsyncExitStack() as sockets:
        stage = play(client=Client(url, http), timeline=timeline, sockets=sockets)
        try:
            await stage.play()
        finally:
            await stage.clear()
        timeline.summary(stage.measured)
        timeline.verdict(f"As it should be: {stage.verdict}", good=True)
