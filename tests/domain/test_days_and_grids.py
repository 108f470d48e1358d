"""When does a local day begin and end, and which instants are on its grid?"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from domain.hours import (
    Interval,
    Span,
    WeeklyInterval,
    day_bounds,
    grid,
    is_on_grid,
    joined,
    most_at_once,
)
from domain.refusals import InvalidInput
from tests.domain.clocks import (
    CAIRO,
    HOUR,
    KATHMANDU,
    LONDON,
    LORD_HOWE,
    NEW_YORK,
    QUARTER,
    walls,
    z,
)

HAVANA, APIA, BEIRUT = (ZoneInfo(n) for n in ("America/Havana", "Pacific/Apia", "Asia/Beirut"))


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        (LONDON, "2026-06-01", "2026-05-31T23:00", 24),
        (LONDON, "2027-03-28", "2027-03-28T00:00", 23),
        (LONDON, "2026-10-25", "2026-10-24T23:00", 25),
        (LONDON, "2026-10-24", "2026-10-23T23:00", 24),
        (LONDON, "2026-10-26", "2026-10-26T00:00", 24),
        (NEW_YORK, "2026-03-08", "2026-03-08T05:00", 23),
        (NEW_YORK, "2026-11-01", "2026-11-01T04:00", 25),
        (LORD_HOWE, "2026-10-04", "2026-10-03T13:30", 23.5),
        (LORD_HOWE, "2026-04-05", "2026-04-04T13:00", 24.5),
        # No midnight: the day begins at 01:00.
        (CAIRO, "2026-04-24", "2026-04-23T22:00", 23),
        (CAIRO, "2026-04-23", "2026-04-22T22:00", 24),
        # Midnight comes twice: the day begins with the first.
        (HAVANA, "2026-11-01", "2026-11-01T04:00", 25),
        # From midnight back to 23:00: the hour before it comes twice, and midnight once.
        (BEIRUT, "2026-10-24", "2026-10-23T21:00", 25),
        (BEIRUT, "2026-10-25", "2026-10-24T22:00", 24),
        (KATHMANDU, "2026-06-01", "2026-05-31T18:15", 24),
        # The day on which Samoa crossed the date line.
        (APIA, "2011-12-29", "2011-12-29T10:00", 24),
        (APIA, "2011-12-30", "2011-12-30T10:00", 0),
        (APIA, "2011-12-31", "2011-12-30T10:00", 24),
    ],
)
def test_a_local_day_is_as_long_as_its_zone_makes_it(
    zone: ZoneInfo, day: str, begins: str, hours: float
) -> None:
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)

    assert day_bounds(zone, date.fromisoformat(day)) == (start, start + hours * HOUR)


def test_days_follow_one_another_without_a_hole_all_year() -> None:
    for zone in (LONDON, NEW_YORK, LORD_HOWE, CAIRO, KATHMANDU, HAVANA, BEIRUT):
        bounds = [day_bounds(zone, date(2026, 1, 1) + timedelta(days=n)) for n in range(366)]
        for (_, end), (start, _) in pairwise(bounds):
            assert end == start


def test_the_grid_lists_each_instant_once_in_the_night_that_is_an_hour_longer() -> None:
    found = list(
        grid(NEW_YORK, earliest=z("11-01 04:50"), latest=z("11-01 07:00"), step=2 * QUARTER)
    )

    assert walls(found, NEW_YORK) == [
        "01:00-0400",
        "01:30-0400",
        "01:00-0500",
        "01:30-0500",
        "02:00-0500",
    ]
    assert len(set(found)) == 5


def test_the_grid_leaves_out_the_hour_that_is_skipped() -> None:
    found = list(
        grid(NEW_YORK, earliest=z("03-08 06:15"), latest=z("03-08 07:30"), step=2 * QUARTER)
    )

    assert walls(found, NEW_YORK) == ["01:30-0500", "03:00-0400", "03:30-0400"]


def test_the_grid_stays_with_the_wall_where_clocks_shift_by_half_an_hour() -> None:
    found = list(grid(LORD_HOWE, earliest=z("10-03 14:30"), latest=z("10-03 17:00"), step=HOUR))

    # 02:00 is followed by 02:30, so the next whole hour is half an hour away.
    assert walls(found, LORD_HOWE) == ["01:00+1030", "03:00+1100", "04:00+1100"]


def test_the_grid_begins_anew_at_midnight() -> None:
    found = list(grid(LONDON, earliest=z("01-01 20:00"), latest=z("01-02 08:00"), step=7 * HOUR))

    assert walls(found, LONDON) == ["21:00+0000", "00:00+0000", "07:00+0000"]


def test_the_grid_takes_both_ends_in() -> None:
    assert list(grid(LONDON, earliest=z("01-01 09:00"), latest=z("01-01 09:15"), step=QUARTER)) == [
        z("01-01 09:00"),
        z("01-01 09:15"),
    ]
    assert (
        list(grid(LONDON, earliest=z("01-01 09:01"), latest=z("01-01 09:14"), step=QUARTER)) == []
    )


@pytest.mark.parametrize(
    ("zone", "at", "step", "on_it"),
    [
        (LONDON, "06-01 09:15", QUARTER, True),
        (LONDON, "06-01 09:16", QUARTER, False),
        (LONDON, "06-01 09:00:01", QUARTER, False),
        (KATHMANDU, "06-01 09:15", HOUR, True),
        (KATHMANDU, "06-01 09:00", HOUR, False),
        # The first instant of a day without midnight shows 01:00.
        (CAIRO, "04-23 22:00", HOUR, True),
        (CAIRO, "04-23 22:00", 2 * HOUR, False),
    ],
)
def test_an_instant_is_on_the_grid_by_the_wall_clock(
    zone: ZoneInfo, at: str, step: timedelta, on_it: bool
) -> None:
    assert is_on_grid(zone, z(at), step) is on_it


def test_an_instant_given_by_its_own_wall_is_looked_at_in_utc() -> None:
    second = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1)

    assert is_on_grid(NEW_YORK, second, 2 * QUARTER)
    assert list(grid(NEW_YORK, earliest=second, latest=second, step=2 * QUARTER)) == [
        z("11-01 06:30")
    ]


def spans(*texts: str) -> list[Span]:
    return [(z(f"06-01 {text[:5]}"), z(f"06-01 {text[6:]}")) for text in texts]


def test_spans_that_touch_or_overlap_are_one() -> None:
    given = spans("08:00-10:00", "09:00-09:30", "10:00-11:00", "12:00-13:00")

    assert list(joined(given)) == spans("08:00-11:00", "12:00-13:00")
    assert list(joined([])) == []


def test_spans_are_counted_where_most_of_them_come_together() -> None:
    window = spans("09:00-12:00")[0]

    assert most_at_once(spans("08:00-10:00", "09:30-11:00", "10:00-12:30"), window) == 2
    assert most_at_once(spans("08:00-10:00", "09:30-11:00", "09:45-12:30"), window) == 3
    # One that ends makes room for one that begins at that moment; what is outside does not count.
    assert most_at_once(spans("09:00-10:00", "10:00-11:00", "07:00-09:00"), window) == 1
    assert most_at_once([], window) == 0


def test_hours_on_a_date_close_after_they_open() -> None:
    with pytest.raises(InvalidInput) as refused:
        Interval(opens=time(9), closes=time(9))
    assert [error.path for error in refused.value.errors] == [("closes",)]
    assert Interval(opens=time(9), closes=time()).on(date(2026, 6, 1))[1].day == 2


def test_weekly_hours_are_hours_with_a_weekday() -> None:
    assert isinstance(WeeklyInterval(weekday=1, opens=time(9), closes=time(10)), Interval)
