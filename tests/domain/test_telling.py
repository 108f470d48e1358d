"""Is everybody told what concerns them, once, and nobody what does not?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.bookings import BookingKind, Party
from domain.circumstances import Circumstances, To
from domain.events import EventType
from domain.holds import Hold, HoldEnding
from domain.messages import Category, Channel, Message, ReminderKind
from domain.money import Money
from domain.offers import OfferState
from domain.payments import Method, Payment, Purpose
from domain.people import Role
from domain.series import SeriesPlace
from domain.telling import (
    FIXED,
    REMINDERS,
    RULES,
    TABLE,
    UNTOLD,
    USUAL,
    of_event,
    of_reminder,
    unsubscribes_from,
    usual_for,
)
from domain.waitlist import WaitlistEntry
from tests.factories import (
    BOOKING,
    CUSTOMER,
    NOW,
    OFFER,
    PROVIDER,
    SERVICE,
    a_booking,
    an_address,
    an_offer,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STAFF: Final = (UUID(int=70), UUID(int=71))
OTHER: Final = UUID(int=72)
SUBJECT: Final = {"booking": BOOKING, "customer": CUSTOMER, "provider": PROVIDER}
LATER: Final = NOW + HOUR
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
PAID: Final = {"paid_at": NOW - HOUR}
MANUAL: Final = {"needs_approval": True}


def circumstances(**changes: Any) -> Circumstances:
    """A booking that nobody has yet, an hour after it was asked for."""
    facts: dict[str, Any] = {
        "at": NOW + HOUR,
        "subject": SUBJECT,
        "booking": a_booking(),
        "staff": STAFF,
    }
    return Circumstances(**facts | changes)


def told(type_: EventType, **changes: Any) -> list[tuple[Message, UUID]]:
    """Who is told what, where a booking has these facts."""
    return shown(type_, circumstances(booking=a_booking(**changes)))


def shown(type_: EventType, so: Circumstances) -> list[tuple[Message, UUID]]:
    return [(one.rule.message, one.recipient_id) for one in of_event(type_, so)]


CONFIRMED = (Message.BOOKING_CONFIRMED, CUSTOMER)
ASSIGNED = (Message.PROVIDER_ASSIGNED, CUSTOMER)
JOB_CONFIRMED = (Message.BOOKING_CONFIRMED, PROVIDER)
JOB = (Message.JOB_ASSIGNED, PROVIDER)


def test_every_kind_of_event_is_told_of_or_left_untold_on_purpose() -> None:
    assert set(TABLE) | UNTOLD == set(EventType)
    assert not set(TABLE) & UNTOLD


def test_there_is_an_occasion_for_everything_that_we_say() -> None:
    assert {rule.message for rule in RULES} == set(Message)
    assert set(REMINDERS) == set(ReminderKind)


def test_nobody_gets_the_same_message_twice_for_one_event() -> None:
    for rules in (*TABLE.values(), *REMINDERS.values()):
        who = [(rule.message, rule.to) for rule in rules]
        assert len(set(who)) == len(who)


def test_a_message_is_either_needed_or_not_whoever_it_is_for() -> None:
    needed = {rule.message for rule in RULES if rule.transactional}
    assert not needed & {rule.message for rule in RULES if not rule.transactional}


def test_only_suggestions_can_be_unsubscribed_from() -> None:
    links = {message: unsubscribes_from(message) for message in Message}
    suggestions = {
        Message.COMPLETED: Category.SUGGESTIONS,
        Message.WAITLIST_GRANT: Category.SUGGESTIONS,
    }
    assert {message: category for message, category in links.items() if category} == suggestions


def test_what_is_usual_of_a_category_is_what_any_of_its_messages_uses() -> None:
    mail, push, sms = Channel.EMAIL, Channel.PUSH, Channel.SMS
    assert {
        Category.BOOKINGS: {mail, push, sms},
        Category.OFFERS: {push},
        Category.REMINDERS: {mail, push, sms},
        Category.MONEY: {mail, push},
        Category.SUGGESTIONS: {mail, push},
        Category.OPERATIONS: {mail},
    } == USUAL


def test_nobody_can_do_without_the_mails_that_are_all_needed() -> None:
    assert {
        Category.BOOKINGS,
        Category.REMINDERS,
        Category.MONEY,
        Category.OPERATIONS,
    } == FIXED


def test_staff_get_operations_and_nobody_else_does() -> None:
    for rule in RULES:
        assert (rule.to is To.STAFF) == (rule.category is Category.OPERATIONS)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, [(Message.BOOKING_REQUESTED, CUSTOMER)]),
        # Somebody took it before this was told of: that is told beside it.
        ({"provider_id": PROVIDER, "assigned_at": LATER}, [(Message.BOOKING_REQUESTED, CUSTOMER)]),
        # Booked with its provider in one act.
        (STAFFED, []),
        (STAFFED | MANUAL, [(Message.BOOKING_REQUESTED, CUSTOMER)]),
        # Its customer has the report of the series.
        ({"series": SeriesPlace(series_id=OTHER, original_start=NOW.replace(tzinfo=None))}, []),
        ({"cancelled_at": LATER}, []),
        ({"declined_at": LATER}, []),
        ({"no_show_at": LATER}, []),
        # Told of a day too late.
        ({"starts_at": NOW - 2 * HOUR}, []),
    ],
)
def test_a_request_is_told_of_unless_something_says_more(
    facts: dict[str, Any], expected: list[tuple[Message, UUID]]
) -> None:
    assert told(EventType.BOOKING_REQUESTED, **facts) == expected


@pytest.mark.parametrize(
    ("facts", "assigned", "paid", "approved"),
    [
        # Assigned, and not paid.
        (STAFFED, [ASSIGNED, JOB], [], None),
        # Paid first: being assigned confirms it.
        (STAFFED | PAID, [CONFIRMED, JOB], [], None),
        # Nothing to pay, and booked with its provider.
        (STAFFED | {"paid_at": NOW}, [CONFIRMED, JOB], [], None),
        # Assigned first: being paid confirms it, whichever is told of first.
        (STAFFED | {"paid_at": LATER}, [ASSIGNED, JOB], [CONFIRMED, JOB_CONFIRMED], None),
        # Paid, and nobody has it: there is only the receipt.
        (PAID, [], [], None),
        # The house has not said yes: no provider is told, and nothing is confirmed.
        (STAFFED | MANUAL, [], [], []),
        (STAFFED | MANUAL | PAID, [], [], []),
        # The house's yes comes last.
        (STAFFED | MANUAL | {"approved_at": LATER}, [], [], [ASSIGNED, JOB]),
        (STAFFED | MANUAL | PAID | {"approved_at": LATER}, [], [], [CONFIRMED, JOB]),
        # The house's yes, then the payment.
        (
            STAFFED | MANUAL | {"approved_at": LATER, "paid_at": LATER + HOUR},
            [],
            [CONFIRMED, JOB_CONFIRMED],
            [ASSIGNED, JOB],
        ),
        # The house's yes before there was a provider.
        (
            STAFFED | MANUAL | {"approved_at": NOW - HOUR},
            [ASSIGNED, JOB],
            [],
            [(Message.BOOKING_APPROVED, CUSTOMER)],
        ),
        (
            MANUAL | {"approved_at": NOW - HOUR},
            [],
            [],
            [(Message.BOOKING_APPROVED, CUSTOMER)],
        ),
    ],
)
def test_whatever_comes_last_says_that_a_booking_is_confirmed_and_nothing_else_does(
    facts: dict[str, Any],
    assigned: list[tuple[Message, UUID]],
    paid: list[tuple[Message, UUID]],
    approved: list[tuple[Message, UUID]] | None,
) -> None:
    assert told(EventType.BOOKING_ASSIGNED, **facts) == assigned
    assert told(EventType.BOOKING_PAID, **facts) == paid
    if approved is not None:
        assert told(EventType.BOOKING_APPROVED, **facts) == approved


@pytest.mark.parametrize(
    "facts",
    [
        # Somebody else has it by now.
        STAFFED | {"provider_id": OTHER},
        {},
        STAFFED | {"cancelled_at": LATER},
        STAFFED | {"starts_at": NOW - 2 * HOUR},
    ],
)
@pytest.mark.parametrize(
    "type_",
    [EventType.BOOKING_ASSIGNED, EventType.BOOKING_PAID, EventType.BOOKING_RESTORED],
)
def test_an_assignment_that_is_over_by_then_is_told_to_nobody(
    type_: EventType, facts: dict[str, Any]
) -> None:
    assert told(type_, **facts) == []


def test_a_booking_that_a_late_payment_brings_back_is_told_to_both_once() -> None:
    facts = STAFFED | {"paid_at": LATER}

    assert told(EventType.BOOKING_RESTORED, **facts) == [JOB]
    so = circumstances(booking=a_booking(**facts), brought_back=True)
    assert shown(EventType.BOOKING_PAID, so) == [CONFIRMED]


def test_a_move_is_told_to_the_customer_and_the_provider_who_keeps_it() -> None:
    to_customer = (Message.BOOKING_RESCHEDULED, CUSTOMER)
    to_provider = (Message.BOOKING_RESCHEDULED, PROVIDER)

    assert told(EventType.BOOKING_RESCHEDULED, **STAFFED) == [to_customer, to_provider]
    assert told(EventType.BOOKING_RESCHEDULED) == [to_customer]
    assert told(EventType.BOOKING_RESCHEDULED, **STAFFED | MANUAL) == [to_customer]
    assert told(EventType.BOOKING_RESCHEDULED, cancelled_at=LATER) == []


def test_who_has_lost_work_is_told_and_so_is_the_customer_who_has_nobody() -> None:
    left, lost = (Message.PROVIDER_LEFT, CUSTOMER), (Message.JOB_CANCELLED, PROVIDER)

    assert told(EventType.BOOKING_RELEASED) == [left, lost]
    # Given to somebody else in the same act: that is told.
    assert told(EventType.BOOKING_RELEASED, **STAFFED | {"provider_id": OTHER}) == [lost]
    # They have it again by now.
    assert told(EventType.BOOKING_RELEASED, **STAFFED) == []
    # No provider had been told of it.
    assert told(EventType.BOOKING_RELEASED, **MANUAL) == []
    assert told(EventType.BOOKING_RELEASED, cancelled_at=LATER) == [lost]


def test_who_gives_work_back_is_not_told_that_it_is_gone() -> None:
    so = circumstances(gave_back=True)

    assert shown(EventType.BOOKING_RELEASED, so) == [(Message.PROVIDER_LEFT, CUSTOMER)]


def test_a_cancellation_is_told_to_both_unless_it_was_taken_back() -> None:
    off = {"cancelled_at": LATER}
    to_customer = (Message.BOOKING_CANCELLED, CUSTOMER)

    assert told(EventType.BOOKING_CANCELLED, **STAFFED | off) == [
        to_customer,
        (Message.JOB_CANCELLED, PROVIDER),
    ]
    assert told(EventType.BOOKING_CANCELLED, **STAFFED | MANUAL | off) == [to_customer]
    assert told(EventType.BOOKING_CANCELLED, **STAFFED) == []


def test_a_cancellation_of_what_nobody_had_is_told_to_its_customer() -> None:
    subject = {"booking": BOOKING, "customer": CUSTOMER}
    so = circumstances(subject=subject, booking=a_booking(cancelled_at=LATER))

    assert shown(EventType.BOOKING_CANCELLED, so) == [(Message.BOOKING_CANCELLED, CUSTOMER)]


def test_a_decline_is_told_to_its_customer() -> None:
    assert told(EventType.BOOKING_DECLINED, **MANUAL | {"declined_at": LATER}) == [
        (Message.BOOKING_DECLINED, CUSTOMER)
    ]


def test_how_the_search_goes_is_told_as_long_as_it_is_so() -> None:
    lapsed = (Message.PREFERRED_LAPSED, CUSTOMER)
    ended = (Message.SEARCH_ENDED, CUSTOMER)
    unfilled = [(Message.BOOKING_UNFILLED, uid) for uid in STAFF]

    assert told(EventType.BOOKING_PREFERRED_LAPSED) == [lapsed]
    assert told(EventType.BOOKING_PREFERRED_LAPSED, **STAFFED) == []
    assert told(EventType.BOOKING_SEARCH_ENDED, unfilled_at=LATER) == [ended]
    assert told(EventType.BOOKING_SEARCH_ENDED) == []
    assert told(EventType.BOOKING_SEARCH_ENDED, **STAFFED | {"unfilled_at": LATER}) == []
    assert told(EventType.BOOKING_UNFILLED, unfilled_at=LATER) == unfilled
    assert told(EventType.BOOKING_UNFILLED, **STAFFED | {"unfilled_at": LATER}) == []


def test_lateness_is_told_until_the_work_begins() -> None:
    late = STAFFED | PAID | {"late_minutes": 20, "late_reported_at": LATER}

    assert told(EventType.BOOKING_RUNNING_LATE, **late) == [(Message.PROVIDER_LATE, CUSTOMER)]
    assert told(EventType.BOOKING_RUNNING_LATE, **late | {"started_at": LATER}) == []
    assert told(EventType.BOOKING_RUNNING_LATE, **STAFFED | PAID) == []


def test_a_no_show_is_told_to_both() -> None:
    facts = STAFFED | {"no_show_at": LATER, "absent": Party.CUSTOMER}

    assert told(EventType.BOOKING_NO_SHOW, **facts) == [
        (Message.NO_SHOW, CUSTOMER),
        (Message.NO_SHOW, PROVIDER),
    ]


def test_the_customer_is_asked_for_a_review_when_the_work_is_done() -> None:
    facts = STAFFED | PAID | {"started_at": LATER, "completed_at": LATER}

    assert told(EventType.BOOKING_COMPLETED, **facts) == [(Message.COMPLETED, CUSTOMER)]


@pytest.mark.parametrize("type_", [EventType.OFFER_OFFERED, EventType.OFFER_REMINDED])
def test_an_offer_is_told_to_its_provider_while_it_can_be_taken(type_: EventType) -> None:
    subject = {"offer": OFFER, "booking": BOOKING, "provider": PROVIDER}
    so = circumstances(subject=subject, offer=an_offer(), at=NOW)

    assert shown(type_, so) == [(Message.OFFER, PROVIDER)]
    assert shown(type_, replace(so, at=NOW + timedelta(minutes=5))) == []
    gone = an_offer(state=OfferState.RESCINDED, resolved_at=NOW)
    assert shown(type_, replace(so, offer=gone)) == []
    assert shown(type_, replace(so, offer=None)) == []


def test_a_grant_is_told_while_the_slot_is_kept() -> None:
    hold = Hold(
        id=UUID(int=80),
        customer_id=CUSTOMER,
        service_id=SERVICE,
        provider_id=PROVIDER,
        starts_at=NOW + DAY,
        ends_at=NOW + DAY + HOUR,
        address=an_address(),
        created_at=NOW,
        expires_at=NOW + HOUR,
    )
    waiter = WaitlistEntry(
        id=UUID(int=81),
        customer_id=CUSTOMER,
        service_id=SERVICE,
        address=an_address(),
        earliest=NOW,
        latest=NOW + DAY,
        joined_at=NOW,
        grant=hold,
        as_of=NOW,
    )
    subject = {"waitlist_entry": waiter.id, "customer": CUSTOMER}
    so = circumstances(subject=subject, booking=None, waiter=waiter)

    assert shown(EventType.WAITLIST_GRANTED, so) == [(Message.WAITLIST_GRANT, CUSTOMER)]
    booked = replace(hold, ended_at=NOW, ending=HoldEnding.BOOKED)
    taken = replace(so, waiter=replace(waiter, grant=booked))
    assert shown(EventType.WAITLIST_GRANTED, taken) == []
    assert shown(EventType.WAITLIST_GRANTED, replace(so, waiter=None)) == []


def a_payment(**changes: Any) -> Payment:
    facts: dict[str, Any] = {
        "id": UUID(int=90),
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "purpose": Purpose.FULL,
        "method": Method.CARD,
        "gateway": "stripe",
        "amount": Money(amount_minor=4050, currency="GBP"),
        "created_at": NOW,
    }
    return Payment(**facts | changes)


def test_a_failed_payment_is_told_of_while_it_is_to_be_paid() -> None:
    subject = {"payment": UUID(int=90), "booking": BOOKING, "customer": CUSTOMER}
    failed = a_payment(failed_at=NOW, failure="Declined.")
    so = circumstances(subject=subject, payment=failed)
    paid = replace(failed, received=failed.amount, paid_at=LATER)

    assert shown(EventType.PAYMENT_FAILED, so) == [(Message.PAYMENT_FAILED, CUSTOMER)]
    assert shown(EventType.PAYMENT_FAILED, replace(so, payment=paid)) == []
    assert shown(EventType.PAYMENT_FAILED, replace(so, payment=a_payment())) == []
    assert shown(EventType.PAYMENT_FAILED, replace(so, payment=None)) == []


def test_money_is_told_to_whose_it_is_and_what_goes_wrong_to_staff_too() -> None:
    so = circumstances(booking=None)
    staff = [*STAFF]

    assert shown(EventType.PAYMENT_SUCCEEDED, so) == [(Message.PAYMENT_RECEIPT, CUSTOMER)]
    assert shown(EventType.PAYMENT_MISMATCHED, so) == [
        (Message.PAYMENT_MISMATCHED, uid) for uid in staff
    ]
    assert shown(EventType.REFUND_DONE, so) == [(Message.REFUND_SENT, CUSTOMER)]
    assert shown(EventType.REFUND_FAILED, so) == [
        (Message.REFUND_FAILED, uid) for uid in (CUSTOMER, *staff)
    ]
    assert shown(EventType.REFUND_MISMATCHED, so) == [
        (Message.REFUND_MISMATCHED, uid) for uid in staff
    ]
    assert shown(EventType.CREDIT_GRANTED, so) == [(Message.CREDIT_GRANTED, CUSTOMER)]
    assert shown(EventType.PAYOUT_PAID, so) == [(Message.PAYOUT_SENT, PROVIDER)]
    assert shown(EventType.PAYOUT_FAILED, so) == [
        (Message.PAYOUT_FAILED, uid) for uid in (PROVIDER, *staff)
    ]


def test_a_series_that_could_not_be_booked_is_told_to_its_customer() -> None:
    subject = {"series": OTHER, "customer": CUSTOMER}
    so = circumstances(subject=subject, booking=None)

    assert shown(EventType.SERIES_OCCURRENCE_CONFLICT, so) == [(Message.SERIES_CONFLICT, CUSTOMER)]


def test_who_is_reminded_of_what() -> None:
    def reminded(kind: ReminderKind) -> list[tuple[Message, UUID]]:
        given = of_reminder(kind, circumstances())
        return [(one.rule.message, one.recipient_id) for one in given]

    assert reminded(ReminderKind.PAYMENT) == [(Message.PAYMENT_REMINDER, CUSTOMER)]
    assert reminded(ReminderKind.DAY_BEFORE) == [
        (Message.BOOKING_REMINDER, CUSTOMER),
        (Message.BOOKING_REMINDER, PROVIDER),
    ]
    assert reminded(ReminderKind.HOUR_BEFORE) == [
        (Message.STARTING_SOON, CUSTOMER),
        (Message.STARTING_SOON, PROVIDER),
    ]


def test_nobody_is_told_of_what_is_not_in_the_table() -> None:
    assert of_event(EventType.BOOKING_STARTED, circumstances()) == ()


def urgent(type_: EventType, so: Circumstances) -> set[bool]:
    return {one.urgent for one in of_event(type_, so)}


@pytest.mark.parametrize(
    ("starts_in", "kind", "expected"),
    [
        (12 * HOUR, BookingKind.SCHEDULED, {True}),
        (12 * HOUR + timedelta(seconds=1), BookingKind.SCHEDULED, {False}),
        (12 * HOUR + timedelta(seconds=1), BookingKind.IMMEDIATE, {True}),
    ],
)
def test_a_cancellation_does_not_wait_when_the_work_was_to_begin_soon(
    starts_in: timedelta, kind: BookingKind, expected: set[bool]
) -> None:
    starts_at = NOW + HOUR + starts_in
    booking = a_booking(starts_at=starts_at, kind=kind, cancelled_at=NOW, **STAFFED)

    assert urgent(EventType.BOOKING_CANCELLED, circumstances(booking=booking)) == expected


@pytest.mark.parametrize(
    ("kind", "expected"), [(BookingKind.IMMEDIATE, {True}), (BookingKind.SCHEDULED, {False})]
)
def test_an_offer_does_not_wait_when_the_work_is_wanted_now(
    kind: BookingKind, expected: set[bool]
) -> None:
    booking = a_booking(kind=kind, starts_at=NOW + HOUR)
    so = circumstances(booking=booking, offer=an_offer(), at=NOW)

    assert urgent(EventType.OFFER_OFFERED, so) == expected


def test_lateness_and_an_hour_before_never_wait_and_money_always_does() -> None:
    soon = a_booking(starts_at=NOW + HOUR, late_minutes=5, late_reported_at=NOW, **STAFFED, **PAID)
    so = circumstances(booking=soon)

    assert urgent(EventType.BOOKING_RUNNING_LATE, so) == {True}
    assert {one.urgent for one in of_reminder(ReminderKind.HOUR_BEFORE, so)} == {True}
    assert {one.urgent for one in of_reminder(ReminderKind.DAY_BEFORE, so)} == {False}
    assert urgent(EventType.PAYMENT_SUCCEEDED, so) == {False}
    # Nothing is known of the work.
    assert urgent(EventType.BOOKING_DECLINED, circumstances(booking=None)) == {False}


def test_each_role_is_shown_the_categories_and_channels_of_what_it_is_told() -> None:
    both = {Channel.EMAIL, Channel.PUSH}
    every = {*both, Channel.SMS}
    assert usual_for(Role.CUSTOMER) == {
        Category.BOOKINGS: every,
        Category.REMINDERS: every,
        Category.MONEY: both,
        Category.SUGGESTIONS: both,
    }
    assert usual_for(Role.PROVIDER) == {
        Category.BOOKINGS: both,
        Category.OFFERS: {Channel.PUSH},
        Category.REMINDERS: every,
        Category.MONEY: {Channel.EMAIL},
    }
    for staff in (Role.DISPATCHER, Role.ADMIN):
        assert usual_for(staff) == {Category.OPERATIONS: {Channel.EMAIL}}
    assert usual_for(Role.ANALYST) == usual_for(Role.SERVICE) == {}
