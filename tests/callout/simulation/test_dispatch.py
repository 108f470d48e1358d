"""Does dispatch in memory do what dispatch on a database does?"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import callout.simulation
from callout.simulation import figures, people, town
from callout.simulation.day import Day
from callout.simulation.dispatch import Dispatch
from callout.simulation.figures import Sizes
from callout.simulation.memory import Memory
from callout.simulation.people import DAWN, Person
from domain.availability import Availability
from domain.bookings import Booking, BookingKind
from domain.events import Event, EventType
from domain.hours import WeeklyHours, WeeklyInterval
from domain.house import HouseRules
from domain.offers import Gone, JobOffer, OfferGone, OfferState, Outcome, Wave
from domain.places import Address, Point
from domain.requests import BookingRequest, draft

MORNING = DAWN + timedelta(hours=4)
ENTRY = town.CATALOGUE[0]
#: Degrees of latitude in a mile.
MILE = 1 / 69.1
ALWAYS = WeeklyHours(
    intervals=tuple(WeeklyInterval(weekday=day, opens=time(), closes=time()) for day in range(1, 8))
)


def an_address(miles: float) -> Address:
    """So many miles north of the middle of things."""
    here = Point(latitude=round(51.5 + miles * MILE, 5), longitude=-0.1)
    return Address(
        line1="1 High Street", city="London", postal_code="N1 9AA", country="GB", point=here
    )


def somebody(number: int, *, miles: float = 1, cap: int = 50, **changes: Any) -> Person:
    """A provider whom no rule keeps from anything, and who is asleep."""
    (anybody,) = people.people(1, 1)
    facts: dict[str, Any] = {
        "id": UUID(int=(1 << 64) + number),
        "approved_at": DAWN - timedelta(days=100),
        "suspended": False,
        "service_ids": frozenset({ENTRY.service.id}),
        "address": an_address(miles),
        "radius_miles": 30.0,
        "availability": Availability(zone=ZoneInfo(town.ZONE), hours=ALWAYS, daily_cap=cap),
        "shifts": (),
        "unheard": None,
        "profile_percent": 90,
        "last_offered_at": None,
    }
    return replace(anybody, **facts | changes)


class Scene:
    """Some providers, and bookings of tomorrow."""

    def __init__(self, *providers: Person) -> None:
        """Nothing is booked yet."""
        self.heard: list[EventType] = []
        self.memory = Memory(providers, self.hear)
        numbers = count(1)
        self.dispatch = Dispatch(self.memory, HouseRules(), lambda: UUID(int=next(numbers)))

    def hear(self, event: Event) -> None:
        """Note what was told."""
        self.heard.append(event.type)

    def book(self, number: int, *, hour: int = 10, **changes: Any) -> Booking:
        """A booking of tomorrow at this hour, made in the morning."""
        request = BookingRequest(
            customer_id=UUID(int=number),
            service_id=ENTRY.service.id,
            kind=BookingKind.SCHEDULED,
            starts_at=DAWN + timedelta(days=1, hours=hour - 5),
            address=an_address(0),
        )
        made = draft(request, ENTRY.service, booking_id=UUID(int=number), at=MORNING)
        booking = replace(made, **changes)
        self.memory.keep(Outcome(booking=booking))
        return booking

    def offers(self, *bookings: Booking) -> list[JobOffer]:
        """Every offer of these bookings."""
        return [offer for one in bookings for offer in self.memory.offers_of(one.id)]

    def figures(self) -> figures.Figures:
        """What would be reported now."""
        sizes = Sizes(seed=1, providers=len(self.memory.lives), bookings=len(self.memory.bookings))
        return figures.count(self.memory, sizes, HouseRules())


def states(offers: Iterable[JobOffer]) -> list[str]:
    """Where each stands."""
    return [offer.state.value for offer in offers]


def later(**passed: int) -> datetime:
    """Some time after the morning."""
    return MORNING + timedelta(**passed)


def test_an_acceptance_withdraws_what_it_leaves_no_time_for_and_nothing_else() -> None:
    scene = Scene(somebody(1))
    first, near, apart = (scene.book(n, hour=hour) for n, hour in ((1, 10), (2, 11), (3, 16)))
    for booking in (first, near, apart):
        scene.dispatch.advance(booking.id, at=MORNING)
    offer = scene.offers(first)[0]

    scene.dispatch.accept(offer, at=later(seconds=30))

    assert states(scene.offers(first, near, apart)) == ["ACCEPTED", "RESCINDED", "OFFERED"]
    assert scene.memory.assignments.keys() == {first.id}
    assert scene.memory.assignments[first.id].wave is Wave.TARGETED
    assert scene.heard.count(EventType.OFFER_RESCINDED) == 1


def test_accepting_again_changes_nothing() -> None:
    scene = Scene(somebody(1))
    booking = scene.book(1)
    scene.dispatch.advance(booking.id, at=MORNING)
    (offer,) = scene.offers(booking)
    scene.dispatch.accept(offer, at=later(seconds=30))
    taken, told = scene.memory.bookings[booking.id], list(scene.heard)

    scene.dispatch.accept(offer, at=later(seconds=40))

    assert scene.memory.bookings[booking.id] == taken
    assert scene.memory.assignments[booking.id].at == later(seconds=30)
    assert scene.heard == told


def test_who_has_as_much_work_as_they_take_is_refused_more_without_a_trace() -> None:
    scene = Scene(somebody(1, cap=1))
    first, second = scene.book(1, hour=8), scene.book(2, hour=16)
    for booking in (first, second):
        scene.dispatch.advance(booking.id, at=MORNING)
    taken, refused = scene.offers(first, second)
    scene.dispatch.accept(taken, at=later(seconds=30))
    before, told = scene.memory.bookings[second.id], list(scene.heard)

    with pytest.raises(OfferGone) as gone:
        scene.dispatch.accept(refused, at=later(seconds=40))

    assert gone.value.why is Gone.UNAVAILABLE
    assert scene.memory.bookings[second.id] == before
    assert scene.memory.assignments.keys() == {first.id}
    assert states(scene.offers(second)) == ["OFFERED"]
    assert scene.heard == told


def test_who_is_thinking_and_who_has_said_no_are_not_asked_again() -> None:
    scene = Scene(*(somebody(n) for n in range(1, 4)), somebody(4, miles=5))
    booking = scene.book(1)
    scene.dispatch.advance(booking.id, at=MORNING)
    first = scene.offers(booking)
    assert len(first) == 3

    scene.dispatch.reject(first[0], at=later(seconds=20))
    scene.dispatch.advance(booking.id, at=later(seconds=20))

    assert len({one.provider_id for one in scene.offers(booking)}) == 4
    assert states(scene.offers(booking)) == ["REJECTED", "OFFERED", "OFFERED", "OFFERED"]


def test_auto_gives_all_that_is_due_at_once_and_nobody_more_than_they_have_time_for() -> None:
    scene = Scene(somebody(1, rating=5.0), somebody(2, rating=4.0))
    due: dict[str, Any] = {
        "wave": Wave.AUTO,
        "auto_due_at": later(hours=2),
        "match_due_at": later(hours=3),
    }
    for number in (1, 2, 3):
        scene.book(number, **due)
    scene.book(4, **due | {"auto_due_at": later(hours=2, minutes=1)})

    looked_at = scene.dispatch.give(at=later(hours=2))

    given = [one.provider_id for one in looked_at]
    assert {who.int - (1 << 64) for who in given if who} == {1, 2}
    assert [(one.auto_tries, one.auto_due_at) for one in looked_at if not one.provider_id] == [
        (1, later(hours=2, minutes=1))
    ]
    assert scene.memory.bookings[UUID(int=4)].auto_tries == 0
    # What is written down as an offer was put to nobody.
    assert states(scene.offers(*looked_at)) == ["ACCEPTED", "ACCEPTED"]
    told = scene.figures()
    assert (told.offers.made, told.offers.acceptance_rate) == (0, None)
    assert told.bookings.by_wave["AUTO"] == told.bookings.assigned == 2


def test_auto_takes_the_open_offer_of_whom_it_chooses() -> None:
    scene = Scene(somebody(1))
    booking = scene.book(1)
    scene.dispatch.advance(booking.id, at=MORNING)
    made = scene.memory.bookings[booking.id]
    scene.memory.keep(Outcome(booking=replace(made, auto_due_at=later(minutes=1))))

    (given,) = scene.dispatch.give(at=later(minutes=1))

    assert given.provider_id == somebody(1).id
    assert states(scene.offers(booking)) == ["ACCEPTED"]
    told = scene.figures().offers
    assert (told.made, told.acceptance_rate, told.withdrawal_rate) == (1, 0.0, 1.0)


@pytest.mark.parametrize(("miles", "goes"), [(14.9, True), (15.1, False)])
def test_auto_sends_nobody_further_than_fifteen_miles(miles: float, goes: bool) -> None:
    scene = Scene(somebody(1, miles=miles))
    scene.book(1, wave=Wave.AUTO, auto_due_at=MORNING)

    (given,) = scene.dispatch.give(at=MORNING)

    assert (given.provider_id is not None) is goes


def test_a_booking_nobody_takes_is_given_up_at_its_start() -> None:
    scene = Scene(somebody(1, suspended=True))
    booking = scene.book(1)

    ended = scene.dispatch.advance(booking.id, at=booking.starts_at)

    assert ended.unfilled_at == booking.starts_at
    assert ended.match_due_at is None
    assert scene.heard == [EventType.BOOKING_UNFILLED, EventType.BOOKING_SEARCH_ENDED]


def test_an_alarm_rings_once_and_can_be_set_again_when_it_has_rung() -> None:
    day = Day(1, [], [], HouseRules())
    rung: list[datetime] = []

    def ring(at: datetime) -> None:
        rung.append(at)
        if len(rung) == 1:
            day._set_alarm(at, ring)

    day._set_alarm(MORNING, ring)
    day._set_alarm(MORNING, ring)
    day.play()

    assert rung == [MORNING, MORNING]


def test_an_offer_lapses_and_counts_as_an_answer_that_was_not_given() -> None:
    scene = Scene(somebody(1))
    booking = scene.book(1)
    scene.dispatch.advance(booking.id, at=MORNING)
    scene.dispatch.advance(booking.id, at=later(minutes=5))

    life = scene.memory.lives[somebody(1).id]
    assert states(scene.offers(booking)) == ["EXPIRED", "OFFERED"]
    assert life.answered - somebody(1).offers_answered == 1
    assert life.accepted == somebody(1).offers_accepted
    assert [one.state for one in scene.offers(booking) if one.id in life.open] == [
        OfferState.OFFERED
    ]


#: What would make a day depend on when and where it is played.
CLOCKS = {"now", "today", "utcnow", "perf_counter", "monotonic", "uuid4", "uuid7", "urandom"}


def test_no_part_of_a_day_looks_at_a_clock_or_throws_dice_of_its_own() -> None:
    for path in Path(callout.simulation.__path__[0]).glob("*.py"):
        tree = ast.parse(path.read_text())
        calls = {
            node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
        }
        imported = {
            module
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for module in (
                [node.module] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
            )
        }
        assert not calls & CLOCKS, path.name
        assert not imported & {"time", "secrets", "os"}, path.name
        assert ("random" in imported) is (path.name == "chance.py"), path.name
