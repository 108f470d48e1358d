"""What is a slot, which starts does a search find, and what does it say when it finds none?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.availability import Availability, Block, DateOverride, TemporaryZone
from domain.booking_rules import Advance, BookingRule, BookingRules
from domain.hours import WeeklyHours, WeeklyInterval
from domain.places import Point
from domain.refusals import FieldError
from domain.services import ServiceMode
from domain.slot_search import Calendar, Diary, Search
from domain.slots import NobodyFree, Place, Slot, Waiting, WaysOn, place_of
from tests.domain.clocks import (
    HOUR,
    KATHMANDU,
    LONDON,
    NEW_YORK,
    QUARTER,
    starts,
    week,
    z,
)
from tests.domain.diaries import an_availability
from tests.factories import SERVICE, WESTMINSTER, an_address

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
UTC_ZONE = ZoneInfo("UTC")
NINE_TO_FIVE = week("09:00-17:00")
#: Half an hour's ride from Westminster, and a little.
CROYDON = Point(latitude=51.3714, longitude=-0.0977)


def at(text: str) -> datetime:
    """A time on Monday 1 June 2026, UTC."""
    return z(f"06-01 {text}")


def a_search(**changes: Any) -> Search:
    """An hour's work on Monday, every half hour, asked for the day before."""
    rules = {"slot_interval_minutes": 30, "buffer_before_minutes": 0, "buffer_after_minutes": 0}
    facts: dict[str, Any] = {
        "rules": BookingRules(**rules | changes.pop("rules", {})),
        "duration": HOUR,
        "zone": UTC_ZONE,
        "earliest": at("00:00"),
        "latest": at("23:59"),
        "at": at("00:00") - timedelta(days=1),
    }
    return Search(**facts | changes)


def a_diary(*taken: Block, provider: UUID = ONE, **changes: Any) -> Diary:
    """Nine to ten thirty on every day, so that three half hours can be booked."""
    facts: dict[str, Any] = {"zone": UTC_ZONE, "hours": week("09:00-11:00")} | changes
    return Diary(provider_id=provider, availability=Availability(**facts), taken=taken)


def a_block(start: str, end: str, **changes: Any) -> Block:
    return Block(starts_at=at(start), ends_at=at(end), **changes)


def offered(calendar: Calendar) -> list[str]:
    return [f"{slot.starts_at:%H:%M}" for slot in calendar.slots(100)]


# A slot


def test_a_slot_shows_the_wall_time_the_zone_and_the_offset_at_its_start() -> None:
    slot = Slot(starts_at=at("03:15"), ends_at=at("04:15"), zone=KATHMANDU, provider_count=2)

    assert slot.local_start == datetime(2026, 6, 1, 9)  # noqa: DTZ001  # a wall time
    assert slot.local_end == datetime(2026, 6, 1, 10)  # noqa: DTZ001  # a wall time
    assert slot.time_zone == "Asia/Kathmandu"
    assert slot.utc_offset == "+05:45"


def test_the_two_half_past_ones_of_one_night_differ_in_instant_and_offset() -> None:
    search = a_search(
        zone=NEW_YORK, earliest=z("11-01 05:30"), latest=z("11-01 06:30"), at=z("10-31 00:00")
    )
    calendar = Calendar(search=search, diaries=[a_diary(zone=NEW_YORK, hours=week("00:00-00:00"))])

    slots = [slot for slot in calendar.slots(9) if slot.local_start.minute == 30]

    assert [slot.starts_at for slot in slots] == [z("11-01 05:30"), z("11-01 06:30")]
    assert [slot.local_start.hour for slot in slots] == [1, 1]
    assert [slot.utc_offset for slot in slots] == ["-04:00", "-05:00"]


# The starts of one provider


def test_starts_are_listed_from_the_first_to_the_last_that_fits() -> None:
    found = starts(week("09:00-11:00", days=(1,)), LONDON, z("06-01 00:00"), z("06-07 00:00"))

    assert found == [z("06-01 08:00"), z("06-01 08:30"), z("06-01 09:00")]
    assert all(instant.tzinfo is UTC for instant in found)


