"""Weeks, instants and walls in a few letters, for tests of working hours."""

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.availability import Availability, Block
from domain.booking_rules import BookingRules
from domain.hours import Span, WeeklyHours, WeeklyInterval
from domain.slot_search import Calendar, Diary, Search

NEW_YORK = ZoneInfo("America/New_York")
LONDON = ZoneInfo("Europe/London")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
CAIRO = ZoneInfo("Africa/Cairo")
KATHMANDU = ZoneInfo("Asia/Kathmandu")

HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
EVERY_DAY = range(1, 8)


def week(*hours: str, days: range | tuple[int, ...] = EVERY_DAY) -> WeeklyHours:
    """The same hours on several days: week("09:00-12:00", "13:00-17:00", days=(1, 2))."""
    return WeeklyHours(
        intervals=tuple(
            WeeklyInterval(
                weekday=day, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
            )
            for day in days
            for opens, _, closes in (text.partition("-") for text in hours)
        )
    )


def z(text: str) -> datetime:
    """An instant in 2026 as month, day and time in UTC: z("03-08 07:00")."""
    return datetime.fromisoformat(f"2026-{text}+00:00")


def starts(
    hours: WeeklyHours,
    zone: ZoneInfo,
    earliest: datetime,
    latest: datetime,
    *,
    duration: timedelta = HOUR,
    busy: tuple[Span, ...] = (),
    buffer_minutes: int = 15,
    step_minutes: int = 30,
    limit: int = 100,
) -> list[datetime]:
    """The first starts at which somebody who keeps these hours could be booked."""
    rules = BookingRules(
        notice_minutes=0,
        advance_days=730,
        slot_interval_minutes=step_minutes,
        buffer_before_minutes=buffer_minutes,
        buffer_after_minutes=buffer_minutes,
    )
    search = Search(
        rules=rules,
        duration=duration,
        zone=zone,
        earliest=earliest,
        latest=latest,
        at=earliest - timedelta(days=1),
    )
    diary = Diary(
        provider_id=UUID(int=1),
        availability=Availability(zone=zone, hours=hours, daily_cap=50),
        taken=[Block(starts_at=start, ends_at=end) for start, end in busy],
    )
    return [slot.starts_at for slot in Calendar(search=search, diaries=[diary]).slots(limit)]


def walls(found: list[datetime], zone: ZoneInfo) -> list[str]:
    return [f"{instant.astimezone(zone):%H:%M%z}" for instant in found]
