"""How much has a provider been on shift and at work, and how have they answered offers?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.hours import utc
from domain.people import STAFF, Role, whose
from domain.refusals import FieldError, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from domain.people import Viewer

LONGEST: Final = timedelta(days=366)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftStatistics:
    """What a provider did in a period, its start included and its end not."""

    provider_id: UUID
    starts_at: datetime
    ends_at: datetime
    #: Shifts that touch it; of each shift and each job only the part within it is counted as time.
    shifts: int
    on_shift: timedelta
    at_work: timedelta
    jobs_completed: int
    #: Offers made in it, by what has become of them.
    offers_received: int
    offers_accepted: int
    offers_rejected: int
    offers_expired: int
    #: Half of those that were answered were answered sooner.
    median_response: timedelta | None

    @property
    def minutes_on_shift(self) -> int:
        """Time on shift in whole minutes."""
        return self.on_shift // _MINUTE

    @property
    def minutes_at_work(self) -> int:
        """Time at work in whole minutes."""
        return self.at_work // _MINUTE

    @property
    def acceptance_rate(self) -> float | None:
        """The part accepted of the offers that were theirs to settle: those that were withdrawn
        before, or are open, do not count. None without any."""
        settled = self.offers_accepted + self.offers_rejected + self.offers_expired
        return self.offers_accepted / settled if settled else None

    @property
    def median_response_seconds(self) -> float | None:
        """How soon they answer, in seconds; None where they have answered nothing."""
        return None if self.median_response is None else self.median_response.total_seconds()


def of_whom(viewer: Viewer, provider_id: UUID | None) -> UUID:
    """Whose statistics the viewer reads: a provider their own, staff and analysts anybody's.

    Raises NotFound for somebody else's, or InvalidInput where those do not say whose.
    """
    return whose(viewer, provider_id, open_to={*STAFF, Role.ANALYST})


def check_period(starts_at: datetime, ends_at: datetime) -> None:
    """Is this a period that can be counted? Raises InvalidInput."""
    length = utc(ends_at) - utc(starts_at)
    if length <= timedelta():
        raise InvalidInput(FieldError(path=("to",), message="End later than you start."))
    if length > LONGEST:
        message = f"Ask for at most {LONGEST.days} days at a time."
        raise InvalidInput(FieldError(path=("to",), message=message))
