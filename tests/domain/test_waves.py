"""Is a booking brought to the right number of providers in time, and given up in time?"""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

import pytest

from domain.bookings import Booking, happened
from domain.events import EventType
from domain.matching import Ranked, rank
from domain.offers import JobOffer, OfferState, Outcome, Wave, about
from domain.waves import DEFAULT, Call, WaveRules, due, open_wave, tidy
from tests.domain.matching.factories import a_candidate, some_work
from tests.factories import BOOKING, NOW, PROVIDER, a_booking, an_offer

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
TARGETED_ENDS: Final = NOW + timedelta(seconds=300)
START: Final = a_booking().starts_at


def targeted(**changes: Any) -> Booking:
    return a_booking(**{"wave": Wave.TARGETED, "round": 1, "match_due_at": TARGETED_ENDS} | changes)


def broadcast(times: int, **changes: Any) -> Booking:
    """After one targeted wave and so many broadcasts."""
    facts = {"wave": Wave.BROADCAST, "round": 1 + times, "broadcasts": times}
    return a_booking(**facts | changes)


def some_ranked(size: int) -> list[Ranked]:
    found = [a_candidate(provider_id=UUID(int=100 + n)) for n in range(size)]
    return rank(some_work(), found, at=NOW)


def opened(booking: Booking, call: Call, chosen: list[Ranked], *, eligible: int = 9) -> Outcome:
    ids = count(1)
    return open_wave(
        booking, call, chosen, eligible=eligible, at=NOW, new_id=lambda: UUID(int=next(ids))
    )


class TestTheFirstWave:
    def test_is_targeted_at_the_best_three_for_five_minutes(self) -> None:
        assert due(a_booking(), [], at=NOW) == Call(
            wave=Wave.TARGETED, round=1, size=3, reach_miles=None, expires_at=TARGETED_ENDS
        )

    def test_never_outlives_the_start(self) -> None:
        soon = a_booking(starts_at=NOW + MINUTE)
        call = due(soon, [], at=NOW)
        assert call is not None
        assert call.expires_at == NOW + MINUTE

    @pytest.mark.parametrize(
        "changes",
        [
            {"match_due_at": None},
            {"match_due_at": NOW + SECOND},
            {"provider_id": PROVIDER, "assigned_at": NOW},
            {"cancelled_at": NOW},
            {"needs_approval": True},
            {"needs_terms": True},
        ],
    )
    def test_is_not_due_early_or_for_a_booking_that_is_not_open(
        self, changes: dict[str, Any]
    ) -> None:
        assert due(a_booking(**changes), [], at=NOW) is None

    def test_is_due_for_a_paid_booking_like_for_any_other(self) -> None:
        assert due(a_booking(paid_at=NOW), [], at=NOW) == due(a_booking(), [], at=NOW)


class TestTheNextWave:
    def test_waits_while_a_targeted_provider_may_still_answer(self) -> None:
        others = [an_offer(state=OfferState.EXPIRED, expires_at=TARGETED_ENDS)] * 2
        offers = [an_offer(expires_at=TARGETED_ENDS + SECOND), *others]
        assert due(targeted(), offers, at=TARGETED_ENDS) is None

    @pytest.mark.parametrize("state", sorted(set(OfferState) - {OfferState.ACCEPTED}))
    def test_is_broadcast_to_fifty_within_ten_miles_when_the_targeted_have_lapsed(
        self, state: OfferState
    ) -> None:
        offers = [an_offer(state=state, expires_at=TARGETED_ENDS)]
        assert due(targeted(), offers, at=TARGETED_ENDS) == Call(
            wave=Wave.BROADCAST,
            round=2,
            size=50,
            reach_miles=10,
            expires_at=TARGETED_ENDS + timedelta(hours=2),
        )

    def test_is_not_due_before_the_targeted_time_is_over(self) -> None:
        assert due(targeted(), [an_offer()], at=TARGETED_ENDS - SECOND) is None

    @pytest.mark.parametrize(
        ("done", "reach"), [(0, 10), (1, 15), (2, 25), (3, 25), (17, 25), (1000, 25)]
    )
    def test_reaches_further_step_by_step(self, done: int, reach: float) -> None:
        before = broadcast(done) if done else targeted(match_due_at=NOW)
        call = due(before, [], at=NOW)
        assert call is not None
        assert (call.wave, call.round, call.reach_miles) == (Wave.BROADCAST, done + 2, reach)

    @pytest.mark.parametrize("rounds", [2, 9])
    def test_reaches_as_far_as_the_broadcasts_before_say_however_many_rounds_there_were(
        self, rounds: int
    ) -> None:
        for wave in (Wave.BROADCAST, Wave.AUTO):
            call = due(broadcast(1, wave=wave, round=rounds), [], at=NOW)
            assert call is not None
            assert (call.wave, call.round, call.reach_miles) == (Wave.BROADCAST, rounds + 1, 15)

    def test_repeats_a_broadcast_although_some_may_still_answer_the_last_one(self) -> None:
        assert due(broadcast(1), [an_offer(wave=Wave.BROADCAST)], at=NOW) is not None

    def test_never_outlives_the_start(self) -> None:
        call = due(broadcast(1, starts_at=NOW + MINUTE), [], at=NOW)
        assert call is not None
        assert call.expires_at == NOW + MINUTE


