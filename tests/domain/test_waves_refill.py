"""Does the next best take the place of a targeted provider who says no, at once and only then?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from domain.bookings import Booking
from domain.matching import Ranked, rank
from domain.offers import JobOffer, OfferState, Wave, reject
from domain.waves import Call, due, just_left, make_room, open_wave, tidy, wait
from tests.domain.matching.factories import a_candidate, some_work
from tests.factories import NOW, a_booking, an_offer

SECOND: Final = timedelta(seconds=1)
LATER: Final = NOW + timedelta(minutes=2)
TARGETED_ENDS: Final = NOW + timedelta(minutes=5)


def targeted(**changes: Any) -> Booking:
    return a_booking(**{"wave": Wave.TARGETED, "round": 1, "match_due_at": TARGETED_ENDS} | changes)


def the_three(*states: OfferState, **changes: Any) -> list[JobOffer]:
    """The offers of the targeted wave, as they stand."""
    return [
        an_offer(id=UUID(int=40 + n), provider_id=UUID(int=50 + n), state=state, **changes)
        for n, state in enumerate(states)
    ]


OFFERED, REJECTED, EXPIRED, RESCINDED = (
    OfferState.OFFERED,
    OfferState.REJECTED,
    OfferState.EXPIRED,
    OfferState.RESCINDED,
)


def ranked(*numbers: int) -> list[Ranked]:
    return rank(some_work(), [a_candidate(provider_id=UUID(int=n)) for n in numbers], at=NOW)


def said_no(
    booking: Booking, offers: Sequence[JobOffer], which: int, *, at: datetime = LATER
) -> tuple[Booking, list[JobOffer]]:
    """The booking and its offers after one of them is rejected."""
    offer = offers[which]
    outcome = reject(booking, offers, offer_id=offer.id, by=offer.provider_id, reason="", at=at)
    (answered,) = outcome.offers
    return outcome.booking, [answered if one.id == offer.id else one for one in offers]


REFILL: Final = Call(
    wave=Wave.TARGETED,
    round=2,
    size=1,
    reach_miles=None,
    expires_at=LATER + timedelta(minutes=5),
)


class TestARejection:
    @pytest.mark.parametrize("which", [0, 1, 2])
    def test_of_one_of_three_makes_its_place_free_at_once(self, which: int) -> None:
        booking, offers = said_no(targeted(), the_three(OFFERED, OFFERED, OFFERED), which)

        assert booking == targeted(match_due_at=LATER)
        assert due(booking, offers, at=LATER) == REFILL

    def test_of_two_makes_two_places_free(self) -> None:
        booking, offers = said_no(targeted(), the_three(OFFERED, OFFERED, OFFERED), 0)
        booking, offers = said_no(booking, offers, 2)

        assert due(booking, offers, at=LATER) == replace(REFILL, size=2)

    def test_of_all_three_at_once_brings_the_broadcast(self) -> None:
        booking, offers = targeted(), the_three(OFFERED, OFFERED, OFFERED)
        for which in range(3):
            booking, offers = said_no(booking, offers, which)

        call = due(booking, offers, at=LATER)
        assert call is not None
        assert (call.wave, call.round, call.size, call.reach_miles) == (Wave.BROADCAST, 2, 50, 10)

    def test_in_a_broadcast_leaves_the_others_to_think(self) -> None:
        booking = a_booking(wave=Wave.BROADCAST, round=2, match_due_at=TARGETED_ENDS)
        after, _ = said_no(booking, the_three(OFFERED, OFFERED, wave=Wave.BROADCAST), 0)

        assert after == booking

    @pytest.mark.parametrize("wave", [Wave.PREFERRED, Wave.TARGETED, Wave.BROADCAST, Wave.AUTO])
    def test_of_the_only_one_makes_the_next_wave_due(self, wave: Wave) -> None:
        booking = a_booking(wave=wave, round=2, match_due_at=TARGETED_ENDS)
        after, _ = said_no(booking, the_three(OFFERED, wave=wave), 0)

        assert after == replace(booking, match_due_at=LATER)


class TestAPlace:
    @pytest.mark.parametrize("state", [REJECTED, RESCINDED])
    def test_is_free_when_its_offer_is_rejected_or_withdrawn(self, state: OfferState) -> None:
        offers = the_three(OFFERED, state, OFFERED)

        assert due(targeted(match_due_at=LATER), offers, at=LATER) == REFILL

    def test_stays_taken_when_its_offer_has_expired(self) -> None:
        offers = the_three(OFFERED, EXPIRED, EXPIRED, expires_at=TARGETED_ENDS + SECOND)

        assert due(targeted(), offers, at=TARGETED_ENDS) is None

    def test_that_nobody_was_found_for_is_free(self) -> None:
        booking = targeted(match_due_at=LATER)

        assert due(booking, the_three(OFFERED), at=LATER) == replace(REFILL, size=2)

    @pytest.mark.parametrize("earlier", [Wave.PREFERRED, Wave.BROADCAST])
    def test_is_not_taken_by_an_offer_of_another_wave(self, earlier: Wave) -> None:
        offers = [*the_three(OFFERED, OFFERED), an_offer(wave=earlier, state=EXPIRED)]

        assert due(targeted(match_due_at=LATER), offers, at=LATER) == REFILL

    def test_is_not_taken_by_an_offer_of_an_earlier_search(self) -> None:
        booking = targeted(round=4, rounds_before=3, match_due_at=LATER)
        offers = [*the_three(OFFERED, OFFERED, round=4), an_offer(round=3, state=EXPIRED)]

        assert due(booking, offers, at=LATER) == replace(REFILL, round=5)

    def test_does_not_count_below_none(self) -> None:
        offers = the_three(OFFERED, OFFERED, OFFERED, OFFERED)

        assert due(targeted(match_due_at=LATER), offers, at=LATER) is None


class TestTheNextBest:
    def opened(self, chosen: list[Ranked]) -> tuple[Booking, list[JobOffer], tuple[JobOffer, ...]]:
        booking, offers = said_no(targeted(), the_three(OFFERED, OFFERED, OFFERED), 0)
        outcome = open_wave(
            booking, REFILL, chosen, known=offers, eligible=7, at=LATER, new_id=uuid4
        )
        return outcome.booking, offers, outcome.made

    def test_gets_five_minutes_of_their_own(self) -> None:
        booking, offers, made = self.opened(ranked(60))

        (offer,) = made
        assert (offer.wave, offer.round, offer.provider_id) == (Wave.TARGETED, 2, UUID(int=60))
        assert offer.expires_at == REFILL.expires_at
        # Looked at again when the first of all who think about it have run out of time.
        assert booking == targeted(round=2, match_due_at=TARGETED_ENDS)
        assert due(booking, [*offers, *made], at=LATER) is None

    def test_still_has_it_when_the_others_time_is_over(self) -> None:
        booking, offers, made = self.opened(ranked(60))
        tidied = tidy(booking, [*offers, *made], at=TARGETED_ENDS)
        assert tidied is not None
        assert [one.state for one in tidied.offers] == [EXPIRED, EXPIRED]
        now = [offers[0], *tidied.offers, *made]

        assert due(tidied.booking, now, at=TARGETED_ENDS) is None
        waiting = wait(tidied.booking, now, at=TARGETED_ENDS)
        assert waiting == replace(booking, match_due_at=REFILL.expires_at)

    def test_who_says_no_too_makes_room_again(self) -> None:
        booking, offers, made = self.opened(ranked(60))
        booking, offers = said_no(booking, [*offers, *made], 3, at=LATER + SECOND)

        call = due(booking, offers, at=LATER + SECOND)
        assert call == replace(REFILL, round=3, expires_at=REFILL.expires_at + SECOND)

    def test_who_is_not_there_is_not_looked_for_again_until_the_others_have_answered(self) -> None:
        booking, offers, made = self.opened([])

        assert made == ()
        assert booking == targeted(round=1, match_due_at=TARGETED_ENDS)
        assert due(booking, offers, at=TARGETED_ENDS - SECOND) is None


class TestMakingRoom:
    def test_a_place_whose_provider_cannot_take_it_any_more_is_due_at_once(self) -> None:
        offers = the_three(RESCINDED, OFFERED, OFFERED)
        assert make_room(targeted(), offers, at=LATER) == targeted(match_due_at=LATER)

    def test_a_wave_whose_last_provider_has_left_is_over_at_once(self) -> None:
        for wave in (Wave.PREFERRED, Wave.TARGETED):
            alone = targeted(wave=wave)
            made = make_room(alone, the_three(RESCINDED), at=LATER)
            assert made == replace(alone, match_due_at=LATER)

    @pytest.mark.parametrize("state", [OFFERED, EXPIRED])
    def test_who_thinks_or_has_let_it_pass_keeps_the_place(self, state: OfferState) -> None:
        offers = the_three(RESCINDED, OFFERED, OFFERED, state)
        assert make_room(targeted(), offers, at=LATER) == targeted()

    def test_a_place_that_nobody_had_is_none(self) -> None:
        assert make_room(targeted(), the_three(OFFERED, OFFERED), at=LATER) == targeted()

    def test_what_left_an_earlier_search_makes_none_in_this(self) -> None:
        searching = targeted(rounds_before=1, round=2)
        offers = [*the_three(RESCINDED), *the_three(OFFERED, round=2)]
        assert make_room(searching, offers, at=LATER) == searching

    @pytest.mark.parametrize(
        "changes",
        [{"match_due_at": None}, {"wave": None}, {"wave": Wave.BROADCAST}, {"wave": Wave.AUTO}],
    )
    def test_other_waves_have_no_places(self, changes: dict[str, Any]) -> None:
        searching = targeted(**changes)
        assert make_room(searching, the_three(RESCINDED), at=LATER) == searching

    def test_what_is_overdue_stays_overdue(self) -> None:
        overdue = targeted(match_due_at=LATER - SECOND)
        assert make_room(overdue, the_three(RESCINDED), at=LATER) == overdue

    def test_a_preferred_provider_who_still_thinks_is_waited_for(self) -> None:
        asked = targeted(wave=Wave.PREFERRED)
        offers = the_three(RESCINDED, OFFERED)
        assert make_room(asked, offers, at=LATER) == asked


class TestWhoHasJustLeft:
    def test_is_who_was_withdrawn_in_the_last_four_minutes(self) -> None:
        minutes = timedelta(minutes=4)
        gone, earlier, asked, refused = the_three(RESCINDED, RESCINDED, OFFERED, REJECTED)
        offers = [
            replace(gone, resolved_at=LATER - minutes + SECOND),
            replace(earlier, resolved_at=LATER - minutes),
            asked,
            replace(refused, resolved_at=LATER),
        ]
        assert just_left(targeted(), offers, at=LATER) == {gone.provider_id}

    def test_is_nobody_who_was_withdrawn_in_an_earlier_search(self) -> None:
        (gone,) = the_three(RESCINDED, resolved_at=LATER)
        assert just_left(targeted(), [gone], at=LATER) == {gone.provider_id}
        assert just_left(targeted(rounds_before=1), [gone], at=LATER) == frozenset()

    def test_is_nobody_whose_offer_has_no_time_of_its_end(self) -> None:
        assert just_left(targeted(), the_three(RESCINDED), at=LATER) == frozenset()


class TestWaiting:
    def test_is_until_the_first_open_offers_time_is_over(self) -> None:
        offers = [
            an_offer(expires_at=TARGETED_ENDS + 2 * SECOND),
            an_offer(expires_at=TARGETED_ENDS + SECOND),
            an_offer(state=REJECTED, expires_at=TARGETED_ENDS + SECOND / 2),
            an_offer(expires_at=TARGETED_ENDS),
        ]

        waiting = wait(targeted(), offers, at=TARGETED_ENDS)

        assert waiting == targeted(match_due_at=TARGETED_ENDS + SECOND)

    @pytest.mark.parametrize(
        ("booking", "at"),
        [
            (targeted(), TARGETED_ENDS - SECOND),
            (targeted(match_due_at=None), TARGETED_ENDS),
        ],
    )
    def test_is_left_as_it_is_where_another_moment_or_none_is_set(
        self, booking: Booking, at: datetime
    ) -> None:
        assert wait(booking, [an_offer(expires_at=at + 9 * SECOND)], at=at) == booking

    def test_has_no_end_of_its_own_where_nobody_thinks_about_it(self) -> None:
        assert wait(targeted(), [], at=TARGETED_ENDS) == targeted()
