"""Does anybody hear on a stream what is not for them, whatever is done while they listen?

Everybody follows all that their role may, asking for every field there is (walks.py). After each
act all that reached them is searched for what others keep to themselves.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import select

from api import ids
from api.bookings import visible
from api.context import Context
from db import (
    approvals,
    cancellations,
    lateness,
    lifecycle,
    notifications,
    offers,
    shifts,
    waitlist,
    withdrawals,
)
from db.engine import Database
from db.tables import job_offers
from db.tables import notifications as notifications_table
from domain.bookings import Booking
from domain.work import Handover
from gateways.settings import Settings
from tests.api import theatre as theatres
from tests.api.theatre import CUSTOMERS, PROVIDERS, Listener, Theatre
from tests.api.walks import STREAMED, reachable, type_of
from tests.depth import DEPTH
from tests.factories import now, read_booking
from tests.waiting import until

#: Acts by chance after those that are always played.
ACTS: Final = 30


@pytest.fixture
async def theatre(settings: Settings, database: Database) -> AsyncIterator[Theatre]:
    async with theatres.opened(settings, database) as opened:
        yield opened


class Play:
    """What is done, and what everybody may have heard of it."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        #: How many texts were looked for in what was heard.
        self.looked_for = 0
        #: Every field that told somebody something.
        self.fields: set[str] = set()

    async def tell(self) -> None:
        """Look at all that has been heard since the last time."""
        database = self.theatre.database
        work = [await read_booking(database, uid) for uid in self.theatre.works]
        async with database.read() as connection:
            rows = list(await connection.execute(select(job_offers.c.id, job_offers.c.provider_id)))
            n = notifications_table.c
            told_to = list(await connection.execute(select(n.id, n.recipient_id)))
        made = {ids.encode("JobOffer", row.id): row.provider_id for row in rows}
        news = {ids.encode("Notification", row.id): row.recipient_id for row in told_to}
        at = await now(database)
        for listener in self.theatre.listeners:
            heard, viewer = listener.news(), self.theatre.people[listener.name]
            self.fields |= heard.fields
            # Not even the house hears what others are told.
            others = {uid for uid, whose in news.items() if whose != viewer.user_id}
            assert {uid for uid in others if heard.tells(uid)} == set(), listener.name
            if viewer.is_staff or not heard.leaves:
                continue
            closed = self._closed_to(listener.name, work, at)
            closed |= {uid for uid, whose in made.items() if whose != viewer.user_id}
            self.looked_for += len(closed)
            told = {text for text in closed if heard.tells(text)}
            assert told == set(), (listener.name, listener.stream)

    def _closed_to(self, name: str, work: list[Booking], at: Any) -> set[str]:
        """Every text that somebody may not hear, as things stand."""
        theatre, viewer = self.theatre, self.theatre.people[name]
        open_to = {name}
        closed = {text for text, hearers in theatre.words.items() if name not in hearers}
        for booking in work:
            if booking.opens_contact_to(viewer, at=at):
                open_to.add(theatre.name_of(booking.customer_id) or "")
            else:
                closed.update(theatre.works[booking.id])
            if not booking.is_visible_to(viewer):
                closed.add(ids.encode("Booking", booking.id))
        private = (texts for who, texts in theatre.private.items() if who not in open_to)
        return closed.union(*private)

    # What can be done. Who may not do it is refused, and nothing comes of it.

    async def accept(self, name: str, offer_id: UUID) -> bool:
        return await self._act(offers.accept, offer_id=offer_id, by=self.theatre.uid(name))

    async def reject(self, name: str, offer_id: UUID) -> bool:
        why = self.theatre.say("Reject: not for me", name)
        return await self._act(
            offers.reject, offer_id=offer_id, by=self.theatre.uid(name), reason=why
        )

    async def hand_back(self, name: str, booking: Booking) -> bool:
        why = self.theatre.say("Handback: I am ill", self._customer(booking))
        by = self.theatre.people[name]
        return await self._act(withdrawals.hand_back, booking_id=booking.id, by=by, reason=why)

    async def be_late(self, name: str, booking: Booking, minutes: int = 7) -> bool:
        why = self.theatre.say("Late: the bus", self._customer(booking), name)
        facts = {"by": self.theatre.people[name], "minutes": minutes, "reason": why}
        return await self._act(lateness.report, booking_id=booking.id, **facts)

    async def start(self, name: str, booking: Booking) -> bool:
        by = self.theatre.people[name]
        return await self._act(lifecycle.start, booking_id=booking.id, by=by)

    async def complete(self, name: str, booking: Booking) -> bool:
        customer = self._customer(booking)
        handover = Handover(notes=self.theatre.say("Notes: a leak", customer, name))
        by = self.theatre.people[name]
        return await self._act(lifecycle.complete, booking_id=booking.id, by=by, handover=handover)

    async def cancel(self, booking: Booking) -> bool:
        customer = self._customer(booking)
        provider = self.theatre.name_of(booking.provider_id)
        why = self.theatre.say("Cancel: we moved", customer, provider or customer)
        by = self.theatre.people[customer]
        return await self._act(cancellations.cancel, booking_id=booking.id, by=by, reason=why)

    async def suspend(self, name: str) -> bool:
        why = self.theatre.say("Suspend: a complaint", name)
        return await self._act(approvals.suspend, provider_id=self.theatre.uid(name), reason=why)

    async def reinstate(self, name: str) -> bool:
        return await self._act(approvals.reinstate, provider_id=self.theatre.uid(name))

    async def clock_in(self, name: str) -> bool:
        place = self.theatre.say("Place: the depot", name)
        facts = {"provider_id": self.theatre.uid(name), "place": place, "note": ""}
        return await self._act(shifts.clock_in, **facts)

    async def clock_out(self, name: str) -> bool:
        note = self.theatre.say("Note: my back", name)
        return await self._act(shifts.clock_out, provider_id=self.theatre.uid(name), note=note)

    async def wait(self, name: str) -> bool:
        return await self._act(waitlist.join, await self.theatre.wish(name))

    async def read(self, name: str) -> bool:
        return await self._act(notifications.mark_all_read, self.theatre.uid(name))

    async def ask_around(self, booking: Booking) -> list[str]:
        asked = await self.theatre.ask_around(booking)
        await self.tell()
        return asked

    async def follow(self, booking: Booking, *names: str) -> dict[str, Listener]:
        """Let people follow a booking, and look at how it stands for them."""
        made = await self.theatre.follow(booking, *names)
        await self.tell()
        return {one.name: one for one in made}

    async def _act(self, do: Any, *given: Any, **facts: Any) -> bool:
        done = await self.theatre.act(do, *given, **facts)
        await self.tell()
        return done

    def _customer(self, booking: Booking) -> str:
        name = self.theatre.name_of(booking.customer_id)
        assert name is not None
        return name