class TestOpening:
    def call(self, **changes: Any) -> Call:
        made = due(a_booking(), [], at=NOW)
        assert made is not None
        return replace(made, **changes)

    def test_keeps_why_each_was_chosen_and_tells_them(self) -> None:
        booking, chosen = a_booking(), some_ranked(2)
        outcome = opened(booking, self.call(), chosen, eligible=17)

        assert outcome.booking == a_booking(wave=Wave.TARGETED, round=1, match_due_at=TARGETED_ENDS)
        assert outcome.offers == ()
        assert outcome.made[0] == JobOffer(
            id=UUID(int=1),
            booking_id=BOOKING,
            provider_id=UUID(int=100),
            wave=Wave.TARGETED,
            round=1,
            offered_at=NOW,
            expires_at=TARGETED_ENDS,
            score=chosen[0].score.total,
            breakdown=(("SHIFT", 20), ("LOCATION", 25)),
            reasons=("Available at that time", "Same country: CA"),
            policy="v1",
            candidates=17,
        )
        assert [offer.provider_id.int for offer in outcome.made] == [100, 101]
        assert outcome.events == tuple(about(EventType.OFFER_OFFERED, o) for o in outcome.made)

    def test_a_targeted_wave_with_nobody_to_target_is_over_at_once(self) -> None:
        outcome = opened(a_booking(), self.call(), [])
        assert outcome == Outcome(booking=a_booking(wave=Wave.TARGETED, round=1, match_due_at=NOW))
        following = due(outcome.booking, [], at=NOW)
        assert following is not None
        assert following.wave is Wave.BROADCAST

    @pytest.mark.parametrize("size", [0, 1])
    def test_a_broadcast_is_repeated_after_four_minutes_whoever_was_found(self, size: int) -> None:
        call = self.call(wave=Wave.BROADCAST, round=2, expires_at=NOW + timedelta(hours=2))
        booking = opened(targeted(), call, some_ranked(size)).booking
        assert booking == broadcast(1, match_due_at=NOW + timedelta(minutes=4))

    def test_a_broadcast_is_looked_at_again_when_it_ends_if_that_is_sooner(self) -> None:
        call = self.call(wave=Wave.BROADCAST, round=2, expires_at=NOW + MINUTE)
        assert opened(targeted(), call, []).booking.match_due_at == NOW + MINUTE

    def test_leaves_nothing_due_for_whoever_calls_early_or_twice(self) -> None:
        outcome = opened(a_booking(), self.call(), some_ranked(3))
        for at in (NOW, TARGETED_ENDS - SECOND):
            assert tidy(outcome.booking, outcome.made, at=at) is None
            assert due(outcome.booking, outcome.made, at=at) is None


