"""What does each act add to a booking, whom does it tell, and who may not do it?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking, TermsNotAccepted, happened
from domain.events import EventType
from domain.lifecycle import (
    FORGOTTEN,
    Details,
    accept_terms,
    approve,
    close,
    complete,
    decline,
    edit,
    open_,
    pass_by,
    pay,
    start,
)
from domain.offers import Outcome, Wave
from domain.refusals import InvalidInput, NotFound
from domain.work import ChecklistItem, Handover
from tests.factories import NOW, PROVIDER, a_booking

LATER: Final = NOW + timedelta(minutes=1)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}


def awaiting(**changes: Any) -> Booking:
    return a_booking(**{"needs_approval": True, "match_due_at": None} | changes)


def confirmed(**changes: Any) -> Booking:
    return a_booking(**{"paid_at": NOW, "match_due_at": None, **STAFFED} | changes)


def started(**changes: Any) -> Booking:
    return confirmed(**{"started_at": NOW} | changes)


def assert_told(outcome: Outcome, *types: EventType) -> None:
    assert outcome.events == tuple(happened(type_, outcome.booking) for type_ in types)


def test_an_approved_booking_is_offered_at_once() -> None:
    outcome = approve(awaiting(), at=LATER)
    assert outcome.booking == a_booking(
        needs_approval=True, approved_at=LATER, match_since=LATER, match_due_at=LATER, version=2
    )
    assert_told(outcome, EventType.BOOKING_APPROVED)


def test_an_approved_booking_that_has_its_provider_is_not_offered() -> None:
    approved = approve(awaiting(**STAFFED), at=LATER).booking
    assert approved == awaiting(approved_at=LATER, version=2, **STAFFED)
    assert approved.status is BookingStatus.PENDING


def test_an_approved_booking_whose_terms_are_not_accepted_is_not_offered_yet() -> None:
    approved = approve(awaiting(needs_terms=True), at=LATER).booking
    assert approved == awaiting(needs_terms=True, approved_at=LATER, version=2)
    assert approved.status is BookingStatus.PENDING


def test_a_booking_is_declined_with_a_reason() -> None:
    outcome = decline(awaiting(), reason="We are full.", at=LATER)
    assert outcome.booking == awaiting(declined_at=LATER, cancel_reason="We are full.", version=2)
    assert_told(outcome, EventType.BOOKING_DECLINED)


@pytest.mark.parametrize("reason", ["", "x" * 501, "nu\x00ll"])
def test_a_booking_is_not_declined_without_a_reason_that_can_be_read(reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decline(awaiting(), reason=reason, at=LATER)
    assert [error.path for error in refused.value.errors] == [("reason",)]


def test_a_payment_is_noted() -> None:
    outcome = pay(a_booking(), at=LATER)
    assert outcome.booking == a_booking(paid_at=LATER, version=2)
    assert_told(outcome, EventType.BOOKING_PAID)


@pytest.mark.parametrize("paid", [awaiting(paid_at=NOW), a_booking(paid_at=NOW), confirmed()])
def test_nobody_pays_twice(paid: Booking) -> None:
    with pytest.raises(WrongStatus) as refused:
        pay(paid, at=LATER)
    assert refused.value.status is paid.status


def test_the_provider_starts() -> None:
    outcome = start(confirmed(), by=PROVIDER, at=LATER)
    assert outcome.booking == confirmed(started_at=LATER, version=2)
    assert_told(outcome, EventType.BOOKING_STARTED)


@pytest.mark.parametrize(
    ("booking", "refusal"),
    [
        (confirmed(needs_terms=True), TermsNotAccepted),
        (a_booking(**STAFFED), WrongStatus),
        # Where it stands comes first: terms are no remedy for what is over.
        (confirmed(needs_terms=True, cancelled_at=NOW), WrongStatus),
    ],
)
def test_work_begins_neither_unpaid_nor_without_the_terms_it_needs(
    booking: Booking, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        start(booking, by=PROVIDER, at=LATER)


def test_work_begins_when_the_terms_it_needs_are_accepted() -> None:
    agreed = confirmed(needs_terms=True, terms_accepted_at=NOW)
    assert start(agreed, by=PROVIDER, at=LATER).booking.started_at == LATER


def test_the_provider_completes() -> None:
    photos = ("https://photos.example/1", "https://photos.example/2?a=b")
    checklist = (ChecklistItem(label="Oven"), ChecklistItem(label="Windows", done=False))
    signed = {"signed_by": "Mrs Doe", "signature_url": "https://photos.example/signature"}
    handover = Handover(notes="All clean.", photo_urls=photos, checklist=checklist, **signed)
    outcome = complete(started(), by=PROVIDER, handover=handover, at=LATER)
    assert outcome.booking == started(
        completed_at=LATER,
        completion_notes="All clean.",
        photo_urls=photos,
        checklist=checklist,
        version=2,
        **signed,
    )
    assert_told(outcome, EventType.BOOKING_COMPLETED)


@pytest.mark.parametrize("booking", [confirmed(provider_id=UUID(int=9)), a_booking()])
def test_nobody_but_the_provider_starts_or_completes(booking: Booking) -> None:
    with pytest.raises(NotFound):
        start(booking, by=PROVIDER, at=LATER)
    with pytest.raises(NotFound):
        complete(booking, by=PROVIDER, handover=Handover(), at=LATER)


def test_what_cannot_be_kept_completes_nothing_and_is_told_all_at_once() -> None:
    handover = Handover(notes="x" * 2001, photo_urls=("http://x",), signed_by="")
    with pytest.raises(InvalidInput) as refused:
        complete(started(), by=PROVIDER, handover=handover, at=LATER)
    paths = [error.path for error in refused.value.errors]
    assert paths == [("notes",), ("photoUrls",), ("signedBy",), ("signatureUrl",)]


class TestAcceptingTerms:
    @pytest.mark.parametrize("paid", [{}, {"paid_at": NOW}])
    def test_lets_the_booking_be_offered_at_once(self, paid: dict[str, Any]) -> None:
        outcome = accept_terms(a_booking(needs_terms=True, match_due_at=None, **paid), at=LATER)
        assert outcome.booking == a_booking(
            needs_terms=True,
            terms_accepted_at=LATER,
            match_since=LATER,
            match_due_at=LATER,
            version=2,
            **paid,
        )
        assert_told(outcome, EventType.BOOKING_TERMS_ACCEPTED)

    def test_of_a_booking_that_has_its_provider_searches_for_nobody(self) -> None:
        accepted = accept_terms(confirmed(needs_terms=True), at=LATER).booking
        assert accepted == confirmed(needs_terms=True, terms_accepted_at=LATER, version=2)

    def test_of_one_that_awaits_approval_leaves_it_waiting(self) -> None:
        accepted = accept_terms(awaiting(needs_terms=True), at=LATER).booking
        assert accepted == awaiting(needs_terms=True, terms_accepted_at=LATER, version=2)
        approved = approve(accepted, at=LATER).booking
        assert (approved.match_since, approved.match_due_at) == (LATER, LATER)

    @pytest.mark.parametrize(
        "booking",
        [
            a_booking(needs_terms=True, terms_accepted_at=NOW, wave=Wave.TARGETED, round=1),
            a_booking(),
            a_booking(needs_terms=True, terms_accepted_at=NOW, cancelled_at=NOW),
        ],
    )
    def test_again_or_where_there_are_none_changes_nothing(self, booking: Booking) -> None:
        assert accept_terms(booking, at=LATER) == Outcome(booking=booking)

    @pytest.mark.parametrize("over", ["cancelled_at", "declined_at", "no_show_at", "started_at"])
    def test_of_what_is_over_or_under_way_is_refused(self, over: str) -> None:
        with pytest.raises(WrongStatus, match="Accepting terms is not possible") as refused:
            accept_terms(confirmed(needs_terms=True, **{over: NOW}), at=LATER)
        assert refused.value.act is Act.ACCEPT_TERMS


class TestEditing:
    SAID: Final = {"access_instructions": "Ring twice.", "concern": "The oven smokes."}

    def test_changes_what_is_said_and_leaves_the_rest(self) -> None:
        outcome = edit(confirmed(special_requirements="A dog."), Details(**self.SAID))
        assert outcome.booking == confirmed(
            special_requirements="A dog.", version=2, keywords=("oven",), **self.SAID
        )
        assert_told(outcome, EventType.BOOKING_EDITED)

    def test_of_the_concern_alone_is_one_change_with_its_keywords(self) -> None:
        booking = a_booking(concern="Carpets", keywords=("carpet",))
        edited = edit(booking, Details(concern="Oven and windows")).booking
        assert edited == a_booking(
            concern="Oven and windows", keywords=("oven", "windows"), version=2
        )

    def test_of_anything_else_leaves_the_keywords_as_they_are(self) -> None:
        booking = a_booking(concern="Carpets", keywords=("carpet", "of another time"))
        edited = edit(booking, Details(access_instructions="Ring twice.")).booking
        assert edited.keywords == ("carpet", "of another time")

    def test_takes_an_empty_text_for_one(self) -> None:
        edited = edit(a_booking(**self.SAID), Details(concern="")).booking
        assert edited == a_booking(access_instructions="Ring twice.", concern="", version=2)

    def test_does_not_disturb_the_search(self) -> None:
        searching = {"wave": Wave.BROADCAST, "round": 3, "match_since": NOW, "match_due_at": LATER}
        edited = edit(a_booking(**searching), Details(concern="A dog.")).booking
        assert edited == a_booking(**searching, concern="A dog.", version=2)

    @pytest.mark.parametrize(
        "details",
        [Details(), Details(concern="The oven smokes."), Details(special_requirements="")],
    )
    @pytest.mark.parametrize("facts", [{}, {"cancelled_at": NOW}])
    def test_with_nothing_new_changes_nothing(
        self, details: Details, facts: dict[str, Any]
    ) -> None:
        booking = a_booking(**self.SAID, **facts)
        assert edit(booking, details) == Outcome(booking=booking)

    def test_names_every_text_that_cannot_be_kept(self) -> None:
        wrong = Details(
            access_instructions="x" * 2001, special_requirements="nu\x00ll", concern="x" * 2001
        )
        with pytest.raises(InvalidInput) as refused:
            edit(a_booking(cancelled_at=NOW), wrong)
        assert [(error.path, error.message) for error in refused.value.errors] == [
            (("accessInstructions",), "Write 0 to 2000 characters."),
            (("specialRequirements",), "Leave out null characters and halves of characters."),
            (("concern",), "Write 0 to 2000 characters."),
        ]

    def test_takes_texts_of_two_thousand_characters(self) -> None:
        longest = "x" * 2000
        assert edit(a_booking(), Details(concern=longest)).booking.concern == longest

    @pytest.mark.parametrize(
        "booking", [started(), started(completed_at=NOW), a_booking(cancelled_at=NOW)]
    )
    def test_of_what_has_begun_or_is_over_is_refused(self, booking: Booking) -> None:
        with pytest.raises(WrongStatus, match="Changing the details is not possible"):
            edit(booking, Details(concern="A dog."))


class TestByTheClock:
    def test_forgotten_work_is_done_twelve_hours_after_its_window(self) -> None:
        begun = started()
        due = begun.ends_at + timedelta(hours=12)
        assert timedelta(hours=12) == FORGOTTEN

        outcome = close(begun, at=due)
        assert outcome.booking == started(completed_at=due, version=2)
        assert_told(outcome, EventType.BOOKING_COMPLETED)

        with pytest.raises(WrongStatus) as refused:
            close(begun, at=due - timedelta.resolution)
        assert refused.value.act is Act.COMPLETE

    @pytest.mark.parametrize(
        "booking",
        [confirmed(), a_booking(), started(completed_at=NOW), a_booking(cancelled_at=NOW)],
    )
    def test_only_work_that_was_begun_is_done_by_itself(self, booking: Booking) -> None:
        with pytest.raises(WrongStatus) as refused:
            close(booking, at=booking.ends_at + timedelta(days=30))
        assert refused.value.status is booking.status

    def test_confirmed_work_begins_at_its_start_and_not_before(self) -> None:
        due = confirmed().starts_at
        outcome = open_(confirmed(), at=due)
        assert outcome.booking == confirmed(started_at=due, version=2)
        assert_told(outcome, EventType.BOOKING_STARTED)

        with pytest.raises(WrongStatus) as refused:
            open_(confirmed(), at=due - timedelta.resolution)
        assert (refused.value.act, refused.value.status) == (Act.START, BookingStatus.CONFIRMED)

    @pytest.mark.parametrize(
        ("booking", "refusal"),
        [
            (a_booking(paid_at=NOW), WrongStatus),
            (a_booking(**STAFFED), WrongStatus),
            (started(), WrongStatus),
            (confirmed(cancelled_at=NOW), WrongStatus),
            (confirmed(needs_terms=True), TermsNotAccepted),
        ],
    )
    def test_nothing_else_begins_by_itself(
        self, booking: Booking, refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            open_(booking, at=booking.starts_at)


class TestPassingBy:
    @pytest.mark.parametrize("facts", [{}, {"paid_at": NOW}, {"needs_terms": True}])
    def test_cancels_what_nobody_was_found_for_when_its_window_is_over(
        self, facts: dict[str, Any]
    ) -> None:
        booking = a_booking(**facts)
        ended = pass_by(booking, at=booking.ends_at).booking
        assert ended.status is BookingStatus.CANCELLED
        assert (ended.cancel_reason, ended.fee_minor) == ("Nobody was found in time.", 0)
        assert ended.match_due_at is None

    def test_declines_what_the_house_has_not_said_yes_to(self) -> None:
        booking = a_booking(needs_approval=True, provider_id=PROVIDER, assigned_at=NOW)
        ended = pass_by(booking, at=booking.ends_at).booking
        assert ended.status is BookingStatus.DECLINED
        assert ended.cancel_reason == "Nobody approved it in time."

    @pytest.mark.parametrize("facts", [{}, {"needs_approval": True}])
    def test_waits_for_the_end_of_the_window(self, facts: dict[str, Any]) -> None:
        booking = a_booking(**facts)
        with pytest.raises(WrongStatus):
            pass_by(booking, at=booking.ends_at - timedelta.resolution)

    @pytest.mark.parametrize("facts", [{"provider_id": PROVIDER}, {"cancelled_at": NOW}])
    def test_leaves_alone_what_somebody_has_or_what_is_over(self, facts: dict[str, Any]) -> None:
        booking = a_booking(**facts)
        with pytest.raises(WrongStatus):
            pass_by(booking, at=booking.ends_at)