async def _by_heart(play: Play) -> dict[str, Listener]:
    """One booking on all the ways it can take; who followed it as what."""
    theatre = play.theatre
    work = await theatre.book("Cato")
    everybody = [*CUSTOMERS, *PROVIDERS, "Dispatcher", "Analyst", "Service"]
    first = await play.follow(work, *everybody)
    refused = {name for name, one in first.items() if one.has_ended}
    assert refused == {"Cleo", *PROVIDERS, "Service"}
    assert {code for name in refused for code in first[name].refusals} == {"NOT_FOUND"}

    asked = await play.ask_around(work)
    assert len(asked) == 3
    (fourth,) = set(PROVIDERS) - set(asked)
    assert await play.reject(asked[0], (await theatre.open_offers(work))[asked[0]])
    assert set(await play.ask_around(work)) == {asked[1], asked[2], fourth}
    assert await play.clock_out(asked[1])
    assert await play.suspend(asked[2])
    assert await play.accept(fourth, (await theatre.open_offers(work))[fourth])

    won = await play.follow(work, *PROVIDERS)
    assert {name for name, one in won.items() if not one.has_ended} == {fourth}
    assert await play.be_late(fourth, work)
    assert await play.hand_back(fourth, work)
    assert won[fourth].has_ended
    assert await play.reinstate(asked[2])
    assert await play.clock_in(asked[1])
    again = await play.ask_around(work)
    assert set(again) == {asked[1], asked[2]}
    assert await play.accept(again[0], (await theatre.open_offers(work))[again[0]])
    await play.follow(work, again[0])
    assert await play.wait("Cleo")
    for act in (play.be_late, play.start, play.complete):
        assert await act(again[0], work)
    for name in ("Cato", again[0]):
        assert await play.read(name)
    return {"customer": first["Cato"], "analyst": first["Analyst"], "former": won[fourth]}


