"""When is somebody reminded of a booking, and when is it too late for that?

What is planned follows from the booking alone, so it may be planned anew as often as one likes: a
reminder follows a move, and dies with whatever it was to remind of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from domain.booking_steps import BookingStatus
from domain.circumstances import UPCOMING
from domain.events import EventType
from domain.messages import ReminderKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking

#: What may change when somebody is to be reminded.
MOVED_BY: Final = frozenset(
    {
        EventType.BOOKING_REQUESTED,
        EventType.BOOKING_APPROVED,
        EventType.BOOKING_DECLINED,
        EventType.BOOKING_PAID,
        EventType.BOOKING_ASSIGNED,
        EventType.BOOKING_RELEASED,
        EventType.BOOKING_RESCHEDULED,
        EventType.BOOKING_RESTORED,
        EventType.BOOKING_NO_SHOW,
        EventType.BOOKING_COMPLETED,
        EventType.BOOKING_CANCELLED,
    }
)

_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One thing that people are reminded of, of one booking."""

    booking_id: UUID
    kind: ReminderKind
    due_at: datetime
    #: When it was given, or found to be too late, for this due time.
    done_at: datetime | None = None

    @property
    def cause(self) -> str:
        """What nobody is reminded for twice: a booking that is moved is another cause."""
        due = self.due_at.astimezone(UTC).isoformat()
        return f"reminder:{self.booking_id}:{self.kind}:{due}"

    def is_due(self, at: datetime) -> bool:
        """Is it to be given now?"""
        return self.done_at is None and self.due_at <= at


def plan(
    booking: Booking, known: Mapping[ReminderKind, Reminder], *, at: datetime
) -> dict[ReminderKind, Reminder]:
    """What is to be reminded of, as the booking stands. `known` is what was planned before: of
    that, what still fits it stays as it is, given or not.

    Nothing is planned for a time that has passed: who books for this afternoon knows of it.
    """
    planned = {}
    for kind in ReminderKind:
        moments, before = _moments(booking, kind), known.get(kind)
        if before is not None and before.due_at in moments and before.due_at <= at:
            planned[kind] = before
            continue
        due_at = min((one for one in moments if one > at), default=None)
        if due_at is not None:
            planned[kind] = Reminder(booking_id=booking.id, kind=kind, due_at=due_at)
    return planned


def is_too_late(booking: Booking, kind: ReminderKind, *, at: datetime) -> bool:
    """Has what it was to remind of come, or the next reminder? Then it is dropped, not given."""
    ahead = _HOUR if kind is ReminderKind.DAY_BEFORE else timedelta()
    return at >= booking.starts_at - ahead


def _moments(booking: Booking, kind: ReminderKind) -> tuple[datetime, ...]:
    """When a reminder of this kind makes sense, before the work begins."""
    starts_at = booking.starts_at
    if kind is ReminderKind.PAYMENT:
        unpaid = booking.status is BookingStatus.PENDING
        moments = (booking.requested_at + _DAY, starts_at - _DAY)
        return tuple(one for one in moments if one < starts_at) if unpaid else ()
    if booking.provider_id is None or booking.status not in UPCOMING:
        return ()
    return (starts_at - (_DAY if kind is ReminderKind.DAY_BEFORE else _HOUR),)
