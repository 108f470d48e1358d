"""What becomes of the work of a provider who cannot come?

In one act they are away for the stretch, all they have to do in it and have not begun is offered to
others, and who is ill now is off shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.booking_steps import STEPS, Act, BookingStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from domain.bookings import Booking
    from domain.time_off import TimeOff
    from domain.withdrawals import Withdrawal

#: What the history says, and customers read; why is the provider's and the house's business.
WORDS: Final = "The provider is unavailable."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailability:
    """What came of a report: the time off, what was given back for it, and what was not."""

    time_off: TimeOff
    #: Also those given back when the same was reported before.
    withdrawals: tuple[Withdrawal, ...]
    #: Work in the middle of which they are. It stays theirs until somebody settles it.
    kept: tuple[Booking, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A provider's bookings that touch a stretch and are not over, parted by what can be done."""

    given_back: tuple[Booking, ...]
    kept: tuple[Booking, ...]


def affected(work: Iterable[Booking], *, at: datetime) -> Affected:
    """Part the bookings that touch the stretch: who has not begun gives the work back.

    Also when its window has begun: the customer hears at once that nobody comes, and dispatchers
    find it in the queue. A window that is over is past giving back.
    """
    ahead = [one for one in work if one.ends_at > at]
    return Affected(
        given_back=tuple(one for one in ahead if Act.RELEASE in STEPS[one.status]),
        kept=tuple(one for one in ahead if one.status is BookingStatus.IN_PROGRESS),
    )


def has_begun(time_off: TimeOff, *, at: datetime) -> bool:
    """Are they away now?"""
    starts_at, ends_at = time_off.span
    return starts_at <= at < ends_at
