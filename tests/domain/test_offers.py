"""Does exactly one provider win, and does every state of an offer answer as it should?"""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, Final
from uuid import UUID

import pytest

from domain.booking_steps import BookingStatus
from domain.bookings import Booking, happened
from domain.events import Event, EventType
from domain.offers import (
    STEPS,
    Gone,
    JobOffer,
    OfferGone,
    OfferState,
    Outcome,
    about,
    accept,
    lapse,
    made_room,
    reject,
    rescind,
    settled,
    take_back,
)
from domain.refusals import InvalidInput, NotFound
from tests.factories import BOOKING, NOW, OFFER, PROVIDER, a_booking, an_offer

LATER: Final = NOW + timedelta(minutes=1)
EXPIRY: Final = NOW + timedelta(minutes=5)
JUST_BEFORE: Final = EXPIRY - timedelta(microseconds=1)
RIVAL, OTHER = UUID(int=31), UUID(int=32)
#: Every legal step, written down a second time.
LEGAL: Final = {
    (OfferState.OFFERED, OfferState.ACCEPTED),
    (OfferState.OFFERED, OfferState.REJECTED),
    (OfferState.OFFERED, OfferState.EXPIRED),
    (OfferState.OFFERED, OfferState.RESCINDED),
    (OfferState.ACCEPTED, OfferState.RESCINDED),
}
FINAL: Final = sorted(set(OfferState) - {OfferState.OFFERED})


def settled_offer(state: OfferState, **changes: Any) -> JobOffer:
    return an_offer(**{"state": state, "resolved_at": NOW} | changes)


def a_rival(**changes: Any) -> JobOffer:
    return an_offer(**{"id": RIVAL, "provider_id": RIVAL} | changes)


def take(booking: Booking, *offers: JobOffer, at: Any = LATER) -> Outcome:
    return accept(booking, offers, offer_id=OFFER, by=PROVIDER, at=at)


def turn_down(booking: Booking, *offers: JobOffer, at: Any = LATER, reason: str = "") -> Outcome:
    return reject(booking, offers, offer_id=OFFER, by=PROVIDER, reason=reason, at=at)


@pytest.mark.parametrize(("before", "after"), list(product(OfferState, OfferState)))
def test_an_open_offer_is_resolved_a_won_one_withdrawn_and_none_ever_reopened(
    before: OfferState, after: OfferState
) -> None:
    offer = an_offer(state=before)
    if (before, after) in LEGAL:
        resolved = offer.resolve(after, at=LATER, reason="why")
        assert resolved == an_offer(state=after, resolved_at=LATER, reject_reason="why")
    else:
        with pytest.raises(ValueError, match=f"cannot go from {before} to {after}"):
            offer.resolve(after, at=LATER)


def test_every_state_has_its_line_in_the_table() -> None:
    assert set(STEPS) == set(OfferState)


def test_an_offer_is_open_until_the_instant_of_its_expiry() -> None:
    offer = an_offer(expires_at=EXPIRY)
    assert (offer.is_open(JUST_BEFORE), offer.has_lapsed(JUST_BEFORE)) == (True, False)
    assert (offer.is_open(EXPIRY), offer.has_lapsed(EXPIRY)) == (False, True)


@pytest.mark.parametrize("state", FINAL)
def test_a_settled_offer_is_neither_open_nor_lapsed(state: OfferState) -> None:
    offer = settled_offer(state)
    assert not offer.is_open(NOW)
    assert not offer.has_lapsed(EXPIRY)


