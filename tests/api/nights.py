"""The next nights in which the clocks of a zone are changed: found by looking at its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

Way: TypeAlias = Literal["forward", "back"]

HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A night in which clocks are changed."""

    zone: ZoneInfo
    way: Way
    #: The instant of the change, and by how much.
    change: datetime
    length: timedelta

    @property
    def day(self) -> date:
        """The local day that is shorter or longer by it."""
        inside = self.change if self.way == "forward" else self.change - datetime.resolution
        return inside.astimezone(self.zone).date()

    @property
    def half_hours(self) -> list[datetime]:
        """Every instant of that day at which the wall shows a full or a half hour."""
        around = (self.change + n * HALF_HOUR for n in range(-60, 61))
        return [at for at in around if at.astimezone(self.zone).date() == self.day]

    @property
    def wall(self) -> datetime:
        """The first wall time that is skipped, or that comes again."""
        if self.way == "back":
            return self.change.astimezone(self.zone).replace(tzinfo=None, fold=0)
        before = (self.change - HALF_HOUR).astimezone(self.zone).replace(tzinfo=None)
        return before + HALF_HOUR

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The instants that its refusal names: the next that exists, or both."""
        if self.way == "forward":
            return (self.change,)
        return self.change - self.length, self.change


def next_night(zone: ZoneInfo, way: Way) -> Night:
    """The first such night from a week from now on."""
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    while True:
        later = at + HALF_HOUR
        length = _offset(zone, later) - _offset(zone, at)
        if length > timedelta() if way == "forward" else length < timedelta():
            return Night(zone=zone, way=way, change=later, length=abs(length))
        at = later


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).replace(tzinfo=UTC) - at
