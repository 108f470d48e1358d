"""Availabilities, blocks and overrides in a few letters, for tests of providers' time."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from domain.availability import Availability, Block, DateOverride, obstacles
from domain.booking_rules import BookingRule, BookingRules
from domain.hours import Interval
from domain.places import Point
from tests.domain.clocks import LONDON, week, z

TOKYO, HONOLULU = ZoneInfo("Asia/Tokyo"), ZoneInfo("Pacific/Honolulu")
WEEKDAYS = week("09:00-17:00", days=range(1, 6))
#: A Monday in winter, when London's clock is UTC's.
NOW = z("01-05 06:00")
RULES = BookingRules()
HOUSE, NEXT_DOOR = (
    Point(latitude=51.5, longitude=-0.1246),
    Point(latitude=51.5, longitude=-0.1247),
)
#: Ten miles north, or a little less: half an hour away.
FAR = Point(latitude=51.5 + 9.99 / 69.0934, longitude=-0.1246)


def an_availability(**changes: Any) -> Availability:
    facts: dict[str, Any] = {"zone": LONDON, "hours": WEEKDAYS}
    return Availability(**facts | changes)


def a_block(text: str, **changes: Any) -> Block:
    """From one time to another of a day in 2026, in UTC: a_block("01-05 10:00-12:00")."""
    day, _, times = text.partition(" ")
    start, _, end = times.partition("-")
    return Block(starts_at=z(f"{day} {start}"), ends_at=z(f"{day} {end}"), **changes)


def padded(text: str, minutes: int = 15, **changes: Any) -> Block:
    room = timedelta(minutes=minutes)
    return a_block(text, before=room, after=room, **changes)


def an_override(day: date, *hours: str) -> DateOverride:
    intervals = tuple(
        Interval(opens=time.fromisoformat(text[:5]), closes=time.fromisoformat(text[6:]))
        for text in hours
    )
    return DateOverride(day=day, intervals=intervals)


def against(
    availability: Availability,
    wanted: Block,
    *taken: Block,
    rules: BookingRules = RULES,
    at: datetime = NOW,
) -> list[BookingRule]:
    return [one.rule for one in obstacles(availability, taken, wanted, rules=rules, at=at)]