class TestAccepting:
    def test_gives_the_booking_away_and_withdraws_the_rivals(self) -> None:
        lapsed = a_rival(id=OTHER, provider_id=OTHER, expires_at=LATER)
        outcome = take(a_booking(), a_rival(), an_offer(), lapsed)

        taken = a_booking(provider_id=PROVIDER, assigned_at=LATER, match_due_at=None, version=2)
        won = an_offer(state=OfferState.ACCEPTED, resolved_at=LATER)
        lost = a_rival(state=OfferState.RESCINDED, resolved_at=LATER)
        late = replace(lapsed, state=OfferState.EXPIRED, resolved_at=LATER)
        assert outcome == Outcome(
            booking=taken,
            offers=(won, lost, late),
            events=(
                about(EventType.OFFER_ACCEPTED, won),
                happened(EventType.BOOKING_ASSIGNED, taken),
                about(EventType.OFFER_RESCINDED, lost),
                about(EventType.OFFER_EXPIRED, late),
            ),
        )

    @pytest.mark.parametrize("state", FINAL)
    def test_leaves_settled_rivals_as_they_are(self, state: OfferState) -> None:
        rival = settled_offer(state, id=RIVAL, provider_id=RIVAL)
        assert [o.id for o in take(a_booking(), an_offer(), rival).offers] == [OFFER]

    def test_is_the_same_before_and_after_payment(self) -> None:
        outcome = take(a_booking(paid_at=NOW), an_offer())
        assert outcome.booking.status is BookingStatus.CONFIRMED

    def test_again_changes_nothing_and_succeeds(self) -> None:
        booking = a_booking(provider_id=PROVIDER, assigned_at=NOW, match_due_at=None)
        won = settled_offer(OfferState.ACCEPTED)
        assert take(booking, won, a_rival(), at=EXPIRY) == Outcome(booking=booking)

    @pytest.mark.parametrize(
        ("offer", "why"),
        [
            (settled_offer(OfferState.REJECTED), Gone.REJECTED),
            (settled_offer(OfferState.EXPIRED), Gone.EXPIRED),
            (settled_offer(OfferState.RESCINDED), Gone.RESCINDED),
            (settled_offer(OfferState.ACCEPTED), Gone.RESCINDED),
        ],
    )
    def test_what_is_settled_is_refused_with_why(self, offer: JobOffer, why: Gone) -> None:
        with pytest.raises(OfferGone) as refused:
            take(a_booking(), offer)
        assert refused.value.why is why

    def test_what_waits_for_the_terms_again_is_refused(self) -> None:
        with pytest.raises(OfferGone) as refused:
            take(a_booking(needs_terms=True), an_offer())
        assert refused.value.why is Gone.RESCINDED

    def test_again_what_was_taken_back_since_is_refused(self) -> None:
        (back,) = take_back([settled_offer(OfferState.ACCEPTED)], at=NOW)
        for booking, why in (
            (a_booking(), Gone.RESCINDED),
            (a_booking(provider_id=RIVAL, assigned_at=NOW), Gone.TAKEN),
        ):
            with pytest.raises(OfferGone) as refused:
                take(booking, back)
            assert refused.value.why is why

    def test_at_the_instant_of_expiry_is_refused_and_just_before_is_not(self) -> None:
        assert take(a_booking(), an_offer(), at=JUST_BEFORE).booking.provider_id == PROVIDER
        with pytest.raises(OfferGone, match="This offer has expired") as refused:
            take(a_booking(), an_offer(), at=EXPIRY)
        assert refused.value.why is Gone.EXPIRED

    @pytest.mark.parametrize("state", [OfferState.OFFERED, OfferState.RESCINDED])
    def test_what_another_has_won_is_refused(self, state: OfferState) -> None:
        booking = a_booking(provider_id=RIVAL, assigned_at=NOW)
        with pytest.raises(OfferGone) as refused:
            take(booking, an_offer(state=state))
        assert refused.value.why is Gone.TAKEN

    @pytest.mark.parametrize("fact", ["cancelled_at", "declined_at", "no_show_at"])
    def test_what_is_called_off_is_refused(self, fact: str) -> None:
        with pytest.raises(OfferGone) as refused:
            take(a_booking(**{fact: NOW}), an_offer())
        assert refused.value.why is Gone.BOOKING_CLOSED

    @pytest.mark.parametrize(("offer_id", "by"), [(OFFER, RIVAL), (OTHER, PROVIDER)])
    def test_what_was_offered_to_another_or_to_nobody_is_not_there(
        self, offer_id: UUID, by: UUID
    ) -> None:
        with pytest.raises(NotFound):
            accept(a_booking(), [an_offer()], offer_id=offer_id, by=by, at=LATER)


