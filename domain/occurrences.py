"""What became of one visit of a series, and what stands in its way?

An occurrence is known by its series and the wall time that the rule gives it. Its booking may be
moved; the occurrence stays the same one, so that it neither comes twice nor drags the others along.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.booking_rules import BookingRule, BrokenRule, RulesBroken
from domain.booking_steps import WrongStatus
from domain.bookings import SlotTaken
from domain.cancellations import FeeChanged
from domain.providers import ProviderNotEligible
from domain.refusals import NotFound, Refusal
from domain.requests import ServiceInactive
from domain.slots import NobodyFree

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.bookings import Booking


class OccurrenceState(StrEnum):
    """What became of an occurrence."""

    BOOKED = "BOOKED"
    SKIPPED = "SKIPPED"
    CONFLICT = "CONFLICT"


class OccurrenceConflictCode(StrEnum):
    """Why an occurrence could not be made, moved or called off."""

    RULES_BROKEN = "RULES_BROKEN"
    SLOT_TAKEN = "SLOT_TAKEN"
    PROVIDER_NOT_ELIGIBLE = "PROVIDER_NOT_ELIGIBLE"
    NOBODY_FREE = "NOBODY_FREE"
    SERVICE_INACTIVE = "SERVICE_INACTIVE"
    WRONG_STATUS = "WRONG_STATUS"
    FEE_DUE = "FEE_DUE"
    NOT_FOUND = "NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why it could not be done, and starts at which it could."""

    code: OccurrenceConflictCode
    message: str
    broken: tuple[BrokenRule, ...] = ()
    alternatives: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One visit of a series, as it is kept."""

    series_id: UUID
    #: A naive wall time in the series' zone.
    original_start: datetime
    state: OccurrenceState
    booking_id: UUID | None = None
    conflict: Conflict | None = None
    noted_at: datetime


class OccurrenceOutcome(StrEnum):
    """What an act on a series did to one occurrence, or would have done."""

    BOOKED = "BOOKED"
    MOVED = "MOVED"
    CHANGED = "CHANGED"
    KEPT = "KEPT"
    CALLED_OFF = "CALLED_OFF"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """What an act on a series did to one occurrence."""

    original_start: datetime
    outcome: OccurrenceOutcome
    #: Its start as an instant; None for a wall time that does not exist.
    starts_at: datetime | None
    booking: Booking | None = None
    conflict: Conflict | None = None

    @property
    def is_too_early(self) -> bool:
        """Is it only further ahead than its service is booked? Then its time will come."""
        broken = self.conflict.broken if self.conflict else ()
        return any(one.rule is BookingRule.TOO_FAR_AHEAD for one in broken)


class SeriesConflicts(Refusal):
    """Some occurrences cannot be as asked, so nothing was done. Carries a line for each one."""

    def __init__(self, report: tuple[ReportLine, ...]) -> None:
        clashes = sum(line.conflict is not None for line in report)
        super().__init__(
            f"{clashes} of {len(report)} occurrences cannot be as asked, so nothing was done. "
            "Choose other times, or allow the rest to be done without them."
        )
        self.report = report


_CODES: dict[type[Refusal], OccurrenceConflictCode] = {
    SlotTaken: OccurrenceConflictCode.SLOT_TAKEN,
    RulesBroken: OccurrenceConflictCode.RULES_BROKEN,
    ProviderNotEligible: OccurrenceConflictCode.PROVIDER_NOT_ELIGIBLE,
    NobodyFree: OccurrenceConflictCode.NOBODY_FREE,
    ServiceInactive: OccurrenceConflictCode.SERVICE_INACTIVE,
    WrongStatus: OccurrenceConflictCode.WRONG_STATUS,
    FeeChanged: OccurrenceConflictCode.FEE_DUE,
    NotFound: OccurrenceConflictCode.NOT_FOUND,
}


def conflict(refusal: Refusal) -> Conflict:
    """A refusal as what stands in an occurrence's way.

    Raises the refusal itself where it speaks of the whole request rather than of one time.
    """
    code = next((code for kind, code in _CODES.items() if isinstance(refusal, kind)), None)
    if code is None:
        raise refusal
    message = "This visit costs a fee to call off; call it off by itself, with its quote."
    return Conflict(
        code=code,
        message=message if code is OccurrenceConflictCode.FEE_DUE else str(refusal),
        broken=refusal.broken if isinstance(refusal, RulesBroken) else (),
        alternatives=_alternatives(refusal),
    )


def clash(
    original_start: datetime,
    starts_at: datetime | None,
    refusal: Refusal,
    *,
    booking: Booking | None = None,
) -> ReportLine:
    """The line for an occurrence that a refusal stands in the way of, with the booking as it is.

    Raises the refusal itself where it speaks of the whole request rather than of one time.
    """
    return ReportLine(
        original_start=original_start,
        outcome=OccurrenceOutcome.CONFLICT,
        starts_at=starts_at,
        booking=booking,
        conflict=conflict(refusal),
    )


def _alternatives(refusal: Refusal) -> tuple[datetime, ...]:
    if isinstance(refusal, RulesBroken | SlotTaken):
        return refusal.alternatives
    if isinstance(refusal, NobodyFree):
        return tuple(slot.starts_at for slot in refusal.ways_on.later_slots)
    return ()
