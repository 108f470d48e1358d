"""Working hours on the days on which clocks are changed, and in zones unlike others."""

from datetime import date, datetime, time, timedelta

import pytest

from domain.hours import WeeklyHours, WeeklyInterval, covers, utc
from tests.domain.clocks import (
    CAIRO,
    HOUR,
    KATHMANDU,
    LONDON,
    LORD_HOWE,
    NEW_YORK,
    QUARTER,
    starts,
    walls,
    week,
    z,
)


def test_a_job_given_in_its_own_zone_is_measured_in_elapsed_time() -> None:
    # 00:30 to 02:30 on the wall of that night is three hours, as 01:00 to 02:00 comes twice.
    start = datetime(2026, 11, 1, 0, 30, tzinfo=NEW_YORK)
    end = datetime(2026, 11, 1, 2, 30, tzinfo=NEW_YORK)

    assert covers(week("00:00-00:00"), NEW_YORK, start, end)
    assert starts(
        week("00:30-02:30"), NEW_YORK, start, end, duration=3 * HOUR, step_minutes=15
    ) == [z("11-01 04:30")]


def test_new_york_skips_half_past_two() -> None:
    # 2026-03-08: 01:59:59 EST is followed by 03:00 EDT, at 07:00 UTC.
    found = starts(week("01:00-05:00"), NEW_YORK, z("03-08 00:00"), z("03-08 20:00"))

    assert walls(found, NEW_YORK) == [
        "01:00-0500",
        "01:30-0500",
        "03:00-0400",
        "03:30-0400",
        "04:00-0400",
    ]
    assert found[1:3] == [z("03-08 06:30"), z("03-08 07:00")]


def test_hours_that_open_in_the_skipped_hour_open_after_it() -> None:
    opens_in_it, all_in_it = week("02:30-05:00"), week("02:00-03:00")

    assert covers(opens_in_it, NEW_YORK, z("03-08 07:00"), z("03-08 09:00"))
    assert not covers(opens_in_it, NEW_YORK, z("03-08 06:59"), z("03-08 09:00"))
    assert starts(all_in_it, NEW_YORK, z("03-08 00:00"), z("03-08 12:00")) == []


def test_hours_that_close_in_the_skipped_hour_close_before_it() -> None:
    closes_in_it = week("00:00-02:30")

    assert covers(closes_in_it, NEW_YORK, z("03-08 05:00"), z("03-08 07:00"))
    assert not covers(closes_in_it, NEW_YORK, z("03-08 05:00"), z("03-08 07:01"))


def test_new_york_has_half_past_one_twice_as_two_instants() -> None:
    # 2026-11-01: 01:59:59 EDT is followed by 01:00 EST, at 06:00 UTC.
    found = starts(week("01:00-03:00"), NEW_YORK, z("11-01 00:00"), z("11-01 20:00"))

    assert walls(found, NEW_YORK) == [
        "01:00-0400",
        "01:30-0400",
        "01:00-0500",
        "01:30-0500",
        "02:00-0500",
    ]
    assert found == [z(f"11-01 {at}") for at in ("05:00", "05:30", "06:00", "06:30", "07:00")]


def test_hours_within_the_hour_that_comes_twice_are_worked_twice() -> None:
    quarter_to = week("01:15-01:45")

    assert covers(quarter_to, NEW_YORK, z("11-01 05:15"), z("11-01 05:45"))
    assert covers(quarter_to, NEW_YORK, z("11-01 06:15"), z("11-01 06:45"))
    assert not covers(quarter_to, NEW_YORK, z("11-01 05:15"), z("11-01 06:45"))