class TestRejecting:
    def test_while_another_thinks_about_it_leaves_the_booking_alone(self) -> None:
        outcome = turn_down(a_booking(), an_offer(), a_rival(), reason="Too far.")
        rejected = an_offer(state=OfferState.REJECTED, resolved_at=LATER, reject_reason="Too far.")
        assert outcome == Outcome(
            booking=a_booking(),
            offers=(rejected,),
            events=(about(EventType.OFFER_REJECTED, rejected),),
        )

    @pytest.mark.parametrize(
        "others",
        [
            [],
            [a_rival(expires_at=LATER)],
            [settled_offer(OfferState.RESCINDED, id=RIVAL, provider_id=RIVAL)],
        ],
    )
    def test_as_the_last_one_makes_the_next_wave_due_at_once(self, others: list[JobOffer]) -> None:
        outcome = turn_down(a_booking(match_due_at=EXPIRY), an_offer(), *others)
        assert outcome.booking == a_booking(match_due_at=LATER)

    def test_again_changes_nothing_and_succeeds(self) -> None:
        outcome = turn_down(a_booking(), settled_offer(OfferState.REJECTED), reason="x" * 501)
        assert outcome == Outcome(booking=a_booking())

    @pytest.mark.parametrize(
        ("booking", "offer", "at", "why"),
        [
            (a_booking(), settled_offer(OfferState.EXPIRED), LATER, Gone.EXPIRED),
            (a_booking(), settled_offer(OfferState.RESCINDED), LATER, Gone.RESCINDED),
            (a_booking(), an_offer(), EXPIRY, Gone.EXPIRED),
            (a_booking(provider_id=RIVAL, assigned_at=NOW), an_offer(), LATER, Gone.TAKEN),
            (
                a_booking(provider_id=PROVIDER, assigned_at=NOW),
                settled_offer(OfferState.ACCEPTED),
                LATER,
                Gone.TAKEN,
            ),
            (a_booking(cancelled_at=NOW), an_offer(), LATER, Gone.BOOKING_CLOSED),
        ],
    )
    def test_what_is_gone_is_refused_with_why(
        self, booking: Booking, offer: JobOffer, at: Any, why: Gone
    ) -> None:
        with pytest.raises(OfferGone) as refused:
            turn_down(booking, offer, at=at)
        assert refused.value.why is why

    def test_needs_no_reason_but_takes_no_novel(self) -> None:
        assert turn_down(a_booking(), an_offer(), reason="x" * 500).offers
        with pytest.raises(InvalidInput) as refused:
            turn_down(a_booking(), an_offer(), reason="x" * 501)
        assert [error.path for error in refused.value.errors] == [("reason",)]

    def test_what_was_offered_to_another_is_not_there(self) -> None:
        with pytest.raises(NotFound):
            turn_down(a_booking(), a_rival())


@pytest.mark.parametrize("state", OfferState)
def test_only_open_offers_whose_time_has_passed_lapse(state: OfferState) -> None:
    ripe, fresh = an_offer(state=state, expires_at=LATER), a_rival(state=state)
    expired = replace(ripe, state=OfferState.EXPIRED, resolved_at=LATER)
    expected = (expired,) if state is OfferState.OFFERED else ()
    assert lapse([ripe, fresh], at=LATER) == expected


@pytest.mark.parametrize("state", OfferState)
def test_open_offers_are_withdrawn_and_ripe_ones_expire_instead(state: OfferState) -> None:
    ripe, fresh = an_offer(state=state, expires_at=LATER), a_rival(state=state)
    resolved = [offer.state for offer in rescind([ripe, fresh], at=LATER)]
    withdrawn = [OfferState.EXPIRED, OfferState.RESCINDED]
    assert resolved == (withdrawn if state is OfferState.OFFERED else [])


@pytest.mark.parametrize("state", OfferState)
def test_only_what_was_won_is_taken_back(state: OfferState) -> None:
    offer = an_offer(state=state)
    back = an_offer(state=OfferState.RESCINDED, resolved_at=LATER)
    expected = (back,) if state is OfferState.ACCEPTED else ()
    assert take_back([offer], at=LATER) == expected


def test_an_event_about_an_offer_names_the_offer_its_booking_and_its_provider() -> None:
    expired = settled_offer(OfferState.EXPIRED)
    (event,) = settled([expired])
    assert event.type is EventType.OFFER_EXPIRED
    assert event.subject == {"offer": OFFER, "booking": BOOKING, "provider": PROVIDER}


def test_what_its_provider_can_take_no_more_makes_room_in_each_search_once() -> None:
    gone = settled_offer(OfferState.RESCINDED)
    again = settled_offer(OfferState.RESCINDED, id=RIVAL)
    expired = settled_offer(OfferState.EXPIRED, id=OTHER, booking_id=OTHER)

    assert made_room(iter([gone, again, expired])) == (
        *settled([gone, again, expired]),
        Event(type=EventType.SEARCH_PLACE_FREED, subject={"booking": BOOKING}),
    )
    assert made_room([]) == ()


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Gone.TAKEN, "Another provider has taken this booking."),
        (Gone.EXPIRED, "This offer has expired."),
        (Gone.REJECTED, "You have rejected this offer."),
        (Gone.RESCINDED, "This offer has been withdrawn."),
        (Gone.BOOKING_CLOSED, "This booking is no longer open."),
        (
            Gone.UNAVAILABLE,
            "By your own profile, hours, time off or daily cap you cannot take this.",
        ),
    ],
)
def test_each_way_of_being_gone_is_said_in_a_sentence(why: Gone, said: str) -> None:
    assert str(OfferGone(why)) == said


def test_there_is_no_other_way_of_being_gone() -> None:
    assert len(Gone) == 6
