"""Who lives in a random town? Providers of every kind, and when they work.

Most facts speak for a provider: of people who break half of the rules nothing can be learnt.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert

from db.ids import new_id
from db.tables import (
    certifications,
    date_overrides,
    holidays,
    provider_services,
    providers,
    shifts,
    temporary_zones,
    time_off,
    users,
    working_hours,
)
from domain.people import Role
from domain.places import Point
from domain.services import Trade

if TYPE_CHECKING:
    from uuid import UUID

    from db.engine import Database
    from domain.bookings import Booking
    from domain.people import Viewer
    from domain.services import Service

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PEOPLE: Final = 120

#: Where the bookings and their providers are: near each other, and at the odd ends of the globe.
CENTRES: Final = (
    Point(latitude=51.5, longitude=-0.12),
    Point(latitude=-17.0, longitude=179.99),
    Point(latitude=-17.0, longitude=-179.99),
    Point(latitude=89.97, longitude=10.0),
    Point(latitude=-89.99, longitude=-170.0),
    Point(latitude=0.0, longitude=180.0),
)
#: Alike in pairs, whatever their case and spaces.
WORDS: Final = ("BMW", "bmw ", "Land Rover", " land  rover", "Škoda", "ŠKODA", "Straße", "STRASSE")
CODES: Final = ("gas-safe", "f-gas", "bmw-level-3")
#: As far apart as clocks can be.
ODD_ZONES: Final = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Etc/GMT+12", "Asia/Kathmandu")


@dataclass(kw_only=True)
class Crowd:
    """People and what is wanted of them, around one noon."""

    database: Database
    chance: random.Random
    zone: str
    noon: datetime
    service: Service
    customers: list[Viewer]
    staff: Viewer
    people: list[UUID]
    bookings: list[Booking] = field(default_factory=list)
    #: Those that somebody's time is taken for already.
    settled: set[UUID] = field(default_factory=set)

    def seldom(self) -> bool:
        return self.chance.random() < 0.08

    def often(self) -> bool:
        return self.chance.random() < 0.4

    def a_time(self) -> datetime:
        """Some quarter of an hour around the noon, seldom a minute of no importance."""
        minutes = self.chance.randint(-48, 160) * 15 + self.seldom() * self.chance.randint(1, 14)
        return self.noon + minutes * MINUTE

    def a_span(self, longest: int = 12) -> tuple[datetime, datetime]:
        starts_at = self.a_time()
        return starts_at, starts_at + self.chance.randint(1, longest) * 30 * MINUTE

    def a_day(self) -> Any:
        return (self.noon + self.chance.randint(-2, 3) * DAY).date()

    def a_place(self) -> Point | None:
        """Within a few miles of a centre; or nobody knows."""
        centre = self.chance.choice(CENTRES)
        if self.often():
            centre = CENTRES[0]
        if self.seldom():
            return None
        latitude = centre.latitude + self.chance.uniform(-0.2, 0.2)
        longitude = centre.longitude + self.chance.uniform(-0.2, 0.2)
        if abs(centre.latitude) > 85:
            longitude = self.chance.uniform(-180, 180)
        return Point(
            latitude=max(-90.0, min(90.0, latitude)),
            longitude=(longitude + 540) % 360 - 180,
        )

    def some(self, words: tuple[str, ...], most: int) -> list[str]:
        return self.chance.sample(words, self.chance.randint(0, most))


async def settle(crowd: Crowd) -> None:
    """Everybody's facts, one table after the other."""
    rows: dict[Any, list[dict[str, Any]]] = {
        users: [_user(uid) for uid in crowd.people],
        providers: [_provider(crowd, uid) for uid in crowd.people],
        provider_services: [
            {"provider_id": uid, "service_id": crowd.service.id}
            for uid in crowd.people
            if not crowd.seldom()
        ],
        working_hours: [row for uid in crowd.people for row in _week(crowd, uid)],
        shifts: [_shift(crowd, uid) for uid in crowd.people if not crowd.seldom()],
        certifications: [row for uid in crowd.people for row in _papers(crowd, uid)],
        date_overrides: [row for uid in crowd.people for row in _other_hours(crowd, uid)],
        temporary_zones: [row for uid in crowd.people for row in _journeys(crowd, uid)],
        time_off: [row for uid in crowd.people for row in _rest(crowd, uid)],
        holidays: _closed(crowd),
    }
    async with crowd.database.begin() as tx:
        for table, values in rows.items():
            if values:
                await tx.execute(insert(table), values)


def _user(uid: UUID) -> dict[str, Any]:
    return {
        "id": uid,
        "email": f"{uid}@example.com",
        "password_hash": "none",
        "role": Role.PROVIDER,
        "given_name": "Chloe",
        "family_name": "Cleaner",
        "time_zone": "Europe/London",
    }


