"""What may be said about when one works, and what is wrong with the rest?"""

from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.availability import DateOverride, TemporaryZone
from domain.availability_changes import (
    MAX_INTERVALS_A_DAY,
    MAX_OVERRIDES,
    MAX_WEEKLY_INTERVALS,
    MAX_ZONES,
    AvailabilityChange,
    Said,
    SaidInterval,
    SaidOverride,
    SaidStay,
    SaidWeeklyInterval,
    understood,
)
from domain.hours import Interval, WeeklyHours, WeeklyInterval
from domain.refusals import FieldError, InvalidInput
from tests.domain.clocks import LONDON, week
from tests.domain.diaries import TOKYO, an_availability, an_override

MONDAY = date(2026, 1, 5)
DAY = timedelta(days=1)


def weekly(weekday: int, text: str) -> SaidWeeklyInterval:
    opens, _, closes = text.partition("-")
    return SaidWeeklyInterval(
        weekday=weekday, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
    )


def on(day: date, *texts: str) -> SaidOverride:
    stretches = (weekly(1, text) for text in texts)
    intervals = tuple(SaidInterval(opens=one.opens, closes=one.closes) for one in stretches)
    return SaidOverride(day=day, intervals=intervals)


def stay(first: date, last: date, zone: str = "Asia/Tokyo") -> SaidStay:
    return SaidStay(first=first, last=last, time_zone=zone)


def wrong(**said: Any) -> tuple[FieldError, ...]:
    with pytest.raises(InvalidInput) as refused:
        understood(Said(**said))
    return refused.value.errors


def paths(**said: Any) -> list[str]:
    return [".".join(error.path) for error in wrong(**said)]


def test_all_that_is_said_is_put_in_order() -> None:
    change = understood(
        Said(
            weekly_hours=(
                weekly(2, "13:00-00:00"),
                weekly(2, "09:00-13:00"),
                weekly(1, "08:00-09:00"),
            ),
            date_overrides=(on(MONDAY + DAY, "12:00-14:00", "08:00-10:00"), on(MONDAY)),
            temporary_zones=(stay(MONDAY + DAY, MONDAY + DAY), stay(MONDAY, MONDAY, "UTC")),
            time_zone="Europe/London",
            daily_cap=50,
        )
    )

    def interval(weekday: int, opens: int, closes: int) -> WeeklyInterval:
        return WeeklyInterval(weekday=weekday, opens=time(opens), closes=time(closes))

    assert change == AvailabilityChange(
        hours=WeeklyHours(intervals=(interval(1, 8, 9), interval(2, 9, 13), interval(2, 13, 0))),
        overrides=(
            DateOverride(day=MONDAY),
            DateOverride(
                day=MONDAY + DAY,
                intervals=(
                    Interval(opens=time(8), closes=time(10)),
                    Interval(opens=time(12), closes=time(14)),
                ),
            ),
        ),
        zones=(
            TemporaryZone(first=MONDAY, last=MONDAY, zone=ZoneInfo("UTC")),
            TemporaryZone(first=MONDAY + DAY, last=MONDAY + DAY, zone=TOKYO),
        ),
        zone=LONDON,
        daily_cap=50,
    )


def test_what_is_not_said_stays_and_an_empty_list_clears() -> None:
    before = an_availability(overrides=(an_override(MONDAY),), daily_cap=7)

    assert understood(Said(daily_cap=1)) == AvailabilityChange(daily_cap=1)
    assert understood(Said(daily_cap=1)).applied_to(before) == an_availability(
        overrides=(an_override(MONDAY),), daily_cap=1
    )
    cleared = understood(Said(weekly_hours=(), date_overrides=(), temporary_zones=()))
    assert cleared.applied_to(before) == an_availability(hours=WeeklyHours(), daily_cap=7)


def test_each_part_takes_the_place_of_what_was_before() -> None:
    zones = (TemporaryZone(first=MONDAY, last=MONDAY, zone=LONDON),)
    overrides = (an_override(MONDAY, "09:00-10:00"),)
    change = AvailabilityChange(
        hours=week("10:00-11:00"), overrides=overrides, zones=zones, zone=TOKYO, daily_cap=9
    )

    before = an_availability(time_off=(), holidays=frozenset({MONDAY}))
    assert change.applied_to(before) == an_availability(
        hours=week("10:00-11:00"),
        overrides=overrides,
        zones=zones,
        zone=TOKYO,
        daily_cap=9,
        holidays=frozenset({MONDAY}),
    )


def test_saying_nothing_is_refused() -> None:
    (error,) = wrong()
    assert error.path == ("weeklyHours",)


