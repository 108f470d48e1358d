"""What happened, and what does a listener need to know to look it up?

An event is a fact in the past tense. It carries ids only; whoever hears of it re-reads the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class EventType(StrEnum):
    """Every kind of event there is."""

    BOOKING_REQUESTED = "booking.requested"
    BOOKING_APPROVED = "booking.approved"
    BOOKING_DECLINED = "booking.declined"
    BOOKING_PAID = "booking.paid"
    BOOKING_ASSIGNED = "booking.assigned"
    BOOKING_TERMS_ACCEPTED = "booking.terms_accepted"
    BOOKING_EDITED = "booking.edited"
    BOOKING_RELEASED = "booking.released"
    BOOKING_RESCHEDULED = "booking.rescheduled"
    BOOKING_PREFERRED_LAPSED = "booking.preferred_lapsed"
    BOOKING_NO_SHOW = "booking.no_show"
    BOOKING_STARTED = "booking.started"
    BOOKING_COMPLETED = "booking.completed"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_RUNNING_LATE = "booking.running_late"
    BOOKING_UNFILLED = "booking.unfilled"
    BOOKING_SEARCH_ENDED = "booking.search_ended"
    BOOKING_REVIEWED = "booking.reviewed"
    BOOKING_RESTORED = "booking.restored"
    OFFER_OFFERED = "offer.offered"
    OFFER_ACCEPTED = "offer.accepted"
    OFFER_REJECTED = "offer.rejected"
    OFFER_EXPIRED = "offer.expired"
    OFFER_RESCINDED = "offer.rescinded"
    OFFER_REMINDED = "offer.reminded"
    SEARCH_PLACE_FREED = "search.place_freed"
    SLOT_HELD = "slot.held"
    SLOT_FREED = "slot.freed"
    WAITLIST_JOINED = "waitlist.joined"
    WAITLIST_GRANTED = "waitlist.granted"
    WAITLIST_TAKEN = "waitlist.taken"
    WAITLIST_LAPSED = "waitlist.lapsed"
    WAITLIST_LEFT = "waitlist.left"
    SERIES_CREATED = "series.created"
    SERIES_CHANGED = "series.changed"
    SERIES_ENDED = "series.ended"
    SERIES_OCCURRENCE_CONFLICT = "series.occurrence_conflict"
    PROVIDER_CLOCKED_IN = "provider.clocked_in"
    PROVIDER_CLOCKED_OUT = "provider.clocked_out"
    PROVIDER_PRESENCE_CHANGED = "provider.presence_changed"
    PROVIDER_AVAILABILITY_CHANGED = "provider.availability_changed"
    PROVIDER_PROFILE_CHANGED = "provider.profile_changed"
    PROVIDER_APPROVED = "provider.approved"
    PROVIDER_SUSPENDED = "provider.suspended"
    PROVIDER_REINSTATED = "provider.reinstated"
    PAYMENT_REPORTED = "payment.reported"
    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_MISMATCHED = "payment.mismatched"
    REFUND_CREATED = "refund.created"
    REFUND_DONE = "refund.done"
    REFUND_FAILED = "refund.failed"
    REFUND_MISMATCHED = "refund.mismatched"
    CREDIT_GRANTED = "credit.granted"
    PAYOUT_CREATED = "payout.created"
    PAYOUT_RETRIED = "payout.retried"
    PAYOUT_PAID = "payout.paid"
    PAYOUT_FAILED = "payout.failed"
    NOTIFICATION_CREATED = "notification.created"
    NOTIFICATION_READ = "notification.read"
    SESSION_REVOKED = "session.revoked"
    JOB_REPLAYED = "job.replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact as the change that made it true records it, before it has an identity."""

    type: EventType
    #: Ids (and nothing else) of what it is about: booking, offer, provider, customer, user …
    subject: dict[str, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent(Event):
    """A fact as the outbox keeps it."""

    id: UUID
    occurred_at: datetime
    #: Gap-free delivery order; None until the relay has assigned it.
    seq: int | None = None
