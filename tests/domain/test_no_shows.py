"""Who did not turn up, who may say so and from when on, and what does it cost?"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.booking_rules import BookingRules
from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking, Party, happened
from domain.events import EventType
from domain.money import Money
from domain.no_shows import PATIENCE, Evidence, report
from domain.offers import Outcome
from domain.people import Role, Viewer
from domain.refusals import InvalidInput, NotFound, TooEarly
from tests.factories import NOW, PROVIDER, a_booking, a_viewer

STRANGER = UUID(int=99)
START: Final = a_booking().starts_at
PHOTOS: Final = ("https://photos.example/door",)
EVIDENCE: Final = Evidence(note="Nobody opened.", photo_urls=PHOTOS)
CUSTOMER_HERSELF: Final = a_viewer()
PROVIDER_HIMSELF: Final = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
DISPATCHER: Final = a_viewer(user_id=STRANGER, role=Role.DISPATCHER)
#: From when on each of the two counts as absent.
ABSENT_FROM: Final = {
    Party.CUSTOMER: START + timedelta(minutes=15),
    Party.PROVIDER: START + timedelta(minutes=30),
}
WITNESS: Final = {Party.CUSTOMER: PROVIDER_HIMSELF, Party.PROVIDER: CUSTOMER_HERSELF}


def confirmed(**changes: Any) -> Booking:
    facts = {"paid_at": NOW, "match_due_at": None, "provider_id": PROVIDER, "assigned_at": NOW}
    return a_booking(**facts | changes)


def told(
    absent: Party,
    *,
    booking: Booking | None = None,
    by: Viewer | None = None,
    evidence: Evidence = EVIDENCE,
    at: Any = None,
) -> Outcome:
    return report(
        booking or confirmed(),
        absent=absent,
        evidence=evidence,
        by=by or WITNESS[absent],
        at=at or ABSENT_FROM[absent],
    )


@pytest.mark.parametrize(("absent", "fee"), [(Party.CUSTOMER, 4050), (Party.PROVIDER, 0)])
@pytest.mark.parametrize("by", ["witness", "staff"])
def test_the_booking_ends_at_the_expense_of_who_did_not_come(
    absent: Party, fee: int, by: str
) -> None:
    outcome = told(absent, by=DISPATCHER if by == "staff" else None)
    ended = confirmed(
        no_show_at=ABSENT_FROM[absent],
        absent=absent,
        evidence="Nobody opened.",
        photo_urls=PHOTOS,
        fee_minor=fee,
        version=2,
    )
    assert outcome == Outcome(booking=ended, events=(happened(EventType.BOOKING_NO_SHOW, ended),))
    assert ended.status is BookingStatus.NO_SHOW
    assert not ended.takes_time


@pytest.mark.parametrize(
    ("price", "percent", "fee"), [(4050, 70, 2835), (4051, 50, 2026), (4050, 0, 0), (0, 100, 0)]
)
def test_an_absent_customer_pays_what_calling_off_last_costs(
    price: int, percent: int, fee: int
) -> None:
    rules = BookingRules(cancel_part_percent=0, cancel_whole_percent=percent)
    booking = confirmed(rules=rules, price=Money(amount_minor=price, currency="GBP"))
    assert told(Party.CUSTOMER, booking=booking).booking.fee_minor == fee
    assert told(Party.PROVIDER, booking=booking).booking.fee_minor == 0


def test_a_booking_that_is_not_paid_yet_can_be_missed_too() -> None:
    ended = told(Party.CUSTOMER, booking=confirmed(paid_at=None)).booking
    assert (ended.status, ended.fee_minor) == (BookingStatus.NO_SHOW, 4050)


@pytest.mark.parametrize("absent", Party)
def test_each_is_waited_for_to_the_instant(absent: Party) -> None:
    possible_from = ABSENT_FROM[absent]
    assert possible_from == START + PATIENCE[absent]
    for by in (WITNESS[absent], DISPATCHER):
        with pytest.raises(TooEarly, match="too early to call this a no-show") as refused:
            told(absent, by=by, at=possible_from - timedelta.resolution)
        assert refused.value.possible_from == possible_from


@pytest.mark.parametrize(
    ("absent", "by"),
    [
        # Nobody says it of themselves.
        (Party.CUSTOMER, CUSTOMER_HERSELF),
        (Party.PROVIDER, PROVIDER_HIMSELF),
        (Party.CUSTOMER, a_viewer(user_id=STRANGER, role=Role.PROVIDER)),
        (Party.PROVIDER, a_viewer(user_id=STRANGER)),
        (Party.CUSTOMER, a_viewer(user_id=STRANGER, role=Role.ANALYST)),
        (Party.PROVIDER, a_viewer(user_id=STRANGER, role=Role.SERVICE)),
    ],
)
@pytest.mark.parametrize(
    ("facts", "note"), [({}, "Nobody came."), ({"cancelled_at": NOW}, "Nobody came."), ({}, "")]
)
def test_for_anybody_else_there_is_no_such_booking_whatever_else_is_wrong(
    absent: Party, by: Viewer, facts: dict[str, Any], note: str
) -> None:
    with pytest.raises(NotFound):
        told(absent, booking=confirmed(**facts), by=by, evidence=Evidence(note=note), at=START)


@pytest.mark.parametrize("by", [CUSTOMER_HERSELF, DISPATCHER])
def test_nobody_fails_to_come_to_work_that_nobody_has(by: Viewer) -> None:
    for booking in (a_booking(), a_booking(paid_at=NOW)):
        with pytest.raises(WrongStatus) as refused:
            told(Party.PROVIDER, booking=booking, by=by)
        assert refused.value.act is Act.REPORT_NO_SHOW
        assert refused.value.status is booking.status


@pytest.mark.parametrize(
    "facts",
    [
        {"started_at": NOW, "completed_at": NOW},
        {"cancelled_at": NOW},
        {"needs_approval": True},
        {"no_show_at": NOW, "absent": Party.CUSTOMER},
    ],
)
@pytest.mark.parametrize("absent", Party)
def test_what_is_over_or_not_approved_is_refused_before_the_hour_is_asked(
    facts: dict[str, Any], absent: Party
) -> None:
    booking = confirmed(**facts)
    with pytest.raises(WrongStatus, match="Reporting a no-show is not possible") as refused:
        told(absent, booking=booking, at=NOW)
    assert refused.value.status is booking.status


def test_evidence_that_cannot_be_kept_is_named_in_full_before_all_but_the_right_to_report() -> None:
    useless = Evidence(note="", photo_urls=("http://photos.example/door",))
    with pytest.raises(InvalidInput) as refused:
        told(Party.CUSTOMER, booking=confirmed(cancelled_at=NOW), evidence=useless, at=NOW)
    assert [(error.path, error.message) for error in refused.value.errors] == [
        (("note",), "Write 1 to 2000 characters."),
        (("photoUrls",), "Give at most 20 https addresses of up to 500 characters."),
    ]


@pytest.mark.parametrize(
    ("note", "photos", "wrong"),
    [
        ("x", (), []),
        ("x" * 2000, PHOTOS * 20, []),
        ("x" * 2001, PHOTOS * 21, ["note", "photoUrls"]),
        ("nu\x00ll", (), ["note"]),
    ],
)
def test_evidence_is_a_note_and_perhaps_some_photographs(
    note: str, photos: tuple[str, ...], wrong: list[str]
) -> None:
    errors = Evidence(note=note, photo_urls=photos).wrong_fields()
    assert [error.path for error in errors] == [(name,) for name in wrong]


def test_what_was_begun_by_the_clock_can_still_be_a_no_show() -> None:
    begun = confirmed(started_at=confirmed().starts_at)
    assert told(Party.CUSTOMER, booking=begun).booking.status is BookingStatus.NO_SHOW
