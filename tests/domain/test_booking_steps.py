"""Is every step legal or refused as the table says, whatever the order of the acts?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, permutations, product
from typing import Any, Final
from uuid import UUID

import pytest

from domain.booking_steps import STEPS, UNFINISHED, Act, BookingStatus, WrongStatus, step
from domain.bookings import Booking
from domain.cancellations import cancel, quote
from domain.lifecycle import pay
from domain.offers import OfferGone, accept
from tests.factories import NOW, OFFER, PROVIDER, a_booking, a_viewer, an_offer

STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
UNSTAFFED: Final[dict[str, Any]] = {"provider_id": None, "assigned_at": None}
PAID: Final[dict[str, Any]] = {"paid_at": NOW}
AWAITING: Final[dict[str, Any]] = {"needs_approval": True}
MOVED: Final[dict[str, Any]] = {
    "starts_at": NOW + timedelta(days=2),
    "ends_at": NOW + timedelta(days=2, hours=2),
}

#: A booking's facts at each status, with or without a provider and payment where both are legal.
STANDING: Final[dict[str, tuple[BookingStatus, dict[str, Any]]]] = {
    "awaiting": (BookingStatus.AWAITING_APPROVAL, AWAITING),
    "awaiting, paid": (BookingStatus.AWAITING_APPROVAL, {**AWAITING, **PAID}),
    "awaiting, staffed": (BookingStatus.AWAITING_APPROVAL, {**AWAITING, **STAFFED}),
    "awaiting, both": (BookingStatus.AWAITING_APPROVAL, {**AWAITING, **STAFFED, **PAID}),
    "pending": (BookingStatus.PENDING, {}),
    "pending, staffed": (BookingStatus.PENDING, STAFFED),
    "pending, approved": (BookingStatus.PENDING, {**AWAITING, "approved_at": NOW}),
    "paid": (BookingStatus.PAID, PAID),
    "confirmed": (BookingStatus.CONFIRMED, {**STAFFED, **PAID}),
    "in progress": (BookingStatus.IN_PROGRESS, {**STAFFED, **PAID, "started_at": NOW}),
    "completed": (
        BookingStatus.COMPLETED,
        {**STAFFED, **PAID, "started_at": NOW, "completed_at": NOW},
    ),
    "cancelled": (BookingStatus.CANCELLED, {**STAFFED, **PAID, "cancelled_at": NOW}),
    "declined": (BookingStatus.DECLINED, {**AWAITING, "declined_at": NOW}),
    "no show": (BookingStatus.NO_SHOW, {**STAFFED, **PAID, "no_show_at": NOW}),
}
FINAL: Final = ("completed", "cancelled", "declined", "no show")

#: The fact that each act adds.
ADDS: Final[dict[Act, dict[str, Any]]] = {
    Act.APPROVE: {"approved_at": NOW},
    Act.DECLINE: {"declined_at": NOW},
    Act.ASSIGN: STAFFED,
    Act.PAY: PAID,
    Act.ACCEPT_TERMS: {"terms_accepted_at": NOW},
    Act.EDIT: {"concern": "The oven smokes."},
    Act.REASSIGN: {"provider_id": UUID(int=32), "assigned_at": NOW},
    Act.RELEASE: UNSTAFFED,
    Act.RESCHEDULE: MOVED,
    Act.REPORT_LATE: {"late_minutes": 20, "late_reported_at": NOW},
    Act.START: {"started_at": NOW},
    Act.COMPLETE: {"completed_at": NOW},
    Act.CANCEL: {"cancelled_at": NOW},
    Act.REPORT_NO_SHOW: {"no_show_at": NOW},
    Act.RESTORE: {"cancelled_at": None, "paid_at": NOW},
}


def staying(status: BookingStatus) -> dict[Act, BookingStatus]:
    """What changes a booking and leaves it where it stands."""
    return dict.fromkeys((Act.ACCEPT_TERMS, Act.EDIT, Act.RESCHEDULE), status)


def while_awaiting(approved: BookingStatus) -> dict[Act, BookingStatus]:
    return {
        **staying(BookingStatus.AWAITING_APPROVAL),
        Act.APPROVE: approved,
        Act.DECLINE: BookingStatus.DECLINED,
        Act.PAY: BookingStatus.AWAITING_APPROVAL,
        Act.REASSIGN: BookingStatus.AWAITING_APPROVAL,
        Act.RELEASE: BookingStatus.AWAITING_APPROVAL,
        Act.CANCEL: BookingStatus.CANCELLED,
    }


def while_pending(paid: BookingStatus) -> dict[Act, BookingStatus]:
    return {
        **staying(BookingStatus.PENDING),
        Act.ASSIGN: BookingStatus.PENDING,
        Act.REASSIGN: BookingStatus.PENDING,
        Act.RELEASE: BookingStatus.PENDING,
        Act.REPORT_LATE: BookingStatus.PENDING,
        Act.PAY: paid,
        Act.CANCEL: BookingStatus.CANCELLED,
        Act.REPORT_NO_SHOW: BookingStatus.NO_SHOW,
    }


#: Every legal pair, written down a second time and independently of the table.
LEADS: Final[dict[str, dict[Act, BookingStatus]]] = {
    "awaiting": while_awaiting(BookingStatus.PENDING),
    "awaiting, paid": while_awaiting(BookingStatus.PAID),
    "awaiting, staffed": while_awaiting(BookingStatus.PENDING),
    "awaiting, both": while_awaiting(BookingStatus.CONFIRMED),
    "pending": while_pending(BookingStatus.PAID),
    "pending, staffed": while_pending(BookingStatus.CONFIRMED),
    "pending, approved": while_pending(BookingStatus.PAID),
    "paid": {
        **staying(BookingStatus.PAID),
        Act.ASSIGN: BookingStatus.CONFIRMED,
        Act.CANCEL: BookingStatus.CANCELLED,
    },
    "confirmed": {
        **staying(BookingStatus.CONFIRMED),
        Act.REASSIGN: BookingStatus.CONFIRMED,
        Act.RELEASE: BookingStatus.PAID,
        Act.REPORT_LATE: BookingStatus.CONFIRMED,
        Act.START: BookingStatus.IN_PROGRESS,
        Act.CANCEL: BookingStatus.CANCELLED,
        Act.REPORT_NO_SHOW: BookingStatus.NO_SHOW,
    },
    "in progress": {
        Act.COMPLETE: BookingStatus.COMPLETED,
        Act.REPORT_NO_SHOW: BookingStatus.NO_SHOW,
    },
    **{name: {} for name in FINAL},
    "cancelled": {Act.RESTORE: BookingStatus.CONFIRMED},
}


def standing(name: str) -> Booking:
    return a_booking(**STANDING[name][1])


@pytest.mark.parametrize("name", STANDING)
def test_the_status_follows_from_the_facts(name: str) -> None:
    assert standing(name).status is STANDING[name][0]


def test_every_status_is_stood_at_here_and_has_its_line_in_the_table() -> None:
    assert {status for status, _ in STANDING.values()} == set(BookingStatus) == set(STEPS)
    assert set(STANDING) == set(LEADS)


@pytest.mark.parametrize(("name", "act"), list(product(STANDING, Act)))
def test_each_act_leads_where_the_table_says_or_is_refused(name: str, act: Act) -> None:
    before, leads = standing(name), LEADS[name].get(act)
    if leads is None:
        with pytest.raises(WrongStatus) as refused:
            step(before, act, **ADDS[act])
        assert (refused.value.act, refused.value.status) == (act, before.status)
    else:
        after = step(before, act, **ADDS[act])
        assert after.status is leads
        assert after == replace(before, version=2, **ADDS[act])


def test_the_table_holds_nothing_that_no_booking_can_do() -> None:
    reached: dict[tuple[BookingStatus, Act], set[BookingStatus]] = {}
    for name, leads in LEADS.items():
        for act, after in leads.items():
            reached.setdefault((STANDING[name][0], act), set()).add(after)
    # The one step that a fact of its own decides: does the provider come along?
    reached[BookingStatus.CONFIRMED, Act.RESCHEDULE].add(BookingStatus.PAID)
    assert reached == {
        (status, act): set(legal) for status, acts in STEPS.items() for act, legal in acts.items()
    }


def test_a_confirmed_booking_that_is_moved_without_its_provider_is_paid_again() -> None:
    after = step(standing("confirmed"), Act.RESCHEDULE, **MOVED, **UNSTAFFED)
    assert after.status is BookingStatus.PAID


def test_a_step_that_leads_elsewhere_than_the_table_says_is_refused() -> None:
    with pytest.raises(WrongStatus, match="Paying is not possible while the booking is PENDING"):
        step(a_booking(), Act.PAY, cancelled_at=NOW)


@pytest.mark.parametrize("act", Act)
def test_what_is_over_refuses_every_act_in_its_own_words(act: Act) -> None:
    words = {
        Act.APPROVE: "Approving",
        Act.DECLINE: "Declining",
        Act.ASSIGN: "Assigning a provider",
        Act.PAY: "Paying",
        Act.ACCEPT_TERMS: "Accepting terms",
        Act.EDIT: "Changing the details",
        Act.REASSIGN: "Giving it to another provider",
        Act.RELEASE: "Releasing the provider",
        Act.RESCHEDULE: "Moving",
        Act.REPORT_LATE: "Reporting a delay",
        Act.START: "Starting",
        Act.COMPLETE: "Completing",
        Act.CANCEL: "Cancelling",
        Act.REPORT_NO_SHOW: "Reporting a no-show",
        Act.RESTORE: "Bringing it back",
    }
    said = f"^{words[act]} is not possible while the booking is DECLINED.$"
    with pytest.raises(WrongStatus, match=said):
        step(standing("declined"), act, **ADDS[act])


@pytest.mark.parametrize("name", STANDING)
def test_the_last_four_statuses_are_final_and_all_others_unfinished(name: str) -> None:
    booking = standing(name)
    assert booking.is_final is (name in FINAL)
    assert (booking.status in UNFINISHED) is (name not in FINAL)


@pytest.mark.parametrize("name", STANDING)
def test_a_staffed_booking_takes_time_until_it_is_done_or_called_off(name: str) -> None:
    booking = replace(standing(name), **STAFFED)
    assert booking.takes_time is not booking.is_final
    assert not replace(booking, **UNSTAFFED).takes_time


@pytest.mark.parametrize("name", STANDING)
def test_only_an_approved_booking_without_provider_is_open_to_offers_paid_or_not(
    name: str,
) -> None:
    is_open = name in {"pending", "pending, approved", "paid"}
    assert standing(name).is_open_to_offers is is_open


def accepted(booking: Booking) -> Booking:
    # Whoever cancels withdraws the offer, so that accepting afterwards is refused by the booking.
    offer = an_offer()
    return accept(booking, [offer], offer_id=OFFER, by=PROVIDER, at=NOW).booking


def called_off(booking: Booking) -> Booking:
    customer = a_viewer()
    fee = quote(booking, by=customer, at=NOW, paid_minor=0).fee.amount_minor
    return cancel(
        booking, [], by=customer, reason="", expected_fee_minor=fee, paid_minor=0, at=NOW
    ).booking


ACTS: Final[dict[str, Callable[[Booking], Booking]]] = {
    "accept": accepted,
    "pay": lambda booking: pay(booking, at=NOW).booking,
    "cancel": called_off,
}


@pytest.mark.parametrize("order", list(permutations(ACTS)), ids=" then ".join)
def test_accept_pay_and_cancel_in_any_order_end_legally(order: tuple[str, ...]) -> None:
    booking, path = a_booking(), [BookingStatus.PENDING]
    done = []
    for name in order:
        try:
            booking = ACTS[name](booking)
        except (WrongStatus, OfferGone):
            assert "cancel" in done
        else:
            done.append(name)
            path.append(booking.status)

    # All that came before the cancellation was done, and nothing after it.
    assert done == list(order[: order.index("cancel") + 1])
    assert booking.status is BookingStatus.CANCELLED
    assert all(
        any(after in legal for legal in STEPS[before].values()) for before, after in pairwise(path)
    )
    assert booking.version == 1 + len(done)
    # A day before, half of 40.50 is due, and only if somebody had accepted.
    assert booking.fee_minor == (2025 if "accept" in done else 0)
    assert booking.provider_id == (PROVIDER if "accept" in done else None)
    assert booking.paid_at == (NOW if "pay" in done else None)
    assert not booking.takes_time


@pytest.mark.parametrize("order", [("accept", "pay"), ("pay", "accept")])
def test_accept_and_pay_in_either_order_confirm(order: tuple[str, str]) -> None:
    booking = a_booking()
    for name in order:
        booking = ACTS[name](booking)
    assert booking.status is BookingStatus.CONFIRMED
