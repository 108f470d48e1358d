"""Does one booking's whole life work, live, on a running server?

A customer, three providers and a dispatcher play it: booked, offered, won by one, worked on; and a
second one, called off.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from callout.demo import script
from callout.demo.cast import Act, Deviation, Feed, Player
from callout.demo.stage import ADDRESS, Stage
from domain.people import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The service they book: one that costs nothing, so that no payment is needed.
SERVICE: Final = "home-clean"


@dataclass(slots=True, kw_only=True)
class Life(Stage):
    """The booking's life, in three acts."""

    verdict: ClassVar[str] = "one winner, nothing missed, nothing heard twice."

    customer: Player = field(init=False)
    dispatcher: Player = field(init=False)
    providers: list[Player] = field(default_factory=list)
    queue: Feed = field(init=False)
    presence: Feed = field(init=False)
    offers: dict[str, Feed] = field(default_factory=dict)
    winner: Player | None = None

    async def play(self) -> None:
        """Book, win and work; then call a second one off."""
        await self.act_one()
        await self.act_two()
        await self.act_three()

    # Act one: everybody comes, the customer books, the offers go out.

    async def act_one(self) -> None:
        """Everybody signs in and the providers come on shift."""
        self.timeline.scene("Everybody signs in")
        await self._seat_the_dispatcher()
        self.customer = await self.sign_in(Role.CUSTOMER)
        for place in range(3):
            self.providers.append(await self.sign_in(Role.PROVIDER, place))
        self.timeline.scene("Three providers come on shift and listen for offers")
        for provider in self.providers:
            await self._come_on_shift(provider)

    async def _seat_the_dispatcher(self) -> None:
        self.dispatcher = await self.sign_in(Role.DISPATCHER)
        self.queue = await self.dispatcher.follow(
            "queue", script.QUEUE, lambda item: item["booking"]["id"] in self.bookings
        )
        self.presence = await self.dispatcher.follow(
            "presence",
            script.PRESENCE,
            lambda item: item["provider"]["id"] in {one.id for one in self.providers},
        )

    async def _come_on_shift(self, provider: Player) -> None:
        came = await provider.act("clock in", script.CLOCK_IN, place="At home")
        if came.kind not in {"ClockInSuccess", "AlreadyOnShift"}:
            raise Deviation(f"{provider.name} could not clock in: {came.answer['message']}")
        provider.id = came.answer["shift"]["provider"]["id"]
        if came.kind == "ClockInSuccess":
            await self._is_seen(provider, "ONLINE", came)
        await provider.succeed("send a heartbeat", script.HEARTBEAT)
        self.offers[provider.name] = await provider.follow("offers", script.OFFERS, self._is_ours)

    def _is_ours(self, item: dict[str, Any]) -> bool:
        return str(item["offer"]["work"]["concern"]) == self.tag

    # Act two: the booking is made, won, lost, and worked on.

    async def act_two(self) -> None:
        """A customer books; two providers want it; one does it."""
        self.timeline.scene("The customer books a home clean, now")
        made = await self._book()
        life = await self._follow_booking(made)
        put = await self._hear_offers(made, self.providers)
        *rivals, absent = self.providers
        self.timeline.scene(f"{absent.name} loses the network; the others accept at the same time")
        self.offers[absent.name].socket.cut()
        won = await self._race(rivals, put)
        await self._is_told(life, "ASSIGNED", "CONFIRMED", won)
        await absent.resume(self.offers[absent.name])
        await self.offers[absent.name].expect("RESCINDED", after=won)
        self.timeline.scene("The work is done")
        await self._work(life)
        life.finish()

    async def _book(self) -> Act:
        wanted = {
            "serviceId": await self.service(SERVICE),
            "kind": "IMMEDIATE",
            "address": ADDRESS,
            "concern": self.tag,
            "idempotencyKey": secrets.token_hex(8),
        }
        made = await self.customer.succeed("book", script.BOOK, **wanted)
        booking = made.answer["booking"]
        self.bookings.append(booking["id"])
        self.measure("booking", made.ms)
        again = await self.customer.succeed("book again by the same key", script.BOOK, **wanted)
        if again.answer["booking"]["id"] != booking["id"]:
            raise Deviation("The same idempotency key made a second booking.")
        await self._queue_says("REQUESTED", made, waiting=True)
        return made

    async def _follow_booking(self, made: Act) -> Feed:
        booking = made.answer["booking"]["id"]
        life = await self.customer.follow("booking", script.BOOKING, lambda _: True, id=booking)
        await life.expect("SNAPSHOT", after=made, words=_status)
        return life

    async def _hear_offers(self, made: Act, players: Sequence[Player]) -> dict[str, str]:
        """Everybody's offer; its id by name."""
        put = {}
        for player in players:
            heard = await self.offers[player.name].expect("OFFERED", after=made, words=_offer)
            self.measure("an offer reaching its provider", heard.ms)
            put[player.name] = heard.content["offer"]["id"]
        return put

    async def _race(self, rivals: Sequence[Player], put: dict[str, str]) -> Act:
        accepted = await asyncio.gather(
            *(one.act("accept", script.ACCEPT, offerId=put[one.name]) for one in rivals)
        )
        kinds = sorted(act.kind for act in accepted)
        if kinds != ["AcceptOfferSuccess", "OfferGone"]:
            raise Deviation(f"Two accepted at once and were answered {' and '.join(kinds)}.")
        results = zip(rivals, accepted, strict=True)
        (self.winner, won), (loser, lost) = sorted(results, key=lambda result: result[1].kind)
        if lost.answer["why"] != "TAKEN":
            raise Deviation(f"{loser.name} lost the race and was told {lost.answer['why']}.")
        self.measure("accepting", won.ms)
        await self.offers[self.winner.name].expect("ACCEPTED", after=won)
        told = await self.offers[loser.name].expect("RESCINDED", after=won)
        self.measure("a rival hearing of it", told.ms)
        await self._queue_says("ASSIGNED", won, waiting=False)
        return won

    async def _work(self, life: Feed) -> None:
        winner, [booking] = self._winner, self.bookings
        started = await winner.succeed("start", script.START, bookingId=booking)
        await self._is_told(life, "STARTED", "IN_PROGRESS", started)
        await self._is_seen(winner, "BUSY", started)
        done = await winner.succeed(
            "complete", script.COMPLETE, bookingId=booking, notes="Spotless"
        )
        await self._is_told(life, "COMPLETED", "COMPLETED", done)
        await self._is_seen(winner, "ONLINE", done)

    @property
    def _winner(self) -> Player:
        if self.winner is None:
            raise Deviation("Nobody has won the booking.")
        return self.winner

    # Act three: a second booking, called off. Who was away has missed nothing and hears nothing
    # twice; whoever was done early is free again.

    async def act_three(self) -> None:
        """The customer books once more and changes their mind; everybody goes home."""
        self.timeline.scene("The customer books once more; who is done early is free again")
        made = await self._book()
        await self._hear_offers(made, self.providers)
        self.timeline.scene("The customer calls it off, and everybody goes home")
        off = await self.customer.succeed(
            "cancel", script.CANCEL, bookingId=self.bookings[-1], reason="Another time"
        )
        for provider in self.providers:
            await self.offers[provider.name].expect("RESCINDED", after=off)
        await self._queue_says("CANCELLED", off, waiting=False)
        for provider in self.providers:
            left = await provider.succeed("clock out", script.CLOCK_OUT)
            await self._is_seen(provider, "OFFLINE", left)
        for feed in (self.queue, *self.offers.values()):
            feed.finish()

    async def tidy(self) -> None:
        """Call off or complete what was booked, and send everybody home."""
        for booking in self.bookings:
            await self.quietly(self.dispatcher, script.CANCEL, bookingId=booking)
            if self.winner is not None:
                await self.quietly(self.winner, script.COMPLETE, bookingId=booking)
        for provider in self.providers:
            await self.quietly(provider, script.CLOCK_OUT)

    # What everybody is told.

    async def _queue_says(self, kind: str, after: Act, *, waiting: bool) -> None:
        heard = await self.queue.expect(kind, after=after, words=_status)
        self.measure("the dispatcher's queue", heard.ms)
        if kind != "REQUESTED" and heard.content["waiting"] is not waiting:
            raise Deviation(f"The dispatcher's queue said {kind} with waiting={not waiting}.")

    async def _is_told(self, life: Feed, kind: str, status: str, after: Act) -> None:
        heard = await self.hear(life, kind, "REQUESTED", after=after, words=_status)
        if heard.content["booking"]["status"] != status:
            found = heard.content["booking"]["status"]
            raise Deviation(f"The customer heard {kind} with status {found}, not {status}.")
        self.measure("the customer's booking", heard.ms)

    async def _is_seen(self, provider: Player, presence: str, after: Act) -> None:
        heard = await self.presence.expect(
            presence,
            after=after,
            where=lambda item: item["provider"]["id"] == provider.id,
            words=lambda _: provider.name,
        )
        self.measure("a provider's presence", heard.ms)


def _status(item: dict[str, Any]) -> str:
    return f"(now {item['booking']['status']})"


def _offer(item: dict[str, Any]) -> str:
    offer = item["offer"]
    reasons = ", ".join(offer["reasons"])
    return f"score {offer['score']} ({offer['priority']}): {reasons}"
