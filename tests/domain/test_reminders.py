"""Do reminders follow what they remind of, and die with it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from domain.bookings import Booking
from domain.events import EventType
from domain.messages import ReminderKind
from domain.reminders import MOVED_BY, Reminder, is_too_late, plan
from domain.telling import TABLE
from tests.factories import BOOKING, NOW, PROVIDER, a_booking

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAYMENT, DAY_BEFORE, HOUR_BEFORE = ReminderKind
STARTS: Final = NOW + 5 * DAY
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}


def work(**changes: Any) -> Booking:
    """In five days, asked for now."""
    return a_booking(**{"starts_at": STARTS} | changes)


def planned(
    booking: Booking,
    known: dict[ReminderKind, Reminder] | None = None,
    *,
    at: datetime = NOW,
) -> dict[ReminderKind, datetime]:
    return {kind: one.due_at for kind, one in plan(booking, known or {}, at=at).items()}


def given(kind: ReminderKind, due_at: datetime) -> dict[ReminderKind, Reminder]:
    done = Reminder(booking_id=BOOKING, kind=kind, due_at=due_at, done_at=due_at)
    return {kind: done}


def test_what_may_move_reminders_is_told_of_so_that_the_job_which_tells_can_plan_them() -> None:
    assert set(TABLE) >= MOVED_BY
    assert EventType.BOOKING_STARTED not in MOVED_BY


def test_a_booking_without_a_provider_is_only_to_be_paid() -> None:
    assert planned(work()) == {PAYMENT: NOW + DAY}


def test_a_day_and_an_hour_before_both_are_reminded_who_are_to_meet() -> None:
    assert planned(work(**STAFFED)) == {
        PAYMENT: NOW + DAY,
        DAY_BEFORE: STARTS - DAY,
        HOUR_BEFORE: STARTS - HOUR,
    }


def test_who_has_paid_is_not_reminded_to() -> None:
    assert planned(work(**STAFFED, paid_at=NOW)) == {
        DAY_BEFORE: STARTS - DAY,
        HOUR_BEFORE: STARTS - HOUR,
    }


@pytest.mark.parametrize(
    ("starts_in", "at", "expected"),
    [
        # A day after the request, or a day before the start, whichever comes first …
        (5 * DAY, timedelta(), DAY),
        (DAY + 6 * HOUR, timedelta(), 6 * HOUR),
        # … and is still ahead.
        (DAY + 6 * HOUR, 7 * HOUR, DAY),
        (5 * DAY, DAY + HOUR, 4 * DAY),
        # Neither is, before the work begins.
        (20 * HOUR, timedelta(), None),
        (DAY, timedelta(), None),
        (5 * DAY, 4 * DAY, None),
    ],
)
def test_when_somebody_is_reminded_to_pay(
    starts_in: timedelta, at: timedelta, expected: timedelta | None
) -> None:
    due = planned(work(starts_at=NOW + starts_in), at=NOW + at).get(PAYMENT)

    assert due == (None if expected is None else NOW + expected)


@pytest.mark.parametrize(
    "facts",
    [
        {"cancelled_at": NOW},
        {"declined_at": NOW, "needs_approval": True},
        {"no_show_at": NOW},
        {"started_at": NOW, "paid_at": NOW},
        {"started_at": NOW, "paid_at": NOW, "completed_at": NOW},
        # The house has not said yes.
        {"needs_approval": True},
    ],
)
def test_of_what_is_over_or_not_agreed_nobody_is_reminded(facts: dict[str, Any]) -> None:
    assert planned(work(**STAFFED, **facts)) == {}


def test_what_has_passed_is_not_planned() -> None:
    soon = work(starts_at=NOW + 3 * HOUR, **STAFFED)

    assert planned(soon) == {HOUR_BEFORE: NOW + 2 * HOUR}
    assert planned(soon, at=NOW + 2 * HOUR) == {}


def test_planned_again_everything_stays_as_it_is_given_or_not() -> None:
    booking = work(**STAFFED)
    first = plan(booking, {}, at=NOW)
    done = first | given(PAYMENT, NOW + DAY)

    assert plan(booking, first, at=NOW + HOUR) == first
    # Its time has come, and nobody has given it yet.
    assert plan(booking, first, at=NOW + DAY) == first
    # What was given is not planned for its other moment.
    assert plan(booking, done, at=NOW + DAY + HOUR) == done


def test_a_move_plans_anew_what_was_given_for_the_old_time() -> None:
    known = given(DAY_BEFORE, STARTS - DAY)
    moved = work(starts_at=STARTS + 7 * DAY, **STAFFED)

    after = plan(moved, known, at=STARTS - HOUR)

    assert after[DAY_BEFORE] == Reminder(
        booking_id=BOOKING, kind=DAY_BEFORE, due_at=STARTS + 6 * DAY
    )


def test_another_time_is_another_cause_in_whatever_zone_it_is_said() -> None:
    one = Reminder(booking_id=BOOKING, kind=DAY_BEFORE, due_at=NOW)

    assert one.cause == f"reminder:{BOOKING}:DAY_BEFORE:2026-06-01T12:00:00+00:00"
    assert replace(one, due_at=NOW + HOUR).cause != one.cause


def test_it_is_due_once_and_not_before() -> None:
    one = Reminder(booking_id=BOOKING, kind=DAY_BEFORE, due_at=NOW)

    assert one.is_due(NOW)
    assert not one.is_due(NOW - timedelta(microseconds=1))
    assert not replace(one, done_at=NOW).is_due(NOW + HOUR)


@pytest.mark.parametrize(
    ("kind", "last"),
    [(PAYMENT, STARTS), (DAY_BEFORE, STARTS - HOUR), (HOUR_BEFORE, STARTS)],
)
def test_it_is_too_late_when_what_it_reminds_of_has_come_or_the_next_one_is_due(
    kind: ReminderKind, last: datetime
) -> None:
    assert is_too_late(work(), kind, at=last)
    assert not is_too_late(work(), kind, at=last - timedelta(microseconds=1))
