"""Who may see a row, and who may call a booking off?"""

from uuid import UUID

import pytest

from domain.booking_steps import OPEN_TO_OFFERS, BookingStatus
from domain.people import Role
from tests.factories import (
    CUSTOMER,
    PROVIDER,
    a_booking,
    a_provider,
    a_shift,
    a_viewer,
    an_offer,
)

STRANGER = UUID(int=99)


@pytest.mark.parametrize(
    ("user_id", "role", "sees", "cancels"),
    [
        (CUSTOMER, Role.CUSTOMER, True, True),
        (PROVIDER, Role.PROVIDER, True, False),
        (STRANGER, Role.CUSTOMER, False, False),
        (STRANGER, Role.PROVIDER, False, False),
        (STRANGER, Role.SERVICE, False, False),
        (STRANGER, Role.ANALYST, True, False),
        (STRANGER, Role.DISPATCHER, True, True),
        (STRANGER, Role.ADMIN, True, True),
    ],
)
def test_a_booking_is_seen_by_its_parties_and_called_off_by_its_customer_or_staff(
    user_id: UUID, role: Role, sees: bool, cancels: bool
) -> None:
    viewer, booking = a_viewer(user_id=user_id, role=role), a_booking(provider_id=PROVIDER)
    assert booking.is_visible_to(viewer) is sees
    assert booking.may_be_cancelled_by(viewer) is cancels


@pytest.mark.parametrize(
    ("user_id", "role", "sees"),
    [
        (PROVIDER, Role.PROVIDER, True),
        (STRANGER, Role.PROVIDER, False),
        (CUSTOMER, Role.CUSTOMER, False),
        (STRANGER, Role.ANALYST, False),
        (STRANGER, Role.DISPATCHER, True),
    ],
)
def test_an_offer_a_shift_and_a_suspended_provider_are_seen_by_the_provider_and_staff(
    user_id: UUID, role: Role, sees: bool
) -> None:
    viewer = a_viewer(user_id=user_id, role=role)
    suspended = a_provider(suspended_at=a_provider().approved_at)
    for one in (an_offer(), a_shift(), suspended):
        assert one.is_visible_to(viewer) is sees


def test_an_active_provider_is_seen_by_all() -> None:
    assert a_provider().is_visible_to(a_viewer(user_id=STRANGER))


def test_a_booking_waits_for_a_provider_while_it_is_pending_or_paid() -> None:
    assert {BookingStatus.PENDING, BookingStatus.PAID} == OPEN_TO_OFFERS
