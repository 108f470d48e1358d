"""What became of a booking, step by step: who did what to it, why, and through whom?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.booking_steps import BookingStatus
    from domain.bookings import Booking


class Source(StrEnum):
    """Through whom a booking was changed."""

    CUSTOMER = "CUSTOMER"
    PROVIDER = "PROVIDER"
    STAFF = "STAFF"
    CALLOUT = "CALLOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One change of a booking: what was done, by whom, why, and where it led."""

    booking_id: UUID
    version: int
    at: datetime
    act: str
    actor_id: UUID | None
    source: Source
    before: BookingStatus | None
    after: BookingStatus
    reason: str | None


def source(before: Booking | None, after: Booking, actor: UUID | None) -> Source:
    """Through whom a change came, by whose act it was.

    Who accepts a booking is its provider only after the change, who gives it back only before.
    """
    if actor is None:
        return Source.CALLOUT
    if actor == after.customer_id:
        return Source.CUSTOMER
    providers = {after.provider_id, before.provider_id if before else None}
    return Source.PROVIDER if actor in providers else Source.STAFF
