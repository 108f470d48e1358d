"""What does a provider's calendar program get to know of their work?

A feed tells of a month back and a year ahead. Work that was called off, or that has gone to
somebody else, is told as cancelled for another month, so that programs which keep what they once
read drop it. An entry counts its changes: programs take a higher number for the newer word.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain import privacy
from domain.booking_steps import BookingStatus
from domain.people import Role, Viewer

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.calendar_links import CalendarLink
    from domain.places import Address

BACK: Final = timedelta(days=30)
AHEAD: Final = timedelta(days=365)
#: How long it is told that a piece of work is gone.
GONE_TOLD: Final = timedelta(days=30)


class EntryStatus(StrEnum):
    """How sure an entry is, in iCalendar's words."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


STATUS: Final = {
    BookingStatus.AWAITING_APPROVAL: EntryStatus.TENTATIVE,
    BookingStatus.PENDING: EntryStatus.TENTATIVE,
    BookingStatus.PAID: EntryStatus.TENTATIVE,
    BookingStatus.CONFIRMED: EntryStatus.CONFIRMED,
    BookingStatus.IN_PROGRESS: EntryStatus.CONFIRMED,
    BookingStatus.COMPLETED: EntryStatus.CONFIRMED,
    BookingStatus.CANCELLED: EntryStatus.CANCELLED,
    BookingStatus.DECLINED: EntryStatus.CANCELLED,
    BookingStatus.NO_SHOW: EntryStatus.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One booking as a provider's calendar shows it."""

    booking_id: UUID
    #: Grows with every change.
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    status: EntryStatus
    #: The service's name.
    summary: str
    #: Where, and what to mind: only while the provider may know the customer's address.
    address: Address | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A provider's calendar as their calendar program gets it."""

    provider_name: str
    time_zone: str
    entries: tuple[Entry, ...]


def reader(link: CalendarLink) -> Viewer:
    """As whom a link reads: as the provider, with the link in place of a session."""
    return Viewer(user_id=link.provider_id, role=Role.PROVIDER, session_id=link.id)


def entry(
    booking: Booking, *, service_name: str, changed_at: datetime, viewer: Viewer, at: datetime
) -> Entry | None:
    """A booking that is the provider's; None when it has been told for long enough that it is gone.

    `changed_at` is when it took its present version.
    """
    status = STATUS[booking.status]
    if status is EntryStatus.CANCELLED and changed_at <= at - GONE_TOLD:
        return None
    seen = privacy.seen_by(booking, viewer, at=at)
    return Entry(
        booking_id=booking.id,
        sequence=booking.version,
        changed_at=changed_at,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        status=status,
        summary=service_name,
        address=privacy.address(booking, viewer, at=at),
        notes=seen.special_requirements,
    )


def gone(
    booking_id: UUID,
    *,
    sequence: int,
    starts_at: datetime,
    ends_at: datetime,
    service_name: str,
    at: datetime,
) -> Entry:
    """A booking that stopped being the provider's at `at`: of what became of it nothing is told.

    `sequence` is the version it had then, which is more than it had while it was theirs.
    """
    return Entry(
        booking_id=booking_id,
        sequence=sequence,
        changed_at=at,
        starts_at=starts_at,
        ends_at=ends_at,
        status=EntryStatus.CANCELLED,
        summary=service_name,
    )
