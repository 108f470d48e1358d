"""What keeps offers from a provider, and what they are told of work that passed them by."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.availability import Availability, DateOverride
from domain.certifications import Certification
from domain.hours import Interval, WeeklyHours, WeeklyInterval
from domain.matching import HardRule, broken
from domain.matching.no_offers import (
    Circumstances,
    Extent,
    Hindrance,
    NoOffers,
    Obstacle,
    PassedBy,
    obstacles,
    passed_by,
    unknown,
)
from domain.people import Role
from domain.places import Point
from domain.profiles import Completion, Gap, ProfileItem
from domain.refusals import NotFound
from domain.shifts import HEARTBEAT_FRESH
from tests.domain.matching.factories import (
    NOW,
    OFFICE_HOURS,
    TORONTO,
    a_block,
    a_candidate,
    some_work,
)
from tests.factories import (
    PROVIDER,
    a_booking,
    a_provider,
    a_service,
    a_shift,
    a_viewer,
    an_address,
)

if TYPE_CHECKING:
    from domain.matching import Candidate

ZONE = ZoneInfo("Europe/London")
GAPS = (
    Gap(item=ProfileItem.PHOTO, weight=10, remedy=""),
    Gap(item=ProfileItem.ABOUT, weight=5, remedy=""),
)


def those_of(*, off_shift: bool = False, **changes: Any) -> Circumstances:
    """A provider in whose way nothing stands; what is not theirs alone changes the provider."""
    mine = {one.name for one in fields(Circumstances)}
    hours = {"zone": ZONE, "hours": OFFICE_HOURS} | changes.pop("hours", {})
    person = {k: changes.pop(k) for k in list(changes) if k not in mine}
    provider = a_provider(**{"profile_percent": 80} | person)
    facts: dict[str, Any] = {
        "provider": provider,
        "completion": Completion(percent=80, missing=()),
        "services": (a_service(),),
        "certifications": (),
        "availability": Availability(**hours),
        "taken": (),
        "shift": None if off_shift else a_shift(heartbeat_at=NOW),
    }
    return Circumstances(**facts | changes)


def found(**changes: Any) -> list[tuple[Hindrance, Extent]]:
    said = obstacles(those_of(**changes), at=NOW)
    return [(one.hindrance, one.extent) for one in said]


def words(**changes: Any) -> list[str]:
    return [one.message for one in obstacles(those_of(**changes), at=NOW)]


def a_paper(**changes: Any) -> Certification:
    facts: dict[str, Any] = {
        "id": UUID(int=70),
        "provider_id": PROVIDER,
        "code": "gas-safe",
        "name": "Gas Safe",
        "issuer": "Gas Safe Register",
        "number": "1",
        "added_at": NOW,
        "verified_at": NOW,
        "today": date(2026, 6, 1),
    }
    return Certification(**facts | changes)


def test_in_the_way_of_a_provider_who_may_work_there_is_nothing() -> None:
    assert found() == []
    assert found(profile_percent=100) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"approved_at": None}, Hindrance.NOT_APPROVED),
        ({"suspended_at": NOW}, Hindrance.SUSPENDED),
        # Whether they were approved before makes no difference then.
        ({"suspended_at": NOW, "approved_at": None}, Hindrance.SUSPENDED),
        ({"profile_percent": 79}, Hindrance.PROFILE_INCOMPLETE),
        ({"services": ()}, Hindrance.NO_SERVICES),
        ({"hours": {"hours": WeeklyHours(intervals=())}}, Hindrance.NO_HOURS),
    ],
)
def test_what_keeps_all_work_away(changes: dict[str, Any], expected: Hindrance) -> None:
    assert found(**changes) == [(expected, Extent.ALL)]


def test_who_works_on_single_days_only_has_hours() -> None:
    day = DateOverride(
        day=date(2026, 7, 1),
        intervals=(Interval(opens=NOW.time(), closes=NOW.time().replace(hour=15)),),
    )
    none = WeeklyHours(intervals=())
    assert found(hours={"hours": none, "overrides": (day,)}) == []


def test_the_words_say_why_and_what_is_missing() -> None:
    assert words(suspended_at=NOW, suspended_because="Late again") == [
        "You are suspended: Late again"
    ]
    assert words(suspended_at=NOW) == ["You are suspended."]
    lacking = Completion(percent=65, missing=GAPS)
    assert words(profile_percent=65, completion=lacking) == [
        "Your profile is 65 % complete; offers need 80. It lacks: PHOTO (10), ABOUT (5)."
    ]


GAS, PLAIN = a_service(name="Boiler", required_certifications=("gas-safe",)), a_service()


@pytest.mark.parametrize(
    ("papers", "why"),
    [
        ([], "you have shown none"),
        ([a_paper(code="insurance")], "you have shown none"),
        ([a_paper(expires_on=date(2026, 5, 31))], "yours has run out"),
        ([a_paper(verified_at=None)], "yours is not verified yet"),
        (
            [a_paper(expires_on=date(2026, 5, 31)), a_paper(verified_at=None)],
            "yours is not verified yet",
        ),
    ],
)
def test_a_certification_that_is_needed_is_asked_for(papers: list[Certification], why: str) -> None:
    assert obstacles(those_of(services=(GAS, PLAIN), certifications=tuple(papers)), at=NOW) == (
        Obstacle(
            hindrance=Hindrance.CERTIFICATION,
            extent=Extent.SOME_SERVICES,
            message=f"Boiler: gas-safe has to be certified; {why}.",
        ),
    )


def test_where_every_service_needs_it_nothing_is_left() -> None:
    both = (GAS, replace(GAS, name="Cooker"))
    assert found(services=both) == [(Hindrance.CERTIFICATION, Extent.ALL)]
    assert words(services=both) == [
        "Boiler, Cooker: gas-safe has to be certified; you have shown none."
    ]


@pytest.mark.parametrize(
    "papers",
    [
        [a_paper()],
        [a_paper(expires_on=date(2026, 5, 31)), a_paper()],
        [a_paper(expires_on=date(2026, 6, 1))],
    ],
)
def test_one_good_paper_is_enough(papers: list[Certification]) -> None:
    assert found(services=(GAS,), certifications=tuple(papers)) == []


def test_time_off_and_the_days_cap_count_for_today() -> None:
    hour = timedelta(hours=1)
    off = {"time_off": ((NOW - hour, NOW + hour),)}
    assert found(hours=off) == [(Hindrance.TIME_OFF, Extent.TODAY)]
    assert found(hours={"time_off": ((NOW + hour, NOW + 2 * hour),)}) == []
    today = tuple(a_block(NOW + n * hour, NOW + (n + 1) * hour) for n in (2, 4))
    assert found(taken=today, hours={"daily_cap": 3}) == []
    assert words(taken=today, hours={"daily_cap": 2}) == [
        "You have 2 jobs today, which is as many as you take in a day."
    ]
    assert found(taken=today, hours={"daily_cap": 2}) == [(Hindrance.DAILY_CAP, Extent.TODAY)]


def test_outside_of_hours_and_on_holidays_other_days_are_offered() -> None:
    nine = {"zone": ZoneInfo("Asia/Tokyo")}
    assert found(hours=nine) == []
    assert found(hours={"holidays": frozenset({date(2026, 6, 1)})}) == []


def test_off_shift_or_unheard_of_they_get_no_work_that_is_wanted_now() -> None:
    assert found(off_shift=True) == [(Hindrance.OFF_SHIFT, Extent.IMMEDIATE)]
    fresh, stale = (
        a_shift(heartbeat_at=NOW - HEARTBEAT_FRESH - timedelta(seconds=n)) for n in (0, 1)
    )
    assert found(shift=fresh) == []
    assert found(shift=stale) == [(Hindrance.HEARTBEAT_STALE, Extent.IMMEDIATE)]


def test_what_keeps_most_away_comes_first() -> None:
    wrong = found(
        off_shift=True,
        services=(GAS, PLAIN),
        profile_percent=10,
        approved_at=None,
        hours={"time_off": ((NOW - timedelta(1), NOW + timedelta(1)),)},
    )
    assert wrong == [
        (Hindrance.NOT_APPROVED, Extent.ALL),
        (Hindrance.PROFILE_INCOMPLETE, Extent.ALL),
        (Hindrance.CERTIFICATION, Extent.SOME_SERVICES),
        (Hindrance.TIME_OFF, Extent.TODAY),
        (Hindrance.OFF_SHIFT, Extent.IMMEDIATE),
    ]


def test_what_all_services_need_comes_before_what_some_need() -> None:
    both = (
        a_service(name="Boiler", required_certifications=("gas-safe", "oil-safe")),
        a_service(name="Tank", required_certifications=("oil-safe",)),
    )
    assert [one.message.split(" has")[0] for one in obstacles(those_of(services=both), at=NOW)] == [
        "Boiler, Tank: oil-safe",
        "Boiler: gas-safe",
    ]


ALWAYS = WeeklyHours(
    intervals=tuple(WeeklyInterval(weekday=day, opens=time(), closes=time()) for day in range(1, 8))
)
BOOKING = a_booking(
    address=an_address(
        line1="12 Secret Street", city="Toronto", postal_code="M5V 2T6", country="CA", point=TORONTO
    )
)
WORK = some_work(booking_id=BOOKING.id)


def passing(**changes: Any) -> PassedBy | None:
    candidate: Candidate = a_candidate(**changes)
    return passed_by(BOOKING, WORK, candidate, at=NOW)


def test_work_that_passed_by_is_told_with_every_broken_rule() -> None:
    far = {
        "radius_miles": 3.0,
        "point": Point(latitude=TORONTO.latitude + 0.07, longitude=TORONTO.longitude),
    }
    told = passing(rejected=True, **far)

    assert told is not None
    assert [one.rule for one in told.broken] == [HardRule.RADIUS, HardRule.NOT_REJECTED]
    (exact,) = broken(WORK, a_candidate(**far), at=NOW)
    assert exact.saw == "4.8 miles away, limit 3"
    assert told.broken[0].saw == "about 5 miles away, limit 3"
    assert told.broken[1].saw == "has rejected this booking"
    assert told.distance_miles == 5
    assert (
        told.why == "RADIUS (about 5 miles away, limit 3); NOT_REJECTED (has rejected this booking)"
    )


def test_of_its_customer_and_its_place_no_more_than_the_district_is_told() -> None:
    told = passing()
    assert told == PassedBy(
        service_id=BOOKING.service_id,
        starts_at=BOOKING.starts_at,
        ends_at=BOOKING.ends_at,
        area="M5V",
        distance_miles=1,
        is_open=True,
        broken=(),
    )
    assert told is not None
    assert told.why == "Nothing stands in the way: others are asked first, and you may be next."
    closed = replace(told, is_open=False)
    assert closed.why == (
        "Nothing stands in the way now: others were asked first, or it was soon gone."
    )


def test_who_moves_about_and_asks_again_learns_the_field_and_not_the_door() -> None:
    """Two homes most of a mile apart, in one field, beside each other in everything that is told,
    from wherever and with whatever radius it is asked, and between whatever other work."""
    homes = [
        Point(latitude=43.6351, longitude=-79.3999),
        Point(latitude=43.6449, longitude=-79.3876),
    ]
    both = []
    for home in homes:
        booking = replace(BOOKING, address=replace(BOOKING.address, point=home))
        block = a_block(BOOKING.starts_at, BOOKING.ends_at, point=home)
        both.append((booking, some_work(booking_id=BOOKING.id, point=home, block=block)))
    before, told = BOOKING.starts_at - timedelta(minutes=16), set()
    for step in range(300):
        there = Point(latitude=43.60 + step / 2500, longitude=-79.38 - step / 5000)
        who = a_candidate(
            point=there,
            radius_miles=1 + step % 60 / 10,
            taken=(a_block(before - timedelta(hours=1), before, point=there),),
            hours=ALWAYS,
        )
        one, other = [passed_by(booking, work, who, at=NOW) for booking, work in both]
        assert one == other
        assert one is not None
        told.add(tuple(verdict.rule for verdict in one.broken))
    assert told == {(), (HardRule.RADIUS,), (HardRule.FREE,), (HardRule.RADIUS, HardRule.FREE)}


def test_where_the_two_are_not_to_meet_nothing_is_told() -> None:
    assert passing(blocked=True) is None
    assert passing(blocked=True, suspended=True) is None


def test_a_distance_that_is_not_known_is_not_told() -> None:
    told = passing(point=None, postal_code="?")
    assert told is not None
    assert told.distance_miles is None


def answer(*obstacle: Extent, passed: bool = False, offers: int = 0) -> str:
    work = passing()
    assert work is not None
    return NoOffers(
        provider_id=PROVIDER,
        at=NOW,
        obstacles=tuple(
            Obstacle(hindrance=Hindrance.TIME_OFF, extent=one, message="") for one in obstacle
        ),
        completion=Completion(percent=80, missing=()),
        offers_made=offers,
        passed_by=(work,) if passed else (),
    ).answer


def test_the_answer_says_the_weightiest_first() -> None:
    assert (
        answer(Extent.TODAY, Extent.ALL, passed=True)
        == "Nothing is offered to you until what stands in the way is gone."
    )
    assert (
        answer(Extent.IMMEDIATE) == "Some work is not offered to you: see what stands in the way."
    )
    passed = (
        "Nothing stands in the way in general: see what passed you by in the last 7 days, and why."
    )
    assert answer(passed=True, offers=2) == passed
    assert (
        answer(offers=2)
        == "Nothing stands in the way: you had all offers there were in the last 7 days."
    )
    assert answer() == "Nothing stands in the way; there was no work in the last 7 days."


STAFF = a_viewer(user_id=UUID(int=50), role=Role.DISPATCHER)
OWN = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)


def test_who_has_only_signed_up_is_told_to_write_a_profile() -> None:
    new = unknown(PROVIDER, viewer=OWN, at=NOW)
    assert [(one.hindrance, one.extent) for one in new.obstacles] == [
        (Hindrance.NO_PROFILE, Extent.ALL)
    ]
    assert (new.completion.percent, new.offers_made, new.passed_by) == (0, 0, ())
    with pytest.raises(NotFound):
        unknown(PROVIDER, viewer=STAFF, at=NOW)
