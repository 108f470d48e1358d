"""Is work that nobody takes given away at its time, however long it takes people to say no?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.bookings import Booking, BookingKind
from domain.matching import rank
from domain.offers import JobOffer, OfferState, Wave, reject
from domain.waves import WaveRules, begin_auto, due, make_room, open_wave, tidy, wait
from tests.domain.matching.factories import a_candidate, some_work
from tests.factories import NOW, PROVIDER, a_booking, an_offer

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
RULES: Final = WaveRules()


def targeted(**changes: Any) -> Booking:
    facts = {"wave": Wave.TARGETED, "round": 1, "match_due_at": NOW + 5 * MINUTE}
    return a_booking(**facts | changes)


@dataclass
class Search:
    """A search in a town where there is always another one to ask."""

    booking: Booking
    at: datetime = NOW
    offers: list[JobOffer] = field(default_factory=list)
    people: count[int] = field(default_factory=lambda: count(100))

    def advance(self) -> None:
        """As db/matching.py does when its alarm rings."""
        booking, at = self.booking, self.at
        if tidied := tidy(booking, self.offers, at=at):
            self._keep(tidied.offers)
            booking = tidied.booking
        booking = make_room(booking, self.offers, at=at)
        known = tuple(self.offers)
        while (call := due(booking, known, at=at)) is not None:
            asked = [call.only or UUID(int=next(self.people)) for _ in range(min(call.size, 5))]
            chosen = rank(some_work(), [a_candidate(provider_id=uid) for uid in asked], at=at)
            outcome = open_wave(booking, call, chosen, known=known, eligible=5, at=at, new_id=uuid4)
            self._keep(outcome.offers)
            self.offers += outcome.made
            booking = outcome.booking
        self.booking = begin_auto(wait(booking, known, at=at), at=at)

    def say_no(self) -> None:
        """Of those who are thinking about it, the first."""
        offer = next((one for one in self.offers if one.is_open(self.at)), None)
        if offer is not None:
            asked: dict[str, Any] = {"offer_id": offer.id, "by": offer.provider_id}
            outcome = reject(self.booking, self.offers, **asked, reason="", at=self.at)
            self._keep(outcome.offers)
            self.booking = outcome.booking

    def ring_until(self, at: datetime) -> None:
        """Let every alarm ring that rings until then, or until the work is to be given away."""
        while self.booking.auto_due_at is None:
            assert self.booking.match_due_at is not None
            if self.booking.match_due_at > at:
                break
            self.at = max(self.at, self.booking.match_due_at)
            self.advance()
        self.at = max(self.at, at)

    def _keep(self, changed: tuple[JobOffer, ...]) -> None:
        after = {one.id: one for one in changed}
        self.offers = [after.get(one.id, one) for one in self.offers]


class TestTheTimeToGiveItAway:
    @pytest.mark.parametrize(
        ("kind", "after"), [(BookingKind.SCHEDULED, 2 * HOUR), (BookingKind.IMMEDIATE, 15 * MINUTE)]
    )
    def test_comes_in_a_targeted_wave_too(self, kind: BookingKind, after: timedelta) -> None:
        at = NOW + after
        booking = targeted(kind=kind, match_due_at=at + MINUTE)

        assert begin_auto(booking, at=at) == replace(booking, wave=Wave.AUTO, auto_due_at=at)
        # Before it, one looks again when it comes.
        assert begin_auto(booking, at=at - SECOND) == replace(booking, match_due_at=at)

    def test_does_not_hasten_what_is_looked_at_before(self) -> None:
        assert begin_auto(targeted(), at=NOW) == targeted()

    def test_finds_nobody_in_the_way_but_the_preferred_provider(self) -> None:
        """Found late, after an outage, they have their two minutes all the same."""
        search = Search(
            a_booking(
                kind=BookingKind.IMMEDIATE,
                preferred_provider_id=PROVIDER,
                match_since=NOW - 14 * MINUTE,
            )
        )
        search.advance()
        assert (search.booking.wave, search.booking.auto_due_at) == (Wave.PREFERRED, None)
        assert search.booking.match_due_at == NOW + 2 * MINUTE

        search.at = NOW + 2 * MINUTE - SECOND
        search.advance()
        assert search.booking.wave is Wave.PREFERRED
        search.ring_until(NOW + 2 * MINUTE)

        assert (search.booking.wave, search.booking.auto_due_at) == (Wave.AUTO, search.at)
        # The best three hear of it all the same, and may be quicker.
        assert [one.wave for one in search.offers] == [Wave.PREFERRED, *[Wave.TARGETED] * 3]

    def test_leaves_who_is_thinking_to_think_and_the_broadcast_to_follow(self) -> None:
        at = NOW + 15 * MINUTE
        asked = an_offer(offered_at=at - MINUTE, expires_at=at + 4 * MINUTE)
        search = Search(targeted(kind=BookingKind.IMMEDIATE, match_due_at=at), at, [asked])
        search.advance()
        assert search.booking.wave is Wave.AUTO
        assert search.offers[0] == asked
        assert search.booking.match_due_at == at + 4 * MINUTE

        search.at = at + 4 * MINUTE
        search.advance()
        assert {one.wave for one in search.offers if one.offered_at == search.at} == {
            Wave.BROADCAST
        }
        assert search.offers[0].state is OfferState.EXPIRED


@pytest.mark.parametrize(
    ("kind", "after"), [(BookingKind.SCHEDULED, 2 * HOUR), (BookingKind.IMMEDIATE, 15 * MINUTE)]
)
def test_a_chain_of_refusals_each_at_the_last_moment_does_not_put_it_off(
    kind: BookingKind, after: timedelta
) -> None:
    search = Search(a_booking(kind=kind))
    search.advance()
    waves = set()
    while search.booking.auto_due_at is None and search.at < NOW + 9 * HOUR:
        waves.add(search.booking.wave)
        search.ring_until(search.at + 100 * SECOND)
        if search.booking.auto_due_at is None:
            search.say_no()

    assert waves == {Wave.TARGETED}
    assert search.booking.auto_due_at == NOW + after


@settings(max_examples=200)
@given(
    immediate=st.booleans(),
    preferred=st.booleans(),
    pauses=st.lists(st.integers(min_value=1, max_value=400), max_size=150),
)
def test_whenever_people_refuse_it_is_given_away_at_its_time(
    immediate: bool, preferred: bool, pauses: list[int]
) -> None:
    search = Search(
        a_booking(
            kind=BookingKind.IMMEDIATE if immediate else BookingKind.SCHEDULED,
            preferred_provider_id=PROVIDER if preferred else None,
        )
    )
    search.advance()
    for pause in pauses:
        search.ring_until(search.at + pause * SECOND)
        search.say_no()
    search.ring_until(NOW + 3 * HOUR)

    assert search.booking.auto_due_at == NOW + (15 * MINUTE if immediate else 2 * HOUR)
