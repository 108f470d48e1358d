"""Is a provider at work, and can we reach them?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from domain.refusals import Refusal, check_sizes

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.people import Viewer

#: A heartbeat older than this is stale: the provider is AWAY and gets no immediate work.
HEARTBEAT_FRESH: Final = timedelta(seconds=90)


class Presence(StrEnum):
    """Whether a provider can be reached. Derived, never stored."""

    OFFLINE = "OFFLINE"
    AWAY = "AWAY"
    BUSY = "BUSY"
    ONLINE = "ONLINE"


class AlreadyOnShift(Refusal):
    """A shift is open already; there is never a second one."""

    def __init__(self, shift: Shift) -> None:
        super().__init__("You are on shift already. Clock out before you clock in again.")
        self.shift = shift


class NotOnShift(Refusal):
    """There is no open shift."""

    def __init__(self) -> None:
        super().__init__("You are not on shift. Clock in first.")


class WorkInProgress(Refusal):
    """A provider in the middle of a job cannot go off shift."""

    def __init__(self, booking_id: UUID) -> None:
        super().__init__("You have work in progress. Complete it before you clock out.")
        self.booking_id = booking_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """From clock-in to clock-out."""

    id: UUID
    provider_id: UUID
    started_at: datetime
    ended_at: datetime | None = None
    heartbeat_at: datetime
    away_announced_at: datetime | None = None
    place: str = ""
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Is the provider on shift?"""
        return self.ended_at is None

    def is_visible_to(self, viewer: Viewer) -> bool:
        """Is it the viewer's own, or is the viewer staff?"""
        return viewer.is_staff or viewer.user_id == self.provider_id

    def is_fresh(self, at: datetime) -> bool:
        """Has the provider's device been heard from lately?"""
        return at - self.heartbeat_at <= HEARTBEAT_FRESH


def presence(shift: Shift | None, *, busy: bool, at: datetime) -> Presence:
    """Whether a provider can be reached, from the open shift and whether work is in progress."""
    if shift is None or not shift.is_open:
        return Presence.OFFLINE
    if busy:
        return Presence.BUSY
    return Presence.ONLINE if shift.is_fresh(at) else Presence.AWAY


def clock_in(*, shift_id: UUID, provider_id: UUID, place: str, note: str, at: datetime) -> Shift:
    """A new open shift. Raises InvalidInput."""
    _check_words(place=place, note=note)
    return Shift(
        id=shift_id,
        provider_id=provider_id,
        started_at=at,
        heartbeat_at=at,
        place=place,
        note=note,
    )


def clock_out(
    shift: Shift | None, *, working_on: UUID | None, note: str | None, at: datetime
) -> Shift:
    """End the open shift. Raises InvalidInput, NotOnShift, or WorkInProgress with the booking."""
    if shift is None:
        raise NotOnShift
    if working_on is not None:
        raise WorkInProgress(working_on)
    note = shift.note if note is None else note
    _check_words(note=note)
    return replace(shift, ended_at=at, note=note)


def beat(shift: Shift | None, *, place: str | None, at: datetime) -> Shift:
    """Note that the provider's device was heard from. Raises NotOnShift or InvalidInput."""
    if shift is None:
        raise NotOnShift
    place = shift.place if place is None else place
    _check_words(place=place)
    return replace(shift, heartbeat_at=at, away_announced_at=None, place=place)


def _check_words(*, place: str = "", note: str = "") -> None:
    check_sizes(place=(place, 0, 200), note=(note, 0, 500))
