"""Is a holiday one, and what lies on it?"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.holidays import Holiday, HolidayExists, check, check_list, closed_by
from domain.refusals import InvalidInput
from tests.domain.clocks import week, z
from tests.domain.diaries import NOW, an_availability
from tests.domain.test_availability_conflicts import a_job

MONDAY = date(2026, 1, 5)
DAY = timedelta(days=1)


def a_holiday(**changes: Any) -> Holiday:
    facts: dict[str, Any] = {"id": UUID(int=1), "day": MONDAY, "country": "GB", "name": "Rest"}
    return Holiday(**facts | changes)


def test_a_holiday_has_a_name_and_a_country_or_none() -> None:
    check(a_holiday())
    check(a_holiday(country=None, name="x" * 100))


def test_every_wrong_field_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        check(a_holiday(country="gb", name=""))
    assert [error.path for error in refused.value.errors] == [("country",), ("name",)]


@pytest.mark.parametrize(("country", "where"), [("GB", "GB"), (None, "every country")])
def test_a_holiday_that_is_one_already_says_which(country: str | None, where: str) -> None:
    there = a_holiday(country=country)
    refused = HolidayExists(there)

    assert str(refused) == f"2026-01-05 is a holiday in {where} already: Rest."
    assert refused.holiday is there


def test_at_most_two_years_are_listed() -> None:
    check_list(MONDAY, MONDAY)
    check_list(MONDAY, MONDAY + 730 * DAY)
    for last in (MONDAY - DAY, MONDAY + 731 * DAY):
        with pytest.raises(InvalidInput) as refused:
            check_list(MONDAY, last)
        assert refused.value.errors[0].path == ("to",)


def test_what_a_holiday_forbids_is_what_lies_on_it() -> None:
    around = an_availability(hours=week("00:00-00:00"))
    work = [
        a_job(1, "01-04 22:00"),
        a_job(2, "01-04 23:30"),
        a_job(3, "01-05 23:00"),
        a_job(4, "01-06 00:00"),
    ]

    assert [one.id.int for one in closed_by(MONDAY, around, work, at=z("01-01 00:00"))] == [2, 3]


def test_what_another_holiday_forbids_already_is_not_counted_again() -> None:
    around = an_availability(hours=week("00:00-00:00"), holidays=frozenset({MONDAY - DAY, MONDAY}))
    work = [a_job(1, "01-04 23:30"), a_job(2, "01-05 10:00")]

    assert [one.id.int for one in closed_by(MONDAY, around, work, at=z("01-01 00:00"))] == [2]


def test_what_is_over_is_not_counted() -> None:
    work = [a_job(1, "01-05 04:00")]

    assert closed_by(MONDAY, an_availability(hours=week("00:00-00:00")), work, at=NOW) == ()
