"""Work and candidates for matching: a mechanic's job in Toronto, and somebody who may do it."""

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

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


def some_work(**changes: Any) -> Work:
    """Two hours on Monday 1 June 2026, ten to twelve in Toronto."""
    facts: dict[str, Any] = {
        "booking_id": UUID(int=2),
        "service_id": SERVICE,
        "starts_at": datetime(2026, 6, 1, 14, tzinfo=UTC),
        "ends_at": datetime(2026, 6, 1, 16, tzinfo=UTC),
        "immediate": False,
        "city": "Toronto",
        "postal_code": "M5V 2T6",
        "country": "CA",
        "point": TORONTO,
    }
    return Work(**facts | changes)


def a_candidate(**changes: Any) -> Candidate:
    """A provider who breaks no rule and, off shift, scores for nothing but time and country."""
    facts: dict[str, Any] = {
        "provider_id": UUID(int=3),
        "approved": True,
        "suspended": False,
        "service_ids": frozenset({SERVICE}),
        "zone": ZoneInfo("America/Toronto"),
        "hours": OFFICE_HOURS,
        "city": "Mississauga",
        "postal_code": "L5B 3C1",
        "country": "CA",
        "point": TORONTO,
        "radius_miles": 10.0,
    }
    return Candidate(**facts | changes)
