"""Does offered work still fit its provider, and is nobody refused who may take it?"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.bookings import SlotTaken
from domain.matching import TIME_RULES, HardRule, broken
from domain.matching.fitness import LASTING, check_fits, misfits
from domain.offers import Gone, OfferGone
from domain.places import FIELD_MILES, Point, miles_between
from domain.services import Requirements
from tests.domain.matching.factories import NOW, TORONTO, a_candidate, some_work

HOUR = timedelta(hours=1)
#: Twelve miles north of the work.
NORTH = Point(latitude=43.8183, longitude=-79.3952)

#: What may have changed since the offer, each breaking one rule: of the provider, and what the work
#: asks for.
CHANGES: list[tuple[HardRule, dict[str, Any], dict[str, Any]]] = [
    (HardRule.APPROVED, {"suspended": True}, {}),
    (HardRule.APPROVED, {"approved": False}, {}),
    (HardRule.PROFILE_80, {"profile_percent": 79}, {}),
    (HardRule.CERTIFICATION, {}, {"requirements": Requirements(certifications=("gas-safe",))}),
    (HardRule.SERVICE, {"service_ids": frozenset()}, {}),
    (HardRule.SKILLS, {}, {"requirements": Requirements(skills=("Coding",))}),
    (HardRule.BRAND, {"brands": frozenset({"Audi"})}, {"requested_brand": "BMW"}),
    (HardRule.RADIUS, {"point": NORTH}, {}),
    (HardRule.RADIUS, {"radius_miles": 10.5, "point": NORTH}, {}),
    (HardRule.NOT_BLOCKED, {"blocked": True}, {}),
]
#: What speaks against making an offer, and not against taking one that was made.
PASSING: list[tuple[HardRule, dict[str, Any]]] = [
    (HardRule.NOT_REJECTED, {"rejected": True}),
    (HardRule.NOT_REJECTED, {"withdrew": True}),
    (HardRule.ON_SHIFT, {"on_shift": False, "heartbeat_at": NOW}),
    (HardRule.HEARTBEAT, {"on_shift": True, "heartbeat_at": NOW - HOUR}),
]


def rules_broken(work: dict[str, Any], who: dict[str, Any]) -> set[HardRule]:
    return {one.rule for one in broken(some_work(**work), a_candidate(**who), at=NOW)}


def test_every_rule_is_asked_again_or_there_is_a_reason_not_to() -> None:
    passing = {rule for rule, _ in PASSING}
    assert {rule for rule, *_ in CHANGES} == LASTING
    assert LASTING | TIME_RULES | passing == set(HardRule)
    assert not LASTING & (TIME_RULES | passing)


@pytest.mark.parametrize(("rule", "who", "work"), CHANGES)
def test_what_a_provider_is_kept_from_fits_them_no_more(
    rule: HardRule, who: dict[str, Any], work: dict[str, Any]
) -> None:
    assert rules_broken(work, who) == {rule}
    asked, one = some_work(**work), a_candidate(**who)
    assert misfits([(asked, one)], at=NOW) == (asked.booking_id,)
    with pytest.raises(OfferGone) as refused:
        check_fits(asked, one, at=NOW)
    assert refused.value.why is Gone.UNAVAILABLE


@pytest.mark.parametrize(("rule", "who"), PASSING)
def test_what_says_whom_to_ask_refuses_nobody_who_was_asked(
    rule: HardRule, who: dict[str, Any]
) -> None:
    assert rule in rules_broken({"immediate": True}, who)
    asked, one = some_work(immediate=True), a_candidate(**who)
    assert misfits([(asked, one)], at=NOW) == ()
    check_fits(asked, one, at=NOW)


def test_whoever_was_near_enough_may_take_it_though_the_field_of_the_work_is_further() -> None:
    """The benefit of the doubt, for every place and every radius that lets in the work itself."""
    for degrees in range(0, 360, 5):
        turn = math.radians(degrees)
        north, east = 0.1 * math.cos(turn), 0.1 * math.sin(turn)
        there = Point(latitude=TORONTO.latitude + north, longitude=TORONTO.longitude + east)
        miles = miles_between(there, TORONTO)
        work, who = some_work(), a_candidate(point=there, radius_miles=miles)
        assert misfits([(work, who)], at=NOW) == ()
        check_fits(work, who, at=NOW)
        far = a_candidate(point=there, radius_miles=miles - 2 * FIELD_MILES - 0.01)
        assert misfits([(work, far)], at=NOW) == (work.booking_id,)


def test_a_radius_drawn_in_step_by_step_finds_the_field_and_not_the_door() -> None:
    homes = [
        Point(latitude=43.6351, longitude=-79.3999),
        Point(latitude=43.6449, longitude=-79.3876),
    ]
    works = [some_work(booking_id=UUID(int=n), point=home) for n, home in enumerate(homes)]
    lost = set()
    for tenths in range(150, 10, -1):
        who = a_candidate(point=NORTH, radius_miles=tenths / 10)
        lost.add(misfits([(work, who) for work in works], at=NOW))
    assert lost == {(), (UUID(int=0), UUID(int=1))}


def test_of_many_only_those_are_named_that_do_not_fit() -> None:
    asks = {number: some_work(booking_id=UUID(int=number)) for number in (11, 12, 13)}
    far = some_work(booking_id=UUID(int=14), point=NORTH)
    video = some_work(
        booking_id=UUID(int=15), point=NORTH, requirements=Requirements(on_site=False)
    )
    who = a_candidate()
    other = a_candidate(service_ids=frozenset({UUID(int=99)}))
    put = [(asks[11], who), (asks[12], other), (far, who), (asks[13], who), (video, who)]

    assert misfits(put, at=NOW) == (UUID(int=12), UUID(int=14))


def test_time_is_not_asked_of_what_was_put_to_somebody() -> None:
    """It was, where their availability changed or other work was taken."""
    work = some_work()
    who = a_candidate(busy=[work.block.span], time_off=(work.block.span,), daily_cap=0)
    assert rules_broken({}, {"busy": [work.block.span]}) == {HardRule.FREE}
    assert misfits([(work, who)], at=NOW) == ()


def test_who_accepts_must_be_free_and_available_then() -> None:
    work = some_work()
    start, end = work.block.span
    for busy in ((start, end), (end + timedelta(minutes=5), end + HOUR)):
        with pytest.raises(SlotTaken):
            check_fits(work, a_candidate(busy=[busy]), at=NOW)
    # Whatever else there is: that their time is taken is for everybody to know.
    with pytest.raises(SlotTaken):
        check_fits(work, a_candidate(busy=[(start, end)], profile_percent=0), at=NOW)
    for changes in ({"time_off": ((start, end),)}, {"daily_cap": 0}):
        with pytest.raises(OfferGone) as refused:
            check_fits(work, a_candidate(**changes), at=NOW)
        assert refused.value.why is Gone.UNAVAILABLE
    check_fits(work, a_candidate(busy=[(end + HOUR, end + 2 * HOUR)]), at=NOW)
