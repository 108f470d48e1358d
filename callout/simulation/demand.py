"""What do the customers of a synthetic day ask for, and when?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from callout.simulation import town
from callout.simulation.chance import Chance
from callout.simulation.people import DAYS, TODAY
from domain.availability import Block, is_inside_hours
from domain.bookings import BookingKind
from domain.distance import miles_apart
from domain.hours import utc
from domain.requests import BookingRequest, soon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from callout.simulation.people import Person

_ZONE: Final = ZoneInfo(town.ZONE)
#: How many bookings are made in each hour, beside the others: before work, and in the evening.
_ASKED: Final = dict(zip(range(7, 21), (5, 8, 9, 8, 6, 5, 4, 4, 4, 5, 7, 8, 6, 3), strict=True))
#: Nobody is on the way so early or so late that work could be wanted now.
_NOW: Final = range(8, 18)
_STARTS: Final = range(8, 18)
#: Nobody books to the second.
_QUARTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A customer asks for something at a moment."""

    at: datetime
    entry: town.Entry
    request: BookingRequest


def asks(seed: int, number: int, people: Sequence[Person]) -> list[Ask]:
    """So many requests, the earliest first."""
    made = [_ask(Chance(seed, "booking", n), n, people) for n in range(1, number + 1)]
    return sorted(made, key=lambda one: (one.at, one.request.customer_id))


def _ask(chance: Chance, number: int, people: Sequence[Person]) -> Ask:
    entry = chance.weighed({one: one.weight for one in town.CATALOGUE})
    hour = chance.weighed(_ASKED)
    moment = timedelta(hours=hour, seconds=chance.whole(0, 3599))
    at = utc(datetime.combine(TODAY, time(), tzinfo=_ZONE)) + moment
    wants_now = chance.happens(0.35) and hour in _NOW
    request = BookingRequest(
        customer_id=UUID(int=(2 << 64) + number),
        service_id=entry.service.id,
        kind=BookingKind.IMMEDIATE if wants_now else BookingKind.SCHEDULED,
        starts_at=None if wants_now else _later(chance, at, entry),
        address=town.address(chance),
        concern=chance.pick(entry.concerns),
        requested_brand=_brand(chance, entry),
    )
    starts_at = request.starts_at or soon(at)
    visit = Block(starts_at=starts_at, ends_at=starts_at + entry.service.duration)
    known = [one.id for one in people if not one.is_new and _came(one, request, visit)]
    if chance.happens(0.15) and known:
        request = replace(request, preferred_provider_id=chance.pick(known))
    return Ask(at=at, entry=entry, request=request)


def _later(chance: Chance, at: datetime, entry: town.Entry) -> datetime:
    """A start that the service's rules allow: on the grid, and far enough ahead."""
    day = chance.weighed({0: 3, 1: 4, 2: 2})
    wall = time(chance.pick(_STARTS), 15 * chance.whole(0, 3))
    starts_at = utc(datetime.combine(DAYS[day], wall, tzinfo=_ZONE))
    while starts_at < at + entry.service.rules.notice + _QUARTER:
        starts_at += timedelta(days=1)
    return starts_at


def _brand(chance: Chance, entry: town.Entry) -> str:
    brand, asked = chance.pick(town.BRANDS), chance.happens(0.3)
    return brand if asked and entry.branded else ""


def _came(person: Person, request: BookingRequest, visit: Block) -> bool:
    """May they have done this for the customer before, at this time of the day?"""
    miles = miles_apart(person.address, request.address)
    near = miles is not None and miles <= person.radius_miles
    offers_it = request.service_id in person.service_ids
    return near and offers_it and is_inside_hours(person.availability, visit)