def test_earliest_and_latest_are_themselves_possible_starts() -> None:
    found = starts(week("00:00-00:00"), LONDON, z("06-01 08:00"), z("06-01 09:00"))

    assert found == [z("06-01 08:00"), z("06-01 08:30"), z("06-01 09:00")]


def test_an_earliest_off_the_grid_waits_for_the_next_step() -> None:
    earliest = z("06-01 08:00") + timedelta(seconds=1)

    found = starts(week("00:00-00:00"), LONDON, earliest, z("06-01 09:29"))

    assert found == [z("06-01 08:30"), z("06-01 09:00")]


def test_the_step_is_fifteen_minutes_unless_the_service_says_otherwise() -> None:
    search = a_search(rules={"slot_interval_minutes": 15})
    usual = Calendar(search=search, diaries=[a_diary(hours=week("09:00-10:30"))])

    assert BookingRules().interval == QUARTER
    assert offered(usual) == ["09:00", "09:15", "09:30"]


def test_steps_that_do_not_divide_the_day_begin_again_at_midnight() -> None:
    found = starts(
        week("00:00-00:00"), UTC_ZONE, z("06-01 14:00"), z("06-02 08:00"), step_minutes=420
    )

    assert found == [z("06-01 14:00"), z("06-01 21:00"), z("06-02 00:00"), z("06-02 07:00")]


def test_busy_time_is_passed_over_with_one_buffer_on_each_side() -> None:
    busy = (
        (z("06-01 12:00"), z("06-01 13:00")),
        (z("06-01 09:15"), z("06-01 09:30")),
        (z("06-01 09:00"), z("06-01 10:00")),
    )

    found = starts(
        week("08:00-16:00"), LONDON, z("06-01 00:00"), z("06-01 23:00"), busy=busy, step_minutes=15
    )

    assert found == [
        at(text)
        for text in (
            *("07:00", "07:15", "07:30", "07:45"),
            *("10:15", "10:30", "10:45"),
            *("13:15", "13:30", "13:45", "14:00"),
        )
    ]


def test_the_first_starts_are_given_up_to_the_limit() -> None:
    few = starts(NINE_TO_FIVE, LONDON, z("06-01 00:00"), z("06-05 00:00"), limit=3)
    none = starts(NINE_TO_FIVE, LONDON, z("06-01 00:00"), z("06-05 00:00"), limit=0)

    assert few == [z("06-01 08:00"), z("06-01 08:30"), z("06-01 09:00")]
    assert none == []


def test_a_job_longer_than_the_day_runs_on_into_the_next_when_the_hours_join() -> None:
    shift = WeeklyHours(
        intervals=(
            WeeklyInterval(weekday=1, opens=time(20), closes=time()),
            WeeklyInterval(weekday=2, opens=time(), closes=time(8)),
        )
    )

    found = starts(shift, LONDON, z("06-01 00:00"), z("06-03 00:00"), duration=11 * HOUR)

    assert found == [z("06-01 19:00"), z("06-01 19:30"), z("06-01 20:00")]


def test_nothing_is_free_without_hours_or_before_the_earliest() -> None:
    assert starts(WeeklyHours(), LONDON, z("06-01 00:00"), z("06-05 00:00")) == []
    assert starts(NINE_TO_FIVE, LONDON, z("06-05 00:00"), z("06-01 00:00")) == []


def test_fifteen_minutes_after_one_job_and_before_the_next_are_one_gap_of_fifteen() -> None:
    buffers = {"buffer_before_minutes": 15, "buffer_after_minutes": 15}
    search = a_search(rules=buffers | {"slot_interval_minutes": 15})
    room = {"before": QUARTER, "after": QUARTER}
    diary = a_diary(
        a_block("08:00", "08:45", **room), a_block("10:15", "11:00", **room), hours=NINE_TO_FIVE
    )

    found = offered(Calendar(search=search, diaries=[diary]))

    assert found[0] == "09:00"
    assert found[1] == "11:15"


