"""Is the customer's choice asked first, and does a search that begins anew begin at the start?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from domain.assignments import release
from domain.bookings import Booking, happened
from domain.events import Event, EventType
from domain.matching import Ranked, rank
from domain.moves import move
from domain.offers import JobOffer, Outcome, Wave, about, accept, reject
from domain.waves import Call, due, open_wave, tidy
from tests.domain.matching.factories import a_candidate, some_work
from tests.factories import NOW, a_booking, a_viewer

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
FAVOURITE = UUID(int=100)
PREFERRED_ENDS: Final = NOW + timedelta(seconds=120)
START: Final = a_booking().starts_at


def preferring(**changes: Any) -> Booking:
    return a_booking(**{"preferred_provider_id": FAVOURITE, "match_since": NOW} | changes)


def asked(**changes: Any) -> Booking:
    """The favourite has been asked at `NOW`."""
    facts = {"wave": Wave.PREFERRED, "round": 1, "match_due_at": PREFERRED_ENDS}
    return preferring(**facts | changes)


def ranked(*providers: UUID) -> list[Ranked]:
    return rank(some_work(), [a_candidate(provider_id=one) for one in providers], at=NOW)


def opened(
    booking: Booking, call: Call, chosen: list[Ranked], *, at: datetime = NOW, eligible: int = 9
) -> Outcome:
    return open_wave(booking, call, chosen, eligible=eligible, at=at, new_id=uuid4)


def due_call(booking: Booking, offers: Sequence[JobOffer] = (), *, at: datetime = NOW) -> Call:
    call = due(booking, offers, at=at)
    assert call is not None
    return call


FIRST: Final = Call(
    wave=Wave.PREFERRED,
    round=1,
    size=1,
    reach_miles=None,
    expires_at=PREFERRED_ENDS,
    only=FAVOURITE,
)


class TestThePreferredWave:
    def test_asks_the_customers_choice_alone_for_two_minutes(self) -> None:
        assert due(preferring(), [], at=NOW) == FIRST

    def test_never_outlives_the_start(self) -> None:
        soon = preferring(starts_at=NOW + MINUTE)
        assert due_call(soon) == replace(FIRST, expires_at=NOW + MINUTE)

    @pytest.mark.parametrize(
        "changes",
        [
            {"match_due_at": NOW + SECOND},
            {"needs_approval": True},
            {"needs_terms": True},
            {"provider_id": FAVOURITE, "assigned_at": NOW},
        ],
    )
    def test_waits_for_what_every_wave_waits_for(self, changes: dict[str, Any]) -> None:
        assert due(preferring(**changes), [], at=NOW) is None

    def test_makes_one_offer_and_tells_the_customer_nothing_yet(self) -> None:
        outcome = opened(preferring(), FIRST, ranked(FAVOURITE), eligible=1)

        (offer,) = outcome.made
        assert outcome.booking == asked()
        assert (offer.provider_id, offer.wave, offer.round) == (FAVOURITE, Wave.PREFERRED, 1)
        assert (offer.expires_at, offer.candidates) == (PREFERRED_ENDS, 1)
        assert outcome.events == (about(EventType.OFFER_OFFERED, offer),)

    def test_is_not_called_again_while_the_favourite_is_thinking(self) -> None:
        outcome = opened(preferring(), FIRST, ranked(FAVOURITE))
        for at in (NOW, PREFERRED_ENDS - SECOND):
            assert tidy(outcome.booking, outcome.made, at=at) is None
            assert due(outcome.booking, outcome.made, at=at) is None

    def test_waits_while_the_offer_is_open_although_it_is_due(self) -> None:
        outcome = opened(preferring(), FIRST, ranked(FAVOURITE))
        early = replace(outcome.booking, match_due_at=NOW)
        assert due(early, outcome.made, at=PREFERRED_ENDS - SECOND) is None


class TestWhenTheFavouriteLetsItPass:
    @pytest.mark.parametrize("size", [0, 3])
    def test_the_best_others_are_targeted_and_the_customer_is_told(self, size: int) -> None:
        call = due_call(asked(), at=PREFERRED_ENDS)
        assert call == Call(
            wave=Wave.TARGETED,
            round=2,
            size=3,
            reach_miles=None,
            expires_at=PREFERRED_ENDS + timedelta(seconds=300),
        )
        others = [UUID(int=101 + n) for n in range(size)]
        outcome = opened(asked(), call, ranked(*others), at=PREFERRED_ENDS)

        assert outcome.booking == preferring(
            wave=Wave.TARGETED,
            round=2,
            match_due_at=call.expires_at if size else PREFERRED_ENDS,
        )
        assert outcome.events == (
            happened(EventType.BOOKING_PREFERRED_LAPSED, outcome.booking),
            *(about(EventType.OFFER_OFFERED, offer) for offer in outcome.made),
        )
        assert [offer.provider_id for offer in outcome.made] == others

    def test_by_silence_their_offer_has_expired_before(self) -> None:
        outcome = opened(preferring(), FIRST, ranked(FAVOURITE))
        tidied = tidy(outcome.booking, outcome.made, at=PREFERRED_ENDS)
        assert tidied is not None
        assert tidied.booking == outcome.booking
        assert [event.type for event in tidied.events] == [EventType.OFFER_EXPIRED]
        assert due_call(tidied.booking, tidied.offers, at=PREFERRED_ENDS).wave is Wave.TARGETED

    def test_by_saying_no_the_others_are_asked_at_once(self) -> None:
        outcome = opened(preferring(), FIRST, ranked(FAVOURITE))
        (offer,) = outcome.made
        said_no = reject(
            outcome.booking,
            outcome.made,
            offer_id=offer.id,
            by=FAVOURITE,
            reason="",
            at=NOW + SECOND,
        )
        call = due_call(said_no.booking, said_no.offers, at=NOW + SECOND)
        assert (call.wave, call.round) == (Wave.TARGETED, 2)

    def test_by_not_being_eligible_the_others_are_asked_at_once(self) -> None:
        outcome = opened(preferring(), FIRST, [], eligible=0)
        assert outcome == Outcome(booking=asked(match_due_at=NOW))
        assert due_call(outcome.booking).wave is Wave.TARGETED

    def test_the_customer_is_told_once(self) -> None:
        booking, at = preferring(), NOW
        told: list[Event] = []
        for _ in range(6):
            outcome = opened(booking, due_call(booking, at=at), [], at=at)
            booking, told = outcome.booking, [*told, *outcome.events]
            assert booking.match_due_at is not None
            at = booking.match_due_at
        assert [event.type for event in told] == [EventType.BOOKING_PREFERRED_LAPSED]
        assert booking.round == 6

    def test_the_broadcasts_reach_no_less_far_for_it(self) -> None:
        reached = []
        for round_ in range(2, 7):
            wave = Wave.TARGETED if round_ == 2 else Wave.BROADCAST
            call = due_call(preferring(wave=wave, round=round_, broadcasts=round_ - 2))
            reached.append((call.wave, call.round, call.reach_miles))
        assert reached == [
            (Wave.BROADCAST, 3, 10),
            (Wave.BROADCAST, 4, 15),
            (Wave.BROADCAST, 5, 25),
            (Wave.BROADCAST, 6, 25),
            (Wave.BROADCAST, 7, 25),
        ]

    def test_by_accepting_it_is_theirs_and_nobody_is_told_that_it_lapsed(self) -> None:
        outcome = opened(preferring(), FIRST, ranked(FAVOURITE))
        (offer,) = outcome.made
        taken = accept(
            outcome.booking, outcome.made, offer_id=offer.id, by=FAVOURITE, at=NOW + SECOND
        )
        assert taken.booking.provider_id == FAVOURITE
        assert due(taken.booking, taken.offers, at=PREFERRED_ENDS) is None


LATER: Final = NOW + timedelta(hours=1)
THERE: Final = START + timedelta(days=30)


def put_off(booking: Booking) -> Booking:
    facts: Any = {"keeps_provider": False, "by": a_viewer(), "at": LATER}
    return move(booking, [], starts_at=THERE, **facts).booking


def searched_again(booking: Booking, rounds: int) -> list[tuple[Wave, int, float | None]]:
    """The waves of a search that finds nobody, one after the other."""
    waves = []
    for _ in range(rounds):
        assert booking.match_due_at is not None
        call = due_call(booking, at=booking.match_due_at)
        waves.append((call.wave, call.round, call.reach_miles))
        booking = opened(booking, call, [], at=booking.match_due_at).booking
    return waves


class TestASecondSearch:
    GIVEN_UP: Final[dict[str, Any]] = {
        "wave": Wave.BROADCAST,
        "round": 7,
        "match_due_at": None,
        "unfilled_at": NOW,
    }

    def test_after_a_move_goes_through_every_wave_again_and_counts_its_rounds_on(self) -> None:
        moved = put_off(a_booking(**self.GIVEN_UP))
        assert searched_again(moved, 6) == [
            (Wave.TARGETED, 8, None),
            (Wave.BROADCAST, 9, 10),
            (Wave.BROADCAST, 10, 15),
            (Wave.BROADCAST, 11, 25),
            (Wave.BROADCAST, 12, 25),
            (Wave.BROADCAST, 13, 25),
        ]

    def test_asks_the_favourite_first_again(self) -> None:
        moved = put_off(preferring(**self.GIVEN_UP))
        assert searched_again(moved, 5) == [
            (Wave.PREFERRED, 8, None),
            (Wave.TARGETED, 9, None),
            (Wave.BROADCAST, 10, 10),
            (Wave.BROADCAST, 11, 15),
            (Wave.BROADCAST, 12, 25),
        ]

    def test_begins_anew_although_the_first_never_came_to_a_wave(self) -> None:
        assert searched_again(put_off(a_booking()), 2) == [
            (Wave.TARGETED, 1, None),
            (Wave.BROADCAST, 2, 10),
        ]

    def test_of_a_third_time_is_like_the_second(self) -> None:
        again = put_off(put_off(a_booking(**self.GIVEN_UP)))
        assert (again.round, again.rounds_before) == (7, 7)
        assert searched_again(again, 2) == [(Wave.TARGETED, 8, None), (Wave.BROADCAST, 9, 10)]

    def test_is_given_up_three_days_after_it_began(self) -> None:
        moved = put_off(a_booking(**self.GIVEN_UP))
        given_up_at = LATER + timedelta(hours=72)
        assert tidy(moved, [], at=given_up_at - SECOND) is None
        outcome = tidy(moved, [], at=given_up_at)
        assert outcome is not None
        assert outcome.booking.unfilled_at == given_up_at

    def test_after_a_release_begins_when_the_provider_left(self) -> None:
        staffed = a_booking(
            wave=Wave.TARGETED,
            round=1,
            match_since=NOW,
            match_due_at=None,
            provider_id=FAVOURITE,
            assigned_at=NOW,
        )
        left = release(staffed, [], at=LATER).booking
        assert (left.match_since, left.match_due_at) == (LATER, LATER)
        assert searched_again(left, 2) == [(Wave.TARGETED, 2, None), (Wave.BROADCAST, 3, 10)]
