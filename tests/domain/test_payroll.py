"""Is payroll due when the house's clocks say so, each period once, and who is paid?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.payouts import PayCycle
from domain.payroll import (
    Balance,
    chosen,
    decide,
    due_at,
    early,
    following,
    is_period,
    latest,
    missed,
)
from domain.refusals import InvalidInput, TooEarly

WEEKLY, MONTHLY = PayCycle.WEEKLY, PayCycle.MONTHLY
LONDON = ZoneInfo("Europe/London")
SECOND = timedelta(seconds=1)
#: Zones that change their clocks at midnight, around it, by half hours, by a day, or never.
ODD = (
    *("Africa/Cairo", "America/Asuncion", "America/Goose_Bay", "America/Havana", "Asia/Amman"),
    *("Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/London", "Pacific/Apia"),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("cycle", "zone", "period", "due"),
    [
        # The Mondays before and after the clocks are changed: 08:00 on the wall.
        (WEEKLY, "Europe/London", "2026-10-19", "2026-10-19T07:00Z"),
        (WEEKLY, "Europe/London", "2026-10-26", "2026-10-26T08:00Z"),
        (WEEKLY, "Europe/London", "2027-03-22", "2027-03-22T08:00Z"),
        (WEEKLY, "Europe/London", "2027-03-29", "2027-03-29T07:00Z"),
        (WEEKLY, "Asia/Kathmandu", "2026-06-01", "2026-06-01T02:15Z"),
        (MONTHLY, "Europe/London", "2026-11-01", "2026-11-01T00:00Z"),
        (MONTHLY, "Europe/London", "2026-07-01", "2026-06-30T23:00Z"),
        (MONTHLY, "Asia/Beirut", "2021-04-01", "2021-03-31T21:00Z"),
        (MONTHLY, "America/Sao_Paulo", "2018-11-01", "2018-11-01T03:00Z"),
        # There is no midnight: it is due at 01:00, which is the next time that there is.
        (MONTHLY, "America/Asuncion", "2023-10-01", "2023-10-01T04:00Z"),
        (MONTHLY, "Asia/Amman", "2016-04-01", "2016-03-31T22:00Z"),
        (MONTHLY, "Africa/Cairo", "2014-08-01", "2014-07-31T22:00Z"),
        # Midnight comes twice: it is due at the first.
        (MONTHLY, "America/Havana", "2026-11-01", "2026-11-01T04:00Z"),
        (MONTHLY, "America/Goose_Bay", "2009-11-01", "2009-11-01T03:00Z"),
    ],
)
def test_a_payroll_is_due_when_the_houses_clocks_say_so(
    cycle: PayCycle, zone: str, period: str, due: str
) -> None:
    assert due_at(cycle, date.fromisoformat(period), ZoneInfo(zone)) == at(due)


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        ("2026-04-24", "Africa/Cairo", "2026-04-23T22:00Z"),
        ("2021-03-28", "Asia/Beirut", "2021-03-27T22:00Z"),
        # At 23:30 it became 00:30: midnight lies in the middle of what was skipped.
        ("1919-03-31", "America/Toronto", "1919-03-31T04:30Z"),
    ],
)
def test_a_midnight_that_the_clocks_skip_means_the_first_time_after_it(
    day: str, zone: str, begins: str
) -> None:
    # None is the first of a month, but each is such a night.
    assert due_at(MONTHLY, date.fromisoformat(day), ZoneInfo(zone)) == at(begins)


def test_clocks_put_back_over_midnight_do_not_take_a_payroll_back() -> None:
    # On 1 November 2009 at 00:01 it became 23:01 of October there, for the second time.
    zone, due = ZoneInfo("America/Goose_Bay"), at("2009-11-01T03:00Z")
    again = due + timedelta(minutes=30)
    assert again.astimezone(zone).date() == date(2009, 10, 31)
    assert latest(MONTHLY, at=due - SECOND, zone=zone) == date(2009, 10, 1)
    assert latest(MONTHLY, at=due, zone=zone) == date(2009, 11, 1)
    assert latest(MONTHLY, at=again, zone=zone) == date(2009, 11, 1)
    assert missed(MONTHLY, last=date(2009, 11, 1), at=again, zone=zone) == ()


def test_an_hour_that_comes_twice_holds_one_payroll() -> None:
    zone, period = ZoneInfo("America/Havana"), date(2026, 11, 1)
    for minutes in (0, 59, 60, 119, 120):
        found = missed(
            MONTHLY,
            last=date(2026, 10, 1),
            at=at("2026-11-01T04:00Z") + timedelta(minutes=minutes),
            zone=zone,
        )
        assert found == (period,)


def test_periods_follow_each_other_over_every_month_end() -> None:
    months = [date(2027, 10, 1)]
    while len(months) < 6:
        months.append(following(MONTHLY, months[-1]))
    assert [one.isoformat() for one in months] == [
        *("2027-10-01", "2027-11-01", "2027-12-01", "2028-01-01", "2028-02-01", "2028-03-01"),
    ]
    assert following(WEEKLY, date(2028, 2, 28)) == date(2028, 3, 6)
    assert following(WEEKLY, date(2026, 12, 28)) == date(2027, 1, 4)


@pytest.mark.parametrize(
    ("now", "weekly", "monthly"),
    [
        ("2026-10-26T07:59:59Z", "2026-10-19", "2026-10-01"),
        ("2026-10-26T08:00Z", "2026-10-26", "2026-10-01"),
        ("2026-10-31T23:59:59Z", "2026-10-26", "2026-10-01"),
        ("2026-11-01T00:00Z", "2026-10-26", "2026-11-01"),
        ("2026-12-31T23:59:59Z", "2026-12-28", "2026-12-01"),
        ("2027-01-01T00:00Z", "2026-12-28", "2027-01-01"),
        # Still 28 February in UTC, and no leap year.
        ("2027-03-01T00:00Z", "2027-02-22", "2027-03-01"),
        ("2027-03-29T06:59:59Z", "2027-03-22", "2027-03-01"),
        ("2027-03-29T07:00Z", "2027-03-29", "2027-03-01"),
    ],
)
def test_the_latest_period_is_the_last_that_has_come_due(
    now: str, weekly: str, monthly: str
) -> None:
    assert latest(WEEKLY, at=at(now), zone=LONDON).isoformat() == weekly
    assert latest(MONTHLY, at=at(now), zone=LONDON).isoformat() == monthly


def test_what_was_missed_is_caught_up_on_in_order() -> None:
    now = at("2026-11-11T12:00Z")
    found = missed(WEEKLY, last=date(2026, 10, 12), at=now, zone=LONDON)
    assert [one.isoformat() for one in found] == [
        *("2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09"),
    ]
    found = missed(MONTHLY, last=date(2026, 8, 1), at=now, zone=LONDON)
    assert [one.isoformat() for one in found] == ["2026-09-01", "2026-10-01", "2026-11-01"]


def test_a_house_that_never_paid_begins_with_the_latest() -> None:
    now = at("2026-11-11T12:00Z")
    assert missed(WEEKLY, last=None, at=now, zone=LONDON) == (date(2026, 11, 9),)
    assert missed(MONTHLY, last=None, at=now, zone=LONDON) == (date(2026, 11, 1),)


def test_what_was_run_is_not_missed() -> None:
    now = at("2026-11-09T08:00Z")
    assert missed(WEEKLY, last=date(2026, 11, 9), at=now, zone=LONDON) == ()
    # A zone that is changed to one further west finds the period run before its time.
    assert missed(WEEKLY, last=date(2026, 11, 16), at=now, zone=LONDON) == ()


@given(
    now=st.datetimes(datetime(1975, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # theirs are naive
    zone=st.sampled_from(ODD).map(ZoneInfo),
    cycle=st.sampled_from(PayCycle),
    back=st.integers(1, 20),
)
def test_every_instant_lies_between_two_payrolls(
    now: datetime, zone: ZoneInfo, cycle: PayCycle, back: int
) -> None:
    newest = latest(cycle, at=now, zone=zone)
    assert is_period(cycle, newest)
    assert due_at(cycle, newest, zone) <= now < due_at(cycle, following(cycle, newest), zone)
    # Caught up on, each period comes once, in order, without a hole.
    last = newest
    for _ in range(back):
        last = latest(cycle, at=due_at(cycle, last, zone) - SECOND, zone=zone)
    found = missed(cycle, last=last, at=now, zone=zone)
    assert len(found) == back
    assert all(following(cycle, one) == other for one, other in pairwise((last, *found)))
    assert found[-1] == newest


NOW = at("2026-11-11T12:00Z")


def test_the_latest_that_is_due_is_meant_where_nothing_is_said() -> None:
    for rehearsed in (True, False):
        said = chosen(WEEKLY, None, ahead=rehearsed, at=NOW, zone=LONDON)
        assert said == date(2026, 11, 9)


def test_an_old_period_can_be_run_and_the_next_one_be_rehearsed() -> None:
    old, next_ = date(2020, 3, 2), date(2026, 11, 16)
    assert chosen(WEEKLY, old, ahead=False, at=NOW, zone=LONDON) == old
    assert chosen(WEEKLY, next_, ahead=True, at=NOW, zone=LONDON) == next_
    with pytest.raises(TooEarly) as refused:
        chosen(WEEKLY, next_, ahead=False, at=NOW, zone=LONDON)
    assert refused.value.possible_from == at("2026-11-16T08:00Z")
    with pytest.raises(TooEarly):
        chosen(WEEKLY, following(WEEKLY, next_), ahead=True, at=NOW, zone=LONDON)


def test_who_pays_ahead_of_its_time_means_the_next_one() -> None:
    next_ = date(2026, 11, 16)
    assert early(WEEKLY, None, at=NOW, zone=LONDON) == next_
    assert early(WEEKLY, next_, at=NOW, zone=LONDON) == next_
    assert early(MONTHLY, None, at=NOW, zone=LONDON) == date(2026, 12, 1)
    with pytest.raises(TooEarly):
        early(WEEKLY, following(WEEKLY, next_), at=NOW, zone=LONDON)


@pytest.mark.parametrize(
    ("cycle", "period", "message"),
    [
        (WEEKLY, date(2026, 11, 10), "Name a Monday, from 1970-01-01 on."),
        (WEEKLY, date.min, "Name a Monday, from 1970-01-01 on."),
        (MONTHLY, date(2026, 11, 2), "Name the first of a month, from 1970-01-01 on."),
        (MONTHLY, date(1969, 12, 1), "Name the first of a month, from 1970-01-01 on."),
        (MONTHLY, date.max, "Name the first of a month, from 1970-01-01 on."),
    ],
)
def test_what_is_no_period_is_refused(cycle: PayCycle, period: date, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        chosen(cycle, period, ahead=False, at=NOW, zone=LONDON)
    (error,) = refused.value.errors
    assert (error.path, error.message) == (("period",), message)


def test_the_end_of_time_is_too_early() -> None:
    for cycle, period in ((WEEKLY, date(9999, 12, 27)), (MONTHLY, date(9999, 12, 1))):
        with pytest.raises(TooEarly):
            chosen(cycle, period, ahead=True, at=NOW, zone=LONDON)


def test_who_has_earned_enough_is_paid_and_all_else_carries_over() -> None:
    amounts = (5000, 4999, 5001, 0, -5000, 1)
    balances = [
        Balance(
            provider_id=UUID(int=n), amount=Money(amount_minor=minor, currency="GBP"), lines=n + 1
        )
        for n, minor in enumerate(amounts)
    ]
    facts = {"cycle": WEEKLY, "period": date(2026, 11, 9), "due_at": NOW}
    sheet = decide(iter(balances), least_minor=5000, **facts)  # type: ignore[arg-type]  # as named
    assert [one.amount.amount_minor for one in sheet.pay] == [5000, 5001]
    assert [one.amount.amount_minor for one in sheet.carried] == [4999, 0, -5000, 1]
    assert replace(sheet, pay=(), carried=()) == replace(sheet, pay=(), carried=(), **facts)  # type: ignore[arg-type]  # as named
