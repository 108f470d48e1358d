"""Whose bookings wait in which order, and who sees which queue?"""

from __future__ import annotations

import pytest

from domain.bookings import BookingKind
from domain.people import Role
from domain.queue import QueuePriority, QueueScope, priority
from tests.factories import a_booking, a_viewer


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (BookingKind.IMMEDIATE, QueuePriority.HIGH),
        (BookingKind.SCHEDULED, QueuePriority.NORMAL),
    ],
)
def test_what_is_wanted_now_comes_first(kind: BookingKind, expected: QueuePriority) -> None:
    assert priority(a_booking(kind=kind)) is expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.DISPATCHER, {QueueScope.UNASSIGNED}),
        (Role.ADMIN, {QueueScope.UNASSIGNED}),
        (Role.PROVIDER, {QueueScope.MINE}),
    ],
)
def test_staff_see_what_waits_and_providers_what_is_theirs(
    role: Role, expected: set[QueueScope]
) -> None:
    viewer = a_viewer(role=role)

    assert {scope for scope in QueueScope if scope.is_open_to(viewer)} == expected
