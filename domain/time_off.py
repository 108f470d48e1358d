"""When is a provider away, whatever their hours say?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.hours import utc
from domain.refusals import FieldError, InvalidInput, wrong_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from domain.hours import Span
    from domain.people import Viewer

MAX_REASON: Final = 500
LONGEST: Final = timedelta(days=366)
#: So many stretches of time off may lie ahead of one provider.
MAX_AHEAD: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOff:
    """A stretch of time for which a provider is away. It takes effect at once."""

    id: UUID
    provider_id: UUID
    starts_at: datetime
    ends_at: datetime
    #: For the provider and the house only.
    reason: str = ""
    requested_at: datetime
    requested_by: UUID
    cancelled_at: datetime | None = None

    @property
    def span(self) -> Span:
        """From its start to its end, in UTC."""
        return utc(self.starts_at), utc(self.ends_at)

    def is_visible_to(self, viewer: Viewer) -> bool:
        """May the viewer see it? Nobody but the provider and staff may."""
        return viewer.is_staff or viewer.user_id == self.provider_id


def take(asked: TimeOff, ahead: Sequence[TimeOff], *, at: datetime) -> TimeOff:
    """The time off that was asked for, or the same that was asked for before.

    `ahead` is the provider's other time off that is not over. Raises InvalidInput with every wrong
    field.
    """
    check(asked, at=at)
    for other in ahead:
        if (other.span, other.reason) == (asked.span, asked.reason):
            return other
    if len(ahead) >= MAX_AHEAD:
        message = f"{MAX_AHEAD} stretches of time off lie ahead; cancel one of them first."
        raise InvalidInput(FieldError(path=("startsAt",), message=message))
    return asked


def check(asked: TimeOff, *, at: datetime) -> None:
    """Can this be taken at all? Raises InvalidInput with every wrong field."""
    if wrong := _wrong_fields(asked, at):
        raise InvalidInput(*wrong)


def cancel(time_off: TimeOff, *, at: datetime) -> TimeOff:
    """Be there after all. Cancelling twice is the same as once."""
    return time_off if time_off.cancelled_at else replace(time_off, cancelled_at=at)


def _wrong_fields(asked: TimeOff, at: datetime) -> tuple[FieldError, ...]:
    start, end = asked.span
    if end <= start:
        errors = [FieldError(path=("endsAt",), message="End later than you start.")]
    elif end <= utc(at):
        errors = [FieldError(path=("endsAt",), message="This is over; end in the future.")]
    elif end - start > LONGEST:
        message = f"Take at most {LONGEST.days} days at a time."
        errors = [FieldError(path=("endsAt",), message=message)]
    else:
        errors = []
    return (*errors, *wrong_text(("reason",), asked.reason, 0, MAX_REASON))
