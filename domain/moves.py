"""May a booking be moved to another time, and who does it then?

The provider is kept when they are free at the new time; otherwise the work is offered anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.booking_rules import BookingRule, BrokenRule
from domain.booking_steps import Act, step
from domain.bookings import Booking, BookingKind, happened, search
from domain.cancellations import due
from domain.events import EventType
from domain.lateness import NOT_LATE
from domain.offers import Outcome, rescind, settled, take_back

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from domain.offers import JobOffer
    from domain.people import Viewer


def against_moving(booking: Booking, *, at: datetime) -> tuple[BrokenRule, ...]:
    """What the rules have against the customer's moving the booking at `at`."""
    broken = []
    latest = booking.starts_at - timedelta(minutes=booking.rules.reschedule_notice_minutes)
    if at > latest:
        message = "It is too late to move this booking yourself; ask the house."
        late = BrokenRule(rule=BookingRule.RESCHEDULE_TOO_LATE, message=message, latest=latest)
        broken.append(late)
    limit = booking.rules.max_reschedules
    if booking.reschedules >= limit:
        message = f"A booking is moved at most {limit} times; cancel it and book anew."
        broken.append(BrokenRule(rule=BookingRule.RESCHEDULE_LIMIT, message=message, limit=limit))
    return tuple(broken)


def moved(booking: Booking, *, starts_at: datetime) -> Booking:
    """The booking as it would be at another time, with everything else as it is."""
    return replace(
        booking,
        kind=BookingKind.SCHEDULED,
        starts_at=starts_at,
        ends_at=starts_at + (booking.ends_at - booking.starts_at),
    )


def move(
    booking: Booking,
    offers: Sequence[JobOffer],
    *,
    starts_at: datetime,
    keeps_provider: bool,
    by: Viewer,
    at: datetime,
) -> Outcome:
    """Move the booking. Offers of the old time are withdrawn; without a provider who is free at
    the new one, the search for somebody begins anew. What calling it off would have cost the
    customer now, it costs at the new time at least. Raises WrongStatus.
    """
    percent, _ = due(booking, by=by, at=at)
    there = moved(booking, starts_at=starts_at)
    staff = {} if keeps_provider else {"provider_id": None, "assigned_at": None}
    after = step(
        booking,
        Act.RESCHEDULE,
        kind=there.kind,
        starts_at=there.starts_at,
        ends_at=there.ends_at,
        reschedules=booking.reschedules + 1,
        least_fee_percent=max(percent, booking.least_fee_percent),
        **NOT_LATE,
        **staff,
    )
    if after.provider_id is None:
        after = search(after, at=at)
    withdrawn = rescind(offers, at=at)
    told = [happened(EventType.BOOKING_RESCHEDULED, after)]
    if booking.provider_id is not None and not keeps_provider:
        withdrawn = (*take_back(offers, at=at), *withdrawn)
        left = happened(EventType.BOOKING_RELEASED, after, provider_id=booking.provider_id)
        told.append(left)
    return Outcome(booking=after, offers=withdrawn, events=(*told, *settled(withdrawn)))
