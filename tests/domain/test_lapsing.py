"""Is a booking called off when nobody pays for it, and brought back by a late payment?"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.booking_steps import Act, BookingStatus, WrongStatus
from domain.bookings import Booking
from domain.events import EventType
from domain.lapsing import lapse, may_be_restored, restore
from tests.factories import BOOKING, CUSTOMER, NOW, PROVIDER, a_booking

PATIENCE = timedelta(minutes=15)
START = NOW + timedelta(days=1)
END = START + timedelta(hours=2)
SECOND = timedelta(seconds=1)
WHO = {"booking": BOOKING, "customer": CUSTOMER, "provider": PROVIDER}


def unpaid(**changes: Any) -> Booking:
    facts = {"provider_id": PROVIDER, "assigned_at": NOW, "match_due_at": None}
    return a_booking(**facts | changes)


def lapsed(**changes: Any) -> Booking:
    at = START + PATIENCE
    facts = {"cancelled_at": at, "lapsed_at": at, "cancel_reason": "It was not paid in time."}
    return unpaid(**facts | {"fee_minor": 0, "version": 2} | changes)


class TestWithoutPayment:
    def test_a_booking_is_called_off_for_nothing_a_while_after_its_start(self) -> None:
        outcome = lapse(unpaid(), patience=PATIENCE, at=START + PATIENCE)
        assert outcome.booking == lapsed()
        assert outcome.booking.status is BookingStatus.CANCELLED
        assert [(e.type, e.subject) for e in outcome.events] == [(EventType.BOOKING_CANCELLED, WHO)]

    def test_the_patience_for_one_found_late_begins_when_they_are_found(self) -> None:
        found = START + timedelta(minutes=40)
        late = unpaid(assigned_at=found)
        with pytest.raises(WrongStatus):
            lapse(late, patience=PATIENCE, at=found + PATIENCE - SECOND)
        assert lapse(late, patience=PATIENCE, at=found + PATIENCE).booking.lapsed_at

    @pytest.mark.parametrize(
        ("booking", "at"),
        [
            (unpaid(), START + PATIENCE - SECOND),
            (unpaid(paid_at=NOW), END),
            (unpaid(paid_at=NOW, started_at=START), END),
            (unpaid(needs_approval=True), END),
            (unpaid(cancelled_at=NOW), END),
            (a_booking(), END),
        ],
        ids=["too early", "paid", "begun", "awaiting approval", "called off", "nobody's"],
    )
    def test_nothing_else_is_called_off(self, booking: Booking, at: datetime) -> None:
        with pytest.raises(WrongStatus) as refused:
            lapse(booking, patience=PATIENCE, at=at)
        assert (refused.value.act, refused.value.status) == (Act.CANCEL, booking.status)


class TestALatePayment:
    def test_brings_the_booking_back_as_it_was_but_paid(self) -> None:
        at = END - SECOND
        assert may_be_restored(lapsed(), at=at)
        outcome = restore(lapsed(), at=at)
        assert outcome.booking == unpaid(paid_at=at, version=3)
        assert outcome.booking.status is BookingStatus.CONFIRMED
        assert [(e.type, e.subject) for e in outcome.events] == [
            (EventType.BOOKING_RESTORED, WHO),
            (EventType.BOOKING_PAID, WHO),
        ]

    @pytest.mark.parametrize(
        ("booking", "at"),
        [
            (lapsed(), END),
            (lapsed(lapsed_at=None), START),
            (lapsed(provider_id=None), START),
            (unpaid(), START),
            (unpaid(needs_approval=True, declined_at=NOW, lapsed_at=NOW), START),
        ],
        ids=["window over", "called off by somebody", "nobody's", "not called off", "declined"],
    )
    def test_brings_back_nothing_else(self, booking: Booking, at: datetime) -> None:
        assert not may_be_restored(booking, at=at)
        with pytest.raises(WrongStatus) as refused:
            restore(booking, at=at)
        assert (refused.value.act, refused.value.status) == (Act.RESTORE, booking.status)


def test_whose_it_was_is_whose_it_is_again() -> None:
    other = UUID(int=77)
    assert restore(lapsed(provider_id=other), at=START).booking.provider_id == other