def test_the_room_before_a_job_is_other_than_the_room_after_it() -> None:
    all_day: dict[str, Any] = {"hours": week("10:00-17:00")}
    wide, narrow = a_block("12:00", "13:00", before=HOUR, after=2 * HOUR), a_block("12:00", "13:00")
    wants_room = a_search(rules={"buffer_before_minutes": 120, "buffer_after_minutes": 60})

    theirs = offered(Calendar(search=a_search(), diaries=[a_diary(wide, **all_day)]))
    its_own = offered(Calendar(search=wants_room, diaries=[a_diary(narrow, **all_day)]))

    assert theirs == its_own == ["10:00", "15:00", "15:30", "16:00"]


@pytest.mark.parametrize(
    ("speed", "speed_there", "first"), [(20, 20, "13:30"), (40, 40, "13:15"), (40, 10, "14:00")]
)
def test_the_way_is_made_at_the_slower_of_the_two_speeds(
    speed: int, speed_there: int, first: str
) -> None:
    ten_miles = Point(latitude=WESTMINSTER.latitude + 9.99 / 69.0934, longitude=-0.1246)
    for mine, other in ((speed, speed_there), (speed_there, speed)):
        rules = {"slot_interval_minutes": 15, "travel_mph": mine}
        search = a_search(point=WESTMINSTER, rules=rules)
        there = a_block("12:00", "13:00", point=ten_miles, travel_mph=other)
        diary = a_diary(there, hours=week("12:00-17:00"))

        assert search.wanted(at("12:00")).travel_mph == mine
        assert offered(Calendar(search=search, diaries=[diary]))[0] == first


def test_the_way_from_one_place_to_the_next_takes_its_time() -> None:
    there = a_block("12:00", "13:00", point=CROYDON)
    diaries = [a_diary(there, hours=week("10:00-15:00"))]

    near = offered(Calendar(search=a_search(point=CROYDON), diaries=diaries))
    far = offered(Calendar(search=a_search(point=WESTMINSTER), diaries=diaries))
    unknown = offered(Calendar(search=a_search(), diaries=diaries))

    assert near == unknown == ["10:00", "10:30", "11:00", "13:00", "13:30", "14:00"]
    assert far == ["10:00", "10:30", "13:30", "14:00"]


def test_a_full_day_is_full_and_the_next_is_not() -> None:
    taken = a_block("20:00", "21:00"), a_block("22:00", "23:00")
    search = a_search(latest=z("06-02 23:59"))

    found = Calendar(search=search, diaries=[a_diary(*taken, daily_cap=2)]).slots(9)

    assert [slot.starts_at for slot in found] == [
        z("06-02 09:00"),
        z("06-02 09:30"),
        z("06-02 10:00"),
    ]


def test_work_that_is_done_takes_no_time_but_counts_among_the_days_jobs() -> None:
    done = a_block("09:00", "10:00", done=True)

    assert offered(Calendar(search=a_search(), diaries=[a_diary(done)])) == [
        "09:00",
        "09:30",
        "10:00",
    ]
    assert offered(Calendar(search=a_search(), diaries=[a_diary(done, daily_cap=1)])) == []


def test_a_day_is_full_by_the_providers_own_clock() -> None:
    # 20:00 UTC on Monday is Tuesday in Kathmandu, so it is Tuesday that is full there.
    late = a_block("20:00", "21:00")
    search = a_search(latest=z("06-02 17:30"))
    diary = a_diary(late, daily_cap=1, zone=KATHMANDU, hours=week("09:00-11:00"))

    found = Calendar(search=search, diaries=[diary]).slots(9)

    assert {slot.starts_at.date() for slot in found} == {date(2026, 6, 1)}


def test_days_in_another_zone_are_counted_by_its_clock_while_it_lasts() -> None:
    away = TemporaryZone(first=date(2026, 6, 1), last=date(2026, 6, 1), zone=KATHMANDU)
    search = a_search(earliest=z("05-31 12:00"), latest=z("06-02 12:00"), at=z("05-30 00:00"))
    diary = a_diary(a_block("03:30", "04:00"), daily_cap=1, zones=(away,))

    found = Calendar(search=search, diaries=[diary]).slots(9)

    # Monday is full, and it is Kathmandu's; Tuesday is not.
    assert [f"{slot.starts_at:%d %H:%M}" for slot in found] == ["02 09:00", "02 09:30", "02 10:00"]