@pytest.mark.parametrize(
    ("day", "next_day", "length"),
    [
        (date(2027, 3, 28), date(2027, 3, 29), 23),
        (date(2026, 10, 25), date(2026, 10, 26), 25),
        (date(2026, 6, 1), date(2026, 6, 2), 24),
    ],
)
def test_london_works_the_whole_of_short_and_long_days(
    day: date, next_day: date, length: int
) -> None:
    midnight = utc(datetime.combine(day, time(), LONDON))
    following = utc(datetime.combine(next_day, time(), LONDON))
    that_day_only = week("00:00-00:00", days=(day.isoweekday(),))

    assert following - midnight == length * HOUR
    assert covers(that_day_only, LONDON, midnight, following)
    assert not covers(that_day_only, LONDON, midnight, following + QUARTER)
    assert not covers(that_day_only, LONDON, midnight - QUARTER, following)
    found = starts(that_day_only, LONDON, midnight, following, step_minutes=60)
    assert found == [midnight + hour * HOUR for hour in range(length)]


def test_lord_howe_changes_by_half_an_hour() -> None:
    # 2026-04-05: 01:59:59 +11 is followed by 01:30 +10:30, at 15:00 UTC the day before.
    autumn = starts(week("01:00-03:00"), LORD_HOWE, z("04-04 12:00"), z("04-04 20:00"))
    # 2026-10-04: 01:59:59 +10:30 is followed by 02:30 +11, at 15:30 UTC the day before.
    spring = starts(week("01:00-04:00"), LORD_HOWE, z("10-03 12:00"), z("10-03 20:00"))

    assert walls(autumn, LORD_HOWE) == [
        "01:00+1100",
        "01:30+1100",
        "01:30+1030",
        "02:00+1030",
    ]
    assert autumn[1:3] == [z("04-04 14:30"), z("04-04 15:00")]
    assert walls(spring, LORD_HOWE) == ["01:00+1030", "01:30+1030", "02:30+1100", "03:00+1100"]
    assert covers(week("01:00-02:00"), LORD_HOWE, z("04-04 14:00"), z("04-04 15:30"))
    assert not covers(week("01:00-02:00"), LORD_HOWE, z("04-04 14:00"), z("04-04 15:31"))


def test_steps_of_an_hour_stay_on_the_wall_clock_when_it_moves_by_half_an_hour() -> None:
    found = starts(
        week("00:00-05:00"), LORD_HOWE, z("04-04 12:00"), z("04-04 17:30"), step_minutes=60
    )

    assert walls(found, LORD_HOWE) == [
        "00:00+1100",
        "01:00+1100",
        "02:00+1030",
        "03:00+1030",
        "04:00+1030",
    ]


def test_cairo_has_a_day_without_midnight() -> None:
    # Friday 2026-04-24 begins at 01:00: Thursday's 23:59:59 +02 is followed by it, at 22:00 UTC.
    thursday_to_friday = WeeklyHours(
        intervals=(
            WeeklyInterval(weekday=4, opens=time(22), closes=time()),
            WeeklyInterval(weekday=5, opens=time(), closes=time(2)),
        )
    )

    assert covers(thursday_to_friday, CAIRO, z("04-23 20:00"), z("04-23 23:00"))
    assert not covers(thursday_to_friday, CAIRO, z("04-23 20:00"), z("04-23 23:01"))
    found = starts(thursday_to_friday, CAIRO, z("04-23 12:00"), z("04-24 12:00"))
    assert walls(found, CAIRO) == [
        "22:00+0200",
        "22:30+0200",
        "23:00+0200",
        "23:30+0200",
        "01:00+0300",
    ]


def test_kathmandu_is_on_its_own_grid() -> None:
    # +05:45: the hour on the wall is a quarter past in UTC.
    found = starts(
        week("09:00-12:00"), KATHMANDU, z("06-01 00:00"), z("06-01 12:00"), step_minutes=60
    )

    assert found == [z("06-01 03:15"), z("06-01 04:15"), z("06-01 05:15")]


def test_a_span_that_ends_at_the_very_change_is_covered_up_to_it() -> None:
    assert covers(week("00:00-02:00"), NEW_YORK, z("03-08 05:00"), z("03-08 07:00"))


def test_a_change_is_found_to_the_second_whatever_the_fraction() -> None:
    start = z("03-08 05:00") + timedelta(microseconds=1)

    assert covers(week("00:00-02:00"), NEW_YORK, start, z("03-08 07:00"))
    assert not covers(
        week("00:00-02:00"), NEW_YORK, start, z("03-08 07:00") + timedelta(microseconds=1)
    )
