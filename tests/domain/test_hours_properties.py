"""Free starts against a plain restatement of the rules, in many zones, weeks and diaries.

The restatement walks the clock by quarters of an hour and asks the wall clock each time; every zone
here is offset by whole quarters, and so are the hours.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.hours import Span, WeeklyHours, WeeklyInterval, clash, covers
from tests.domain.clocks import QUARTER, starts

#: The day before a change of clocks (or any day), and a zone in which it happens.
NIGHTS = st.sampled_from(
    [
        ("America/New_York", datetime(2026, 3, 7, 12, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 10, 31, 12, tzinfo=UTC)),
        ("Europe/London", datetime(2027, 3, 27, 12, tzinfo=UTC)),
        ("Europe/London", datetime(2026, 10, 24, 12, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 3, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 3, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 4, 23, 10, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 10, 29, 10, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 6, 1, 6, tzinfo=UTC)),
        ("Pacific/Chatham", datetime(2026, 4, 4, 6, tzinfo=UTC)),
        ("UTC", datetime(2026, 6, 6, 12, tzinfo=UTC)),
    ]
)


@st.composite
def weeks(draw: st.DrawFn, noon: datetime) -> WeeklyHours:
    """Up to four stretches on each of the days in question, overlapping as they please."""
    days = [(noon + timedelta(days=number)).isoweekday() for number in (-1, 0, 1, 2)]
    found = []
    for day in days:
        for opens, length in draw(
            st.lists(st.tuples(st.integers(0, 95), st.integers(1, 96)), max_size=4)
        ):
            closes = min(opens + length, 96) % 96
            found.append(
                WeeklyInterval(
                    weekday=day,
                    opens=time(opens // 4, opens % 4 * 15),
                    closes=time(closes // 4, closes % 4 * 15),
                )
            )
    return WeeklyHours(intervals=tuple(found))


@st.composite
def diaries(draw: st.DrawFn, noon: datetime) -> list[Span]:
    minutes = st.tuples(st.integers(-600, 2400), st.integers(5, 300))
    return [
        (noon + timedelta(minutes=start), noon + timedelta(minutes=start + length))
        for start, length in draw(st.lists(minutes, max_size=4))
    ]


def worked(hours: WeeklyHours, zone: ZoneInfo, quarter: datetime) -> bool:
    """Does the wall clock show working time in this quarter of an hour?"""
    wall = quarter.astimezone(zone)
    return any(
        one.weekday == wall.isoweekday()
        and one.opens <= wall.time() < (one.closes if one.closes != time() else time.max)
        for one in hours.intervals
    )


def quarters(start: datetime, end: datetime) -> list[datetime]:
    return [start + number * QUARTER for number in range((end - start) // QUARTER)]


@settings(max_examples=80, deadline=None, database=None)
@given(data=st.data())
def test_a_start_is_offered_if_and_only_if_it_is_on_the_grid_covered_and_free(
    data: st.DataObject,
) -> None:
    name, noon = data.draw(NIGHTS)
    zone = ZoneInfo(name)
    hours = data.draw(weeks(noon))
    busy = data.draw(diaries(noon))
    step = data.draw(st.sampled_from([15, 30, 60]))
    duration = data.draw(st.sampled_from([1, 2, 4, 8, 40])) * QUARTER
    buffer = timedelta(minutes=data.draw(st.sampled_from([0, 15, 20])))
    day = quarters(noon, noon + timedelta(hours=24))
    open_quarters = {
        quarter for quarter in quarters(noon, day[-1] + duration) if worked(hours, zone, quarter)
    }

    found = starts(
        hours,
        zone,
        noon,
        day[-1],
        duration=duration,
        busy=tuple(busy),
        buffer_minutes=buffer // timedelta(minutes=1),
        step_minutes=step,
        limit=len(day),
    )

    expected = []
    for start in day:
        wall, end = start.astimezone(zone), start + duration
        inside = open_quarters.issuperset(quarters(start, end))
        assert covers(hours, zone, start, end) is inside
        free = all(end + buffer <= begun or ended + buffer <= start for begun, ended in busy)
        assert (clash(start, end, busy, buffer=buffer) is None) is free
        if (wall.hour * 60 + wall.minute) % step == 0 and inside and free:
            expected.append(start)
    assert found == expected
