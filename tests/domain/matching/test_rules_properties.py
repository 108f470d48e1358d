"""One table decides and explains: whoever is eligible breaks nothing, and the other way round."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.availability import Block
from domain.matching import Candidate, HardRule, Work, broken, is_eligible, verdicts
from domain.places import Point
from domain.services import Requirements
from tests.domain.matching.factories import (
    NOW,
    SERVICE,
    TORONTO,
    a_block,
    a_candidate,
    some_work,
)

MINUTE = timedelta(minutes=1)
#: Most facts speak for the candidate: one who breaks half of the rules shows little.
SELDOM = st.integers(0, 9).map(lambda n: n == 0)
MOSTLY = SELDOM.map(lambda seldom: not seldom)
WORDS = st.sets(st.sampled_from(["BMW", "VW", "gas-safe", "ironing"]), max_size=4)
POINTS = st.one_of(st.none(), st.just(TORONTO), st.just(Point(latitude=43.7, longitude=-79.3952)))


def some_time(draw: st.DrawFn) -> tuple[datetime, datetime]:
    starts_at = NOW + draw(st.integers(0, 600)) * MINUTE
    return starts_at, starts_at + draw(st.integers(15, 240)) * MINUTE


@st.composite
def works(draw: st.DrawFn) -> Work:
    starts_at, ends_at = some_time(draw)
    return some_work(
        starts_at=starts_at,
        ends_at=ends_at,
        immediate=draw(SELDOM),
        point=draw(POINTS),
        reach_miles=draw(st.sampled_from([None, 1.0, 10.0])),
        requested_brand=draw(st.sampled_from(["", "", "bmw"])),
        requirements=Requirements(
            skills=tuple(draw(WORDS)) if draw(SELDOM) else (),
            certifications=tuple(draw(WORDS)) if draw(SELDOM) else (),
            on_site=draw(MOSTLY),
        ),
    )


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    taken: list[Block] = [
        a_block(*some_time(draw)) for _ in range(draw(st.integers(0, 2))) if draw(SELDOM)
    ]
    return a_candidate(
        approved=draw(MOSTLY),
        suspended=draw(SELDOM),
        service_ids=frozenset({SERVICE if draw(MOSTLY) else UUID(int=9)}),
        taken=tuple(taken),
        time_off=(some_time(draw),) if draw(SELDOM) else (),
        daily_cap=draw(st.integers(1, 3)),
        point=draw(POINTS),
        radius_miles=draw(st.sampled_from([1.0, 10.0])),
        on_shift=draw(MOSTLY),
        heartbeat_at=NOW - draw(st.integers(0, 120)) * timedelta(seconds=1),
        rejected=draw(SELDOM),
        withdrew=draw(SELDOM),
        blocked=draw(SELDOM),
        skills=frozenset(draw(WORDS)),
        brands=frozenset(draw(WORDS)),
        certifications=frozenset(draw(WORDS)),
        profile_percent=draw(st.sampled_from([0, 79, 80, 100])),
    )


@settings(max_examples=300, deadline=None)
@given(work=works(), candidate=candidates())
def test_whoever_is_eligible_breaks_nothing_and_the_other_way_round(
    work: Work, candidate: Candidate
) -> None:
    said = verdicts(work, candidate, at=NOW)
    unmet = broken(work, candidate, at=NOW)

    assert [one.rule for one in said] == list(HardRule)
    assert all(one.saw for one in said)
    assert unmet == tuple(one for one in said if not one.passed)
    assert is_eligible(work, candidate, at=NOW) is (not unmet)
