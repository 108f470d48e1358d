"""What do a provider's figures come to, who reads them, and of which periods?"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.people import Role
from domain.refusals import InvalidInput, NotFound
from domain.shift_statistics import ShiftStatistics, check_period, of_whom
from tests.factories import NOW, PROVIDER, a_viewer

OTHER = UUID(int=32)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


def figures(**changes: Any) -> ShiftStatistics:
    facts: dict[str, Any] = {
        "provider_id": PROVIDER,
        "starts_at": NOW,
        "ends_at": NOW + DAY,
        "shifts": 2,
        "on_shift": timedelta(hours=7, seconds=119),
        "at_work": timedelta(minutes=59, seconds=59),
        "jobs_completed": 1,
        "offers_received": 9,
        "offers_accepted": 1,
        "offers_rejected": 1,
        "offers_expired": 2,
        "median_response": timedelta(seconds=12.5),
    }
    return ShiftStatistics(**facts | changes)


def test_time_is_told_in_whole_minutes() -> None:
    assert (figures().minutes_on_shift, figures().minutes_at_work) == (421, 59)


def test_the_acceptance_rate_counts_what_was_theirs_to_settle() -> None:
    assert figures().acceptance_rate == 0.25
    none = figures(offers_accepted=0, offers_rejected=0, offers_expired=0)
    assert none.acceptance_rate is None
    assert figures(offers_accepted=0).acceptance_rate == 0.0


def test_the_response_is_told_in_seconds() -> None:
    assert figures().median_response_seconds == 12.5
    assert figures(median_response=None).median_response_seconds is None


def test_a_provider_reads_their_own() -> None:
    by = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    assert of_whom(by, None) == of_whom(by, PROVIDER) == PROVIDER
    with pytest.raises(NotFound):
        of_whom(by, OTHER)


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMIN, Role.ANALYST])
def test_staff_and_analysts_read_anybodys_and_say_whose(role: Role) -> None:
    by = a_viewer(role=role)
    assert of_whom(by, OTHER) == OTHER
    with pytest.raises(InvalidInput) as refused:
        of_whom(by, None)
    assert [error.path for error in refused.value.errors] == [("providerId",)]


def test_a_period_has_a_length_of_a_year_at_most() -> None:
    check_period(NOW, NOW + TICK)
    check_period(NOW, NOW + 366 * DAY)
    for ends_at in (NOW, NOW - DAY, NOW + 366 * DAY + TICK):
        with pytest.raises(InvalidInput) as refused:
            check_period(NOW, ends_at)
        assert [error.path for error in refused.value.errors] == [("to",)]


def test_a_period_is_measured_by_instants_and_not_by_wall_clocks() -> None:
    # The clock is put back meanwhile: by the wall the end comes first.
    zone = ZoneInfo("Europe/London")
    starts_at = datetime(2026, 10, 25, 1, 50, tzinfo=zone)
    ends_at = datetime(2026, 10, 25, 1, 10, fold=1, tzinfo=zone)
    assert ends_at.astimezone(UTC) - starts_at.astimezone(UTC) == timedelta(minutes=20)
    check_period(starts_at, ends_at)
