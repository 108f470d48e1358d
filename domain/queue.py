"""Whose bookings wait in which order? The urgent first, then the oldest."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.bookings import Booking
    from domain.people import Viewer


class QueuePriority(StrEnum):
    """How soon a booking wants somebody."""

    HIGH = "HIGH"
    NORMAL = "NORMAL"


class QueueScope(StrEnum):
    """Which bookings a queue holds."""

    UNASSIGNED = "UNASSIGNED"
    MINE = "MINE"

    def is_open_to(self, viewer: Viewer) -> bool:
        """Has the viewer such a queue? Staff give work out, and everyone else does their own."""
        return viewer.is_staff is (self is QueueScope.UNASSIGNED)


def priority(booking: Booking) -> QueuePriority:
    """What is wanted now comes before what has a time of its own."""
    return QueuePriority.HIGH if booking.is_immediate else QueuePriority.NORMAL