async def _by_chance(play: Play, chance: Random) -> None:
    """Whatever comes to whoever's mind, with some bookings in different hands."""
    theatre = play.theatre
    for _ in range(ACTS):
        work = [await read_booking(theatre.database, uid) for uid in theatre.works]
        going_on = [one for one in work if not one.is_final]
        if len(going_on) < 3 and chance.random() < 0.4:
            booking = await theatre.book(chance.choice(CUSTOMERS))
            await play.follow(booking, *CUSTOMERS, chance.choice(PROVIDERS), "Analyst")
            await play.ask_around(booking)
        elif going_on and chance.random() < 0.75:
            await _go_on(play, chance, chance.choice(going_on))
        else:
            who = chance.choice(PROVIDERS)
            acts = (play.clock_in, play.clock_out, play.suspend, play.reinstate)
            await chance.choice(acts)(who)


async def _go_on(play: Play, chance: Random, booking: Booking) -> None:
    """One of the things that can be done to a booking where it stands."""
    provider = play.theatre.name_of(booking.provider_id)
    if provider is not None:
        acts = (play.hand_back, play.be_late, play.start, play.complete)
        if chance.random() < 0.15:
            await play.cancel(booking)
        else:
            await chance.choice(acts)(provider, booking)
        return
    asked = await play.theatre.open_offers(booking)
    if not asked:
        await play.ask_around(booking)
        return
    who = chance.choice(sorted(asked))
    if chance.random() < 0.4:
        await play.reject(who, asked[who])
    elif await play.accept(who, asked[who]):
        await play.follow(booking, who)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, DEPTH + 1))
async def test_whatever_is_done_nobody_hears_what_is_not_for_them(
    theatre: Theatre, seed: int
) -> None:
    play = Play(theatre)
    followed = await _by_heart(play)
    await _by_chance(play, Random(seed))

    assert play.looked_for > 1000
    assert followed["customer"].heard[:4] == ["SNAPSHOT", "ASSIGNED", "RUNNING_LATE", "RELEASED"]
    assert followed["analyst"].heard[:4] == followed["customer"].heard[:4]
    # The end is all that a former provider hears of it.
    assert followed["former"].heard == ["SNAPSHOT", "RUNNING_LATE"]
    feeds = [one for one in theatre.listeners if one.stream == "offerFeed"]
    heard = {what for one in feeds for what in one.heard}
    assert heard >= {"OFFERED", "ACCEPTED", "REJECTED", "RESCINDED"}
    for name in theatre.people:
        (inbox,) = (
            one
            for one in theatre.listeners
            if (one.name, one.stream) == (name, "notificationReceived")
        )
        received = [what for what in inbox.heard if what == "RECEIVED"]
        assert len(received) == await _told(theatre, name)
    told = {name for name in reachable() if type_of(name) in STREAMED}
    assert told <= play.fields


async def _told(theatre: Theatre, name: str) -> int:
    """How much somebody has been told in the app."""
    async with theatre.database.read() as connection:
        return await notifications.count(
            connection, recipient_id=theatre.uid(name), unread_only=False
        )


async def test_who_loses_the_work_while_they_begin_to_follow_it_is_not_shown_it(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(theatre)
    work = await theatre.book("Cato")
    (winner, *_) = await play.ask_around(work)
    assert await play.accept(winner, (await theatre.open_offers(work))[winner])

    async def looked_at_just_before(context: Context, uid: UUID) -> Booking | None:
        found = await visible(context, uid)
        async with theatre.database.begin() as tx:
            by = theatre.people[winner]
            await withdrawals.hand_back(tx, booking_id=uid, by=by, reason="I am ill.")
        return found

    monkeypatch.setattr("api.subscriptions.visible_booking", looked_at_just_before)
    (follower,) = (await play.follow(work, winner)).values()
    await until(lambda: follower.has_ended)
    assert (follower.heard, follower.refusals) == ([], ["NOT_FOUND"])
