"""Is a refusal turned into what stands in an occurrence's way, and told from a wrong request?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.booking_rules import BookingRule, BrokenRule, RulesBroken
from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import SlotTaken
from domain.cancellations import CancellationQuote, FeeChanged
from domain.local_times import NonexistentLocalTime
from domain.money import Money
from domain.occurrences import (
    Conflict,
    OccurrenceConflictCode,
    OccurrenceOutcome,
    ReportLine,
    SeriesConflicts,
    clash,
    conflict,
)
from domain.providers import ProviderNotEligible
from domain.refusals import FieldError, InvalidInput, NotFound, Refusal
from domain.requests import ServiceInactive
from domain.slots import NobodyFree, Slot, Waiting, WaysOn
from tests.factories import NOW, SERVICE, a_booking

START = datetime.fromisoformat("2026-06-08 09:00")
TAKEN = BrokenRule(rule=BookingRule.SLOT_TAKEN, message="Taken.")
FAR = BrokenRule(rule=BookingRule.TOO_FAR_AHEAD, message="Far.")
GBP = Money(amount_minor=100, currency="GBP")
QUOTE = CancellationQuote(percent=50, fee=GBP, refund=GBP, changes_at=None)


def nobody() -> NobodyFree:
    later = Slot(
        starts_at=NOW,
        ends_at=NOW + timedelta(hours=2),
        zone=ZoneInfo("Europe/London"),
        provider_count=1,
    )
    waiting = Waiting(service_id=SERVICE, earliest=NOW, latest=NOW)
    return NobodyFree(WaysOn(later_slots=(later,), provider_ids=(), waitlist=waiting))


@pytest.mark.parametrize(
    ("refusal", "code", "alternatives"),
    [
        (SlotTaken((NOW,)), OccurrenceConflictCode.SLOT_TAKEN, (NOW,)),
        (RulesBroken((TAKEN,), (NOW,)), OccurrenceConflictCode.RULES_BROKEN, (NOW,)),
        (
            NonexistentLocalTime(START, ZoneInfo("UTC"), NOW),
            OccurrenceConflictCode.RULES_BROKEN,
            (NOW,),
        ),
        (ProviderNotEligible(()), OccurrenceConflictCode.PROVIDER_NOT_ELIGIBLE, ()),
        (nobody(), OccurrenceConflictCode.NOBODY_FREE, (NOW,)),
        (ServiceInactive(), OccurrenceConflictCode.SERVICE_INACTIVE, ()),
        (
            WrongStatus(Act.CANCEL, BookingStatus.COMPLETED),
            OccurrenceConflictCode.WRONG_STATUS,
            (),
        ),
        (NotFound("Provider"), OccurrenceConflictCode.NOT_FOUND, ()),
    ],
)
def test_a_refusal_of_one_time_is_a_conflict_with_its_facts(
    refusal: Refusal, code: OccurrenceConflictCode, alternatives: tuple[datetime, ...]
) -> None:
    assert conflict(refusal) == Conflict(
        code=code,
        message=str(refusal),
        broken=refusal.broken if isinstance(refusal, RulesBroken) else (),
        alternatives=alternatives,
    )


def test_a_fee_is_told_in_words_of_its_own() -> None:
    found = conflict(FeeChanged(QUOTE))

    assert found.code is OccurrenceConflictCode.FEE_DUE
    assert found.message == (
        "This visit costs a fee to call off; call it off by itself, with its quote."
    )


def test_a_refusal_of_the_whole_request_is_raised_as_it_is() -> None:
    wrong = InvalidInput(FieldError(path=("address", "city"), message="Write it."))

    with pytest.raises(InvalidInput) as refused:
        conflict(wrong)

    assert refused.value is wrong


def test_a_line_carries_the_booking_as_it_stands() -> None:
    booking, at = a_booking(), datetime(2026, 6, 8, 8, tzinfo=UTC)

    assert clash(START, at, SlotTaken(), booking=booking) == ReportLine(
        original_start=START,
        outcome=OccurrenceOutcome.CONFLICT,
        starts_at=at,
        booking=booking,
        conflict=conflict(SlotTaken()),
    )


def test_only_what_is_too_far_ahead_is_too_early() -> None:
    done = ReportLine(original_start=START, outcome=OccurrenceOutcome.BOOKED, starts_at=NOW)

    assert clash(START, NOW, RulesBroken((TAKEN, FAR))).is_too_early
    assert not clash(START, NOW, RulesBroken((TAKEN,))).is_too_early
    assert not done.is_too_early


def test_a_refused_series_says_how_many_occurrences_clash() -> None:
    done = ReportLine(original_start=START, outcome=OccurrenceOutcome.BOOKED, starts_at=NOW)
    report = (done, clash(START, NOW, SlotTaken()), done)

    refused = SeriesConflicts(report)

    assert refused.report == report
    assert str(refused) == (
        "1 of 3 occurrences cannot be as asked, so nothing was done. "
        "Choose other times, or allow the rest to be done without them."
    )
