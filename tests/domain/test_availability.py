"""When is a provider there, by their own clock?"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.availability import (
    Block,
    TemporaryZone,
    is_inside_hours,
)
from domain.booking_rules import BookingRule
from domain.hours import WeeklyHours
from tests.domain.clocks import (
    CAIRO,
    HOUR,
    KATHMANDU,
    LONDON,
    LORD_HOWE,
    NEW_YORK,
    week,
    z,
)
from tests.domain.diaries import HONOLULU, TOKYO, a_block, against, an_availability, an_override


class TestHours:
    @pytest.mark.parametrize("times", ["09:00-17:00", "09:00-10:00", "16:00-17:00"])
    def test_allow_what_lies_in_them_whole(self, times: str) -> None:
        assert is_inside_hours(an_availability(), a_block(f"01-05 {times}"))
        assert against(an_availability(), a_block(f"01-05 {times}")) == []

    @pytest.mark.parametrize("times", ["08:59-10:00", "16:00-17:01", "07:00-08:00", "08:00-18:00"])
    def test_forbid_what_begins_before_or_ends_after(self, times: str) -> None:
        assert not is_inside_hours(an_availability(), a_block(f"01-05 {times}"))
        assert against(an_availability(), a_block(f"01-05 {times}")) == [BookingRule.OUTSIDE_HOURS]

    def test_forbid_what_bridges_a_break_and_allow_what_ends_with_it(self) -> None:
        split = an_availability(hours=week("09:00-12:00", "13:00-17:00"))

        assert against(split, a_block("01-05 11:00-12:00")) == []
        assert against(split, a_block("01-05 13:00-14:00")) == []
        assert against(split, a_block("01-05 11:00-13:30")) == [BookingRule.OUTSIDE_HOURS]

    def test_that_touch_are_one_stretch_also_over_midnight(self) -> None:
        night = an_availability(hours=week("00:00-06:00", "06:00-08:00", "22:00-00:00"))
        wanted = Block(starts_at=z("01-05 23:00"), ends_at=z("01-06 07:00"))

        assert is_inside_hours(night, wanted)

    def test_are_nobodys_without_any(self) -> None:
        idle = an_availability(hours=WeeklyHours())

        assert against(idle, a_block("01-05 10:00-11:00")) == [BookingRule.OUTSIDE_HOURS]
        assert not idle.works_on(date(2026, 1, 5))

    def test_are_asked_of_instants_whatever_zone_they_come_in(self) -> None:
        start = datetime(2026, 1, 5, 17, tzinfo=TOKYO)  # 08:00 in London
        wanted = Block(starts_at=start, ends_at=start + HOUR)

        assert against(an_availability(), wanted) == [BookingRule.OUTSIDE_HOURS]
        assert against(an_availability(hours=week("08:00-09:00")), wanted) == []


class TestZones:
    """Case 7 of the hard cases: each of the clocks that differ."""

    @pytest.mark.parametrize(
        ("zone", "hours", "start", "end", "inside"),
        [
            # 02:30 does not exist on this night: hours until 03:00 end with the last of 01:59.
            (NEW_YORK, "01:00-03:00", "03-08 06:00", "03-08 07:00", True),
            (NEW_YORK, "01:00-03:00", "03-08 06:00", "03-08 07:01", False),
            # 01:30 comes twice: an hour on the wall is two hours of work.
            (NEW_YORK, "01:00-02:00", "11-01 05:00", "11-01 07:00", True),
            (NEW_YORK, "01:30-02:00", "11-01 05:30", "11-01 06:30", False),
            # 23 and 25 hours.
            (LONDON, "00:00-00:00", "10-24 23:00", "10-26 00:00", True),
            (LONDON, "09:00-10:00", "10-25 09:00", "10-25 10:00", True),
            (LONDON, "09:00-10:00", "10-25 08:00", "10-25 09:00", False),
            # The clock goes from 02:00 to 02:30.
            (LORD_HOWE, "01:00-03:00", "10-03 14:30", "10-03 16:00", True),
            (LORD_HOWE, "01:00-03:00", "10-03 14:30", "10-03 16:01", False),
            # A day that begins at 01:00.
            (CAIRO, "00:00-02:00", "04-23 22:00", "04-23 23:00", True),
            (CAIRO, "00:00-02:00", "04-23 21:00", "04-23 22:00", False),
            (KATHMANDU, "09:00-10:00", "06-01 03:15", "06-01 04:15", True),
            (KATHMANDU, "09:00-10:00", "06-01 03:00", "06-01 04:00", False),
        ],
    )
    def test_hours_are_what_the_wall_shows(
        self, zone: ZoneInfo, hours: str, start: str, end: str, inside: bool
    ) -> None:
        wanted = Block(starts_at=z(start), ends_at=z(end))

        assert is_inside_hours(an_availability(zone=zone, hours=week(hours)), wanted) is inside

    def test_an_override_counts_on_a_day_of_23_hours(self) -> None:
        sunday = date(2027, 3, 28)
        overridden = an_availability(overrides=(an_override(sunday, "00:00-04:00"),))
        start = datetime(2027, 3, 28, tzinfo=LONDON)
        end = datetime(2027, 3, 28, 4, tzinfo=LONDON)
        wanted = Block(starts_at=start, ends_at=end)

        assert wanted.span[1] - wanted.span[0] == 3 * HOUR
        assert is_inside_hours(overridden, wanted)
        assert not is_inside_hours(an_availability(), wanted)

    def test_an_override_counts_on_a_day_of_25_hours(self) -> None:
        sunday = date(2026, 10, 25)
        overridden = an_availability(overrides=(an_override(sunday, "00:00-00:00"),))

        assert list(overridden.open_spans(z("10-24 00:00"), z("10-26 06:00"))) == [
            (z("10-24 23:00"), z("10-26 00:00"))
        ]


class TestOverrides:
    MONDAY = date(2026, 1, 5)

    def test_take_the_place_of_the_usual_hours(self) -> None:
        late = an_availability(
            overrides=(
                an_override(self.MONDAY + timedelta(days=1), "06:00-07:00"),
                an_override(self.MONDAY, "18:00-20:00", "12:00-14:00"),
            )
        )

        assert late.on(self.MONDAY) == [
            (datetime(2026, 1, 5, 12), datetime(2026, 1, 5, 14)),  # noqa: DTZ001  # wall times
            (datetime(2026, 1, 5, 18), datetime(2026, 1, 5, 20)),  # noqa: DTZ001
        ]
        assert against(late, a_block("01-05 18:00-20:00")) == []
        assert against(late, a_block("01-05 09:00-10:00")) == [BookingRule.OUTSIDE_HOURS]
        assert against(late, a_block("01-07 09:00-10:00")) == []

    def test_without_hours_block_the_day(self) -> None:
        blocked = an_availability(overrides=(an_override(self.MONDAY),))

        assert against(blocked, a_block("01-05 10:00-11:00")) == [BookingRule.OUTSIDE_HOURS]
        assert not blocked.works_on(self.MONDAY)

    def test_open_a_day_that_is_usually_free(self) -> None:
        saturday = date(2026, 1, 10)
        extra = an_availability(overrides=(an_override(saturday, "10:00-12:00"),))

        assert extra.works_on(saturday)
        assert against(extra, a_block("01-10 10:00-12:00")) == []


class TestHolidays:
    def test_close_a_day_of_work_and_nothing_else_is_called_wrong(self) -> None:
        closed = an_availability(holidays=frozenset({date(2026, 1, 5)}))

        assert against(closed, a_block("01-05 10:00-11:00")) == [BookingRule.HOLIDAY]
        assert against(closed, a_block("01-06 10:00-11:00")) == []
        assert not closed.works_on(date(2026, 1, 5))
        assert closed.works_on(date(2026, 1, 6))

    def test_are_named_beside_hours_that_do_not_fit_either(self) -> None:
        closed = an_availability(holidays=frozenset({date(2026, 1, 5)}))

        assert against(closed, a_block("01-05 07:00-08:00")) == [
            BookingRule.HOLIDAY,
            BookingRule.OUTSIDE_HOURS,
        ]

    def test_close_overridden_days_too(self) -> None:
        sunday = date(2026, 1, 4)
        closed = an_availability(
            overrides=(an_override(sunday, "10:00-12:00"),), holidays=frozenset({sunday})
        )

        assert against(closed, a_block("01-04 10:00-11:00")) == [BookingRule.HOLIDAY]

    def test_forbid_what_reaches_into_them(self) -> None:
        nights = an_availability(hours=week("00:00-00:00"), holidays=frozenset({date(2026, 1, 6)}))
        until_two = Block(starts_at=z("01-05 22:00"), ends_at=z("01-06 02:00"))
        until_midnight = Block(starts_at=z("01-05 22:00"), ends_at=z("01-06 00:00"))

        assert against(nights, until_two) == [BookingRule.HOLIDAY]
        assert against(nights, until_midnight) == []

    def test_are_local_days(self) -> None:
        # Midnight in Tokyo, and 05:00 of the day before in Honolulu.
        monday = frozenset({date(2026, 1, 5)})
        in_tokyo = an_availability(zone=TOKYO, hours=week("00:00-00:00"), holidays=monday)
        in_honolulu = an_availability(zone=HONOLULU, hours=week("00:00-00:00"), holidays=monday)
        wanted = a_block("01-05 15:00-16:00")

        assert against(in_tokyo, wanted) == []
        assert against(in_honolulu, wanted) == [BookingRule.HOLIDAY]

    def test_in_the_midst_of_a_job_of_a_day_of_23_hours_are_seen(self) -> None:
        # From 23:45 to 00:45: exactly 24 hours, with the whole of a short day between.
        start = datetime(2027, 3, 27, 23, 45, tzinfo=LONDON)
        wanted = Block(starts_at=start, ends_at=datetime(2027, 3, 29, 0, 45, tzinfo=LONDON))
        closed = an_availability(holidays=frozenset({date(2027, 3, 28)}))

        assert wanted.span[1] - wanted.span[0] == timedelta(days=1)
        assert against(closed, wanted) == [BookingRule.HOLIDAY, BookingRule.OUTSIDE_HOURS]


class TestTemporaryZones:
    #: In Tokyo from Wednesday the 7th to Thursday the 8th.
    AWAY = an_availability(
        zones=(TemporaryZone(first=date(2026, 1, 7), last=date(2026, 1, 8), zone=TOKYO),)
    )

    def test_keep_the_hours_by_their_clock_on_their_days_only(self) -> None:
        assert list(self.AWAY.open_spans(z("01-06 00:00"), z("01-10 00:00"))) == [
            (z("01-06 09:00"), z("01-06 17:00")),
            (z("01-07 00:00"), z("01-07 08:00")),
            (z("01-08 00:00"), z("01-08 08:00")),
            (z("01-09 09:00"), z("01-09 17:00")),
        ]
        assert against(self.AWAY, a_block("01-07 00:00-08:00")) == []
        assert against(self.AWAY, a_block("01-07 09:00-10:00")) == [BookingRule.OUTSIDE_HOURS]
        assert against(self.AWAY, a_block("01-09 09:00-10:00")) == []

    def test_say_which_clock_counts_on_a_day(self) -> None:
        zones = [self.AWAY.zone_on(date(2026, 1, day)) for day in (6, 7, 8, 9)]
        assert zones == [LONDON, TOKYO, TOKYO, LONDON]

    def test_say_which_day_an_instant_belongs_to(self) -> None:
        instants = ("01-06 14:59", "01-06 15:00", "01-08 14:59", "01-08 15:00")
        assert [self.AWAY.local_day(z(at)).day for at in instants] == [6, 7, 8, 8]

    def test_that_follow_each_other_are_kept_each_by_its_clock(self) -> None:
        touring = an_availability(
            zones=(
                TemporaryZone(first=date(2026, 1, 6), last=date(2026, 1, 6), zone=TOKYO),
                TemporaryZone(first=date(2026, 1, 7), last=date(2026, 1, 7), zone=HONOLULU),
            )
        )

        assert list(touring.open_spans(z("01-05 12:00"), z("01-09 00:00"))) == [
            (z("01-05 12:00"), z("01-05 17:00")),
            (z("01-06 00:00"), z("01-06 08:00")),
            (z("01-07 19:00"), z("01-08 03:00")),
            (z("01-08 09:00"), z("01-08 17:00")),
        ]

    def test_may_make_one_stretch_of_two_days_hours(self) -> None:
        # Until midnight in London, and from midnight on in Tokyo nine hours earlier.
        owl = replace(self.AWAY, hours=week("00:00-00:00"))
        wanted = Block(starts_at=z("01-06 12:00"), ends_at=z("01-07 12:00"))

        assert is_inside_hours(owl, wanted)

    def test_leave_a_hole_on_the_way_back(self) -> None:
        owl = replace(self.AWAY, hours=week("00:00-00:00"))

        assert list(owl.open_spans(z("01-08 12:00"), z("01-09 12:00"))) == [
            (z("01-08 12:00"), z("01-08 15:00")),
            (z("01-09 00:00"), z("01-09 12:00")),
        ]

    def test_never_leave_a_closed_time_without_a_reason(self) -> None:
        # 16:00 on the 6th in London, when it is the 7th in Tokyo already; the 6th is a holiday.
        closed = replace(self.AWAY, holidays=frozenset({date(2026, 1, 6)}))

        assert against(closed, a_block("01-06 16:00-17:00")) == [BookingRule.HOLIDAY]

    def test_are_kept_on_a_night_that_is_an_hour_longer(self) -> None:
        away = an_availability(
            hours=week("00:00-00:00"),
            zones=(TemporaryZone(first=date(2026, 11, 1), last=date(2026, 11, 1), zone=NEW_YORK),),
        )

        # London until its midnight, New York's Sunday of 25 hours, London's Monday from midnight.
        assert list(away.open_spans(z("10-31 12:00"), z("11-02 12:00"))) == [
            (z("10-31 12:00"), z("11-01 00:00")),
            (z("11-01 04:00"), z("11-02 12:00")),
        ]


class TestTimeOff:
    OFF = an_availability(time_off=((z("01-05 12:00"), z("01-05 14:00")),))

    @pytest.mark.parametrize(
        "times", ["11:00-12:01", "13:59-15:00", "12:30-13:00", "11:00-15:00", "12:00-14:00"]
    )
    def test_forbids_any_overlap(self, times: str) -> None:
        assert against(self.OFF, a_block(f"01-05 {times}")) == [BookingRule.TIME_OFF]

    def test_over_the_end_of_a_job_only_forbids_it(self) -> None:
        # Case 17 of the hard cases.
        assert against(self.OFF, a_block("01-05 10:00-12:30")) == [BookingRule.TIME_OFF]

    @pytest.mark.parametrize("times", ["10:00-12:00", "14:00-15:00"])
    def test_allows_what_touches_it(self, times: str) -> None:
        assert against(self.OFF, a_block(f"01-05 {times}")) == []
