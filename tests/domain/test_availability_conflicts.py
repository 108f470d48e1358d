"""Which bookings does an availability speak against?"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from domain.availability_conflicts import KeptAvailability, conflicts, untenable
from domain.booking_rules import BookingRule
from domain.bookings import Booking
from domain.refusals import VersionConflict
from tests.domain.clocks import HOUR, z
from tests.domain.diaries import NOW, an_availability, an_override
from tests.factories import PROVIDER, a_booking

MONDAY = date(2026, 1, 5)


def a_job(number: int, start: str, hours: int = 1, **changes: Any) -> Booking:
    """A confirmed booking of the provider."""
    facts = {"provider_id": PROVIDER, "assigned_at": NOW, "paid_at": NOW, "match_due_at": None}
    times = {"starts_at": z(start), "ends_at": z(start) + hours * HOUR}
    return a_booking(**{"id": UUID(int=number)} | times | facts | changes)


def found(work: list[Booking], **availability: Any) -> list[tuple[int, list[BookingRule]]]:
    return [
        (one.booking.id.int, [broken.rule for broken in one.broken])
        for one in conflicts(an_availability(**availability), work, at=NOW)
    ]


class TestConflicts:
    def test_are_the_bookings_outside_hours_in_the_order_of_their_starts(self) -> None:
        work = [a_job(1, "01-06 08:00"), a_job(2, "01-06 10:00"), a_job(3, "01-05 17:00")]

        assert found(work) == [(3, [BookingRule.OUTSIDE_HOURS]), (1, [BookingRule.OUTSIDE_HOURS])]

    def test_name_each_rule_that_is_broken(self) -> None:
        off = ((z("01-05 09:30"), z("01-05 09:45")),)
        work = [a_job(1, "01-05 08:00", hours=2)]

        assert found(work, time_off=off, holidays=frozenset({MONDAY})) == [
            (1, [BookingRule.HOLIDAY, BookingRule.OUTSIDE_HOURS, BookingRule.TIME_OFF])
        ]

    def test_beyond_the_daily_cap_are_the_latest_of_the_day(self) -> None:
        hours = (15, 9, 13, 11)
        work = [a_job(hour, f"01-05 {hour:02}:00") for hour in hours] + [a_job(1, "01-06 09:00")]

        assert found(work, daily_cap=2) == [
            (13, [BookingRule.DAILY_CAP]),
            (15, [BookingRule.DAILY_CAP]),
        ]
        assert found(work, daily_cap=4) == []

    def test_are_not_found_in_what_is_over_or_has_begun_though_it_counts(self) -> None:
        blocked = {"overrides": (an_override(MONDAY),)}
        begun = a_job(1, "01-05 05:00", hours=9, started_at=NOW - HOUR)
        over = a_job(2, "01-05 04:00")
        late = a_job(3, "01-05 05:30")

        assert found([begun, over, late], **blocked) == [(3, [BookingRule.OUTSIDE_HOURS])]
        done = a_job(1, "01-05 05:00", started_at=NOW - HOUR, completed_at=NOW)
        assert found([done, a_job(4, "01-05 15:00")], daily_cap=1) == [(4, [BookingRule.DAILY_CAP])]
        assert found([begun, a_job(4, "01-05 15:00")], daily_cap=1) == [
            (4, [BookingRule.DAILY_CAP])
        ]

    def test_are_not_found_in_what_no_longer_takes_time(self) -> None:
        called_off = a_job(1, "01-10 10:00", cancelled_at=NOW)
        unstaffed = a_job(2, "01-10 10:00", provider_id=None, assigned_at=None)

        assert found([called_off, unstaffed]) == []

    def test_are_found_in_what_awaits_approval(self) -> None:
        assert found([a_job(1, "01-10 10:00", needs_approval=True)]) == [
            (1, [BookingRule.OUTSIDE_HOURS])
        ]


def test_offers_that_can_no_longer_be_taken_are_found() -> None:
    work = [a_job(hour, f"01-05 {hour:02}:00") for hour in (9, 11)]
    offered = [
        a_job(number, start, provider_id=None, assigned_at=None)
        for number, start in ((1, "01-05 13:00"), (2, "01-06 13:00"), (3, "01-06 18:00"))
    ]

    lost = untenable(an_availability(daily_cap=2), work, offered)
    assert [one.id.int for one in lost] == [1, 3]
    assert untenable(an_availability(), work, offered[:2]) == ()


def test_a_version_that_is_not_the_present_one_is_refused() -> None:
    kept = KeptAvailability(provider_id=PROVIDER, availability=an_availability(), version=3)

    kept.check_version(None)
    kept.check_version(3)
    with pytest.raises(VersionConflict) as refused:
        kept.check_version(2)
    assert refused.value.current == 3


def test_what_is_kept_shows_what_was_said() -> None:
    said = an_availability(overrides=(an_override(MONDAY),), daily_cap=4)
    kept = KeptAvailability(provider_id=PROVIDER, availability=said, version=1)

    assert (kept.time_zone, kept.daily_cap) == ("Europe/London", 4)
    assert kept.weekly_hours == said.hours.intervals
    assert (kept.date_overrides, kept.temporary_zones) == (said.overrides, ())