def test_the_full_day_of_one_who_is_away_begins_by_another_clock() -> None:
    away = TemporaryZone(first=date(2026, 6, 1), last=date(2026, 6, 1), zone=KATHMANDU)
    full: dict[str, Any] = {"daily_cap": 1, "hours": week("00:00-00:00")}
    diaries = [
        a_diary(a_block("10:00", "11:00"), provider=ONE, **full),
        a_diary(a_block("10:00", "11:00"), provider=TWO, zones=(away,), **full),
    ]
    search = a_search(earliest=z("05-31 12:00"), latest=at("23:30"), at=z("05-30 00:00"))

    for order in (diaries, diaries[::-1]):
        calendar = Calendar(search=search, diaries=order)
        last = [calendar.slots_of(provider, 99)[-1].starts_at for provider in (ONE, TWO)]
        # Monday begins at 18:15 in Kathmandu.
        assert last == [z("05-31 23:30"), z("05-31 18:00")]


def test_only_so_many_working_days_can_be_booked() -> None:
    rules = {"advance": Advance.BOOKABLE_DAYS, "advance_days": 2}
    search = a_search(rules=rules, at=at("08:00"), latest=z("06-09 00:00"), duration=2 * HOUR)
    diary = a_diary(hours=week("09:00-11:00", days=(2, 4, 6)))

    found = Calendar(search=search, diaries=[diary]).slots(9)

    assert [slot.starts_at for slot in found] == [z("06-02 09:00"), z("06-04 09:00")]


# The starts of a service


def test_a_diary_without_one_booking_keeps_all_the_rest() -> None:
    moved, other = UUID(int=7), UUID(int=8)
    job = a_block("09:00", "10:00", booking_id=moved)
    next_ = a_block("11:00", "12:00", booking_id=other)
    hold = a_block("13:00", "14:00")
    diary = a_diary(job, next_, hold)

    assert list(diary.without(moved).taken) == [next_, hold]
    assert diary.without(moved).availability == diary.availability


def test_a_start_is_offered_once_with_the_number_of_those_who_are_free() -> None:
    diaries = [
        a_diary(provider=ONE),
        a_diary(a_block("09:00", "10:00"), provider=TWO),
        a_diary(provider=THREE, hours=week("10:00-12:00")),
    ]

    found = Calendar(search=a_search(), diaries=diaries).slots(9)

    assert [(f"{slot.starts_at:%H:%M}", slot.provider_count) for slot in found] == [
        ("09:00", 1),
        ("09:30", 1),
        ("10:00", 3),
        ("10:30", 1),
        ("11:00", 1),
    ]


def test_the_same_week_is_another_in_another_zone_or_with_other_exceptions() -> None:
    # One value, as it is read from the database for all who keep the same week.
    hours, monday = week("09:00-11:00"), date(2026, 6, 1)
    away = TemporaryZone(first=monday, last=monday, zone=KATHMANDU)
    different: list[dict[str, Any]] = [
        {},
        {"zone": LONDON},
        {"overrides": (DateOverride(day=monday),)},
        {"zones": (away,)},
        {"holidays": frozenset({monday})},
    ]
    diaries = [
        a_diary(provider=UUID(int=number), hours=hours, **changes)
        for number, changes in enumerate(different)
    ]
    search = a_search(rules={"slot_interval_minutes": 15})

    for order in (diaries, diaries[::-1]):
        calendar = Calendar(search=search, diaries=order)
        first = [calendar.slots_of(UUID(int=number), 1) for number in range(5)]
        assert [slot.starts_at for slots in first for slot in slots] == [
            at("09:00"),
            at("08:00"),
            at("03:15"),
        ]
        assert [len(slots) for slots in first] == [1, 1, 0, 1, 0]


def test_who_waits_for_a_provider_takes_one_of_those_who_are_free_then() -> None:
    diaries = [a_diary(provider=ONE), a_diary(provider=TWO)]
    waiting = [a_block("09:00", "09:45"), a_block("09:15", "09:45")]

    calendar = Calendar(search=a_search(), diaries=diaries, waiting=waiting)

    assert [(slot.starts_at, slot.provider_count) for slot in calendar.slots(9)] == [
        (at("10:00"), 2)
    ]


