"""How is a booking given to a provider by hand, and how is it taken from one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.booking_steps import Act, WrongStatus, step
from domain.bookings import Booking, happened, search
from domain.events import EventType
from domain.lateness import NOT_LATE
from domain.offers import Outcome, rescind, settled, take_back

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.offers import JobOffer


def assign(
    booking: Booking, offers: Sequence[JobOffer], *, provider_id: UUID, at: datetime
) -> Outcome:
    """Give the booking to this provider, whoever had it before; its offers are withdrawn.

    Assigning it to its own provider changes nothing. Raises WrongStatus.
    """
    if booking.provider_id == provider_id:
        return Outcome(booking=booking)
    act = Act.ASSIGN if booking.provider_id is None else Act.REASSIGN
    assigned = step(
        booking,
        act,
        provider_id=provider_id,
        assigned_at=at,
        match_due_at=None,
        unfilled_at=None,
        **NOT_LATE,
    )
    withdrawn = (*take_back(offers, at=at), *rescind(offers, at=at))
    told = [happened(EventType.BOOKING_ASSIGNED, assigned), *settled(withdrawn)]
    if booking.provider_id is not None:
        released = happened(EventType.BOOKING_RELEASED, assigned, provider_id=booking.provider_id)
        told.insert(0, released)
    return Outcome(booking=assigned, offers=withdrawn, events=tuple(told))


def release(booking: Booking, offers: Sequence[JobOffer], *, at: datetime) -> Outcome:
    """Take the booking from its provider and search for another.

    Raises WrongStatus, also when nobody has it.
    """
    if booking.provider_id is None:
        raise WrongStatus(Act.RELEASE, booking.status)
    nobodys = step(booking, Act.RELEASE, provider_id=None, assigned_at=None, **NOT_LATE)
    left = search(nobodys, at=at)
    withdrawn = take_back(offers, at=at)
    told = happened(EventType.BOOKING_RELEASED, left, provider_id=booking.provider_id)
    return Outcome(booking=left, offers=withdrawn, events=(told, *settled(withdrawn)))
