"""Who will be late, by how much, and which work after it is in danger then?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from domain.booking_steps import Act, step
from domain.bookings import Booking, happened
from domain.events import EventType
from domain.offers import Outcome
from domain.refusals import FieldError, InvalidInput, NotFound, TooEarly, wrong_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from domain.people import Viewer

MAX_MINUTES: Final = 240
#: Nobody is late yet this long before the start: who knows so early has the booking moved, or gives
#: it back.
KNOWN_BEFORE: Final = timedelta(hours=6)

#: What is true of a booking at another time, or with another provider.
NOT_LATE: Final[dict[str, None]] = {
    "late_minutes": None,
    "late_reason": None,
    "late_reported_at": None,
}


def report(booking: Booking, *, minutes: int, reason: str, by: Viewer, at: datetime) -> Outcome:
    """Note that the provider will begin so many minutes after the agreed start. What was said last
    counts; the same said again changes nothing.

    The provider says it until they begin, or staff for them. Raises NotFound, InvalidInput,
    WrongStatus or TooEarly.
    """
    if booking.provider_id is None or not (by.is_staff or by.user_id == booking.provider_id):
        raise NotFound("Booking")
    if wrong := tuple(_wrong_fields(minutes, reason)):
        raise InvalidInput(*wrong)
    late = step(
        booking, Act.REPORT_LATE, late_minutes=minutes, late_reason=reason, late_reported_at=at
    )
    possible_from = booking.starts_at - KNOWN_BEFORE
    if at < possible_from:
        raise TooEarly("It is too early to say that you will be late.", possible_from)
    if booking.starts_at + timedelta(minutes=minutes) <= at:
        message = "So long after the agreed start is past already; say when you will be there."
        raise InvalidInput(FieldError(path=("minutes",), message=message))
    if (booking.late_minutes, booking.late_reason) == (minutes, reason):
        return Outcome(booking=booking)
    return Outcome(booking=late, events=(happened(EventType.BOOKING_RUNNING_LATE, late),))


def _wrong_fields(minutes: int, reason: str) -> Iterator[FieldError]:
    yield from wrong_text(("reason",), reason, 0, 500)
    if not 1 <= minutes <= MAX_MINUTES:
        yield FieldError(path=("minutes",), message=f"Give 1 to {MAX_MINUTES} minutes.")


def said(minutes: int, reason: str) -> str:
    """A report of lateness in one line, for the history."""
    return f"{minutes} min: {reason}"[:500] if reason else f"{minutes} min"


def endangered(late: Booking, others: Iterable[Booking]) -> tuple[Booking, ...]:
    """The provider's later work that they cannot begin in time after a booking for which they are
    late, in the order of its starts: buffers and the way there count."""
    if late.lateness is None:
        return ()
    delay = late.lateness.expected_at - late.starts_at
    # From its own start on: who is four hours late has not done the next job in between.
    tied_up = replace(late.block, ends_at=late.ends_at + delay)
    after = (one for one in others if one.id != late.id and one.starts_at >= late.starts_at)
    near = (one for one in after if one.takes_time and one.block.is_too_near(tied_up))
    return tuple(sorted(near, key=lambda one: (one.starts_at, one.id)))
