"""Work and candidates for matching: a mechanic's job in Toronto, and somebody who may do it."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.availability import Availability, Block
from domain.booking_rules import BookingRules
from domain.hours import WeeklyHours, WeeklyInterval
from domain.matching import Candidate, Work
from domain.places import Point

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SERVICE = UUID(int=1)
TORONTO = Point(latitude=43.6446, longitude=-79.3952)

#: Monday to Friday, nine to five.
OFFICE_HOURS = WeeklyHours(
    intervals=tuple(
        WeeklyInterval(weekday=day, opens=time(9), closes=time(17)) for day in range(1, 6)
    )
)


def a_block(starts_at: datetime, ends_at: datetime, **changes: Any) -> Block:
    """A stretch of time with the usual quarters of an hour around it."""
    quarter = timedelta(minutes=15)
    facts: dict[str, Any] = {"before": quarter, "after": quarter}
    return Block(starts_at=starts_at, ends_at=ends_at, **facts | changes)


def some_work(**changes: Any) -> Work:
    """Two hours on Monday 1 June 2026, ten to twelve in Toronto."""
    starts_at = changes.pop("starts_at", datetime(2026, 6, 1, 14, tzinfo=UTC))
    ends_at = changes.pop("ends_at", datetime(2026, 6, 1, 16, tzinfo=UTC))
    facts: dict[str, Any] = {
        "booking_id": UUID(int=2),
        "customer_id": UUID(int=4),
        "service_id": SERVICE,
        "block": a_block(starts_at, ends_at),
        "rules": BookingRules(),
        "immediate": False,
        "city": "Toronto",
        "postal_code": "M5V 2T6",
        "country": "CA",
        "point": TORONTO,
    }
    return Work(**facts | changes)


def a_candidate(**changes: Any) -> Candidate:
    """A provider who breaks no rule and, off shift, scores for nothing but time and country.

    `hours`, `zone`, `time_off` and `daily_cap` are those of their availability, `busy` are the
    spans of their other work.
    """
    when: dict[str, Any] = {"zone": ZoneInfo("America/Toronto"), "hours": OFFICE_HOURS}
    for name in ("zone", "hours", "time_off", "holidays", "daily_cap"):
        if name in changes:
            when[name] = changes.pop(name)
    facts: dict[str, Any] = {
        "provider_id": UUID(int=3),
        "approved": True,
        "suspended": False,
        "service_ids": frozenset({SERVICE}),
        "availability": Availability(**when),
        "taken": tuple(a_block(*span) for span in changes.pop("busy", ())),
        "city": "Mississauga",
        "postal_code": "L5B 3C1",
        "country": "CA",
        "point": TORONTO,
        "radius_miles": 10.0,
        "profile_percent": 80,
    }
    return Candidate(**facts | changes)
