"""How is a slot kept for a customer while they check out, or until they take what they waited for?

A hold keeps one provider's time, like a booking does, but only until it expires. The expiry in its
row is the truth: an expired hold that nobody has swept yet keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.events import Event, EventType
from domain.refusals import Refusal

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.people import Viewer
    from domain.places import Address


class HoldEnding(StrEnum):
    """How a hold ended."""

    BOOKED = "BOOKED"
    RELEASED = "RELEASED"
    REPLACED = "REPLACED"
    EXPIRED = "EXPIRED"


class HoldExpired(Refusal):
    """The hold keeps the slot no longer."""

    def __init__(self) -> None:
        super().__init__("This hold is over. Choose a slot again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One provider's time kept for one customer and one service, until it expires."""

    id: UUID
    customer_id: UUID
    service_id: UUID
    provider_id: UUID
    starts_at: datetime
    ends_at: datetime
    address: Address
    #: The place in the waitlist that it was granted to, if it was.
    waitlist_entry_id: UUID | None = None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    ending: HoldEnding | None = None

    def is_open(self, at: datetime) -> bool:
        """Does it keep the slot?"""
        return self.ended_at is None and at < self.expires_at

    def has_lapsed(self, at: datetime) -> bool:
        """Has its time passed without anyone having said so yet?"""
        return self.ended_at is None and at >= self.expires_at

    def is_for(self, address: Address) -> bool:
        """Was it made for work in this district? Elsewhere other rules and other ways count."""
        here, there = self.address, address
        return (here.country, here.outward_code) == (there.country, there.outward_code)

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it the viewer's own, or is the viewer staff?"""
        return viewer.is_staff or viewer.user_id == self.customer_id


def end(hold: Hold, ending: HoldEnding, *, at: datetime) -> Hold:
    """The hold, ended. Raises HoldExpired when it has ended, or its time has passed before."""
    if hold.ended_at is not None or (ending is HoldEnding.BOOKED and not hold.is_open(at)):
        raise HoldExpired
    return replace(hold, ended_at=at, ending=ending)


def held(type_: EventType, hold: Hold) -> Event:
    """The event that says something about a hold."""
    return Event(
        type=type_,
        subject={"hold": hold.id, "provider": hold.provider_id, "customer": hold.customer_id},
    )
