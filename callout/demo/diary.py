"""What do people do about a provider's time, and what has to come of it?

The moves that the scheduling play is made of. Times are shown on the provider's own wall clock,
which dates the work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from callout.demo import script
from callout.demo.cast import Act, Deviation, Feed, Player
from callout.demo.stage import ADDRESS, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The service they want: one that has a price, so that calling it off late has one too.
SERVICE: Final = "oven-clean"
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)

_PLACE: Final = {name: ADDRESS[name] for name in ("postalCode", "country", "city", "point")}
#: What was on its way when somebody began to follow a new booking.
_EARLY: Final = ("REQUESTED", "ASSIGNED")


@dataclass(slots=True, kw_only=True)
class Diary(Stage):
    """One provider's time, and who wants it."""

    customer: Player = field(init=False)
    #: Another customer, who wants the same.
    rival: Player = field(init=False)
    provider: Player = field(init=False)
    dispatcher: Player = field(init=False)
    zone: ZoneInfo = field(init=False)
    service_id: str = ""
    holds: list[str] = field(default_factory=list)
    series: list[str] = field(default_factory=list)
    #: The rival's places in the waitlist.
    entries: list[str] = field(default_factory=list)

    async def tidy(self) -> None:
        """Give back every place, slot and booking that was not given back yet."""
        for entry in self.entries:
            await self.quietly(self.rival, script.LEAVE, entryId=entry)
        for hold in self.holds:
            await self.quietly(self.customer, script.RELEASE, holdId=hold)
        for series in self.series:
            ended = {"seriesId": series, "cancelUpcoming": True}
            await self.quietly(self.dispatcher, script.END_SERIES, **ended)
        for booking in self.bookings:
            await self.quietly(self.dispatcher, script.CANCEL, bookingId=booking)

    # Looking.

    async def slots(
        self, by: Player, first: datetime, last: datetime, *, anyone: bool = False
    ) -> list[datetime]:
        """The first free starts between two instants, of the provider or of anyone."""
        asked = await self._search(
            by,
            "look for free starts",
            first,
            last,
            lambda answer: _list(_starts(answer), self._zone(answer)),
            provider_id=None if anyone else self.provider.id,
        )
        return _starts(asked)

    async def first_slot(
        self, by: Player, first: datetime, last: datetime, **who: bool
    ) -> datetime:
        """The first free start between two instants."""
        found = await self.slots(by, first, last, **who)
        if not found:
            raise Deviation("Nothing is free in the hours to come; the diaries are full.")
        return found[0]

    async def is_free(self, by: Player, start: datetime, *, free: bool) -> None:
        """Check that the provider can be booked for a start, or cannot."""
        found = await self._search(
            by,
            f"look at {self.shown(start)}",
            start,
            start,
            lambda answer: "free" if _starts(answer) else "taken",
            provider_id=self.provider.id,
        )
        if _starts(found) != ([start] if free else []):
            is_, said = ("free", "taken") if free else ("taken", "free")
            raise Deviation(f"{self.shown(start)} is {is_}, and {by.name} reads that it is {said}.")

    async def _search(
        self,
        by: Player,
        what: str,
        first: datetime,
        last: datetime,
        words: Callable[[dict[str, Any]], str],
        *,
        provider_id: str | None,
    ) -> dict[str, Any]:
        found = await by.ask(
            what,
            script.SLOTS,
            words,
            serviceId=self.service_id,
            place=_PLACE,
            providerId=provider_id,
            **{"from": first.isoformat(), "to": last.isoformat()},
        )
        self.measure("finding slots", found.ms)
        return found.answer

    async def choose(self, start: datetime) -> None:
        """Find the provider among those who could come, and whose clock counts."""
        choice = await self.customer.ask(
            "who could come then",
            script.PROVIDERS,
            _who,
            serviceId=self.service_id,
            place=_PLACE,
            startsAt=start.isoformat(),
        )
        self.measure("finding providers", choice.ms)
        given_name, family_name = self.provider.name.split()
        name = f"{given_name} {family_name[0]}."
        theirs = [one["provider"] for one in choice.answer["providers"]]
        chosen = next((one for one in theirs if one["name"] == name), None)
        if chosen is None:
            raise Deviation(f"{name} is not among those who could come.")
        self.provider.id, self.zone = chosen["id"], ZoneInfo(chosen["timeZone"])

    # Booking.

    def wish(self, start: datetime) -> dict[str, Any]:
        """The provider's time from `start` on, as `holdSlot` and `createBooking` take it."""
        return {
            "serviceId": self.service_id,
            "address": ADDRESS,
            "providerId": self.provider.id,
            "startsAt": start.isoformat(),
        }

    async def hold(self, start: datetime) -> str:
        """The customer has the slot kept for them; the hold."""
        held = await self.customer.succeed("hold it", script.HOLD, **self.wish(start))
        hold = held.answer["hold"]
        self.holds.append(hold["id"])
        self.measure("holding", held.ms)
        self.is_ours("hold", hold, start)
        kept = (_at(hold["expiresAt"]) - _at(hold["createdAt"])) // timedelta(minutes=1)
        self.customer.note(f"has {kept} minutes to check out")
        return str(hold["id"])

    async def book(self, by: Player, start: datetime, **more: Any) -> Act:
        """Somebody books the provider's time."""
        made = await by.succeed(
            f"book {self.shown(start)}",
            script.BOOK,
            **self.wish(start),
            kind="SCHEDULED",
            concern=self.tag,
            **more,
        )
        booking = made.answer["booking"]
        self.bookings.append(booking["id"])
        self.measure("booking", made.ms)
        self.is_ours("booking", booking, start)
        return made

    def is_ours(self, what: str, found: dict[str, Any], start: datetime) -> None:
        """Check that a hold or booking is of this provider's time."""
        if (_at(found["startsAt"]), found["provider"]) != (start, {"id": self.provider.id}):
            raise Deviation(f"The {what} is of other time than was asked for: {found}")

    async def order(self, first: datetime, visits: int, kind: str, **more: Any) -> Act:
        """The customer orders a visit every week from a wall time on; what has to come of it."""
        made = await self.customer.act(
            f"order {visits} weeks from {first:%a %d %b %H:%M}",
            script.ORDER,
            serviceId=self.service_id,
            timeZone=self.zone.key,
            firstLocalStart=first.isoformat(),
            rrule=f"FREQ=WEEKLY;COUNT={visits}",
            address=ADDRESS,
            providerId=self.provider.id,
            concern=self.tag,
            **more,
        )
        if made.kind == "CreateBookingSeriesSuccess":
            self.series.append(made.answer["series"]["id"])
        if made.kind != kind:
            raise Deviation(f"{self.customer.name} ordered a series and got {made.kind}.")
        return made

    # Hearing.

    async def follow(self, player: Player, made: Act) -> Feed:
        """Somebody follows a booking, from how it stands."""
        booking = made.answer["booking"]["id"]
        feed = await player.follow("booking", script.BOOKING, lambda _: True, id=booking)
        await feed.expect("SNAPSHOT", after=made, words=_status)
        return feed

    async def are_told(self, feeds: Sequence[Feed], kind: str, after: Act) -> None:
        """Check that everybody who follows the booking hears of it."""
        for feed in feeds:
            heard = await self.hear(feed, kind, *_EARLY, after=after, words=_status)
            self.measure("hearing of it", heard.ms)

    # The wall clock.

    def instant(self, local: datetime) -> datetime:
        """When the provider's clock shows this."""
        return local.replace(tzinfo=self.zone).astimezone(UTC)

    def local(self, at: datetime) -> datetime:
        """What the provider's clock shows then."""
        return at.astimezone(self.zone).replace(tzinfo=None)

    def shown(self, *times: datetime) -> str:
        """Instants as people of the place say them."""
        return _list(times, self.zone)

    def _zone(self, answer: dict[str, Any]) -> ZoneInfo:
        return ZoneInfo(answer["slots"][0]["timeZone"]) if answer["slots"] else ZoneInfo("UTC")


def soon(hours: float) -> datetime:
    """An instant so many hours from now."""
    return datetime.now(UTC) + hours * HOUR


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _starts(answer: dict[str, Any]) -> list[datetime]:
    return [_at(slot["startsAt"]) for slot in answer["slots"]]


def _list(times: Sequence[datetime], zone: ZoneInfo) -> str:
    """ "Sat 21 Nov 19:00, 19:15": the day once, and again where it is another one."""
    said, day = [], ""
    for time in times:
        there = time.astimezone(zone)
        same, day = f"{there:%a %d %b}" == day, f"{there:%a %d %b}"
        said.append(f"{there:%H:%M}" if same else f"{day} {there:%H:%M}")
    return ", ".join(said) or "none"


def _who(answer: dict[str, Any]) -> str:
    return ", ".join(
        f"{one['provider']['name']} ({one['distanceMiles']} mi)"
        for one in answer["providers"]
        if one["isFree"]
    )


def _status(item: dict[str, Any]) -> str:
    return f"(now {item['booking']['status']})"
