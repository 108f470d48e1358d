"""Does a rule come true when the standard says, and at once when it never does?"""

from datetime import datetime, timedelta
from itertools import islice

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.recurrence import parse
from gateways.recurrence import expand


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def days(text: str, first: str, limit: int = 5) -> list[str]:
    return [f"{at:%m-%d %H:%M}" for at in islice(expand(parse(text), wall(first)), limit)]


@pytest.mark.parametrize(
    ("rule", "first", "starts"),
    [
        (
            "FREQ=WEEKLY;BYDAY=MO;COUNT=3",
            "2026-10-19 09:00",
            ["10-19 09:00", "10-26 09:00", "11-02 09:00"],
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH",
            "2026-10-19 09:00",
            ["10-19 09:00", "10-22 09:00", "11-02 09:00", "11-05 09:00", "11-16 09:00"],
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=31",
            "2026-01-31 18:30",
            ["01-31 18:30", "03-31 18:30", "05-31 18:30", "07-31 18:30", "08-31 18:30"],
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=3",
            "2026-01-30 08:00",
            ["01-30 08:00", "02-27 08:00", "03-31 08:00"],
        ),
        (
            "FREQ=DAILY;UNTIL=20260303",
            "2026-03-01 23:00",
            ["03-01 23:00", "03-02 23:00", "03-03 23:00"],
        ),
        (
            "FREQ=DAILY;UNTIL=20260303T225959",
            "2026-03-01 23:00",
            ["03-01 23:00", "03-02 23:00"],
        ),
        # The first is told only where the rule says so.
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=1", "2026-10-19 09:00", ["10-20 09:00"]),
    ],
)
def test_a_rule_comes_true_when_it_says(rule: str, first: str, starts: list[str]) -> None:
    assert days(rule, first) == starts


def test_leap_days_come_in_leap_years_only() -> None:
    rule = parse("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29")

    years = [at.year for at in islice(expand(rule, wall("2028-02-29 09:00")), 20)]

    assert years == [*range(2028, 2100, 4), 2104, 2108]


RULES = st.builds(
    "FREQ={}{}{}".format,
    st.sampled_from(
        [
            "DAILY",
            "DAILY;BYDAY=MO,SU",
            "WEEKLY",
            "WEEKLY;WKST=SU;BYDAY=SU,TU",
            "MONTHLY",
            "MONTHLY;BYDAY=1MO,-1FR",
            "MONTHLY;BYMONTHDAY=-1,13",
            "YEARLY",
            "YEARLY;BYMONTH=2;BYMONTHDAY=-1",
        ]
    ),
    st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=7"]),
    st.sampled_from(["", ";COUNT=7"]),
)


@settings(deadline=None)
@given(text=RULES, minutes=st.integers(0, 4000 * 1440))
def test_reckoning_near_the_end_of_time_changes_nothing(text: str, minutes: int) -> None:
    first = wall("2024-02-29 00:00") + timedelta(minutes=minutes)

    ours = list(islice(expand(parse(text), first), 10))

    assert ours == list(islice(rrulestr(text, dtstart=first), 10))


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;INTERVAL=7;BYDAY=FR",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=99",
        "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    ],
)
def test_a_rule_that_never_comes_true_has_no_starts(text: str) -> None:
    assert list(expand(parse(text), wall("2026-03-01 09:00"))) == []


@pytest.mark.parametrize("year", [1970, 1999, 2026, 2199, 2399, 2400, 9000, 9998])
def test_no_rule_is_searched_for_more_than_six_hundred_years(
    year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[datetime] = []

    def spy(_text: str, *, dtstart: datetime) -> list[datetime]:
        begun.append(dtstart)
        return [dtstart]

    monkeypatch.setattr("gateways.recurrence.rrulestr", spy)
    first = wall(f"{year}-03-01 09:00")

    assert list(expand(parse("FREQ=DAILY"), first)) == [first]
    assert 9999 - begun[0].year < 600
