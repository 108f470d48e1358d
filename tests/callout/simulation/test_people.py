"""Are the synthetic town's people and their work such as there could be?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from statistics import fmean
from typing import Any
from zoneinfo import ZoneInfo

from callout.simulation import behaviour, demand, people, town
from callout.simulation.behaviour import Prospect, Reply, Situation
from callout.simulation.chance import Chance
from callout.simulation.people import DAWN, Person, Temper
from domain.booking_rules import broken_by_start
from domain.bookings import BookingKind
from domain.keywords import extract
from domain.matching import POLICIES, score
from domain.places import miles_between
from domain.postcodes import centroid
from domain.requests import draft
from tests.callout.simulation.days import played
from tests.domain.matching.factories import NOW, a_candidate, some_work

LONDON = ZoneInfo(town.ZONE)
CROWD = people.people(7, 300)


def somebody(**temper: float) -> Person:
    """The first provider, of another temper."""
    usual = {"attention": 1.0, "eagerness": 0.6, "candour": 0.5, "pace": 1.0}
    return replace(CROWD[0], temper=Temper(**usual | temper))


def a_prospect(**changes: Any) -> Prospect:
    """Work next door on the next morning, as usual as can be."""
    facts: dict[str, Any] = {
        "starts_at": DAWN + timedelta(hours=28),
        "appeal": 85,
        "distance_miles": 0.0,
    }
    return Prospect(**facts | changes)


def yes_of(person: Person, prospect: Prospect) -> float:
    """How often somebody says yes."""
    said = [behaviour.replies(Chance("yes", n), person, prospect) for n in range(2000)]
    return said.count(Reply.YES) / len(said)


def test_more_people_are_the_same_and_others() -> None:
    assert people.people(7, 20) == CROWD[:20]
    assert people.people(8, 20) != CROWD[:20]


def test_a_crowd_has_newcomers_and_silent_ones_and_some_whom_a_rule_keeps_out() -> None:
    new = [one for one in CROWD if one.is_new]

    assert 0.15 < len(new) / len(CROWD) < 0.25
    assert all(one.rating is None and one.offers_answered == 0 for one in new)
    assert all(one.completed_jobs >= 5 and one.rating for one in CROWD if not one.is_new)
    assert any(one.temper.attention == 0 for one in CROWD)
    assert any(one.approved_at is None for one in CROWD)
    assert any(one.suspended for one in CROWD)
    assert any(one.profile_percent < 80 for one in CROWD)
    assert any(one.availability.time_off for one in CROWD)
    assert any(one.unheard for one in CROWD)


def test_shifts_lie_in_working_hours() -> None:
    for one in CROWD:
        for start, end in one.shifts:
            assert list(one.availability.open_spans(start, end)) == [(start, end)]


def test_every_district_is_known_and_addresses_lie_in_theirs() -> None:
    for one in CROWD:
        middle = centroid(town.COUNTRY, one.address.outward_code)
        assert middle is not None
        assert one.address.point is not None
        assert miles_between(middle, one.address.point) < 1.5
        assert one.address.wrong_fields() == ()


def test_every_service_is_asked_for_in_words_that_say_something() -> None:
    assert all(entry.keywords for entry in town.CATALOGUE)
    silent = [c for entry in town.CATALOGUE for c in entry.concerns if not extract(c)]
    assert silent == ["Just a normal clean."]


def test_every_request_keeps_the_booking_rules() -> None:
    asks = demand.asks(7, 500, CROWD)

    assert [one.at for one in asks] == sorted(one.at for one in asks)
    kinds = Counter(one.request.kind for one in asks)
    assert kinds[BookingKind.IMMEDIATE] > 100 < kinds[BookingKind.SCHEDULED]
    assert any(one.request.preferred_provider_id for one in asks)
    assert any(one.request.requested_brand for one in asks)
    for ask in asks:
        made = draft(ask.request, ask.entry.service, booking_id=CROWD[0].id, at=ask.at)
        against = broken_by_start(
            made.rules,
            starts_at=made.starts_at,
            immediate=made.is_immediate,
            zone=LONDON,
            at=ask.at,
        )
        assert against == ()


def test_nobody_is_woken_at_night_and_who_cannot_be_reached_notices_nothing() -> None:
    noon, night = DAWN + timedelta(hours=8), DAWN + timedelta(hours=19)
    off, on = Situation(on_shift=False), Situation(on_shift=True)
    unheard = Situation(on_shift=True, reachable=False)
    chance = Chance("night")

    assert behaviour.notices(chance, somebody(), on, at=noon) is not None
    assert behaviour.notices(chance, somebody(), off, at=night) is None
    assert behaviour.notices(chance, somebody(), unheard, at=noon) is None
    assert behaviour.notices(chance, somebody(attention=0.0), on, at=noon) is None


def test_who_is_off_shift_or_at_work_takes_longer_to_notice() -> None:
    def seconds(situation: Situation) -> float:
        noon = DAWN + timedelta(hours=8)
        seen = [
            behaviour.notices(Chance("seen", n), somebody(), situation, at=noon) for n in range(500)
        ]
        return fmean(delay.total_seconds() for delay in seen if delay is not None)

    on, busy = Situation(on_shift=True), Situation(on_shift=True, working=True)
    assert seconds(on) < seconds(busy) < seconds(Situation(on_shift=False))


def test_work_is_taken_more_gladly_when_it_is_near_suits_and_is_not_in_the_evening() -> None:
    person = somebody()
    usual = yes_of(person, a_prospect())

    assert 0.55 < usual < 0.65
    assert yes_of(person, a_prospect(distance_miles=person.radius_miles)) < usual
    assert yes_of(person, a_prospect(starts_at=DAWN + timedelta(hours=16))) < usual
    assert yes_of(person, a_prospect(appeal=135)) > usual
    assert yes_of(somebody(eagerness=0.9), a_prospect()) > usual


def test_who_does_not_take_it_says_no_or_nothing() -> None:
    unwilling = a_prospect(appeal=-1000)
    said = {behaviour.replies(Chance("no", n), somebody(), unwilling) for n in range(200)}
    frank = {
        behaviour.replies(Chance("no", n), somebody(candour=1.0), unwilling) for n in range(200)
    }

    assert said == {Reply.YES, Reply.NO, None}
    assert frank == {Reply.YES, Reply.NO}


def test_no_policy_makes_work_more_attractive() -> None:
    work = some_work(keywords=("brakes",))
    candidate = a_candidate(on_shift=True, keywords=frozenset({"brakes"}), years_experience=12)
    appeals = {
        behaviour.appeal(score(work, candidate, at=NOW, policy=policy))
        for policy in POLICIES.values()
    }

    assert appeals == {50 + 25 + 15}


def test_everybody_who_answered_was_asked_before() -> None:
    memory = played("v1").memory

    for given in memory.assignments.values():
        offers = memory.offers_of(given.work.booking_id)
        won = next(one for one in offers if one.resolved_at == given.at and one.state == "ACCEPTED")
        assert won.provider_id == given.candidate.provider_id
        assert won.offered_at < given.at or won.wave == "AUTO"
