"""Is every step legal or refused as the table says, and does the status follow from the facts?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, permutations, product
from typing import Any, Final
from uuid import UUID

import pytest

from domain.bookings import (
    CONTACT_OPEN,
    STEPS,
    Act,
    Booking,
    BookingStatus,
    SlotTaken,
    WrongStatus,
    happened,
    step,
)
from domain.events import Event, EventType
from domain.lifecycle import cancel, pay
from domain.offers import OfferGone, accept
from domain.people import Role
from tests.factories import BOOKING, CUSTOMER, NOW, OFFER, PROVIDER, a_booking, a_viewer, an_offer

STRANGER = UUID(int=99)
STAFFED: Final[dict[str, Any]] = {"provider_id": PROVIDER, "assigned_at": NOW}
PAID: Final[dict[str, Any]] = {"paid_at": NOW}

#: A booking's facts at each status, with or without a provider and payment where both are legal.
STANDING: Final[dict[str, tuple[BookingStatus, dict[str, Any]]]] = {
    "awaiting": (BookingStatus.AWAITING_APPROVAL, {"needs_approval": True}),
    "awaiting, paid": (BookingStatus.AWAITING_APPROVAL, {"needs_approval": True, **PAID}),
    "awaiting, staffed": (BookingStatus.AWAITING_APPROVAL, {"needs_approval": True, **STAFFED}),
    "pending": (BookingStatus.PENDING, {}),
    "pending, staffed": (BookingStatus.PENDING, STAFFED),
    "pending, approved": (BookingStatus.PENDING, {"needs_approval": True, "approved_at": NOW}),
    "paid": (BookingStatus.PAID, PAID),
    "confirmed": (BookingStatus.CONFIRMED, {**STAFFED, **PAID}),
    "in progress": (BookingStatus.IN_PROGRESS, {**STAFFED, **PAID, "started_at": NOW}),
    "completed": (
        BookingStatus.COMPLETED,
        {**STAFFED, **PAID, "started_at": NOW, "completed_at": NOW},
    ),
    "cancelled": (BookingStatus.CANCELLED, {**STAFFED, **PAID, "cancelled_at": NOW}),
    "declined": (BookingStatus.DECLINED, {"needs_approval": True, "declined_at": NOW}),
    "no show": (BookingStatus.NO_SHOW, {**STAFFED, **PAID, "no_show_at": NOW}),
}

#: The fact that each act adds.
ADDS: Final[dict[Act, dict[str, Any]]] = {
    Act.APPROVE: {"approved_at": NOW},
    Act.DECLINE: {"declined_at": NOW},
    Act.ASSIGN: STAFFED,
    Act.PAY: PAID,
    Act.START: {"started_at": NOW},
    Act.COMPLETE: {"completed_at": NOW},
    Act.CANCEL: {"cancelled_at": NOW},
}

#: Every legal pair, written down a second time and independently of the table.
LEADS: Final[dict[tuple[str, Act], BookingStatus]] = {
    ("awaiting", Act.APPROVE): BookingStatus.PENDING,
    ("awaiting, paid", Act.APPROVE): BookingStatus.PAID,
    ("awaiting, staffed", Act.APPROVE): BookingStatus.PENDING,
    ("awaiting", Act.DECLINE): BookingStatus.DECLINED,
    ("awaiting, paid", Act.DECLINE): BookingStatus.DECLINED,
    ("awaiting, staffed", Act.DECLINE): BookingStatus.DECLINED,
    ("awaiting", Act.PAY): BookingStatus.AWAITING_APPROVAL,
    ("awaiting, paid", Act.PAY): BookingStatus.AWAITING_APPROVAL,
    ("awaiting, staffed", Act.PAY): BookingStatus.AWAITING_APPROVAL,
    ("awaiting", Act.CANCEL): BookingStatus.CANCELLED,
    ("awaiting, paid", Act.CANCEL): BookingStatus.CANCELLED,
    ("awaiting, staffed", Act.CANCEL): BookingStatus.CANCELLED,
    ("pending", Act.ASSIGN): BookingStatus.PENDING,
    ("pending, staffed", Act.ASSIGN): BookingStatus.PENDING,
    ("pending, approved", Act.ASSIGN): BookingStatus.PENDING,
    ("pending", Act.PAY): BookingStatus.PAID,
    ("pending, staffed", Act.PAY): BookingStatus.CONFIRMED,
    ("pending, approved", Act.PAY): BookingStatus.PAID,
    ("pending", Act.CANCEL): BookingStatus.CANCELLED,
    ("pending, staffed", Act.CANCEL): BookingStatus.CANCELLED,
    ("pending, approved", Act.CANCEL): BookingStatus.CANCELLED,
    ("paid", Act.ASSIGN): BookingStatus.CONFIRMED,
    ("paid", Act.CANCEL): BookingStatus.CANCELLED,
    ("confirmed", Act.START): BookingStatus.IN_PROGRESS,
    ("confirmed", Act.CANCEL): BookingStatus.CANCELLED,
    ("in progress", Act.COMPLETE): BookingStatus.COMPLETED,
}


def standing(name: str) -> Booking:
    return a_booking(**STANDING[name][1])


@pytest.mark.parametrize("name", STANDING)
def test_the_status_follows_from_the_facts(name: str) -> None:
    assert standing(name).status is STANDING[name][0]


def test_every_status_is_stood_at_here_and_has_its_line_in_the_table() -> None:
    assert {status for status, _ in STANDING.values()} == set(BookingStatus) == set(STEPS)


@pytest.mark.parametrize(("name", "act"), list(product(STANDING, Act)))
def test_each_act_leads_where_the_table_says_or_is_refused(name: str, act: Act) -> None:
    before, leads = standing(name), LEADS.get((name, act))
    if leads is None:
        with pytest.raises(WrongStatus) as refused:
            step(before, act, **ADDS[act])
        assert (refused.value.act, refused.value.status) == (act, before.status)
    else:
        after = step(before, act, **ADDS[act])
        assert after.status is leads
        assert after == replace(before, version=2, **ADDS[act])


def test_a_step_that_leads_elsewhere_than_the_table_says_is_refused() -> None:
    with pytest.raises(WrongStatus, match="Paying is not possible while the booking is PENDING"):
        step(a_booking(), Act.PAY, cancelled_at=NOW)


def accepted(booking: Booking) -> Booking:
    # Whoever cancels withdraws the offer, so that accepting afterwards is refused by the booking.
    offer = an_offer()
    return accept(booking, [offer], offer_id=OFFER, by=PROVIDER, at=NOW).booking


ACTS: Final[dict[str, Callable[[Booking], Booking]]] = {
    "accept": accepted,
    "pay": lambda booking: pay(booking, at=NOW).booking,
    "cancel": lambda booking: cancel(booking, [], reason="", at=NOW).booking,
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


@pytest.mark.parametrize("order", [("accept", "pay"), ("pay", "accept")])
def test_accept_and_pay_in_either_order_confirm(order: tuple[str, str]) -> None:
    booking = a_booking()
    for name in order:
        booking = ACTS[name](booking)
    assert booking.status is BookingStatus.CONFIRMED


@pytest.mark.parametrize(
    ("name", "is_open"),
    [(name, name in {"pending", "pending, approved", "paid"}) for name in STANDING],
)
def test_only_an_approved_booking_without_provider_is_open_to_offers_paid_or_not(
    name: str, is_open: bool
) -> None:
    assert standing(name).is_open_to_offers is is_open


@pytest.mark.parametrize("name", STANDING)
def test_the_last_four_statuses_are_final(name: str) -> None:
    final = {"completed", "cancelled", "declined", "no show"}
    assert standing(name).is_final is (name in final)


@pytest.mark.parametrize("name", STANDING)
def test_a_staffed_booking_takes_time_until_it_is_done_or_called_off(name: str) -> None:
    booking = replace(standing(name), **STAFFED)
    assert booking.takes_time is not booking.is_final
    assert not replace(booking, provider_id=None).takes_time


@pytest.mark.parametrize(
    ("viewer", "party"),
    [
        (a_viewer(), True),
        (a_viewer(user_id=PROVIDER, role=Role.PROVIDER), True),
        (a_viewer(user_id=STRANGER, role=Role.DISPATCHER), True),
        (a_viewer(user_id=STRANGER), False),
        (a_viewer(user_id=STRANGER, role=Role.ANALYST), False),
    ],
)
def test_customer_provider_and_staff_are_parties(viewer: Any, party: bool) -> None:
    assert a_booking(**STAFFED).is_party(viewer) is party


def test_nobody_is_the_provider_of_a_booking_that_has_none() -> None:
    assert not a_booking().is_party(a_viewer(user_id=PROVIDER, role=Role.PROVIDER))


@pytest.mark.parametrize("name", ["awaiting, staffed", "confirmed", "in progress"])
def test_the_provider_sees_the_contact_while_the_booking_is_theirs(name: str) -> None:
    provider = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    assert standing(name).opens_contact_to(provider, at=NOW + timedelta(days=999)) is True


@pytest.mark.parametrize("name", ["cancelled", "declined", "no show"])
def test_the_provider_loses_the_contact_when_the_booking_is_called_off(name: str) -> None:
    provider = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    booking = replace(standing(name), **STAFFED)
    assert booking.opens_contact_to(provider, at=NOW) is False


def test_the_provider_loses_the_contact_thirty_days_after_completion() -> None:
    provider = a_viewer(user_id=PROVIDER, role=Role.PROVIDER)
    booking = standing("completed")
    assert timedelta(days=30) == CONTACT_OPEN
    assert booking.opens_contact_to(provider, at=NOW + CONTACT_OPEN) is True
    assert booking.opens_contact_to(provider, at=NOW + CONTACT_OPEN + timedelta(0, 1)) is False


@pytest.mark.parametrize("name", ["pending", "cancelled", "completed"])
def test_customer_and_staff_keep_the_contact_and_strangers_never_have_it(name: str) -> None:
    booking, late = standing(name), NOW + timedelta(days=365)
    assert booking.opens_contact_to(a_viewer(), at=late) is True
    staff = a_viewer(user_id=STRANGER, role=Role.ADMIN)
    assert booking.opens_contact_to(staff, at=late) is True
    stranger = a_viewer(user_id=STRANGER, role=Role.PROVIDER)
    assert booking.opens_contact_to(stranger, at=NOW) is False


def test_an_event_names_the_booking_the_customer_and_the_provider_if_there_is_one() -> None:
    assert happened(EventType.BOOKING_PAID, a_booking()) == Event(
        type=EventType.BOOKING_PAID, subject={"booking": BOOKING, "customer": CUSTOMER}
    )
    assert happened(EventType.BOOKING_PAID, a_booking(**STAFFED)).subject == {
        "booking": BOOKING,
        "customer": CUSTOMER,
        "provider": PROVIDER,
    }


def test_a_taken_slot_carries_its_alternatives() -> None:
    assert SlotTaken((NOW,)).alternatives == (NOW,)
    assert str(SlotTaken()) == "The provider is not free at this time."
