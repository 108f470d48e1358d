"""Do a service's rules refuse exactly the starts they should, with what would satisfy them, and
are rules that make no sense refused themselves?"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.booking_rules import (
    WAIVABLE,
    Advance,
    BookingRule,
    BookingRules,
    BrokenRule,
    RulesBroken,
    SameDay,
    broken_by_start,
    over_capacity,
    override,
)
from domain.house import DEFAULT, HouseRules, over_customer_limit
from domain.people import Role
from domain.refusals import InvalidInput
from tests.factories import a_viewer

LONDON, KATHMANDU, CAIRO = map(ZoneInfo, ("Europe/London", "Asia/Kathmandu", "Africa/Cairo"))
#: A Monday in summer; 13:00 in London.
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON_CUTOFF: dict[str, Any] = {"same_day": SameDay.UNTIL_CUTOFF, "same_day_cutoff": time(12)}
AUGUST: dict[str, Any] = {
    "advance": Advance.DATES,
    "first_date": date(2026, 8, 1),
    "last_date": date(2026, 8, 31),
}


def broken(
    starts_at: datetime,
    *,
    immediate: bool = False,
    zone: ZoneInfo = LONDON,
    at: datetime = NOW,
    **rules: Any,
) -> tuple[BrokenRule, ...]:
    """What the rules, the defaults but for these, have against a start."""
    return broken_by_start(
        BookingRules(**rules), starts_at=starts_at, immediate=immediate, zone=zone, at=at
    )


def codes(found: tuple[BrokenRule, ...]) -> list[BookingRule]:
    return [one.rule for one in found]


class TestPast:
    def test_a_start_that_is_now_is_past_and_one_with_notice_is_not(self) -> None:
        assert broken(NOW) == (
            BrokenRule(
                rule=BookingRule.PAST,
                message="The start is in the past; choose a later one.",
                earliest=NOW + 2 * HOUR,
            ),
        )
        assert broken(NOW + 2 * HOUR) == ()

    def test_an_immediate_start_is_past_up_to_the_instant_itself(self) -> None:
        assert codes(broken(NOW, immediate=True)) == [BookingRule.PAST]
        assert broken(NOW + TICK, immediate=True) == ()

    def test_whatever_else_is_wrong_with_it_is_said_too(self) -> None:
        found = broken(NOW - MINUTE, same_day=SameDay.NEVER, **AUGUST)
        assert codes(found) == [
            BookingRule.PAST,
            BookingRule.SAME_DAY,
            BookingRule.TOO_FAR_AHEAD,
            BookingRule.OFF_GRID,
        ]

    def test_instants_are_compared_whatever_their_offset(self) -> None:
        assert broken(NOW.astimezone(KATHMANDU), at=NOW.astimezone(LONDON)) == broken(NOW)

    @pytest.mark.parametrize("naive", ["starts_at", "at"])
    def test_a_time_without_a_zone_is_a_fault(self, naive: str) -> None:
        times = {"starts_at": NOW + DAY, "at": NOW}
        times[naive] = times[naive].replace(tzinfo=None)
        with pytest.raises(ValueError, match="no time zone"):
            broken_by_start(BookingRules(), immediate=False, zone=LONDON, **times)


class TestSameDay:
    def test_is_allowed_unless_a_service_says_otherwise(self) -> None:
        assert broken(NOW + 3 * HOUR) == ()

    @pytest.mark.parametrize("immediate", [True, False])
    def test_never_refuses_the_local_day_and_no_more(self, immediate: bool) -> None:
        midnight = datetime(2026, 6, 1, 23, tzinfo=UTC)  # in London
        never: dict[str, Any] = {"same_day": SameDay.NEVER, "immediate": immediate}
        assert broken(midnight - 15 * MINUTE, **never) == (
            BrokenRule(
                rule=BookingRule.SAME_DAY,
                message="This service is not booked for the same day; choose a later one.",
                earliest=midnight,
            ),
        )
        assert broken(midnight, **never) == ()

    def test_the_day_is_the_one_where_the_work_is_done(self) -> None:
        # 17:45 in Kathmandu, whose next day begins at 18:15 UTC: still today's date in London.
        start = datetime(2026, 6, 1, 18, 15, tzinfo=UTC)
        never: dict[str, Any] = {"same_day": SameDay.NEVER}
        assert broken(start, zone=KATHMANDU, **never) == ()
        assert codes(broken(start, zone=LONDON, **never)) == [BookingRule.SAME_DAY]

    def test_a_day_without_a_midnight_begins_with_the_first_instant_it_has(self) -> None:
        eve = datetime(2026, 4, 23, 9, tzinfo=UTC)  # Cairo goes from 00:00 to 01:00 that night
        (found,) = broken(eve + 3 * HOUR, zone=CAIRO, at=eve, same_day=SameDay.NEVER)
        assert found.earliest == datetime(2026, 4, 23, 22, tzinfo=UTC)
        assert found.earliest.astimezone(CAIRO).time() == time(1)

    def test_until_the_cutoff_today_can_be_booked_and_from_it_on_not(self) -> None:
        noon = datetime(2026, 6, 1, 11, tzinfo=UTC)  # in London
        start = noon + 6 * HOUR
        assert broken(start, at=noon - TICK, **NOON_CUTOFF) == ()
        assert broken(start, at=noon, **NOON_CUTOFF) == (
            BrokenRule(
                rule=BookingRule.SAME_DAY,
                message="Today could be booked until 12:00; choose a later day.",
                earliest=datetime(2026, 6, 1, 23, tzinfo=UTC),
            ),
        )

    def test_the_cutoff_says_nothing_of_later_days(self) -> None:
        assert broken(NOW + DAY, **NOON_CUTOFF) == ()

    def test_the_cutoff_is_read_from_the_clock_where_the_work_is_done(self) -> None:
        at = datetime(2026, 6, 1, 6, 14, tzinfo=UTC)  # 07:14 in London, 11:59 in Kathmandu
        start = datetime(2026, 6, 1, 10, 15, tzinfo=UTC)
        assert broken(start, zone=KATHMANDU, at=at, **NOON_CUTOFF) == ()
        late = broken(start, zone=KATHMANDU, at=at + MINUTE, **NOON_CUTOFF)
        assert codes(late) == [BookingRule.SAME_DAY]
        assert broken(start, zone=LONDON, at=at + MINUTE, **NOON_CUTOFF) == ()


class TestHorizon:
    def test_days_are_counted_from_the_instant_of_asking(self) -> None:
        last = NOW + 90 * DAY
        assert broken(last) == ()
        assert broken(last + 15 * MINUTE) == (
            BrokenRule(
                rule=BookingRule.TOO_FAR_AHEAD,
                message="The start is more than 90 days ahead; choose an earlier one.",
                latest=last,
                limit=90,
            ),
        )

    def test_the_number_of_days_is_the_services_own(self) -> None:
        assert broken(NOW + DAY, advance_days=1) == ()
        (found,) = broken(NOW + DAY + TICK, immediate=True, advance_days=1)
        assert (found.rule, found.limit) == (BookingRule.TOO_FAR_AHEAD, 1)

    def test_bookable_days_are_for_the_providers_own_days_to_answer(self) -> None:
        assert broken(NOW + 700 * DAY, advance=Advance.BOOKABLE_DAYS, advance_days=1) == ()

    @pytest.mark.parametrize(
        ("starts_at", "fits"),
        [
            (datetime(2026, 7, 31, 22, 45, tzinfo=UTC), False),
            (datetime(2026, 7, 31, 23, tzinfo=UTC), True),
            (datetime(2026, 8, 31, 22, 45, tzinfo=UTC), True),
            (datetime(2026, 8, 31, 23, tzinfo=UTC), False),
        ],
    )
    def test_dates_are_local_days_first_and_last_included(
        self, starts_at: datetime, fits: bool
    ) -> None:
        refused = BrokenRule(
            rule=BookingRule.TOO_FAR_AHEAD,
            message="Choose a day from 2026-08-01 to 2026-08-31.",
            earliest=datetime(2026, 7, 31, 23, tzinfo=UTC),
            latest=datetime(2026, 8, 31, 23, tzinfo=UTC) - TICK,
        )
        assert broken(starts_at, **AUGUST) == (() if fits else (refused,))

    def test_dates_may_lie_further_ahead_than_days(self) -> None:
        next_year: dict[str, Any] = {"first_date": date(2027, 8, 1), "last_date": date(2027, 8, 1)}
        start = datetime(2027, 8, 1, 9, tzinfo=UTC)
        assert broken(start, advance=Advance.DATES, advance_days=1, **next_year) == ()


class TestNotice:
    def test_is_enough_from_the_very_minute(self) -> None:
        earliest = NOW + 2 * HOUR
        assert broken(earliest) == ()
        assert broken(earliest - 15 * MINUTE) == (
            BrokenRule(
                rule=BookingRule.NOTICE_TOO_SHORT,
                message="Book at least 120 minutes ahead.",
                earliest=earliest,
                limit=120,
            ),
        )

    def test_is_not_asked_of_immediate_work(self) -> None:
        assert broken(NOW + MINUTE, immediate=True, notice_minutes=120) == ()

    def test_may_be_none_at_all(self) -> None:
        assert broken(NOW + 15 * MINUTE, notice_minutes=0) == ()

    def test_is_real_time_across_a_change_of_the_clock(self) -> None:
        at = datetime(2026, 3, 28, 12, tzinfo=UTC)  # the night has 23 hours
        day: dict[str, Any] = {"at": at, "notice_minutes": 24 * 60}
        assert broken(at + DAY, **day) == ()
        assert codes(broken(at + DAY - 15 * MINUTE, **day)) == [BookingRule.NOTICE_TOO_SHORT]


class TestGrid:
    def test_takes_whole_intervals_after_local_midnight(self) -> None:
        start = NOW + DAY
        assert [codes(broken(start + n * MINUTE)) for n in (0, 14, 15)] == [
            [],
            [BookingRule.OFF_GRID],
            [],
        ]
        assert broken(start + TICK) == (
            BrokenRule(
                rule=BookingRule.OFF_GRID,
                message="Starts are every 15 minutes from midnight, local time.",
                limit=15,
            ),
        )

    def test_is_the_wall_clocks_where_the_work_is_done(self) -> None:
        quarter_to = datetime(2026, 6, 2, 12, tzinfo=UTC)  # 17:45 in Kathmandu
        assert broken(quarter_to, zone=LONDON, slot_interval_minutes=60) == ()
        found = broken(quarter_to, zone=KATHMANDU, slot_interval_minutes=60)
        assert codes(found) == [BookingRule.OFF_GRID]
        assert broken(quarter_to + 15 * MINUTE, zone=KATHMANDU, slot_interval_minutes=60) == ()

    def test_is_not_asked_of_immediate_work(self) -> None:
        assert broken(NOW + 7 * MINUTE, immediate=True) == ()


def test_all_broken_rules_are_told_together() -> None:
    found = broken(NOW + 7 * MINUTE, same_day=SameDay.NEVER, **AUGUST)
    assert codes(found) == [
        BookingRule.SAME_DAY,
        BookingRule.TOO_FAR_AHEAD,
        BookingRule.NOTICE_TOO_SHORT,
        BookingRule.OFF_GRID,
    ]


def test_a_refusal_carries_every_broken_rule_and_says_them_in_words() -> None:
    two = (
        BrokenRule(rule=BookingRule.HOLIDAY, message="Closed."),
        BrokenRule(rule=BookingRule.BUFFER, message="Too near."),
    )
    refused = RulesBroken(two, (NOW,))
    assert (refused.broken, refused.alternatives, str(refused)) == (
        two,
        (NOW,),
        "Closed. Too near.",
    )
    assert RulesBroken(two).alternatives == ()


def test_staff_may_set_aside_neither_the_past_nor_what_cannot_be() -> None:
    assert set(BookingRule) - WAIVABLE == {
        BookingRule.PAST,
        BookingRule.SLOT_TAKEN,
        BookingRule.NONEXISTENT_LOCAL_TIME,
        BookingRule.AMBIGUOUS_LOCAL_TIME,
    }


def test_capacity_is_reached_by_as_many_bookings_as_it_says() -> None:
    two = BookingRules(capacity=2)
    assert over_capacity(two, 1) == ()
    full = BrokenRule(
        rule=BookingRule.CAPACITY,
        message="This service is fully booked at this time in this area; choose another time.",
        limit=2,
    )
    assert over_capacity(two, 2) == over_capacity(two, 3) == (full,)


def test_without_a_capacity_there_is_no_limit() -> None:
    assert over_capacity(BookingRules(), 1_000_000) == ()


def test_a_customer_may_have_as_many_bookings_as_the_limit_says() -> None:
    assert over_customer_limit(DEFAULT, 9) == ()
    assert over_customer_limit(DEFAULT, 10) == (
        BrokenRule(
            rule=BookingRule.CUSTOMER_LIMIT,
            message="You have 10 bookings ahead of you; 10 is the most.",
            limit=10,
        ),
    )
    strict = HouseRules(customer_limit=1)
    assert over_customer_limit(strict, 0) == ()
    assert [one.limit for one in over_customer_limit(strict, 2)] == [1]


def test_the_defaults_are_those_of_the_house() -> None:
    assert (
        HouseRules(
            service=BookingRules(
                same_day=SameDay.ALLOWED,
                same_day_cutoff=None,
                notice_minutes=120,
                advance=Advance.DAYS,
                advance_days=90,
                first_date=None,
                last_date=None,
                slot_interval_minutes=15,
                buffer_before_minutes=15,
                buffer_after_minutes=15,
                travel_mph=20,
                capacity=None,
                cancel_free_minutes=1440,
                cancel_part_percent=50,
                cancel_part_minutes=120,
                cancel_whole_percent=100,
                cancel_notice_minutes=0,
                reschedule_notice_minutes=120,
                max_reschedules=3,
                deposit_percent=0,
                provider_share_percent=80,
            ),
            customer_limit=10,
            hold=10 * MINUTE,
            grant_same_day=10 * MINUTE,
            grant=48 * HOUR,
            payment_patience=15 * MINUTE,
            least_payout_minor=5000,
            zone_name="Europe/London",
        )
        == DEFAULT
    )


def test_rules_speak_of_time_as_time() -> None:
    rules = BookingRules(
        notice_minutes=90,
        slot_interval_minutes=20,
        buffer_before_minutes=5,
        buffer_after_minutes=10,
    )
    times = (rules.notice, rules.interval, rules.buffer_before, rules.buffer_after)
    assert times == (90 * MINUTE, 20 * MINUTE, 5 * MINUTE, 10 * MINUTE)


def wrong_with(**rules: Any) -> list[tuple[str, str]]:
    """The fields that are complained of, with what is said of each."""
    try:
        BookingRules(**rules)
    except InvalidInput as error:
        return [(".".join(one.path).removeprefix("rules."), one.message) for one in error.errors]
    return []


@pytest.mark.parametrize(
    ("name", "wire", "least", "most", "step"),
    [
        ("notice_minutes", "noticeMinutes", 0, 129_600, 1),
        ("advance_days", "advanceDays", 1, 730, 1),
        ("slot_interval_minutes", "slotIntervalMinutes", 5, 1440, 5),
        ("buffer_before_minutes", "bufferBeforeMinutes", 0, 480, 1),
        ("buffer_after_minutes", "bufferAfterMinutes", 0, 480, 1),
        ("travel_mph", "travelMph", 1, 100, 1),
        ("capacity", "capacity", 1, 10_000, 1),
        ("cancel_free_minutes", "cancelFreeMinutes", 0, 129_600, 1),
        ("cancel_part_percent", "cancelPartPercent", 0, 100, 1),
        ("cancel_part_minutes", "cancelPartMinutes", 0, 129_600, 1),
        ("cancel_whole_percent", "cancelWholePercent", 0, 100, 1),
        ("cancel_notice_minutes", "cancelNoticeMinutes", 0, 129_600, 1),
        ("reschedule_notice_minutes", "rescheduleNoticeMinutes", 0, 129_600, 1),
        ("max_reschedules", "maxReschedules", 0, 100, 1),
        ("deposit_percent", "depositPercent", 0, 99, 1),
        ("provider_share_percent", "providerSharePercent", 0, 100, 1),
    ],
)
def test_every_number_has_a_least_and_a_most(
    name: str, wire: str, least: int, most: int, step: int
) -> None:
    # Wide enough that only the number itself can be wrong.
    wide = {
        "cancel_free_minutes": 129_600,
        "cancel_part_minutes": 0,
        "cancel_part_percent": 0,
        "cancel_whole_percent": 100,
    }
    said = (wire, f"Give {least} to {most}.")
    assert wrong_with(**wide | {name: least}) == []
    assert wrong_with(**wide | {name: most}) == []
    assert said in wrong_with(**wide | {name: least - step})
    assert said in wrong_with(**wide | {name: most + step})


def test_no_capacity_is_a_capacity() -> None:
    assert wrong_with(capacity=None) == []


def test_starts_are_on_a_grid_of_five_minutes() -> None:
    assert wrong_with(slot_interval_minutes=20) == []
    assert wrong_with(slot_interval_minutes=21) == [
        ("slotIntervalMinutes", "Give a multiple of 5.")
    ]


@pytest.mark.parametrize("same_day", list(SameDay))
@pytest.mark.parametrize("cutoff", [None, time(), time(16)])
def test_a_cutoff_is_given_when_there_is_one(same_day: SameDay, cutoff: time | None) -> None:
    fits = (same_day is SameDay.UNTIL_CUTOFF) == (cutoff is not None)
    said = ("sameDayCutoff", "Give a time with UNTIL_CUTOFF, and only then.")
    assert wrong_with(same_day=same_day, same_day_cutoff=cutoff) == ([] if fits else [said])


def test_the_fee_grows_towards_the_start() -> None:
    assert wrong_with(cancel_free_minutes=60, cancel_part_minutes=60) == []
    assert wrong_with(cancel_part_percent=70, cancel_whole_percent=70) == []
    assert wrong_with(
        cancel_free_minutes=60,
        cancel_part_minutes=61,
        cancel_part_percent=71,
        cancel_whole_percent=70,
    ) == [
        ("cancelPartMinutes", "Give at most cancelFreeMinutes."),
        ("cancelPartPercent", "Give at most cancelWholePercent."),
    ]


MISPLACED = "Give a date with DATES, and only then."
YEARS = "Give a day of the years 1970 to 9998."


@pytest.mark.parametrize(
    ("advance", "first", "last", "wrong"),
    [
        (Advance.DAYS, None, None, []),
        (Advance.BOOKABLE_DAYS, None, None, []),
        (Advance.DAYS, date(2026, 8, 1), None, [("firstDate", MISPLACED)]),
        (Advance.BOOKABLE_DAYS, None, date(2026, 8, 1), [("lastDate", MISPLACED)]),
        (Advance.DATES, None, None, [("firstDate", MISPLACED), ("lastDate", MISPLACED)]),
        (Advance.DATES, date(2026, 8, 1), None, [("lastDate", MISPLACED)]),
        (Advance.DATES, date(2026, 8, 1), date(2026, 8, 1), []),
        (
            *(Advance.DATES, date(2026, 8, 2), date(2026, 8, 1)),
            [("lastDate", "Give the first day or a later one.")],
        ),
        (Advance.DATES, date(1970, 1, 1), date(9998, 12, 31), []),
        (
            *(Advance.DATES, date(1969, 12, 31), date(9999, 1, 1)),
            [("firstDate", YEARS), ("lastDate", YEARS)],
        ),
    ],
)
def test_dates_are_given_in_order_when_they_count(
    advance: Advance, first: date | None, last: date | None, wrong: list[tuple[str, str]]
) -> None:
    assert wrong_with(advance=advance, first_date=first, last_date=last) == wrong


@pytest.mark.parametrize("zone", [LONDON, KATHMANDU, ZoneInfo("Pacific/Kiritimati")])
def test_the_widest_dates_that_may_be_given_have_bounds(zone: ZoneInfo) -> None:
    ever: dict[str, Any] = {"advance": Advance.DATES, "first_date": date(9998, 12, 31)}
    (found,) = broken(NOW + DAY, zone=zone, last_date=date(9998, 12, 31), **ever)
    assert found.latest is not None
    assert found.latest.astimezone(zone).date() == date(9998, 12, 31)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        BookingRules(notice_minutes=-1, same_day_cutoff=time(9), first_date=date(2026, 1, 1))
    assert [error.path for error in refused.value.errors] == [
        ("rules", "noticeMinutes"),
        ("rules", "sameDayCutoff"),
        ("rules", "firstDate"),
    ]


class TestSettingRulesAside:
    def test_is_for_staff_who_say_why(self) -> None:
        staff = a_viewer(role=Role.DISPATCHER)
        assert override("Water is running.", by=staff) == "Water is running."
        assert override(None, by=staff) is None

    def test_is_not_for_customers_whatever_they_say(self) -> None:
        assert override("Please.", by=a_viewer()) is None

    @pytest.mark.parametrize("reason", ["", "x" * 501, "\x00"])
    def test_needs_a_reason_that_says_something_and_can_be_kept(self, reason: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            override(reason, by=a_viewer(role=Role.ADMIN))
        assert [error.path for error in refused.value.errors] == [("overrideReason",)]
