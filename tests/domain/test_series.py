"""Which starts of a series are due, and what is refused of it?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain import series as rules
from domain.booking_rules import BookingRule, RulesBroken
from domain.events import Event, EventType
from domain.house import HouseRules
from domain.local_times import NonexistentLocalTime
from domain.people import Role
from domain.recurrence import Frequency, Rule, parse
from domain.refusals import InvalidInput, VersionConflict
from domain.series import Order, Series, SeriesPlace, Window, window
from tests.factories import CUSTOMER, a_request, a_viewer

if TYPE_CHECKING:
    from collections.abc import Iterator

SERIES = UUID(int=70)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


#: A Monday morning in winter.
FIRST = wall("2026-10-19 09:00")
NOW = datetime(2026, 10, 12, 12, tzinfo=UTC)
STEPS = {Frequency.DAILY: DAY, Frequency.WEEKLY: WEEK}


def every(rule: Rule, first: datetime) -> Iterator[datetime]:
    """Plain days and weeks, which is all that is needed here."""
    start, made = first, 0
    while (rule.count is None or made < rule.count) and (rule.until is None or start <= rule.until):
        yield start
        start, made = start + STEPS[rule.frequency], made + 1


def never(rule: Rule, first: datetime) -> Iterator[datetime]:
    del rule, first
    return iter(())


def a_series(**changes: Any) -> Series:
    """A clean every Monday at nine in New York, made a week before it begins."""
    facts: dict[str, Any] = {
        "id": SERIES,
        "asked": a_request(starts_at=None),
        "time_zone": "America/New_York",
        "first_local_start": FIRST,
        "rule": parse("FREQ=WEEKLY"),
        "created_at": NOW,
    }
    return Series(**facts | changes)


def an_order(**changes: Any) -> Order:
    facts: dict[str, Any] = {
        "asked": a_request(starts_at=None),
        "time_zone": "America/New_York",
        "first_local_start": FIRST,
        "rule": parse("FREQ=WEEKLY"),
    }
    return Order(**facts | changes)


def test_a_series_keeps_what_was_ordered() -> None:
    made = rules.draft(an_order(), series_id=SERIES, expand=every, at=NOW)

    assert made == a_series()
    assert (made.customer_id, made.rrule) == (CUSTOMER, "FREQ=WEEKLY")
    assert made.zone == ZoneInfo("America/New_York")


@pytest.mark.parametrize("first", ["2026-10-12 08:00", "2028-10-13 08:01"])
def test_a_series_begins_ahead_within_two_years(first: str) -> None:
    # 12:00 UTC is 08:00 in New York.
    with pytest.raises(InvalidInput, match="lies ahead, by two years at most") as refused:
        rules.draft(an_order(first_local_start=wall(first)), series_id=SERIES, expand=every, at=NOW)

    assert [error.path for error in refused.value.errors] == [("firstLocalStart",)]


def test_a_series_may_begin_a_minute_from_now() -> None:
    order = an_order(first_local_start=wall("2026-10-12 08:01"))

    made = rules.draft(order, series_id=SERIES, expand=every, at=NOW)

    assert made.first_local_start == wall("2026-10-12 08:01")


def test_a_rule_has_to_fall_on_the_first_start() -> None:
    def a_day_later(rule: Rule, first: datetime) -> Iterator[datetime]:
        return every(rule, first + DAY)

    with pytest.raises(InvalidInput) as other:
        rules.draft(an_order(), series_id=SERIES, expand=a_day_later, at=NOW)
    with pytest.raises(InvalidInput) as none:
        rules.draft(an_order(), series_id=SERIES, expand=never, at=NOW)

    assert [(e.path, e.message) for e in other.value.errors] == [
        (
            ("rrule",),
            "The rule has to fall on 2026-10-19T09:00; it begins with 2026-10-20T09:00.",
        )
    ]
    assert str(none.value).endswith("it never comes true from then on.")


def test_an_occurrence_asks_for_the_same_at_its_own_time() -> None:
    found = a_series()
    start = FIRST + WEEK

    asked = found.request(start, found.starts_at(start))

    assert asked == replace(
        found.asked,
        starts_at=datetime(2026, 10, 26, 13, tzinfo=UTC),
        series=SeriesPlace(series_id=SERIES, original_start=start),
    )


def test_nine_stays_nine_when_clocks_change() -> None:
    found = a_series()

    instants = [found.starts_at(FIRST + n * WEEK) for n in range(3)]

    assert [f"{at:%m-%d %H:%M}" for at in instants] == ["10-19 13:00", "10-26 13:00", "11-02 14:00"]


def test_an_odd_night_has_one_answer_or_none() -> None:
    found = a_series()

    # Half past one comes twice: the first of the two is meant.
    assert found.starts_at(wall("2026-11-01 01:30")) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    with pytest.raises(NonexistentLocalTime):
        found.starts_at(wall("2027-03-14 02:30"))
    assert rules.instant(found, wall("2027-03-14 02:30")) is None
    assert rules.instant(found, FIRST) == found.starts_at(FIRST)


def test_sixty_days_of_a_series_are_due() -> None:
    due = window(a_series(), every, at=NOW)

    # 60 days from noon on 12 October end at 07:00 in New York on Friday 11 December.
    assert due.starts == tuple(FIRST + n * WEEK for n in range(8))
    assert due.next_start == wall("2026-12-14 09:00")


def test_what_was_seen_to_is_not_due_again() -> None:
    seen = a_series(done_until=FIRST + 5 * WEEK)

    assert window(seen, every, at=NOW).starts == (FIRST + 6 * WEEK, FIRST + 7 * WEEK)


def test_what_was_seen_to_before_its_time_is_left_out() -> None:
    known = {FIRST + WEEK, FIRST + 8 * WEEK}

    due = window(a_series(), every, at=NOW, known=known)

    assert due.starts == tuple(FIRST + n * WEEK for n in (0, 2, 3, 4, 5, 6, 7))
    assert due.next_start == FIRST + 9 * WEEK


def test_a_series_that_ends_has_nothing_after_its_last() -> None:
    assert window(a_series(rule=parse("FREQ=WEEKLY;COUNT=2")), every, at=NOW) == Window(
        starts=(FIRST, FIRST + WEEK), next_start=None
    )


def test_a_long_absence_is_caught_up_a_hundred_at_a_time() -> None:
    daily = a_series(rule=parse("FREQ=DAILY"))
    late = NOW + timedelta(days=100)

    first = window(daily, every, at=late)
    second = window(replace(daily, done_until=first.starts[-1]), every, at=late)

    assert len(first.starts) == 100
    assert first.next_start == second.starts[0] == first.starts[-1] + DAY
    # Days from 19 October to 20 March, less those of the first go.
    assert len(second.starts) == 53
    assert second.starts[-1] == wall("2027-03-20 09:00") == second.next_start - DAY  # type: ignore[operator]


def test_the_next_one_is_due_sixty_days_before_it_starts() -> None:
    found = a_series()

    assert rules.due_at(found, FIRST) == found.starts_at(FIRST) - timedelta(days=60)
    assert rules.due_at(found, None) is None
    skipped = datetime(2027, 3, 14, 7, tzinfo=UTC)
    assert rules.due_at(found, wall("2027-03-14 02:30")) == skipped - timedelta(days=60)


def test_only_a_start_of_the_series_can_be_spoken_of() -> None:
    found = a_series(rule=parse("FREQ=WEEKLY;COUNT=3"))

    for n in range(3):
        rules.check_start(found, FIRST + n * WEEK, every)
    for wrong in (FIRST - WEEK, FIRST + DAY, FIRST + 3 * WEEK):
        with pytest.raises(InvalidInput) as refused:
            rules.check_start(found, wrong, every)
        assert [error.path for error in refused.value.errors] == [("originalStart",)]


def test_a_customer_has_so_many_series_and_no_more() -> None:
    house = HouseRules(customer_limit=3)

    rules.check_limit(house, 2)
    with pytest.raises(RulesBroken, match="You have 3 series going on; 3 is the most") as refused:
        rules.check_limit(house, 3)

    (broken,) = refused.value.broken
    assert (broken.rule, broken.limit) == (BookingRule.CUSTOMER_LIMIT, 3)


def test_only_the_customer_and_staff_see_a_series() -> None:
    found = a_series()

    assert found.is_visible_to(a_viewer())
    assert found.is_visible_to(a_viewer(user_id=UUID(int=9), role=Role.DISPATCHER))
    assert not found.is_visible_to(a_viewer(user_id=UUID(int=9)))


def test_a_series_is_changed_while_it_lasts_and_as_it_was_seen() -> None:
    found = a_series(version=4)

    rules.check_going_on(found)
    rules.check_version(found, None)
    rules.check_version(found, 4)
    with pytest.raises(VersionConflict):
        rules.check_version(found, 3)
    with pytest.raises(rules.SeriesEnded):
        rules.check_going_on(replace(found, ended_at=NOW))


def test_an_event_names_the_series_and_its_customer() -> None:
    assert rules.told(EventType.SERIES_ENDED, a_series()) == Event(
        type=EventType.SERIES_ENDED, subject={"series": SERIES, "customer": CUSTOMER}
    )


def test_refusals_say_what_is_the_matter() -> None:
    assert str(rules.AlreadySkipped()) == "This occurrence is skipped already."
    assert str(rules.NotSkipped()) == "This occurrence is not skipped."
