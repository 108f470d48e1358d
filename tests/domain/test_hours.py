"""Working hours, clashes and free starts on ordinary days."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from domain.hours import WeeklyHours, WeeklyInterval, clash, covers, utc
from domain.refusals import FieldError, InvalidInput
from tests.domain.clocks import LONDON, NEW_YORK, QUARTER, week, z

# The value


@pytest.mark.parametrize("weekday", [0, 8])
def test_a_day_that_is_not_in_the_week_is_refused(weekday: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        WeeklyInterval(weekday=weekday, opens=time(9), closes=time(17))

    message = "Give 1 (Monday) to 7 (Sunday)."
    assert refused.value.errors == (FieldError(path=("weekday",), message=message),)


@pytest.mark.parametrize(("opens", "closes"), [(time(9), time(9)), (time(9), time(8, 59))])
def test_hours_that_close_before_they_open_are_refused(opens: time, closes: time) -> None:
    with pytest.raises(InvalidInput) as refused:
        WeeklyInterval(weekday=1, opens=opens, closes=closes)

    message = "Close later than you open; 00:00 is the end of the day."
    assert refused.value.errors == (FieldError(path=("closes",), message=message),)


def test_every_wrong_field_of_an_interval_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        WeeklyInterval(weekday=9, opens=time(9), closes=time(8))

    assert [error.path for error in refused.value.errors] == [("weekday",), ("closes",)]


def test_closing_at_midnight_means_the_end_of_the_day() -> None:
    whole_day = WeeklyInterval(weekday=1, opens=time(), closes=time())
    naive = datetime.combine

    assert whole_day.on(date(2026, 6, 1)) == (
        naive(date(2026, 6, 1), time()),
        naive(date(2026, 6, 2), time()),
    )


def test_an_instant_is_the_same_instant_in_utc() -> None:
    abroad = datetime(2026, 6, 1, 9, tzinfo=timezone(timedelta(hours=-4)))

    assert utc(abroad) == z("06-01 13:00")
    assert utc(abroad).tzinfo is UTC


def test_a_time_without_a_zone_is_not_an_instant() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        utc(datetime(2026, 6, 1))  # noqa: DTZ001  # the very thing that is refused


# covers: 1 June 2026 is a Monday


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [
        ("06-01 09:00", "06-01 12:00", True),
        ("06-01 13:00", "06-01 17:00", True),
        ("06-01 08:59", "06-01 10:00", False),
        ("06-01 11:00", "06-01 12:01", False),
        ("06-01 11:30", "06-01 13:30", False),
        ("06-01 12:00", "06-01 13:00", False),
        ("06-03 09:00", "06-03 10:00", False),
        ("06-01 16:00", "06-02 10:00", False),
        ("06-01 10:00", "06-01 10:00", False),
        ("06-01 11:00", "06-01 10:00", False),
    ],
)
def test_a_job_is_covered_when_all_of_it_is_inside_one_stretch(
    start: str, end: str, covered: bool
) -> None:
    split = week("13:00-17:00", "09:00-12:00", days=(1, 2))

    assert covers(split, ZoneInfo("UTC"), z(start), z(end)) is covered


def test_intervals_that_touch_or_overlap_are_one_stretch() -> None:
    joined = week("12:00-17:00", "09:00-12:00", "10:00-11:00", days=(1,))

    assert covers(joined, ZoneInfo("UTC"), z("06-01 09:00"), z("06-01 17:00"))


def test_nights_join_across_midnight_and_across_the_end_of_the_week() -> None:
    nights = week("00:00-06:00", "22:00-00:00")

    assert covers(nights, LONDON, z("06-02 21:00"), z("06-03 05:00"))
    assert covers(nights, LONDON, z("06-07 21:00"), z("06-08 05:00"))
    assert not covers(nights, LONDON, z("06-02 21:00"), z("06-03 05:01"))


def test_round_the_clock_covers_a_fortnight_with_a_change_of_clocks_in_it() -> None:
    assert covers(week("00:00-00:00"), LONDON, z("03-22 00:00"), z("04-05 00:00"))


def test_no_hours_cover_nothing() -> None:
    assert not covers(WeeklyHours(), LONDON, z("06-01 09:00"), z("06-01 10:00"))


def test_hours_are_local_to_the_zone() -> None:
    nine_to_five = week("09:00-17:00")

    assert covers(nine_to_five, NEW_YORK, z("01-15 14:00"), z("01-15 22:00"))
    assert covers(nine_to_five, NEW_YORK, z("07-15 13:00"), z("07-15 21:00"))
    assert not covers(nine_to_five, NEW_YORK, z("07-15 14:00"), z("07-15 22:00"))


def test_a_naive_job_is_refused() -> None:
    naive = datetime(2026, 6, 1, 9)  # noqa: DTZ001  # the very thing that is refused

    with pytest.raises(ValueError, match="has no time zone"):
        covers(week("00:00-00:00"), LONDON, naive, z("06-01 10:00"))


# clash


@pytest.mark.parametrize(
    ("busy", "clashes"),
    [
        (("08:00", "08:45"), False),
        (("08:00", "08:46"), True),
        (("10:15", "11:00"), False),
        (("10:14", "11:00"), True),
        (("09:20", "09:40"), True),
        (("08:00", "11:00"), True),
    ],
)
def test_jobs_nearer_than_the_buffer_clash(busy: tuple[str, str], clashes: bool) -> None:
    start, end = (z(f"06-01 {at}") for at in busy)
    taken = [(start, end)]

    found = clash(z("06-01 09:00"), z("06-01 10:00"), taken, buffer=QUARTER)

    assert found == (taken[0] if clashes else None)


def test_fifteen_minutes_after_one_job_and_before_the_next_are_one_gap_of_fifteen() -> None:
    before = (z("06-01 08:00"), z("06-01 08:45"))
    after = (z("06-01 10:15"), z("06-01 11:00"))

    assert clash(z("06-01 09:00"), z("06-01 10:00"), [before, after], buffer=QUARTER) is None


def test_the_earliest_clash_is_named() -> None:
    later = (z("06-01 09:30"), z("06-01 11:00"))
    earlier = (z("06-01 08:00"), z("06-01 09:30"))

    assert clash(z("06-01 09:00"), z("06-01 10:00"), [later, earlier]) == earlier


def test_without_a_buffer_jobs_may_touch() -> None:
    touching = [(z("06-01 08:00"), z("06-01 09:00")), (z("06-01 10:00"), z("06-01 11:00"))]

    assert clash(z("06-01 09:00"), z("06-01 10:00"), touching) is None