def test_a_booking_that_waits_is_not_in_the_way_of_a_named_provider() -> None:
    calendar = Calendar(search=a_search(), diaries=[a_diary()], waiting=[a_block("09:00", "11:00")])

    assert offered(calendar) == []
    assert [slot.starts_at for slot in calendar.slots_of(ONE, 2)] == [at("09:00"), at("09:30")]
    assert calendar.slots_of(ONE, 2)[0].provider_count == 1


def test_capacity_counts_those_that_come_together_not_those_that_follow_each_other() -> None:
    one_after_the_other = [a_block("09:00", "09:30").span, a_block("09:30", "10:00").span]
    together = [*one_after_the_other, a_block("09:30", "10:00").span]
    search = a_search(rules={"capacity": 2})
    diaries = [a_diary()]

    follow = Calendar(search=search, diaries=diaries, alike=one_after_the_other)
    meet = Calendar(search=search, diaries=diaries, alike=together)

    assert offered(follow) == ["09:00", "09:30", "10:00"]
    assert offered(meet) == ["10:00"]


def test_without_a_capacity_any_number_may_come_together() -> None:
    alike = [a_block("09:00", "11:00").span] * 50

    assert offered(Calendar(search=a_search(), diaries=[a_diary()], alike=alike)) == [
        "09:00",
        "09:30",
        "10:00",
    ]


# Why there is none


@pytest.mark.parametrize(
    ("search", "diary", "rule"),
    [
        (a_search(at=at("23:59")), a_diary(), "PAST"),
        (a_search(rules={"notice_minutes": 3000}), a_diary(), "NOTICE_TOO_SHORT"),
        (a_search(earliest=at("09:10"), latest=at("09:10")), a_diary(), "OFF_GRID"),
        (a_search(), a_diary(hours=WeeklyHours()), "OUTSIDE_HOURS"),
        (a_search(), a_diary(overrides=(DateOverride(day=date(2026, 6, 1)),)), "OUTSIDE_HOURS"),
        (
            a_search(earliest=at("09:00"), latest=at("10:00")),
            a_diary(holidays=frozenset({date(2026, 6, 1)})),
            "HOLIDAY",
        ),
        (
            a_search(earliest=at("09:00"), latest=at("10:00")),
            a_diary(time_off=((at("00:00"), at("10:30")),)),
            "TIME_OFF",
        ),
        (
            a_search(earliest=at("09:00"), latest=at("10:00")),
            a_diary(a_block("09:15", "10:45", after=HOUR, before=HOUR)),
            "SLOT_TAKEN",
        ),
        (
            a_search(earliest=at("09:00"), latest=at("10:00")),
            a_diary(a_block("11:00", "11:30", before=3 * HOUR)),
            "BUFFER",
        ),
        (
            a_search(earliest=at("09:00"), latest=at("10:00")),
            a_diary(a_block("20:00", "21:00"), daily_cap=1),
            "DAILY_CAP",
        ),
    ],
)
def test_says_which_rule_is_in_the_way(search: Search, diary: Diary, rule: str) -> None:
    calendar = Calendar(search=search, diaries=[diary])

    assert calendar.slots(1) == ()
    assert calendar.reasons()[0] == rule
    assert set(calendar.reasons()) <= {rule, "OUTSIDE_HOURS"}


def test_the_rule_that_alone_keeps_most_away_is_named_first() -> None:
    # Nobody works at night, but it is the work that keeps the customer from the day.
    diary = a_diary(a_block("08:00", "18:00"))

    calendar = Calendar(search=a_search(), diaries=[diary])

    assert calendar.reasons() == (BookingRule.OUTSIDE_HOURS, BookingRule.SLOT_TAKEN)
    by_day = a_search(earliest=at("09:00"), latest=at("11:00"))
    assert Calendar(search=by_day, diaries=[diary]).reasons() == (
        BookingRule.SLOT_TAKEN,
        BookingRule.OUTSIDE_HOURS,
    )


