"""Is work that nobody takes given to somebody in time, and are the silent asked again meanwhile?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from domain.assignments import assign
from domain.booking_steps import Act, step
from domain.bookings import Booking, BookingKind, happened, search
from domain.events import EventType
from domain.matching import Ranked, rank
from domain.offers import JobOffer, OfferState, Outcome, Wave, about, accept
from domain.waves import WaveRules, auto_failed, begin_auto, due, open_wave, reminded, tidy
from tests.domain.matching.factories import a_candidate, some_work
from tests.factories import NOW, OFFER, PROVIDER, a_booking, an_offer

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)


def broadcasting(**changes: Any) -> Booking:
    facts = {"wave": Wave.BROADCAST, "round": 5, "broadcasts": 3, "match_due_at": NOW}
    return a_booking(**facts | changes)


def looking(**changes: Any) -> Booking:
    """The automatic assignment is looking for somebody."""
    return broadcasting(**{"wave": Wave.AUTO, "auto_due_at": NOW} | changes)


def ranked(size: int) -> list[Ranked]:
    found = [a_candidate(provider_id=UUID(int=100 + n)) for n in range(size)]
    return rank(some_work(), found, at=NOW)


def opened(booking: Booking, known: Sequence[JobOffer] = (), *, at: datetime = NOW) -> Outcome:
    """The broadcast that is due."""
    call = due(booking, known, at=at)
    assert call is not None
    return open_wave(booking, call, ranked(1), known=known, eligible=1, at=at, new_id=uuid4)


class TestTheAutomaticAssignment:
    @pytest.mark.parametrize(
        ("changes", "after"),
        [
            ({}, 2 * HOUR),
            ({"kind": BookingKind.IMMEDIATE}, 15 * MINUTE),
            ({"match_since": NOW + MINUTE}, 2 * HOUR + MINUTE),
            ({"match_since": NOW + MINUTE, "kind": BookingKind.IMMEDIATE}, 16 * MINUTE),
        ],
    )
    def test_begins_when_nobody_has_taken_it_for_long_enough(
        self, changes: dict[str, Any], after: timedelta
    ) -> None:
        booking, at = broadcasting(**changes), NOW + after

        assert begin_auto(booking, at=at - SECOND) == booking
        assert begin_auto(booking, at=at) == replace(booking, wave=Wave.AUTO, auto_due_at=at)

    def test_begins_as_the_house_has_set_it(self) -> None:
        rules = WaveRules(auto_after=HOUR, auto_after_immediate=MINUTE)
        now = broadcasting(kind=BookingKind.IMMEDIATE)

        assert begin_auto(broadcasting(), at=NOW + HOUR - SECOND, rules=rules) == broadcasting()
        assert begin_auto(broadcasting(), at=NOW + HOUR, rules=rules).auto_due_at == NOW + HOUR
        assert begin_auto(now, at=NOW + MINUTE - SECOND, rules=rules) == now
        assert begin_auto(now, at=NOW + MINUTE, rules=rules).auto_due_at == NOW + MINUTE

    @pytest.mark.parametrize(
        "booking",
        [
            # The customer's choice has their head start to the end.
            broadcasting(wave=Wave.PREFERRED),
            broadcasting(wave=None),
            broadcasting(match_due_at=None),
            broadcasting(provider_id=PROVIDER, assigned_at=NOW),
            broadcasting(cancelled_at=NOW),
            broadcasting(needs_terms=True),
            # Begun before: its next try is set already, or there is none.
            looking(auto_due_at=NOW + MINUTE),
            looking(auto_due_at=None),
        ],
    )
    def test_does_not_begin_twice_or_before_anybody_was_looked_for_or_for_what_is_not_open(
        self, booking: Booking
    ) -> None:
        assert begin_auto(booking, at=NOW + 9 * HOUR) == booking

    def test_goes_on_beside_the_broadcasts(self) -> None:
        at = NOW + 2 * HOUR
        thinking = an_offer(wave=Wave.BROADCAST, offered_at=at, expires_at=at + HOUR)
        outcome = opened(looking(match_due_at=at), [thinking], at=at)

        (offer,) = outcome.made
        assert (offer.wave, offer.round) == (Wave.BROADCAST, 6)
        assert outcome.booking == looking(
            round=6, broadcasts=4, match_due_at=at + 4 * MINUTE, auto_due_at=NOW
        )


class TestATryThatFails:
    def test_is_followed_by_another_a_minute_later(self) -> None:
        booking, at = looking(), NOW
        for tries in range(1, 5):
            outcome = auto_failed(booking, at=at)
            again = looking(auto_tries=tries, auto_due_at=at + MINUTE)
            assert outcome == Outcome(booking=again)
            booking, at = again, at + MINUTE

    def test_is_told_of_when_it_was_the_fifth(self) -> None:
        outcome = auto_failed(looking(auto_tries=4), at=NOW + MINUTE)

        left = looking(auto_tries=5, auto_due_at=None, unfilled_at=NOW + MINUTE, version=2)
        assert outcome == Outcome(
            booking=left, events=(happened(EventType.BOOKING_UNFILLED, left),)
        )

    def test_leaves_the_work_open_for_whoever_takes_it_after_all(self) -> None:
        left = auto_failed(looking(auto_tries=4), at=NOW).booking
        assert begin_auto(left, at=NOW + 9 * HOUR) == left
        assert due(left, [], at=NOW) is not None

        offer = an_offer(wave=Wave.BROADCAST)
        taken = accept(left, [offer], offer_id=OFFER, by=PROVIDER, at=NOW + SECOND).booking
        assert (taken.provider_id, taken.unfilled_at) == (PROVIDER, None)

    def test_is_not_told_of_again_when_the_search_ends(self) -> None:
        left = auto_failed(looking(auto_tries=4), at=NOW).booking
        outcome = tidy(left, [], at=left.starts_at)

        assert outcome is not None
        assert [event.type for event in outcome.events] == [EventType.BOOKING_SEARCH_ENDED]
        assert outcome.booking.unfilled_at == NOW


class TestWhatIsTakenOrCalledOff:
    def test_is_not_given_to_anybody_any_more(self) -> None:
        offer = an_offer(wave=Wave.BROADCAST)
        accepted = accept(looking(), [offer], offer_id=OFFER, by=PROVIDER, at=NOW)
        assigned = assign(looking(), [], provider_id=PROVIDER, at=NOW)
        cancelled = step(looking(), Act.CANCEL, cancelled_at=NOW)

        for booking in (accepted.booking, assigned.booking, cancelled):
            assert booking.auto_due_at is None

    def test_is_given_to_somebody_as_long_as_it_is_open(self) -> None:
        assert step(looking(), Act.PAY, paid_at=NOW).auto_due_at == NOW

    def test_begins_its_tries_anew_with_a_new_search(self) -> None:
        left = search(looking(auto_tries=5, unfilled_at=NOW), at=NOW + HOUR)

        assert (left.auto_due_at, left.auto_tries, left.broadcasts) == (None, 0, 0)
        assert (left.wave, left.unfilled_at, left.match_since) == (None, None, NOW + HOUR)


class TestWhenTheBroadcastsAreLookedAtAgain:
    @pytest.mark.parametrize(
        ("opens_after", "again_after"),
        [
            (HOUR, HOUR + 4 * MINUTE),
            (2 * HOUR - 4 * MINUTE, 2 * HOUR),
            # So that the automatic assignment begins in time.
            (2 * HOUR - 4 * MINUTE + SECOND, 2 * HOUR),
            (2 * HOUR - SECOND, 2 * HOUR),
            (2 * HOUR, 2 * HOUR + 4 * MINUTE),
            (3 * HOUR, 3 * HOUR + 4 * MINUTE),
        ],
    )
    def test_is_after_four_minutes_or_when_the_work_is_to_be_given_away(
        self, opens_after: timedelta, again_after: timedelta
    ) -> None:
        at = NOW + opens_after
        after = begin_auto(opened(broadcasting(match_due_at=at), at=at).booking, at=at)

        assert (after.round, after.broadcasts) == (6, 4)
        assert after.match_due_at == NOW + again_after

    def test_is_no_sooner_once_it_is_being_given_away(self) -> None:
        # Set back to an earlier hour by a new rule of the house: it was begun all the same.
        at = NOW + 2 * HOUR - SECOND
        after = begin_auto(opened(looking(), at=at).booking, at=at)
        assert (after.wave, after.match_due_at) == (Wave.AUTO, at + 4 * MINUTE)


class TestTheSilent:
    @pytest.mark.parametrize(
        ("silent_for", "again"),
        [(4 * MINUTE - SECOND, False), (4 * MINUTE, True), (5 * MINUTE, True)],
    )
    @pytest.mark.parametrize("reminders", [0, 1, 7])
    def test_are_asked_again_after_four_minutes(
        self, silent_for: timedelta, again: bool, reminders: int
    ) -> None:
        asked: dict[str, Any] = {"wave": Wave.BROADCAST, "expires_at": NOW + 2 * HOUR}
        if reminders:
            asked |= {"reminders": reminders, "reminded_at": NOW, "offered_at": NOW - HOUR}
        offer, at = an_offer(**asked), NOW + silent_for

        now = replace(offer, reminders=reminders + 1, reminded_at=at)
        assert reminded([offer], at=at) == ((now,) if again else ())

    @pytest.mark.parametrize(
        "changes",
        [
            {"wave": Wave.PREFERRED},
            {"wave": Wave.TARGETED},
            {"state": OfferState.ACCEPTED},
            {"state": OfferState.REJECTED},
            {"state": OfferState.EXPIRED},
            {"state": OfferState.RESCINDED},
            {"expires_at": NOW + HOUR},
        ],
    )
    def test_are_not_those_who_have_answered_or_were_asked_before_the_broadcast(
        self, changes: dict[str, Any]
    ) -> None:
        facts = {"wave": Wave.BROADCAST, "expires_at": NOW + 2 * HOUR} | changes

        assert reminded([an_offer(**facts)], at=NOW + HOUR) == ()

    def test_are_asked_again_by_the_next_broadcast_and_told(self) -> None:
        at = NOW + 4 * MINUTE
        silent = an_offer(wave=Wave.BROADCAST, expires_at=NOW + 2 * HOUR)
        late = replace(silent, id=UUID(int=77), offered_at=NOW + SECOND)
        outcome = opened(broadcasting(match_due_at=at), [silent, late], at=at)

        again = replace(silent, reminders=1, reminded_at=at)
        (new,) = outcome.made
        assert outcome.offers == (again,)
        assert outcome.events == (
            about(EventType.OFFER_OFFERED, new),
            about(EventType.OFFER_REMINDED, again),
        )

    def test_are_left_alone_by_a_targeted_wave(self) -> None:
        silent = an_offer(wave=Wave.BROADCAST, state=OfferState.OFFERED, offered_at=NOW - HOUR)
        call = due(a_booking(), [], at=NOW)
        assert call is not None
        outcome = open_wave(
            a_booking(), call, ranked(1), known=[silent], eligible=1, at=NOW, new_id=uuid4
        )

        assert outcome.offers == ()
        assert [event.type for event in outcome.events] == [EventType.OFFER_OFFERED]


def test_a_search_that_finds_nobody_goes_from_wave_to_wave_until_it_is_given_up() -> None:
    booking, at = a_booking(preferred_provider_id=PROVIDER), NOW
    seen: list[tuple[Wave | None, float | None]] = []
    told: list[EventType] = []
    while booking.match_due_at is not None:
        at = max(at, booking.match_due_at)
        tidied = tidy(booking, [], at=at)
        if tidied is not None:
            booking, told = tidied.booking, [*told, *(event.type for event in tidied.events)]
        while (call := due(booking, [], at=at)) is not None:
            outcome = open_wave(booking, call, [], eligible=0, at=at, new_id=uuid4)
            booking, told = outcome.booking, [*told, *(event.type for event in outcome.events)]
            seen.append((booking.wave, call.reach_miles))
        booking = begin_auto(booking, at=at)
        if booking.auto_due_at is not None:
            # Tried with each look, for brevity.
            failed = auto_failed(booking, at=at)
            booking, told = failed.booking, [*told, *(event.type for event in failed.events)]

    waves = list(dict.fromkeys(seen))
    assert waves == [
        (Wave.PREFERRED, None),
        (Wave.TARGETED, None),
        (Wave.BROADCAST, 10),
        (Wave.BROADCAST, 15),
        (Wave.BROADCAST, 25),
        (Wave.AUTO, 25),
    ]
    assert told == [
        EventType.BOOKING_PREFERRED_LAPSED,
        EventType.BOOKING_UNFILLED,
        EventType.BOOKING_SEARCH_ENDED,
    ]
    assert (at, booking.auto_tries, booking.auto_due_at) == (booking.starts_at, 5, None)
    # Four minutes apart, and a look at the start.
    assert booking.broadcasts == 24 * 60 / 4
