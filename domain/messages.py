"""What do we tell people, and how?"""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """A way to reach somebody who is not looking at the app."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    PUSH = "PUSH"


class Category(StrEnum):
    """What a message is about; preferences are given by it."""

    #: One's own bookings, as customer or as provider.
    BOOKINGS = "BOOKINGS"
    #: Work that is offered to a provider.
    OFFERS = "OFFERS"
    REMINDERS = "REMINDERS"
    #: Receipts, refunds and payouts.
    MONEY = "MONEY"
    #: Invitations to review, and slots for those who wait: nothing that anybody needs.
    SUGGESTIONS = "SUGGESTIONS"
    #: For those who run the house.
    OPERATIONS = "OPERATIONS"


class Message(StrEnum):
    """Everything we say to people (product.md, N2)."""

    BOOKING_REQUESTED = "BOOKING_REQUESTED"
    #: The house has said yes; somebody is looked for now.
    BOOKING_APPROVED = "BOOKING_APPROVED"
    PROVIDER_ASSIGNED = "PROVIDER_ASSIGNED"
    #: To the provider who got the work.
    JOB_ASSIGNED = "JOB_ASSIGNED"
    BOOKING_CONFIRMED = "BOOKING_CONFIRMED"
    BOOKING_DECLINED = "BOOKING_DECLINED"
    BOOKING_RESCHEDULED = "BOOKING_RESCHEDULED"
    BOOKING_CANCELLED = "BOOKING_CANCELLED"
    #: To the provider who had the work.
    JOB_CANCELLED = "JOB_CANCELLED"
    #: The provider does not come after all; somebody else is looked for.
    PROVIDER_LEFT = "PROVIDER_LEFT"
    #: The provider whom the customer wished for did not take it; others are asked.
    PREFERRED_LAPSED = "PREFERRED_LAPSED"
    #: Nobody was found.
    SEARCH_ENDED = "SEARCH_ENDED"
    BOOKING_UNFILLED = "BOOKING_UNFILLED"
    PAYMENT_REMINDER = "PAYMENT_REMINDER"
    PAYMENT_RECEIPT = "PAYMENT_RECEIPT"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    #: To staff: a payment of another sum than was asked for.
    PAYMENT_MISMATCHED = "PAYMENT_MISMATCHED"
    REFUND_SENT = "REFUND_SENT"
    REFUND_FAILED = "REFUND_FAILED"
    #: To staff: more was given back at the gateway than there was to give back.
    REFUND_MISMATCHED = "REFUND_MISMATCHED"
    #: The house has given its customer credit.
    CREDIT_GRANTED = "CREDIT_GRANTED"
    #: A day before the work, and an hour before it, to both who meet.
    BOOKING_REMINDER = "BOOKING_REMINDER"
    STARTING_SOON = "STARTING_SOON"
    PROVIDER_LATE = "PROVIDER_LATE"
    NO_SHOW = "NO_SHOW"
    COMPLETED = "COMPLETED"
    WAITLIST_GRANT = "WAITLIST_GRANT"
    SERIES_CONFLICT = "SERIES_CONFLICT"
    OFFER = "OFFER"
    PAYOUT_SENT = "PAYOUT_SENT"
    PAYOUT_FAILED = "PAYOUT_FAILED"


class ReminderKind(StrEnum):
    """What somebody is reminded of."""

    PAYMENT = "PAYMENT"
    #: A day, and an hour, before the work.
    DAY_BEFORE = "DAY_BEFORE"
    HOUR_BEFORE = "HOUR_BEFORE"


class DeliveryStatus(StrEnum):
    """Where a message stands on one channel."""

    WAITING = "WAITING"
    SENT = "SENT"
    #: It could not be delivered, however often it was tried; a dead letter says why.
    FAILED = "FAILED"
    #: There was nothing to send any more: what it was about had changed.
    DROPPED = "DROPPED"


class Platform(StrEnum):
    """What a device that takes push messages runs."""

    ANDROID = "ANDROID"
    IOS = "IOS"
    WEB = "WEB"
