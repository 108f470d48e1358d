"""Each hard rule at its boundary, and the fact it gives for its verdict."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.hours import WeeklyHours
from domain.matching import (
    DEFAULT_RULES,
    TIME_RULES,
    Candidate,
    HardRule,
    MatchingRules,
    Verdict,
    Work,
    broken,
    distance_miles,
    is_eligible,
    plain,
    verdicts,
)
from domain.places import Point, miles_between
from domain.services import Requirements
from tests.domain.matching.factories import (
    NOW,
    OFFICE_HOURS,
    TORONTO,
    a_block,
    a_candidate,
    some_work,
)

AWAY = Point(latitude=43.7, longitude=-79.3952)
MILES = miles_between(TORONTO, AWAY)


def clock(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, 1, hour, minute, tzinfo=UTC)


def verdict(rule: HardRule, work: Work, candidate: Candidate) -> tuple[bool, str]:
    """What one rule says, having checked that every other rule is kept."""
    said = {one.rule: one for one in verdicts(work, candidate, at=NOW)}
    assert all(one.passed for one in said.values() if one.rule is not rule)
    assert is_eligible(work, candidate, at=NOW) is said[rule].passed
    return said[rule].passed, said[rule].saw


def test_every_rule_is_asked_once_in_a_fixed_order_and_says_what_it_saw() -> None:
    work = some_work(immediate=True)
    candidate = a_candidate(on_shift=True, heartbeat_at=NOW - timedelta(seconds=5))

    said = verdicts(work, candidate, at=NOW)

    assert said == tuple(
        Verdict(rule=rule, passed=True, saw=saw)
        for rule, saw in (
            (HardRule.APPROVED, "approved"),
            (HardRule.PROFILE_80, "profile 80 % complete, needs 80 %"),
            (HardRule.CERTIFICATION, "none needed"),
            (HardRule.SERVICE, "offers the service"),
            (HardRule.SKILLS, "none needed"),
            (HardRule.BRAND, "no brand asked for"),
            (HardRule.RADIUS, "0.0 miles away, limit 10"),
            (HardRule.HOURS, "inside working hours"),
            (HardRule.TIME_OFF, "no time off"),
            (HardRule.FREE, "free"),
            (HardRule.DAILY_CAP, "3 jobs a day: not reached"),
            (HardRule.NOT_REJECTED, "has not rejected it"),
            (HardRule.NOT_BLOCKED, "not blocked"),
            (HardRule.ON_SHIFT, "on shift"),
            (HardRule.HEARTBEAT, "last heartbeat 5 s ago"),
        )
    )
    assert [one.rule for one in said] == list(HardRule)


def test_an_eligible_candidate_breaks_nothing() -> None:
    assert broken(some_work(), a_candidate(), at=NOW) == ()


def test_every_broken_rule_is_told_not_only_the_first() -> None:
    hopeless = a_candidate(
        approved=False,
        profile_percent=0,
        service_ids=frozenset(),
        point=AWAY,
        radius_miles=1.0,
        busy=((clock(21), clock(22, 30)),),
        daily_cap=1,
        time_off=((clock(0), clock(23)),),
        rejected=True,
        blocked=True,
    )
    work = some_work(
        immediate=True,
        starts_at=clock(22),
        ends_at=clock(23),
        requested_brand="BMW",
        requirements=Requirements(skills=("coding",), certifications=("gas-safe",)),
    )

    unmet = broken(work, hopeless, at=NOW)

    assert [one.rule for one in unmet] == list(HardRule)
    assert not is_eligible(work, hopeless, at=NOW)
    assert unmet == verdicts(work, hopeless, at=NOW)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"approved": True, "suspended": False}, (True, "approved")),
        ({"approved": False, "suspended": False}, (False, "not approved")),
        ({"approved": True, "suspended": True}, (False, "suspended")),
        ({"approved": False, "suspended": True}, (False, "suspended")),
    ],
)
def test_only_approved_providers_who_are_not_suspended_pass(
    facts: dict[str, Any], expected: tuple[bool, str]
) -> None:
    assert verdict(HardRule.APPROVED, some_work(), a_candidate(**facts)) == expected


@pytest.mark.parametrize(("percent", "passed"), [(0, False), (79, False), (80, True), (100, True)])
def test_a_profile_has_to_be_complete_by_eighty_percent(percent: int, passed: bool) -> None:
    said = verdict(HardRule.PROFILE_80, some_work(), a_candidate(profile_percent=percent))

    assert said == (passed, f"profile {percent} % complete, needs 80 %")


def test_how_complete_a_profile_has_to_be_is_a_setting() -> None:
    candidate = a_candidate(profile_percent=94)

    (unmet,) = broken(some_work(), candidate, at=NOW, policy=MatchingRules(profile_percent=95))

    assert (unmet.rule, unmet.saw) == (
        HardRule.PROFILE_80,
        "profile 94 % complete, needs 95 %",
    )
    assert is_eligible(some_work(), candidate, at=NOW)
    assert not is_eligible(some_work(), candidate, at=NOW, policy=MatchingRules(profile_percent=95))


@pytest.mark.parametrize(
    ("needed", "held", "expected"),
    [
        ((), (), (True, "none needed")),
        ((), ("gas-safe",), (True, "none needed")),
        (("gas-safe",), ("gas-safe",), (True, "holds gas-safe")),
        (("gas-safe", "f-gas"), ("f-gas", "gas-safe", "x"), (True, "holds gas-safe, f-gas")),
        (("gas-safe",), (), (False, "no valid certification: gas-safe")),
        (("gas-safe", "f-gas"), ("f-gas",), (False, "no valid certification: gas-safe")),
        (("gas-safe", "f-gas"), ("x",), (False, "no valid certification: gas-safe, f-gas")),
        # Codes are names for programs, and alike only when they are the same.
        (("gas-safe",), ("Gas Safe", "GAS-SAFE"), (False, "no valid certification: gas-safe")),
    ],
)
def test_all_certifications_that_the_work_needs_have_to_hold(
    needed: tuple[str, ...], held: tuple[str, ...], expected: tuple[bool, str]
) -> None:
    work = some_work(requirements=Requirements(certifications=needed))

    # What has run out by the day of the work is not among a candidate's codes.
    candidate = a_candidate(certifications=frozenset(held))

    assert verdict(HardRule.CERTIFICATION, work, candidate) == expected


def test_being_certified_in_something_is_not_being_certified_in_this() -> None:
    work = some_work(requirements=Requirements(certifications=("gas-safe",)))

    assert not is_eligible(work, a_candidate(certified=True), at=NOW)


def test_a_provider_of_other_services_does_not_pass() -> None:
    other = a_candidate(service_ids=frozenset({UUID(int=77)}))

    assert verdict(HardRule.SERVICE, some_work(), other) == (False, "does not offer the service")


@pytest.mark.parametrize(
    ("needed", "known", "expected"),
    [
        ((), (), (True, "none needed")),
        (("Ironing",), ("ironing",), (True, "knows Ironing")),
        (("oven  cleaning",), (" Oven Cleaning ",), (True, "knows oven  cleaning")),
        (("Straße", "a"), ("A", "STRASSE", "b"), (True, "knows Straße, a")),
        (("Ironing",), (), (False, "lacks Ironing")),
        (("Ironing", "Windows"), ("windows",), (False, "lacks Ironing")),
        (("Ironing", "Windows"), ("window",), (False, "lacks Ironing, Windows")),
    ],
)
def test_every_required_skill_has_to_be_known_whatever_its_case_and_spaces(
    needed: tuple[str, ...], known: tuple[str, ...], expected: tuple[bool, str]
) -> None:
    work = some_work(requirements=Requirements(skills=needed))

    assert verdict(HardRule.SKILLS, work, a_candidate(skills=frozenset(known))) == expected


@pytest.mark.parametrize(
    ("asked", "brands", "expected"),
    [
        ("", (), (True, "no brand asked for")),
        ("  ", (), (True, "no brand asked for")),
        ("", ("BMW",), (True, "no brand asked for")),
        ("BMW", ("bmw",), (True, "specialised in BMW")),
        (" land  rover", ("VW", "Land Rover"), (True, "specialised in  land  rover")),
        ("škoda", ("ŠKODA",), (True, "specialised in škoda")),
        ("BMW", (), (False, "not specialised in BMW")),
        ("BMW", ("BMW Mini", "VW"), (False, "not specialised in BMW")),
    ],
)
def test_only_specialists_do_work_for_which_a_brand_was_asked(
    asked: str, brands: tuple[str, ...], expected: tuple[bool, str]
) -> None:
    work = some_work(requested_brand=asked)

    assert verdict(HardRule.BRAND, work, a_candidate(brands=frozenset(brands))) == expected


@pytest.mark.parametrize(
    ("radius", "reach", "expected"),
    [
        (MILES, None, (True, "3.8 miles away, limit 3.82778")),
        (MILES - 1e-9, None, (False, "3.8 miles away, limit 3.82778")),
        (10.0, MILES, (True, "3.8 miles away, limit 3.82778")),
        (10.0, MILES - 1e-9, (False, "3.8 miles away, limit 3.82778")),
        (3.5, 10.0, (False, "3.8 miles away, limit 3.5")),
        (3.5, None, (False, "3.8 miles away, limit 3.5")),
        (10.0, 15.0, (True, "3.8 miles away, limit 10")),
        (10.0, 0.0, (False, "3.8 miles away, limit 0")),
    ],
)
def test_the_radius_is_the_smaller_of_the_providers_own_and_the_waves(
    radius: float, reach: float | None, expected: tuple[bool, str]
) -> None:
    candidate = a_candidate(point=AWAY, radius_miles=radius)

    assert verdict(HardRule.RADIUS, some_work(reach_miles=reach), candidate) == expected


@pytest.mark.parametrize(
    ("work", "candidate"),
    [
        (
            some_work(point=None, postal_code="?", reach_miles=1.0),
            a_candidate(radius_miles=1.0),
        ),
        (
            some_work(reach_miles=1.0),
            a_candidate(point=None, postal_code="?", radius_miles=1.0),
        ),
        # Both are somewhere in Ontario.
        (
            some_work(point=None, postal_code="P0A 1A0", reach_miles=1.0),
            a_candidate(point=None, postal_code="P3E 1A1", radius_miles=1.0),
        ),
    ],
)
def test_an_unknown_distance_never_disqualifies(work: Work, candidate: Candidate) -> None:
    assert distance_miles(work, candidate) is None
    assert verdict(HardRule.RADIUS, work, candidate) == (True, "distance unknown")


@pytest.mark.parametrize(
    ("radius", "expected"),
    [
        (14.3, (False, "14.3 miles away, limit 14.3")),
        (14.4, (True, "14.3 miles away, limit 14.4")),
    ],
)
def test_without_coordinates_the_postal_areas_say_how_far_it_is(
    radius: float, expected: tuple[bool, str]
) -> None:
    # From the middle of M5 to the middle of L5.
    nowhere = a_candidate(point=None, postal_code="L5B 3C1", radius_miles=radius)

    assert verdict(HardRule.RADIUS, some_work(), nowhere) == expected


def test_where_nobody_travels_nobody_lives_too_far_away() -> None:
    remote = some_work(requirements=Requirements(on_site=False), reach_miles=0.0)
    candidate = a_candidate(point=Point(latitude=-43.6, longitude=100.0), radius_miles=1.0)

    assert distance_miles(remote, candidate) is None
    assert verdict(HardRule.RADIUS, remote, candidate) == (True, "nobody travels")


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "expected"),
    [
        (clock(13), clock(21), (True, "inside working hours")),
        (clock(12, 59), clock(21), (False, "outside working hours")),
        (clock(13), clock(21, 1), (False, "outside working hours")),
    ],
)
def test_the_whole_job_lies_inside_working_hours_in_the_providers_zone(
    starts_at: datetime, ends_at: datetime, expected: tuple[bool, str]
) -> None:
    work = some_work(starts_at=starts_at, ends_at=ends_at)

    assert verdict(HardRule.HOURS, work, a_candidate()) == expected


@pytest.mark.parametrize(
    ("starts", "ends", "passed"),
    [
        (clock(12), clock(14), True),
        (clock(12), clock(14, 1), False),
        (clock(16), clock(17), True),
        (clock(15, 59), clock(17), False),
        (clock(0), clock(23), False),
    ],
)
def test_time_off_over_any_part_of_the_job_disqualifies_without_a_buffer(
    starts: datetime, ends: datetime, passed: bool
) -> None:
    said = verdict(HardRule.TIME_OFF, some_work(), a_candidate(time_off=((starts, ends),)))

    words = f"time off 2026-06-01 {starts:%H:%M} to 2026-06-01 {ends:%H:%M} UTC"
    assert said == (passed, "no time off" if passed else words)


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        ([(clock(13), clock(13, 45))], (True, "free")),
        (
            [(clock(13), clock(13, 46))],
            (False, "busy 2026-06-01 13:00 to 2026-06-01 13:46 UTC"),
        ),
        ([(clock(16, 15), clock(17))], (True, "free")),
        (
            [(clock(16, 14), clock(17))],
            (False, "busy 2026-06-01 16:14 to 2026-06-01 17:00 UTC"),
        ),
        ([(clock(13), clock(13, 45)), (clock(16, 15), clock(17))], (True, "free")),
        (
            [(clock(16), clock(17)), (clock(13), clock(14))],
            (False, "busy 2026-06-01 13:00 to 2026-06-01 14:00 UTC"),
        ),
    ],
)
def test_one_buffer_lies_between_two_jobs_not_two(
    busy: list[tuple[datetime, datetime]], expected: tuple[bool, str]
) -> None:
    assert verdict(HardRule.FREE, some_work(), a_candidate(busy=tuple(busy))) == expected


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        ({"after": timedelta()}, {"before": timedelta()}, True),
        ({"after": timedelta(minutes=1)}, {"before": timedelta()}, False),
        ({"after": timedelta()}, {"before": timedelta(minutes=1)}, False),
    ],
)
def test_the_gap_is_the_larger_of_what_the_two_jobs_want(
    before: dict[str, Any], after: dict[str, Any], passed: bool
) -> None:
    candidate = a_candidate(taken=(a_block(clock(13), clock(14), **before),))
    work = some_work(block=a_block(clock(14), clock(16), **after))

    said = verdict(HardRule.FREE, work, candidate)

    assert said == (passed, "free" if passed else "busy 2026-06-01 13:00 to 2026-06-01 14:00 UTC")


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (clock(13, 48), (True, "free")),
        (clock(13, 49), (False, "busy 2026-06-01 13:00 to 2026-06-01 13:49 UTC")),
    ],
)
def test_the_way_between_two_jobs_counts_where_it_is_longer_than_the_buffers(
    ends: datetime, expected: tuple[bool, str]
) -> None:
    # 3.83 miles at 20 miles an hour, in whole minutes, are twelve.
    there = a_block(clock(13), ends, point=AWAY, before=timedelta(), after=timedelta())
    here = a_block(clock(14), clock(16), point=TORONTO, before=timedelta(), after=timedelta())

    said = verdict(HardRule.FREE, some_work(block=here), a_candidate(taken=(there,)))

    assert said == expected


def test_the_earliest_of_several_jobs_in_the_way_is_named() -> None:
    candidate = a_candidate(busy=((clock(15), clock(17)), (clock(13), clock(14, 30))))

    said = verdict(HardRule.FREE, some_work(), candidate)

    assert said == (False, "busy 2026-06-01 13:00 to 2026-06-01 14:30 UTC")


#: Quarters of an hour that leave the work's own time free: three on its day, one on the next.
SAME_DAY = tuple((clock(hour), clock(hour, 15)) for hour in (17, 18, 19))
NEXT_DAY = ((clock(14) + timedelta(days=1), clock(15) + timedelta(days=1)),)


@pytest.mark.parametrize(
    ("cap", "busy", "expected"),
    [
        (3, SAME_DAY[:2] + NEXT_DAY, (True, "3 jobs a day: not reached")),
        (3, SAME_DAY, (False, "3 jobs a day: reached")),
        (4, SAME_DAY, (True, "4 jobs a day: not reached")),
        (1, NEXT_DAY, (True, "1 jobs a day: not reached")),
        (2, SAME_DAY, (False, "2 jobs a day: reached")),
    ],
)
def test_a_provider_takes_no_more_than_their_cap_on_a_local_day(
    cap: int, busy: tuple[tuple[datetime, datetime], ...], expected: tuple[bool, str]
) -> None:
    candidate = a_candidate(busy=busy, daily_cap=cap)

    assert verdict(HardRule.DAILY_CAP, some_work(), candidate) == expected


def test_work_that_is_done_takes_no_time_but_counts_among_the_days_jobs() -> None:
    done = a_block(clock(14), clock(16), done=True)

    for cap, passed in ((1, False), (2, True)):
        candidate = a_candidate(taken=(done,), daily_cap=cap)
        assert verdict(HardRule.DAILY_CAP, some_work(), candidate)[0] is passed


@pytest.mark.parametrize("hours", [OFFICE_HOURS, WeeklyHours()])
def test_on_a_holiday_the_house_is_closed_whatever_the_hours(hours: WeeklyHours) -> None:
    candidate = a_candidate(hours=hours, holidays=frozenset({clock(14).date()}))

    said = verdict(HardRule.HOURS, some_work(), candidate)

    assert said == (False, "the house is closed")


def test_the_rules_of_time_are_those_that_a_direct_booking_explains_by_its_own() -> None:
    assert {
        HardRule.HOURS,
        HardRule.TIME_OFF,
        HardRule.FREE,
        HardRule.DAILY_CAP,
    } == TIME_RULES


@pytest.mark.parametrize(
    ("facts", "saw"),
    [
        ({"rejected": True}, "has rejected this booking"),
        ({"withdrew": True}, "has given this booking back"),
        ({"rejected": True, "withdrew": True}, "has rejected this booking"),
    ],
)
def test_a_booking_once_rejected_or_given_back_is_not_offered_again(
    facts: dict[str, Any], saw: str
) -> None:
    said = verdict(HardRule.NOT_REJECTED, some_work(), a_candidate(**facts))

    assert said == (False, saw)


def test_who_is_not_to_meet_the_customer_is_not_asked() -> None:
    said = verdict(HardRule.NOT_BLOCKED, some_work(), a_candidate(blocked=True))

    assert said == (False, "not to meet this customer")


def test_scheduled_work_asks_neither_for_a_shift_nor_for_a_heartbeat() -> None:
    for rule in (HardRule.ON_SHIFT, HardRule.HEARTBEAT):
        said = verdict(rule, some_work(immediate=False), a_candidate(on_shift=False))
        assert said == (True, "not asked of scheduled work")


def test_immediate_work_goes_only_to_providers_on_shift() -> None:
    candidate = a_candidate(on_shift=False, heartbeat_at=NOW)

    assert verdict(HardRule.ON_SHIFT, some_work(immediate=True), candidate) == (False, "off shift")


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (NOW - timedelta(seconds=90), (True, "last heartbeat 90 s ago")),
        (NOW - timedelta(seconds=90.001), (False, "last heartbeat 90 s ago")),
        (NOW + timedelta(seconds=1), (True, "last heartbeat -1 s ago")),
        (None, (False, "no heartbeat")),
    ],
)
def test_immediate_work_goes_only_to_providers_heard_from_within_ninety_seconds(
    heard: datetime | None, expected: tuple[bool, str]
) -> None:
    candidate = a_candidate(on_shift=True, heartbeat_at=heard)

    assert verdict(HardRule.HEARTBEAT, some_work(immediate=True), candidate) == expected


def test_the_freshness_of_a_heartbeat_is_a_setting() -> None:
    candidate = a_candidate(on_shift=True, heartbeat_at=NOW - timedelta(seconds=31))
    work = some_work(immediate=True)

    stale = broken(
        work, candidate, at=NOW, policy=MatchingRules(heartbeat_fresh=timedelta(seconds=30))
    )

    assert [one.rule for one in stale] == [HardRule.HEARTBEAT]


def test_the_numbers_are_those_of_the_rules() -> None:
    usual = MatchingRules(heartbeat_fresh=timedelta(seconds=90), profile_percent=80)

    assert usual == DEFAULT_RULES


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("BMW", "bmw"),
        ("  Land \t Rover\n", "land rover"),
        ("Citro\u00cbn\u00a0C3", "citroën c3"),
        ("Straße", "strasse"),
        ("", ""),
    ],
)
def test_words_are_compared_whatever_their_case_and_spacing(words: str, expected: str) -> None:
    assert plain(words) == expected