def test_capacity_is_named_and_so_is_the_need_of_those_who_wait() -> None:
    full = [(at("00:00"), at("23:59"))]
    by_day = {"earliest": at("09:00"), "latest": at("10:00")}

    at_capacity = Calendar(
        search=a_search(rules={"capacity": 1}, **by_day), diaries=[a_diary()], alike=full
    )
    needed = Calendar(
        search=a_search(**by_day), diaries=[a_diary()], waiting=[a_block("08:00", "12:00")]
    )

    assert at_capacity.reasons() == (BookingRule.CAPACITY,)
    assert needed.reasons() == (BookingRule.SLOT_TAKEN,)


def test_there_is_nothing_to_say_where_there_are_slots_or_nobody_or_no_start() -> None:
    assert Calendar(search=a_search(), diaries=[a_diary()]).reasons() == ()
    assert Calendar(search=a_search(), diaries=[]).reasons() == ()
    between = a_search(earliest=at("09:01"), latest=at("09:02"))
    assert Calendar(search=between, diaries=[a_diary()]).reasons() == ()
    # What the service itself forbids it forbids whether there is anybody or not.
    past = a_search(at=z("06-02 00:00"))
    assert Calendar(search=past, diaries=[]).reasons() == (BookingRule.PAST,)


# Places


def a_place(**changes: Any) -> Place:
    return Place(**{"country": "GB", "postal_code": "SW1A 0AA", "city": "London"} | changes)


def test_a_place_is_as_much_of_an_address_as_a_search_needs() -> None:
    assert place_of(an_address(), ServiceMode.ON_SITE) == a_place(point=WESTMINSTER)
    assert a_place().outward_code == "SW1A"


@pytest.mark.parametrize("mode", [ServiceMode.VIDEO, ServiceMode.CHAT])
def test_nobody_goes_anywhere_for_a_call_or_a_chat(mode: ServiceMode) -> None:
    assert place_of(an_address(), mode) is None


def test_places_are_near_by_distance_and_where_that_is_unknown_by_city() -> None:
    here, croydon = a_place(point=WESTMINSTER), a_place(point=CROYDON)
    brighton = Point(latitude=50.8225, longitude=-0.1372)

    assert here.is_near(croydon)
    assert not here.is_near(a_place(point=brighton))
    # By the middles of the postal areas, whatever the city is called.
    assert here.is_near(a_place(city="Westminster", postal_code="CR0 1NX"))
    assert not here.is_near(a_place(postal_code="M1 1AE"))
    # By city, where one of the codes is unknown.
    unknown = a_place(postal_code="?")
    assert here.is_near(a_place(city="LONDON", postal_code="?"))
    assert unknown.is_near(croydon)
    assert not here.is_near(a_place(city="Paris", country="FR"))
    assert not here.is_near(a_place(country="CA"))


def test_every_wrong_field_of_a_place_is_named_at_once() -> None:
    wrong = Place(country="GBR", postal_code="", city="x" * 101).wrong_fields("place")

    assert [error.path for error in wrong] == [
        ("place", "postalCode"),
        ("place", "city"),
        ("place", "country"),
    ]
    assert wrong[2] == FieldError(
        path=("place", "country"),
        message='Write the ISO 3166 code of two capitals, such as "GB".',
    )
    assert a_place().wrong_fields("place") == ()


def test_nobody_free_carries_the_ways_on() -> None:
    waitlist = Waiting(service_id=SERVICE, earliest=at("09:00"), latest=at("17:00"))
    ways_on = WaysOn(later_slots=(), provider_ids=(ONE,), waitlist=waitlist)

    refusal = NobodyFree(ways_on)

    assert refusal.ways_on is ways_on
    remedy = "Book a later slot or a provider by name, or wait."
    assert str(refusal) == f"Nobody is free at this time. {remedy}"


def test_a_diary_ends_with_the_last_day_on_which_its_provider_may_do_the_work() -> None:
    diary = Diary(provider_id=UUID(int=1), availability=an_availability())
    assert diary.until(None) is diary
    (off,) = diary.until(date(2026, 1, 5)).availability.time_off
    assert off[0] == z("01-06 00:00")
    assert off[1] - off[0] > timedelta(days=730)
