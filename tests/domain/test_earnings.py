"""Does every line come to lie in its bucket, and do the buckets add up?"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.earnings import DayLine, EarningsBy, Whereabouts, check_days, of_whom, told
from domain.ledger import LineKind
from domain.money import Money
from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from tests.factories import PROVIDER, a_viewer

DAY, WEEK, MONTH = EarningsBy.DAY, EarningsBy.WEEK, EarningsBy.MONTH
OTHER = UUID(int=70)


def a_line(day: str, kind: LineKind, minor: int, currency: str = "GBP") -> DayLine:
    return DayLine(
        day=date.fromisoformat(day),
        kind=kind,
        amount=Money(amount_minor=minor, currency=currency),
    )


LINES = [
    a_line("2026-10-28", LineKind.EARNING, 3200),
    a_line("2026-10-28", LineKind.TIP, 500),
    a_line("2026-11-01", LineKind.FEE, 900),
    a_line("2026-11-02", LineKind.CLAWBACK, -1600),
    a_line("2026-11-03", LineKind.EARNING, 100),
]
FIRST, LAST = date(2026, 10, 28), date(2026, 11, 3)


def amounts(by: EarningsBy) -> list[tuple[object, ...]]:
    (gbp,) = told(LINES, {}, first=FIRST, last=LAST, by=by)
    assert gbp.total.amount_minor == 3100
    return [
        (
            one.first_day.isoformat(),
            one.last_day.isoformat(),
            *(
                sum_.amount_minor
                for sum_ in (one.earned, one.tips, one.fees, one.clawbacks, one.total)
            ),
        )
        for one in gbp.buckets
    ]


def test_days_are_told_one_by_one_also_those_without_anything() -> None:
    assert amounts(DAY) == [
        ("2026-10-28", "2026-10-28", 3200, 500, 0, 0, 3700),
        ("2026-10-29", "2026-10-29", 0, 0, 0, 0, 0),
        ("2026-10-30", "2026-10-30", 0, 0, 0, 0, 0),
        ("2026-10-31", "2026-10-31", 0, 0, 0, 0, 0),
        ("2026-11-01", "2026-11-01", 0, 0, 900, 0, 900),
        ("2026-11-02", "2026-11-02", 0, 0, 0, -1600, -1600),
        ("2026-11-03", "2026-11-03", 100, 0, 0, 0, 100),
    ]


def test_weeks_begin_on_mondays_and_are_cut_off_at_both_ends() -> None:
    assert amounts(WEEK) == [
        ("2026-10-28", "2026-11-01", 3200, 500, 900, 0, 4600),
        ("2026-11-02", "2026-11-03", 100, 0, 0, -1600, -1500),
    ]


def test_months_are_cut_off_at_both_ends() -> None:
    assert amounts(MONTH) == [
        ("2026-10-28", "2026-10-31", 3200, 500, 0, 0, 3700),
        ("2026-11-01", "2026-11-03", 100, 0, 900, -1600, -600),
    ]


def test_currencies_are_told_apart_and_each_says_where_its_money_is() -> None:
    where = {
        "EUR": Whereabouts(pending=1, payable=-2, in_payout=3, paid=4),
        "GBP": Whereabouts(paid=5),
    }
    lines = [a_line("2026-10-28", LineKind.EARNING, 700, "JPY"), LINES[0]]
    found = told(lines, where, first=FIRST, last=FIRST, by=DAY)
    assert [
        (
            one.currency,
            *(m.amount_minor for m in (one.total, one.pending, one.payable)),
            *(m.amount_minor for m in (one.in_payout, one.paid)),
        )
        for one in found
    ] == [("EUR", 0, 1, -2, 3, 4), ("GBP", 3200, 0, 0, 0, 5), ("JPY", 700, 0, 0, 0, 0)]
    assert {m.currency for one in found for b in one.buckets for m in (b.earned, b.total)} == {
        *("EUR", "GBP", "JPY")
    }


def test_without_anything_there_is_no_currency() -> None:
    assert told([], {}, first=FIRST, last=LAST, by=DAY) == ()


@given(
    first=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    offsets=st.lists(st.tuples(st.integers(0, 399), st.integers(-9999, 9999)), max_size=20),
    by=st.sampled_from(EarningsBy),
)
def test_buckets_join_without_a_hole_and_add_up(
    first: date, offsets: list[tuple[int, int]], by: EarningsBy
) -> None:
    last = first + timedelta(days=max((days for days, _ in offsets), default=0))
    lines = [
        a_line((first + timedelta(days=days)).isoformat(), LineKind.EARNING, minor)
        for days, minor in offsets
    ]
    for one in told(lines, {}, first=first, last=last, by=by):
        days = [bucket.first_day for bucket in one.buckets]
        ends = [bucket.last_day for bucket in one.buckets]
        assert (days[0], ends[-1]) == (first, last)
        assert days[1:] == [end + timedelta(days=1) for end in ends[:-1]]
        for bucket in one.buckets:
            within = [
                line.amount.amount_minor
                for line in lines
                if bucket.first_day <= line.day <= bucket.last_day
            ]
            assert bucket.total.amount_minor == sum(within)
        assert one.total.amount_minor == sum(minor for _, minor in offsets)


@pytest.mark.parametrize(
    ("first", "last", "path"),
    [
        ("2026-11-02", "2026-11-01", "to"),
        ("2026-01-01", "2027-01-02", "to"),
        ("1969-12-31", "1970-01-01", "from"),
        ("9999-12-30", "9999-12-31", "from"),
    ],
)
def test_days_that_cannot_be_told_are_refused(first: str, last: str, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_days(date.fromisoformat(first), date.fromisoformat(last))
    assert [error.path for error in refused.value.errors] == [(path,)]


def test_a_day_and_a_leap_year_can_be_told() -> None:
    check_days(FIRST, FIRST)
    check_days(date(2028, 1, 1), date(2028, 12, 31))
    check_days(date(1970, 1, 1), date(1970, 1, 1))
    check_days(date(9998, 12, 31), date(9998, 12, 31))


def test_providers_read_their_own_and_staff_and_analysts_anybodys() -> None:
    own = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    assert of_whom(own, None) == PROVIDER
    with pytest.raises(NotFound):
        of_whom(own, OTHER)
    for role in (Role.DISPATCHER, Role.ANALYST, Role.ADMIN):
        assert of_whom(a_viewer(role=role), OTHER) == OTHER