def test_an_interval_names_its_wrong_fields() -> None:
    hours = (weekly(1, "09:00-10:00"), weekly(8, "09:00-09:00"), weekly(2, "12:00-11:00"))

    assert paths(weekly_hours=hours) == [
        "weeklyHours.1.weekday",
        "weeklyHours.1.closes",
        "weeklyHours.2.closes",
    ]


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        # Told of the one that begins later, wherever it stands.
        (("11:00-13:00", "09:00-12:00"), ["weeklyHours.0.opens"]),
        (("09:00-12:00", "09:00-12:00"), ["weeklyHours.1.opens"]),
        (("20:00-00:00", "23:00-23:30"), ["weeklyHours.1.opens"]),
        # One that spans others overlaps each of them.
        (
            ("09:00-17:00", "10:00-11:00", "12:00-13:00"),
            ["weeklyHours.1.opens", "weeklyHours.2.opens"],
        ),
        (
            ("09:00-00:00", "10:00-11:00", "12:00-13:00"),
            ["weeklyHours.1.opens", "weeklyHours.2.opens"],
        ),
    ],
)
def test_hours_of_one_day_may_not_overlap(hours: tuple[str, ...], found: list[str]) -> None:
    assert paths(weekly_hours=tuple(weekly(3, text) for text in hours)) == found
    as_dates = [path.replace("weeklyHours", "dateOverrides.0.intervals") for path in found]
    assert paths(date_overrides=(on(MONDAY, *hours),)) == as_dates


def test_hours_that_touch_and_hours_of_other_days_are_fine() -> None:
    understood(Said(weekly_hours=(weekly(1, "09:00-12:00"), weekly(1, "12:00-00:00"))))
    understood(Said(weekly_hours=(weekly(1, "09:00-12:00"), weekly(2, "09:00-12:00"))))


def test_a_date_is_given_once() -> None:
    assert paths(date_overrides=(on(MONDAY), on(MONDAY + DAY), on(MONDAY, "09:00-10:00"))) == [
        "dateOverrides.2.day"
    ]


def test_hours_of_a_date_name_their_wrong_fields() -> None:
    assert paths(date_overrides=(on(MONDAY), on(MONDAY + DAY, "09:00-10:00", "12:00-11:00"))) == [
        "dateOverrides.1.intervals.1.closes"
    ]


@pytest.mark.parametrize(
    ("stays", "found"),
    [
        ((stay(MONDAY, MONDAY - DAY),), ["temporaryZones.0.lastDay"]),
        ((stay(MONDAY, MONDAY), stay(MONDAY, MONDAY)), ["temporaryZones.1.firstDay"]),
        ((stay(MONDAY, MONDAY + DAY), stay(MONDAY - DAY, MONDAY)), ["temporaryZones.0.firstDay"]),
        (
            (
                stay(MONDAY, MONDAY + 9 * DAY),
                stay(MONDAY + DAY, MONDAY + DAY),
                stay(MONDAY + 5 * DAY, MONDAY + 5 * DAY),
            ),
            ["temporaryZones.1.firstDay", "temporaryZones.2.firstDay"],
        ),
        ((stay(MONDAY, MONDAY, "Mars/Olympus"),), ["temporaryZones.0.timeZone"]),
    ],
)
def test_stays_in_other_zones_do_not_meet(stays: tuple[SaidStay, ...], found: list[str]) -> None:
    assert paths(temporary_zones=stays) == found


def test_stays_that_follow_each_other_are_fine() -> None:
    change = understood(
        Said(temporary_zones=(stay(MONDAY, MONDAY), stay(MONDAY + DAY, MONDAY + DAY)))
    )
    assert change.zones is not None
    assert [one.time_zone for one in change.zones] == ["Asia/Tokyo"] * 2


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../etc/passwd", "Europe", "x" * 300, "a\x00"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    assert paths(time_zone=name) == ["timeZone"]


@pytest.mark.parametrize("cap", [0, 51, -1])
def test_a_cap_out_of_range_is_refused(cap: int) -> None:
    assert paths(daily_cap=cap) == ["dailyCap"]
    understood(Said(daily_cap=50))


def test_there_is_an_end_to_what_can_be_said() -> None:
    hours = [weekly(n % 7 + 1, f"{n // 7:02}:00-{n // 7:02}:30") for n in range(51)]
    days = [on(MONDAY + n * DAY) for n in range(367)]
    quarters = [f"{n // 4:02}:{n % 4 * 15:02}-{n // 4:02}:{n % 4 * 15 + 10:02}" for n in range(25)]
    stays = [stay(MONDAY + n * DAY, MONDAY + n * DAY) for n in range(51)]
    assert (MAX_WEEKLY_INTERVALS, MAX_OVERRIDES, MAX_INTERVALS_A_DAY, MAX_ZONES) == (
        50,
        366,
        24,
        50,
    )

    most = {"weekly_hours": hours[:50], "date_overrides": days[:366], "temporary_zones": stays[:50]}
    understood(Said(**{name: tuple(said) for name, said in most.items()}))  # type: ignore[arg-type]
    understood(Said(date_overrides=(on(MONDAY, *quarters[:24]),)))

    assert paths(
        weekly_hours=tuple(hours), date_overrides=tuple(days), temporary_zones=tuple(stays)
    ) == ["weeklyHours", "dateOverrides", "temporaryZones"]
    assert paths(date_overrides=(on(MONDAY, *quarters),)) == ["dateOverrides.0.intervals"]


def test_every_wrong_field_of_every_part_is_told_at_once() -> None:
    assert paths(
        weekly_hours=(weekly(0, "09:00-10:00"),),
        date_overrides=(on(MONDAY, "09:00-08:00"),),
        temporary_zones=(stay(MONDAY, MONDAY - DAY),),
        time_zone="nowhere",
        daily_cap=0,
    ) == [
        "weeklyHours.0.weekday",
        "dateOverrides.0.intervals.0.closes",
        "temporaryZones.0.lastDay",
        "timeZone",
        "dailyCap",
    ]
