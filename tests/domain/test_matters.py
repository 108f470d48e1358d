"""Does a message say what its reader may know, and no more, and is it said while it is so?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from domain.circumstances import To
from domain.credits import Grant
from domain.holds import Hold, HoldEnding
from domain.matters import Clash, Matter, Window, write
from domain.message_facts import MessageFacts
from domain.messages import Message
from domain.money import Money
from domain.notifications import Notification
from domain.offers import OfferState
from domain.payments import Method, Payment, Purpose
from domain.payouts import PayCycle, Payout
from domain.people import Role, User
from domain.places import Point
from domain.refunds import Refund, RefundCause
from domain.services import Requirements
from domain.telling import RULES
from domain.waitlist import WaitlistEntry
from tests.factories import (
    BOOKING,
    CUSTOMER,
    NOW,
    PROVIDER,
    SERVICE,
    a_booking,
    a_provider,
    a_user,
    an_address,
    an_offer,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STARTS: Final = NOW + DAY
PATIENCE: Final = timedelta(minutes=15)
CARLA: Final = a_user()
CHLOE: Final = a_user(id=PROVIDER, role=Role.PROVIDER, given_name="Chloe", family_name="Cleaner")
DORA: Final = a_user(id=UUID(int=50), role=Role.DISPATCHER)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
READERS: Final = {
    To.CUSTOMER: CARLA,
    To.PROVIDER: CHLOE,
    To.FORMER_PROVIDER: CHLOE,
    To.STAFF: DORA,
}


def pounds(minor: int) -> Money:
    return Money(amount_minor=minor, currency="GBP")


def written(message: Message, reader: User, matter: Matter, *, at: datetime = NOW) -> MessageFacts:
    note = Notification(
        id=UUID(int=51),
        recipient_id=reader.id,
        message=message,
        cause="event:1",
        subject={"booking": BOOKING},
        listed=True,
        created_at=NOW,
    )
    return write(note, reader, matter, patience=PATIENCE, at=at)


def work(matter: dict[str, Any] | None = None, **changes: Any) -> Matter:
    """A booking with all that goes with it."""
    booking = a_booking(**STAFFED | changes)
    provider = a_provider() if booking.provider_id else None
    known: dict[str, Any] = {
        "service": "Home clean",
        "booking": booking,
        "customer": CARLA,
        "provider": provider,
    }
    return Matter(**known | (matter or {}))


def facts(message: Message, reader: User, **changes: Any) -> MessageFacts:
    """What a message says of an agreed booking of tomorrow, but for the changes."""
    said: dict[str, Any] = {
        "service": "Home clean",
        "starts_at": STARTS,
        "ends_at": STARTS + 2 * HOUR,
        "address": an_address(),
        "area": "SW1A",
        "amount": pounds(4050),
    }
    return MessageFacts(
        message=message, recipient=reader, subject={"booking": BOOKING}, **said | changes
    )


def test_each_side_reads_of_the_other_by_the_name_that_they_may_know() -> None:
    confirmed, job = Message.BOOKING_CONFIRMED, Message.JOB_ASSIGNED

    assert written(confirmed, CARLA, work()) == facts(confirmed, CARLA, provider="Chloe C.")
    assert written(job, CHLOE, work()) == facts(job, CHLOE, customer="John Doe")
    assert written(Message.BOOKING_UNFILLED, DORA, work()) == facts(
        Message.BOOKING_UNFILLED, DORA, customer="John Doe", provider="Chloe C."
    )


@pytest.mark.parametrize(
    "gone",
    [
        {"provider_id": UUID(int=52)},
        {"cancelled_at": NOW},
        {"paid_at": NOW, "started_at": NOW, "completed_at": NOW - timedelta(days=31)},
    ],
)
def test_a_provider_who_no_longer_has_the_work_reads_no_address_and_no_name(
    gone: dict[str, Any],
) -> None:
    said = written(Message.NO_SHOW, CHLOE, work(**gone))

    assert (said.address, said.area, said.customer) == (None, "SW1A", "John D.")


def test_nobody_goes_anywhere_for_work_from_afar() -> None:
    remote = work(requirements=Requirements(on_site=False))

    said = written(Message.BOOKING_CONFIRMED, CARLA, remote)

    assert (said.address, said.area) == (None, None)


def test_what_is_still_to_pay_and_until_when_is_told_to_who_has_to() -> None:
    assigned, due = Message.PROVIDER_ASSIGNED, {"due": pounds(4050)}

    unpaid = written(assigned, CARLA, work(due))
    assert (unpaid.due, unpaid.until) == (pounds(4050), STARTS + PATIENCE)
    balance = written(assigned, CARLA, work({"due": pounds(3050)}, paid_at=NOW))
    assert (balance.due, balance.until) == (pounds(3050), None)
    settled = written(assigned, CARLA, work({"due": pounds(0)}, paid_at=NOW))
    assert (settled.due, settled.until) == (None, None)
    to_provider = written(Message.JOB_ASSIGNED, CHLOE, work(due))
    assert (to_provider.due, to_provider.until) == (None, None)


def test_a_cancellation_says_what_it_cost_and_gave_back_and_to_each_what_is_theirs() -> None:
    sums = {"refunded": pounds(2025), "compensation": pounds(1620)}
    off = work(sums, cancelled_at=NOW, cancel_reason="Plans have changed.", fee_minor=2025)

    said = written(Message.BOOKING_CANCELLED, CARLA, off)
    assert (said.refund, said.fee, said.reason, said.due) == (
        pounds(2025),
        pounds(2025),
        "Plans have changed.",
        None,
    )
    to_provider = written(Message.JOB_CANCELLED, CHLOE, off)
    assert (to_provider.refund, to_provider.fee) == (None, pounds(1620))
    assert to_provider.reason == "Plans have changed."


def test_a_cancellation_that_costs_nothing_says_nothing_of_a_fee() -> None:
    off = work(cancelled_at=NOW, fee_minor=0)

    said = written(Message.BOOKING_CANCELLED, CARLA, off)

    assert (said.fee, said.refund, said.reason) == (None, None, None)


def test_who_was_taken_off_some_work_reads_when_it_was_and_not_why_or_when_it_is_now() -> None:
    had = Window(starts_at=STARTS - HOUR, ends_at=STARTS + HOUR)
    moved = work({"had": had}, provider_id=None, assigned_at=None, cancel_reason="Ours alone.")

    said = written(Message.JOB_CANCELLED, CHLOE, moved)

    assert (said.starts_at, said.ends_at) == (STARTS - HOUR, STARTS + HOUR)
    assert (said.reason, said.address, said.customer) == (None, None, "John D.")


def test_lateness_says_by_how_much_and_why() -> None:
    late = work(late_minutes=20, late_reason="Traffic", late_reported_at=NOW)

    said = written(Message.PROVIDER_LATE, CARLA, late)

    assert (said.late_minutes, said.reason) == (20, "Traffic")


def test_a_no_show_says_what_was_seen() -> None:
    absent = work({"refunded": pounds(4050)}, no_show_at=NOW, evidence="Nobody opened.")

    said = written(Message.NO_SHOW, CARLA, absent)

    assert (said.reason, said.refund) == ("Nobody opened.", pounds(4050))


def test_completed_says_when() -> None:
    done = work(paid_at=NOW, started_at=NOW, completed_at=NOW + HOUR)

    assert written(Message.COMPLETED, CARLA, done).at == NOW + HOUR


def an_offered(**changes: Any) -> Matter:
    near = an_address(point=Point(latitude=51.5400, longitude=-0.1246))
    unstaffed = {"provider_id": None, "assigned_at": None, "address": near}
    known = {"offer": an_offer(**changes), "provider": a_provider()}
    return work(known, **unstaffed)


def test_an_offer_says_where_about_and_for_whom_about_and_until_when() -> None:
    said = written(Message.OFFER, CHLOE, an_offered())

    assert said == MessageFacts(
        message=Message.OFFER,
        recipient=CHLOE,
        subject={"booking": BOOKING},
        service="Home clean",
        starts_at=STARTS,
        ends_at=STARTS + 2 * HOUR,
        area="SW1A",
        distance_miles=3,
        customer="John D.",
        amount=pounds(4050),
        until=NOW + timedelta(minutes=5),
    )


def test_an_offer_of_what_is_gone_says_next_to_nothing() -> None:
    said = written(Message.OFFER, CHLOE, Matter(offer=an_offer()))

    assert (said.starts_at, said.customer, said.until) == (None, None, None)


def a_payment(**changes: Any) -> Payment:
    known: dict[str, Any] = {
        "id": UUID(int=53),
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "purpose": Purpose.DEPOSIT,
        "method": Method.CARD,
        "gateway": "stripe",
        "amount": pounds(1000),
        "created_at": NOW,
    }
    return Payment(**known | changes)


def test_a_receipt_says_what_came_in_and_what_is_still_to_pay() -> None:
    paid = a_payment(received=pounds(1000), paid_at=NOW)

    said = written(
        Message.PAYMENT_RECEIPT, CARLA, work({"payment": paid, "due": pounds(3050)}, paid_at=NOW)
    )

    assert (said.amount, said.at, said.due) == (pounds(1000), NOW, pounds(3050))


def test_a_wrong_sum_is_shown_beside_the_right_one() -> None:
    wrong = a_payment(received=pounds(900), paid_at=NOW)

    said = written(Message.PAYMENT_MISMATCHED, DORA, work({"payment": wrong}))

    assert (said.amount, said.due, said.at) == (pounds(900), pounds(1000), NOW)


def test_a_failed_payment_says_what_was_to_be_paid_and_why_it_was_not() -> None:
    failed = a_payment(failed_at=NOW, failure="Your card was declined.")

    said = written(Message.PAYMENT_FAILED, CARLA, work({"payment": failed}))

    assert (said.amount, said.due, said.at) == (pounds(1000), pounds(1000), NOW)
    assert said.reason == "Your card was declined."


def a_refund(**changes: Any) -> Refund:
    known: dict[str, Any] = {
        "id": UUID(int=54),
        "payment_id": UUID(int=53),
        "booking_id": BOOKING,
        "customer_id": CUSTOMER,
        "amount": pounds(500),
        "cause": RefundCause.BY_HAND,
        "to": Method.CARD,
        "reason": "The vase",
        "created_at": NOW,
    }
    return Refund(**known | changes)


def test_a_refund_says_how_much_and_why_and_to_staff_what_went_wrong() -> None:
    paid = a_payment(received=pounds(1000), paid_at=NOW - DAY)
    done = work({"refund": a_refund(done_at=NOW), "payment": paid})
    failed = work({"refund": a_refund(failed_at=NOW, failure="card_closed"), "payment": paid})

    said = written(Message.REFUND_SENT, CARLA, done)
    assert (said.refund, said.at, said.reason) == (pounds(500), NOW, "The vase")
    said = written(Message.REFUND_FAILED, CARLA, failed)
    assert (said.refund, said.at, said.reason) == (pounds(500), NOW, "The vase")
    said = written(Message.REFUND_FAILED, DORA, failed)
    assert (said.refund, said.reason) == (pounds(500), "card_closed")
    unexplained = replace(a_refund(reason=""), done_at=NOW)
    assert written(Message.REFUND_SENT, CARLA, work({"refund": unexplained})).reason is None


def test_a_refund_of_too_much_says_to_staff_how_much_that_is() -> None:
    refund = work({"refund": a_refund(done_at=NOW, excess_minor=300)})

    said = written(Message.REFUND_MISMATCHED, DORA, refund)
    assert (said.refund, said.excess) == (pounds(500), pounds(300))
    assert written(Message.REFUND_SENT, CARLA, refund).excess is None


def test_credit_says_how_much_it_is_and_why() -> None:
    grant = Grant(
        id=UUID(int=58),
        customer_id=CUSTOMER,
        amount=pounds(700),
        reason="The vase",
        granted_by=UUID(int=59),
        at=NOW,
    )

    said = written(Message.CREDIT_GRANTED, CARLA, Matter(grant=grant))
    assert (said.amount, said.reason, said.at) == (pounds(700), "The vase", NOW)


def test_a_payout_says_what_it_pays() -> None:
    payout = Payout(
        id=UUID(int=55),
        run_id=UUID(int=56),
        provider_id=PROVIDER,
        cycle=PayCycle.WEEKLY,
        period=date(2026, 6, 1),
        amount=pounds(32_412),
        lines=9,
        created_at=NOW,
        paid_at=NOW,
    )

    said = written(Message.PAYOUT_SENT, CHLOE, Matter(payout=payout))

    assert said == MessageFacts(
        message=Message.PAYOUT_SENT,
        recipient=CHLOE,
        subject={"booking": BOOKING},
        amount=pounds(32_412),
        period=date(2026, 6, 1),
        lines=9,
        at=NOW,
    )
    bounced = replace(payout, paid_at=None, failed_at=NOW + HOUR, failure="No such account")
    said = written(Message.PAYOUT_FAILED, CHLOE, Matter(payout=bounced))
    assert (said.at, said.reason) == (NOW + HOUR, "No such account")


def a_waiter(**grant: Any) -> WaitlistEntry:
    known: dict[str, Any] = {
        "id": UUID(int=57),
        "customer_id": CUSTOMER,
        "service_id": SERVICE,
        "provider_id": PROVIDER,
        "starts_at": STARTS,
        "ends_at": STARTS + HOUR,
        "address": an_address(),
        "created_at": NOW,
        "expires_at": NOW + 2 * HOUR,
    }
    return WaitlistEntry(
        id=UUID(int=58),
        customer_id=CUSTOMER,
        service_id=SERVICE,
        address=an_address(),
        earliest=NOW,
        latest=STARTS,
        joined_at=NOW,
        grant=Hold(**known | grant),
        as_of=NOW,
    )


def test_a_grant_says_which_slot_is_kept_and_until_when() -> None:
    kept = Matter(service="Home clean", waiter=a_waiter(), provider=a_provider())

    said = written(Message.WAITLIST_GRANT, CARLA, kept)

    assert said == MessageFacts(
        message=Message.WAITLIST_GRANT,
        recipient=CARLA,
        subject={"booking": BOOKING},
        service="Home clean",
        starts_at=STARTS,
        ends_at=STARTS + HOUR,
        address=an_address(),
        area="SW1A",
        provider="Chloe C.",
        until=NOW + 2 * HOUR,
    )
    assert written(Message.WAITLIST_GRANT, CARLA, replace(kept, provider=None)).provider is None


def test_a_series_that_clashes_says_which_visit_and_why() -> None:
    clash = Clash(starts_at=STARTS, why="Chloe C. has another job then.")

    said = written(Message.SERIES_CONFLICT, CARLA, Matter(service="Home clean", clash=clash))

    assert (said.service, said.starts_at, said.reason) == (
        "Home clean",
        STARTS,
        "Chloe C. has another job then.",
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.message}-{rule.to}")
def test_of_whatever_is_gone_a_message_can_still_be_written(rule: Any) -> None:
    reader = READERS[rule.to]

    said = written(rule.message, reader, Matter())

    assert (said.message, said.recipient) == (rule.message, reader)


@pytest.mark.parametrize(
    ("message", "reader", "moot", "so"),
    [
        (Message.OFFER, CHLOE, False, an_offered()),
        (Message.OFFER, CHLOE, True, an_offered(state=OfferState.REJECTED, resolved_at=NOW)),
        (Message.OFFER, CHLOE, True, an_offered(expires_at=NOW)),
        (Message.OFFER, CHLOE, True, Matter()),
        (Message.WAITLIST_GRANT, CARLA, False, Matter(waiter=a_waiter())),
        (
            Message.WAITLIST_GRANT,
            CARLA,
            True,
            Matter(waiter=a_waiter(ended_at=NOW, ending=HoldEnding.BOOKED)),
        ),
        (Message.WAITLIST_GRANT, CARLA, True, Matter(waiter=replace(a_waiter(), grant=None))),
        (Message.WAITLIST_GRANT, CARLA, True, Matter()),
        (Message.PAYMENT_FAILED, CARLA, False, work({"payment": a_payment(failed_at=NOW)})),
        (
            Message.PAYMENT_FAILED,
            CARLA,
            True,
            work({"payment": a_payment(received=pounds(1000), paid_at=NOW)}),
        ),
        (Message.PAYMENT_FAILED, CARLA, True, Matter()),
        (Message.PAYMENT_REMINDER, CARLA, False, work()),
        (Message.PAYMENT_REMINDER, CARLA, True, work(paid_at=NOW)),
        (Message.BOOKING_CONFIRMED, CARLA, False, work(paid_at=NOW)),
        (Message.BOOKING_CONFIRMED, CARLA, True, work(paid_at=NOW, cancelled_at=NOW)),
        (Message.BOOKING_CONFIRMED, CARLA, True, work(paid_at=NOW, started_at=NOW)),
        (Message.BOOKING_CONFIRMED, CARLA, True, Matter()),
        (Message.BOOKING_CONFIRMED, CARLA, False, work(starts_at=NOW)),
        (Message.BOOKING_CONFIRMED, CARLA, True, work(starts_at=NOW - 2 * HOUR)),
        (Message.BOOKING_REQUESTED, CARLA, False, work(needs_approval=True)),
        (Message.JOB_ASSIGNED, CHLOE, False, work()),
        (Message.JOB_ASSIGNED, CHLOE, True, work(provider_id=UUID(int=59))),
        (Message.STARTING_SOON, CHLOE, False, work()),
        (Message.STARTING_SOON, CHLOE, True, work(starts_at=NOW)),
        (Message.BOOKING_REMINDER, CARLA, True, work(starts_at=NOW)),
        # These say what was, and that stays so.
        (Message.BOOKING_CANCELLED, CARLA, False, work(cancelled_at=NOW)),
        (Message.JOB_CANCELLED, CHLOE, False, work(provider_id=None, assigned_at=None)),
        (Message.PAYMENT_RECEIPT, CARLA, False, Matter()),
    ],
)
def test_what_is_so_no_longer_is_not_sent_any_more(
    message: Message, reader: User, *, moot: bool, so: Matter
) -> None:
    assert written(message, reader, so).moot is moot
