"""What kinds of things are said of bookings? Declared here, before any type or input uses them."""

from __future__ import annotations

from api.enums import describe
from domain.booking_rules import BookingRule
from domain.booking_steps import BookingStatus
from domain.bookings import BookingKind, Party
from domain.history import Source
from domain.matching import HardRule
from domain.queue import QueuePriority

__all__ = [
    "BookingKind",
    "BookingRule",
    "BookingStatus",
    "HardRule",
    "Party",
    "QueuePriority",
    "Source",
]

describe(
    BookingKind,
    "When the customer wants the work.",
    IMMEDIATE="As soon as possible: only providers on shift are asked.",
    SCHEDULED="At a time of their choice.",
)
describe(
    BookingStatus,
    "Where a booking stands.",
    AWAITING_APPROVAL="Waits for a dispatcher's yes.",
    PENDING="Not both staffed and paid; may already have a provider.",
    PAID="Paid, or nothing to pay; no provider yet.",
    CONFIRMED="Has a provider and is paid.",
    IN_PROGRESS="The provider has started.",
    COMPLETED="The work is done.",
    CANCELLED="Called off.",
    DECLINED="Not approved.",
    NO_SHOW="Somebody did not turn up.",
)
describe(
    QueuePriority,
    "How soon a booking wants somebody.",
    HIGH="As soon as possible: IMMEDIATE ones.",
    NORMAL="At its own time.",
)
describe(
    Party,
    "One of the two who meet.",
    CUSTOMER="Who booked the work.",
    PROVIDER="Who does it.",
)
describe(
    Source,
    "Through whom a booking was changed.",
    CUSTOMER="Its customer.",
    PROVIDER="Its provider.",
    STAFF="The house.",
    CALLOUT="Nobody: its time had come.",
)
describe(
    BookingRule,
    "A rule about when a booking may be made, moved or called off.",
    PAST="The start has passed.",
    SAME_DAY="The service is not booked for the same day, or not any more today.",
    NOTICE_TOO_SHORT="The start is too soon.",
    TOO_FAR_AHEAD="The start is further ahead than bookings are taken.",
    OFF_GRID="Starts lie whole intervals after local midnight.",
    OUTSIDE_HOURS="Not the whole visit lies in the provider's working hours.",
    HOLIDAY="The house is closed on that day.",
    TIME_OFF="The provider has time off then.",
    BUFFER="Too near to the provider's other work: buffers, and the way there.",
    DAILY_CAP="The provider takes no more work on that day.",
    CAPACITY="The service is fully booked at that time in that area.",
    CUSTOMER_LIMIT="The customer has as many unfinished bookings as one may have.",
    SLOT_TAKEN="The provider's time is taken.",
    NONEXISTENT_LOCAL_TIME="Clocks skip this wall time; `earliest` is the next that exists.",
    AMBIGUOUS_LOCAL_TIME="Clocks show this wall time twice: at `earliest` and at `latest`.",
    RESCHEDULE_TOO_LATE="Too late for the customer to move it.",
    RESCHEDULE_LIMIT="Moved as often as a booking may be.",
    CANCEL_TOO_LATE="Too late for the customer to call it off.",
)
describe(
    HardRule,
    "What a provider must satisfy to be given a booking.",
    APPROVED="Approved by the house and not suspended.",
    PROFILE_80="The profile is complete to 80 %.",
    CERTIFICATION="Holds the certifications that the service asks for, on the day of the work.",
    SERVICE="Offers the service.",
    SKILLS="Has every skill that the service asks for.",
    BRAND="Is a specialist of the brand that is requested, if one is.",
    RADIUS="The place is within reach.",
    HOURS="The whole window lies in working hours.",
    TIME_OFF="No time off touches the window.",
    FREE="No other work touches the window, nor comes too near.",
    DAILY_CAP="Takes more work on that day.",
    NOT_REJECTED="Has neither said no to this booking nor given it back.",
    NOT_BLOCKED="Is not kept from meeting this customer.",
    ON_SHIFT="Is on shift; asked of immediate work.",
    HEARTBEAT="Has been heard from lately; asked of immediate work.",
)
