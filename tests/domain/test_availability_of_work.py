"""What does a provider's other work, and how far ahead it is, say against a time?"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.availability import (
    Block,
    gap,
    horizon,
    obstacles,
    travel,
)
from domain.booking_rules import Advance, BookingRule, BookingRules
from domain.hours import WeeklyHours
from tests.domain.clocks import (
    HOUR,
    NEW_YORK,
    QUARTER,
    week,
    z,
)
from tests.domain.diaries import (
    FAR,
    HOUSE,
    NEXT_DOOR,
    NOW,
    RULES,
    TOKYO,
    a_block,
    against,
    an_availability,
    an_override,
    padded,
)


class TestGaps:
    def test_fifteen_minutes_after_and_before_need_one_gap(self) -> None:
        # Case 5 of the hard cases.
        done, wanted = padded("01-05 09:00-10:00"), padded("01-05 10:15-11:00")

        assert gap(done, wanted) == QUARTER
        assert against(an_availability(), wanted, done) == []
        assert against(an_availability(), done, wanted) == []

    def test_one_minute_less_is_too_near_on_either_side(self) -> None:
        wanted = padded("01-05 11:00-12:00")

        for neighbour in (padded("01-05 09:00-10:46"), padded("01-05 12:14-13:00")):
            assert against(an_availability(), wanted, neighbour) == [BookingRule.BUFFER]

    def test_the_larger_of_the_two_buffers_counts(self) -> None:
        plain, careful = a_block("01-05 09:00-10:00"), padded("01-05 10:30-11:00", 30)

        assert gap(plain, careful) == gap(careful, plain) == timedelta(minutes=30)
        assert gap(replace(plain, after=HOUR), careful) == HOUR

    def test_the_buffer_after_is_the_earlier_ones_and_before_is_the_later_ones(self) -> None:
        earlier = a_block("01-05 09:00-10:00", before=HOUR)
        later = a_block("01-05 10:00-11:00", after=HOUR)

        assert gap(earlier, later) == timedelta()
        assert against(an_availability(), later, earlier) == []

    def test_the_way_counts_where_it_is_longer_than_the_buffers(self) -> None:
        here = padded("01-05 09:00-10:00", point=HOUSE)
        there = padded("01-05 10:30-11:30", point=FAR)

        assert gap(here, there) == timedelta(minutes=30)
        assert against(an_availability(), there, here) == []
        sooner = padded("01-05 10:29-11:30", point=FAR)
        assert against(an_availability(), sooner, here) == [BookingRule.BUFFER]

    def test_the_way_is_in_whole_minutes_and_nothing_where_a_place_is_unknown(self) -> None:
        house, next_door, unknown = (
            a_block("01-05 09:00-10:00", point=point) for point in (HOUSE, NEXT_DOOR, None)
        )

        assert travel(house, next_door) == timedelta(minutes=1)
        assert travel(house, house) == timedelta()
        assert travel(house, unknown) == travel(unknown, house) == timedelta()

    @pytest.mark.parametrize(
        ("here", "there", "minutes"),
        [(20, 20, 30), (20, 40, 30), (40, 20, 30), (40, 40, 15), (5, 100, 120), (100, 100, 6)],
    )
    def test_the_way_takes_as_long_as_at_the_slower_of_the_two_speeds(
        self, here: int, there: int, minutes: int
    ) -> None:
        first = a_block("01-05 09:00-10:00", point=HOUSE, travel_mph=here)
        second = a_block("01-05 15:00-16:00", point=FAR, travel_mph=there)

        way = timedelta(minutes=minutes)
        assert travel(first, second) == travel(second, first) == way
        assert gap(first, second) == gap(second, first) == way
        then = replace(second, starts_at=first.ends_at + way)
        assert against(an_availability(), then, first) == []
        sooner = replace(then, starts_at=then.starts_at - timedelta(minutes=1))
        assert against(an_availability(), sooner, first) == [BookingRule.BUFFER]

    @pytest.mark.parametrize("times", ["10:00-11:00", "10:30-10:45", "09:00-12:00", "10:59-12:00"])
    def test_an_overlap_is_time_that_is_taken(self, times: str) -> None:
        wanted = padded(f"01-05 {times}")

        assert against(an_availability(), wanted, padded("01-05 10:00-11:00")) == [
            BookingRule.SLOT_TAKEN
        ]

    def test_an_overlap_and_a_neighbour_are_one_answer(self) -> None:
        taken = padded("01-05 10:00-11:00"), padded("01-05 12:00-13:00")

        assert against(an_availability(), padded("01-05 10:30-11:55"), *taken) == [
            BookingRule.SLOT_TAKEN
        ]

    def test_the_hour_that_comes_twice_is_not_taken_twice(self) -> None:
        # 01:30 to 01:45 on the wall, the first time and the second.
        first = Block(
            starts_at=datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK),
            ends_at=datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK),
        )
        second = Block(
            starts_at=datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1),
            ends_at=datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK, fold=1),
        )

        assert not first.overlaps(second)
        assert not first.is_too_near(second)
        assert first.overlaps(first)

    @given(
        st.tuples(st.integers(0, 600), st.integers(1, 300), st.integers(0, 60), st.integers(0, 60)),
        st.tuples(st.integers(0, 600), st.integers(1, 300), st.integers(0, 60), st.integers(0, 60)),
    )
    def test_nearness_is_mutual_and_includes_overlap(
        self, one: tuple[int, int, int, int], other: tuple[int, int, int, int]
    ) -> None:
        a, b = (
            Block(
                starts_at=NOW + timedelta(minutes=start),
                ends_at=NOW + timedelta(minutes=start + length),
                before=timedelta(minutes=before),
                after=timedelta(minutes=after),
            )
            for start, length, before, after in (one, other)
        )

        assert a.is_too_near(b) is b.is_too_near(a)
        assert a.overlaps(b) is b.overlaps(a)
        assert a.is_too_near(b) or not a.overlaps(b)


class TestDailyCap:
    DAY = tuple(a_block(f"01-05 {hour:02}:00-{hour:02}:30") for hour in (9, 11, 13))

    def test_stops_the_job_after_the_last_that_is_allowed(self) -> None:
        wanted = a_block("01-05 15:00-16:00")
        (broken,) = obstacles(an_availability(), self.DAY, wanted, rules=RULES, at=NOW)

        assert (broken.rule, broken.limit) == (BookingRule.DAILY_CAP, 3)
        assert against(an_availability(), wanted, *self.DAY[:2]) == []
        assert against(an_availability(daily_cap=4), wanted, *self.DAY) == []

    def test_counts_work_that_is_done_though_it_takes_no_time_any_more(self) -> None:
        done = [replace(block, done=True) for block in self.DAY]

        assert against(an_availability(), padded("01-05 09:15-10:00"), *done[:2]) == []
        assert against(an_availability(), padded("01-05 09:15-10:00"), *done) == [
            BookingRule.DAILY_CAP
        ]
        assert not padded("01-05 09:15-10:00", done=True).is_too_near(self.DAY[0])

    def test_counts_by_the_local_day_of_the_start(self) -> None:
        # 01:00 to 03:00 UTC on the 6th is still the evening of the 5th in New York.
        evening = an_availability(zone=NEW_YORK, hours=week("00:00-00:00"), daily_cap=1)
        before_midnight, after_midnight = a_block("01-06 04:00-06:00"), a_block("01-06 06:00-07:00")

        assert against(evening, after_midnight, before_midnight) == []
        assert against(evening, a_block("01-05 20:00-21:00"), before_midnight) == [
            BookingRule.DAILY_CAP
        ]


class TestTheHorizonOfWorkingDays:
    RULES = BookingRules(advance=Advance.BOOKABLE_DAYS, advance_days=3)

    def test_counts_days_on_which_somebody_works_from_today_on(self) -> None:
        assert horizon(an_availability(), self.RULES, at=NOW) == date(2026, 1, 7)
        # From a Friday: Friday, Monday, Tuesday.
        assert horizon(an_availability(), self.RULES, at=z("01-09 12:00")) == date(2026, 1, 13)
        # From a Saturday: Monday, Tuesday, Wednesday.
        assert horizon(an_availability(), self.RULES, at=z("01-10 12:00")) == date(2026, 1, 14)

    def test_leaves_out_holidays_and_blocked_days(self) -> None:
        less = an_availability(
            holidays=frozenset({date(2026, 1, 6)}), overrides=(an_override(date(2026, 1, 7)),)
        )

        assert horizon(less, self.RULES, at=NOW) == date(2026, 1, 9)

    def test_forbids_the_day_after_it(self) -> None:
        wanted = a_block("01-08 10:00-11:00")
        (broken,) = obstacles(an_availability(), (), wanted, rules=self.RULES, at=NOW)

        assert (broken.rule, broken.limit) == (BookingRule.TOO_FAR_AHEAD, 3)
        assert against(an_availability(), a_block("01-07 10:00-11:00"), rules=self.RULES) == []

    def test_is_today_for_somebody_who_never_works(self) -> None:
        idle = an_availability(hours=WeeklyHours())

        assert horizon(idle, self.RULES, at=NOW) == date(2026, 1, 5)

    def test_is_a_day_of_the_providers_own(self) -> None:
        abroad = an_availability(zone=TOKYO, hours=week("00:00-00:00"))
        one_day = BookingRules(advance=Advance.BOOKABLE_DAYS, advance_days=1)

        assert horizon(abroad, one_day, at=z("01-05 15:00")) == date(2026, 1, 6)

    def test_is_not_asked_of_rules_that_count_otherwise(self) -> None:
        assert horizon(an_availability(), RULES, at=NOW) is None
        assert against(an_availability(), a_block("12-01 10:00-11:00")) == []


def test_all_that_stands_against_a_time_is_told_in_a_fixed_order() -> None:
    everything = an_availability(
        holidays=frozenset({date(2026, 1, 6)}),
        time_off=((z("01-06 07:00"), z("01-06 08:00")),),
        daily_cap=1,
    )
    rules = BookingRules(advance=Advance.BOOKABLE_DAYS, advance_days=1)

    assert against(
        everything, a_block("01-06 07:30-08:30"), a_block("01-06 08:00-09:00"), rules=rules
    ) == [
        BookingRule.HOLIDAY,
        BookingRule.OUTSIDE_HOURS,
        BookingRule.TIME_OFF,
        BookingRule.SLOT_TAKEN,
        BookingRule.DAILY_CAP,
        BookingRule.TOO_FAR_AHEAD,
    ]