class TestTidying:
    def test_expires_what_has_lapsed_and_nothing_else(self) -> None:
        fresh = an_offer(id=UUID(int=41), expires_at=TARGETED_ENDS + SECOND)
        outcome = tidy(targeted(), [an_offer(), fresh], at=TARGETED_ENDS)

        expired = an_offer(state=OfferState.EXPIRED, resolved_at=TARGETED_ENDS)
        assert outcome == Outcome(
            booking=targeted(),
            offers=(expired,),
            events=(about(EventType.OFFER_EXPIRED, expired),),
        )

    def test_finds_nothing_to_do_early(self) -> None:
        assert tidy(targeted(), [an_offer()], at=TARGETED_ENDS - SECOND) is None

    @pytest.mark.parametrize(
        ("booking", "at"),
        [
            (a_booking(), START),
            (a_booking(), START + timedelta(days=9)),
            (a_booking(starts_at=NOW + timedelta(days=30)), NOW + timedelta(hours=72)),
            # The three days are those of the search, not of the request.
            (
                a_booking(starts_at=NOW + timedelta(days=30), match_since=NOW + MINUTE),
                NOW + timedelta(hours=72) + MINUTE,
            ),
            (a_booking(match_since=NOW + MINUTE), START),
        ],
    )
    def test_gives_up_at_the_start_or_after_three_days(
        self, booking: Booking, at: datetime
    ) -> None:
        waiting = replace(booking, wave=Wave.AUTO, round=5, auto_due_at=at)
        open_offer = an_offer(expires_at=at + SECOND)
        outcome = tidy(waiting, [open_offer], at=at)

        left = replace(waiting, unfilled_at=at, match_due_at=None, auto_due_at=None, version=2)
        withdrawn = an_offer(expires_at=at + SECOND, state=OfferState.RESCINDED, resolved_at=at)
        assert outcome == Outcome(
            booking=left,
            offers=(withdrawn,),
            events=(
                happened(EventType.BOOKING_UNFILLED, left),
                happened(EventType.BOOKING_SEARCH_ENDED, left),
                about(EventType.OFFER_RESCINDED, withdrawn),
            ),
        )

    def test_tells_that_it_is_unfilled_once_and_always_that_the_search_has_ended(self) -> None:
        unfilled_at = NOW + timedelta(hours=2)
        waiting = broadcast(30, wave=Wave.AUTO, unfilled_at=unfilled_at, version=7)
        outcome = tidy(waiting, [], at=START)

        left = replace(waiting, match_due_at=None, version=8)
        assert outcome == Outcome(
            booking=left, events=(happened(EventType.BOOKING_SEARCH_ENDED, left),)
        )
        assert left.unfilled_at == unfilled_at

    @pytest.mark.parametrize(
        ("booking", "at"),
        [
            (a_booking(), START - SECOND),
            (
                a_booking(starts_at=NOW + timedelta(days=30)),
                NOW + timedelta(hours=72) - SECOND,
            ),
            (
                a_booking(starts_at=NOW + timedelta(days=30), match_since=NOW + MINUTE),
                NOW + timedelta(hours=72) + MINUTE - SECOND,
            ),
        ],
    )
    def test_does_not_give_up_a_second_too_soon(self, booking: Booking, at: datetime) -> None:
        assert tidy(booking, [], at=at) is None

    @pytest.mark.parametrize(
        "booking",
        [
            a_booking(unfilled_at=NOW, match_due_at=None),
            a_booking(cancelled_at=NOW),
            a_booking(provider_id=PROVIDER, assigned_at=NOW),
            a_booking(needs_approval=True),
            a_booking(needs_terms=True),
        ],
    )
    def test_leaves_alone_what_is_over_taken_or_not_yet_to_be_offered(
        self, booking: Booking
    ) -> None:
        assert tidy(booking, [], at=START) is None


def test_the_numbers_are_those_of_the_rules() -> None:
    assert (
        WaveRules(
            preferred_lasts=timedelta(seconds=120),
            targeted_size=3,
            targeted_lasts=timedelta(minutes=5),
            broadcast_size=50,
            broadcast_lasts=timedelta(hours=2),
            broadcast_reach=(10, 15, 25),
            broadcast_again=timedelta(minutes=4),
            auto_after=timedelta(hours=2),
            auto_after_immediate=timedelta(minutes=15),
            auto_every=timedelta(minutes=1),
            auto_tries=5,
            auto_miles=15,
            give_up=timedelta(hours=72),
        )
        == DEFAULT
    )
