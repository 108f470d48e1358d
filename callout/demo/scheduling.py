"""Does everything about times work, live, on a running server?

Two customers want the same provider. One finds a slot, holds, books and moves it, orders a weekly
visit and calls off for a fee; the other comes too late, waits in line, and gets what becomes free.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from callout.demo import script
from callout.demo.cast import Act, Deviation, Feed
from callout.demo.diary import HOUR, SERVICE, WEEK, Diary, soon
from domain.people import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Half of the price falls due from a day before the start until two hours before it.
_FEE: Final = {"amountMinor": 3250, "formatted": "£32.50"}
_VISITS: Final = 8


@dataclass(slots=True, kw_only=True)
class Scheduling(Diary):
    """One provider's diary, in five acts."""

    verdict: ClassVar[str] = "no time taken twice, no fee a surprise, and who waited was served."

    async def play(self) -> None:
        """Book, move, repeat, call off, and take what was called off."""
        await self.act_one()
        start = await self.first_slot(self.customer, soon(3), soon(12))
        booked = await self.act_two(start)
        booking = booked.answer["booking"]["id"]
        feeds = [await self.follow(one, booked) for one in (self.customer, self.provider)]
        moved_to = await self.act_three(booking, start, feeds)
        await self.act_four()
        await self.act_five(booking, moved_to, feeds)

    async def act_one(self) -> None:
        """Everybody signs in; the customer looks for somebody."""
        self.timeline.scene("Everybody signs in")
        self.dispatcher = await self.sign_in(Role.DISPATCHER)
        self.customer = await self.sign_in(Role.CUSTOMER)
        self.rival = await self.sign_in(Role.CUSTOMER, 1)
        self.provider = await self.sign_in(Role.PROVIDER)
        self.service_id = await self.service(SERVICE)
        self.timeline.scene("A customer looks for a time, and for somebody who could come")
        await self.choose(await self.first_slot(self.customer, soon(3), soon(12), anyone=True))
        self.timeline.scene(f"They choose {self.provider.name}")

    async def act_two(self, start: datetime) -> Act:
        """The customer holds a slot and books it; the rival is too late."""
        hold = await self.hold(start)
        await self.is_free(self.rival, start, free=False)
        self.timeline.scene("They book what they hold; another customer is too late")
        booked = await self.book(self.customer, start, holdId=hold)
        late = await self.rival.fail(
            "book the same", "SlotTaken", script.BOOK, **self.wish(start), kind="SCHEDULED"
        )
        others = [datetime.fromisoformat(one) for one in late.answer["alternatives"]]
        self.rival.note(f"could have {self.shown(*others)} instead")
        if not others:
            raise Deviation("Who is too late is offered nothing else.")
        if found := set(others) - set(await self.slots(self.rival, others[0], others[-1])):
            raise Deviation(f"Who is too late is offered {found}, which is not free.")
        return booked

    async def act_three(self, booking: str, old: datetime, feeds: Sequence[Feed]) -> datetime:
        """The customer moves the booking, and its old time is free again. Where to."""
        self.timeline.scene("They would rather have it later")
        later = await self.first_slot(self.customer, old + 4 * HOUR, soon(23))
        moved = await self.customer.succeed(
            f"move it to {self.shown(later)}",
            script.MOVE,
            bookingId=booking,
            startsAt=later.isoformat(),
        )
        self.measure("moving", moved.ms)
        self.is_ours("moved booking", moved.answer["booking"], later)
        await self.are_told(feeds, "RESCHEDULED", moved)
        await self.is_free(self.rival, old, free=True)
        return later

    # Act four: a weekly visit, whose third time is somebody else's.

    async def act_four(self) -> None:
        """The customer orders a series: refused as a whole, then made in part; one is skipped."""
        self.timeline.scene("They want somebody every week at nine; the other has the third one")
        first = await self._quiet_day()
        third = first + 2 * WEEK
        await self.book(self.rival, self.instant(third))
        refused = await self.order(first, _VISITS, "SeriesConflicts")
        self._check(refused, first, made=False)
        await self.is_free(self.customer, self.instant(first), free=True)
        made = await self.order(first, _VISITS, "CreateBookingSeriesSuccess", allowPartial=True)
        self.measure("a series of eight", made.ms)
        self._check(made, first, made=True)
        self._show(made)
        self.timeline.scene("They skip one, and end the series")
        series = self.series[-1]
        await self._skip(series, first + WEEK)
        await self._end(series, made, first + WEEK)

    async def _quiet_day(self) -> datetime:
        """Nine o'clock on a day of next week that suits, now and two weeks later."""
        nine = self.local(soon(0)).replace(hour=9, minute=0, second=0, microsecond=0)
        for days in range(2, 9):
            first = nine + timedelta(days=days)
            wanted = [self.instant(first), self.instant(first + 2 * WEEK)]
            found = [await self.slots(self.customer, one, one) for one in wanted]
            if found == [[one] for one in wanted]:
                return first
        raise Deviation(f"{self.provider.name} is busy every day at nine.")

    def _check(self, act: Act, first: datetime, *, made: bool) -> None:
        """Every visit is reported, at nine whatever the clocks do, and the third one in conflict;
        of a refused series none has a booking."""
        report = act.answer["report"]
        wanted = [first + n * WEEK for n in range(_VISITS)]
        starts = [datetime.fromisoformat(line["originalStart"]) for line in report]
        shown = [self.local(datetime.fromisoformat(line["startsAt"])) for line in report]
        if not starts == shown == wanted:
            raise Deviation(f"Asked for {wanted}, the report speaks of {starts} at {shown}.")
        third = report[2]["conflict"]
        if third is None or (third["code"], bool(third["alternatives"])) != ("SLOT_TAKEN", True):
            raise Deviation(f"The third visit was somebody else's, and the report says {third}.")
        for line in report:
            if bool(line["booking"]) is not (made and line["outcome"] == "BOOKED"):
                raise Deviation(f"This visit is not as reported: {line}")
        if report[0]["conflict"] is not None:
            raise Deviation(f"The first visit was free, and the report says {report[0]}.")

    def _show(self, made: Act) -> None:
        self.timeline.report(self._row(line) for line in made.answer["report"])

    def _row(self, line: dict[str, Any]) -> str:
        local = datetime.fromisoformat(line["startsAt"]).astimezone(self.zone)
        row = f"{local:%a %d %b %H:%M %Z}  {line['outcome']}"
        if line["conflict"] is None:
            return row
        others = [datetime.fromisoformat(one) for one in line["conflict"]["alternatives"]]
        return f"{row}: {line['conflict']['code']}, free at {self.shown(*others)}"

    async def _skip(self, series: str, start: datetime) -> None:
        skipped = await self.customer.succeed(
            f"skip {start:%a %d %b}",
            script.SKIP,
            seriesId=series,
            originalStart=start.isoformat(),
        )
        visits = skipped.answer["series"]["occurrences"]["nodes"]
        found = [one for one in visits if one["state"] == "SKIPPED"]
        starts = [datetime.fromisoformat(one["originalStart"]) for one in found]
        if starts != [start] or len(visits) != _VISITS:
            raise Deviation(f"One of {_VISITS} visits was skipped; left are {visits}.")

    async def _end(self, series: str, made: Act, skipped: datetime) -> None:
        """End it and call off what lies ahead: more than a day before, that costs nothing."""
        ended = await self.customer.succeed(
            "end it and call off the rest",
            script.END_SERIES,
            seriesId=series,
            cancelUpcoming=True,
        )
        booked = [one["originalStart"] for one in made.answer["report"] if one["booking"]]
        left = [one for one in booked if datetime.fromisoformat(one) != skipped]
        called_off = [one["originalStart"] for one in ended.answer["report"]]
        outcomes = {one["outcome"] for one in ended.answer["report"]}
        if (called_off, outcomes) != (left, {"CALLED_OFF"}):
            raise Deviation(f"Of {left} the end of the series called off {called_off}.")

    # Act five: called off for a fee, and passed on to who waited.

    async def act_five(self, booking: str, start: datetime, feeds: Sequence[Feed]) -> None:
        """The rival waits for the time; the customer calls it off; the rival is given it."""
        self.timeline.scene("The other customer waits for that very time")
        line = await self.rival.follow("waitlist", script.WAITLIST, self._is_ours)
        wish = self.wish(start)
        wish |= {"earliest": start.isoformat(), "latest": wish.pop("startsAt")}
        joined = await self.rival.succeed("join the waitlist", script.WAIT, **wish)
        self.entries.append(joined.answer["entry"]["id"])
        await line.expect("JOINED", after=joined, words=_state)
        self.timeline.scene("The first one calls it off, for the fee that they were quoted")
        off = await self._call_off(booking)
        await self.are_told(feeds, "CANCELLED", off)
        granted = await line.expect("GRANTED", after=off, words=_state)
        self.measure("the freed slot reaching who waits", granted.ms)
        grant = granted.content["entry"]["grant"]
        self.is_ours("grant", grant, start)
        await self.is_free(self.customer, start, free=False)
        self.timeline.scene("Who waited books what is kept for them; the house calls that off")
        taken = await self.book(self.rival, start, holdId=grant["id"])
        await line.expect("TAKEN", after=taken, words=_state)
        await self._by_the_house(taken.answer["booking"]["id"])
        for feed in (line, *feeds):
            feed.finish()

    def _is_ours(self, item: dict[str, Any]) -> bool:
        return item["entry"]["id"] in self.entries

    async def _call_off(self, booking: str) -> Act:
        quote = await self.customer.ask("what would it cost", script.QUOTE, _quoted, id=booking)
        if (quote.answer["percent"], quote.answer["fee"]) != (50, _FEE):
            raise Deviation(f"Within a day half of the price is due, not {quote.answer}.")
        other = await self.customer.fail(
            "call off for nothing", "FeeChanged", script.CANCEL, bookingId=booking
        )
        off = await self.customer.succeed(
            f"call off for {_FEE['formatted']}",
            script.CANCEL,
            bookingId=booking,
            expectedFeeMinor=other.answer["quote"]["fee"]["amountMinor"],
        )
        self.measure("calling off", off.ms)
        if off.answer["booking"] != {"status": "CANCELLED", "fee": _FEE}:
            raise Deviation(f"Called off, the booking is {off.answer['booking']}.")
        return off

    async def _by_the_house(self, booking: str) -> None:
        """What costs a customer half costs nothing when the house does it."""
        theirs = await self.rival.ask("what would it cost", script.QUOTE, _quoted, id=booking)
        off = await self.dispatcher.succeed("call it off", script.CANCEL, bookingId=booking)
        fee = off.answer["booking"]["fee"]
        if (theirs.answer["percent"], fee["amountMinor"]) != (50, 0):
            raise Deviation(f"Called off by the house, a booking costs {fee['formatted']}.")


def _quoted(quote: dict[str, Any]) -> str:
    return f"{quote['fee']['formatted']}, {quote['percent']} % of the price"


def _state(item: dict[str, Any]) -> str:
    return f"(now {item['entry']['state']})"
