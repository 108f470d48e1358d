"""Who works in the synthetic town, when, and how do they take to offers?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from callout.simulation import town
from callout.simulation.chance import Chance
from domain.availability import Availability
from domain.hours import Span, WeeklyHours, WeeklyInterval, utc
from domain.matching import V2
from domain.services import Trade

if TYPE_CHECKING:
    from domain.places import Address

#: Whoever has done fewer jobs is new: those whom policy v2 gives a start.
NEWCOMER_JOBS: Final = V2.newcomer_jobs

#: A Wednesday that is over: no zone's rules will change it any more.
TODAY: Final = date(2026, 6, 3)
#: Work is booked for today and the two days that follow.
DAYS: Final = tuple(TODAY + timedelta(days=n) for n in range(3))
#: The synthetic day begins when nobody is at work yet.
DAWN: Final = datetime(2026, 6, 3, 4, tzinfo=UTC)

_ZONE: Final = ZoneInfo(town.ZONE)
_TRADES: Final = {Trade.CLEANING: 9, Trade.MECHANICAL: 5, Trade.FACILITIES: 7}
_HOURS: Final = {(7, 16): 2, (8, 18): 4, (9, 18): 3, (11, 21): 2}
_CAPS: Final = {2: 1, 3: 5, 4: 2, 5: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """How somebody takes to offers. Shares are from 0 to 1."""

    #: How often they notice that they were asked; some never do.
    attention: float
    #: How gladly they take work that suits them.
    eagerness: float
    #: How often they say no where they do not say yes, instead of saying nothing.
    candour: float
    #: How long they take to answer, beside others.
    pace: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A provider as they are at dawn."""

    id: UUID
    approved_at: datetime | None
    suspended: bool
    service_ids: frozenset[UUID]
    address: Address
    radius_miles: float
    availability: Availability
    #: When they mean to clock in and out.
    shifts: tuple[Span, ...]
    #: While their device is not heard from, if it ever is not.
    unheard: Span | None
    skills: frozenset[str]
    brands: frozenset[str]
    certifications: frozenset[str]
    keywords: frozenset[str]
    years_experience: int
    rating: float | None
    completed_jobs: int
    profile_percent: int
    idle_since: datetime | None
    last_offered_at: datetime | None
    #: Of the offers of the month before.
    offers_answered: int
    offers_accepted: int
    temper: Temper

    @property
    def is_new(self) -> bool:
        """Have they hardly worked here yet?"""
        return self.completed_jobs < NEWCOMER_JOBS


def people(seed: int, number: int) -> list[Person]:
    """So many providers; the first of them are the same however many there are."""
    return [_person(Chance(seed, "provider", n), n) for n in range(1, number + 1)]


def _person(chance: Chance, number: int) -> Person:
    trade = chance.weighed(_TRADES)
    is_new = chance.happens(0.2)
    opens, closes = chance.weighed(_HOURS)
    free_day = chance.whole(1, 6)
    hours = WeeklyHours(
        intervals=tuple(
            WeeklyInterval(weekday=day, opens=time(opens), closes=time(closes))
            for day in range(1, 7)
            if day != free_day
        )
    )
    entries = _offered(chance, trade)
    skills = _most(chance, [s for one in entries for s in one.service.required_skills])
    papers = _most(chance, [c for one in entries for c in one.service.required_certifications])
    words = list(dict.fromkeys(word for one in entries for word in one.keywords))
    temper = _temper(chance)
    approved_at = DAWN - timedelta(days=chance.whole(2, 20) if is_new else chance.whole(90, 900))
    answered = 0 if is_new else chance.whole(4, 40)
    shifts = _shifts(chance, hours)
    return Person(
        id=UUID(int=(1 << 64) + number),
        approved_at=None if chance.happens(0.03) else approved_at,
        suspended=chance.happens(0.02),
        service_ids=frozenset(one.service.id for one in entries),
        address=town.address(chance),
        radius_miles=float(chance.whole(6, 16)),
        availability=Availability(
            zone=_ZONE,
            hours=hours,
            time_off=_time_off(chance),
            daily_cap=chance.weighed(_CAPS),
        ),
        shifts=shifts,
        unheard=_unheard(chance, shifts),
        skills=skills,
        brands=frozenset(chance.some(town.BRANDS, 1) if trade is Trade.MECHANICAL else ()),
        certifications=papers,
        keywords=frozenset(chance.some(words, chance.whole(1, 4))),
        years_experience=chance.whole(0, 6) if is_new else chance.whole(1, 18),
        rating=None if is_new else _rating(chance),
        completed_jobs=chance.whole(0, NEWCOMER_JOBS - 1) if is_new else _jobs(chance),
        profile_percent=chance.whole(78, 94) if is_new else chance.whole(82, 100),
        idle_since=approved_at if is_new else _ago(chance, 10, 96),
        last_offered_at=None if is_new and chance.happens(0.6) else _ago(chance, 9, 60),
        offers_answered=answered,
        offers_accepted=int(answered * temper.attention * temper.eagerness),
        temper=temper,
    )


def _offered(chance: Chance, trade: Trade) -> tuple[town.Entry, ...]:
    entries = [one for one in town.CATALOGUE if one.service.trade is trade]
    return chance.some(entries, chance.weighed({2: 1, 3: 2}))


def _most(chance: Chance, wanted: list[str]) -> frozenset[str]:
    """What somebody has of what their services ask for: most have it all."""
    return frozenset(one for one in wanted if chance.happens(0.85))


def _temper(chance: Chance) -> Temper:
    return Temper(
        attention=0.0 if chance.happens(0.08) else chance.between(0.5, 0.98),
        eagerness=chance.between(0.35, 0.95),
        candour=chance.between(0.3, 0.9),
        pace=chance.between(0.5, 2.5),
    )


def _rating(chance: Chance) -> float:
    # The better of two throws: few are rated badly.
    return round(3.4 + 1.6 * max(chance.share(), chance.share()), 2)


def _jobs(chance: Chance) -> int:
    return NEWCOMER_JOBS + int(150 * chance.share() * chance.share())


def _ago(chance: Chance, least: int, most: int) -> datetime:
    return DAWN - timedelta(hours=chance.whole(least, most))


def _shifts(chance: Chance, hours: WeeklyHours) -> tuple[Span, ...]:
    """On most working days they clock in, not always on time."""
    spans = []
    for day in DAYS:
        on_time, late = chance.happens(0.85), timedelta(minutes=chance.whole(0, 25))
        for opens, closes in hours.on(day) if on_time else ():
            start, end = (utc(wall.replace(tzinfo=_ZONE)) for wall in (opens, closes))
            spans.append((start + late, end))
    return tuple(spans)


def _unheard(chance: Chance, shifts: tuple[Span, ...]) -> Span | None:
    """For an hour of a shift some cannot be reached."""
    if not chance.happens(0.15) or not shifts:
        return None
    since = chance.pick(shifts)[0] + timedelta(minutes=chance.whole(30, 300))
    return since, since + timedelta(hours=1)


def _time_off(chance: Chance) -> tuple[Span, ...]:
    if not chance.happens(0.08):
        return ()
    noon = datetime.combine(chance.pick(DAYS), time(12), tzinfo=_ZONE)
    return ((utc(noon), utc(noon) + timedelta(hours=chance.whole(2, 8))),)
