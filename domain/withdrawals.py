"""How does a provider get out of a booking that they have?

It is taken from them and offered to others at once, and they are never asked for it again. It costs
nobody anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.assignments import release
from domain.booking_steps import STEPS, Act, WrongStatus
from domain.offers import Outcome
from domain.refusals import NotFound, check_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking
    from domain.offers import JobOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A provider is out of a booking that they had, for good."""

    booking_id: UUID
    provider_id: UUID
    #: In the provider's words; of an illness nobody but they and the house may read.
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedBack:
    """What giving a booking back changes: write all of it, or nothing."""

    outcome: Outcome
    withdrawal: Withdrawal


class TooLateToHandBack(WrongStatus):
    """The window has begun: nobody else could be found, and the customer is waiting."""

    def __init__(self, booking: Booking) -> None:
        message = "The work should have begun, so it cannot be given back any more; ring the house."
        super().__init__(Act.RELEASE, booking.status, message)


def hand_back(
    booking: Booking,
    offers: Sequence[JobOffer],
    *,
    by: UUID,
    reason: str,
    earlier: Withdrawal | None,
    at: datetime,
) -> HandedBack:
    """Take the booking from the provider `by`, who gives it back before its window begins.

    `earlier` is their withdrawal from it, if there is one: giving back again what one has no longer
    changes nothing and succeeds, since the first reply may have been lost. Raises NotFound,
    InvalidInput, WrongStatus or, being one, TooLateToHandBack.
    """
    if booking.provider_id != by:
        if earlier is None:
            raise NotFound("Booking")
        return HandedBack(outcome=Outcome(booking=booking), withdrawal=earlier)
    check_sizes(reason=(reason, 1, 500))
    if Act.RELEASE in STEPS[booking.status] and at >= booking.starts_at:
        raise TooLateToHandBack(booking)
    return withdraw(booking, offers, by=by, reason=reason, at=at)


def withdraw(
    booking: Booking, offers: Sequence[JobOffer], *, by: UUID, reason: str, at: datetime
) -> HandedBack:
    """Take the booking from its provider `by`, and search for another. Raises WrongStatus."""
    left = Withdrawal(booking_id=booking.id, provider_id=by, reason=reason, at=at)
    return HandedBack(outcome=release(booking, offers, at=at), withdrawal=left)
