"""Where may a booking stand, and what may be done to it there?

Every legal step is in one table; a missing pair is an error, and nothing else compares statuses.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from domain.refusals import Refusal

if TYPE_CHECKING:
    from domain.bookings import Booking


class BookingStatus(StrEnum):
    """Where a booking stands. Computed from its facts, in one place."""

    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    PENDING = "PENDING"
    PAID = "PAID"
    CONFIRMED = "CONFIRMED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    DECLINED = "DECLINED"
    NO_SHOW = "NO_SHOW"


class Act(StrEnum):
    """What can be done to a booking."""

    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    ASSIGN = "ASSIGN"
    PAY = "PAY"
    ACCEPT_TERMS = "ACCEPT_TERMS"
    EDIT = "EDIT"
    REASSIGN = "REASSIGN"
    RELEASE = "RELEASE"
    RESCHEDULE = "RESCHEDULE"
    REPORT_LATE = "REPORT_LATE"
    START = "START"
    COMPLETE = "COMPLETE"
    CANCEL = "CANCEL"
    REPORT_NO_SHOW = "REPORT_NO_SHOW"
    RESTORE = "RESTORE"


#: Every legal step: where an act may leave a booking that stands so.
STEPS: Final[dict[BookingStatus, dict[Act, frozenset[BookingStatus]]]] = {
    BookingStatus.AWAITING_APPROVAL: {
        Act.APPROVE: frozenset(
            {BookingStatus.PENDING, BookingStatus.PAID, BookingStatus.CONFIRMED}
        ),
        Act.DECLINE: frozenset({BookingStatus.DECLINED}),
        Act.PAY: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.EDIT: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.REASSIGN: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.RELEASE: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.RESCHEDULE: frozenset({BookingStatus.AWAITING_APPROVAL}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
    },
    BookingStatus.PENDING: {
        Act.ASSIGN: frozenset({BookingStatus.PENDING}),
        Act.REASSIGN: frozenset({BookingStatus.PENDING}),
        Act.RELEASE: frozenset({BookingStatus.PENDING}),
        Act.PAY: frozenset({BookingStatus.PAID, BookingStatus.CONFIRMED}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.PENDING}),
        Act.EDIT: frozenset({BookingStatus.PENDING}),
        Act.RESCHEDULE: frozenset({BookingStatus.PENDING}),
        Act.REPORT_LATE: frozenset({BookingStatus.PENDING}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
        Act.REPORT_NO_SHOW: frozenset({BookingStatus.NO_SHOW}),
    },
    BookingStatus.PAID: {
        Act.ASSIGN: frozenset({BookingStatus.CONFIRMED}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.PAID}),
        Act.EDIT: frozenset({BookingStatus.PAID}),
        Act.RESCHEDULE: frozenset({BookingStatus.PAID}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
    },
    BookingStatus.CONFIRMED: {
        Act.REASSIGN: frozenset({BookingStatus.CONFIRMED}),
        Act.RELEASE: frozenset({BookingStatus.PAID}),
        Act.ACCEPT_TERMS: frozenset({BookingStatus.CONFIRMED}),
        Act.EDIT: frozenset({BookingStatus.CONFIRMED}),
        Act.RESCHEDULE: frozenset({BookingStatus.CONFIRMED, BookingStatus.PAID}),
        Act.REPORT_LATE: frozenset({BookingStatus.CONFIRMED}),
        Act.START: frozenset({BookingStatus.IN_PROGRESS}),
        Act.CANCEL: frozenset({BookingStatus.CANCELLED}),
        Act.REPORT_NO_SHOW: frozenset({BookingStatus.NO_SHOW}),
    },
    BookingStatus.IN_PROGRESS: {
        Act.COMPLETE: frozenset({BookingStatus.COMPLETED}),
        # Begun by the clock, or at a door that nobody opened.
        Act.REPORT_NO_SHOW: frozenset({BookingStatus.NO_SHOW}),
    },
    BookingStatus.COMPLETED: {},
    # Called off for want of a payment, which has come after all.
    BookingStatus.CANCELLED: {Act.RESTORE: frozenset({BookingStatus.CONFIRMED})},
    BookingStatus.DECLINED: {},
    BookingStatus.NO_SHOW: {},
}

#: Where a booking without a provider waits for one.
OPEN_TO_OFFERS: Final = frozenset(status for status, acts in STEPS.items() if Act.ASSIGN in acts)

#: Where something can still become of a booking: it counts against what a customer may have ahead
#: of them, and against what its service can take at one time. One that may be brought back is over
#: until it is.
UNFINISHED: Final = frozenset(s for s, acts in STEPS.items() if acts.keys() - {Act.RESTORE})

#: A job that is done early gives the rest of its window back at once.
FREES_TIME: Final = frozenset(
    {
        BookingStatus.COMPLETED,
        BookingStatus.CANCELLED,
        BookingStatus.DECLINED,
        BookingStatus.NO_SHOW,
    }
)

_PHRASE: Final = {
    Act.APPROVE: "Approving",
    Act.DECLINE: "Declining",
    Act.ASSIGN: "Assigning a provider",
    Act.PAY: "Paying",
    Act.ACCEPT_TERMS: "Accepting terms",
    Act.EDIT: "Changing the details",
    Act.REASSIGN: "Giving it to another provider",
    Act.RELEASE: "Releasing the provider",
    Act.RESCHEDULE: "Moving",
    Act.REPORT_LATE: "Reporting a delay",
    Act.START: "Starting",
    Act.COMPLETE: "Completing",
    Act.CANCEL: "Cancelling",
    Act.REPORT_NO_SHOW: "Reporting a no-show",
    Act.RESTORE: "Bringing it back",
}


class WrongStatus(Refusal):
    """The booking stands where this act is not possible."""

    def __init__(self, act: Act, status: BookingStatus, message: str | None = None) -> None:
        usual = f"{_PHRASE[act]} is not possible while the booking is {status}."
        super().__init__(message or usual)
        self.act = act
        self.status = status


def step(booking: Booking, act: Act, **facts: Any) -> Booking:
    """The booking after `act` made `facts` true. Raises WrongStatus when the table forbids it."""
    legal = STEPS[booking.status].get(act)
    if legal is None:
        raise WrongStatus(act, booking.status)
    after = replace(booking, version=booking.version + 1, **facts)
    if after.status not in legal:
        raise WrongStatus(act, booking.status)
    # What is not open to offers any more is given to nobody either.
    return after if after.is_open_to_offers else replace(after, auto_due_at=None)