def _provider(crowd: Crowd, uid: UUID) -> dict[str, Any]:
    chance, point = crowd.chance, crowd.a_place()
    long_ago = crowd.noon - 100 * DAY
    return {
        "id": uid,
        "trade": Trade.CLEANING,
        "time_zone": chance.choice(ODD_ZONES) if crowd.seldom() else crowd.zone,
        "country": chance.choice(("GB", "GB", "FR")),
        "city": chance.choice(("London", "london ", "Paris")),
        "postal_code": chance.choice(("SW1A 2JR", "EC1A 1BB", "M1 1AE", "?")),
        "latitude": point.latitude if point else None,
        "longitude": point.longitude if point else None,
        "radius_miles": chance.choice((0.1, 5.0, 14.9, 30.0, 300.0)),
        "years_experience": chance.randint(0, 12),
        "rating": chance.choice((None, 3.99, 4.0, 4.5, 5.0)),
        "completed_jobs": chance.choice((0, 19, 20, 50)),
        "profile_percent": chance.choice((79, 80, 94, 95, 100)),
        "approved_at": None if crowd.seldom() else long_ago,
        "suspended_at": long_ago if crowd.seldom() else None,
        "brands": crowd.some(WORDS, 4),
        "skills": crowd.some(WORDS, 8),
        "keywords": crowd.some(("brakes", "Brakes ", "abs", "oven"), 4),
        "daily_cap": chance.randint(1, 4),
    }


def _stretches(crowd: Crowd, *, most: int = 2) -> list[tuple[time, time]]:
    """Apart from each other; the last one may end at midnight."""
    hours = crowd.chance.randint(1, most) * 2
    marks = sorted(crowd.chance.sample(range(49), hours))
    if crowd.often():
        marks[-1] = 48
    clocks = [time(mark % 48 // 2, mark % 2 * 30) for mark in marks]
    return list(zip(clocks[::2], clocks[1::2], strict=True))


def _week(crowd: Crowd, uid: UUID) -> list[dict[str, Any]]:
    always = crowd.often()
    return [
        {"provider_id": uid, "weekday": day, "opens": opens, "closes": closes}
        for day in range(1, 8)
        for opens, closes in ([(time(), time())] if always else _stretches(crowd))
    ]


def _shift(crowd: Crowd, uid: UUID) -> dict[str, Any]:
    heard = crowd.noon - crowd.chance.choice((0, 30, 90, 90, 91)) * timedelta(seconds=1)
    return {"id": new_id(), "provider_id": uid, "started_at": heard - DAY, "heartbeat_at": heard}


def _papers(crowd: Crowd, uid: UUID) -> list[dict[str, Any]]:
    verified = {"verified_at": crowd.noon, "verified_by": crowd.staff.user_id}
    return [
        {
            "id": new_id(),
            "provider_id": uid,
            "code": code,
            "name": code,
            "number": f"{number}",
            "issuer": "The Register",
            "expires_on": crowd.a_day() if crowd.often() else None,
            "added_at": crowd.noon - DAY,
            "removed_at": crowd.noon if crowd.seldom() else None,
            **(dict.fromkeys(verified) if crowd.seldom() else verified),
        }
        for number, code in enumerate(crowd.chance.choices(CODES, k=3))
    ]


def _other_hours(crowd: Crowd, uid: UUID) -> list[dict[str, Any]]:
    if not crowd.often():
        return []
    whole: list[tuple[time | None, time | None]] = [(None, None)]
    hours = whole if crowd.seldom() else _stretches(crowd)
    day = crowd.a_day()
    return [
        {"id": new_id(), "provider_id": uid, "day": day, "opens": opens, "closes": closes}
        for opens, closes in hours
    ]


def _journeys(crowd: Crowd, uid: UUID) -> list[dict[str, Any]]:
    if not crowd.often():
        return []
    first = crowd.a_day()
    last = first + crowd.chance.randint(0, 2) * DAY
    away = crowd.chance.choice(ODD_ZONES)
    return [{"provider_id": uid, "first_day": first, "last_day": last, "time_zone": away}]


def _rest(crowd: Crowd, uid: UUID) -> list[dict[str, Any]]:
    if not crowd.often():
        return []
    starts_at, ends_at = crowd.a_span()
    return [
        {
            "id": new_id(),
            "provider_id": uid,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "requested_at": crowd.noon,
            "requested_by": uid,
            "cancelled_at": crowd.noon if crowd.often() else None,
        }
    ]


def _closed(crowd: Crowd) -> list[dict[str, Any]]:
    days = (crowd.noon + 2 * DAY).date(), (crowd.noon - DAY).date()
    countries = ("FR", "GB") if crowd.often() else ("FR", None)
    return [
        {"id": new_id(), "day": day, "country": country, "name": "Closed"}
        for day, country in zip(days, countries, strict=True)
    ]
