"""Does a synthetic day keep every rule of a real one?"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from uuid import UUID

import pytest

from callout.simulation.memory import Memory
from db.candidates import work_of
from domain.availability import is_inside_hours
from domain.booking_steps import BookingStatus
from domain.bookings import Booking
from domain.house import DEFAULT
from domain.matching import HardRule, broken, is_eligible
from domain.offers import OfferState, Wave
from domain.places import miles_between
from domain.requests import draft
from domain.shifts import clock_in
from tests.callout.simulation.days import BOOKINGS, played

DAYS = ("v1", "v2")


@pytest.mark.parametrize("policy", DAYS)
def test_each_booking_is_either_done_by_somebody_or_ends_unfilled(policy: str) -> None:
    memory = played(policy).memory

    ended = Counter(booking.status for booking in memory.bookings.values())
    assert ended.total() == BOOKINGS
    assert ended.keys() == {BookingStatus.COMPLETED, BookingStatus.CANCELLED}
    for uid, booking in memory.bookings.items():
        assert (booking.provider_id is not None) is (uid in memory.assignments)
        assert (booking.status is BookingStatus.COMPLETED) is (uid in memory.assignments)


@pytest.mark.parametrize("policy", DAYS)
def test_each_assigned_booking_has_one_winner_and_no_offer_stays_open(policy: str) -> None:
    memory = played(policy).memory

    for uid, booking in memory.bookings.items():
        offers = memory.offers_of(uid)
        won = [one.provider_id for one in offers if one.state is OfferState.ACCEPTED]
        assert won == ([booking.provider_id] if booking.provider_id else [])
        assert all(one.state is not OfferState.OFFERED for one in offers)
        assert all(one.expires_at <= booking.starts_at for one in offers)


def work_of_everybody(memory: Memory) -> list[list[Booking]]:
    """The bookings that each provider was given."""
    given: dict[object, list[Booking]] = defaultdict(list)
    for booking in memory.bookings.values():
        if booking.provider_id is not None:
            given[booking.provider_id].append(booking)
    return list(given.values())


@pytest.mark.parametrize("policy", DAYS)
def test_nobody_is_double_booked_or_sent_to_the_next_job_too_soon(policy: str) -> None:
    pairs = [
        sorted(pair, key=lambda one: one.starts_at)
        for theirs in work_of_everybody(played(policy).memory)
        for pair in combinations(theirs, 2)
    ]

    assert len(pairs) > 100
    for first, second in pairs:
        assert first.completed_at is not None
        assert second.assigned_at is not None
        assert first.completed_at <= second.starts_at
        # Only a job that was done early gives back the rest of its window, and the room around it.
        given_back = first.completed_at <= second.assigned_at
        assert given_back or not first.block.is_too_near(second.block)


@pytest.mark.parametrize("policy", DAYS)
def test_no_assignment_breaks_a_hard_rule(policy: str) -> None:
    day = played(policy)
    people = {person.id: person for person in day.people}

    assert day.memory.assignments
    for uid, given in day.memory.assignments.items():
        booking, person = day.memory.bookings[uid], people[given.candidate.provider_id]
        # Who answers has been heard from, whatever their last heartbeat.
        rules = {one.rule for one in broken(given.work, given.candidate, at=given.at)}
        assert rules <= {HardRule.HEARTBEAT}
        # And by the facts themselves, not as the day has put them together:
        assert booking.service_id in person.service_ids
        assert person.approved_at is not None
        assert not person.suspended
        assert person.profile_percent >= 80
        assert set(booking.requirements.skills) <= person.skills
        assert set(booking.requirements.certifications) <= person.certifications
        assert booking.requested_brand in {"", *person.brands}
        assert is_inside_hours(person.availability, booking.block)
        assert not any(
            start < booking.ends_at and booking.starts_at < end
            for start, end in person.availability.time_off
        )
        assert booking.address.point is not None
        assert person.address.point is not None
        miles = miles_between(booking.address.point, person.address.point)
        assert miles <= person.radius_miles
        said_no = [one for one in day.memory.offers_of(uid) if one.state is OfferState.REJECTED]
        assert person.id not in {one.provider_id for one in said_no}
        if booking.is_immediate:
            assert any(start <= given.at for start, _ in person.shifts)


@pytest.mark.parametrize("policy", DAYS)
def test_nobody_has_more_work_in_a_day_than_they_take(policy: str) -> None:
    day = played(policy)
    caps = {person.id: person.availability for person in day.people}
    jobs = Counter(
        (booking.provider_id, caps[booking.provider_id].local_day(booking.starts_at))
        for booking in day.memory.bookings.values()
        if booking.provider_id is not None
    )

    assert min(caps[who].daily_cap - number for (who, _), number in jobs.items()) == 0


@pytest.mark.parametrize("policy", DAYS)
def test_auto_waits_until_it_is_its_turn_and_sends_nobody_too_far(policy: str) -> None:
    memory, rules = played(policy).memory, DEFAULT.waves
    given = {uid: one for uid, one in memory.assignments.items() if one.wave is Wave.AUTO}

    assert given
    for uid, one in given.items():
        booking = memory.bookings[uid]
        waits = rules.auto_after_immediate if booking.is_immediate else rules.auto_after
        assert one.at - booking.requested_at >= waits
        assert one.at.second == 0
        assert one.distance_miles is not None
        assert one.distance_miles <= rules.auto_miles


def test_every_way_to_a_provider_is_gone_on_a_day() -> None:
    memory = played("v1").memory

    assert {one.wave for one in memory.assignments.values()} == set(Wave)
    states = Counter(one.state for uid in memory.bookings for one in memory.offers_of(uid))
    assert states.keys() == set(OfferState) - {OfferState.OFFERED}
    assert any(one.reminders for uid in memory.bookings for one in memory.offers_of(uid))


def test_a_shadow_policy_changes_nothing() -> None:
    alone, beside = played("v1"), played("v1", "v2")

    assert beside.figures.shadow is not None
    assert replace(beside.figures, shadow=None) == alone.figures
    assert beside.memory.bookings == alone.memory.bookings
    assert beside.memory.offers == alone.memory.offers
    assert beside.memory.assignments == alone.memory.assignments
    assert alone.memory.choices == []
    assert beside.memory.choices


def test_two_policies_meet_the_same_people_and_the_same_bookings() -> None:
    one, other = played("v1"), played("v2")

    assert one.people == other.people
    assert one.asks == other.asks
    assert one.memory.bookings.keys() == other.memory.bookings.keys()
    assert one.memory.assignments != other.memory.assignments


def test_policy_v2_gives_newcomers_more_of_the_work_and_not_all_of_it() -> None:
    v1, v2 = (played(policy).figures.fairness for policy in DAYS)

    assert v1.newcomers == v2.newcomers
    assert v1.newcomers_share_of_jobs is not None
    assert v2.newcomers_share_of_jobs is not None
    assert v1.newcomers_share_of_jobs < v2.newcomers_share_of_jobs < 0.5
    # Nearer to their part of the providers.
    assert v2.newcomers - v2.newcomers_share_of_jobs < v1.newcomers - v1.newcomers_share_of_jobs


def test_whom_a_round_looks_at_are_all_who_could_do_it() -> None:
    day = played("v1")
    memory = Memory(day.people, lambda _: None)

    could = 0
    for number, ask in enumerate(day.asks[:60], start=1):
        made = draft(ask.request, ask.entry.service, booking_id=UUID(int=number), at=ask.at)
        work = work_of(made, reach_miles=10)
        for at, on_shift in ((ask.at, False), (ask.at + timedelta(minutes=4), True)):
            for life in memory.lives.values():
                clocked_in = clock_in(
                    shift_id=made.id, provider_id=life.person.id, place="", note="", at=at
                )
                life.shift = clocked_in if on_shift else None
            everybody = [life.candidate(work, at=at) for life in memory.lives.values()]
            able = [one for one in everybody if is_eligible(work, one, at=at)]
            looked_at = memory.promising(work, at=at)
            assert [one for one in looked_at if is_eligible(work, one, at=at)] == able
            assert len(looked_at) < len(everybody)
            could += len(able)
    assert could > 100
