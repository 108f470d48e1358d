"""What happens on a synthetic day, from the first clock-in until the last job is done?

Everybody does what they do at their own moment of the virtual clock. Callout does what production
does, by the same decisions of domain/; what customers and providers do is made up by chance.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from callout.simulation import behaviour
from callout.simulation.agenda import Agenda
from callout.simulation.behaviour import Prospect, Reply, Situation
from callout.simulation.chance import Chance
from callout.simulation.dispatch import Dispatch
from callout.simulation.memory import Memory
from callout.simulation.people import DAWN
from domain import lifecycle, shifts
from domain.bookings import happened
from domain.distance import miles_apart
from domain.events import Event, EventType
from domain.offers import OfferGone, Outcome
from domain.requests import draft
from domain.shifts import WorkInProgress
from domain.work import Handover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from callout.simulation.demand import Ask
    from callout.simulation.people import Person
    from domain.bookings import Booking
    from domain.house import HouseRules
    from domain.offers import JobOffer

#: When which booking is looked at again; or, without one, all that is due.
_Alarm: TypeAlias = tuple[datetime, tuple[UUID, ...]]

_MINUTE: Final = timedelta(minutes=1)
#: The kinds of ids that are made in the course of a day.
_BOOKING, _OFFER, _SHIFT = 3, 4, 5


class Day:
    """One synthetic day, to be played once."""

    def __init__(
        self, seed: int, people: Sequence[Person], asks: Iterable[Ask], house: HouseRules
    ) -> None:
        """What is known beforehand is on the agenda: shifts and requests."""
        self._seed = seed
        self._agenda = Agenda(DAWN)
        self._memory = Memory(people, self._hear)
        self._dispatch = Dispatch(self._memory, house, _ids(_OFFER))
        self._shift_id = _ids(_SHIFT)
        self._alarms: set[_Alarm] = set()
        #: How often each provider was asked about each booking.
        self._asked: dict[tuple[UUID, UUID], int] = {}
        for person in people:
            for start, end in person.shifts:
                self._agenda.put(start, self._clock_in, person.id)
                self._agenda.put(end, self._clock_out, person.id)
        booking_id = _ids(_BOOKING)
        for ask in asks:
            self._agenda.put(ask.at, self._request, ask, booking_id())

    def play(self) -> Memory:
        """Let it all happen; what is remembered of it."""
        self._agenda.run()
        return self._memory

    def _hear(self, event: Event) -> None:
        """Something has happened, and somebody does something about it."""
        subject, now = event.subject, self._agenda.now
        match event.type:
            case EventType.BOOKING_REQUESTED | EventType.OFFER_REJECTED:
                self._agenda.put(now, self._advance, subject["booking"])
            case EventType.OFFER_OFFERED | EventType.OFFER_REMINDED:
                self._agenda.put(now, self._ring, subject["booking"], subject["offer"])
            case EventType.BOOKING_ASSIGNED:
                booking = self._memory.bookings[subject["booking"]]
                self._agenda.put(booking.starts_at, self._start, booking.id)

    # What customers do, and what becomes of their bookings.

    def _request(self, at: datetime, ask: Ask, booking_id: UUID) -> None:
        made = draft(ask.request, ask.entry.service, booking_id=booking_id, at=at)
        told = (happened(EventType.BOOKING_REQUESTED, made),)
        self._memory.keep(Outcome(booking=made, events=told))
        self._agenda.put(made.ends_at, self._pass_by, made.id)

    def _pass_by(self, at: datetime, booking_id: UUID) -> None:
        booking = self._memory.bookings[booking_id]
        if booking.provider_id is None:
            self._memory.keep(lifecycle.pass_by(booking, at=at))

    # What Callout does.

    def _advance(self, at: datetime, booking_id: UUID) -> None:
        self._set_alarms(self._dispatch.advance(booking_id, at=at))

    def _give(self, at: datetime) -> None:
        for booking in self._dispatch.give(at=at):
            self._set_alarms(booking)

    def _set_alarms(self, booking: Booking) -> None:
        if booking.match_due_at is not None:
            self._set_alarm(booking.match_due_at, self._advance, booking.id)
        if booking.auto_due_at is not None:
            # On the next full minute, for all that is due by then.
            until = booking.auto_due_at - datetime.resolution
            self._set_alarm(until.replace(second=0, microsecond=0) + _MINUTE, self._give)

    def _set_alarm(self, at: datetime, act: Callable[..., None], *about: UUID) -> None:
        """One is enough for each moment."""
        alarm = at, about
        if alarm not in self._alarms:
            self._alarms.add(alarm)
            self._agenda.put(at, self._wake, act, alarm)

    def _wake(self, at: datetime, act: Callable[..., None], alarm: _Alarm) -> None:
        self._alarms.remove(alarm)
        act(at, *alarm[1])

    # What providers do.

    def _clock_in(self, at: datetime, provider_id: UUID) -> None:
        self._memory.lives[provider_id].shift = shifts.clock_in(
            shift_id=self._shift_id(), provider_id=provider_id, place="", note="", at=at
        )

    def _clock_out(self, at: datetime, provider_id: UUID) -> None:
        life = self._memory.lives[provider_id]
        try:
            shifts.clock_out(life.shift, working_on=life.working_on, note=None, at=at)
        except WorkInProgress as busy:
            done_by = self._memory.bookings[busy.booking_id].ends_at
            self._agenda.put(done_by + _MINUTE, self._clock_out, provider_id)
            return
        life.shift = None
        self._memory.withdraw(life, lambda _: True, at=at)

    def _ring(self, at: datetime, booking_id: UUID, offer_id: UUID) -> None:
        offer = self._memory.offers[booking_id][offer_id]
        life = self._memory.lives[offer.provider_id]
        asked = life.person.id, booking_id
        self._asked[asked] = self._asked.get(asked, 0) + 1
        names = (life.person.id.int, booking_id.int, self._asked[asked])
        chance = Chance(self._seed, "answer", *names)
        now = Situation(
            on_shift=life.shift is not None,
            working=life.working_on is not None,
            reachable=life.heard_at(at) in {None, at},
        )
        delay = behaviour.notices(chance, life.person, now, at=at)
        if delay is not None:
            self._agenda.put(at + delay, self._see, offer, chance)

    def _see(self, at: datetime, offer: JobOffer, chance: Chance) -> None:
        if self._memory.offers[offer.booking_id][offer.id].is_open(at):
            person = self._memory.lives[offer.provider_id].person
            self._agenda.put(at + behaviour.thinks(chance, person), self._answer, offer, chance)

    def _answer(self, at: datetime, offer: JobOffer, chance: Chance) -> None:
        person = self._memory.lives[offer.provider_id].person
        booking = self._memory.bookings[offer.booking_id]
        prospect = Prospect(
            starts_at=booking.starts_at,
            appeal=self._dispatch.appeals[offer.id],
            distance_miles=miles_apart(booking.address, person.address),
        )
        # Who is too late is told so, and does nothing about it.
        with suppress(OfferGone):
            match behaviour.replies(chance, person, prospect):
                case Reply.YES:
                    self._dispatch.accept(offer, at=at)
                case Reply.NO:
                    self._dispatch.reject(offer, at=at)

    def _start(self, at: datetime, booking_id: UUID) -> None:
        booking = self._memory.bookings[booking_id]
        life = self._memory.lives[self._memory.assignments[booking_id].candidate.provider_id]
        self._memory.keep(lifecycle.start(booking, by=life.person.id, at=at))
        life.working_on = booking_id
        self._memory.withdraw(life, lambda other: other.is_immediate, at=at)
        done_early = Chance(self._seed, "job", booking_id.int).between(0, 0.15)
        takes = (1 - done_early) * (booking.ends_at - booking.starts_at).total_seconds()
        self._agenda.put(at + timedelta(seconds=int(takes)), self._complete, booking_id)

    def _complete(self, at: datetime, booking_id: UUID) -> None:
        booking = self._memory.bookings[booking_id]
        by = self._memory.assignments[booking_id].candidate.provider_id
        done = lifecycle.complete(booking, by=by, handover=Handover(), at=at)
        self._memory.keep(done)
        self._memory.complete(done.booking, at=at)


def _ids(kind: int) -> Callable[[], UUID]:
    """Ids in the order in which they are asked for; those of two kinds never meet."""
    numbers = count(1)
    return lambda: UUID(int=(kind << 64) + next(numbers))
