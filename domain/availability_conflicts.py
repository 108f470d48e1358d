"""Which of a provider's bookings does their availability speak against?

Nothing is dropped by a change of hours: a booking was promised to a customer. What no longer fits
is reported, for people to settle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.availability import unavailable
from domain.booking_steps import BookingStatus
from domain.refusals import VersionConflict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from domain.availability import Availability, DateOverride, TemporaryZone
    from domain.booking_rules import BrokenRule
    from domain.bookings import Booking
    from domain.hours import WeeklyInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAvailability:
    """All that a provider has said about when they work, and how often it has changed."""

    provider_id: UUID
    availability: Availability
    version: int

    @property
    def time_zone(self) -> str:
        """The IANA name of the zone that usually counts."""
        return self.availability.zone.key

    @property
    def weekly_hours(self) -> tuple[WeeklyInterval, ...]:
        """The usual week."""
        return self.availability.hours.intervals

    @property
    def date_overrides(self) -> tuple[DateOverride, ...]:
        """Days with other hours, earliest first."""
        return self.availability.overrides

    @property
    def temporary_zones(self) -> tuple[TemporaryZone, ...]:
        """Days by another zone's clock, earliest first."""
        return self.availability.zones

    @property
    def daily_cap(self) -> int:
        """At most so many jobs start on one local day."""
        return self.availability.daily_cap

    def check_version(self, expected: int | None) -> None:
        """Is it as the client has read it? None is not asked. Raises VersionConflict."""
        if expected is not None and expected != self.version:
            raise VersionConflict(self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A booking that its provider's availability speaks against."""

    booking: Booking
    broken: tuple[BrokenRule, ...]


def conflicts(
    availability: Availability, work: Iterable[Booking], *, at: datetime
) -> tuple[Conflict, ...]:
    """The provider's bookings ahead that the availability speaks against, in the order of starts.

    Where a day has more than the daily cap allows, the earliest stay within it. Work that has
    begun or is done counts towards the cap, and is past discussing.
    """
    theirs = sorted((one for one in work if _counts(one)), key=lambda one: one.starts_at)
    found = (
        Conflict(
            booking=booking,
            broken=unavailable(
                availability, [earlier.block for earlier in theirs[:number]], booking.block
            ),
        )
        for number, booking in enumerate(theirs)
        if booking.started_at is None and booking.ends_at > at
    )
    return tuple(conflict for conflict in found if conflict.broken)


def untenable(
    availability: Availability, work: Iterable[Booking], offered: Iterable[Booking]
) -> tuple[Booking, ...]:
    """What a provider was offered and could no longer take."""
    taken = [one.block for one in work if _counts(one)]
    return tuple(one for one in offered if unavailable(availability, taken, one.block))


def _counts(booking: Booking) -> bool:
    """Is it one of its provider's jobs of that day?"""
    return booking.takes_time or booking.status is BookingStatus.COMPLETED
