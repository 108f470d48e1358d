"""What may a provider say about when they work? All that is wrong with it is told at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, time
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from domain.availability import Availability, DateOverride, TemporaryZone
from domain.hours import Interval, WeeklyHours, WeeklyInterval
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

IntervalT = TypeVar("IntervalT", bound=Interval)

_MIDNIGHT: Final = time()
#: Stands in for a zone that nobody knows, until that is told.
_NOWHERE: Final = ZoneInfo("UTC")

MAX_WEEKLY_INTERVALS: Final = 50
MAX_OVERRIDES: Final = 366
MAX_INTERVALS_A_DAY: Final = 24
MAX_ZONES: Final = 50
MAX_DAILY_CAP: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidInterval:
    """A stretch of working time as somebody wrote it, right or wrong."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidWeeklyInterval(SaidInterval):
    """A stretch of a usual week as somebody wrote it."""

    weekday: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidOverride:
    """Other hours on one day as somebody wrote them; none to block the day."""

    day: date
    intervals: tuple[SaidInterval, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidStay:
    """Some days by another zone's clock, as somebody wrote them."""

    first: date
    last: date
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody wrote about when they work. Each part takes the place of what was said before;
    None leaves it as it is."""

    weekly_hours: tuple[SaidWeeklyInterval, ...] | None = None
    date_overrides: tuple[SaidOverride, ...] | None = None
    temporary_zones: tuple[SaidStay, ...] | None = None
    time_zone: str | None = None
    daily_cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityChange:
    """What is to be other than before; None leaves it as it is."""

    hours: WeeklyHours | None = None
    overrides: tuple[DateOverride, ...] | None = None
    zones: tuple[TemporaryZone, ...] | None = None
    zone: ZoneInfo | None = None
    daily_cap: int | None = None

    def applied_to(self, before: Availability) -> Availability:
        """The availability after the change."""
        return replace(
            before,
            zone=before.zone if self.zone is None else self.zone,
            hours=before.hours if self.hours is None else self.hours,
            overrides=before.overrides if self.overrides is None else self.overrides,
            zones=before.zones if self.zones is None else self.zones,
            daily_cap=before.daily_cap if self.daily_cap is None else self.daily_cap,
        )


def understood(said: Said) -> AvailabilityChange:
    """What somebody wrote, made sense of. Raises InvalidInput with every wrong field."""
    if said == Said():
        message = "Give weeklyHours, dateOverrides, temporaryZones, timeZone or dailyCap."
        raise InvalidInput(FieldError(path=("weeklyHours",), message=message))
    wrong: list[FieldError] = []
    change = AvailabilityChange(
        hours=_week(said.weekly_hours, wrong),
        overrides=_overrides(said.date_overrides, wrong),
        zones=_stays(said.temporary_zones, wrong),
        zone=_zone(("timeZone",), said.time_zone, wrong),
        daily_cap=_cap(said.daily_cap, wrong),
    )
    if wrong:
        raise InvalidInput(*wrong)
    return change


def _week(said: Sequence[SaidWeeklyInterval] | None, wrong: list[FieldError]) -> WeeklyHours | None:
    path = ("weeklyHours",)
    if said is None or _are_too_many(path, said, MAX_WEEKLY_INTERVALS, wrong):
        return None
    days: dict[int, list[tuple[int, WeeklyInterval]]] = defaultdict(list)
    for number, one in enumerate(said):
        facts = {"weekday": one.weekday, "opens": one.opens, "closes": one.closes}
        interval = _made((*path, str(number)), WeeklyInterval, facts, wrong)
        if interval is not None:
            days[interval.weekday].append((number, interval))
    in_order = (interval for day in sorted(days) for interval in _apart(path, days[day], wrong))
    return WeeklyHours(intervals=tuple(in_order))


def _overrides(
    said: Sequence[SaidOverride] | None, wrong: list[FieldError]
) -> tuple[DateOverride, ...] | None:
    path = ("dateOverrides",)
    if said is None or _are_too_many(path, said, MAX_OVERRIDES, wrong):
        return None
    overrides: dict[date, DateOverride] = {}
    for number, one in enumerate(said):
        here = (*path, str(number))
        if one.day in overrides:
            message = f"{one.day} is given twice; put all its hours into one."
            wrong.append(FieldError(path=(*here, "day"), message=message))
        intervals = tuple(_day((*here, "intervals"), one.intervals, wrong))
        overrides[one.day] = DateOverride(day=one.day, intervals=intervals)
    return tuple(overrides[day] for day in sorted(overrides))


def _day(
    path: tuple[str, ...], said: Sequence[SaidInterval], wrong: list[FieldError]
) -> Iterator[Interval]:
    if _are_too_many(path, said, MAX_INTERVALS_A_DAY, wrong):
        return iter(())
    made = (
        _made((*path, str(number)), Interval, {"opens": one.opens, "closes": one.closes}, wrong)
        for number, one in enumerate(said)
    )
    return _apart(path, [(number, one) for number, one in enumerate(made) if one], wrong)


def _stays(
    said: Sequence[SaidStay] | None, wrong: list[FieldError]
) -> tuple[TemporaryZone, ...] | None:
    path = ("temporaryZones",)
    if said is None or _are_too_many(path, said, MAX_ZONES, wrong):
        return None
    stays: list[TemporaryZone] = []
    away_until = date.min
    for number, one in sorted(enumerate(said), key=lambda each: each[1].first):
        here = (*path, str(number))
        if one.last < one.first:
            message = "Let the last day be the first one or a later one."
            wrong.append(FieldError(path=(*here, "lastDay"), message=message))
        if stays and one.first <= away_until:
            message = f"Begin after {away_until}, the last day of the stay before it."
            wrong.append(FieldError(path=(*here, "firstDay"), message=message))
        zone = _zone((*here, "timeZone"), one.time_zone, wrong)
        away_until = max(away_until, one.last)
        stays.append(TemporaryZone(first=one.first, last=one.last, zone=zone or _NOWHERE))
    return tuple(stays)


def _zone(path: tuple[str, ...], name: str | None, wrong: list[FieldError]) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found; not a name at all; the name of a folder
        message = 'Write an IANA time zone such as "Europe/London".'
        wrong.append(FieldError(path=path, message=message))
        return None


def _cap(said: int | None, wrong: list[FieldError]) -> int | None:
    if said is not None and not 1 <= said <= MAX_DAILY_CAP:
        message = f"Give 1 to {MAX_DAILY_CAP} jobs a day."
        wrong.append(FieldError(path=("dailyCap",), message=message))
    return said


def _are_too_many(
    path: tuple[str, ...], said: Sequence[object], most: int, wrong: list[FieldError]
) -> bool:
    if len(said) > most:
        wrong.append(FieldError(path=path, message=f"Give at most {most}."))
    return len(said) > most


def _made(
    path: tuple[str, ...],
    make: Callable[..., IntervalT],
    facts: dict[str, Any],
    wrong: list[FieldError],
) -> IntervalT | None:
    try:
        return make(**facts)
    except InvalidInput as refused:
        wrong += (FieldError(path=(*path, *e.path), message=e.message) for e in refused.errors)
        return None


def _apart(
    path: tuple[str, ...], numbered: list[tuple[int, IntervalT]], wrong: list[FieldError]
) -> Iterator[IntervalT]:
    """The stretches of one day in order; two that overlap are wrong, two that touch are not."""
    latest: IntervalT | None = None
    for number, one in sorted(numbered, key=lambda each: each[1].opens):
        if latest is not None and (latest.closes == _MIDNIGHT or one.opens < latest.closes):
            message = "This overlaps other hours of the day; join the two, or begin later."
            wrong.append(FieldError(path=(*path, str(number), "opens"), message=message))
        latest = one if latest is None else max(latest, one, key=_end)
        yield one


def _end(interval: Interval) -> tuple[bool, time]:
    return interval.closes == _MIDNIGHT, interval.closes
